//! Brokers that go away and come back, and what is kept meanwhile. Restarts in the middle of
//! publishing are in `delivery_restarts`.

mod support;

use std::collections::HashMap;
use std::time::Duration;

use osql::mqtt::Setting;
use osql::mqtt::{Client, PublishOptions};
use support::mosquitto::Mosquitto;
use support::mqtt::{connect, eventually, options, patience, payload, status};

const KEEPS: &str = "persistence true\npersistence_location FOLDER/\nautosave_interval 1\n\
                     autosave_on_changes true\nmax_queued_messages 0";
const FORGETS: &str = "persistence false\nmax_queued_messages 0";

/// A client whose session is kept and that does not wait long.
fn steady(broker: &Mosquitto, id: &str, qos: i64) -> (osql::mqtt::Clients, std::sync::Arc<Client>) {
    connect(&options([
        ("connection", broker.url("tcp").into()),
        ("clientid", id.into()),
        ("cleansession", false.into()),
        ("qos", qos.into()),
        ("reconnect-min", 0.02.into()),
        ("reconnect-max", 0.1.into()),
    ]))
    .expect("connected")
}

fn lost(seen: &HashMap<String, usize>, total: usize) -> Vec<usize> {
    (0..total)
        .filter(|i| !seen.contains_key(&i.to_string()))
        .collect()
}

/// How many messages came more than once.
fn doubled(seen: &HashMap<String, usize>) -> usize {
    seen.values().map(|n| n - 1).sum()
}

#[test]
fn what_the_broker_had_not_acknowledged_is_sent_again_without_its_session() {
    for (version, qos) in [(4, 1), (4, 2), (5, 1), (5, 2)] {
        let mut broker = Mosquitto::start(FORGETS);
        let (clients, client) = connect(&options([
            ("connection", broker.url("tcp").into()),
            ("version", version.into()),
            ("qos", qos.into()),
            ("reconnect-min", 0.02.into()),
            ("reconnect-max", 0.1.into()),
        ]))
        .expect("connected");
        broker.end("KILL");
        eventually("the loss is noticed", || {
            client.status().get("state") == Some(&Setting::text("reconnecting"))
        });
        let mut publisher = client
            .publisher("t", PublishOptions::default())
            .expect("ok");
        for i in 0..500 {
            publisher
                .send(format!("{i}").into_bytes(), &patience(10))
                .expect("buffered");
        }
        assert_eq!(status(&client, "buffered"), 500);
        broker.start_again();
        publisher.finish(&patience(30)).expect("all acknowledged");
        assert_eq!(status(&client, "acknowledged"), 500);
        assert_eq!(status(&client, "reconnects"), 1);
        clients.close(Duration::from_secs(5)).expect("closed");
    }
}

#[test]
fn a_stopped_broker_is_noticed_within_the_keep_alive_time_and_nothing_is_lost() {
    let broker = Mosquitto::start(FORGETS);
    let (clients, client) = connect(&options([
        ("connection", broker.url("tcp").into()),
        ("clientid", "steady".into()),
        ("cleansession", false.into()),
        ("keepalive", 2.into()),
        ("connect-timeout", 0.5.into()),
        ("reconnect-min", 0.02.into()),
        ("reconnect-max", 0.1.into()),
    ]))
    .expect("connected");
    let mut subscription = client.subscribe("t", &patience(10)).expect("subscribed");
    let mut publisher = client
        .publisher("t", PublishOptions::default())
        .expect("ok");
    broker.signal("STOP");
    let stopped = std::time::Instant::now();
    for i in 0..300 {
        publisher
            .send(format!("{i}").into_bytes(), &patience(10))
            .expect("sent or buffered");
    }
    eventually("the silence is noticed", || {
        client.status().get("state") == Some(&Setting::text("reconnecting"))
    });
    assert!(
        stopped.elapsed() < Duration::from_millis(3000),
        "{:?}",
        stopped.elapsed()
    );
    broker.signal("CONT");
    publisher.finish(&patience(30)).expect("all acknowledged");
    let mut seen = HashMap::new();
    while seen.len() < 300 {
        let message = subscription.recv(&patience(30)).expect("ok").expect("more");
        *seen.entry(payload(&message)).or_default() += 1;
    }
    assert_eq!(lost(&seen, 300), [0; 0]);
    clients.close(Duration::from_secs(5)).expect("closed");
}

