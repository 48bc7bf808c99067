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
    /// What the query was given last, and what stops the query. It is dealt with when the query asks for
    /// more.
    in_hand: Option<(Message, Token)>,
    /// Of what the query has dealt with, not yet acknowledged.
    dealt_with: Vec<Arc<Receipt>>,
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
            in_hand: None,
            dealt_with: Vec::new(),
            receipts_at: Instant::now(),
        }
    }

    /// The next message; waits for it. Asking for it says that the one before is dealt with, so
    /// that it can be acknowledged. An error if the client can do no more.
    pub fn recv(&mut self, token: &Token) -> Result<Option<Message>> {
        self.put_down();
        if !self.batch.is_empty() {
            token.check()?;
            return Ok(self.hand_over(token));
        }
        self.acknowledge();
        let batch = &mut self.batch;
        let reader = &self.reader;
        let taken = token.wait(None, || reader.take(batch, thread::current()))?;
        taken.unwrap_or(Ok(()))?;
        Ok(self.hand_over(token))
    }

    fn hand_over(&mut self, token: &Token) -> Option<Message> {
        let mut message = self.batch.pop_front()?;
        if message.receipt.is_some() {
            self.in_hand = Some((message.clone(), token.clone()));
            message.receipt = None;
        }
        Some(message)
    }

    /// The query has dealt with the message that it has in hand.
    fn put_down(&mut self) {
        let in_hand = self.in_hand.take();
        let Some(receipt) = in_hand.and_then(|(message, _)| message.receipt) else {
            return;
        };
        let now = Instant::now();
        if self.dealt_with.len() >= RECEIPTS || now > self.receipts_at + RECEIPTS_EVERY {
            self.acknowledge();
            self.receipts_at = now;
        }
        self.dealt_with.push(receipt);
    }

    /// What the query has in hand, if it was stopped before it had dealt with it. One that ended by
    /// itself, as by `limit`, had.
    fn unfinished(&mut self) -> Option<Message> {
        let stopped = |(_, token): &mut (Message, Token)| token.is_stopped();
        let (message, _) = self.in_hand.take_if(stopped)?;
        Some(message)
    }

    fn acknowledge(&mut self) {
        self.dealt_with.clear();
    }
}

impl Drop for TopicSubscription {
    fn drop(&mut self) {
        // In a kept session, what the query did not deal with waits for the next one.
        let keep = !self.shared.options.clean_session;
        if keep {
            if let Some(message) = self.unfinished() {
                self.batch.push_front(message);
            }
            self.reader.give_back(&mut self.batch);
        }
        self.put_down();
        self.acknowledge();
        let commands = lock(&self.shared.inbox).remove_reader(&self.filter, &self.reader, keep);
        for command in commands {
            self.shared.command(command);
        }
    }
}
