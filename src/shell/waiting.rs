//! What a person sees while a query shows nothing: on one line, which goes away with whatever comes, that
//! it still runs, how many messages have come, and for how long it has been silent.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::prompt::notices::Notices;
use super::shorten_to_window;
use crate::text::wait::lock;

/// A query that has been silent for so long says so, and then as often.
const SILENCE: Duration = Duration::from_secs(1);

/// Watches a query until it is dropped.
pub struct Waiting {
    over: Arc<(Mutex<bool>, Condvar)>,
    watcher: Option<JoinHandle<()>>,
    notices: Notices,
}

impl Waiting {
    /// Starts to watch; `received` counts the messages that all clients have received.
    pub fn start(notices: &Notices, received: impl Fn() -> u64 + Send + 'static) -> Waiting {
        let over = Arc::new((Mutex::new(false), Condvar::new()));
        let shared = over.clone();
        let shown = notices.clone();
        let before = received();
        let watch = move || {
            let begun = Instant::now();
            while !is_over(&shared) {
                shown.show_wait(begun, |silent| {
                    (silent >= SILENCE)
                        .then(|| line(received().saturating_sub(before), begun.elapsed()))
                });
            }
        };
        Waiting {
            // Should no thread start, nothing is said.
            watcher: thread::Builder::new()
                .name("waiting".to_owned())
                .spawn(watch)
                .ok(),
            over,
            notices: notices.clone(),
        }
    }
}

/// Waits a while for the end; whether it has come.
fn is_over((over, news): &(Mutex<bool>, Condvar)) -> bool {
    let waited = news.wait_timeout_while(lock(over), SILENCE, |over| !*over);
    *waited.unwrap_or_else(PoisonError::into_inner).0
}

impl Drop for Waiting {
    fn drop(&mut self) {
        *lock(&self.over.0) = true;
        self.over.1.notify_all();
        if let Some(watcher) = self.watcher.take() {
            // A watcher that panicked has said so.
            let _ = watcher.join();
        }
        self.notices.hide_wait();
    }
}

fn line(received: u64, elapsed: Duration) -> String {
    let seconds = elapsed.as_secs();
    let messages = match received {
        0 => String::new(),
        1 => "1 message received, ".to_owned(),
        n => format!("{n} messages received, "),
    };
    shorten_to_window(&format!("waiting: {messages}{seconds} s; Ctrl-C stops"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_says_what_has_come() {
        let seconds = Duration::from_millis(3900);
        assert_eq!(line(0, seconds), "waiting: 3 s; Ctrl-C stops");
        assert_eq!(
            line(1, seconds),
            "waiting: 1 message received, 3 s; Ctrl-C stops"
        );
        assert_eq!(
            line(20, seconds),
            "waiting: 20 messages received, 3 s; Ctrl-C stops"
        );
    }
}
