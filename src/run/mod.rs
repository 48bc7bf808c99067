//! Running plans. Never sees text.

pub mod batch;
pub mod call;
pub mod element;
pub mod eval;
mod group;
pub mod inputs;
mod lookup;
mod pattern;
pub mod procedure;
pub mod query;
pub mod update;

use std::cell::Cell;
use std::sync::Arc;

use crate::session::World;
use crate::text::diagnostic::{Error, Result};
use crate::text::wait::Token;
use crate::types::Value;
use element::Counter;

/// What everything that runs needs: the user's world, and the token that stops it.
#[derive(Clone)]
pub struct Cx {
    pub world: Arc<World>,
    pub token: Token,
    depth: Cell<usize>,
    max_depth: usize,
    /// Counts what the operator that is being started takes from its stream.
    watch: Option<Arc<Counter>>,
}

/// How deep functions may call each other on the session's own thread, whose stack is
/// [`STACK_SIZE`] bytes, and on the threads of operators that listen to several streams.
const MAX_DEPTH: usize = 4_000;
const MAX_THREAD_DEPTH: usize = 400;

/// The stack that a session's thread needs: evaluation recurses with the functions' calls. It is
/// only reserved; what is not used takes no memory.
pub const STACK_SIZE: usize = 512 << 20;

/// The stack of an operator's thread.
pub const THREAD_STACK_SIZE: usize = 64 << 20;

impl Cx {
    pub fn new(world: Arc<World>, token: Token) -> Cx {
        Cx {
            world,
            token,
            depth: Cell::new(0),
            max_depth: MAX_DEPTH,
            watch: None,
        }
    }

    /// The same, for an operator whose stream is counted.
    fn watched(&self, counter: Arc<Counter>) -> Cx {
        Cx {
            watch: Some(counter),
            ..self.clone()
        }
    }

    /// Who counts, and the same for what is started below.
    fn unwatched(&self) -> (Option<Arc<Counter>>, Cx) {
        let mut below = self.clone();
        (below.watch.take(), below)
    }

    /// The same world under another token.
    pub fn with_token(&self, token: Token) -> Cx {
        Cx {
            token,
            ..self.clone()
        }
    }

    /// The same world under another token, for a thread with a stack of [`THREAD_STACK_SIZE`].
    pub fn for_thread(&self, token: Token) -> Cx {
        let mut cx = Cx::new(self.world.clone(), token);
        cx.max_depth = MAX_THREAD_DEPTH;
        cx
    }

    /// Goes one call deeper, until the guard is dropped. An error beyond the limit.
    pub fn enter(&self) -> Result<Depth<'_>> {
        let depth = self.depth.get();
        if depth >= self.max_depth {
            return Err(
                Error::run(format!("functions call each other more than {depth} deep"))
                    .help("a function that calls itself needs a case in which it does not"),
            );
        }
        self.depth.set(depth + 1);
        Ok(Depth(self))
    }
}

/// One call deeper, until dropped.
pub struct Depth<'a>(&'a Cx);

impl Drop for Depth<'_> {
    fn drop(&mut self) {
        self.0.depth.set(self.0.depth.get() - 1);
    }
}

/// The number of results that a limit allows.
pub fn limit(value: Option<Value>) -> Result<u64> {
    match value.as_ref().and_then(Value::as_int) {
        Some(limit) if limit >= 0 => Ok(limit as u64),
        _ => {
            let text = value.map_or_else(|| "nothing".to_owned(), |v| v.to_string());
            Err(Error::run(format!(
                "a limit is a number from 0 up, not {text}"
            )))
        }
    }
}
