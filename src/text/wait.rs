//! One way to wait: every sleep, receive and join goes through here, so that Ctrl-C, a deadline, a
//! `limit` or a dropped consumer stops any query at once.
//!
//! A [`Token`] stands for a piece of work that can be stopped. Tokens form a tree: stopping one stops
//! all below it. A thread that waits registers itself with its token and parks; whoever has news for
//! it (an element, a stop) unparks it, and it looks again.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use crate::text::diagnostic::{Error, Result};

/// Longer than anything is waited for: a hundred years. The clock cannot count much further.
const FAR: Duration = Duration::from_secs(100 * 365 * 86_400);

/// A number of seconds as a duration; one that is beyond what durations hold is the longest there is.
/// `None` for a number below 0 and for what is no number.
pub fn seconds(number: f64) -> Option<Duration> {
    (number >= 0.0).then(|| Duration::try_from_secs_f64(number).unwrap_or(Duration::MAX))
}

/// The moment `duration` after `start`, and a hundred years after it where `duration` is longer: every
/// moment that a person's number decides is computed here, so that none is beyond the clock.
pub fn later(start: Instant, duration: Duration) -> Instant {
    start + duration.min(FAR)
}

/// The moment `duration` from now, as [`later`] computes it.
pub fn from_now(duration: Duration) -> Instant {
    later(Instant::now(), duration)
}

/// A lock that outlives a panic of another holder: what it guards is valid after every single step.
pub fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A piece of work that can be stopped, by hand or at a deadline.
#[derive(Clone)]
pub struct Token(Arc<Node>);

struct Node {
    stopped: AtomicBool,
    reason: Mutex<Option<String>>,
    /// The earliest of its own deadline and those above it.
    deadline: Option<(Instant, String)>,
    waiting: Mutex<Vec<Thread>>,
    children: Mutex<Vec<Weak<Node>>>,
    /// Keeps those above alive, so that a stop there finds its way down to here.
    _parent: Option<Token>,
    /// What is done before a thread under this token or any other of its tree waits.
    before_waiting: Arc<Hooks>,
}

/// The hooks of a tree of tokens, in the order in which they were added, each with its number.
#[derive(Default)]
struct Hooks {
    list: Mutex<Vec<(u64, Hook)>>,
    added: AtomicU64,
}

/// What is done before waiting. It may fail, which ends the wait, and it may say when it is to be called
/// again, if the thread still waits then.
type Hook = Arc<dyn Fn() -> Result<Option<Instant>> + Send + Sync>;

impl Hooks {
    fn add(&self, hook: Hook) -> u64 {
        let number = self.added.fetch_add(1, Ordering::Relaxed);
        lock(&self.list).push((number, hook));
        number
    }

    /// Calls all of them, none under the lock: a hook may write to what is slow. Gives when one of them
    /// wants to be called again.
    fn call(&self) -> Result<Option<Instant>> {
        let hooks = lock(&self.list).clone();
        let mut again: Option<Instant> = None;
        for (_, hook) in &hooks {
            again = [again, hook()?].into_iter().flatten().min();
        }
        Ok(again)
    }
}

/// A hook of a tree of tokens, which is called until this is dropped.
pub struct BeforeWaiting {
    hooks: Weak<Hooks>,
    number: u64,
}

impl Drop for BeforeWaiting {
    fn drop(&mut self) {
        if let Some(hooks) = self.hooks.upgrade() {
            lock(&hooks.list).retain(|(number, _)| *number != self.number);
        }
    }
}

impl Default for Token {
    fn default() -> Self {
        Token::new()
    }
}

impl Token {
    /// A token of its own, without a deadline.
    pub fn new() -> Token {
        Token::with(None, Arc::default(), None)
    }

    /// A token of its own; `before_waiting` is called whenever a thread under it is about to wait, and
    /// again at the time that it gives, if the thread still waits then. Its error ends the wait.
    pub fn with_hook(
        before_waiting: impl Fn() -> Result<Option<Instant>> + Send + Sync + 'static,
    ) -> Token {
        let token = Token::new();
        token.0.before_waiting.add(Arc::new(before_waiting));
        token
    }

