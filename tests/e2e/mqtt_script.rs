//! MQTT as a user has it, by scripts: every way to connect, wills, and work shared by processes.
//! Against real mosquitto.

use std::collections::BTreeSet;

use crate::support::bridge::web_socket;
use crate::support::certs::{Authority, Dates, Identity};
use crate::support::mosquitto::Mosquitto;
use crate::support::osql::{Captured, Running, osql};
use crate::support::subscriber::Subscriber;
use crate::support::table::each_row;
use crate::support::wait::wait_until;

/// Sends a message there and back under `options`; the script must say nothing else.
#[track_caller]
fn there_and_back(options: &str) {
    osql()
        .stdin(format!(
            "mqtt:register_client('m', {{'qos': 1, {options}}});\n\
             publish(streamof('there'), 'm:t', {{'retained': true}});\n\
             select charstring(b) from Binary b where b in subscribe('m:t') limit 1;\n"
        ))
        .run()
        .expect_ok("\"there\"\n\"there\"\n");
}

fn certificate_lines(identity: &Identity) -> String {
    let (cert, key) = (identity.cert.display(), identity.key.display());
    format!("certfile {cert}\nkeyfile {key}\n")
}

#[test]
fn plain_in_both_versions() {
    let broker = Mosquitto::start("");
    let rows = [("tcp", 4), ("tcp", 5), ("mqtt", 4), ("mqtt", 5)];
    each_row(rows, |(scheme, version)| {
        let at = broker.url(scheme);
        there_and_back(&format!("'connection': '{at}', 'version': {version}"));
    });
    there_and_back(&format!("'host': 'localhost', 'port': {}", broker.port));
}

#[test]
fn login_and_password() {
    let broker = Mosquitto::with_login("ada", "say: 'äöü'");
    let at = broker.url("tcp");
    each_row([4, 5], |version| {
        there_and_back(&format!(
            "'connection': '{at}', 'version': {version}, 'username': 'ada', \
             'password': \"say: 'äöü'\""
        ));
    });
}

#[test]
fn a_client_certificate_whose_key_is_encrypted() {
    let ca = Authority::new("Test CA");
    let me = ca.version_three("me", Dates::Good);
    let key = ca.encrypt(&me.key, "open sesame");
    for make in [Authority::version_one, Authority::version_three] {
        let identity = make(&ca, "localhost", Dates::Good);
        let broker = Mosquitto::start(&format!(
            "{}cafile {}\nrequire_certificate true",
            certificate_lines(&identity),
            ca.cert().display()
        ));
        each_row([("ssl", 4), ("mqtts", 5)], |(scheme, version)| {
            there_and_back(&format!(
                "'connection': '{scheme}://localhost:{}', 'version': {version}, 'cafile': '{}', \
                 'cert': '{}', 'key': '{}', 'keypass': 'open sesame'",
                broker.port,
                ca.cert().display(),
                me.cert.display(),
                key.display()
            ));
        });
    }
}

#[test]
fn web_sockets_plain_and_over_tls() {
    let broker = Mosquitto::start("");
    let plain = web_socket(broker.port, None);
    let ca = Authority::new("Test CA");
    let secured = web_socket(
        broker.port,
        Some(&ca.version_three("localhost", Dates::Good)),
    );
    each_row([4, 5], |version| {
        there_and_back(&format!(
            "'connection': 'ws://localhost:{plain}/mqtt', 'version': {version}"
        ));
        there_and_back(&format!(
            "'connection': 'wss://localhost:{secured}/mqtt', 'version': {version}, 'cafile': '{}'",
            ca.cert().display()
        ));
    });
}

fn with_will(broker: &Mosquitto, version: u8) -> String {
    format!(
        "mqtt:register_client('m', {{'connection': '{}', 'version': {version}, \
         'will-topic': 'last/words', 'will-payload': 'gone', 'will-qos': 1}});\n'registered';\n",
        broker.url("tcp")
    )
}

#[test]
fn the_will_is_sent_for_a_process_that_is_killed() {
    let broker = Mosquitto::start("");
    let listener = Subscriber::start(&broker, "last/words");
    for version in [4, 5] {
        let mut running = osql().stdin(with_will(&broker, version)).spawn();
        running.stdout.wait_line("registered");
        running.signal("KILL");
        running.wait();
    }
    assert_eq!(listener.messages(2), ["gone", "gone"]);
}

#[test]
fn no_will_is_sent_after_a_proper_end() {
    let broker = Mosquitto::start("");
    let listener = Subscriber::start(&broker, "last/words");
    let rows = [(4, ""), (5, ""), (4, "quit;"), (5, "no_such();")];
    each_row(rows, |(version, end)| {
        let output = osql().stdin(with_will(&broker, version) + end).run();
        assert_eq!(output.code, i32::from(end.starts_with("no")), "{output:?}");
    });
    let mut running = osql().stdin(with_will(&broker, 4)).spawn();
    running.stdout.wait_line("registered");
    running.signal("TERM");
    assert_eq!(running.wait().code, 143);
    broker.publish("last/words", "the test's", &[]);
    assert_eq!(listener.messages(1), ["the test's"]);
}

/// Three processes divide a topic between them: together they get every message, none twice.
#[test]
fn processes_share_a_subscription() {
    const MESSAGES: usize = 3000;
    let broker = Mosquitto::start("max_queued_messages 100000\nlog_type all");
    let register = format!(
        "mqtt:register_client('mqtt', {{'connection': '{}'}});\n",
        broker.url("tcp")
    );
    let workers: Vec<Running> = (0..3)
        .map(|_| {
            let query = "select charstring(b) from Binary b \
                         where b in subscribe('mqtt:$share/workers/plant/#');\n";
            osql().stdin(register.clone() + query).spawn()
        })
        .collect();
    wait_until("all subscribe", || {
        broker.log().matches("$share/workers/plant/#").count() >= 3
    });
    let numbers = format!("publish(siota(1,{MESSAGES}), 'mqtt:plant/line1');");
    let publisher = osql().stdin(register.clone() + &numbers).run();
    assert_eq!(publisher.code, 0, "{publisher:?}");

    let so_far = |worker: &Running| numbers_in(&worker.stdout);
    wait_until("all messages arrive", || {
        workers.iter().map(|w| so_far(w).len()).sum::<usize>() >= MESSAGES
    });
    let mut seen = BTreeSet::new();
    for mut worker in workers {
        worker.signal("INT");
        worker.wait();
        let mine = so_far(&worker);
        assert!(!mine.is_empty(), "each has a part");
        for number in mine {
            assert!(seen.insert(number), "{number} came twice");
        }
    }
    assert_eq!(seen, (1..=MESSAGES).collect());
}

fn numbers_in(output: &Captured) -> Vec<usize> {
    let text = output.text();
    let whole = text.split_inclusive('\n').filter(|l| l.ends_with('\n'));
    whole
        .filter_map(|line| line.trim().trim_matches('"').parse().ok())
        .collect()
}
