//! Brokers that go away and come back in the middle of publishing: the publisher's account and the
//! subscriber's record agree.

mod support;

use std::collections::HashMap;
use std::thread;
use std::time::Duration;

use osql::mqtt::{Client, Message, PublishOptions};
use osql::run::wait::Token;
use osql::types::Value;
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

/// Publishes `total` numbers while `disturb` is called with the broker at some moments.
fn publish_through(
    broker: &mut Mosquitto,
    total: usize,
    qos: i64,
    moments: &[usize],
    disturb: impl Fn(&mut Mosquitto),
) -> HashMap<String, usize> {
    let (readers, reader) = steady(broker, "reader", qos);
    let mut subscription = reader.subscribe("t", &patience(10)).expect("subscribed");
    let stop = Token::new();
    let stopped = stop.clone();
    let counting = thread::spawn(move || {
        let mut seen: HashMap<String, usize> = HashMap::new();
        while let Ok(Some(message)) = subscription.recv(&stopped) {
            let message: Message = message;
            if payload(&message) == "end" {
                break;
            }
            *seen.entry(payload(&message)).or_default() += 1;
        }
        seen
    });
    let (writers, writer) = steady(broker, "writer", qos);
    let mut publisher = writer
        .publisher("t", PublishOptions::default())
        .expect("ok");
    for i in 0..total {
        if moments.contains(&i) {
            disturb(broker);
        }
        publisher
            .send(format!("{i}").into_bytes(), &patience(60))
            .expect("sent");
    }
    publisher.finish(&patience(60)).expect("all acknowledged");
    eventually("the reader is back", || {
        reader.status().get("state") == Some(&Value::str("connected"))
    });
    publisher.send(&b"end"[..], &patience(10)).expect("sent");
    publisher.finish(&patience(60)).expect("all acknowledged");
    let guard = thread::spawn(move || {
        let _ = patience(60).sleep(Duration::from_secs(60));
        stop.stop("too long");
    });
    let seen = counting.join().expect("no panic");
    drop(guard);
    writers.close(Duration::from_secs(10)).expect("closed");
    readers.close(Duration::from_secs(10)).expect("closed");
    seen
}

fn lost(seen: &HashMap<String, usize>, total: usize) -> Vec<usize> {
    (0..total)
        .filter(|i| !seen.contains_key(&i.to_string()))
        .collect()
}

/// How many messages came more than once. At QoS 2 there should be none; after some restarts
/// mosquitto 2.0.11 sends one again, with the dup flag, whose exchange had been completed. Why is not
/// known yet, so the tests allow one for each restart.
fn doubled(seen: &HashMap<String, usize>) -> usize {
    seen.values().map(|n| n - 1).sum()
}

#[test]
fn a_restart_that_keeps_the_session_loses_nothing() {
    for qos in [1, 2] {
        let mut broker = Mosquitto::start(KEEPS);
        let seen = publish_through(&mut broker, 4000, qos, &[501, 1777, 3210], |broker| {
            broker.end("TERM");
            broker.start_again();
        });
        assert_eq!(lost(&seen, 4000), [0; 0]);
        assert!(
            qos == 1 || doubled(&seen) <= 3,
            "{} doubled",
            doubled(&seen)
        );
    }
}

/// Restarts at random moments of 20,000 publications. `ROUNDS` says how many rounds; 2 if it is not
/// set.
#[test]
#[ignore = "takes some ten seconds a round: the broker writes its state to disk at every change"]
fn rounds_of_restarts_at_random_moments() {
    let rounds = std::env::var("ROUNDS")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(2);
    for round in 0..rounds {
        let qos = 1 + round % 2;
        let mut moments: Vec<usize> = (0..4).map(|_| rand::random_range(0..20_000)).collect();
        moments.sort_unstable();
        let mut broker = Mosquitto::start(KEEPS);
        let seen = publish_through(&mut broker, 20_000, qos, &moments, |broker| {
            broker.end("TERM");
            broker.start_again();
        });
        assert_eq!(
            lost(&seen, 20_000),
            [0; 0],
            "round {round}, restarts at {moments:?}"
        );
        assert!(
            qos == 1 || doubled(&seen) <= moments.len(),
            "{} doubled",
            doubled(&seen)
        );
    }
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
            client.status().get("state") == Some(&Value::str("reconnecting"))
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
        client.status().get("state") == Some(&Value::str("reconnecting"))
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
        client.status().get("state") == Some(&Value::str("reconnecting"))
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
    assert_eq!(client.status().get("state"), Some(&Value::str("failed")));
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
            client.status().get("state") == Some(&Value::str("reconnecting"))
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
