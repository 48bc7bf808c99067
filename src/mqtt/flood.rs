//! When messages come in a flood. Brokers send each message and each answer on its own: whoever
//! reads each at once pays a wake-up for it, of the connection and of the query, which is several
//! times what the message costs itself. In a flood the connection rests between two reads and what
//! comes meanwhile is taken together. Beside a flood it never rests.

use std::time::{Duration, Instant};

/// How long the connection may rest.
pub const REST: Duration = Duration::from_millis(1);

/// From so many messages within the time of a rest on it is a flood.
const MANY: usize = 16;

/// The same with so many publications in flight: their answers come as fast.
const DEEP: usize = 128;

/// A broker that sends only so many messages before they are acknowledged (its window, in MQTT 5
/// the Receive Maximum) would wait for the end of a rest. After a rest that met with that there is
/// none for so long.
const AWAKE: Duration = Duration::from_millis(100);

/// See the module.
pub struct Flood {
    /// What was read since then.
    since: Instant,
    messages: usize,
    /// The largest number of messages that the broker sent before they were acknowledged: if it
    /// keeps to a window, that is its size.
    window: usize,
    /// Whether the connection has rested before the read that comes.
    rested: bool,
    awake_until: Instant,
}

impl Flood {
    pub fn new(now: Instant) -> Flood {
        Flood {
            since: now,
            messages: 0,
            window: 0,
            rested: false,
            awake_until: now,
        }
    }

    /// A read brought so many messages; so many that came before the next acknowledgement are not
    /// acknowledged, and so many publications wait for an answer. Whether to rest now.
    pub fn read(
        &mut self,
        now: Instant,
        messages: usize,
        unacknowledged: usize,
        in_flight: usize,
    ) -> bool {
        let rested = std::mem::take(&mut self.rested);
        if rested && unacknowledged > 0 && unacknowledged == self.window {
            self.awake_until = now + AWAKE;
        }
        self.window = self.window.max(unacknowledged);
        if now > self.since + REST {
            self.since = now;
            self.messages = 0;
        }
        self.messages += messages;
        let flood = self.messages >= MANY && now >= self.awake_until;
        self.rested = flood || in_flight >= DEEP;
        self.rested
    }

    /// Nothing came while the connection rested.
    pub fn nothing(&mut self, now: Instant, unacknowledged: usize) {
        if unacknowledged > 0 {
            self.awake_until = now + AWAKE;
        }
        self.rested = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(start: Instant, microseconds: u64) -> Instant {
        start + Duration::from_micros(microseconds)
    }

    #[test]
    fn single_messages_are_read_at_once_until_there_are_many_within_a_rest() {
        let start = Instant::now();
        let mut flood = Flood::new(start);
        for at in 1..16 {
            assert!(!flood.read(after(start, at * 20), 1, 0, 0));
        }
        assert!(flood.read(after(start, 320), 1, 0, 0));
        // It goes on as long as each rest brings as many, and ends when it does not.
        assert!(flood.read(after(start, 1400), 40, 0, 0));
        assert!(!flood.read(after(start, 2500), 3, 0, 0));
    }

    #[test]
    fn slow_messages_never_make_a_flood() {
        let start = Instant::now();
        let mut flood = Flood::new(start);
        for at in 1..1000 {
            assert!(!flood.read(after(start, at * 100), 1, 0, 0));
        }
    }

    #[test]
    fn many_publications_in_flight_are_a_flood_of_answers() {
        let start = Instant::now();
        let mut flood = Flood::new(start);
        assert!(flood.read(start, 0, 0, 128));
        assert!(!flood.read(start, 0, 0, 127));
    }

    #[test]
    fn a_broker_that_waits_for_acknowledgements_is_not_kept_waiting() {
        let start = Instant::now();
        let mut flood = Flood::new(start);
        // It sends twenty at a time.
        assert!(flood.read(after(start, 10), 20, 20, 0));
        // After the rest there is nothing more.
        flood.nothing(after(start, 1100), 20);
        for at in 12..100 {
            assert!(!flood.read(after(start, at * 1000), 20, 20, 0));
        }
        // A while later it is tried again, and the window is full after the rest.
        assert!(flood.read(after(start, 102_000), 16, 16, 0));
        assert!(!flood.read(after(start, 103_200), 4, 20, 0));
    }
}
