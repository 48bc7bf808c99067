//! Kept sessions: what an earlier run, another program, or a query that has ended left at the broker.

use std::collections::BTreeSet;
use std::process::Command;

use osql::mqtt::{Setting, Unread};

use crate::support::mosquitto::Mosquitto;
use crate::support::mqtt::{Connection, patience, text};
use crate::support::osql::{Running, osql};
use crate::support::table::each_row;
use crate::support::wait::wait_until;

/// Nothing that waits is thrown away.
const ALL: &str = "max_queued_messages 0";

fn kept(broker: &Mosquitto, version: i64) -> Connection {
    let options = [
        ("clientid", "steady".into()),
        ("cleansession", false.into()),
        ("version", version.into()),
    ];
    Connection::to(broker, options)
}

fn publish(broker: &Mosquitto, topic: &str, count: usize) {
    let lines: Vec<_> = (0..count).map(|i| format!("{topic} {i}")).collect();
    broker.publish_lines(topic, 1, lines.join("\n") + "\n");
}

/// The first run subscribes in one order, the second in another: each filter gets what waited for it.
#[test]
fn what_waited_finds_its_query_in_whatever_order_queries_come() {
    each_row([4, 5], |version| {
        let broker = Mosquitto::start(ALL);
        let first = kept(&broker, version);
        let filters = ["plant/a", "plant/+", "other/#", "plant/b/c"];
        let readers: Vec<_> = filters.iter().map(|f| first.listen(f)).collect();
        drop(readers);
        first.close();
        publish(&broker, "other/x", 1500);
        publish(&broker, "plant/b/c", 1500);
        let second = kept(&broker, version);
        let mut deep = second.listen("plant/b/c");
        let mut other = second.listen("other/#");
        for i in 0..1500 {
            assert_eq!(text(&mut other), format!("other/x {i}"));
        }
        for i in 0..1500 {
            assert_eq!(text(&mut deep), format!("plant/b/c {i}"));
        }
        assert_eq!(second.number("passed-by"), 0);
    });
}

/// Another program made the session and numbered its subscriptions from 1.
#[test]
fn what_another_program_left_is_found_by_its_topic() {
    let broker = Mosquitto::start(ALL);
    for (id, topic) in [("1", "a"), ("2", "b")] {
        let status = Command::new("mosquitto_sub")
            .args(["-p", &broker.port.to_string(), "-i", "steady", "-V", "5"])
            .args(["-c", "-x", "1000", "-q", "1", "-E", "-t", topic])
            .args(["-D", "subscribe", "subscription-identifier", id])
            .status();
        assert!(status.expect("mosquitto_sub is installed").success());
    }
    publish(&broker, "a", 100);
    publish(&broker, "b", 100);
    let client = kept(&broker, 5);
    let mut b = client.listen("b");
    let mut a = client.listen("a");
    for i in 0..100 {
        assert_eq!(text(&mut b), format!("b {i}"));
        assert_eq!(text(&mut a), format!("a {i}"));
    }
}

/// More for an unread filter than a broker sends before it has an answer: 20 in mosquitto with MQTT
/// 3.1.1, 1000 that this client allows in MQTT 5.
#[test]
fn what_no_query_reads_is_passed_by_and_holds_up_nobody() {
    each_row([4, 5], |version| {
        let broker = Mosquitto::start(ALL);
        let first = kept(&broker, version);
        drop((first.listen("old/#"), first.listen("new")));
        first.close();
        publish(&broker, "old/x", 3000);
        publish(&broker, "new", 10);
        let second = kept(&broker, version);
        let mut new = second.listen("new");
        for i in 0..10 {
            assert_eq!(text(&mut new), format!("new {i}"));
        }
        wait_until("all are counted", || second.number("passed-by") == 3000);
        assert_eq!(
            second.unread(),
            Unread {
                filters: vec![],
                topics: vec![("old/x".into(), 3000)]
            }
        );
        // Given up, it brings nothing more.
        let token = patience(10);
        second.unsubscribe("old/#", &token).expect("given up");
        publish(&broker, "old/x", 10);
        publish(&broker, "new", 1);
        assert_eq!(text(&mut new), "new 0");
        assert_eq!(second.number("passed-by"), 3000);
        assert_eq!(second.unread(), Unread::default());
        let error = second.unsubscribe("new", &token).expect_err("it is read");
        assert!(error.message().contains("a query reads `new`"), "{error:?}");
        let again = second.unsubscribe("old/#", &token);
        match version {
            5 => assert!(
                again
                    .expect_err("it is gone")
                    .message()
                    .contains("no subscription existed")
            ),
            _ => again.expect("MQTT 3.1.1 does not say"),
        }
    });
}

