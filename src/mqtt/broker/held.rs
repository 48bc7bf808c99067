//! How much memory a broker may take: for each client, and for all of them together.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What a broker holds at most, in bytes.
#[derive(Clone, Copy)]
pub struct Limits {
    /// What waits for one client. What comes beyond is dropped for it, at every quality of service: a
    /// client that does not read must not take the memory of all.
    pub client: usize,
    /// All messages, and all that waits. Beyond it the clients have equal shares, so that many that do
    /// not read take nothing from one that does.
    pub messages: usize,
    /// All retained messages; they count as messages, too.
    pub retained: usize,
    /// The names of all sessions, their wills, and their subscriptions. Beyond it none comes in addition.
    pub sessions: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            client: 64 << 20,
            messages: 256 << 20,
            retained: 64 << 20,
            sessions: 64 << 20,
        }
    }
}

/// The bytes that many things take together.
#[derive(Clone, Default)]
pub struct HeldBytes(Arc<AtomicUsize>);

impl HeldBytes {
    pub fn all(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    /// Counts so many bytes more, until what is given is dropped.
    pub fn hold(&self, bytes: usize) -> Held {
        self.0.fetch_add(bytes, Ordering::Relaxed);
        Held {
            all: self.clone(),
            bytes,
        }
    }
}

/// The bytes that one thing takes.
pub struct Held {
    all: HeldBytes,
    bytes: usize,
}

impl Held {
    pub fn bytes(&self) -> usize {
        self.bytes
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.all.0.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// What a broker has for all its clients: how much it may hold, and how much it holds.
#[derive(Default)]
pub struct Budget {
    pub limits: Limits,
    /// All messages, and their places in lines.
    pub messages: HeldBytes,
    /// What [`Limits::sessions`] bounds.
    pub sessions: HeldBytes,
}

impl Budget {
    /// How many bytes may wait for one of so many clients.
    pub fn share(&self, clients: usize) -> usize {
        match self.messages.all() < self.limits.messages {
            true => self.limits.client,
            false => self.limits.client.min(self.limits.messages / clients),
        }
    }
}
