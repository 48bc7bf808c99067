//! Queries that are slower than what comes: at QoS 1 the broker is slowed down, at QoS 0 the oldest
//! messages are dropped and counted. Memory stays what it is in both cases.
//!
//! `SLOW_SECONDS` says how long the query at QoS 1 runs; 4 if it is not set:
//! `SLOW_SECONDS=300 cargo test --test e2e delivery_slow:: -- --nocapture`.

use std::fs;
use std::time::{Duration, Instant};

use crate::support::mosquitto::Mosquitto;
use crate::support::mqtt::{Connection, patience, text};
use crate::support::osql::{Running, osql};
use crate::support::wait::wait_at_most;

/// The most that the memory of a process may grow once it has done a tenth of its work, in kilobytes.
const STEADY: u64 = 1024;

/// The memory that the process has in use, in kilobytes: without the parts of its program that were
/// read so far (proc(5)). `None` if it has ended.
fn memory(process: &Running) -> Option<u64> {
    let status =
        fs::read_to_string(format!("/proc/{}/status", process.pid())).expect("not awaited");
    let line = status.lines().find(|l| l.starts_with("RssAnon:"))?;
    let figure = line.split_whitespace().nth(1);
    Some(figure.and_then(|f| f.parse().ok()).expect("a figure"))
}

#[test]
fn a_query_of_10_ms_an_element_loses_nothing_at_qos_1() {
    let asked = std::env::var("SLOW_SECONDS")
        .ok()
        .and_then(|n| n.parse().ok());
    let seconds: usize = asked.unwrap_or(4);
    let broker = Mosquitto::start("max_queued_messages 0\nmax_inflight_messages 0\nlog_type all");
    let at = broker.url("tcp");
    let register = format!("mqtt:register_client('b', {{'connection': '{at}'}});");
    // A little less than what 10 ms allow.
    let wanted = seconds * 90;
    let slow = format!(
        "{register} select stream of charstring(v) from Binary v
         where v in first_n(subscribe('b:t'), {wanted}) and sleep(0.01) > 0; mqtt:status('b');"
    );
    let mut slow = osql().statements(&slow).spawn();
    broker.wait_for_subscriptions(1);
    let total = 50_000.max(wanted * 2);
    let fast = format!("{register} sink(publish(siota(1,{total}), 'b:t'));");
    osql().statements(&fast).run().expect_ok("");
    let begun = Instant::now();
    let (mut early, mut most) = (0, 0);
    let mut told = Duration::ZERO;
    wait_at_most(Duration::from_secs(seconds as u64 * 3 + 30), || {
        let done = slow.stdout.text().lines().count();
        if done > wanted {
            return Ok(());
        }
        let now = memory(&slow).unwrap_or(0);
        most = most.max(now);
        if early == 0 || done < wanted / 10 {
            early = most;
        }
        if begun.elapsed() >= told {
            println!("{:3} s: {now} kB", told.as_secs());
            told += Duration::from_secs(30);
        }
        Err(format!("{done} of {wanted} are taken"))
    });
    let output = slow.wait();
    let lines = output.lines();
    for (i, line) in lines[..wanted].iter().enumerate() {
        assert_eq!(*line, format!("\"{}\"", i + 1));
    }
    let end: serde_json::Value = serde_json::from_str(lines[wanted]).expect("the status");
    assert_eq!((&end["dropped"], &end["waiting"]), (&0.into(), &0.into()));
    println!("{wanted} of {total} taken in order; {early} kB after a tenth, {most} kB at most");
    assert!(most < early + STEADY, "grew from {early} to {most} kB");
}

#[test]
fn drops_at_qos_0_are_counted_exactly() {
    const TOTAL: i64 = 250_000;
    let broker = Mosquitto::start("max_queued_messages 0");
    let client = Connection::to(&broker, [("qos", 0.into())]);
    let mut subscription = client.listen("t");
    let at = broker.url("tcp");
    let script = format!(
        "mqtt:register_client('b', {{'connection': '{at}', 'qos': 0}});
         sink(publish(siota(1,{TOTAL}), 'b:t'));"
    );
    let publisher = osql().statements(&script).spawn();
    // Slow as long as messages come.
    let mut taken = 0;
    let mut last = 0;
    let mut take = |subscription: &mut osql::mqtt::TopicSubscription| {
        let number: i64 = text(subscription).parse().expect("a number");
        assert!(number > last, "{number} after {last}");
        last = number;
        taken += 1;
        number
    };
    while client.number("received") < TOTAL {
        take(&mut subscription);
        patience(60)
            .sleep(Duration::from_millis(10))
            .expect("not stopped");
    }
    while take(&mut subscription) < TOTAL {}
    let dropped = client.number("dropped");
    println!("{TOTAL} sent, {taken} taken, {dropped} dropped");
    assert!(dropped > 0);
    assert_eq!(taken + dropped, TOTAL);
    assert_eq!(client.number("waiting"), 0);
    publisher.finish().expect_ok("");
    client.close();
}