/// The same for a filter whose query ended in this run.
#[test]
fn a_query_that_ended_leaves_a_filter_that_holds_up_nobody() {
    each_row([4, 5], |version| {
        let broker = Mosquitto::start(ALL);
        let client = kept(&broker, version);
        let mut one = client.listen("one");
        publish(&broker, "one", 1);
        assert_eq!(text(&mut one), "one 0");
        let mut two = client.listen("two");
        drop(one);
        for _ in 0..3 {
            publish(&broker, "one", 1100);
            publish(&broker, "two", 2);
            assert_eq!(text(&mut two), "two 0");
            assert_eq!(text(&mut two), "two 1");
        }
        wait_until("all are counted", || client.number("passed-by") == 3300);
        assert_eq!(*client.unread().filters, ["one".into()]);
        // Who reads it again gets what comes from then on.
        let mut one = client.listen("one");
        publish(&broker, "one", 2);
        assert_eq!(text(&mut one), "one 0");
        assert_eq!(text(&mut one), "one 1");
        assert_eq!(client.number("passed-by"), 3300);
    });
}

/// While nobody is held up, what came waits for its query.
#[test]
fn without_another_query_nothing_is_passed_by() {
    let broker = Mosquitto::start(ALL);
    let client = kept(&broker, 4);
    drop(client.listen("t"));
    publish(&broker, "t", 100);
    wait_until("some came", || client.number("waiting") >= 10);
    let mut late = client.listen("t");
    for i in 0..100 {
        assert_eq!(text(&mut late), format!("t {i}"));
    }
    assert_eq!(client.number("passed-by"), 0);
    assert_eq!(client.status().get("passed-by"), Some(&Setting::Integer(0)));
}

/// What a user sees.
#[test]
fn a_script_is_told_and_can_give_the_filter_up() {
    let broker = Mosquitto::start(ALL);
    let first = kept(&broker, 5);
    drop((first.listen("old"), first.listen("new")));
    first.close();
    publish(&broker, "old", 5);
    let script = format!(
        "mqtt:register_client('m', {{'connection': '{}', 'clientid': 'steady', 'cleansession': false,
                                     'version': 5}});
         charstring(first_n(subscribe('m:new'), 1));
         mqtt:unread('m');
         mqtt:unsubscribe('m', 'old');
         mqtt:unread('m');",
        broker.url("tcp")
    );
    let running = osql().statements(&script).spawn();
    running.stderr.wait_line("passed by");
    publish(&broker, "new", 1);
    let output = running.finish();
    assert_eq!(
        output.lines(),
        [
            "\"new 0\"",
            r#"{"filters":["new"],"passed-by":{"old":5}}"#,
            r#"{"filters":["new"],"passed-by":{}}"#
        ],
        "{output:?}"
    );
    assert!(
        output.stderr.contains("mqtt:unsubscribe(\"m\", filter)"),
        "{output:?}"
    );
    assert_eq!(output.code, 0);
}

/// A program of its own that reads the topic `t` in the kept session of `steady`.
fn reading(broker: &Mosquitto, query: &str) -> Running {
    let register = format!(
        "set :m = mqtt:register_client('m', {{'connection': '{}', 'clientid': 'steady', \
         'cleansession': false, 'qos': 1}});",
        broker.url("tcp")
    );
    osql().args(["-o", &format!("{register} {query}")]).spawn()
}

const READ: &str = "select charstring(b) from Binary b where b in subscribe('m:t')";

/// Stopped again and again while messages wait before it, some of them handed over and some not.
#[test]
fn a_run_that_is_stopped_leaves_the_next_all_that_it_did_not_print() {
    let broker = Mosquitto::start("max_queued_messages 0\nlog_type all");
    let mut first = reading(&broker, &format!("{READ};"));
    broker.wait_for_subscriptions(1);
    first.signal("TERM");
    first.wait();
    publish(&broker, "t", 3000);
    let mut printed = BTreeSet::new();
    while printed.len() < 2000 {
        let slowly = READ.replace(" where ", ", Number p where p = sleep(0.001) and ");
        let mut run = reading(&broker, &format!("{slowly};"));
        run.stdout.wait_lines(100);
        run.signal("TERM");
        let output = run.wait();
        printed.extend(output.lines().into_iter().map(str::to_owned));
    }
    broker.publish("t", "last", &["-q", "1"]);
    let mut run = reading(&broker, &format!("{READ};"));
    run.stdout.wait_line("last");
    run.signal("TERM");
    let output = run.wait();
    printed.extend(output.lines().into_iter().map(str::to_owned));
    let lost: Vec<_> = (0..3000)
        .map(|i| format!("\"t {i}\""))
        .filter(|line| !printed.contains(line))
        .collect();
    assert_eq!(lost, [""; 0]);
}

