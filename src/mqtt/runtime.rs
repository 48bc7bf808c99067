//! The runtime that drives all connections: one for the process, started when it is first needed.

use std::future::Future;
use std::sync::{Mutex, OnceLock};

use tokio::runtime::{Builder, Handle, Runtime};

use crate::diagnostic::{Error, Result};
use crate::run::wait::lock;

/// The runtime, started if it does not run yet.
pub fn handle() -> Result<Handle> {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    static STARTING: Mutex<()> = Mutex::new(());
    let _one_at_a_time = lock(&STARTING);
    if let Some(runtime) = RUNTIME.get() {
        return Ok(runtime.handle().clone());
    }
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("mqtt")
        .enable_all()
        .build()
        .map_err(|e| Error::run(format!("cannot start the threads for MQTT: {e}")))?;
    Ok(RUNTIME.get_or_init(|| runtime).handle().clone())
}

/// Runs a future in the background.
pub fn spawn(future: impl Future<Output = ()> + Send + 'static) -> Result<()> {
    handle()?.spawn(future);
    Ok(())
}
