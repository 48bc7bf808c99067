//! Streams of a broker's messages, combined and dropped: each is subscribed to while somebody listens,
//! on a thread of its own, and nothing is left behind.

use std::fs;
use std::net::TcpListener;

use crate::support::mosquitto::Mosquitto;
use crate::support::osql::{Running, osql};
use crate::support::port::Port;
use crate::support::session::Db;
use crate::support::subscriber::Subscriber;
use crate::support::table::each_row;

#[test]
fn inputs_that_block_inside_run_beside_each_other() {
    let broker = Mosquitto::start("");
    let mut db = Db::of(&format!(
        "set :m = mqtt:register_client('m',{{'connection':'{}'}});
         create function numbers() -> Stream as publish(diota(0.002,1,1000000000),'m:x');
         create function send() -> Boolean as sink(numbers());
         create function read() -> Stream of Number
           as select Stream of n from Number n, Binary b
               where b in subscribe('m:x') and n = json:unstringify(charstring(b));
         create function inside(Stream of Vector s) -> Stream of Number
           as select Stream of n from Number n, Vector v where v in s and n in v;",
        broker.url("tcp")
    ));
    // Not run before it is asked for.
    db.gives("set :s = streamof(send()); mqtt:status('m')['sent'];", "0");
    // The publisher never ends: were it run before the others are, nothing would ever come.
    let rows = [
        "merge(read(), streamof(sink(numbers())))",
        "merge(streamof(send()), read())",
        "merge(read(), send())",
        "merge([streamof(send()), read()])",
        "merge_streams(bag(read(), streamof(send())))",
        "streams:merge(read(), streamof(send()))",
        "inside(streams:pivot([streamof(send()), read()]))",
        "inside(pivot_streams([read(), streamof(send())],[null,0]))",
        "inside(streams:zip([streamof(send()), read()],[2]))",
        "timeout(merge(read(), streamof(send())),60)",
        "streams:time_section(merge(read(), streamof(send())),0,60)",
        "sample_every(merge(read(), streamof(send())),0.005)",
        "concat(streamof(bag()), merge(read(), streamof(send())))",
        "extract(merge(read(), sample_stream(emit_on_flow(7,'m:x'),0.002)))",
    ];
    each_row(rows, |combined| {
        db.gives(
            &format!(
                "count(select n from Number n where n in {combined} and n > 0 limit 3);
                 mqtt:status('m')['subscriptions'];"
            ),
            "3\n[]",
        );
    });
    // Without a reader there is nothing to give, and the time ends it.
    db.gives("timeout(streamof(send()),0.05);", "");
    db.gives("streams:time_section(streamof(send()),0,0.05);", "");
}

#[test]
fn a_publisher_that_ends_is_one_element_among_those_read() {
    let broker = Mosquitto::start("");
    Db::of(&format!(
        "set :m = mqtt:register_client('m',{{'connection':'{}'}});
         create function read() -> Stream as subscribe('m:x');",
        broker.url("tcp")
    ))
    .gives_bag(
        "set :first = (select Stream of x from Object x
            where x in merge(read(), streamof(sink(publish(diota(0.02,1,10),'m:x')))));
         first_n(:first, 11);",
        &format!(
            "true\n{}",
            (1..=10)
                .map(|n| format!("binary(\"{}\")\n", hex(&n.to_string())))
                .collect::<String>()
        ),
    );
}

fn hex(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02x}")).collect()
}

/// Threads and resident memory in kilobytes of a running osql.
fn footprint(osql: &Running) -> (u64, u64) {
    let status = fs::read_to_string(format!("/proc/{}/status", osql.pid())).expect("it runs");
    let field = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name));
        let number = line.and_then(|line| line.split_whitespace().nth(1));
        number.and_then(|n| n.parse().ok()).expect("a number")
    };
    (field("Threads:"), field("VmRSS:"))
}

/// Waits until the broker says that there are so many subscriptions in all.
#[track_caller]
fn counted(counts: &Subscriber, wanted: usize) {
    let last = wanted.to_string();
    counts.messages_until(|counts| counts.last() == Some(&last));
}

