//! Acknowledgements that wait until what was made of their messages is safe.
//!
//! A message at QoS 1 or 2 is acknowledged once the query has dealt with it. Where it has put it into
//! a table of a database, that is not enough: only a commit makes the row outlive the process, and
//! commits are made for many rows at once. So from the first change that has not been committed on, the
//! receipts of messages that were dealt with are held here, and given when the commit is done. Where it
//! fails, or the change is undone, they are never given: the broker has the messages still, and sends
//! them again when the client connects the next time.

use std::sync::{Arc, Mutex};

use super::receipt::Receipt;
use crate::text::wait::lock;

/// Holds the receipts of all clients of a session, as long as it is on.
#[derive(Default)]
pub struct ReceiptHold(Mutex<Held>);

#[derive(Default)]
struct Held {
    is_on: bool,
    receipts: Vec<Arc<Receipt>>,
}

impl ReceiptHold {
    /// What is dealt with from now on is acknowledged later.
    pub fn turn_on(&self) {
        lock(&self.0).is_on = true;
    }

    /// The messages have been dealt with: they are acknowledged now, or when the hold is released.
    pub(super) fn give(&self, receipts: impl Iterator<Item = Arc<Receipt>>) {
        let mut held = lock(&self.0);
        match held.is_on {
            true => held.receipts.extend(receipts),
            false => {
                drop(held);
                receipts.for_each(drop);
            }
        }
    }

    /// Whether the broker waits for acknowledgements that are held.
    pub fn holds_some(&self) -> bool {
        !lock(&self.0).receipts.is_empty()
    }

    /// All is safe: gives what is held.
    pub fn release(&self) {
        drop(self.turn_off());
    }

    /// What was made of the messages is gone: they are not acknowledged.
    pub fn withdraw(&self) {
        for receipt in self.turn_off() {
            receipt.withdraw();
        }
    }

    fn turn_off(&self) -> Vec<Arc<Receipt>> {
        let mut held = lock(&self.0);
        held.is_on = false;
        std::mem::take(&mut held.receipts)
    }
}
