//! What osql, the program, promises about messages: killed, held back, ended in a hurry, or beside a
//! broker that stands still. The other side is always a foreign program or a client of its own.
//!
//! `ROUNDS` says how many rounds of 20,000 messages the test that kills osql runs; a few shorter
//! ones if it is not set: `ROUNDS=20 cargo test --test e2e delivery_program::a_killed -- --nocapture`.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::support::mosquitto::{Folder, Mosquitto};
use crate::support::mqtt::{Connection, text};
use crate::support::osql::osql;
use crate::support::table::each_row;
use osql::mqtt::TopicSubscription;

const UNLIMITED: &str = "max_queued_messages 0\nmax_inflight_messages 0\nlog_type all";

/// `mqtt:register_client` for the client `b`, with these options besides the broker's address.
fn register(broker: &Mosquitto, more: &str) -> String {
    let at = broker.url("tcp");
    format!("mqtt:register_client('b', {{'connection': '{at}'{more}}});")
}

/// The same, and says when that is done.
fn register_and_say(broker: &Mosquitto, more: &str) -> String {
    register(broker, more) + " 'registered';"
}

/// A client of our own library, and its subscription to `t`.
fn reader(broker: &Mosquitto, qos: i64) -> (Connection, TopicSubscription) {
    let client = Connection::to(broker, [("qos", qos.into())]);
    let subscription = client.listen("t");
    (client, subscription)
}

/// How often each number came before "end".
fn until_end(subscription: &mut TopicSubscription) -> BTreeMap<u32, usize> {
    let mut seen = BTreeMap::new();
    loop {
        let text = text(subscription);
        if text == "end" {
            return seen;
        }
        *seen.entry(text.parse().expect("a number")).or_default() += 1;
    }
}

fn assert_whole(seen: &BTreeMap<u32, usize>, total: u32) {
    let lost: Vec<_> = (1..=total).filter(|i| !seen.contains_key(i)).collect();
    assert!(lost.is_empty(), "{} of {total} lost: {lost:?}", lost.len());
    assert_eq!(seen.len(), total as usize);
}

/// A foreign `mosquitto_sub` of `t` at QoS 1. Killed when dropped.
struct Foreign(Child);

impl Foreign {
    fn start(broker: &Mosquitto) -> Foreign {
        let child = Command::new("mosquitto_sub")
            .args(["-p", &broker.port.to_string(), "-t", "t", "-q", "1"])
            .stdout(Stdio::piped())
            .spawn()
            .expect("mosquitto_sub is installed");
        broker.wait_for_subscriptions(1);
        Foreign(child)
    }

    /// How often each number came before "end".
    fn numbers(mut self) -> BTreeMap<u32, usize> {
        let mut seen = BTreeMap::new();
        let out = self.0.stdout.take().expect("piped");
        for line in BufReader::new(out).lines() {
            let line = line.expect("text");
            if line == "end" {
                break;
            }
            *seen.entry(line.parse().expect("a number")).or_default() += 1;
        }
        seen
    }
}

