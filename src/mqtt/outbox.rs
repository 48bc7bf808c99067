//! What queries hand over to the connection: publications with their accounts, acknowledgements of
//! what was received, wishes for subscriptions. Guarded by one lock, held for moments.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::thread::{self, Thread};

use super::in_flight::Outgoing;
use super::journal::NOBODY;
use super::options::Qos;
use super::wire::Head;
use crate::text::diagnostic::Error;
use crate::text::wait::lock;

/// Bytes of messages that may wait to be sent, beside the number of messages that `maxBufferedMessages`
/// allows. One message of any size may always wait.
pub const BUFFERED_BYTES: usize = 64 << 20;

/// Where a client stands.
#[derive(Clone, Debug)]
pub enum Phase {
    /// The first connection is being made.
    Connecting,
    Up,
    /// The connection was lost and is being made again.
    Down,
    /// Nothing more can be done: the broker refuses, or the first connection failed.
    Failed(Error),
    /// Disconnected because the user wanted it.
    Closed,
}

/// Something for the connection to do beside publishing.
#[derive(Debug)]
pub enum Command {
    /// Subscribe to the filter of that number.
    Subscribe(u32),
    /// Somebody may wait for the broker's reply.
    Unsubscribe {
        filter: String,
        reply: Option<Arc<UnsubscribeReply>>,
    },
    /// The query has taken a message.
    Acknowledge {
        id: u16,
        exactly_once: bool,
        epoch: u32,
    },
}

/// The broker's reply to somebody who gives a filter up, once it has come; an error says why it is
/// not done.
#[derive(Debug)]
pub struct UnsubscribeReply {
    reply: Mutex<Option<Result<(), String>>>,
    waiting: Thread,
}

impl UnsubscribeReply {
    /// For this thread to wait for.
    pub fn awaited() -> Arc<UnsubscribeReply> {
        Arc::new(UnsubscribeReply {
            reply: Mutex::default(),
            waiting: thread::current(),
        })
    }

    pub fn give(&self, reply: Result<(), String>) {
        *lock(&self.reply) = Some(reply);
        self.waiting.unpark();
    }

    pub fn get(&self) -> Option<Result<(), String>> {
        lock(&self.reply).clone()
    }
}

/// What became of the messages of one publisher.
#[derive(Default)]
pub struct Account {
    /// Messages that were accepted.
    pub sent: u64,
    /// Of these: acknowledged, refused, or at QoS 0 written to the network.
    pub settled: u64,
    pub refused: u64,
    /// What became of the first of the refused, in words that follow "was".
    pub fault: Option<String>,
    /// Parked until all is settled.
    pub waiter: Option<Thread>,
    /// Nobody asks any more; the account goes when all is settled.
    pub abandoned: bool,
}

/// What has become of a publication.
pub struct Settled {
    account: u32,
    head: Arc<Head>,
    record: u64,
    /// Why it was not delivered, in words that follow "was".
    fault: Option<String>,
}

impl Settled {
    pub fn new(message: Outgoing, fault: Option<String>) -> Settled {
        Settled {
            account: message.account,
            head: message.head,
            record: message.record,
            fault,
        }
    }

    /// Its number in the journal, if it has one.
    pub fn record(&self) -> Option<u64> {
        Some(self.record).filter(|record| *record != 0)
    }
}

/// What one client's queries have handed over, and how the client stands.
pub struct Outbox {
    pub phase: Phase,
    pub queue: VecDeque<Outgoing>,
    pub queue_bytes: usize,
    pub commands: Vec<Command>,
    /// Length of the queue at which the connection wants to be woken; large while it is awake.
    pub wake_at: usize,
    /// The same for commands.
    pub wake_at_commands: usize,
    /// Threads that wait for room in the queue, or for a change of phase.
    pub waiting: Vec<Thread>,
    /// Finish what is there, then disconnect.
    pub closing: bool,
    /// Disconnect now.
    pub abandon: bool,
    /// Why an answer of the broker cannot come for now: more is held for queries than may be, and they
    /// take nothing of it.
    pub answers_held_up: Option<Error>,
    pub counts: Counts,
    accounts: Vec<Option<Account>>,
    free: Vec<u32>,
}

/// What the status shows.
#[derive(Clone, Debug, Default)]
pub struct Counts {
    pub sent: u64,
    pub acknowledged: u64,
    pub refused: u64,
    pub resent: u64,
    pub received: u64,
    /// Messages that were larger than `maxdatalen` allows.
    pub too_large: u64,
    pub in_flight: usize,
    pub reconnects: u64,
    pub last_error: Option<String>,
    /// Publications at QoS 1 and 2 that were accepted and are not settled.
    pub owed: u64,
}

