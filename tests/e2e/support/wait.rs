//! Waiting for what a thread, a process or a broker does. Nothing else in the tests sleeps.

use std::thread;
use std::time::{Duration, Instant};

/// The longest that a test waits for something that should come at once. Generous, as the machine
/// may be busy; nothing waits this long when all is well.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until `done` holds; otherwise fails with `what`.
#[track_caller]
pub fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    wait_for(|| done().then_some(()).ok_or(what));
}

/// Looks until there is what is looked for, and gives it. While it is not there, `look` says what is
/// there instead, or what is waited for: the last of that is what the test fails with.
#[track_caller]
pub fn wait_for<T, W: AsRef<str>>(look: impl FnMut() -> Result<T, W>) -> T {
    wait_at_most(PATIENCE, look)
}

/// The same with a limit of its own.
#[track_caller]
pub fn wait_at_most<T, W: AsRef<str>>(
    limit: Duration,
    mut look: impl FnMut() -> Result<T, W>,
) -> T {
    let end = Instant::now() + limit;
    loop {
        let begun = Instant::now();
        match look() {
            Ok(found) => return found,
            Err(instead) if begun > end => panic!("waited too long: {}", instead.as_ref()),
            Err(_) => {}
        }
        // A look that takes long, such as one that starts a program, must not keep a core busy.
        thread::sleep((begun.elapsed() * 3).max(Duration::from_millis(2)));
    }
}
