//! One user's world, and the library's front door: text in, results out.

mod execute;
mod validate;
mod variables;
mod world;

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::run::Cx;
use crate::text::console::Console;
use crate::text::diagnostic::{Error, Result, SourceText};
use crate::text::wait::{Token, lock};
use crate::types::{self, Value};

pub use execute::{execute, execute_within, load};
pub use variables::Variables;
pub use world::World;

/// How a session is set up.
pub struct Config {
    /// What `sa_home()` returns, with a closing slash.
    pub home: PathBuf,
    /// Ends each query after that long.
    pub timeout: Option<Duration>,
    pub console: Console,
}

/// One user's session.
pub struct Session {
    world: Arc<World>,
    timeout: Option<Duration>,
    running: Interrupt,
}

/// What a statement came to.
pub enum Outcome {
    /// A query's results, produced as they are pulled.
    Rows(Rows),
    /// A statement without results.
    Done,
    /// The user wants to leave.
    Quit,
}

/// Stops whatever a session runs at the moment; can be given to another thread.
#[derive(Clone, Default)]
pub struct Interrupt(Arc<Mutex<Token>>);

impl Interrupt {
    /// Stops the statement that runs now, with `reason` as its error.
    pub fn stop(&self, reason: &str) {
        lock(&self.0).stop(reason);
    }
}

impl Session {
    pub fn new(config: Config) -> Session {
        Session {
            world: Arc::new(World::new(config.home, config.console)),
            timeout: config.timeout,
            running: Interrupt::default(),
        }
    }

    pub fn world(&self) -> &Arc<World> {
        &self.world
    }

    /// What stops a statement from another thread (Ctrl-C).
    pub fn interrupt(&self) -> Interrupt {
        self.running.clone()
    }

    /// The token of the statement that runs now.
    pub fn running(&self) -> Token {
        lock(&self.running.0).clone()
    }

    /// Runs one statement, with or without its closing semicolon.
    pub fn execute(&mut self, statement: &Arc<SourceText>) -> Result<Outcome> {
        let token = self.begin();
        *lock(&self.world.statement) = statement.text.trim().into();
        execute(&Cx::new(self.world.clone(), token), statement)
    }

    /// The token of a new statement.
    fn begin(&self) -> Token {
        let world = Arc::downgrade(&self.world);
        let token = Token::with_hook(move || {
            if let Some(world) = world.upgrade() {
                // A console that cannot be written to is noticed by whoever writes.
                let _ = world.console.flush();
            }
        });
        let token = match self.timeout {
            Some(limit) => {
                let seconds = limit.as_secs_f64();
                let reason = format!("the query ran longer than {seconds} seconds (--timeout)");
                token.child_until(Instant::now() + limit, reason)
            }
            None => token,
        };
        *lock(&self.running.0) = token.clone();
        token
    }

    /// Waits until no background job runs; an interrupt ends the wait. An error if a job has failed.
    pub fn wait_for_jobs(&self) -> Result<()> {
        match self.world.jobs.wait(&self.begin())? {
            0 => Ok(()),
            1 => Err(Error::run("a background job has failed")),
            failed => Err(Error::run(format!("{failed} background jobs have failed"))),
        }
    }

    /// Ends the session: stops background jobs, waits until what was published is acknowledged, at most `limit`, and
    /// disconnects. The error says what was not delivered.
    pub fn close(self, limit: Duration) -> Result<()> {
        self.world.jobs.stop_all();
        self.world.mqtt.close(limit)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.world.jobs.stop_all();
    }
}

/// The results of a query. Dropping it stops the query.
pub struct Rows {
    source: Option<Box<dyn types::Source>>,
    cx: Cx,
    /// Where the journal stood when the statement began.
    mark: usize,
    /// How long the last result took.
    took: Duration,
    /// Whether they are those of a statement inside another, which is not at its end.
    within: bool,
}

impl Rows {
    fn new(source: Box<dyn types::Source>, cx: Cx, mark: usize) -> Rows {
        Rows {
            source: Some(source),
            cx,
            mark,
            took: Duration::ZERO,
            within: false,
        }
    }

    /// Whether elements arrive over time, so that each should be shown as soon as it is there.
    pub fn is_live(&self) -> bool {
        self.took >= Duration::from_millis(1)
    }

    fn pull(&mut self) -> Result<Option<Value>> {
        match &mut self.source {
            Some(source) => source.next(&self.cx),
            None => Ok(None),
        }
    }
}

impl Iterator for Rows {
    type Item = Result<Value>;

    fn next(&mut self) -> Option<Result<Value>> {
        let began = Instant::now();
        let pulled = self.pull();
        self.took = began.elapsed();
        match pulled {
            Ok(Some(value)) => Some(Ok(value)),
            Ok(None) => {
                self.source = None;
                None
            }
            Err(error) => {
                self.source = None;
                self.cx.world.undo(self.mark);
                Some(Err(error))
            }
        }
    }
}

impl Drop for Rows {
    fn drop(&mut self) {
        self.cx.token.stop("the result is not wanted any more");
        self.source = None;
        if !self.within {
            self.cx.world.end_of_statement();
        }
    }
}
