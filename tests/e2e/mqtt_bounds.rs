//! What one client holds is bounded in bytes, in both directions: measured as the system sees it.

use std::fs;
use std::io::Write;
use std::time::Duration;

use crate::support::hostile::{Hostile, accepted, message, oblige, packet};
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
        let sent = std::sync::Arc::new(std::sync::atomic::AtomicU64::new(0));
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
                counted.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            }
            counted.fetch_add(1 << 32, std::sync::atomic::Ordering::SeqCst);
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
            sent.load(std::sync::atomic::Ordering::SeqCst) >> 32 > 0
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
