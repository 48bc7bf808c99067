//! What becomes of messages: publishing, subscribing, ending, and brokers that go away.

use std::time::{Duration, Instant};

use crate::support::bridge::web_socket;
use crate::support::certs::{Authority, Dates};
use crate::support::mosquitto::Mosquitto;
use crate::support::mqtt::{
    Connection, connect, next, options, options_for, path, patience, payload, send, text,
};
use crate::support::port::Port;
use crate::support::table::each_row;
use crate::support::wait::wait_until;
use osql::mqtt::{PublishOptions, Qos, Setting};
use osql::text::wait::Token;

#[test]
fn messages_go_out_and_come_back_at_every_level_and_version() {
    let broker = Mosquitto::start("");
    let rows = [(4, 0), (4, 1), (4, 2), (5, 0), (5, 1), (5, 2)];
    each_row(rows, |(version, qos)| {
        let client = Connection::to(&broker, [("version", version.into()), ("qos", qos.into())]);
        let mut subscription = client.listen("plant/+/t");
        client.publish("plant/a/t", 0..1000);
        for i in 0..1000 {
            let message = next(&mut subscription);
            assert_eq!(payload(&message), i.to_string());
            assert_eq!(&*message.topic, "plant/a/t");
            assert_eq!(message.qos.number(), qos);
            assert!(!message.retain && !message.dup);
        }
        client.close();
    });
}

#[test]
fn fifty_thousand_messages_at_qos_1_and_the_end_right_behind() {
    let broker = Mosquitto::start("max_queued_messages 0\nmax_inflight_messages 0");
    let client = Connection::to(&broker, []);
    let mut reader = client.listen("t");
    client.publish("t", 0..50_000);
    for i in 0..50_000 {
        assert_eq!(text(&mut reader), i.to_string());
    }
    client.close();
}

#[test]
fn a_login_is_checked_and_never_shown() {
    let broker = Mosquitto::with_login("me", "open sesame");
    each_row([4, 5], |version| {
        let login = |password: &str| {
            connect(&options_for(
                &broker,
                [
                    ("version", version.into()),
                    ("username", "me".into()),
                    ("password", password.into()),
                ],
            ))
        };
        let client = login("open sesame").expect("the right password");
        assert!(!format!("{:?}", Setting::Group(client.status())).contains("sesame"));
        let error = login("hunter2").err().expect("the wrong password");
        assert!(
            error.message().contains("refuses the connection: "),
            "{error:?}"
        );
        assert!(!error.render(false).contains("hunter2"));
    });
}

#[test]
fn every_way_to_miss_a_broker_has_its_words() {
    let nobody = Port::claim();
    let port = nobody.number();
    let rows = [
        (
            format!("tcp://127.0.0.1:{port}"),
            "nothing listens on that port",
        ),
        ("tcp://no-such-host.invalid".to_owned(), "cannot be found"),
        (
            format!("ws://127.0.0.1:{port}"),
            "nothing listens on that port",
        ),
    ];
    each_row(rows, |(connection, words)| {
        let error = connect(&options([("connection", connection.into())]))
            .err()
            .expect("refused");
        assert!(error.message().contains(words), "{error:?}");
    });
}

#[test]
fn a_missing_client_is_an_error_with_the_nearest_name() {
    let broker = Mosquitto::start("");
    let client = Connection::to(&broker, []);
    let error = client.clients.get("n").err().expect("missing");
    assert_eq!(error.message(), "there is no mqtt client named `n`");
    assert_eq!(error.helps()[0], "did you mean `m`?");
}

#[test]
fn the_will_is_published_for_a_client_that_vanishes_and_not_for_one_that_leaves() {
    let broker = Mosquitto::start("");
    let watcher = Connection::to(&broker, []);
    let mut wills = watcher.listen("will");
    let with_will = [
        ("will-topic", "will".into()),
        ("will-payload", "gone".into()),
        ("will-qos", 1.into()),
    ];
    Connection::to(&broker, with_will).close();
    broker.publish("will", "end of the first part", &[]);
    assert_eq!(text(&mut wills), "end of the first part");
}

#[test]
fn web_sockets_carry_messages_with_and_without_tls() {
    let broker = Mosquitto::start("");
    let ca = Authority::new("Test CA");
    let identity = ca.version_three("localhost", Dates::Good);
    let plain = format!("ws://localhost:{}/mqtt", web_socket(broker.port, None));
    let secure = format!(
        "wss://localhost:{}",
        web_socket(broker.port, Some(&identity))
    );
    let rows = [(4, &plain), (5, &plain), (4, &secure), (5, &secure)];
    each_row(rows, |(version, url)| {
        let mut base = options([
            ("connection", url.as_str().into()),
            ("version", version.into()),
        ]);
        if url.starts_with("wss") {
            base.put("cafile", path(&ca.cert()));
        }
        let client = connect(&base).expect("connected");
        let mut subscription = client.listen("t");
        client.publish("t", 0..5000);
        for i in 0..900 {
            assert_eq!(text(&mut subscription), i.to_string());
        }
        drop(subscription);
        client.close();
    });
}

