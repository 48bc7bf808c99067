//! Listens to several collections at once: each runs on a thread of its own, so that one that blocks
//! or falls silent does not hold up its neighbours.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle, Thread};
use std::time::{Duration, Instant};

use crate::model::context::THREAD_STACK_SIZE;
use crate::model::{Collection, Cx, Value};
use crate::text::diagnostic::{Error, Result};
use crate::text::wait::{Token, from_now, lock};

/// How many elements of one input may wait to be consumed before that input has to wait.
const AHEAD: usize = 512;

/// How many inputs may run at once in the whole process: each has a thread, and whoever shares the
/// machine needs some, too.
const MOST: usize = 4096;

/// How many run.
static RUNNING: AtomicUsize = AtomicUsize::new(0);

/// So many of the inputs that run, until it is dropped.
struct Places(usize);

impl Places {
    fn take(count: usize, what: &str) -> Result<Places> {
        let taken = RUNNING.fetch_add(count, Ordering::Relaxed);
        // Gives them back where they were too many.
        let places = Places(count);
        if taken.saturating_add(count) <= MOST {
            return Ok(places);
        }
        Err(Error::run(format!(
            "{what}: no more than {MOST} streams can be listened to at once"
        ))
        .help("each needs a thread; elements of a bag can be merged without a stream for each"))
    }
}

impl Drop for Places {
    fn drop(&mut self) {
        RUNNING.fetch_sub(self.0, Ordering::Relaxed);
    }
}

/// What an input has to say.
pub enum Event {
    Element(Value),
    /// The input has no more elements.
    End,
    /// The input could not go on.
    Failed(Error),
}

/// Running inputs. Dropping it stops them all and waits for their threads.
pub struct Inputs {
    shared: Arc<Shared>,
    token: Token,
    threads: Vec<JoinHandle<()>>,
    /// Held until the threads have ended.
    _places: Places,
}

/// The inputs' queue: what came first is first, whichever input it came from.
struct Shared {
    state: Mutex<State>,
    /// Whether the elements of one of them arrive over time.
    live: AtomicBool,
}

struct State {
    events: VecDeque<(usize, Event)>,
    /// For each input, how many of its elements have not been consumed yet.
    ahead: Vec<usize>,
    open: bool,
    /// Threads that wait for events, or for room.
    waiting: Vec<Thread>,
}

impl State {
    fn wake(&mut self) {
        for thread in self.waiting.drain(..) {
            thread.unpark();
        }
    }
}

impl Inputs {
    /// Starts all of them. `what` names the operator in the error of a thread that cannot start.
    pub fn start(collections: Vec<Arc<dyn Collection>>, what: &str, cx: &Cx) -> Result<Inputs> {
        let mut inputs = Inputs::new(collections.len(), what, cx)?;
        for (input, collection) in collections.into_iter().enumerate() {
            inputs.spawn(input, collection, what, cx)?;
        }
        Ok(inputs)
    }

    /// So many inputs, of which none runs yet.
    fn new(count: usize, what: &str, cx: &Cx) -> Result<Inputs> {
        let places = Places::take(count, what)?;
        Ok(Inputs {
            shared: Arc::new(Shared {
                state: Mutex::new(State {
                    events: VecDeque::new(),
                    ahead: vec![0; count],
                    open: true,
                    waiting: Vec::new(),
                }),
                live: AtomicBool::new(false),
            }),
            token: cx.lasting_token().child(),
            threads: Vec::with_capacity(count),
            _places: places,
        })
    }

