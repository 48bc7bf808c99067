//! What a person sees while a query shows nothing: on one line, which goes away with whatever comes, that
//! it still runs, what has come and become of it, and for how long it has run.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::prompt::notices::Notices;
use super::window_width;
use crate::plan::estimate::with_separators;
use crate::text::shown::shown_on_a_line;
use crate::text::wait::lock;

/// A query that has been silent for so long says so, and then as often.
const SILENCE: Duration = Duration::from_secs(1);

/// So many conditions are named at most.
const MOST_CONDITIONS: usize = 3;

/// Watches a query until it is dropped.
pub struct Waiting {
    over: Arc<(Mutex<bool>, Condvar)>,
    watcher: Option<JoinHandle<()>>,
    notices: Notices,
}

impl Waiting {
    /// Starts to watch a query that has come so far as `progress` says.
    pub fn start(notices: &Notices, progress: impl Fn() -> Progress + Send + 'static) -> Waiting {
        let over = Arc::new((Mutex::new(false), Condvar::new()));
        let shared = over.clone();
        let shown = notices.clone();
        let watch = move || {
            let begun = Instant::now();
            while !is_over(&shared) {
                shown.show_wait(begun, |silent| {
                    (silent >= SILENCE).then(|| line(&progress(), begun.elapsed(), window_width()))
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

/// How far a query has come.
#[derive(Default)]
pub struct Progress {
    /// Messages that all clients have received meanwhile.
    pub received: u64,
    /// Rows that have been shown.
    pub given: u64,
    /// Rows that each condition has left out, the most first.
    pub dropped: Vec<(String, u64)>,
}

impl Progress {
    /// What is known, in parts, the most important first.
    fn parts(&self) -> Vec<String> {
        let mut parts = Vec::new();
        if self.received > 0 {
            parts.push(format!("{} received", counted(self.received, "message")));
        }
        if self.given > 0 {
            parts.push(format!("{} given", counted(self.given, "row")));
        }
        for (condition, rows) in self.dropped.iter().take(MOST_CONDITIONS) {
            let rows = with_separators(*rows);
            parts.push(format!("{rows} dropped by {}", shown_on_a_line(condition)));
        }
        parts
    }

    /// What is said of a query that the user has stopped.
    pub fn summary(&self) -> String {
        match self.parts() {
            parts if parts.is_empty() => "stopped\n".to_owned(),
            parts => format!("stopped: {}\n", parts.join(", ")),
        }
    }
}

fn counted(number: u64, what: &str) -> String {
    match number {
        1 => format!("1 {what}"),
        _ => format!("{} {what}s", with_separators(number)),
    }
}

/// As much of it as fits into so many characters; how long it has been comes last, and always.
fn line(progress: &Progress, elapsed: Duration, width: usize) -> String {
    let mut parts = progress.parts();
    loop {
        let known: String = parts.iter().map(|part| format!("{part}, ")).collect();
        let line = format!("waiting: {known}{} s; Ctrl-C stops", elapsed.as_secs());
        if line.chars().count() < width || parts.pop().is_none() {
            return line.chars().take(width.saturating_sub(1)).collect();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_says_what_has_come_as_far_as_it_fits() {
        let shown = |progress: &Progress, width| line(progress, Duration::from_millis(3900), width);
        let mut progress = Progress::default();
        assert_eq!(shown(&progress, 80), "waiting: 3 s; Ctrl-C stops");
        assert_eq!(progress.summary(), "stopped\n");
        progress.received = 1;
        assert_eq!(
            shown(&progress, 80),
            "waiting: 1 message received, 3 s; Ctrl-C stops"
        );
        progress.received = 2000;
        progress.given = 1;
        progress.dropped = vec![("t > 5".to_owned(), 1990), ("a\u{1b}b".to_owned(), 9)];
        assert_eq!(
            shown(&progress, 200),
            "waiting: 2,000 messages received, 1 row given, 1,990 dropped by t > 5, \
             9 dropped by a␛b, 3 s; Ctrl-C stops"
        );
        assert_eq!(
            shown(&progress, 80),
            "waiting: 2,000 messages received, 1 row given, 3 s; Ctrl-C stops"
        );
        assert_eq!(shown(&progress, 20), "waiting: 3 s; Ctrl-");
        assert_eq!(
            progress.summary(),
            "stopped: 2,000 messages received, 1 row given, 1,990 dropped by t > 5, \
             9 dropped by a␛b\n"
        );
    }
}