#[test]
fn a_thousand_rounds_of_thirty_streams_leave_nothing_behind() {
    let broker = Mosquitto::start(
        "sys_interval 1\nset_tcp_nodelay true\nlog_type subscribe\nlog_type unsubscribe",
    );
    let counts = Subscriber::start(&broker, "$SYS/broker/subscriptions/count");
    counted(&counts, 1);

    // Half of the streams beat, half are topics, each with a message that is retained.
    let mut osql = osql().spawn();
    osql.send(&format!(
        "set :m = mqtt:register_client('m',{{'connection':'{}'}});
         create function told() -> Bag of Stream
           as select publish(streamof(bag(i)),'m:t/' + i,{{'retained':true}})
                from Integer i where i in iota(1,15);
         create function topics() -> Vector of Stream
           as select Vector of subscribe('m:t/' + i) from Integer i where i in iota(1,15);
         create function thirty() -> Vector of Stream as concat(topics(),
             (select Vector of heartbeat(0.001*i) from Integer i where i in iota(1,15)));
         count(merge_streams(told()));\n",
        broker.url("tcp")
    ));
    let mut lines = 1;
    osql.stdout.wait_lines(lines);
    let mut rounds = |from: usize, to: usize| {
        for round in from..to {
            osql.send(match round % 4 {
                // Dropped as soon as one has an element, most of them in the middle of subscribing.
                0 => "count(first_n(merge(thirty()),1));\n",
                1 => "count(first_n(streams:pivot(thirty()),1));\n",
                // Dropped when all that are subscribed to have given their message.
                2 => "count(first_n(merge(topics()),15));\n",
                _ => "count(first_n(streams:zip(topics()),1));\n",
            });
        }
        lines += to - from;
        osql.stdout.wait_lines(lines);
        footprint(&osql)
    };
    let (threads, memory) = rounds(0, 200);
    let (threads_after, memory_after) = rounds(200, 1000);
    assert_eq!(threads, threads_after);
    assert!(
        memory_after < memory + 8 * 1024,
        "{memory} kB after 200 rounds, {memory_after} kB after 1000"
    );

    osql.send("mqtt:status('m')['subscriptions'];\n");
    let shown = osql.stdout.wait_lines(lines + 1);
    assert_eq!(shown.last().expect("a line"), "[]");
    assert!(
        shown[1..=1000]
            .iter()
            .all(|line| line == "1" || line == "15")
    );
    // The broker tells its count only when it changes: three more are a change that it must tell.
    let _more: Vec<_> = (0..3)
        .map(|i| Subscriber::start(&broker, &format!("more/{i}")))
        .collect();
    counted(&counts, 4);
    // In half of the rounds each of the topics was certainly subscribed to; each time it was given up.
    let log = broker.log();
    for topic in 1..=15 {
        let (begun, ended) = (format!(" 1 t/{topic}\n"), format!(" t/{topic}\n"));
        let begun = log.matches(&begun).count();
        assert!(begun >= 500, "t/{topic}: {begun} subscriptions");
        // One that is dropped before it is asked for may be given up all the same.
        assert!(log.matches(&ended).count() >= 2 * begun, "t/{topic}");
    }
    let ended = osql.finish();
    assert_eq!((ended.code, &*ended.stderr), (0, ""));
}

#[test]
fn a_broker_leaves_a_port_to_whoever_has_it() {
    let port = Port::claim();
    let taken = port.number();
    let _first = TcpListener::bind(("127.0.0.1", taken)).expect("it is free");
    let second = Mosquitto::on(port, "allow_anonymous true");
    assert_ne!(taken, second.port);
    assert!(second.log().contains("Address already in use"));
}

#[test]
fn what_a_job_has_published_when_the_script_ends_arrives() {
    let broker = Mosquitto::start("max_queued_messages 0");
    let reader = Subscriber::start(&broker, "x");
    let ended = osql()
        .stdin(format!(
            "set :m = mqtt:register_client('m',{{'connection':'{}','qos':1}});
             set :j = background(publish(siota(1,1000000000000),'m:x'));
             count(first_n(subscribe('m:x'),1000));\n",
            broker.url("tcp")
        ))
        .run();
    ended.expect_ok("1000\n");
    // The job is stopped at some element; all up to that one are acknowledged before the end.
    broker.publish("x", "end", &["-q", "1"]);
    let messages = reader.messages_until(|messages| messages.iter().any(|m| m == "end"));
    assert!(messages.len() > 1000, "{} messages", messages.len());
    for (at, message) in messages[..messages.len() - 1].iter().enumerate() {
        assert_eq!(*message, (at + 1).to_string());
    }
}