#[test]
fn a_message_that_a_query_was_at_when_it_was_stopped_comes_again() {
    let broker = Mosquitto::start("max_queued_messages 0\nlog_type all");
    let slow = "select p from Binary b, Boolean p, Number pause
                where b in subscribe('m:t') and p = print(charstring(b)) and pause = sleep(600);";
    let mut first = reading(&broker, slow);
    broker.wait_for_subscriptions(1);
    publish(&broker, "t", 2);
    first.stderr.wait_line("t 0");
    first.signal("TERM");
    first.wait();
    // One that ends by itself has dealt with its last one.
    for expected in ["t 0", "t 1"] {
        let output = reading(&broker, &format!("{READ} limit 1;")).finish();
        output.expect_ok(&format!("\"{expected}\"\n"));
    }
}

/// The same of messages that are taken together, of which fields are read. Those that a filter leaves
/// out are dealt with when one behind them is.
const READ_FIELDS: &str = "select r['n'] from Record r, Binary b where b in subscribe('m:t')
                             and r = json:unstringify(charstring(b)) and r['n'] != 1";

fn publish_numbers(broker: &Mosquitto, numbers: std::ops::Range<usize>) {
    let lines: Vec<_> = numbers.map(|n| format!("{{\"n\": {n}}}")).collect();
    broker.publish_lines("t", 1, lines.join("\n") + "\n");
}

/// Makes the session, with messages that wait for the next run.
fn waiting(numbers: std::ops::Range<usize>) -> Mosquitto {
    let broker = Mosquitto::start("max_queued_messages 0\nmax_inflight_messages 200\nlog_type all");
    let mut first = reading(&broker, &format!("{READ};"));
    broker.wait_for_subscriptions(1);
    first.signal("TERM");
    first.wait();
    publish_numbers(&broker, numbers);
    broker
}

#[test]
fn of_messages_taken_together_the_one_a_stopped_query_was_at_and_those_behind_come_again() {
    let broker = waiting(0..40);
    let at_five = READ_FIELDS.replace(" from ", " from Boolean p, Number pause, ")
        + " and p = print(r['n']) and pause = sleep(case when r['n'] = 5 then 600 else 0 end);";
    let mut first = reading(&broker, &at_five);
    first.stderr.wait_line("5");
    first.signal("TERM");
    first.wait();
    let output = reading(&broker, &format!("{READ_FIELDS} limit 35;")).finish();
    let expected: String = (5..40).map(|n| format!("{n}\n")).collect();
    output.expect_ok(&expected);
}

/// Nothing of a run that was killed is acknowledged afterwards.
#[test]
fn messages_taken_together_are_acknowledged_one_after_the_other() {
    let broker = waiting(0..40);
    let slowly = READ_FIELDS.replace(" from ", " from Boolean p, Number pause, ")
        + " and p = print(r['n']) and pause = sleep(0.05);";
    let mut first = reading(&broker, &slowly);
    first.stderr.wait_line("6");
    first.signal("KILL");
    first.wait();
    let output = reading(&broker, &format!("{READ_FIELDS} limit 33;")).finish();
    let next: usize = output.lines()[0].parse().expect("a number");
    assert!((4..=6).contains(&next), "{output:?}");
}

/// Queries of every kind that end by themselves, each of which takes six messages.
#[test]
fn what_a_query_that_ends_leaves_of_messages_taken_together_is_there_for_the_next() {
    let fields = "r = json:unstringify(charstring(b)) and r['n'] >= 0";
    let six = format!("Record r, Binary b where b in first_n(subscribe('m:t'), 6) and {fields}");
    let all = format!("Record r, Binary b where b in subscribe('m:t') and {fields}");
    let queries = [
        (format!("select r['n'] from {six};"), "0\n1\n2\n3\n4\n5\n"),
        (
            format!("select r['n'] from {all} limit 6;"),
            "6\n7\n8\n9\n10\n11\n",
        ),
        (
            format!("select mod(r['n'], 2), count(r['n']) from {six} group by mod(r['n'], 2);"),
            "[0,3]\n[1,3]\n",
        ),
        (format!("sum(select r['n'] from {six});"), "123\n"),
        (
            format!("select distinct r['n'] / 2 * 0 + r['n'] from {all} and r['n'] != 26 limit 5;"),
            "24.0\n25.0\n27.0\n28.0\n29.0\n",
        ),
        (
            format!(
                "select r['n'], i from Integer i, {all} and i in siota(1, r['n'] - 28) limit 7;"
            ),
            "[30,1]\n[30,2]\n[31,1]\n[31,2]\n[31,3]\n[32,1]\n[32,2]\n",
        ),
        (
            format!("first_n((select r['n'] from {all}), 3);"),
            "33\n34\n35\n",
        ),
    ];
    let broker = waiting(0..60);
    for (query, expected) in queries {
        let output = reading(&broker, &query).finish();
        assert_eq!(output.stdout, expected, "{query}: {output:?}");
        assert_eq!(output.code, 0, "{query}: {output:?}");
    }
}
