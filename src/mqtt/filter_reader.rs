//! The messages that wait for one query: a bounded queue.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::Thread;

use super::inbox::Message;
use crate::text::diagnostic::{Error, Result};
use crate::text::wait::lock;

/// How many messages at QoS 0 wait for one query; then the oldest gives way.
const WAITING_MESSAGES: usize = 100_000;

/// The same in bytes.
const WAITING_BYTES: usize = 64 << 20;

/// One query that reads a filter.
pub struct FilterReader {
    queue: Mutex<ReaderQueue>,
    pub dropped: AtomicU64,
}

#[derive(Default)]
struct ReaderQueue {
    messages: VecDeque<Message>,
    bytes: usize,
    waiting: Option<Thread>,
    end: Option<Error>,
}

impl FilterReader {
    pub fn new() -> FilterReader {
        FilterReader {
            queue: Mutex::default(),
            dropped: AtomicU64::new(0),
        }
    }

    /// Moves what waits into `batch`; an error if nothing more can come. `None` if nothing waits:
    /// `thread` is unparked when something does.
    pub fn take(&self, batch: &mut VecDeque<Message>, thread: Thread) -> Option<Result<()>> {
        let mut queue = lock(&self.queue);
        if !queue.messages.is_empty() {
            queue.bytes = 0;
            std::mem::swap(batch, &mut queue.messages);
            return Some(Ok(()));
        }
        match &queue.end {
            Some(error) => Some(Err(error.clone())),
            None => {
                queue.waiting = Some(thread);
                None
            }
        }
    }

    pub fn end(&self, error: &Error) {
        let mut queue = lock(&self.queue);
        queue.end.get_or_insert_with(|| error.clone());
        if let Some(thread) = queue.waiting.take() {
            thread.unpark();
        }
    }

    /// Queues a message; `true` if one at QoS 0 had to give way and that has not been said yet.
    pub fn put(&self, message: Message, woken: &mut Vec<Thread>) -> bool {
        let mut queue = lock(&self.queue);
        queue.bytes += message.size();
        queue.messages.push_back(message);
        if let Some(thread) = queue.waiting.take() {
            woken.push(thread);
        }
        let mut gone = 0;
        while queue.messages.len() > WAITING_MESSAGES || queue.bytes > WAITING_BYTES {
            // What is to be acknowledged stays; `IncomingMessages` bounds it.
            let oldest = queue.messages.iter().position(|m| m.receipt.is_none());
            let Some(message) = oldest.and_then(|at| queue.messages.remove(at)) else {
                break;
            };
            queue.bytes -= message.size();
            gone += 1;
        }
        gone > 0 && self.dropped.fetch_add(gone, Ordering::Relaxed) == 0
    }

    /// Puts back, in front, what was taken and not used.
    pub fn give_back(&self, batch: &mut VecDeque<Message>) {
        let mut queue = lock(&self.queue);
        for message in batch.drain(..).rev() {
            queue.bytes += message.size();
            queue.messages.push_front(message);
        }
    }

    /// How many messages wait.
    pub fn waiting(&self) -> usize {
        lock(&self.queue).messages.len()
    }

    /// Takes everything out, to be given to somebody else.
    pub fn drain(&self) -> VecDeque<Message> {
        std::mem::take(&mut lock(&self.queue).messages)
    }
}
