//! One message, one fate: what is wrong with a message is the error of that message, and never the end
//! of a connection; what is wrong with a broker is said as it is.

use std::io::Write;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use osql::mqtt::{Clients, PublishOptions, Setting, Settings, Version};
use osql::text::diagnostic::Error;
use osql::text::wait::Token;

use crate::support::hostile::{Hostile, accepted, message, oblige, packet, publication};
use crate::support::mosquitto::{Folder, Mosquitto};
use crate::support::mqtt::{Connection, connect, connect_by, options, path, patience, send, text};
use crate::support::table::each_row;
use crate::support::wait::wait_until;

/// Options for a client that does not wait long.
fn quick(url: String, version: i64) -> Settings {
    options([
        ("connection", url.into()),
        ("version", version.into()),
        ("reconnect-min", 0.01.into()),
        ("reconnect-max", 0.05.into()),
    ])
}

/// Clients, and what they say.
fn overheard() -> (Clients, Arc<Mutex<Vec<String>>>) {
    let said = Arc::new(Mutex::new(Vec::new()));
    let saying = said.clone();
    let clients = Clients::new(move |line| saying.lock().expect("whole").push(line.to_owned()));
    (clients, said)
}

/// Payloads in the order in which they came.
type Came = Arc<Mutex<Vec<String>>>;

/// A broker that takes everything but a payload that begins with `poison`: then it closes, before it
/// has read to the end, as brokers do that find a packet too large.
fn picky(version: i64, keeps: bool) -> (Hostile, Came) {
    let came = Came::default();
    let noted = came.clone();
    let broker = Hostile::with(move |mut stream, number| {
        packet(&mut stream)?;
        stream
            .write_all(&accepted(version, keeps && number > 0, &[]))
            .ok()?;
        loop {
            let (first, body) = packet(&mut stream)?;
            if first >> 4 == 3 {
                let (_, payload) = publication(version, first, &body);
                if payload.starts_with(b"poison") {
                    return None;
                }
                let text = String::from_utf8_lossy(&payload).into_owned();
                noted.lock().expect("whole").push(text);
            }
            oblige(&mut stream, version, first, &body)?;
        }
    });
    (broker, came)
}

/// What came, each once and in order.
fn once(came: &Came) -> Vec<String> {
    let mut all = came.lock().expect("whole").clone();
    let mut seen = Vec::new();
    all.retain(|text| {
        let new = !seen.contains(text);
        seen.push(text.clone());
        new
    });
    all
}

#[test]
fn a_publication_that_the_broker_closes_over_is_set_aside_and_the_rest_delivered() {
    let rows = [
        (4, 1, false),
        (4, 1, true),
        (4, 2, false),
        (4, 2, true),
        (5, 1, false),
        (5, 1, true),
        (5, 2, true),
    ];
    each_row(rows, |(version, qos, keeps)| {
        let (broker, came) = picky(version, keeps);
        let mut base = quick(broker.url(), version);
        base.put("qos", qos.into());
        base.put("clientid", "steady".into());
        base.put("cleansession", (!keeps).into());
        let client = connect(&base).expect("connected");
        // A query that listens meanwhile is no suspect.
        let _listening = client.listen("elsewhere");
        let mut publisher = client.sender("t");
        let texts: Vec<String> = (0..50)
            .map(|i| match i {
                0 | 25 | 26 => format!("poison {i}"),
                _ => i.to_string(),
            })
            .collect();
        let mut errors: Vec<Error> = Vec::new();
        for text in &texts {
            // An error is about an earlier message: this one is sent again after it.
            while let Err(error) = publisher.send(text.clone().into_bytes(), &patience(30)) {
                errors.push(error);
            }
        }
        while let Err(error) = publisher.finish(&patience(30)) {
            errors.push(error);
        }
        assert!(!errors.is_empty());
        for error in &errors {
            assert!(error.message().contains("set aside"), "{error:?}");
        }
        let good: Vec<_> = texts.iter().filter(|t| !t.starts_with("poison")).collect();
        assert_eq!(once(&came).iter().collect::<Vec<_>>(), good);
        assert_eq!(client.number("refused"), 3);
        assert_eq!(client.number("acknowledged"), 47);
        // All is as before: messages go out together again.
        client.publish("t", ["and on"]);
        client.close();
    });
}

