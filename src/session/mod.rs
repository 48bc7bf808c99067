//! One user's world, and the library's front door: text in, results out. It alone sees the catalog and
//! the host as one, and hands them to everything that runs. Uses `catalog`, `host`, `functions` for the
//! table of the built-in ones, `run` and `text`.

#[cfg(test)]
mod batches;
#[cfg(test)]
mod collected;
#[cfg(test)]
mod scalars;
#[cfg(test)]
mod windowed;
mod world;

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::catalog::Catalog;
use crate::functions::table::BUILT_INS;
use crate::host::{Host, waiting_token};
use crate::model::Cx;
use crate::model::context::Surroundings;
use crate::model::memory::MemoryLimit;
use crate::run::statement::{Outcome, execute};
use crate::text::console::Console;
use crate::text::diagnostic::{Error, Result, SourceText};
use crate::text::wait::{Token, from_now, lock};

pub use world::World;

/// How a session is set up.
pub struct Config {
    /// What `sa_home()` returns, with a closing slash.
    pub home: PathBuf,
    /// Ends each query after that long.
    pub timeout: Option<Duration>,
    pub console: Console,
    /// Whether the first element of a live stream that fails ends its query. Else it is set aside.
    pub bail: bool,
    /// How much the operators of a query may hold together.
    pub memory: MemoryLimit,
}

/// One user's session.
pub struct Session {
    world: Arc<World>,
    timeout: Option<Duration>,
    memory: MemoryLimit,
    running: Interrupt,
}

/// Stops whatever a session runs; can be given to another thread.
#[derive(Clone, Default)]
pub struct Interrupt(Arc<Mutex<Interruption>>);

#[derive(Default)]
struct Interruption {
    /// Of the statement that runs now, or ran last.
    running: Token,
    /// Why nothing is to run at the moment.
    stopped: Option<String>,
}

impl Interrupt {
    /// Stops the statement that runs now and those that follow, until [`Interrupt::resume`], with
    /// `reason` as their error: who stops a row of statements may do so between two of them.
    pub fn stop(&self, reason: &str) {
        let mut state = lock(&self.0);
        state.stopped = Some(reason.to_owned());
        state.running.stop(reason);
    }

    /// Whether nothing is to run at the moment.
    pub fn is_stopped(&self) -> bool {
        lock(&self.0).stopped.is_some()
    }

    /// Statements may run again.
    pub fn resume(&self) {
        lock(&self.0).stopped = None;
    }

    /// A statement runs under this token from now on.
    fn begin(&self, token: &Token) {
        let mut state = lock(&self.0);
        if let Some(reason) = &state.stopped {
            token.stop(reason.as_str());
        }
        state.running = token.clone();
    }
}

impl Session {
    pub fn new(config: Config) -> Session {
        let host = Host::new(config.home, config.console, config.bail);
        let catalog = Catalog::new(&BUILT_INS).holding(host.clients.receipts().clone());
        Session {
            world: Arc::new(World { catalog, host }),
            timeout: config.timeout,
            memory: config.memory,
            running: Interrupt::default(),
        }
    }

    pub fn world(&self) -> &Arc<World> {
        &self.world
    }

    /// What stops statements from another thread (Ctrl-C).
    pub fn interrupt(&self) -> Interrupt {
        self.running.clone()
    }

    /// Runs one statement, with or without its closing semicolon.
    pub fn execute(&mut self, statement: &Arc<SourceText>) -> Result<Outcome> {
        let token = self.begin();
        *lock(&self.world.host.statement) = statement.text.trim().into();
        let cx = Cx::new(self.world.clone(), token).with_memory(self.memory);
        execute(&cx, statement)
    }

    /// The token of a new statement.
    fn begin(&self) -> Token {
        let surroundings: Arc<dyn Surroundings> = self.world.clone();
        let token = waiting_token(&surroundings);
        let token = match self.timeout {
            Some(limit) => {
                let seconds = limit.as_secs_f64();
                let reason = format!("the query ran longer than {seconds} seconds (--timeout)");
                token.child_until(from_now(limit), reason)
            }
            None => token,
        };
        self.running.begin(&token);
        token
    }

    /// Waits that long; an interrupt ends the wait, with an error.
    pub fn rest(&self, duration: Duration) -> Result<()> {
        self.begin().sleep(duration)
    }

    /// Waits until no background job runs; an interrupt ends the wait. An error if a job has failed.
    pub fn wait_for_jobs(&self) -> Result<()> {
        match self.world.host.jobs.wait(&self.begin())? {
            0 => Ok(()),
            1 => Err(Error::run("a background job has failed")),
            failed => Err(Error::run(format!("{failed} background jobs have failed"))),
        }
    }

    /// Ends the session: stops background jobs, waits until what was published is acknowledged, at most `limit`, and
    /// disconnects. The error says what was not delivered.
    pub fn close(self, limit: Duration) -> Result<()> {
        self.world.host.jobs.stop_all();
        self.world.host.clients.close(limit)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.world.host.jobs.stop_all();
    }
}
