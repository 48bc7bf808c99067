//! What one client holds is bounded in bytes, in both directions: measured as the system sees it.

use std::collections::HashSet;
use std::fs;
use std::io::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use crate::support::hostile::{Hostile, accepted, message, oblige, packet};
use crate::support::mqtt::{connect, options, text};
use crate::support::osql::{Running, osql};
use crate::support::table::each_row;
use crate::support::wait::wait_until;

/// What osql may take at most, in kilobytes: the 64 MB that wait, as much again that a query has taken
/// out or that is on its way, and the program itself.
const MOST: u64 = 300_000;

/// The most memory that a process has had so far, in kilobytes (proc(5)).
fn peak(running: &Running) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", running.pid())).expect("it runs");
    let line = status.lines().find(|l| l.starts_with("VmHWM:"));
    let digits = line.expect("the kernel says it").split_whitespace().nth(1);
    digits.expect("a number").parse().expect("a number")
}

/// Empty messages under long topics, 2 GB of them, before a query that takes one and stops there.
#[test]
fn messages_under_long_topics_before_a_stalled_query() {
    each_row([0, 1], |qos: u8| {
        let sent = Arc::new(AtomicU64::new(0));
        let counted = sent.clone();
        let broker = Hostile::with(move |mut stream, _| {
            packet(&mut stream)?;
            stream.write_all(&accepted(4, false, &[])).ok()?;
            let (first, body) = packet(&mut stream)?;
            oblige(&mut stream, 4, first, &body)?;
            stream
                .set_write_timeout(Some(Duration::from_secs(1)))
                .ok()?;
            for number in 0..30_000_u32 {
                let topic = format!("t/{number:05}{}", "x".repeat(60_000));
                let id = (number % 65_535) as u16 + 1;
                // A client that reads no more is what is wanted, too.
                if stream
                    .write_all(&message(qos, &topic, id, &[], b""))
                    .is_err()
                {
                    break;
                }
                counted.fetch_add(1, Ordering::SeqCst);
            }
            counted.fetch_add(1 << 32, Ordering::SeqCst);
            while packet(&mut stream).is_some() {}
            None
        });
        let script = format!(
            "mqtt:register_client('m', {{'connection': '{}', 'qos': {qos}}});
             select sleep(1000) from Binary b where b in subscribe('m:t/#');",
            broker.url()
        );
        let running = osql().statements(&script).spawn();
        wait_until("the broker is done", || {
            sent.load(Ordering::SeqCst) >> 32 > 0
        });
        // What came last is dealt with once the status could be asked for; memory has had its peak.
        let most = peak(&running);
        assert!(most < MOST, "{most} kB at QoS {qos}");
        running.signal("KILL");
    });
}

/// Publications of 2 MB that the broker does not answer.
#[test]
fn publications_that_are_not_answered() {
    let broker = Hostile::with(|mut stream, _| {
        packet(&mut stream)?;
        stream.write_all(&accepted(4, false, &[])).ok()?;
        while let Some((first, _)) = packet(&mut stream) {
            if first == 0xc0 {
                stream.write_all(&[0xd0, 0]).ok()?;
            }
        }
        None
    });
    let script = format!(
        "mqtt:register_client('m', {{'connection': '{}', 'publish-timeout': 3}});
         sink(publish((select Stream of zeros(500000) from Integer i where i in siota(1,1000)), 'm:t'));",
        broker.url()
    );
    let running = osql().statements(&script).spawn();
    running.stderr.wait_line("made no progress");
    let most = peak(&running);
    assert!(most < MOST, "{most} kB");
    running.signal("KILL");
}

/// A broker that sends 400 MB before it answers what was published; gives how many messages it has sent.
fn answers_last(payload: usize) -> (Hostile, Arc<AtomicU64>) {
    let sent = Arc::new(AtomicU64::new(0));
    let counted = sent.clone();
    let broker = Hostile::with(move |mut stream, _| {
        packet(&mut stream)?;
        stream.write_all(&accepted(4, false, &[])).ok()?;
        let payload = vec![b'x'; payload];
        let messages = (400 << 20) / payload.len();
        let mut id = 0_u16;
        let mut acknowledged = HashSet::new();
        while let Some((first, body)) = packet(&mut stream) {
            match first >> 4 {
                8 => {
                    oblige(&mut stream, 4, first, &body)?;
                    stream
                        .write_all(&message(1, "in", 65_535, &[], b"first"))
                        .ok()?;
                }
                // The first that was published: what is to come comes before its answer.
                3 if id == 0 => {
                    for _ in 0..messages {
                        id += 1;
                        stream
                            .write_all(&message(1, "in", id, &[], &payload))
                            .ok()?;
                        counted.fetch_add(1, Ordering::SeqCst);
                    }
                    oblige(&mut stream, 4, first, &body)?;
                }
                4 => assert!(acknowledged.insert(body), "acknowledged twice"),
                _ => oblige(&mut stream, 4, first, &body)?,
            }
        }
        None
    });
    (broker, sent)
}

