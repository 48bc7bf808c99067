//! Brokers that misbehave in every way: a clear error or a reconnection, never a hang or a panic.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use osql::mqtt::{Clients, Settings};
use osql::text::wait::Token;

use crate::support::hostile::{ACCEPTED, Act, Hostile};
use crate::support::mqtt::{connect, connect_by, options, patience, send};
use crate::support::osql::osql;
use crate::support::table::each_row;
use crate::support::wait::wait_until;

fn impatient(broker: &Hostile, version: i64) -> Settings {
    options([
        ("connection", broker.url().into()),
        ("version", version.into()),
        ("keepalive", 1.into()),
        ("connect-timeout", 0.5.into()),
        ("reconnect-min", 0.01.into()),
        ("reconnect-max", 0.05.into()),
        ("maxdatalen", 100_000.into()),
    ])
}

/// Answers to CONNECT, and what the error says.
#[test]
fn bad_answers_to_connect() {
    let v4: Vec<(&str, Act, &str)> = vec![
        (
            "garbage",
            Act::SendAndClose(b"\xff\xfe\xfd\xfc\xfb".to_vec()),
            "not answer as an MQTT broker",
        ),
        (
            "a web server",
            Act::SendAndClose(b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec()),
            "not answer as an MQTT broker",
        ),
        (
            "TLS",
            Act::SendAndClose(vec![0x15, 3, 3, 0, 2, 2, 40]),
            "answers in TLS",
        ),
        (
            "nothing",
            Act::SendAndClose(vec![]),
            "did not answer in MQTT",
        ),
        (
            "half a packet",
            Act::SendAndClose(vec![0x20, 2, 0]),
            "did not answer in MQTT",
        ),
        (
            "silence",
            Act::SendAndHold(vec![]),
            "does not answer in MQTT within 0.5 s",
        ),
        (
            "another packet",
            Act::SendAndHold(vec![0xd0, 0]),
            "came instead of CONNACK",
        ),
        (
            "a huge packet",
            Act::SendAndHold(vec![0x20, 0xff, 0xff, 0xff, 0x7f]),
            "maxdatalen allows 100000",
        ),
        (
            "a session nobody asked for",
            Act::SendAndHold(vec![0x20, 2, 1, 0]),
            "claims an old session",
        ),
        (
            "refusal 1",
            Act::SendAndClose(vec![0x20, 2, 0, 1]),
            "does not speak MQTT 3.1.1",
        ),
        (
            "refusal 2",
            Act::SendAndClose(vec![0x20, 2, 0, 2]),
            "does not accept the client identifier",
        ),
        (
            "refusal 3",
            Act::SendAndClose(vec![0x20, 2, 0, 3]),
            "its service is not available",
        ),
        (
            "refusal 4",
            Act::SendAndClose(vec![0x20, 2, 0, 4]),
            "wrong user name or password",
        ),
        (
            "refusal 5",
            Act::SendAndClose(vec![0x20, 2, 0, 5]),
            "not authorized",
        ),
        (
            "refusal 99",
            Act::SendAndClose(vec![0x20, 2, 0, 99]),
            "unknown return code 99",
        ),
    ];
    let v5 = [
        (0x80, "unspecified error"),
        (0x81, "malformed packet"),
        (0x82, "protocol error"),
        (0x83, "implementation specific error"),
        (0x84, "does not speak MQTT 5"),
        (0x85, "does not accept the client identifier"),
        (0x86, "wrong user name or password"),
        (0x87, "not authorized"),
        (0x88, "server unavailable"),
        (0x89, "server busy"),
        (0x8a, "banned"),
        (0x8c, "bad authentication method"),
        (0x90, "topic name invalid"),
        (0x95, "packet too large"),
        (0x97, "quota exceeded"),
        (0x99, "payload format invalid"),
        (0x9a, "retain not supported"),
        (0x9b, "QoS not supported"),
        (0x9c, "use another server"),
        (0x9d, "server moved"),
        (0x9f, "connection rate exceeded"),
        (0xfe, "unknown reason code 254"),
    ];
    let v4 = v4
        .into_iter()
        .map(|(name, act, words)| (name.to_owned(), act, 4, words));
    let v5 = v5.into_iter().map(|(code, words)| {
        let act = Act::SendAndClose(vec![0x20, 3, 0, code, 0]);
        (format!("reason {code:#x}"), act, 5, words)
    });
    each_row(v4.chain(v5), |(name, act, version, words)| {
        check_refusal(&name, act, version, words);
    });
}