    /// Starts them one after the other, so that what each has at once comes in their order. One that
    /// is silent holds up the start no longer than until `patience` is over for all.
    pub fn start_in_order(
        collections: Vec<Arc<dyn Collection>>,
        what: &str,
        patience: Duration,
        cx: &Cx,
    ) -> Result<Inputs> {
        let mut inputs = Inputs::new(collections.len(), what, cx)?;
        let until = from_now(patience);
        for (input, collection) in collections.into_iter().enumerate() {
            inputs.spawn(input, collection, what, cx)?;
            cx.token.wait(Some(until), || {
                let mut state = lock(&inputs.shared.state);
                if state.events.iter().any(|(from, _)| *from == input) {
                    return Some(());
                }
                state.waiting.push(thread::current());
                None
            })?;
        }
        Ok(inputs)
    }

    fn spawn(
        &mut self,
        input: usize,
        collection: Arc<dyn Collection>,
        what: &str,
        cx: &Cx,
    ) -> Result<()> {
        cx.token.check()?;
        let shared = self.shared.clone();
        let cx = cx.for_thread(self.token.clone());
        let thread = thread::Builder::new()
            .name(format!("{what} {}", input + 1))
            .stack_size(THREAD_STACK_SIZE)
            .spawn(move || {
                let last = match run(&shared, input, &*collection, &cx) {
                    Ok(()) => Event::End,
                    Err(error) => Event::Failed(error),
                };
                shared.put(input, last);
            })
            .map_err(|error| {
                let number = input + 1;
                Error::run(format!(
                    "{what}: no thread can be started for input {number}: {error}"
                ))
            })?;
        self.threads.push(thread);
        Ok(())
    }

    /// Moves all events that wait into `batch`, in the order in which they came; waits for the first
    /// until `until`. `false` if none came in time.
    pub fn receive(
        &self,
        batch: &mut VecDeque<(usize, Event)>,
        until: Option<Instant>,
        token: &Token,
    ) -> Result<bool> {
        let received = token.wait(until, || {
            let mut state = lock(&self.shared.state);
            if state.events.is_empty() {
                state.waiting.push(thread::current());
                return None;
            }
            batch.append(&mut state.events);
            Some(())
        })?;
        Ok(received.is_some())
    }

    /// Whether the elements of an input that has begun arrive over time.
    pub fn is_live(&self) -> bool {
        self.shared.live.load(Ordering::Relaxed)
    }

    /// Elements of the inputs have been consumed: `consumed` says how many of each.
    pub fn release(&self, consumed: &mut [usize]) {
        let mut state = lock(&self.shared.state);
        for (ahead, consumed) in state.ahead.iter_mut().zip(consumed) {
            *ahead -= std::mem::take(consumed);
        }
        state.wake();
    }
}

impl Drop for Inputs {
    fn drop(&mut self) {
        lock(&self.shared.state).open = false;
        self.token.stop("its result is not wanted any more");
        for thread in self.threads.drain(..) {
            // A panic has said what it was already.
            let _ = thread.join();
        }
    }
}

/// Sends all elements of the collection, while anybody wants them.
fn run(shared: &Shared, input: usize, collection: &dyn Collection, cx: &Cx) -> Result<()> {
    let mut source = collection.open(cx)?;
    while let Some(element) = source.next(cx)? {
        if !shared.live.load(Ordering::Relaxed) && source.is_live() {
            shared.live.store(true, Ordering::Relaxed);
        }
        shared.wait_for_room(input, &cx.token)?;
        if !shared.put(input, Event::Element(element)) {
            return Ok(());
        }
    }
    Ok(())
}

impl Shared {
    fn wait_for_room(&self, input: usize, token: &Token) -> Result<()> {
        token.wait(None, || {
            let mut state = lock(&self.state);
            if state.ahead[input] < AHEAD || !state.open {
                return Some(());
            }
            state.waiting.push(thread::current());
            None
        })?;
        Ok(())
    }

    /// Adds an event; `false` if nobody listens any more.
    fn put(&self, input: usize, event: Event) -> bool {
        let mut state = lock(&self.state);
        if state.open {
            if matches!(event, Event::Element(_)) {
                state.ahead[input] += 1;
            }
            state.events.push_back((input, event));
            state.wake();
        }
        state.open
    }
}