#[test]
fn a_large_one_at_any_level_that_a_real_broker_closes_over_is_set_aside() {
    let broker = Mosquitto::start("max_packet_size 5000");
    each_row([0, 1, 2], |qos| {
        let mut base = quick(broker.url("tcp"), 4);
        base.put("qos", qos.into());
        let client = connect(&base).expect("connected");
        let reader = Connection::to(&broker, []);
        let mut subscription = reader.listen("t");
        let mut publisher = client.sender("t");
        // Large enough that it never fits into the socket, and one that does.
        send(&mut publisher, ["1".to_owned(), "x".repeat(9_000_000)]);
        wait_until("it is set aside", || client.number("refused") == 1);
        let error = publisher.finish(&patience(30)).expect_err("set aside");
        assert!(error.message().contains("set aside"), "{error:?}");
        client.publish("t", ["2"]);
        assert_eq!(text(&mut subscription), "1");
        assert_eq!(text(&mut subscription), "2");
        client.close();
    });
}

#[test]
fn it_is_set_aside_for_good_with_persistence_as_well() {
    let (broker, came) = picky(4, true);
    let folder = Folder::new();
    let mut base = quick(broker.url(), 4);
    base.put("clientid", "steady".into());
    base.put("cleansession", false.into());
    base.put("persistence", path(&folder.0));
    // The first run ends before it has found out.
    let mut slow = base.clone();
    slow.put("reconnect-min", 30.into());
    slow.put("reconnect-max", 30.into());
    let client = connect(&slow).expect("connected");
    let mut publisher = client.sender("t");
    send(&mut publisher, ["poison", "good"]);
    client.wait_for_state("reconnecting");
    drop(publisher);
    let error = client
        .close_within(Duration::from_millis(10))
        .expect_err("not delivered");
    assert!(error.message().contains("2 messages"), "{error:?}");
    let (clients, said) = overheard();
    let client = connect_by(clients, &base).expect("connected");
    wait_until("the good one is delivered", || {
        client.number("acknowledged") == 1
    });
    assert_eq!(once(&came), ["good"]);
    let lines = said.lock().expect("whole").clone();
    assert!(
        lines
            .iter()
            .any(|l| l.contains("a message to `t` was set aside")),
        "{lines:?}"
    );
    client.close();
    let (clients, said) = overheard();
    connect_by(clients, &base).expect("connected").close();
    assert_eq!(*said.lock().expect("whole"), [""; 0]);
}

#[test]
fn what_is_larger_than_the_broker_takes_is_refused_before_it_is_sent() {
    let broker = Mosquitto::start("max_packet_size 500");
    let client = connect(&quick(broker.url("tcp"), 5)).expect("connected");
    let mut publisher = client.sender("t");
    let error = publisher
        .send(vec![b'x'; 600], &patience(5))
        .expect_err("too large");
    assert!(
        error
            .message()
            .contains("its packet has 609 bytes, and the broker takes 500"),
        "{error:?}"
    );
    // To the byte: three of header, three of topic, two of identifier, one of properties.
    client.publish("t", ["x".repeat(500 - 9)]);
    let error = publisher
        .send(vec![b'x'; 500 - 8], &patience(5))
        .expect_err("too large");
    assert!(error.message().contains("takes 500"), "{error:?}");
    assert_eq!(client.number("reconnects"), 0);
    let long = "x/".repeat(300);
    let error = client
        .subscribe(&long, &patience(5))
        .err()
        .expect("too long");
    assert!(error.message().contains("longer than"), "{error:?}");
}

