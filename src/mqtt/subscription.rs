//! Reading a filter.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::client::Shared;
use super::inbox::{FilterReader, Message, Receipt};
use crate::text::diagnostic::Result;
use crate::text::wait::{Token, lock};

/// Receipts are given in groups: after so many, or when so much time has passed since the last.
const RECEIPTS: usize = 16;
const RECEIPTS_EVERY: Duration = Duration::from_millis(5);

/// One query's reading of a filter. Dropping it gives the broker's subscription up if nobody else
/// reads the filter.
pub struct TopicSubscription {
    shared: Arc<Shared>,
    filter: String,
    reader: Arc<FilterReader>,
    /// Taken from the queue, not yet by the query.
    batch: VecDeque<Message>,
    /// Taken by the query, not yet acknowledged.
    taken: Vec<Arc<Receipt>>,
    receipts_at: Instant,
    /// What the query has taken together.
    lent: Option<Lent>,
}

/// Messages that a query takes together.
#[derive(Clone)]
pub struct MessagesTaken {
    pub messages: Arc<Vec<Message>>,
    /// So many of them the query has begun with; it counts them itself.
    pub begun: Arc<AtomicUsize>,
}

/// Messages that a query has taken together, with what is to be acknowledged when it has dealt with them.
struct Lent {
    taken: MessagesTaken,
    receipts: Vec<Option<Arc<Receipt>>>,
}

impl Lent {
    /// The messages that the query has not begun with.
    fn left(self) -> Vec<Message> {
        let begun = self.taken.begun.load(Ordering::Relaxed);
        let messages = self.taken.messages.iter().zip(self.receipts);
        let left = messages.skip(begun).map(|(message, receipt)| {
            let mut message = message.clone();
            message.receipt = receipt;
            message
        });
        left.collect()
    }
}

impl TopicSubscription {
    pub(super) fn new(
        shared: Arc<Shared>,
        filter: &str,
        reader: Arc<FilterReader>,
    ) -> TopicSubscription {
        TopicSubscription {
            shared,
            filter: filter.to_owned(),
            reader,
            batch: VecDeque::new(),
            taken: Vec::new(),
            receipts_at: Instant::now(),
            lent: None,
        }
    }

    /// The next message; waits for it. Asking for it says that the one before is dealt with, so
    /// that it can be acknowledged. An error if the client can do no more.
    pub fn recv(&mut self, token: &Token) -> Result<Option<Message>> {
        self.lent = None;
        if let Some(message) = self.batch.pop_front() {
            token.check()?;
            return Ok(Some(self.hand_over(message)));
        }
        self.acknowledge();
        self.wait(token)?;
        let message = self.batch.pop_front();
        Ok(message.map(|message| self.hand_over(message)))
    }

    /// The messages that have come, `most` at the most; waits for the first. Asking for more says that
    /// those before are dealt with. At QoS 1 and 2 no more are given than are acknowledged at once.
    pub fn recv_many(&mut self, most: usize, token: &Token) -> Result<MessagesTaken> {
        self.lent = None;
        self.acknowledge();
        match self.batch.is_empty() {
            true => self.wait(token)?,
            false => token.check()?,
        }
        let mut messages = Vec::with_capacity(most.min(self.batch.len()));
        let mut receipts = Vec::new();
        while messages.len() < most
            && receipts.len() < RECEIPTS
            && let Some(mut message) = self.batch.pop_front()
        {
            if let Some(receipt) = message.receipt.take() {
                receipts.resize(messages.len(), None);
                receipts.push(Some(receipt));
            }
            messages.push(message);
        }
        receipts.resize(messages.len(), None);
        let taken = MessagesTaken {
            messages: Arc::new(messages),
            begun: Arc::default(),
        };
        self.lent = Some(Lent {
            taken: taken.clone(),
            receipts,
        });
        Ok(taken)
    }

    /// Waits until there is a message in the batch.
    fn wait(&mut self, token: &Token) -> Result<()> {
        let batch = &mut self.batch;
        let reader = &self.reader;
        let taken = token.wait(None, || reader.take(batch, thread::current()))?;
        taken.unwrap_or(Ok(()))
    }

    fn hand_over(&mut self, mut message: Message) -> Message {
        if let Some(receipt) = message.receipt.take() {
            let now = Instant::now();
            if self.taken.len() >= RECEIPTS || now > self.receipts_at + RECEIPTS_EVERY {
                self.acknowledge();
                self.receipts_at = now;
            }
            self.taken.push(receipt);
        }
        message
    }

    fn acknowledge(&mut self) {
        self.taken.clear();
    }
}

impl Drop for TopicSubscription {
    fn drop(&mut self) {
        self.acknowledge();
        // In a kept session, what the query did not take waits for the next one.
        let keep = !self.shared.options.clean_session;
        if keep {
            let lent = self.lent.take();
            let mut left: VecDeque<Message> = lent.into_iter().flat_map(Lent::left).collect();
            left.append(&mut self.batch);
            self.reader.give_back(&mut left);
        }
        let commands = lock(&self.shared.inbox).remove_reader(&self.filter, &self.reader, keep);
        for command in commands {
            self.shared.command(command);
        }
    }
}