    /// Has `hook` called, until what this gives is dropped, whenever a thread is about to wait under
    /// this token or any other of its tree: whatever has been made by then is to be seen by others
    /// before nothing more comes for a while. The hook must not wait itself.
    #[must_use]
    pub fn before_waiting(&self, hook: impl Fn() + Send + Sync + 'static) -> BeforeWaiting {
        let hook = move || {
            hook();
            Ok(None)
        };
        BeforeWaiting {
            number: self.0.before_waiting.add(Arc::new(hook)),
            hooks: Arc::downgrade(&self.0.before_waiting),
        }
    }

    fn with(
        deadline: Option<(Instant, String)>,
        before_waiting: Arc<Hooks>,
        parent: Option<Token>,
    ) -> Token {
        Token(Arc::new(Node {
            before_waiting,
            _parent: parent,
            stopped: AtomicBool::new(false),
            reason: Mutex::new(None),
            deadline,
            waiting: Mutex::default(),
            children: Mutex::default(),
        }))
    }

    /// A token below this one: stops with it, and can be stopped alone.
    pub fn child(&self) -> Token {
        self.adopt(self.0.deadline.clone())
    }

    /// A token below this one that also stops at `deadline`, with `reason` as its error.
    pub fn child_until(&self, deadline: Instant, reason: impl Into<String>) -> Token {
        let earliest = match &self.0.deadline {
            Some(own) if own.0 <= deadline => own.clone(),
            _ => (deadline, reason.into()),
        };
        self.adopt(Some(earliest))
    }

    /// A token of its own, without a deadline, whose waits call the hooks of this one's tree.
    pub fn apart(&self) -> Token {
        Token::with(None, self.0.before_waiting.clone(), None)
    }

    /// Whether both are the same token.
    pub fn is(&self, other: &Token) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    fn adopt(&self, deadline: Option<(Instant, String)>) -> Token {
        let hooks = self.0.before_waiting.clone();
        let child = Token::with(deadline, hooks, Some(self.clone()));
        let mut children = lock(&self.0.children);
        children.retain(|c| c.strong_count() > 0);
        children.push(Arc::downgrade(&child.0));
        drop(children);
        // The parent may have been stopped between the two.
        if self.0.stopped.load(Ordering::SeqCst) {
            let reason = lock(&self.0.reason).clone().unwrap_or_default();
            child.stop(reason);
        }
        child
    }

    /// Stops the work: every wait under this token ends with an error that says `reason`.
    pub fn stop(&self, reason: impl Into<String>) {
        self.0.stop(&reason.into());
    }

    /// An error if the work has been stopped or its deadline has passed. Cheap enough for every element.
    #[inline]
    pub fn check(&self) -> Result<()> {
        if self.0.stopped.load(Ordering::Relaxed) {
            return Err(self.0.error());
        }
        match &self.0.deadline {
            Some((at, reason)) if Instant::now() >= *at => Err(Error::stopped(reason.as_str())),
            _ => Ok(()),
        }
    }

    pub fn is_stopped(&self) -> bool {
        self.check().is_err()
    }

    /// When the work ends by itself.
    pub fn deadline(&self) -> Option<Instant> {
        self.0.deadline.as_ref().map(|d| d.0)
    }

    /// Waits until `ready` gives something, the token stops (an error), or `until` passes (`None`).
    ///
    /// Whoever makes `ready` true must unpark this thread; `ready` is asked again after each unpark.
    pub fn wait<T>(
        &self,
        until: Option<Instant>,
        mut ready: impl FnMut() -> Option<T>,
    ) -> Result<Option<T>> {
        if let Some(value) = ready() {
            return Ok(Some(value));
        }
        let mut again = self.0.before_waiting.call()?;
        let _registered = Registered::new(self);
        loop {
            if let Some(value) = ready() {
                return Ok(Some(value));
            }
            self.check()?;
            let now = Instant::now();
            if until.is_some_and(|at| now >= at) {
                return Ok(None);
            }
            if again.is_some_and(|at| now >= at) {
                again = self.0.before_waiting.call()?;
                continue;
            }
            match [until, self.deadline(), again].into_iter().flatten().min() {
                Some(at) => thread::park_timeout(at.saturating_duration_since(now)),
                None => thread::park(),
            }
        }
    }