#[test]
fn a_limit_that_shrinks_at_a_reconnection_holds_for_what_waits() {
    each_row([false, true], |keeps| {
        // The first connection takes nothing and falls; the second takes packets of 100 bytes.
        let broker = Hostile::with(move |mut stream, number| {
            packet(&mut stream)?;
            let limit: &[u8] = match number {
                0 => &[],
                _ => &[0x27, 0, 0, 0, 100],
            };
            stream
                .write_all(&accepted(5, keeps && number > 0, limit))
                .ok()?;
            if number == 0 {
                packet(&mut stream)?;
                packet(&mut stream)?;
                return None;
            }
            loop {
                let (first, body) = packet(&mut stream)?;
                assert!(body.len() < 100, "a packet of {} bytes", body.len());
                oblige(&mut stream, 5, first, &body)?;
            }
        });
        let mut base = quick(broker.url(), 5);
        base.put("clientid", "steady".into());
        base.put("cleansession", (!keeps).into());
        let client = connect(&base).expect("connected");
        let mut publisher = client.sender("t");
        send(&mut publisher, ["x".repeat(200), "small".to_owned()]);
        let error = publisher.finish(&patience(20)).expect_err("too large");
        assert_eq!(
            error.message(),
            "a message to `t` was not sent: its packet has 209 bytes, and the broker takes 100"
        );
        wait_until("the small one", || client.number("acknowledged") == 1);
        client.close();
    });
}

#[test]
fn every_reason_code_is_that_messages_error() {
    // PUBACK or PUBREC with a code, with and without the length of properties.
    let codes = [
        (0x80, "unspecified error"),
        (0x87, "not authorized"),
        (0x90, "topic name invalid"),
        (0x95, "packet too large"),
        (0x97, "quota exceeded"),
        (0x8b, "server shutting down"),
        (0xa5, "unknown reason code 165"),
        (0xff, "unknown reason code 255"),
    ];
    let rows = codes.iter().flat_map(|(code, words)| {
        [(1, 3), (1, 4), (2, 3), (2, 4)].map(|(qos, length)| (*code, *words, qos, length))
    });
    each_row(rows, |(code, words, qos, length): (u8, &str, i64, u8)| {
        let broker = Hostile::with(move |mut stream, _| {
            packet(&mut stream)?;
            stream.write_all(&accepted(5, false, &[])).ok()?;
            loop {
                let (first, body) = packet(&mut stream)?;
                match first >> 4 {
                    3 if publication(5, first, &body).1 == b"bad" => {
                        let (id, _) = publication(5, first, &body);
                        let kind = if qos == 1 { 0x40 } else { 0x50 };
                        let mut answer = vec![kind, length, 0, id as u8, code];
                        answer.resize(usize::from(length) + 2, 0);
                        stream.write_all(&answer).ok()?;
                    }
                    _ => oblige(&mut stream, 5, first, &body)?,
                }
            }
        });
        let mut base = quick(broker.url(), 5);
        base.put("qos", qos.into());
        let client = connect(&base).expect("connected");
        let mut publisher = client.sender("t");
        send(&mut publisher, ["bad"]);
        let error = publisher.finish(&patience(10)).expect_err("refused");
        assert_eq!(
            error.message(),
            format!("a message to `t` was refused by the broker: {words}")
        );
        client.publish("t", ["good"]);
        assert_eq!(broker.connections.load(Ordering::SeqCst), 1);
    });
}

#[test]
fn a_real_broker_that_takes_no_such_payload_refuses_only_that() {
    let broker = Mosquitto::start("message_size_limit 100");
    each_row([1, 2], |qos| {
        let mut base = quick(broker.url("tcp"), 5);
        base.put("qos", qos.into());
        let client = connect(&base).expect("connected");
        let mut publisher = client.sender("t");
        send(&mut publisher, ["x".repeat(200)]);
        let error = publisher.finish(&patience(10)).expect_err("refused");
        assert!(error.message().contains("packet too large"), "{error:?}");
        client.publish("t", ["small"]);
        assert_eq!(client.number("reconnects"), 0);
    });
}

