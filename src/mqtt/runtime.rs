//! The runtimes, one for the clients and one for the embedded brokers, started when they are first
//! needed.

use std::future::Future;
use std::sync::Mutex;
use std::thread;

use tokio::runtime::{Builder, Handle};

use crate::text::diagnostic::{Error, Result};
use crate::text::wait::lock;

/// The runtime of the embedded brokers.
#[cfg(feature = "broker")]
pub fn handle() -> Result<Handle> {
    use std::sync::OnceLock;

    static RUNTIME: OnceLock<tokio::runtime::Runtime> = OnceLock::new();
    static STARTING: Mutex<()> = Mutex::new(());
    let _one_at_a_time = lock(&STARTING);
    if let Some(runtime) = RUNTIME.get() {
        return Ok(runtime.handle().clone());
    }
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("broker")
        .enable_all()
        .build()
        .map_err(|e| Error::run(format!("cannot start the threads of a broker: {e}")))?;
    Ok(RUNTIME.get_or_init(|| runtime).handle().clone())
}

/// Runs a client's connection in the background. All of them share one thread: handing a message from
/// thread to thread would cost more than the message itself. So nothing on it may block, or every
/// connection stands still; and whoever has much to do lets the others have their turn.
pub fn spawn(connection: impl Future<Output = ()> + Send + 'static) -> Result<()> {
    static CONNECTIONS: Mutex<Option<Handle>> = Mutex::new(None);
    let mut connections = lock(&CONNECTIONS);
    if let Some(handle) = &*connections {
        handle.spawn(connection);
        return Ok(());
    }
    let failed = |e| Error::run(format!("cannot start the thread for MQTT: {e}"));
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(failed)?;
    let handle = runtime.handle().clone();
    thread::Builder::new()
        .name("mqtt".to_owned())
        .spawn(move || runtime.block_on(std::future::pending::<()>()))
        .map_err(failed)?;
    handle.spawn(connection);
    *connections = Some(handle);
    Ok(())
}
