//! What a query has in hand: messages that it was given together and goes through one by one.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::inbox::Message;
use super::receipt::Receipt;
use super::receipt_hold::ReceiptHold;
use crate::text::wait::lock;

/// How many messages a query has in hand at the most.
const MOST: usize = 1024;

/// The same in bytes. One message more may always be among them.
const MOST_BYTES: usize = 1 << 20;

/// Receipts are given in groups: after so many, or when so much time has passed since the last.
const RECEIPTS: usize = 16;
const RECEIPTS_EVERY: Duration = Duration::from_millis(5);

/// Messages that came one after the other. Those that the query has dealt with are acknowledged; of the
/// others it is known which it has not come to, so that they are there for the next query.
#[derive(Default)]
pub struct MessagesInHand {
    messages: Vec<Message>,
    /// So many of the first the query has dealt with.
    dealt_with: AtomicUsize,
    /// So many it has begun with: those, and the one that it is at.
    begun: AtomicUsize,
    /// What is to be acknowledged, if anything is.
    receipts: Option<Mutex<HeldReceipts>>,
}

/// The duties to acknowledge messages, in the messages' order.
struct HeldReceipts {
    receipts: Vec<Option<Arc<Receipt>>>,
    hold: Arc<ReceiptHold>,
    /// So many of the first have been given.
    given: usize,
    given_at: Instant,
}

impl HeldReceipts {
    fn give_to(&mut self, end: usize) {
        let given = self.receipts[self.given..end].iter_mut();
        self.hold.give(given.filter_map(Option::take));
        self.given = end;
    }
}

impl MessagesInHand {
    /// The first of the messages that wait, as many as may be in hand. Their receipts are given to `hold`.
    pub(super) fn first_of(
        waiting: &mut VecDeque<Message>,
        hold: &Arc<ReceiptHold>,
    ) -> MessagesInHand {
        let mut bytes = 0;
        let is_enough = |message: &Message| {
            bytes += message.size();
            bytes >= MOST_BYTES
        };
        let last = waiting.iter().take(MOST).position(is_enough);
        let count = last.map_or(waiting.len().min(MOST), |last| last + 1);
        let mut messages: Vec<Message> = waiting.drain(..count).collect();
        let receipts: Vec<_> = messages.iter_mut().map(|m| m.receipt.take()).collect();
        let has_receipts = receipts.iter().any(Option::is_some);
        MessagesInHand {
            messages,
            receipts: has_receipts.then(|| {
                Mutex::new(HeldReceipts {
                    receipts,
                    hold: hold.clone(),
                    given: 0,
                    given_at: Instant::now(),
                })
            }),
            ..MessagesInHand::default()
        }
    }

    pub fn messages(&self) -> &[Message] {
        &self.messages
    }

    /// Whether there is something to be acknowledged.
    pub(super) fn has_receipts(&self) -> bool {
        self.receipts.is_some()
    }

    /// The query begins with the message at this place, and has dealt with those before it.
    #[inline]
    pub fn begin(&self, at: usize) {
        self.deal_with(at);
        raise(&self.begun, at + 1);
    }

    /// The message that the query is at, or was at last.
    pub fn latest(&self) -> Option<&Message> {
        let begun = self.begun.load(Ordering::Relaxed);
        self.messages.get(begun.checked_sub(1)?)
    }

    /// The query has dealt with the first `count`.
    pub fn deal_with(&self, count: usize) {
        let count = count.min(self.messages.len());
        raise(&self.begun, count);
        if !raise(&self.dealt_with, count) {
            return;
        }
        let Some(receipts) = &self.receipts else {
            return;
        };
        let mut receipts = lock(receipts);
        let now = Instant::now();
        if count == self.messages.len()
            || count >= receipts.given + RECEIPTS
            || now > receipts.given_at + RECEIPTS_EVERY
        {
            receipts.give_to(count);
            receipts.given_at = now;
        }
    }

    /// Takes out the messages that the query has not dealt with, to be given to the next one. One that
    /// ended by itself, as by `limit`, has dealt with what it was at; one that was stopped has not.
    pub(super) fn take_left(&self, was_stopped: bool) -> Vec<Message> {
        let dealt_with = match was_stopped {
            true => &self.dealt_with,
            false => &self.begun,
        };
        let first = dealt_with.load(Ordering::Relaxed);
        let mut left = self.messages[first..].to_vec();
        if let Some(receipts) = &self.receipts {
            let mut receipts = lock(receipts);
            for (message, receipt) in left.iter_mut().zip(&mut receipts.receipts[first..]) {
                message.receipt = receipt.take();
            }
        }
        left
    }
}

/// `true` if the count is less: then it is that from here on. One thread counts at a time.
#[inline]
fn raise(count: &AtomicUsize, to: usize) -> bool {
    let is_less = count.load(Ordering::Relaxed) < to;
    if is_less {
        count.store(to, Ordering::Relaxed);
    }
    is_less
}