#[test]
fn why_a_broker_ends_a_connection_is_said_in_every_form() {
    let rows = [
        (vec![0xe0, 1, 0x8b], "server shutting down"),
        (vec![0xe0, 2, 0x8b, 0], "server shutting down"),
        (vec![0xe0, 1, 0x97], "quota exceeded"),
        (vec![0xe0, 1, 0x8d], "keep alive timeout"),
        (vec![0xe0, 1, 0x8e], "session taken over"),
        (vec![0xe0, 1, 0xee], "unknown reason code 238"),
        (vec![0xe0, 0], "gives no reason"),
        (
            b"\xe0\x08\x98\x06\x1f\x00\x03now".to_vec(),
            "administrative action (now)",
        ),
    ];
    each_row(rows, |(bytes, words)| {
        let broker = Hostile::with(move |mut stream, number| {
            packet(&mut stream)?;
            stream.write_all(&accepted(5, false, &[])).ok()?;
            if number == 0 {
                // The connection stays open: closing is the client's part then.
                stream.write_all(&bytes).ok()?;
            }
            while packet(&mut stream).is_some() {}
            None
        });
        let (clients, said) = overheard();
        let client = connect_by(clients, &quick(broker.url(), 5)).expect("connected");
        wait_until("back", || client.number("reconnects") == 1);
        let lines = said.lock().expect("whole").clone();
        assert!(lines[0].contains(words), "{lines:?}");
    });
}

/// Bytes that break MQTT 5, and the code that the broker is told.
#[test]
fn what_breaks_the_protocol_is_told_to_the_broker() {
    let publish = |between: &[u8]| message(1, "t", 7, between, b"payload");
    let rows: Vec<(&str, Vec<u8>, u8)> = vec![
        ("no topic, no alias", message(0, "", 0, &[0], b"x"), 0x82),
        ("an alias", publish(&[3, 0x23, 0, 1]), 0x94),
        ("alias 0", publish(&[3, 0x23, 0, 0]), 0x94),
        (
            "an alias instead of a topic",
            message(0, "", 0, &[3, 0x23, 0, 1], b""),
            0x94,
        ),
        ("a property cut off", publish(&[1, 0x02]), 0x81),
        (
            "a property longer than said",
            publish(b"\x04\x26\x00\x01p\x00\x01q"),
            0x81,
        ),
        (
            "a property that ends in the payload",
            publish(b"\x03\x03\x00\x05"),
            0x81,
        ),
        (
            "properties longer than the packet",
            message(1, "t", 7, &[0x7f], b""),
            0x81,
        ),
        (
            "a length of five bytes",
            publish(&[0x80, 0x80, 0x80, 0x80, 1]),
            0x81,
        ),
        ("no properties at all", message(1, "t", 7, &[], b""), 0x81),
        (
            "a property of another packet",
            publish(&[3, 0x21, 0, 1]),
            0x81,
        ),
        ("an unknown property", publish(&[2, 0x7e, 0]), 0x81),
        ("a format of 2", publish(&[2, 1, 2]), 0x82),
        ("a format twice", publish(&[4, 1, 1, 1, 1]), 0x82),
        (
            "an expiry twice",
            publish(&[10, 2, 0, 0, 0, 1, 2, 0, 0, 0, 1]),
            0x82,
        ),
        ("subscription 0", publish(&[2, 0x0b, 0]), 0x82),
        (
            "a wildcard to answer to",
            publish(b"\x04\x08\x00\x01#"),
            0x82,
        ),
        ("nothing to answer to", publish(b"\x03\x08\x00\x00"), 0x82),
        (
            "a content type that is no text",
            publish(b"\x04\x03\x00\x01\xff"),
            0x81,
        ),
        ("identifier 0", message(1, "t", 0, &[0], b""), 0x81),
        ("QoS 3", message(3, "t", 7, &[0], b""), 0x81),
        ("PUBACK too long", vec![0x40, 5, 0, 1, 0, 0, 0], 0x81),
        (
            "PUBACK with an unknown success",
            vec![0x40, 3, 0, 1, 1],
            0x82,
        ),
        ("PUBACK with flags", vec![0x41, 2, 0, 1], 0x81),
        ("PUBREL without flags", vec![0x60, 2, 0, 1], 0x81),
        (
            "PUBREC with properties cut off",
            vec![0x50, 4, 0, 1, 0, 1],
            0x81,
        ),
        (
            "PUBCOMP with a reason twice",
            b"\x70\x0c\x00\x01\x00\x08\x1f\x00\x01p\x1f\x00\x01q".to_vec(),
            0x82,
        ),
        ("SUBACK without a code", vec![0x90, 3, 0, 1, 0], 0x81),
        ("SUBACK QoS 3", vec![0x90, 4, 0, 1, 0, 3], 0x82),
        ("PINGREQ", vec![0xc0, 0], 0x82),
        ("DISCONNECT with a will", vec![0xe0, 1, 4], 0x82),
        (
            "DISCONNECT with an expiry",
            vec![0xe0, 7, 0, 5, 0x11, 0, 0, 0, 0],
            0x81,
        ),
        (
            "a large packet that is no message",
            vec![0x90, 0xff, 0xff, 0x7f],
            0x95,
        ),
    ];
    each_row(rows, |(name, bytes, code)| {
        let told = Arc::new(Mutex::new(Vec::new()));
        let noted = told.clone();
        let broker = Hostile::with(move |mut stream, _| {
            packet(&mut stream)?;
            stream.write_all(&accepted(5, false, &[])).ok()?;
            stream.write_all(&bytes).ok()?;
            while let Some((first, body)) = packet(&mut stream) {
                if first == 0xe0 {
                    let code = body.first().copied().unwrap_or(0);
                    noted.lock().expect("whole").push(code);
                }
            }
            None
        });
        let mut base = quick(broker.url(), 5);
        base.put("maxdatalen", 100_000.into());
        let client = connect(&base).unwrap_or_else(|e| panic!("{name}: {e}"));
        client.wait_for_state("failed");
        wait_until(name, || told.lock().expect("whole").len() == 3);
        assert_eq!(*told.lock().expect("whole"), [code; 3], "{name}");
    });
}

