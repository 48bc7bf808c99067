//! Streams and the clock.

use std::time::{Duration, Instant};

use osql::model::Value;

use crate::support::session::Db;

#[track_caller]
fn takes(script: &str, lines: &str, at_least: f64) {
    let began = Instant::now();
    Db::new().gives(script, lines);
    let took = began.elapsed();
    assert!(
        took >= Duration::from_secs_f64(at_least),
        "{script} took {took:?}"
    );
}

#[test]
fn beats_are_at_their_times() {
    takes(
        "vectorof(first_n(heartbeat(0.02),4));",
        "[0.0,0.02,0.04,0.06]",
        0.06,
    );
    takes("vectorof(diota(0.02,1,4));", "[1,2,3,4]", 0.06);
    takes(
        "vectorof(heartbeat_wrap(bag('a','b','c'),0.02));",
        "[\"a\",\"b\",\"c\"]",
        0.04,
    );
    takes("count(first_n(timestream(0.02),4));", "4", 0.06);
    // What a person reckons, not what three times the real next to 0.1 is.
    Db::new().gives("first_n(heartbeat(0.1),4);", "0.0\n0.1\n0.2\n0.3");
    Db::new().gives("first_n(heartbeat(0.03),4);", "0.0\n0.03\n0.06\n0.09");
}

#[test]
fn a_late_consumer_does_not_shift_the_beat() {
    // Three of the beats are over while the first is slept on; they come at once.
    let began = Instant::now();
    Db::new().gives(
        "select [x, sleep(case when x = 0 then 0.25 else 0 end)] from Number x where x in heartbeat(0.1) limit 5;",
        "[0.0,0.25]\n[0.1,0]\n[0.2,0]\n[0.3,0]\n[0.4,0]",
    );
    let took = began.elapsed();
    assert!(took >= Duration::from_millis(400), "{took:?}");
}

#[test]
fn the_rate_holds() {
    // A consumer takes half of each pace. Were each wait counted from the one before, the last of these
    // beats would be half a second late. The least late of some is looked at: anybody may be late once.
    let offsets = Db::new().first(
        "select Vector of real(now()) - x from Number x
          where x in first_n(heartbeat(0.01),100) and sleep(0.005) > 0;",
    );
    let Value::Vector(offsets) = offsets else {
        panic!("{offsets} is a vector")
    };
    let least = |some: &[Value]| {
        let reals = some.iter().filter_map(Value::as_real);
        reals.fold(f64::INFINITY, f64::min)
    };
    assert_eq!(offsets.len(), 100);
    let drift = least(&offsets[80..]) - least(&offsets[..20]);
    assert!(drift < 0.25, "{drift}");
}

#[test]
fn parts_of_a_stream_by_time() {
    let mut db = Db::new();
    db.gives("vectorof(streams:skip_s(diota(0.05,1,4),0.02));", "[2,3,4]");
    db.gives(
        "vectorof(streams:time_section(diota(0.1,1,50),0.05,0.35));",
        "[2,3,4]",
    );
    db.gives("vectorof(timeout(diota(0.1,1,50),0.25));", "[1,2,3]");
    db.gives("vectorof(timeout(subscribe('nobody'),0.02));", "[]");
    db.fails(
        "streams:skip_s(siota(1,2),-1);",
        &["a number of seconds from 0 up, not -1"],
    );
}

#[test]
fn a_stream_is_debounced_by_silence() {
    let mut db = Db::new();
    db.gives(
        "vectorof(streams:debounce(concat(diota(0.01,1,5),heartbeat(3600)),0,0.2));",
        "[1,2,3,4,5,0.0]",
    );
    // Silence counts from the start of the section.
    db.gives(
        "vectorof(streams:debounce(subscribe('nobody'),0.02,0.02));",
        "[]",
    );
    db.gives("vectorof(streams:debounce(siota(1,3),0,9));", "[1,2,3]");
}

#[test]
fn recordings_are_replayed_with_their_pauses() {
    takes(
        "playback(streamof(bag([10,'a'],[10.05,'b'],[10.05,'c'],[10.1,'d'])));",
        "[10,\"a\"]\n[10.05,\"b\"]\n[10.05,\"c\"]\n[10.1,\"d\"]",
        0.1,
    );
    takes(
        "value(playback(streamof(bag(ts(|2024-01-01T00:00:00Z|,1), ts(|2024-01-01T00:00:00.05Z|,2)))));",
        "1\n2",
        0.05,
    );
    takes(
        "playback(streamof(bag(['2024-01-01T00:00:00Z',1],['2024-01-01T00:00:00.050Z',2])));",
        "[\"2024-01-01T00:00:00Z\",1]\n[\"2024-01-01T00:00:00.050Z\",2]",
        0.05,
    );
    let mut db = Db::new();
    db.fails(
        "playback(streamof(bag([1,'a'],[0.5,'b'])));",
        &["error: element 2 of streamof(bag([1,'a'],[0.5,'b'])): time goes backwards in the stream of playback"],
    );
    db.fails(
        "playback(streamof(bag(['soon',1])));",
        &["element 1 of streamof(bag(['soon',1])): playback wants elements with a time stamp"],
    );
}

#[test]
fn a_recording_goes_through_a_file() {
    let folder = tempfile::TempDir::new().expect("a folder");
    let file = folder.path().join("run.csv").display().to_string();
    Db::new().gives(
        &format!(
            "csv:write_file('{file}', (select [10+i/100, i] from Integer i where i in siota(1,4)));
             playback(csv:file_stream('{file}'));"
        ),
        "true\n[10.01,1]\n[10.02,2]\n[10.03,3]\n[10.04,4]",
    );
}

#[test]
fn time_stamps_are_taken_when_they_are_given() {
    Db::new().gives(
        "select real(t[2]) - real(t[1]) > 0.009 from Vector t where t in winagg(timestream(0.01),2,1) limit 3;",
        "true\ntrue\ntrue",
    );
}