fn check_refusal(name: &str, act: Act, version: i64, words: &str) {
    let broker = Hostile::start(vec![act]);
    let started = Instant::now();
    let error = connect(&impatient(&broker, version))
        .err()
        .unwrap_or_else(|| panic!("{name}: accepted"));
    assert!(error.message().contains(words), "{name}: {error:?}");
    assert!(
        started.elapsed() < Duration::from_secs(2),
        "{name} took too long"
    );
}

/// What comes after CONNACK: the client connects again, and gives up on a broker that does not
/// learn.
#[test]
fn bad_packets_later() {
    let publish = |topic: &[u8], flags: u8| {
        let mut packet = vec![0x30 | flags, topic.len() as u8 + 2, 0, topic.len() as u8];
        packet.extend(topic);
        packet
    };
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("garbage", b"\x00\x00\x00\x00".to_vec()),
        ("a second CONNACK", ACCEPTED.to_vec()),
        ("a client's packet", vec![0xc0, 0]),
        (
            "too long a length",
            vec![0x30, 0xff, 0xff, 0xff, 0xff, 0xff],
        ),
        // A message would be passed over: `mqtt_fate` has those.
        ("a huge answer", vec![0x90, 0xff, 0xff, 0xff, 0x7f]),
        ("a wildcard as topic", publish(b"a/#", 0)),
        ("a topic that is no text", publish(b"\xff\xfe", 0)),
        ("QoS 3", publish(b"a", 6)),
        ("QoS 1 without an identifier", publish(b"a", 2)),
        ("an empty SUBACK", vec![0x90, 0]),
        (
            "two messages as one packet",
            [
                [0x32, 6, 0, 1, b'a', 0, 1, b'x'],
                [0x32, 6, 0, 1, b'a', 0, 1, b'y'],
            ]
            .concat(),
        ),
    ];
    each_row(cases, |(name, bytes)| {
        let mut all = ACCEPTED.to_vec();
        all.extend(&bytes);
        let broker = Hostile::start(vec![Act::SendAndHold(all)]);
        let client = connect(&impatient(&broker, 4)).unwrap_or_else(|e| panic!("{name}: {e}"));
        client.wait_for_state("failed");
        assert_eq!(broker.connections.load(Ordering::SeqCst), 3, "{name}");
        let error = client.subscribe("a", &patience(5)).err().expect("failed");
        assert!(error.message().contains("lost"), "{name}: {error:?}");
    });
}

/// The same as a user of the program sees it: what is wrong, and exit status 1.
#[test]
fn a_script_beside_a_hostile_broker_ends_with_an_error() {
    let accepted_then = |bytes: &[u8]| Act::SendAndHold([&ACCEPTED[..], bytes].concat());
    let rows = [
        (
            Act::SendAndClose(b"\xff\xfe\xfd\xfc\xfb".to_vec()),
            "does not answer as an MQTT broker",
        ),
        (
            Act::SendAndHold(vec![]),
            "does not answer in MQTT within 0.5 s",
        ),
        (Act::SendAndClose(vec![0x20, 2]), "did not answer in MQTT"),
        (Act::SendAndClose(vec![0x20, 2, 0, 5]), "not authorized"),
        (
            accepted_then(b"\x90\xff\xff\xff\x7f"),
            "and maxdatalen allows 100000",
        ),
        (accepted_then(b"\0\0"), "what came is not MQTT"),
        (
            accepted_then(b""),
            "does not answer within the keep-alive time",
        ),
    ];
    each_row(rows, |(act, words)| {
        let broker = Hostile::start(vec![act]);
        let script = format!(
            "mqtt:register_client('b', {{'connection': '{}', 'keepalive': 1, 'maxdatalen': 100000,
                'connect-timeout': 0.5, 'reconnect-min': 0.01, 'reconnect-max': 0.05,
                'publish-timeout': 2}});
             publish(siota(1,3), 'b:t');",
            broker.url()
        );
        let output = osql().statements(&script).run();
        output.expect_error(1, words);
        assert!(!output.stderr.contains("panic"), "{output:?}");
    });
}

