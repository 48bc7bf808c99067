//! Elements of live streams that failed, and the message that was at work when one did.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::text::wait::lock;

/// What came in from outside: the topic and the payload of a message.
#[derive(Clone)]
pub struct Origin {
    pub topic: Arc<str>,
    pub payload: Arc<[u8]>,
    /// How many messages failed of those that came the same way.
    pub failed: Arc<AtomicU64>,
}

/// Elements that arrived together, as whoever goes through them one by one sees them: they are counted
/// from 0.
pub trait Turns: Send + Sync {
    /// What is done from here on is about this element, and those before it are dealt with.
    fn turn_to(&self, element: usize);

    /// All of them are dealt with.
    fn end(&self);

    /// What the element is made of whose turn it is.
    fn origin(&self) -> Option<Origin>;
}

/// The elements that one thread has taken last. What fails on that thread afterwards was made of the one
/// whose turn it is.
#[derive(Clone, Default)]
pub struct LatestOrigin(Arc<Mutex<Option<Arc<dyn Turns>>>>);

impl LatestOrigin {
    /// It is the turn of one of these elements.
    pub fn turn_to(&self, turns: &Arc<dyn Turns>, element: usize) {
        let mut latest = lock(&self.0);
        if !latest.as_ref().is_some_and(|of| Arc::ptr_eq(of, turns)) {
            *latest = Some(turns.clone());
        }
        turns.turn_to(element);
    }

    pub fn get(&self) -> Option<Origin> {
        lock(&self.0).as_ref()?.origin()
    }
}

/// How long failures are only counted until their number is said: twice as long each time, up to the
/// longest, so that a service does not fill its log.
const FIRST_PAUSE: Duration = Duration::from_secs(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(3600);

/// The failed elements of one statement or one background job.
#[derive(Default)]
pub struct FailedElements(Mutex<Counts>);

#[derive(Default)]
struct Counts {
    all: u64,
    /// How many have been told of.
    said: u64,
    last_said: Option<Instant>,
    /// How often their number was said since the first.
    summaries: u32,
}

impl Counts {
    fn pause(&self) -> Duration {
        let longer = 1_u32.checked_shl(self.summaries).unwrap_or(u32::MAX);
        FIRST_PAUSE.saturating_mul(longer).min(LONGEST_PAUSE)
    }
}

/// What is to be said of an element that has just failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Report {
    /// It is the first: all that is known of it.
    Whole,
    /// That so many failed since the last report.
    Number(u64),
    Nothing,
}

impl FailedElements {
    /// One more has failed.
    pub fn add(&self) -> Report {
        let mut counts = lock(&self.0);
        counts.all += 1;
        let now = Instant::now();
        let pause = counts.pause();
        let due = |last: Instant| now.duration_since(last) >= pause;
        let report = match counts.last_said {
            None => Report::Whole,
            Some(last) if due(last) => {
                counts.summaries += 1;
                Report::Number(counts.all - counts.said)
            }
            Some(_) => return Report::Nothing,
        };
        counts.said = counts.all;
        counts.last_said = Some(now);
        report
    }

    /// How many have failed, where some have that were not told of. They count as told from here on.
    pub fn untold(&self) -> Option<u64> {
        let mut counts = lock(&self.0);
        let untold = counts.all > counts.said;
        counts.said = counts.all;
        untold.then_some(counts.all)
    }
}

impl Origin {
    /// The message has failed.
    pub fn count(&self) {
        self.failed.fetch_add(1, Ordering::Relaxed);
    }
}