#[test]
fn what_is_unusual_and_right_is_taken() {
    let publish = |between: &[u8]| message(1, "t", 7, between, b"payload");
    let rows: Vec<(&str, Vec<u8>)> = vec![
        ("a format", publish(&[2, 1, 1])),
        ("an expiry of nothing", publish(&[5, 2, 0, 0, 0, 0])),
        ("an empty user property", publish(&[5, 0x26, 0, 0, 0, 0])),
        (
            "a user property twice",
            publish(b"\x0e\x26\x00\x01p\x00\x01q\x26\x00\x01p\x00\x01q"),
        ),
        (
            "subscriptions of others",
            publish(&[6, 0x0b, 1, 0x0b, 2, 0x0b, 3]),
        ),
        ("correlation data", publish(b"\x04\x09\x00\x01p")),
        ("an empty content type", publish(&[3, 3, 0, 0])),
    ];
    each_row(rows, |(name, bytes)| {
        let broker = Hostile::with(move |mut stream, _| {
            packet(&mut stream)?;
            stream.write_all(&accepted(5, false, &[])).ok()?;
            let (first, body) = packet(&mut stream)?;
            oblige(&mut stream, 5, first, &body)?;
            stream.write_all(&bytes).ok()?;
            // Answers to nothing are no harm either.
            stream
                .write_all(b"\x40\x02\x00\x09\x50\x03\x00\x09\x80\xb0\x04\x00\x09\x00\x11")
                .ok()?;
            while packet(&mut stream).is_some() {}
            None
        });
        let client = connect(&quick(broker.url(), 5)).expect("connected");
        let mut subscription = client.listen("t");
        assert_eq!(text(&mut subscription), "payload", "{name}");
        assert_eq!(client.number("reconnects"), 0, "{name}");
    });
}

