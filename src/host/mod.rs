//! The world outside of the language, as far as running needs it: the console, MQTT clients, in-process
//! flows, background jobs, random numbers, folders, and which calls are traced. Uses `text`, `mqtt` and
//! `model`.

pub mod failed;
pub mod file_input;
pub mod flow;
pub mod http;
pub mod jobs;
pub mod json_file;
pub mod machine;
pub mod traced;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use rand::SeedableRng;
use rand::rngs::StdRng;

use crate::model::context::CursorTokens;
use crate::model::{Cx, Source};
use crate::mqtt;
use crate::text::console::Console;
use crate::text::diagnostic::{Error, Result};
use flow::local::Flows;
use jobs::Jobs;
use traced::Traced;

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
