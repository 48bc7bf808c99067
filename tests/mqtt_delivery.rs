//! What becomes of messages: publishing, subscribing, ending, and brokers that go away.

mod support;

use std::time::Duration;

use osql::mqtt::Setting;
use osql::mqtt::{PublishOptions, Qos};
use osql::text::wait::Token;
use support::bridge::web_socket;
use support::certs::{Authority, Dates};
use support::mosquitto::{Mosquitto, free_port};
use support::mqtt::{connect, eventually, options, path, patience, payload, status, text};

#[test]
fn messages_go_out_and_come_back_at_every_level_and_version() {
    let broker = Mosquitto::start("");
    for version in [4, 5] {
        for qos in [0, 1, 2] {
            let (clients, client) = connect(&options([
                ("connection", broker.url("tcp").into()),
                ("version", version.into()),
                ("qos", qos.into()),
            ]))
            .expect("connected");
            let mut subscription = client
                .subscribe("plant/+/t", &patience(10))
                .expect("subscribed");
            let mut publisher = client
                .publisher("plant/a/t", PublishOptions::default())
                .expect("ok");
            for i in 0..1000 {
                publisher
                    .send(format!("{i}").into_bytes(), &patience(10))
                    .expect("sent");
            }
            publisher.finish(&patience(10)).expect("finished");
            for i in 0..1000 {
                let message = subscription.recv(&patience(10)).expect("ok").expect("more");
                assert_eq!(payload(&message), i.to_string());
                assert_eq!(&*message.topic, "plant/a/t");
                assert_eq!(message.qos.number(), qos);
                assert!(!message.retain && !message.dup);
            }
            clients.close(Duration::from_secs(5)).expect("closed");
        }
    }
}

#[test]
fn fifty_thousand_messages_at_qos_1_and_the_end_right_behind() {
    let broker = Mosquitto::start("max_queued_messages 0\nmax_inflight_messages 0");
    let (clients, client) =
        connect(&options([("connection", broker.url("tcp").into())])).expect("connected");
    let mut reader = client.subscribe("t", &patience(10)).expect("subscribed");
    let mut publisher = client
        .publisher("t", PublishOptions::default())
        .expect("ok");
    for i in 0..50_000 {
        publisher
            .send(format!("{i}").into_bytes(), &patience(60))
            .expect("sent");
    }
    publisher.finish(&patience(60)).expect("all acknowledged");
    for i in 0..50_000 {
        assert_eq!(text(&mut reader), i.to_string());
    }
    clients.close(Duration::from_secs(5)).expect("closed");
}

#[test]
fn a_login_is_checked_and_never_shown() {
    let folder = support::mosquitto::Folder::new();
    let passwords = folder.write("passwords", "");
    let made = std::process::Command::new("mosquitto_passwd")
        .args(["-b", &passwords.display().to_string(), "me", "open sesame"])
        .status()
        .expect("mosquitto_passwd is installed");
    assert!(made.success());
    let broker = Mosquitto::configured(&format!(
        "allow_anonymous false\npassword_file {}",
        passwords.display()
    ));
    for version in [4, 5] {
        let login = |password: &str| {
            connect(&options([
                ("connection", broker.url("tcp").into()),
                ("version", version.into()),
                ("username", "me".into()),
                ("password", password.into()),
            ]))
        };
        let (_clients, client) = login("open sesame").expect("the right password");
        assert!(!format!("{:?}", Setting::Group(client.status())).contains("sesame"));
        let error = login("hunter2").err().expect("the wrong password");
        assert!(
            error.message().contains("refuses the connection: "),
            "{error:?}"
        );
        assert!(!error.render(false).contains("hunter2"));
    }
}

#[test]
fn every_way_to_miss_a_broker_has_its_words() {
    let port = free_port();
    for (connection, words) in [
        (
            format!("tcp://127.0.0.1:{port}"),
            "nothing listens on that port",
        ),
        ("tcp://no-such-host.invalid".to_owned(), "cannot be found"),
        (
            format!("ws://127.0.0.1:{port}"),
            "nothing listens on that port",
        ),
    ] {
        let error = connect(&options([("connection", connection.into())]))
            .err()
            .expect("refused");
        assert!(error.message().contains(words), "{error:?}");
    }
}

#[test]
fn a_missing_client_is_an_error_with_the_nearest_name() {
    let broker = Mosquitto::start("");
    let (clients, _client) =
        connect(&options([("connection", broker.url("tcp").into())])).expect("connected");
    let error = clients.get("n").err().expect("missing");
    assert_eq!(error.message(), "there is no mqtt client named `n`");
    assert_eq!(error.helps()[0], "did you mean `m`?");
}