#[test]
fn a_broker_that_stops_answering_is_left() {
    let broker = Hostile::start(vec![Act::SendAndHold(ACCEPTED.to_vec())]);
    let client = connect(&impatient(&broker, 4)).expect("connected");
    let started = Instant::now();
    wait_until("a new connection", || {
        broker.connections.load(Ordering::SeqCst) > 1
    });
    assert!(
        started.elapsed() < Duration::from_millis(1800),
        "{:?}",
        started.elapsed()
    );
    let token = Token::new().child_until(Instant::now() + Duration::from_millis(200), "late");
    let error = client.subscribe("a", &token).err().expect("no answer");
    assert_eq!(error.message(), "late");
}

#[test]
fn a_broker_that_closes_in_mid_packet_is_tried_again() {
    let mut half = ACCEPTED.to_vec();
    half.extend([0x30, 20, 0, 1, b'a', b'x']);
    let broker = Hostile::start(vec![
        Act::SendAndClose(half),
        Act::SendAndHold(ACCEPTED.to_vec()),
    ]);
    let client = connect(&impatient(&broker, 4)).expect("connected");
    wait_until("back", || client.number("reconnects") > 0);
}

#[test]
fn refused_publications_and_subscriptions_name_their_reason() {
    let connack = vec![0x20, 3, 0, 0, 0];
    // PUBACK 1: not authorized, with a reason string.
    let mut puback = vec![0x40, 10, 0, 1, 0x87, 6, 0x1f, 0, 3];
    puback.extend(b"no!");
    let broker = Hostile::start(vec![Act::SendTwice(connack.clone(), puback)]);
    let client = connect(&impatient(&broker, 5)).expect("connected");
    let mut publisher = client.sender("secret");
    send(&mut publisher, ["x"]);
    let error = publisher.finish(&patience(5)).expect_err("refused");
    assert_eq!(
        error.message(),
        "a message to `secret` was refused by the broker: not authorized (no!)"
    );
    // SUBACK 1: quota exceeded.
    let broker = Hostile::start(vec![Act::SendTwice(connack, vec![0x90, 4, 0, 1, 0, 0x97])]);
    let client = connect(&impatient(&broker, 5)).expect("connected");
    let error = client
        .subscribe("secret", &patience(5))
        .err()
        .expect("refused");
    assert!(
        error.message().contains("`secret`: quota exceeded"),
        "{error:?}"
    );
    // MQTT 3.1.1 has one word for it.
    let broker = Hostile::start(vec![Act::SendTwice(
        ACCEPTED.to_vec(),
        vec![0x90, 3, 0, 1, 0x80],
    )]);
    let client = connect(&impatient(&broker, 4)).expect("connected");
    let error = client
        .subscribe("secret", &patience(5))
        .err()
        .expect("refused");
    assert!(error.message().contains("does not allow it"), "{error:?}");
}

#[test]
fn wrong_acknowledgements_end_the_connection() {
    // PUBACK for a publication at QoS 2.
    let broker = Hostile::start(vec![Act::SendTwice(ACCEPTED.to_vec(), vec![0x40, 2, 0, 1])]);
    let mut base = impatient(&broker, 4);
    base.put("qos", 2.into());
    let client = connect(&base).expect("connected");
    let mut publisher = client.sender("t");
    send(&mut publisher, ["x"]);
    let error = publisher.finish(&patience(10)).expect_err("given up");
    assert!(
        error
            .message()
            .contains("1 of 1 messages to `t` were not delivered"),
        "{error:?}"
    );
}

#[test]
fn a_flood_at_qos_0_is_bounded_and_counted() {
    let mut message = vec![0x30, 103, 0, 1, b'a'];
    message.extend([b'x'; 100]);
    let broker = Hostile::start(vec![Act::Flood(message.repeat(100))]);
    let mut base = impatient(&broker, 4);
    base.put("keepalive", 60.into());
    let said = Arc::new(Mutex::new(Vec::new()));
    let saying = said.clone();
    let clients = Clients::new(move |line| saying.lock().expect("whole").push(line.to_owned()));
    let client = connect_by(clients, &base).expect("connected");
    // The broker does not answer the subscription, so it is waited for on another thread.
    let reading = Arc::clone(&client);
    let stop = Token::new();
    let stopped = stop.clone();
    let waiting = std::thread::spawn(move || reading.subscribe("a", &stopped).err());
    wait_until("messages are dropped", || client.number("dropped") > 1000);
    stop.stop("enough");
    waiting.join().expect("no panic");
    let lines = said.lock().expect("whole").clone();
    let drops = lines
        .iter()
        .filter(|l| l.contains("does not keep up"))
        .count();
    assert_eq!(drops, 1, "{lines:?}");
}