    /// Sleeps until `at`; an error if the token stops first.
    pub fn sleep_until(&self, at: Instant) -> Result<()> {
        self.wait(Some(at), || None::<()>).map(|_| ())
    }

    /// Sleeps for `duration`; an error if the token stops first.
    pub fn sleep(&self, duration: Duration) -> Result<()> {
        self.sleep_until(from_now(duration))
    }
}

impl Node {
    fn stop(&self, reason: &str) {
        lock(&self.reason).get_or_insert_with(|| reason.to_owned());
        self.stopped.store(true, Ordering::SeqCst);
        for thread in lock(&self.waiting).iter() {
            thread.unpark();
        }
        let children: Vec<_> = lock(&self.children)
            .iter()
            .filter_map(Weak::upgrade)
            .collect();
        for child in children {
            child.stop(reason);
        }
    }

    fn error(&self) -> Error {
        Error::stopped(lock(&self.reason).clone().unwrap_or_default())
    }
}

/// The current thread, registered with a token for as long as it waits.
struct Registered<'a>(&'a Node);

impl<'a> Registered<'a> {
    fn new(token: &'a Token) -> Self {
        lock(&token.0.waiting).push(thread::current());
        Registered(&token.0)
    }
}

impl Drop for Registered<'_> {
    fn drop(&mut self) {
        let me = thread::current().id();
        let mut waiting = lock(&self.0.waiting);
        if let Some(at) = waiting.iter().position(|t| t.id() == me) {
            waiting.swap_remove(at);
        }
    }
}

/// A bounded queue between threads: both ends wait through a [`Token`].
///
/// Either end may be dropped: a receiver then sees the end of the queue once it is empty, a sender
/// gets its element back.
pub fn queue<T>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    let shared = Arc::new(Queue {
        state: Mutex::new(State {
            items: VecDeque::new(),
            senders: 1,
            receiver: true,
            waiting: Vec::new(),
        }),
        capacity: capacity.max(1),
        length: AtomicUsize::new(0),
    });
    (Sender(shared.clone()), Receiver(shared))
}

struct Queue<T> {
    state: Mutex<State<T>>,
    capacity: usize,
    length: AtomicUsize,
}

struct State<T> {
    items: VecDeque<T>,
    senders: usize,
    receiver: bool,
    /// Threads parked at either end.
    waiting: Vec<Thread>,
}

impl<T> State<T> {
    fn wake(&mut self) {
        for thread in self.waiting.drain(..) {
            thread.unpark();
        }
    }
}

/// The end of a [`queue`] that elements go into.
pub struct Sender<T>(Arc<Queue<T>>);

/// The end of a [`queue`] that elements come out of.
pub struct Receiver<T>(Arc<Queue<T>>);

/// What became of a [`Sender::try_send`].
#[derive(Debug)]
pub enum TrySend<T> {
    Sent,
    Full(T),
    /// The receiver is gone.
    Closed(T),
}

impl<T> Sender<T> {
    /// Sends without waiting.
    pub fn try_send(&self, item: T) -> TrySend<T> {
        let mut state = lock(&self.0.state);
        if !state.receiver {
            return TrySend::Closed(item);
        }
        if state.items.len() >= self.0.capacity {
            return TrySend::Full(item);
        }
        state.items.push_back(item);
        self.0.length.store(state.items.len(), Ordering::Release);
        state.wake();
        TrySend::Sent
    }

    /// Sends, waiting for room. `Ok(false)` if the receiver is gone; an error if `token` stops.
    pub fn send(&self, item: T, token: &Token) -> Result<bool> {
        let mut pending = Some(item);
        let sent = token.wait(None, || {
            let mut state = lock(&self.0.state);
            if !state.receiver {
                return Some(false);
            }
            if state.items.len() >= self.0.capacity {
                state.waiting.push(thread::current());
                return None;
            }
            state.items.extend(pending.take());
            self.0.length.store(state.items.len(), Ordering::Release);
            state.wake();
            Some(true)
        })?;
        Ok(sent.unwrap_or(false))
    }

