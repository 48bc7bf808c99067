//! Connections that are waited for, fought over, and proven in more than one step; requests.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use osql::mqtt::{Clients, PublishOptions, Version};

use crate::support::hostile::{ACCEPTED, Act, Hostile};
use crate::support::mosquitto::Mosquitto;
use crate::support::mqtt::{Connection, connect, connect_by, next, options, options_for, patience};
use crate::support::osql::osql;
use crate::support::port::Port;
use crate::support::table::each_row;
use crate::support::wait::wait_until;

fn noted() -> (Clients, Arc<Mutex<String>>) {
    let said = Arc::new(Mutex::new(String::new()));
    let noted = said.clone();
    let clients = Clients::new(move |line| {
        let mut said = noted.lock().expect("not poisoned");
        said.push_str(line);
        said.push('\n');
    });
    (clients, said)
}

#[test]
fn a_broker_that_is_not_there_yet_is_waited_for() {
    let port = Port::claim();
    let settings = options([
        (
            "connection",
            format!("tcp://127.0.0.1:{}", port.number()).into(),
        ),
        ("wait", 30.into()),
        ("reconnect-min", 0.02.into()),
        ("reconnect-max", 0.1.into()),
    ]);
    let (clients, said) = noted();
    let waiting = thread::spawn(move || connect_by(clients, &settings));
    wait_until("it is said", || {
        let said = said.lock().expect("not poisoned");
        said.contains("waits for the broker") && said.contains("nothing listens")
    });
    let _broker = Mosquitto::on(port, "allow_anonymous true");
    let client = waiting.join().expect("no panic").expect("connected");
    client.publish("t", ["x"]);
}

#[test]
fn waiting_has_an_end_and_is_not_for_what_no_wait_changes() {
    let port = Port::claim();
    let settings = |wait: f64| {
        options([
            (
                "connection",
                format!("tcp://127.0.0.1:{}", port.number()).into(),
            ),
            ("wait", wait.into()),
        ])
    };
    let error = connect(&settings(0.3)).err().expect("the time is over");
    assert!(error.message().contains("nothing listens"), "{error:?}");
    let broker = Mosquitto::with_login("me", "right");
    let wrong = options_for(
        &broker,
        [
            ("username", "me".into()),
            ("password", "wrong".into()),
            ("wait", true.into()),
        ],
    );
    let error = connect(&wrong).err().expect("final");
    assert!(error.message().contains("not authorized"), "{error:?}");
    for (value, fault) in [("soon", "or true"), ("", "or true")] {
        let error = connect(&options([("wait", value.into())]))
            .err()
            .expect("refused");
        assert!(error.message().contains(fault), "{error:?}");
    }
}

#[test]
fn two_clients_with_one_identifier_are_told_and_slow_down() {
    // Each connection is accepted and ended: as if another client always came in between. MQTT 5 says
    // so (0x8e, session taken over).
    let taken_over = [0x20, 3, 0, 0, 0, 0xe0, 2, 0x8e, 0];
    each_row(
        [(4, &ACCEPTED[..]), (5, &taken_over)],
        |(version, bytes)| {
            let broker = Hostile::start(vec![Act::SendAndClose(bytes.to_vec())]);
            let settings = options([
                ("connection", broker.url().into()),
                ("version", version.into()),
                ("clientid", "twin".into()),
                ("reconnect-min", 0.01.into()),
                ("reconnect-max", 5.into()),
            ]);
            let (clients, said) = noted();
            let client = connect_by(clients, &settings).expect("connected");
            wait_until("it is said", || {
                let said = said.lock().expect("not poisoned");
                said.contains("connected as `twin`?")
            });
            // From then on each pause is up to twice the one before: five more take longer than all pauses
            // of the least length could.
            let before = client.number("reconnects");
            let started = Instant::now();
            wait_until("five more", || client.number("reconnects") >= before + 5);
            assert!(started.elapsed() > Duration::from_millis(100));
            let said = said.lock().expect("not poisoned").matches("twin").count();
            assert!(said <= 2, "said {said} times");
        },
    );
}

