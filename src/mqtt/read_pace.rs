//! When to read. Brokers send each message and each answer on its own: whoever reads each at once pays
//! a wake-up for it, of the connection and of the query, which is several times what the message costs
//! itself. In a flood the connection rests between two reads, and what comes meanwhile is taken
//! together. Outside a flood it never rests.

use std::time::{Duration, Instant};

/// How long the connection rests between two reads.
const REST: Duration = Duration::from_millis(1);

/// From so many messages within the time of a rest on it is a flood.
const MANY: usize = 16;

/// The same with so many publications in flight: their answers come as fast.
const DEEP: usize = 128;

/// A broker that sends only so many messages before they are acknowledged (in MQTT 5 the Receive
/// Maximum) would wait for the end of a rest. After a rest that met with that there is none for so
/// long.
const AWAKE: Duration = Duration::from_millis(100);

/// Where a client stands after a read.
#[derive(Clone, Copy)]
pub struct Arrived {
    /// How many messages the read brought.
    pub messages: usize,
    /// How many messages from the broker wait for an acknowledgement.
    pub unacknowledged: usize,
    /// How many publications wait for the broker's answer.
    pub in_flight: usize,
}

/// Says when a connection reads, and when it rests.
pub struct ReadPace {
    /// `messages` were read since then.
    since: Instant,
    messages: usize,
    /// The largest number of messages that the broker sent before they were acknowledged: if it
    /// keeps to a limit, this is it.
    limit: usize,
    /// Whether the connection has rested before the read that comes.
    rested: bool,
    awake_until: Instant,
    resting_until: Option<Instant>,
    /// Whether the queries' work was taken since the last read.
    work_taken: bool,
}

impl ReadPace {
    pub fn new(now: Instant) -> ReadPace {
        ReadPace {
            since: now,
            messages: 0,
            limit: 0,
            rested: false,
            awake_until: now,
            resting_until: None,
            work_taken: false,
        }
    }

    /// When the rest ends, in a rest.
    pub fn resting_until(&self) -> Option<Instant> {
        self.resting_until
    }

    /// Whether to take what queries have handed over. In a rest once is enough: what follows goes out
    /// together.
    pub fn takes_work(&mut self) -> bool {
        let again = std::mem::replace(&mut self.work_taken, true);
        !(again && self.resting_until.is_some())
    }

    /// Something was read. Begins a rest if it is a flood; `true` if so.
    pub fn after_read(&mut self, now: Instant, arrived: Arrived) -> bool {
        self.work_taken = false;
        let rested = std::mem::take(&mut self.rested);
        let unacknowledged = arrived.unacknowledged;
        if rested && unacknowledged > 0 && unacknowledged == self.limit {
            self.awake_until = now + AWAKE;
        }
        self.limit = self.limit.max(unacknowledged);
        if now > self.since + REST {
            self.since = now;
            self.messages = 0;
        }
        self.messages += arrived.messages;
        let flood = self.messages >= MANY && now >= self.awake_until;
        self.rested = flood || arrived.in_flight >= DEEP;
        self.resting_until = self.rested.then(|| now + REST);
        self.rested
    }

    /// The rest is over.
    pub fn end_rest(&mut self) {
        self.resting_until = None;
    }

    /// Nothing came while the connection rested.
    pub fn after_nothing(&mut self, now: Instant, unacknowledged: usize) {
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

    fn read(
        pace: &mut ReadPace,
        now: Instant,
        messages: usize,
        unacknowledged: usize,
        in_flight: usize,
    ) -> bool {
        let arrived = Arrived {
            messages,
            unacknowledged,
            in_flight,
        };
        pace.after_read(now, arrived)
    }

    #[test]
    fn single_messages_are_read_at_once_until_there_are_many_within_a_rest() {
        let start = Instant::now();
        let mut pace = ReadPace::new(start);
        for at in 1..16 {
            assert!(!read(&mut pace, after(start, at * 20), 1, 0, 0));
        }
        assert!(read(&mut pace, after(start, 320), 1, 0, 0));
        // It goes on as long as each rest brings as many, and ends when it does not.
        assert!(read(&mut pace, after(start, 1400), 40, 0, 0));
        assert!(!read(&mut pace, after(start, 2500), 3, 0, 0));
    }

    #[test]
    fn slow_messages_never_make_a_flood() {
        let start = Instant::now();
        let mut pace = ReadPace::new(start);
        for at in 1..1000 {
            assert!(!read(&mut pace, after(start, at * 100), 1, 0, 0));
        }
    }

    #[test]
    fn many_publications_in_flight_are_a_flood_of_answers() {
        let start = Instant::now();
        let mut pace = ReadPace::new(start);
        assert!(read(&mut pace, start, 0, 0, 128));
        assert!(!read(&mut pace, start, 0, 0, 127));
    }

    #[test]
    fn a_broker_that_waits_for_acknowledgements_is_not_kept_waiting() {
        let start = Instant::now();
        let mut pace = ReadPace::new(start);
        // It sends twenty at a time.
        assert!(read(&mut pace, after(start, 10), 20, 20, 0));
        // After the rest there is nothing more.
        pace.after_nothing(after(start, 1100), 20);
        for at in 12..100 {
            assert!(!read(&mut pace, after(start, at * 1000), 20, 20, 0));
        }
        // A while later it is tried again, and the broker is at its limit after the rest.
        assert!(read(&mut pace, after(start, 102_000), 16, 16, 0));
        assert!(!read(&mut pace, after(start, 103_200), 4, 20, 0));
    }

    #[test]
    fn in_a_rest_work_is_taken_once() {
        let start = Instant::now();
        let mut pace = ReadPace::new(start);
        assert!(pace.takes_work() && pace.takes_work());
        assert!(read(&mut pace, start, 16, 0, 0));
        assert_eq!(pace.resting_until(), Some(start + REST));
        assert!(pace.takes_work() && !pace.takes_work());
        pace.end_rest();
        assert!(pace.takes_work());
    }
}
