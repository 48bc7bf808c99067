//! `--verbose`: events on the network, on standard error.

use std::io;
use std::sync::{Arc, Weak};

use tracing::Level;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::time::uptime;
use tracing_subscriber::prelude::*;

use crate::session::World;

/// Shows osql's own events from now on, through the session's console. Those of the libraries stay
/// out: they may hold what has to be kept secret.
pub fn start(world: &Arc<World>) {
    let world = Arc::downgrade(world);
    let lines = tracing_subscriber::fmt::layer()
        .with_ansi(false)
        .with_timer(uptime())
        .with_writer(move || ToConsole(world.clone()))
        .with_filter(Targets::new().with_target("osql", Level::DEBUG));
    // Fails only if it has been started before, and then there is nothing to do.
    let _ = tracing_subscriber::registry().with(lines).try_init();
}

/// Writes each event as one notice.
struct ToConsole(Weak<World>);

impl io::Write for ToConsole {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Some(world) = self.0.upgrade() {
            world.console.notice(&String::from_utf8_lossy(bytes));
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