/// Reads one packet whose length is below 128.
fn packet(stream: &mut TcpStream) -> Vec<u8> {
    let mut head = [0; 2];
    stream.read_exact(&mut head).expect("a packet");
    let mut body = vec![0; usize::from(head[1])];
    stream.read_exact(&mut body).expect("all of it");
    body
}

#[test]
fn an_authentication_of_several_steps_gives_the_same_answer_each_time() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("bound").port();
    let broker = thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a client");
        let connect = packet(&mut stream);
        let mut answers = Vec::new();
        for _ in 0..2 {
            // AUTH, "continue", with the method M and the data "?".
            let auth = [0xf0, 10, 0x18, 8, 0x15, 0, 1, b'M', 0x16, 0, 1, b'?'];
            stream.write_all(&auth).expect("sent");
            answers.push(packet(&mut stream));
        }
        stream.write_all(&[0x20, 3, 0, 0, 0]).expect("sent");
        (connect, answers, stream)
    });
    let settings = |version: i64| {
        options([
            ("connection", format!("tcp://127.0.0.1:{port}").into()),
            ("version", version.into()),
            ("auth-method", "M".into()),
            ("auth-data", "t0ken".into()),
        ])
    };
    let error = connect(&settings(4)).err().expect("refused");
    assert!(error.message().contains("MQTT 5 only"), "{error:?}");
    let client = connect(&settings(5)).expect("authenticated");
    let (connect, answers, stream) = broker.join().expect("all went well");
    let method = [0x15, 0, 1, b'M', 0x16, 0, 5, b't', b'0', b'k', b'e', b'n'];
    assert!(connect.windows(12).any(|w| w == method), "{connect:?}");
    for answer in answers {
        assert_eq!(answer[..2], [0x18, 12]);
        assert_eq!(answer[2..], method);
    }
    drop(stream);
    drop(client);
}

#[test]
fn a_request_gets_its_own_answer() {
    let broker = Mosquitto::start("");
    let settings = || options_for(&broker, [("version", 5.into())]);
    let server = connect(&settings()).expect("connected");
    let mut requests = server.listen("ask/+");
    let serving = thread::spawn(move || {
        for _ in 0..2 {
            let request = next(&mut requests);
            let properties = request.properties.as_ref().expect("of a request");
            let topic = properties.response_topic.clone().expect("a topic");
            let data = properties.correlation_data.clone().expect("data");
            for (data, answer) in [(b"other".to_vec(), "wrong"), (data.to_vec(), "right")] {
                let options = PublishOptions {
                    correlation_data: Some(data),
                    ..PublishOptions::default()
                };
                let mut publisher = server.publisher(&topic, options).expect("a publisher");
                let body = [answer.as_bytes(), b" ", &request.payload[..]].concat();
                publisher.send(body, &patience(10)).expect("sent");
                publisher.finish(&patience(10)).expect("acknowledged");
            }
        }
        server
    });
    let url = broker.url("tcp");
    let script = format!(
        "mqtt:register_client('m', {{'connection': '{url}', 'version': 5}});\n\
         charstring(mqtt:request('m', 'ask/time', 'now'));\n\
         charstring(mqtt:request('m', 'ask/it', {{'a': 1}}, 5));\n"
    );
    let output = osql().stdin(script).run();
    assert_eq!(output.stderr, "");
    assert_eq!(output.stdout, "\"right now\"\n\"right {\\\"a\\\":1}\"\n");
    serving.join().expect("served both");
    let nobody = format!(
        "mqtt:register_client('m', {{'connection': '{url}', 'version': 5}});\n\
         mqtt:request('m', 'nobody', 'x', 0.3);\n\
         mqtt:register_client('m', {{'connection': '{url}'}});\n\
         mqtt:request('m', 'nobody', 'x');\n"
    );
    let output = osql().stdin(nobody).run();
    output.expect_error(1, "no answer to the request on `nobody` came within 0.3 s");
    output.expect_error(1, "speaks MQTT 3.1.1, which has no requests");
}

