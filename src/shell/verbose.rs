//! `--verbose`: events on the network, on standard error.

use std::io;
use std::sync::{Arc, Weak};

use tracing::Level;
use tracing_subscriber::fmt::time::uptime;

use crate::session::World;

/// Shows events of osql and the MQTT libraries from now on, through the session's console.
pub fn start(world: &Arc<World>) {
    let world = Arc::downgrade(world);
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(Level::DEBUG)
        .with_ansi(false)
        .with_timer(uptime())
        .with_writer(move || ToConsole(world.clone()));
    // Fails only if it has been started before, and then there is nothing to do.
    let _ = subscriber.try_init();
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