#[test]
fn a_stop_ends_every_wait() {
    let broker = Mosquitto::start("");
    let client = Connection::to(&broker, []);
    let mut subscription = client.listen("silence");
    let token = Token::new();
    token.stop("enough");
    assert_eq!(
        subscription.recv(&token).err().expect("stopped").message(),
        "enough"
    );
    drop(subscription);
    wait_until("the subscription is given up", || {
        client.status().get("subscriptions") == Some(&Setting::List(vec![]))
    });
}

#[test]
fn publish_options_reach_the_reader() {
    let broker = Mosquitto::start("");
    let client = Connection::to(&broker, [("version", 5.into())]);
    let record = options([
        ("qos", 2.into()),
        ("retained", true.into()),
        ("content-type", "text/plain".into()),
        ("response-topic", "answers".into()),
        (
            "user-properties",
            Setting::Group(options([("a", "b".into())])),
        ),
    ]);
    let how = PublishOptions::read(&record, osql::mqtt::Version::V5).expect("good options");
    let mut publisher = client.publisher("kept", how).expect("ok");
    send(&mut publisher, ["x"]);
    publisher.finish(&patience(10)).expect("finished");
    let message = next(&mut client.listen("kept"));
    let properties = message.properties.expect("properties");
    assert_eq!(properties.content_type.as_deref(), Some("text/plain"));
    assert_eq!(properties.response_topic.as_deref(), Some("answers"));
    assert_eq!(
        properties.user_properties,
        [("a".to_owned(), "b".to_owned())]
    );
    assert!(message.retain);
    assert_eq!(message.qos, Qos::AtLeastOnce);
    assert_eq!(client.number("acknowledged"), 1);
}

#[test]
fn overlapping_filters_get_every_message_once() {
    let broker = Mosquitto::start("");
    each_row([4, 5], |version| {
        let client = Connection::to(&broker, [("version", version.into())]);
        let mut narrow = client.listen("plant/a/t");
        let mut wide = client.listen("plant/#");
        let mut middle = client.listen("plant/a/+");
        let mut again = client.listen("plant/a/+");
        broker.publish("other", "nobody's", &[]);
        broker.publish("plant/a/t", "1", &["-q", "1"]);
        broker.publish("plant/b", "2", &["-q", "1"]);
        broker.publish("plant/a/u", "3", &["-q", "1"]);
        broker.publish("plant/a/t", "4", &["-q", "1"]);
        for (reader, wanted) in [
            (&mut narrow, &["1", "4"][..]),
            (&mut wide, &["1", "2", "3", "4"]),
            (&mut middle, &["1", "3", "4"]),
            (&mut again, &["1", "3", "4"]),
        ] {
            for wanted in wanted {
                assert_eq!(text(reader), *wanted);
            }
        }
        // What the wide one had covered is subscribed again when that goes.
        drop(wide);
        wait_until("the wide filter is gone", || {
            broker.publish("plant/a/t", "5", &["-q", "1"]);
            text(&mut narrow) == "5"
        });
    });
}

#[test]
fn retained_messages_and_shared_subscriptions() {
    let broker = Mosquitto::start("");
    broker.publish("kept", "old", &["-r", "-q", "1"]);
    each_row([4, 5], |version| {
        let one = Connection::to(&broker, [("version", version.into())]);
        let two = Connection::to(&broker, [("version", version.into())]);
        let message = next(&mut one.listen("kept"));
        assert!(message.retain && payload(&message) == "old");
        let mut first = one.listen("$share/workers/job/#");
        let mut second = two.listen("$share/workers/job/#");
        let lines: Vec<_> = (0..100).map(|i| i.to_string()).collect();
        broker.publish_lines("job/1", 1, lines.join("\n") + "\n");
        let mut seen: Vec<i32> = Vec::new();
        // Each of the two reads until nothing has come for a while, at least until all have come.
        wait_until("all have come", || {
            for reader in [&mut first, &mut second] {
                let soon =
                    || Token::new().child_until(Instant::now() + Duration::from_millis(300), "");
                while let Ok(Some(message)) = reader.recv(&soon()) {
                    seen.push(payload(&message).parse().expect("a number"));
                }
            }
            seen.len() >= 100
        });
        seen.sort_unstable();
        assert_eq!(seen, (0..100).collect::<Vec<_>>());
    });
}
