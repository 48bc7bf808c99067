//! Reading a filter.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;
use std::thread;

use super::client::Shared;
use super::filter_reader::FilterReader;
use super::in_hand::MessagesInHand;
use super::inbox::Message;
use crate::text::diagnostic::Result;
use crate::text::wait::{Token, lock};

/// One query's reading of a filter. Dropping it gives the broker's subscription up if nobody else
/// reads the filter.
pub struct TopicSubscription {
    shared: Arc<Shared>,
    filter: String,
    reader: Arc<FilterReader>,
    /// Taken from the queue, not yet by the query.
    batch: VecDeque<Message>,
    /// What the query was given last, or is given next.
    in_hand: Arc<MessagesInHand>,
    /// So many of these it was given. They are dealt with when it asks for more.
    given: usize,
    /// What stops the query that has something in hand that is to be acknowledged.
    token: Option<Token>,
}

/// Messages that a query is given together.
pub struct MessagesGiven {
    pub in_hand: Arc<MessagesInHand>,
    /// Which of those in hand.
    pub places: Range<usize>,
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
            in_hand: Arc::default(),
            given: 0,
            token: None,
        }
    }

    /// The next message; waits for it. Asking for it says that the one before is dealt with, so
    /// that it can be acknowledged. An error if the client can do no more.
    pub fn recv(&mut self, token: &Token) -> Result<Option<Message>> {
        let given = self.recv_many(1, token)?;
        let message = given.in_hand.messages().get(given.places.start);
        if message.is_some() {
            given.in_hand.begin(given.places.start);
        }
        Ok(message.cloned())
    }

    /// The next messages, `most` at the most: waits for the first, and gives what has come by then.
    /// Asking for them says that those before are dealt with. With which of them it begins the query
    /// says by [`MessagesInHand::begin`].
    pub fn recv_many(&mut self, most: usize, token: &Token) -> Result<MessagesGiven> {
        self.in_hand.deal_with(self.given);
        if self.given < self.in_hand.messages().len() {
            token.check()?;
        } else {
            self.take(token)?;
        }
        if self.in_hand.has_receipts() {
            self.token = Some(token.clone());
        }
        let first = self.given;
        let end = self
            .in_hand
            .messages()
            .len()
            .min(first.saturating_add(most));
        self.given = end;
        Ok(MessagesGiven {
            in_hand: self.in_hand.clone(),
            places: first..end,
        })
    }

    /// Takes the next messages in hand; waits for the first.
    fn take(&mut self, token: &Token) -> Result<()> {
        if self.batch.is_empty() {
            let (batch, reader) = (&mut self.batch, &self.reader);
            let taken = token.wait(None, || reader.take(batch, thread::current()))?;
            taken.unwrap_or(Ok(()))?;
        } else {
            token.check()?;
        }
        self.in_hand = Arc::new(MessagesInHand::first_of(
            &mut self.batch,
            &self.shared.receipts,
        ));
        self.given = 0;
        Ok(())
    }
}

impl Drop for TopicSubscription {
    fn drop(&mut self) {
        // In a kept session, what the query did not deal with waits for the next one.
        let keep = !self.shared.options.clean_session;
        if keep {
            let was_stopped = self.token.as_ref().is_some_and(Token::is_stopped);
            let mut left = VecDeque::from(self.in_hand.take_left(was_stopped));
            left.append(&mut self.batch);
            self.reader.give_back(&mut left);
        }
        self.in_hand.deal_with(self.in_hand.messages().len());
        let commands = lock(&self.shared.inbox).remove_reader(&self.filter, &self.reader, keep);
        for command in commands {
            self.shared.command(command);
        }
    }
}