impl Default for Outbox {
    fn default() -> Outbox {
        Outbox {
            phase: Phase::Connecting,
            queue: VecDeque::new(),
            queue_bytes: 0,
            commands: Vec::new(),
            wake_at: 1,
            wake_at_commands: 1,
            waiting: Vec::new(),
            closing: false,
            abandon: false,
            answers_held_up: None,
            counts: Counts::default(),
            accounts: Vec::new(),
            free: Vec::new(),
        }
    }
}

impl Outbox {
    /// Whether one more message of `size` bytes may wait.
    pub fn has_room(&self, messages: usize, size: usize) -> bool {
        self.queue.is_empty()
            || (self.queue.len() < messages && self.queue_bytes + size <= BUFFERED_BYTES)
    }

    pub fn push(&mut self, message: Outgoing) {
        self.queue_bytes += message.size();
        self.queue.push_back(message);
    }

    pub fn pop(&mut self) -> Option<Outgoing> {
        let message = self.queue.pop_front()?;
        self.queue_bytes -= message.size();
        Some(message)
    }

    /// Puts back, at the front, what could not be sent.
    pub fn put_back(&mut self, messages: impl DoubleEndedIterator<Item = Outgoing>) {
        for message in messages.rev() {
            self.queue_bytes += message.size();
            self.queue.push_front(message);
        }
    }

    /// How many messages were accepted and are neither acknowledged nor, at QoS 0, sent.
    pub fn undelivered(&self) -> u64 {
        let unconfirmed = self.queue.iter().filter(|m| m.head.qos == Qos::AtMostOnce);
        self.counts.owed + unconfirmed.count() as u64
    }

    pub fn open_account(&mut self) -> u32 {
        match self.free.pop() {
            Some(number) => {
                self.accounts[number as usize] = Some(Account::default());
                number
            }
            None => {
                self.accounts.push(Some(Account::default()));
                self.accounts.len() as u32 - 1
            }
        }
    }

    pub fn account(&mut self, number: u32) -> Option<&mut Account> {
        self.accounts.get_mut(number as usize)?.as_mut()
    }

    /// Nobody will ask for the account any more.
    pub fn abandon_account(&mut self, number: u32) {
        if let Some(account) = self.account(number) {
            account.abandoned = true;
        }
        self.drop_if_over(number);
    }

    /// Books what has become of publications. Gives the faults that nobody will ask about.
    pub fn book(&mut self, settled: impl IntoIterator<Item = Settled>) -> Vec<(Arc<Head>, String)> {
        let mut orphans = Vec::new();
        let mut run = (NOBODY, 0);
        for Settled {
            account,
            head,
            fault,
            ..
        } in settled
        {
            self.counts.sent += 1;
            if head.qos > Qos::AtMostOnce {
                self.counts.owed -= 1;
                self.counts.acknowledged += u64::from(fault.is_none());
            }
            if let Some(fault) = fault {
                self.counts.refused += 1;
                if self.account(account).is_none_or(|a| a.abandoned) {
                    orphans.push((head, fault.clone()));
                }
                self.settle(account, 1, Some(fault));
                continue;
            }
            if run.0 != account {
                self.settle(run.0, run.1, None);
                run = (account, 0);
            }
            run.1 += 1;
        }
        self.settle(run.0, run.1, None);
        orphans
    }

    /// Books `count` messages of an account as settled, of which `refused` with `fault`.
    fn settle(&mut self, number: u32, count: u64, fault: Option<String>) {
        let Some(account) = self.account(number) else {
            return;
        };
        account.settled += count;
        if let Some(fault) = fault {
            account.refused += count;
            account.fault.get_or_insert(fault);
        }
        if account.settled >= account.sent {
            if let Some(thread) = account.waiter.take() {
                thread.unpark();
            }
            self.drop_if_over(number);
        }
    }

    fn drop_if_over(&mut self, number: u32) {
        let over = self
            .account(number)
            .is_some_and(|a| a.abandoned && a.settled >= a.sent);
        if over {
            self.accounts[number as usize] = None;
            self.free.push(number);
        }
    }

    /// Wakes everyone who waits for room or for a change of phase.
    pub fn wake_waiting(&mut self) {
        for thread in self.waiting.drain(..) {
            thread.unpark();
        }
    }

    /// An error if what the broker answers cannot be read for now.
    pub fn check_answers(&self) -> Result<(), Error> {
        self.answers_held_up.clone().map_or(Ok(()), Err)
    }

    /// Changes the phase and lets everyone see it.
    pub fn enter(&mut self, phase: Phase) {
        self.phase = phase;
        self.wake_all();
    }

    /// Wakes everyone who waits for anything.
    pub fn wake_all(&mut self) {
        self.wake_waiting();
        for account in self.accounts.iter_mut().flatten() {
            if let Some(thread) = account.waiter.take() {
                thread.unpark();
            }
        }
    }
}
