//! The world outside of the language, as far as running needs it: the console, MQTT clients, in-process
//! flows, background jobs, random numbers, folders, and which calls are traced. Uses `text`, `mqtt` and
//! `model`.

pub mod failed;
pub mod file_input;
pub mod flow;
pub mod http;
pub mod jobs;
pub mod json_file;
pub mod loads;
pub mod machine;
pub mod profiles;
pub mod remarks;
pub mod traced;
pub mod user_folder;
pub mod validations;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use rand::SeedableRng;
use rand::rngs::StdRng;

use crate::catalog::Catalog;
use crate::model::context::{CursorTokens, Surroundings};
use crate::model::{Cx, Source};
use crate::mqtt;
use crate::text::console::Console;
use crate::text::diagnostic::{Error, Result};
use crate::text::wait::Token;
use flow::local::Flows;
use jobs::Jobs;
use loads::Loads;
use traced::Traced;
use validations::Validations;

/// What a session's queries find outside of it.
pub struct Host {
    /// The folder that `sa_home()` returns.
    pub home: PathBuf,
    pub console: Arc<Console>,
    pub clients: mqtt::Clients,
    pub flows: Arc<Flows>,
    pub jobs: Jobs,
    /// The statement that runs now, or ran last.
    pub statement: Mutex<Arc<str>>,
    /// Where random numbers come from; `rand_seed` makes them repeat.
    pub random: Mutex<StdRng>,
    /// The folders to which `popd` goes back, the nearest last.
    pub folders: Mutex<Vec<PathBuf>>,
    /// The cursors that statements have opened, by the names of their session variables.
    pub cursors: Mutex<HashMap<Arc<str>, SessionCursor>>,
    /// The files that are executed, and the models that have been loaded.
    pub loads: Loads,
    pub validations: Validations,
    /// The functions whose calls are printed.
    pub traced: Traced,
    /// Whether the first element of a live stream that fails ends its query (`--bail`).
    pub bail: bool,
    /// When the session began.
    pub started: Instant,
}

/// A cursor that lasts from statement to statement. Dropping it stops its query.
pub struct SessionCursor {
    pub rows: Box<dyn Source>,
    pub tokens: CursorTokens,
}

/// A token of its own for what runs in these surroundings: before a thread waits, what it has written is
/// shown, and what it has changed in databases is committed where that is due.
pub fn waiting_token(surroundings: &Arc<dyn Surroundings>) -> Token {
    let surroundings = Arc::downgrade(surroundings);
    Token::with_hook(move || {
        let Some(surroundings) = surroundings.upgrade() else {
            return Ok(None);
        };
        if let Some(host) = surroundings.host().downcast_ref::<Host>() {
            // A console that cannot be written to is noticed by whoever writes.
            let _ = host.console.flush();
        }
        match surroundings.catalog().downcast_ref::<Catalog>() {
            Some(catalog) => catalog.about_to_wait(),
            None => Ok(None),
        }
    })
}

impl Host {
    /// A host with the home folder `home`, that shows everything on `console`. With `bail` the first
    /// element of a live stream that fails ends its query.
    pub fn new(home: PathBuf, console: Console, bail: bool) -> Host {
        let console = Arc::new(console);
        let notices = console.clone();
        Host {
            home,
            clients: mqtt::Clients::new(move |line| notices.post(&format!("{line}\n"))),
            console,
            bail,
            flows: Arc::default(),
            jobs: Jobs::default(),
            statement: Mutex::new("".into()),
            random: Mutex::new(StdRng::from_os_rng()),
            folders: Mutex::default(),
            cursors: Mutex::default(),
            loads: Loads::default(),
            validations: Validations::default(),
            traced: Traced::default(),
            started: Instant::now(),
        }
    }

    /// The host that a call runs in.
    #[inline]
    pub fn of(cx: &Cx) -> &Host {
        let host = cx.surroundings().host().downcast_ref();
        host.expect("a session's surroundings give a Host")
    }

    /// Prints to standard output, in order with the results of queries.
    pub fn print(&self, text: &str) -> Result<()> {
        self.console
            .write(text)
            .map_err(|error| Error::stopped(format!("standard output cannot be written: {error}")))
    }
}
