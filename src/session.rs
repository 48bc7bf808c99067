//! One user's world, and the library's front door: text in, results out.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rand::SeedableRng;
use rand::rngs::StdRng;

use crate::console::Console;
use crate::diagnostic::{Result, Source};
use crate::run::wait::{Token, lock};
use crate::types::Value;

/// How a session is set up.
pub struct Config {
    /// What `sa_home()` returns, with a closing slash.
    pub home: PathBuf,
    /// Ends each query after that long.
    pub timeout: Option<Duration>,
    pub console: Console,
}

/// Everything that queries share: functions, variables, objects, flows, MQTT clients.
pub struct World {
    pub home: PathBuf,
    pub console: Console,
    pub mqtt: crate::mqtt::Clients,
    rng: Mutex<Option<StdRng>>,
    /// The folders to which `popd` goes back, the nearest last.
    pub folders: Mutex<Vec<PathBuf>>,
    /// When the session began.
    pub started: Instant,
}

impl World {
    /// Works with the session's random numbers, seeded by the system unless [`World::seed`] was called.
    pub fn with_rng<T>(&self, work: impl FnOnce(&mut StdRng) -> T) -> T {
        work(lock(&self.rng).get_or_insert_with(StdRng::from_os_rng))
    }

    /// Makes the random numbers from here on the same each time.
    pub fn seed(&self, seed: u64) {
        *lock(&self.rng) = Some(StdRng::seed_from_u64(seed));
    }
}

/// One user's session.
pub struct Session {
    world: Arc<World>,
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

/// The results of a query. Dropping it stops the query.
pub struct Rows {
    _private: (),
}

impl Rows {
    /// Whether elements arrive over time, so that each should be shown as soon as it is there.
    pub fn is_live(&self) -> bool {
        false
    }
}

impl Iterator for Rows {
    type Item = Result<Value>;

    fn next(&mut self) -> Option<Result<Value>> {
        None
    }
}

impl Session {
    pub fn new(config: Config) -> Session {
        let _ = config.timeout;
        Session {
            world: Arc::new(World {
                home: config.home,
                console: config.console,
                mqtt: crate::mqtt::Clients::default(),
                rng: Mutex::default(),
                folders: Mutex::default(),
                started: Instant::now(),
            }),
        }
    }

    pub fn world(&self) -> &Arc<World> {
        &self.world
    }

    /// Runs one statement, with or without its closing semicolon.
    pub fn execute(&mut self, statement: &Arc<Source>) -> Result<Outcome> {
        let _ = statement;
        Ok(Outcome::Done)
    }

    /// The token of the statement that runs now: stop it to end the query (Ctrl-C).
    pub fn running(&self) -> Token {
        Token::new()
    }

    /// Ends the session: waits until what was published is acknowledged, at most `limit`, and
    /// disconnects. The error says what was not delivered.
    pub fn close(self, limit: Duration) -> Result<()> {
        let _ = limit;
        Ok(())
    }
}
