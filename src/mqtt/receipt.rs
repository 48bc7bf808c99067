//! The acknowledgement that a received message asks for (MQTT 5, sections 4.3.2 and 4.3.3).

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};

use super::client::Shared;
use super::outbox::Command;

/// The duty to acknowledge a message at QoS 1 or 2. Fulfilled when it is dropped: when every query
/// that the message is for has taken it.
pub struct Receipt {
    shared: Weak<Shared>,
    id: u16,
    exactly_once: bool,
    /// The broker's session that the identifier belongs to.
    epoch: u32,
    /// Whether the message is not to be acknowledged after all.
    is_withdrawn: AtomicBool,
}

impl Receipt {
    pub fn new(shared: &Arc<Shared>, id: u16, exactly_once: bool, epoch: u32) -> Receipt {
        Receipt {
            shared: Arc::downgrade(shared),
            id,
            exactly_once,
            epoch,
            is_withdrawn: AtomicBool::new(false),
        }
    }

    /// The message is not acknowledged, whoever else has it: the broker sends it again.
    pub fn withdraw(&self) {
        self.is_withdrawn.store(true, Ordering::Release);
    }
}

impl Drop for Receipt {
    fn drop(&mut self) {
        if *self.is_withdrawn.get_mut() {
            return;
        }
        if let Some(shared) = self.shared.upgrade() {
            shared.command(Command::Acknowledge {
                id: self.id,
                exactly_once: self.exactly_once,
                epoch: self.epoch,
            });
        }
    }
}
