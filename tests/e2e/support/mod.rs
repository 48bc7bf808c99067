//! What the end-to-end tests share.

pub mod bridge;
pub mod certs;
pub mod hostile;
pub mod mosquitto;
pub mod mqtt;
pub mod osql;
pub mod sandbox;
pub mod session;
pub mod subscriber;
pub mod tmux;

use std::time::Duration;

/// The longest that a test waits for something that should come at once. Generous, as the machine
/// may be busy; nothing waits this long when all is well.
pub const PATIENCE: Duration = Duration::from_secs(60);