/// A query that is slow, and that publishes: the answers come behind more than is held. Nobody waits for
/// them, so nothing more is read than without them.
#[test]
fn answers_behind_many_messages_that_nobody_waits_for() {
    let (broker, sent) = answers_last(1 << 20);
    let script = format!(
        "mqtt:register_client('m', {{'connection': '{}'}});
         publish((select Stream of 'out' from Binary b where b in subscribe('m:in') and sleep(0.3) > 0), 'm:out');",
        broker.url()
    );
    let running = osql().statements(&script).spawn();
    // As it goes on: ten more messages are taken than before.
    let lines = running.stdout.wait_lines(11);
    assert_eq!(lines, ["\"out\""; 11]);
    let most = peak(&running);
    assert!(most < 180_000, "{most} kB");
    assert!(sent.load(Ordering::SeqCst) < 120);
    running.signal("KILL");
}

/// A query that waits for the answer to what it publishes while it has the messages before it that the
/// answer is behind: it is told so, instead of taking all memory or waiting for ever.
#[test]
fn an_answer_that_the_query_itself_holds_up() {
    let (broker, sent) = answers_last(1 << 20);
    let script = format!(
        "mqtt:register_client('m', {{'connection': '{}'}});
         create function passed_on(Binary b) -> Charstring as
           {{ sink(publish(streamof('out'), 'm:out')); return 'done'; }};
         passed_on(subscribe('m:in'));",
        broker.url()
    );
    let running = osql().statements(&script).spawn();
    running
        .stderr
        .wait_line("does not come: it is behind the messages that queries have before them");
    let most = peak(&running);
    assert!(most < MOST, "{most} kB");
    assert!(sent.load(Ordering::SeqCst) < 200);
    running.signal("KILL");
}

/// The same with so many messages that the answer comes behind less than may be held: it is waited for.
#[test]
fn an_answer_behind_what_may_be_held_comes() {
    let broker = Hostile::with(move |mut stream, _| {
        packet(&mut stream)?;
        stream.write_all(&accepted(4, false, &[])).ok()?;
        let payload = vec![b'x'; 1 << 20];
        let mut id = 0_u16;
        while let Some((first, body)) = packet(&mut stream) {
            if first >> 4 == 3 {
                // Between them more than the 64 MB at which reading stops, in small steps.
                for _ in 0..if id == 1 { 90 } else { 1 } {
                    id += 1;
                    stream
                        .write_all(&message(1, "in", id, &[], &payload))
                        .ok()?;
                }
            }
            if first >> 4 != 4 {
                oblige(&mut stream, 4, first, &body)?;
            }
            if first >> 4 == 8 {
                id += 1;
                stream
                    .write_all(&message(1, "in", id, &[], &payload))
                    .ok()?;
            }
        }
        None
    });
    let script = format!(
        "mqtt:register_client('m', {{'connection': '{}'}});
         create function passed_on(Binary b) -> Charstring as
           {{ sink(publish(streamof('out'), 'm:out')); return 'done'; }};
         first_n(passed_on(subscribe('m:in')), 100);",
        broker.url()
    );
    let output = osql().statements(&script).run();
    output.expect_ok(&"\"done\"\n".repeat(100));
}

/// Small messages that come with one read: as many are held as the README says, the rest waits as it came.
#[test]
fn no_more_are_held_than_may_be_however_they_come() {
    const SENT: u16 = 5000;
    let (go, going) = mpsc::channel();
    let going = Mutex::new(going);
    let broker = Hostile::with(move |mut stream, _| {
        packet(&mut stream)?;
        stream.write_all(&accepted(4, false, &[])).ok()?;
        let (first, body) = packet(&mut stream)?;
        oblige(&mut stream, 4, first, &body)?;
        // As long as somebody waits for an answer, more is read.
        going.lock().ok()?.recv().ok()?;
        let messages = (1..=SENT).map(|id| message(1, "t", id, &[], id.to_string().as_bytes()));
        stream
            .write_all(&messages.collect::<Vec<_>>().concat())
            .ok()?;
        while packet(&mut stream).is_some() {}
        None
    });
    let client = connect(&options([("connection", broker.url().into())])).expect("connected");
    let mut subscription = client.listen("t");
    go.send(()).expect("it listens");
    wait_until("messages come", || client.number("received") >= 1000);
    assert_eq!(client.number("received"), 1000);
    for id in 1..=SENT {
        assert_eq!(text(&mut subscription), id.to_string());
    }
    // What was delivered is counted right behind it.
    wait_until("all are counted", || {
        client.number("received") == i64::from(SENT)
    });
}