#[test]
fn waiting_to_publish_has_its_limit() {
    let mut broker = Mosquitto::start("");
    let (clients, client) = connect(&options([
        ("connection", broker.url("tcp").into()),
        ("maxBufferedMessages", 10.into()),
        ("publish-timeout", 0.2.into()),
    ]))
    .expect("connected");
    broker.end("TERM");
    eventually("the loss is noticed", || {
        client.status().get("state") == Some(&Setting::text("reconnecting"))
    });
    let mut publisher = client
        .publisher("t", PublishOptions::default())
        .expect("ok");
    for _ in 0..10 {
        publisher
            .send(&b"x"[..], &patience(10))
            .expect("there is room");
    }
    let error = publisher
        .send(&b"x"[..], &patience(10))
        .expect_err("no room");
    assert!(
        error.message().contains("11 messages are not delivered"),
        "{error:?}"
    );
    let error = clients
        .close(Duration::from_millis(50))
        .expect_err("not delivered");
    assert!(
        error.message().contains("10 messages were not delivered"),
        "{error:?}"
    );
}

#[test]
fn a_wrong_password_after_a_reconnection_ends_in_an_error() {
    let folder = support::mosquitto::Folder::new();
    let passwords = folder.write("passwords", "");
    let passwd = |arguments: &[&str]| {
        let status = std::process::Command::new("mosquitto_passwd")
            .args(arguments)
            .status();
        assert!(status.expect("mosquitto_passwd is installed").success());
    };
    let file = passwords.display().to_string();
    passwd(&["-b", &file, "me", "one"]);
    let mut broker = Mosquitto::configured(&format!("allow_anonymous false\npassword_file {file}"));
    let (_clients, client) = connect(&options([
        ("connection", broker.url("tcp").into()),
        ("username", "me".into()),
        ("password", "one".into()),
        ("reconnect-min", 0.02.into()),
        ("reconnect-max", 0.1.into()),
    ]))
    .expect("connected");
    let mut subscription = client.subscribe("t", &patience(10)).expect("subscribed");
    broker.end("TERM");
    passwd(&["-b", &file, "me", "two"]);
    broker.start_again();
    let error = subscription.recv(&patience(30)).err().expect("given up");
    assert!(error.message().contains("not authorized"), "{error:?}");
    assert!(!error.message().contains("one"));
    assert_eq!(client.status().get("state"), Some(&Setting::text("failed")));
}

#[test]
fn publications_on_disk_outlive_their_client() {
    for qos in [1, 2] {
        let mut broker = Mosquitto::start(KEEPS);
        let folder = support::mosquitto::Folder::new();
        let base = options([
            ("connection", broker.url("tcp").into()),
            ("clientid", "keeper".into()),
            ("cleansession", false.into()),
            ("persistence", support::mqtt::path(&folder.0)),
            ("qos", qos.into()),
        ]);
        let (readers, reader) = steady(&broker, "reader", qos);
        let mut subscription = reader.subscribe("t", &patience(10)).expect("subscribed");
        let (clients, client) = connect(&base).expect("connected");
        broker.end("TERM");
        eventually("the loss is noticed", || {
            client.status().get("state") == Some(&Setting::text("reconnecting"))
        });
        let mut publisher = client
            .publisher("t", PublishOptions::default())
            .expect("ok");
        for i in 0..100 {
            publisher
                .send(format!("{i}").into_bytes(), &patience(10))
                .expect("buffered");
        }
        let error = clients.close(Duration::ZERO).expect_err("not delivered");
        assert!(
            error.helps()[0].contains("kept for the next run"),
            "{error:?}"
        );
        broker.start_again();
        let (clients, client) = connect(&base).expect("connected");
        let mut seen = HashMap::new();
        while seen.len() < 100 {
            let message = subscription.recv(&patience(30)).expect("ok").expect("more");
            *seen.entry(payload(&message)).or_default() += 1;
        }
        assert_eq!(doubled(&seen), 0);
        eventually("all is acknowledged", || {
            status(&client, "acknowledged") == 100
        });
        clients.close(Duration::from_secs(5)).expect("closed");
        readers.close(Duration::from_secs(5)).expect("closed");
    }
}