#[test]
fn correlation_data_goes_with_a_message() {
    let broker = Mosquitto::start("");
    let url = broker.url("tcp");
    let script = format!(
        "mqtt:register_client('m', {{'connection': '{url}', 'version': 5}});\n\
         publish(streamof(1), 'm:t', {{'retained': true, 'correlation-data': 'abc'}});\n\
         select charstring(r['correlation-data']) from Record r where r in subscribe:topic('m:t') limit 1;\n\
         publish(streamof(1), 'm:t', {{'correlation-data': 1}});\n"
    );
    let output = osql().stdin(script).run();
    assert_eq!(output.stdout, "1\n\"abc\"\n");
    output.expect_error(
        1,
        "option correlation-data: a string or a binary is wanted, not 1",
    );
}

#[test]
fn ten_thousand_subscriptions_take_no_longer_than_their_way_to_the_broker() {
    let broker = Mosquitto::start("set_tcp_nodelay true\nmax_queued_messages 0");
    let client = Connection::to(&broker, [("version", 4.into())]);
    assert_eq!(client.options().version, Version::V4);
    let started = Instant::now();
    let all: Vec<_> = (0..10_000)
        .map(|i| client.listen(&format!("dev/{i}/#")))
        .collect();
    let took = started.elapsed();
    println!("10,000 subscriptions: {took:?}");
    assert!(took < Duration::from_secs(20), "{took:?}");
    drop(all);
}

/// What a script says with a secret in it.
#[test]
fn no_secret_is_printed_whatever_fails() {
    for statement in [
        r#"mqtt:register_client("m", {"connection": "tcp://127.0.0.1:1", "username": "me", "password": "hunter2"});"#,
        r#"mqtt:register_client("m", {"connection": "tcp://127.0.0.1:1", "username": "me", "password": 'hunter2', "foo": 1});"#,
        r#"mqtt:register_client("m", {"password": "hunter2);"#,
        r#"mqtt:register_client({"keypass": "hunter2"});"#,
        r#"mqtt:register_client("m", {"connection": "ws://127.0.0.1:1/mqtt?jwt=hunter2"});"#,
        r#"mqtt:register_client("m", {"connection": "me:hunter2@127.0.0.1"});"#,
        r#"mqtt:register_client("m", {"version": 5, "auth-method": "M", "auth-data": ["hunter2"]});"#,
        "set :password = 'hunter2' +* 3;",
        r#"json:request("http://127.0.0.1:1/a?key=hunter2");"#,
    ] {
        for flags in [&[][..], &["--verbose"]] {
            let output = osql().args(flags).stdin(statement).run();
            assert_eq!(output.code, 1, "{output:?}");
            assert!(!output.stderr.contains("hunter2"), "{}", output.stderr);
            assert!(!output.stdout.contains("hunter2"), "{}", output.stdout);
        }
    }
}

#[test]
fn what_a_broker_says_does_not_steer_the_terminal() {
    // MQTT 5: refused with a reason of escapes and a line of its own.
    let reason = "\u{1b}[2J\nerror: forged";
    let mut packet = vec![0x20, 0, 0, 0x87, 0, 0x1f, 0, reason.len() as u8];
    packet[1] = 6 + reason.len() as u8;
    packet[4] = 3 + reason.len() as u8;
    packet.extend(reason.bytes());
    let broker = Hostile::start(vec![Act::SendAndHold(packet)]);
    let script = format!(
        "mqtt:register_client('m', {{'connection': '{}', 'version': 5}});",
        broker.url()
    );
    for flags in [&[][..], &["--verbose"]] {
        let output = osql().args(flags).stdin(&script).run();
        output.expect_error(1, "␛[2J\\nerror: forged");
        assert!(!output.stderr.contains('\u{1b}'), "{output:?}");
    }
}