#[test]
fn a_message_larger_than_maxdatalen_is_passed_over_and_counted() {
    let broker = Mosquitto::start("");
    let folder = Folder::new();
    let large = folder.write("large", "x".repeat(200_000));
    broker.publish_file("kept", &large, &["-r"]);
    each_row([0, 1, 2], |qos: i64| {
        let mut base = quick(broker.url("tcp"), 4);
        base.put("maxdatalen", 100_000.into());
        base.put("qos", qos.into());
        let (clients, said) = overheard();
        let client = connect_by(clients, &base).expect("connected");
        let mut kept = client.listen("kept");
        wait_until("it is passed over", || client.number("too-large") == 1);
        let mut reader = client.listen("t/#");
        // More than a broker sends before it has an answer.
        let level = qos.to_string();
        for i in 0..25 {
            broker.publish_file("t/large", &large, &["-q", &level]);
            broker.publish("t/small", &i.to_string(), &["-q", &level]);
        }
        for i in 0..25 {
            assert_eq!(text(&mut reader), i.to_string());
        }
        assert_eq!(client.number("too-large"), 26);
        assert_eq!(client.number("reconnects"), 0);
        broker.publish("kept", "small", &["-q", &level]);
        assert_eq!(text(&mut kept), "small");
        let lines = said.lock().expect("whole").clone();
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert!(
            lines[0].contains("to `kept` is passed over: maxdatalen allows 100000"),
            "{lines:?}"
        );
    });
}

/// The same in pieces of any size, and for MQTT 5, where a broker was told the limit and should know.
#[test]
fn it_is_passed_over_however_it_comes() {
    let rows = [(4, 1), (4, 7), (4, 1000), (5, 1), (5, 1000), (5, 50_000)];
    each_row(rows, |(version, piece)| {
        let broker = Hostile::with(move |mut stream, _| {
            packet(&mut stream)?;
            stream.write_all(&accepted(version, false, &[])).ok()?;
            let (first, body) = packet(&mut stream)?;
            oblige(&mut stream, version, first, &body)?;
            let none: &[u8] = if version == 5 { &[0] } else { &[] };
            let mut all = Vec::new();
            for id in 1..=3 {
                all.extend(message(2, "t", id, none, &[b'x'; 3000]));
                all.extend(message(1, "t", id + 10, none, b"small"));
            }
            for piece in all.chunks(piece) {
                stream.write_all(piece).ok()?;
            }
            // The large ones are answered, and answered to their end.
            let mut answered = 0;
            while let Some((first, body)) = packet(&mut stream) {
                match (
                    first,
                    body[..2] == [0, 1] || body[..2] == [0, 2] || body[..2] == [0, 3],
                ) {
                    (0x50, true) => stream.write_all(&[0x62, 2, 0, body[1]]).ok()?,
                    (0x70, true) => answered += 1,
                    _ => {}
                }
                if answered == 3 {
                    stream.write_all(&message(0, "t", 0, none, b"end")).ok()?;
                    answered = 0;
                }
            }
            None
        });
        let mut base = quick(broker.url(), version);
        base.put("maxdatalen", 1000.into());
        let client = connect(&base).expect("connected");
        let mut subscription = client.listen("t");
        for _ in 0..3 {
            assert_eq!(text(&mut subscription), "small");
        }
        assert_eq!(text(&mut subscription), "end");
        assert_eq!(client.number("too-large"), 3);
        assert_eq!(client.number("reconnects"), 0);
    });
}

#[test]
fn what_cannot_be_encoded_is_refused_at_once() {
    let broker = Mosquitto::start("");
    let long = "x".repeat(70_000);
    let rows = [
        ("content-type", Setting::text(&*long)),
        ("response-topic", Setting::text(&*long)),
        ("content-type", Setting::text("a\0b")),
        (
            "user-properties",
            Setting::Group(options([("key", long.as_str().into())])),
        ),
        (
            "user-properties",
            Setting::Group(options([(long.as_str(), "value".into())])),
        ),
    ];
    each_row(rows, |(name, value)| {
        let record = options([(name, value)]);
        let error = PublishOptions::read(&record, Version::V5).expect_err("refused");
        assert!(
            error.message().starts_with(&format!("option {name}: ")),
            "{error:?}"
        );
        assert!(error.message().len() < 300, "{error:?}");
    });
    for name in [
        "clientid",
        "username",
        "password",
        "will-topic",
        "will-payload",
    ] {
        let mut base = quick(broker.url("tcp"), 5);
        base.put("username", "u".into());
        base.put("will-topic", "w".into());
        base.put(name, long.as_str().into());
        let error = connect(&base).err().expect("refused");
        assert!(
            error.message().contains(&format!("option {name}: ")) && error.message().len() < 300,
            "{error:?}"
        );
    }
}