    /// How many elements wait in the queue.
    pub fn len(&self) -> usize {
        self.0.length.load(Ordering::Acquire)
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        lock(&self.0.state).senders += 1;
        Sender(self.0.clone())
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        let mut state = lock(&self.0.state);
        state.senders -= 1;
        if state.senders == 0 {
            state.wake();
        }
    }
}

/// What a receive found.
#[derive(Debug, PartialEq, Eq)]
pub enum Received<T> {
    Item(T),
    /// All senders are gone and the queue is empty.
    End,
    /// Nothing came in time.
    Late,
}

impl<T> Receiver<T> {
    /// Receives, waiting for an element until `until`; an error if `token` stops.
    pub fn recv(&self, until: Option<Instant>, token: &Token) -> Result<Received<T>> {
        let received = token.wait(until, || {
            let mut state = lock(&self.0.state);
            match self.take(&mut state) {
                Some(item) => Some(Received::Item(item)),
                None if state.senders == 0 => Some(Received::End),
                None => {
                    state.waiting.push(thread::current());
                    None
                }
            }
        })?;
        Ok(received.unwrap_or(Received::Late))
    }

    /// Moves everything that waits into `batch`, without waiting. `false` if no more can come.
    pub fn drain(&self, batch: &mut Vec<T>) -> bool {
        let mut state = lock(&self.0.state);
        batch.extend(state.items.drain(..));
        self.0.length.store(0, Ordering::Release);
        state.wake();
        state.senders > 0
    }

    fn take(&self, state: &mut State<T>) -> Option<T> {
        let item = state.items.pop_front()?;
        self.0.length.store(state.items.len(), Ordering::Release);
        state.wake();
        Some(item)
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        let mut state = lock(&self.0.state);
        state.receiver = false;
        state.items.clear();
        state.wake();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stop_ends_a_wait_below() {
        let token = Token::new();
        let below = token.child().child();
        let waiter = thread::spawn(move || below.sleep(Duration::from_secs(600)));
        token.stop("enough");
        let error = waiter.join().expect("no panic").expect_err("stopped");
        assert_eq!(error.message(), "enough");
    }

    #[test]
    fn a_child_of_a_stopped_token_is_stopped() {
        let token = Token::new();
        token.stop("done");
        assert!(token.child().is_stopped());
    }

    #[test]
    fn a_hook_is_called_before_any_wait_of_its_tree_until_it_is_dropped() {
        let token = Token::new();
        let called = Arc::new(AtomicUsize::new(0));
        let count = called.clone();
        let hook = token.child().before_waiting(move || {
            count.fetch_add(1, Ordering::SeqCst);
        });
        let wait = || token.child().sleep(Duration::ZERO).expect("not stopped");
        wait();
        // What is there already is not waited for.
        token.wait(None, || Some(())).expect("not stopped");
        assert_eq!(called.load(Ordering::SeqCst), 1);
        drop(hook);
        wait();
        assert_eq!(called.load(Ordering::SeqCst), 1);
    }

    #[test]
    fn the_nearest_deadline_counts() {
        let soon = Instant::now();
        let late = soon + Duration::from_secs(600);
        let token = Token::new()
            .child_until(soon, "soon")
            .child_until(late, "late");
        assert_eq!(token.check().expect_err("passed").message(), "soon");
    }

    #[test]
    fn a_full_queue_holds_its_sender_back() {
        let (sender, receiver) = queue(2);
        let token = Token::new();
        let producer = thread::spawn(move || {
            for i in 0..1000 {
                assert!(sender.send(i, &Token::new()).expect("not stopped"));
            }
        });
        for i in 0..1000 {
            assert_eq!(
                receiver.recv(None, &token).expect("runs"),
                Received::Item(i)
            );
        }
        assert_eq!(receiver.recv(None, &token).expect("runs"), Received::End);
        producer.join().expect("no panic");
    }

    #[test]
    fn a_sender_learns_that_its_receiver_is_gone() {
        let (sender, receiver) = queue(1);
        drop(receiver);
        assert!(!sender.send(1, &Token::new()).expect("not stopped"));
    }
}
