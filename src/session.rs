//! One user's world, and the library's front door: text in, results out.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rand::SeedableRng;
use rand::rngs::StdRng;

use crate::console::Console;
use crate::diagnostic::{Result, Source};
use crate::run::wait::Token;
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
    /// Where random numbers come from; `rand_seed` makes them repeat.
    pub rng: Mutex<StdRng>,
    /// The folders to which `popd` goes back, the nearest last.
    pub folders: Mutex<Vec<PathBuf>>,
    /// When the session began.
    pub started: Instant,
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
                rng: Mutex::new(StdRng::from_os_rng()),
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