impl Drop for Foreign {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn fifty_thousand_at_qos_1_arrive_though_the_input_ends_right_behind() {
    each_row([false, true], |piped| {
        let broker = Mosquitto::start(UNLIMITED);
        let foreign = Foreign::start(&broker);
        let script = register(&broker, "") + "sink(publish(siota(1,50000), 'b:t'));";
        match piped {
            true => osql().stdin(script).run(),
            false => osql().statements(&script).run(),
        }
        .expect_ok("");
        broker.publish("t", "end", &["-q", "1"]);
        assert_whole(&foreign.numbers(), 50_000);
    });
}

#[test]
fn a_killed_osql_loses_nothing_that_it_keeps_on_disk() {
    let asked = std::env::var("ROUNDS").ok().and_then(|n| n.parse().ok());
    let (rounds, total) = asked.map_or((4, 4_000), |rounds| (rounds, 20_000));
    for round in 0..rounds {
        let qos = 1 + i64::from(round % 2);
        let broker = Mosquitto::start(UNLIMITED);
        let (client, mut subscription) = reader(&broker, qos);
        let folder = Folder::new();
        let more = format!(
            ", 'clientid': 'kept', 'cleansession': false, 'qos': {qos}, 'persistence': '{}'",
            folder.0.display()
        );
        let begin = register(&broker, &more);
        let moment = rand::random_range(1..total as usize);
        let script = format!("{begin} publish(siota(1,{total}), 'b:t');");
        let mut killed = osql().statements(&script).spawn();
        killed
            .stdout
            .wait_until(|text| text.lines().count() > moment);
        killed.signal("KILL");
        let killed = killed.wait();
        // What is shown has been accepted. The last line may be cut.
        let whole = killed
            .stdout
            .rsplit_once('\n')
            .map_or("", |(whole, _)| whole);
        let shown: u32 = whole
            .lines()
            .last()
            .map_or(0, |l| l.parse().expect("a number"));
        let again = format!("{begin} sink(publish(streamof('end'), 'b:t'));");
        let again = osql().statements(&again).run();
        assert_eq!(again.code, 0, "{again:?}");
        let seen = until_end(&mut subscription);
        let doubled: usize = seen.values().map(|n| n - 1).sum();
        println!(
            "round {round}, QoS {qos}: {shown} shown before the kill, {} arrived, {doubled} twice; {}",
            seen.len(),
            again.stderr.trim()
        );
        let last = *seen.keys().last().expect("some arrived");
        assert!(last >= shown, "{last} arrived, {shown} were accepted");
        assert_whole(&seen, last);
        assert!(qos == 1 || doubled == 0, "{doubled} came twice");
        client.close();
    }
}

#[test]
fn a_broker_that_stands_still_longer_than_the_keep_alive_time_costs_nothing() {
    let broker = Mosquitto::start(UNLIMITED);
    let foreign = Foreign::start(&broker);
    let script = register_and_say(
        &broker,
        ", 'keepalive': 2, 'connect-timeout': 1, 'reconnect-min': 0.02, 'reconnect-max': 0.2",
    );
    let mut running = osql().spawn();
    running.send(&script);
    running.stdout.wait_line("registered");
    broker.signal("STOP");
    running.send("sink(publish(siota(1,3000), 'b:t'));");
    running
        .stderr
        .wait_line("the broker does not answer within the keep-alive time; trying again");
    broker.signal("CONT");
    let output = running.finish();
    assert!(output.stderr.contains("connected to"), "{output:?}");
    assert_eq!(
        (output.stdout.as_str(), output.code),
        ("\"registered\"\n", 0)
    );
    broker.publish("t", "end", &["-q", "1"]);
    assert_whole(&foreign.numbers(), 3000);
}

#[test]
fn a_query_that_is_held_back_can_be_stopped_or_given_a_limit() {
    let mut broker = Mosquitto::start("");
    let mut running = osql().spawn();
    running.send(&register_and_say(
        &broker,
        ", 'maxBufferedMessages': 10, 'publish-timeout': 0.3",
    ));
    running.stdout.wait_line("registered");
    broker.end("KILL");
    running.stderr.wait_line("trying again");
    running.send("publish(siota(1,100), 'b:t');\n");
    // Ten fit; the eleventh waits.
    let line = running.stderr.wait_line("made no progress for 0.3 s");
    assert!(line.contains("11 messages are not delivered"), "{line}");
    running.send("mqtt:status('b')['buffered'];\n");
    running.stdout.wait_line("10");
    // The end of the input waits for them, but not for ever.
    let output = running.finish();
    output.expect_error(1, "10 messages were not delivered");

    broker.start_again();
    let mut running = osql().spawn();
    running.send(&register_and_say(&broker, ", 'maxBufferedMessages': 10"));
    running.stdout.wait_line("registered");
    broker.end("KILL");
    running.stderr.wait_line("trying again");
    running.send("publish(siota(1,100), 'b:t');\n");
    running.stdout.wait_line("10");
    let before = std::time::Instant::now();
    running.signal("INT");
    // The wait for acknowledgements is cut short by a second one.
    running.stderr.wait_line("stopped");
    assert!(before.elapsed() < Duration::from_secs(2));
    running.signal("INT");
    assert_eq!(running.finish().code, 130);
}

#[test]
fn clients_are_listed_replaced_and_given_up() {
    let broker = Mosquitto::start(UNLIMITED);
    let foreign = Foreign::start(&broker);
    let first = register(&broker, ", 'clientid': 'first'");
    let second = register(&broker, ", 'clientid': 'second', 'version': 5");
    let script = format!(
        "{first} sink(publish(siota(1,5000), 'b:t'));
         {second} mqtt:clients(); mqtt:status('b')['clientid']; mqtt:status('b')['version'];
         mqtt:unregister_client('b'); count(mqtt:clients()); mqtt:status('b');"
    );
    let output = osql().statements(&script).run();
    assert_eq!(output.lines(), ["\"b\"", "\"second\"", "5", "0"]);
    output.expect_error(1, "there is no mqtt client named `b`");
    broker.publish("t", "end", &["-q", "1"]);
    assert_whole(&foreign.numbers(), 5000);
}

#[test]
fn a_client_that_is_replaced_in_the_middle_delivers_what_it_took() {
    let broker = Mosquitto::start(UNLIMITED);
    let foreign = Foreign::start(&broker);
    let mut running = osql().arg("--verbose").spawn();
    running.send(&register_and_say(&broker, ""));
    running.stdout.wait_line("registered");
    running.send("background(publish(siota(1,100000000), 'b:t'));\n");
    running.stderr.wait_line("<- PUBACK");
    running.send(&register(
        &broker,
        ", 'clientid': 'second', 'publish-timeout': 60",
    ));
    // The query that was publishing ends, and says why.
    running.stderr.wait_line("mqtt client b was unregistered");
    running.send("mqtt:status('b')['clientid'];\n");
    running.stdout.wait_line("second");
    running.send("sink(publish(streamof('end'), 'b:t')) = true;\n");
    running.stdout.wait_line("true");
    let seen = foreign.numbers();
    assert_whole(&seen, seen.len() as u32);
    assert_ne!(seen.len(), 0);
    running.finish();
}

#[test]
fn the_status_says_what_became_of_every_message() {
    let broker = Mosquitto::start(UNLIMITED);
    let script = register(&broker, ", 'clientid': 'c', 'qos': 2")
        + "sink(publish(siota(1,500), 'b:t')); sink(publish(siota(1,70), 'b:t', {'qos': 0}));
           mqtt:status('b');";
    let output = osql().statements(&script).run();
    assert_eq!((output.stderr.as_str(), output.code), ("", 0));
    let status: serde_json::Value =
        serde_json::from_str(output.lines().last().expect("a status")).expect("JSON");
    let rows = [
        ("state", "connected".into()),
        ("broker", broker.url("tcp").into()),
        ("clientid", "c".into()),
        ("version", 4.into()),
        ("tls-version", serde_json::Value::Null),
        ("sent", 570.into()),
        ("acknowledged", 500.into()),
        ("in-flight", 0.into()),
        ("buffered", 0.into()),
        ("received", 0.into()),
        ("waiting", 0.into()),
        ("dropped", 0.into()),
        ("reconnects", 0.into()),
        ("last-error", serde_json::Value::Null),
    ];
    each_row(rows, |(name, value)| assert_eq!(status[name], value));
}

#[test]
fn illegal_topics_never_reach_the_network() {
    let broker = Mosquitto::start("log_type all");
    let rows = [
        ("publish(siota(1,2), 'b:a/#')", "`#` is a wildcard"),
        ("publish(siota(1,2), 'b:')", "it is empty"),
        ("subscribe('b:a/#/b')", "`#` must be the whole last level"),
        ("subscribe:topic('b:a+')", "`+` must be a whole level"),
        ("subscribe('b:$share/g')", "not a shared subscription"),
    ];
    each_row(rows, |(statement, words)| {
        let script = format!("{} {statement};", register(&broker, ""));
        osql().statements(&script).run().expect_error(1, words);
    });
    let log = broker.log();
    assert!(
        !log.contains("PUBLISH") && !log.contains("SUBSCRIBE"),
        "{log}"
    );
}

#[test]
fn wildcards_tell_the_topics_apart() {
    let broker = Mosquitto::start("log_type all");
    let script = register(&broker, ", 'qos': 2")
        + "select r['topic'], r['payload'], r['qos'] from Record r
           where r in first_n(subscribe:topic('b:plant/+/t'), 2);";
    let running = osql().statements(&script).spawn();
    broker.wait_for_subscriptions(1);
    broker.publish("plant/a/t", "1", &["-q", "2"]);
    broker.publish("plant/b", "nothing", &[]);
    broker.publish("plant/b/t", "2", &["-q", "1"]);
    let output = running.finish();
    assert_eq!((output.stderr.as_str(), output.code), ("", 0), "{output:?}");
    assert!(output.stdout.contains("\"plant/a/t\""), "{output:?}");
    assert!(output.stdout.contains("\"plant/b/t\""), "{output:?}");
}

#[test]
fn verbose_shows_the_protocol_and_no_secrets() {
    let broker = Mosquitto::with_login("me", "open sesame");
    let script = register(
        &broker,
        ", 'clientid': 'loud', 'username': 'me', 'password': 'open sesame'",
    ) + "sink(publish(streamof('private'), 'b:t'));";
    let output = osql().arg("--verbose").statements(&script).run();
    assert_eq!(output.code, 0, "{output:?}");
    let events = [
        "-> CONNECT as loud, a new session, keepalive 60 s",
        "<- CONNACK with a new session",
        "-> PUBLISH 1 to t: 7 bytes at QoS 1",
        "<- PUBACK 1",
        "-> DISCONNECT",
    ];
    each_row(events, |event| {
        assert!(
            output.stderr.contains(event),
            "{event} in {}",
            output.stderr
        );
    });
    assert!(!output.stderr.contains("sesame") && !output.stderr.contains("private"));
}
