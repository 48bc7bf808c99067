//! Brokers restarted at random moments of publishing: the publisher's account and the subscriber's
//! record agree, message by message.
//!
//! What a broker that is killed has acknowledged and not yet handed on is lost, whoever the clients
//! are. So that this test can tell such a loss from one of ours, publisher and subscriber are one
//! client where the broker loses its state, and the broker hands on without a limit: on one
//! connection a message always comes before its acknowledgement.
//!
//! `ROUNDS` says how many rounds of 20,000 messages are run at each quality of service; a few
//! shorter ones if it is not set: `ROUNDS=20 cargo test --test e2e delivery_restarts:: -- --nocapture`.
//! `KEEP_LOGS` names a folder for the brokers' logs.

use std::collections::HashMap;
use std::thread;

use crate::support::mosquitto::Mosquitto;
use crate::support::mqtt::{Connection, patience, payload, send};
use crate::support::wait::PATIENCE;

const LIMITS: &str = "max_queued_messages 0\nlog_type all";
const AT_ONCE: &str = "max_inflight_messages 0";
const KEEPS: &str = "persistence true\npersistence_location FOLDER/\nautosave_on_changes true\n\
                     autosave_interval 500";
const FORGETS: &str = "persistence false";

/// One way in which a broker goes away and comes back.
#[derive(Clone, Copy, Debug)]
struct Way {
    signal: &'static str,
    /// Whether the broker writes its state to disk.
    persistent: bool,
    /// Whether the client asks for the session that it had.
    kept: bool,
    /// Whether the subscriber is a client of its own.
    apart: bool,
}

/// With QoS 2 and a broker that is killed, a session must not be kept: it would come back as it was
/// last written, without publications whose first step the broker had confirmed.
fn ways(qos: i64) -> [Way; 4] {
    let way = |signal, persistent, kept, apart| Way {
        signal,
        persistent,
        kept,
        apart,
    };
    [
        way("TERM", true, true, true),
        way("KILL", true, qos == 1, false),
        way("TERM", false, false, false),
        way("KILL", false, true, false),
    ]
}

fn client(broker: &Mosquitto, id: &str, qos: i64, kept: bool) -> Connection {
    let options = [
        ("clientid", id.into()),
        ("cleansession", (!kept).into()),
        ("qos", qos.into()),
        ("reconnect-min", 0.02.into()),
        ("reconnect-max", 0.1.into()),
    ];
    Connection::to(broker, options)
}

/// What came of a round.
struct Record {
    /// How often each number was received.
    seen: HashMap<String, usize>,
    acknowledged: i64,
    log: String,
}

impl Record {
    fn lost(&self, total: usize) -> Vec<usize> {
        let lost = |i: &usize| !self.seen.contains_key(&i.to_string());
        (0..total).filter(lost).collect()
    }

    fn doubled(&self) -> usize {
        self.seen.values().map(|n| n - 1).sum()
    }
}

/// Publishes `total` numbers, and restarts the broker before each of those in `moments`.
fn round(way: Way, qos: i64, total: usize, moments: &[usize]) -> Record {
    let state = if way.persistent { KEEPS } else { FORGETS };
    let limit = if way.apart { "" } else { AT_ONCE };
    let mut broker = Mosquitto::start(&format!("{state}\n{LIMITS}\n{limit}"));
    let writer = client(&broker, "writer", qos, way.kept);
    let apart = way.apart.then(|| client(&broker, "reader", qos, way.kept));
    let reader = apart.as_ref().unwrap_or(&writer);
    let mut subscription = reader.listen("t");
    let stop = patience(120);
    let counting = thread::spawn(move || {
        let mut seen: HashMap<String, usize> = HashMap::new();
        loop {
            let message = subscription.recv(&stop).expect("in time").expect("more");
            match payload(&message).as_str() {
                "end" => return seen,
                number => *seen.entry(number.to_owned()).or_default() += 1,
            }
        }
    });
    let mut publisher = writer.sender("t");
    for i in 0..total {
        if moments.contains(&i) {
            broker.end(way.signal);
            broker.start_again();
        }
        send(&mut publisher, [i]);
    }
    publisher.finish(&patience(60)).expect("all acknowledged");
    reader.wait_for_state("connected");
    send(&mut publisher, ["end"]);
    publisher.finish(&patience(60)).expect("acknowledged");
    let record = Record {
        seen: counting.join().expect("all comes in time"),
        acknowledged: writer.number("acknowledged"),
        log: broker.log(),
    };
    writer.close_within(PATIENCE).expect("closed");
    if let Some(reader) = apart {
        reader.close_within(PATIENCE).expect("closed");
    }
    record
}

/// How often the broker, by its own log, sent the reader a message again that the reader had
/// confirmed (PUBREC), which MQTT section 4.3.3 forbids. mosquitto 2.0.11 does it after a restart with
/// more messages under way than `max_inflight_messages`: those beyond the limit are restored into
/// the queue of what was never sent (persist_read.c, persist__client_msg_restore), whose state is
/// not looked at when it goes out.
fn sent_again(log: &str) -> usize {
    let mut confirmed: HashMap<&str, bool> = HashMap::new();
    let mut again = 0;
    for line in log.lines() {
        if let Some((_, rest)) = line.split_once("Received PUBREC from reader (Mid: ") {
            confirmed.insert(rest.trim_end_matches(')'), true);
        } else if let Some((_, rest)) = line.split_once("Received PUBCOMP from reader (Mid: ") {
            confirmed.remove(rest.split(',').next().unwrap_or_default());
        } else if let Some((_, rest)) = line.split_once("Sending PUBLISH to reader (d") {
            let id = rest.split(", m").nth(1).and_then(|r| r.split(',').next());
            let dup = rest.starts_with('1');
            again += usize::from(dup && id.is_some_and(|id| confirmed.contains_key(id)));
        }
    }
    again
}

fn rounds(qos: i64) {
    let asked = std::env::var("ROUNDS").ok().and_then(|n| n.parse().ok());
    let (rounds, total) = asked.map_or((4, 4_000), |rounds| (rounds, 20_000));
    for number in 0..rounds {
        let way = ways(qos)[number % 4];
        let mut moments: Vec<usize> = (0..4).map(|_| rand::random_range(0..total)).collect();
        moments.sort_unstable();
        let what = format!("round {number}, QoS {qos}, {way:?}, restarts at {moments:?}");
        let record = round(way, qos, total, &moments);
        let (lost, doubled) = (record.lost(total), record.doubled());
        let theirs = sent_again(&record.log);
        println!(
            "{what}: {} lost, {doubled} doubled, {theirs} by the broker",
            lost.len()
        );
        if let Ok(folder) = std::env::var("KEEP_LOGS") {
            std::fs::write(format!("{folder}/qos-{qos}-{number}.log"), &record.log).expect("log");
        }
        assert_eq!(lost, [0; 0], "{what}");
        // "end" is one more.
        assert_eq!(record.acknowledged, total as i64 + 1, "{what}");
        let keeps_its_word = qos == 2 && way.persistent && way.kept;
        assert!(!keeps_its_word || doubled <= theirs, "{what}: {doubled}");
    }
}

#[test]
fn restarts_lose_nothing_at_qos_1() {
    rounds(1);
}

#[test]
fn restarts_lose_nothing_at_qos_2_and_double_nothing_in_a_kept_session() {
    rounds(2);
}
