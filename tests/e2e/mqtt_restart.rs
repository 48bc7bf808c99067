//! Brokers that go away and come back, and what is kept meanwhile. Restarts in the middle of
//! publishing are in `delivery_restarts`.

use std::collections::HashMap;
use std::time::Duration;

use osql::mqtt::{Setting, TopicSubscription};

use crate::support::mosquitto::{Folder, Mosquitto};
use crate::support::mqtt::{Connection, path, patience, send, text};
use crate::support::table::each_row;
use crate::support::wait::wait_until;

const KEEPS: &str = "persistence true\npersistence_location FOLDER/\nautosave_interval 1\n\
                     autosave_on_changes true\nmax_queued_messages 0";
const FORGETS: &str = "persistence false\nmax_queued_messages 0";

/// A client whose session is kept and that does not wait long.
fn steady(broker: &Mosquitto, id: &str, qos: i64) -> Connection {
    let options = [
        ("clientid", id.into()),
        ("cleansession", false.into()),
        ("qos", qos.into()),
        ("reconnect-min", 0.02.into()),
        ("reconnect-max", 0.1.into()),
    ];
    Connection::to(broker, options)
}

/// How often each message came, once there are so many different ones.
fn seen_until(subscription: &mut TopicSubscription, count: usize) -> HashMap<String, usize> {
    let mut seen = HashMap::new();
    while seen.len() < count {
        *seen.entry(text(subscription)).or_default() += 1;
    }
    seen
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
    each_row([(4, 1), (4, 2), (5, 1), (5, 2)], |(version, qos)| {
        let mut broker = Mosquitto::start(FORGETS);
        let options = [
            ("version", version.into()),
            ("qos", qos.into()),
            ("reconnect-min", 0.02.into()),
            ("reconnect-max", 0.1.into()),
        ];
        let client = Connection::to(&broker, options);
        broker.end("KILL");
        client.wait_for_state("reconnecting");
        let mut publisher = client.sender("t");
        send(&mut publisher, 0..500);
        assert_eq!(client.number("buffered"), 500);
        broker.start_again();
        publisher.finish(&patience(30)).expect("all acknowledged");
        assert_eq!(client.number("acknowledged"), 500);
        assert_eq!(client.number("reconnects"), 1);
        client.close();
    });
}

#[test]
fn a_stopped_broker_is_noticed_within_the_keep_alive_time_and_nothing_is_lost() {
    let broker = Mosquitto::start(FORGETS);
    let options = [
        ("clientid", "steady".into()),
        ("cleansession", false.into()),
        ("keepalive", 2.into()),
        ("connect-timeout", 0.5.into()),
        ("reconnect-min", 0.02.into()),
        ("reconnect-max", 0.1.into()),
    ];
    let client = Connection::to(&broker, options);
    let mut subscription = client.listen("t");
    let mut publisher = client.sender("t");
    broker.signal("STOP");
    let stopped = std::time::Instant::now();
    send(&mut publisher, 0..300);
    client.wait_for_state("reconnecting");
    assert!(
        stopped.elapsed() < Duration::from_millis(3000),
        "{:?}",
        stopped.elapsed()
    );
    broker.signal("CONT");
    publisher.finish(&patience(30)).expect("all acknowledged");
    let seen = seen_until(&mut subscription, 300);
    assert_eq!(lost(&seen, 300), [0; 0]);
    client.close();
}

#[test]
fn waiting_to_publish_has_its_limit() {
    let mut broker = Mosquitto::start("");
    let options = [
        ("maxBufferedMessages", 10.into()),
        ("publish-timeout", 0.2.into()),
    ];
    let client = Connection::to(&broker, options);
    broker.end("TERM");
    client.wait_for_state("reconnecting");
    let mut publisher = client.sender("t");
    send(&mut publisher, ["x"; 10]);
    let error = publisher
        .send(&b"x"[..], &patience(10))
        .expect_err("no room");
    assert!(
        error.message().contains("11 messages are not delivered"),
        "{error:?}"
    );
    let error = client
        .close_within(Duration::from_millis(50))
        .expect_err("not delivered");
    assert!(
        error.message().contains("10 messages were not delivered"),
        "{error:?}"
    );
}

#[test]
fn a_wrong_password_after_a_reconnection_is_waited_out() {
    let mut broker = Mosquitto::with_login("me", "one");
    let options = [
        ("username", "me".into()),
        ("password", "one".into()),
        ("reconnect-min", 0.02.into()),
        ("reconnect-max", 0.1.into()),
    ];
    let client = Connection::to(&broker, options);
    let mut subscription = client.listen("t");
    broker.end("TERM");
    broker.change_password("me", "two");
    broker.start_again();
    wait_until("it is refused", || {
        let status = client.status();
        let error = status.get("last-error").map(ToString::to_string);
        error.is_some_and(|e| e.contains("not authorized"))
    });
    assert_eq!(client.state(), Some(Setting::text("reconnecting")));
    broker.end("TERM");
    broker.change_password("me", "one");
    broker.start_again();
    client.wait_for_state("connected");
    client.publish("t", ["back"]);
    assert_eq!(text(&mut subscription), "back");
}

#[test]
fn publications_on_disk_outlive_their_client() {
    each_row([1, 2], |qos| {
        let mut broker = Mosquitto::start(KEEPS);
        let folder = Folder::new();
        let options = || {
            [
                ("clientid", "keeper".into()),
                ("cleansession", false.into()),
                ("persistence", path(&folder.0)),
                ("qos", qos.into()),
            ]
        };
        let reader = steady(&broker, "reader", qos);
        let mut subscription = reader.listen("t");
        let client = Connection::to(&broker, options());
        broker.end("TERM");
        client.wait_for_state("reconnecting");
        send(&mut client.sender("t"), 0..100);
        let error = client
            .close_within(Duration::ZERO)
            .expect_err("not delivered");
        assert!(
            error.helps()[0].contains("kept for the next run"),
            "{error:?}"
        );
        broker.start_again();
        let client = Connection::to(&broker, options());
        let seen = seen_until(&mut subscription, 100);
        assert_eq!(doubled(&seen), 0);
        wait_until("all is acknowledged", || {
            client.number("acknowledged") == 100
        });
        client.close();
        reader.close();
    });
}