#[test]
fn the_will_is_published_for_a_client_that_vanishes_and_not_for_one_that_leaves() {
    let broker = Mosquitto::start("");
    let (_watch, watcher) =
        connect(&options([("connection", broker.url("tcp").into())])).expect("connected");
    let mut wills = watcher
        .subscribe("will", &patience(10))
        .expect("subscribed");
    let with_will = options([
        ("connection", broker.url("tcp").into()),
        ("will-topic", "will".into()),
        ("will-payload", "gone".into()),
        ("will-qos", 1.into()),
    ]);
    let (clients, _) = connect(&with_will).expect("connected");
    clients
        .close(Duration::from_secs(5))
        .expect("left properly");
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
    for (version, url) in [(4, &plain), (5, &plain), (4, &secure), (5, &secure)] {
        let mut base = options([
            ("connection", url.as_str().into()),
            ("version", version.into()),
        ]);
        if url.starts_with("wss") {
            base.put("cafile", path(&ca.cert()));
        }
        let (clients, client) = connect(&base).expect("connected");
        let mut subscription = client.subscribe("t", &patience(10)).expect("subscribed");
        let mut publisher = client
            .publisher("t", PublishOptions::default())
            .expect("ok");
        for i in 0..5000 {
            publisher
                .send(format!("{i}").into_bytes(), &patience(10))
                .expect("sent");
        }
        publisher.finish(&patience(10)).expect("finished");
        for i in 0..900 {
            assert_eq!(text(&mut subscription), i.to_string());
        }
        drop(subscription);
        clients.close(Duration::from_secs(5)).expect("closed");
    }
}

#[test]
fn a_stop_ends_every_wait() {
    let broker = Mosquitto::start("");
    let (_clients, client) =
        connect(&options([("connection", broker.url("tcp").into())])).expect("connected");
    let mut subscription = client
        .subscribe("silence", &patience(10))
        .expect("subscribed");
    let token = Token::new();
    token.stop("enough");
    assert_eq!(
        subscription.recv(&token).err().expect("stopped").message(),
        "enough"
    );
    drop(subscription);
    eventually("the subscription is given up", || {
        client.status().get("subscriptions") == Some(&Setting::List(vec![]))
    });
}

#[test]
fn publish_options_reach_the_reader() {
    let broker = Mosquitto::start("");
    let base = [
        ("connection", Setting::from(broker.url("tcp"))),
        ("version", 5.into()),
    ];
    let (_clients, client) = connect(&options(base)).expect("connected");
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
    publisher.send(&b"x"[..], &patience(10)).expect("sent");
    publisher.finish(&patience(10)).expect("finished");
    let mut subscription = client.subscribe("kept", &patience(10)).expect("subscribed");
    let message = subscription.recv(&patience(10)).expect("ok").expect("more");
    let properties = message.properties.expect("properties");
    assert_eq!(properties.content_type.as_deref(), Some("text/plain"));
    assert_eq!(properties.response_topic.as_deref(), Some("answers"));
    assert_eq!(
        properties.user_properties,
        [("a".to_owned(), "b".to_owned())]
    );
    assert!(message.retain);
    assert_eq!(message.qos, Qos::AtLeastOnce);
    assert_eq!(status(&client, "acknowledged"), 1);
}

#[test]
fn overlapping_filters_get_every_message_once() {
    let broker = Mosquitto::start("");
    for version in [4, 5] {
        let (_clients, client) = connect(&options([
            ("connection", broker.url("tcp").into()),
            ("version", version.into()),
        ]))
        .expect("connected");
        let subscribe = |filter: &str| client.subscribe(filter, &patience(10)).expect(filter);
        let mut narrow = subscribe("plant/a/t");
        let mut wide = subscribe("plant/#");
        let mut middle = subscribe("plant/a/+");
        let mut again = subscribe("plant/a/+");
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
                assert_eq!(text(reader), *wanted, "version {version}");
            }
        }
        // What the wide one had covered is subscribed again when that goes.
        drop(wide);
        eventually("the wide filter is gone", || {
            broker.publish("plant/a/t", "5", &["-q", "1"]);
            text(&mut narrow) == "5"
        });
    }
}

#[test]
fn retained_messages_and_shared_subscriptions() {
    let broker = Mosquitto::start("");
    broker.publish("kept", "old", &["-r", "-q", "1"]);
    for version in [4, 5] {
        let base = [
            ("connection", Setting::from(broker.url("tcp"))),
            ("version", version.into()),
        ];
        let (_one, one) = connect(&options(base.clone())).expect("connected");
        let (_two, two) = connect(&options(base)).expect("connected");
        let mut kept = one.subscribe("kept", &patience(10)).expect("subscribed");
        let message = kept.recv(&patience(10)).expect("ok").expect("more");
        assert!(message.retain && payload(&message) == "old");
        let mut first = one
            .subscribe("$share/workers/job/#", &patience(10))
            .expect("subscribed");
        let mut second = two
            .subscribe("$share/workers/job/#", &patience(10))
            .expect("subscribed");
        let lines: Vec<_> = (0..100).map(|i| i.to_string()).collect();
        broker.publish_lines("job/1", 1, lines.join("\n") + "\n");
        let mut seen: Vec<i32> = Vec::new();
        for reader in [&mut first, &mut second] {
            let soon = || {
                Token::new().child_until(std::time::Instant::now() + Duration::from_millis(300), "")
            };
            while let Ok(Some(message)) = reader.recv(&soon()) {
                seen.push(payload(&message).parse().expect("a number"));
            }
        }
        seen.sort_unstable();
        assert_eq!(seen, (0..100).collect::<Vec<_>>());
    }
}