#[test]
fn receive_maximum_holds_when_a_session_is_resumed() {
    each_row([1, 2], |qos| {
        let most = Arc::new(Mutex::new(0));
        let noted = most.clone();
        let broker = Hostile::with(move |mut stream, number| {
            packet(&mut stream)?;
            let limit: &[u8] = if number == 0 { &[] } else { &[0x21, 0, 3] };
            stream.write_all(&accepted(5, number > 0, limit)).ok()?;
            let mut open: Vec<(u8, Vec<u8>)> = Vec::new();
            let mut came = 0;
            loop {
                // In silence the oldest is answered, so that as many gather as the client sends.
                stream
                    .set_read_timeout(Some(Duration::from_millis(20)))
                    .ok()?;
                let mut first = [0];
                match stream.peek(&mut first) {
                    Ok(0) => return None,
                    Ok(_) => {}
                    Err(_) if number == 0 => {
                        if came == 20 {
                            return None;
                        }
                        continue;
                    }
                    Err(_) => {
                        if !open.is_empty() {
                            let (first, body) = open.remove(0);
                            oblige(&mut stream, 5, first, &body)?;
                        }
                        continue;
                    }
                }
                stream.set_read_timeout(None).ok()?;
                let (first, body) = packet(&mut stream)?;
                match first >> 4 {
                    3 => {
                        came += 1;
                        open.push((first, body));
                    }
                    _ => oblige(&mut stream, 5, first, &body)?,
                }
                if number > 0 {
                    let mut most = noted.lock().expect("whole");
                    *most = open.len().max(*most);
                }
            }
        });
        let mut base = quick(broker.url(), 5);
        base.put("clientid", "steady".into());
        base.put("cleansession", false.into());
        base.put("qos", qos.into());
        let client = connect(&base).expect("connected");
        client.publish("t", 0..20);
        assert_eq!(*most.lock().expect("whole"), 3);
        client.close();
    });
}

#[test]
fn a_lower_level_than_was_asked_for_is_said() {
    each_row([4, 5], |version| {
        let broker = Hostile::with(move |mut stream, _| {
            packet(&mut stream)?;
            stream.write_all(&accepted(version, false, &[])).ok()?;
            let (first, mut body) = packet(&mut stream)?;
            *body.last_mut()? = 0;
            oblige(&mut stream, version, first, &body)?;
            while packet(&mut stream).is_some() {}
            None
        });
        let (clients, said) = overheard();
        let client = connect_by(clients, &quick(broker.url(), version)).expect("connected");
        let _subscription = client.listen("t");
        assert_eq!(
            *said.lock().expect("whole"),
            ["mqtt client m: the broker grants the subscription to `t` at QoS 0 only, not at 1"]
        );
    });
}

/// Publications that wait for an answer are bounded in bytes, whatever `inflight` allows.
#[test]
fn unanswered_publications_are_bounded_in_bytes() {
    let came = Arc::new(Mutex::new(0));
    let noted = came.clone();
    let broker = Hostile::with(move |mut stream, _| {
        packet(&mut stream)?;
        stream.write_all(&accepted(4, false, &[])).ok()?;
        while packet(&mut stream).is_some() {
            *noted.lock().expect("whole") += 1;
        }
        None
    });
    let client = Arc::new(connect(&quick(broker.url(), 4)).expect("connected"));
    let sending = client.clone();
    let token = Token::new();
    let stop = token.clone();
    let sender = thread::spawn(move || {
        let mut publisher = sending.sender("t");
        let payload = bytes::Bytes::from(vec![b'x'; 2_000_000]);
        while publisher.send(payload.clone(), &stop).is_ok() {}
    });
    // 64 MB are on their way, then as much again waits.
    wait_until("the queue is full", || {
        client.number("buffered") >= 30 && client.number("in-flight") >= 30
    });
    let on_their_way = client.number("in-flight");
    assert!((30..=34).contains(&on_their_way), "{on_their_way}");
    token.stop("enough");
    sender.join().expect("no panic");
    assert!(*came.lock().expect("whole") <= 34);
}
