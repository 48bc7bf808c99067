//! Reading a filter.

use std::collections::VecDeque;
use std::sync::Arc;
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
        }
    }

    /// The next message; waits for it. Asking for it says that the one before is dealt with, so
    /// that it can be acknowledged. An error if the client can do no more.
    pub fn recv(&mut self, token: &Token) -> Result<Option<Message>> {
        if let Some(message) = self.batch.pop_front() {
            token.check()?;
            return Ok(Some(self.hand_over(message)));
        }
        self.acknowledge();
        let batch = &mut self.batch;
        let reader = &self.reader;
        let taken = token.wait(None, || reader.take(batch, thread::current()))?;
        taken.unwrap_or(Ok(()))?;
        let message = self.batch.pop_front();
        Ok(message.map(|message| self.hand_over(message)))
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
            self.reader.give_back(&mut self.batch);
        }
        let commands = lock(&self.shared.inbox).remove_reader(&self.filter, &self.reader, keep);
        for command in commands {
            self.shared.command(command);
        }
    }
}
