//! The context that a call runs in.

use std::any::Any;
use std::cell::Cell;
use std::sync::{Arc, Mutex};

use super::counter::ElementCounter;
use super::failed::{FailedElements, LatestOrigin};
use super::memory::{MemoryAccount, MemoryLimit};
use crate::text::diagnostic::{Error, Result};
use crate::text::wait::{Token, lock};

/// What surrounds everything that runs: the definitions and the world outside.
///
/// The model does not know what these are, as they stand on it. They find themselves again by their
/// type: `Catalog::of(cx)`, `Host::of(cx)`. A session provides them.
pub trait Surroundings: Send + Sync {
    /// The catalog of definitions.
    fn catalog(&self) -> &(dyn Any + Send + Sync);

    /// The host: console, clients, flows, jobs, random numbers.
    fn host(&self) -> &(dyn Any + Send + Sync);
}

/// What every call is given: its surroundings, and the token that stops it.
#[derive(Clone)]
pub struct Cx {
    pub token: Token,
    surroundings: Arc<dyn Surroundings>,
    depth: Cell<usize>,
    max_depth: usize,
    /// How many threads started each other, up to the one that runs this.
    threads: usize,
    /// The elements of live streams that have failed in the statement or job that runs.
    pub failed: Arc<FailedElements>,
    /// The message that this thread has taken last.
    pub latest_origin: LatestOrigin,
    /// What the operators of the statement or job that runs hold.
    pub memory: Arc<MemoryAccount>,
    /// Counts what the operator that is being started takes from its stream.
    counter: Option<Arc<ElementCounter>>,
    /// The session's cursor whose query runs.
    cursor: Option<CursorTokens>,
}

/// The tokens of a session's cursor, which one statement opens and others pull.
#[derive(Clone)]
pub struct CursorTokens {
    /// Above all that its query starts and that goes on between two pulls. It has no deadline.
    lasting: Token,
    puller: Puller,
}

impl CursorTokens {
    /// Those of a new cursor. Nobody pulls it yet.
    pub fn new(lasting: Token) -> CursorTokens {
        CursorTokens {
            puller: Puller(Arc::new(Mutex::new(lasting.clone()))),
            lasting,
        }
    }
}

/// The token of whoever pulls a source now, for what is read without a context.
#[derive(Clone)]
pub struct Puller(Arc<Mutex<Token>>);

impl Puller {
    pub fn token(&self) -> Token {
        lock(&self.0).clone()
    }
}

/// How deep functions may call each other on the session's own thread, whose stack is
/// [`STACK_SIZE`] bytes, and on the threads of operators that listen to several streams.
const MAX_DEPTH: usize = 4_000;
const MAX_THREAD_DEPTH: usize = 400;

/// How many threads may have started each other.
const MAX_THREADS: usize = 50;

/// The stack that a session's thread needs: evaluation recurses with the functions' calls. It is
/// only reserved; what is not used takes no memory.
pub const STACK_SIZE: usize = 512 << 20;

/// The stack of an operator's thread.
pub const THREAD_STACK_SIZE: usize = 64 << 20;

impl Cx {
    pub fn new(surroundings: Arc<dyn Surroundings>, token: Token) -> Cx {
        Cx {
            token,
            surroundings,
            depth: Cell::new(0),
            max_depth: MAX_DEPTH,
            threads: 0,
            failed: Arc::default(),
            latest_origin: LatestOrigin::default(),
            memory: Arc::new(MemoryAccount::new(MemoryLimit::Bytes(u64::MAX))),
            counter: None,
            cursor: None,
        }
    }

    /// The same for a run whose operators may hold so much together.
    pub fn with_memory(self, limit: MemoryLimit) -> Cx {
        Cx {
            memory: Arc::new(MemoryAccount::new(limit)),
            ..self
        }
    }

    /// The same for a statement that opens a session's cursor or pulls it.
    pub fn within_cursor(&self, tokens: &CursorTokens) -> Cx {
        *lock(&tokens.puller.0) = self.token.clone();
        Cx {
            cursor: Some(tokens.clone()),
            ..self.clone()
        }
    }

    /// What stops that which a source starts when it is opened and which goes on between two pulls, such
    /// as a thread: the token, or that of the session's cursor, which outlives the statement.
    pub fn lasting_token(&self) -> &Token {
        match &self.cursor {
            Some(cursor) => &cursor.lasting,
            None => &self.token,
        }
    }

    /// Whoever pulls the source that is opened now.
    pub fn puller(&self) -> Puller {
        match &self.cursor {
            Some(cursor) => cursor.puller.clone(),
            None => Puller(Arc::new(Mutex::new(self.token.clone()))),
        }
    }

    pub fn surroundings(&self) -> &Arc<dyn Surroundings> {
        &self.surroundings
    }

    /// The same, for an operator whose stream is counted.
    pub fn counting(&self, counter: Arc<ElementCounter>) -> Cx {
        Cx {
            counter: Some(counter),
            ..self.clone()
        }
    }

    /// Who counts, and the same for what is started below.
    pub fn without_counter(&self) -> (Option<Arc<ElementCounter>>, Cx) {
        let mut below = self.clone();
        (below.counter.take(), below)
    }

    /// The same surroundings under another token.
    pub fn with_token(&self, token: Token) -> Cx {
        Cx {
            token,
            ..self.clone()
        }
    }

    /// The same surroundings under another token, for a thread with a stack of
    /// [`THREAD_STACK_SIZE`].
    pub fn for_thread(&self, token: Token) -> Cx {
        let mut cx = Cx::new(self.surroundings.clone(), token);
        cx.max_depth = MAX_THREAD_DEPTH;
        cx.threads = self.threads + 1;
        cx.failed = self.failed.clone();
        cx.memory = self.memory.clone();
        cx
    }

    /// The same for a background job, which is no part of the statement that starts it.
    pub fn for_job(&self, token: Token) -> Cx {
        let mut cx = self.for_thread(token);
        cx.failed = Arc::default();
        cx.with_memory(self.memory.limit())
    }

    /// Goes one step deeper, until the guard is dropped. An error beyond the limit. Whatever may run
    /// within itself calls this where the stack grows: a call, and the pull of an element from what a
    /// call gave, which may be made of further calls.
    #[inline]
    pub fn enter(&self) -> Result<Depth<'_>> {
        let depth = self.depth.get();
        if depth >= self.max_depth || self.threads > MAX_THREADS {
            return Err(self.too_deep());
        }
        self.depth.set(depth + 1);
        Ok(Depth(self))
    }

    /// How many calls deeper it may go.
    pub fn calls_left(&self) -> usize {
        self.max_depth.saturating_sub(self.depth.get())
    }

    #[cold]
    fn too_deep(&self) -> Error {
        let message = if self.threads > MAX_THREADS {
            format!("streams listen to each other more than {MAX_THREADS} deep")
        } else {
            let depth = self.max_depth;
            format!("functions call each other more than {depth} deep")
        };
        Error::run(message)
            .help("a function that calls itself needs a case in which it does not")
            .at_limit()
    }
}

/// One call deeper, until dropped.
pub struct Depth<'a>(&'a Cx);

impl Depth<'_> {
    /// Whether it is time to look at what calls hand down: calls between two looks add few levels to a
    /// value.
    pub fn is_time_to_look(&self) -> bool {
        self.0.depth.get().is_multiple_of(16)
    }
}

impl Drop for Depth<'_> {
    fn drop(&mut self) {
        self.0.depth.set(self.0.depth.get() - 1);
    }
}
