//! MQTT in WebSocket frames: what is MQTT's and what is not, and servers that say no for a while.

use std::sync::{Arc, Mutex, mpsc};

use async_tungstenite::tungstenite::Message;
use async_tungstenite::tungstenite::protocol::CloseFrame;
use async_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use osql::mqtt::{Clients, Setting, Settings};

use crate::support::mqtt::{connect, connect_by, options, patience, text};
use crate::support::wait::{PATIENCE, wait_until};
use crate::support::web_socket::{self, Role, hold, open, packet, send, take_subscriber};

/// A client at QoS 0 that does not wait long.
fn client(url: &str) -> Settings {
    options([
        ("connection", url.into()),
        ("qos", 0.into()),
        ("reconnect-min", 0.01.into()),
        ("reconnect-max", 0.05.into()),
        ("connect-timeout", 5.into()),
    ])
}

/// PUBLISH at QoS 0 to the topic `t`.
fn publish(payload: &[u8]) -> Vec<u8> {
    let mut length = 3 + payload.len();
    let mut packet = vec![0x30];
    loop {
        let more = if length > 127 { 128 } else { 0 };
        packet.push((length % 128) as u8 | more);
        length /= 128;
        if length == 0 {
            break;
        }
    }
    packet.extend([0, 1, b't']);
    packet.extend(payload);
    packet
}

#[test]
fn pings_are_answered_and_no_frame_but_a_binary_one_is_mqtt() {
    let (ponged, pong) = mpsc::channel();
    let ponged = Mutex::new(ponged);
    let url = web_socket::start(vec![open(move |socket| {
        packet(socket)?;
        socket.send(Message::Ping(vec![0x30, 3].into())).ok()?;
        send(socket, [0x20, 2])?;
        socket.send(Message::Pong(vec![0xff].into())).ok()?;
        send(socket, [0, 0])?;
        // The answer to the ping comes before the subscription, or with it.
        let mut subscribe = None;
        let mut answered = None;
        while subscribe.is_none() || answered.is_none() {
            match socket.read().ok()? {
                Message::Pong(data) => answered = Some(data),
                Message::Binary(bytes) => subscribe = Some(bytes),
                _ => {}
            }
        }
        let id = subscribe?;
        ponged.lock().ok()?.send(answered?.to_vec()).ok()?;
        send(socket, [0x90, 3, id[2], id[3], 0])?;
        let message = publish(b"whole");
        for (i, byte) in message.iter().enumerate() {
            socket.send(Message::Ping(vec![i as u8].into())).ok()?;
            send(socket, [*byte])?;
        }
        // An empty frame is nothing, not the end.
        send(socket, [])?;
        send(socket, [publish(b"two"), publish(b"three")].concat())?;
        hold(socket)
    })]);
    let client = connect(&client(&url)).expect("connected");
    let mut subscription = client.listen("t");
    assert_eq!(pong.recv().expect("answered"), [0x30, 3]);
    for expected in ["whole", "two", "three"] {
        assert_eq!(text(&mut subscription), expected);
    }
    assert_eq!(client.number("reconnects"), 0);
}

/// A message at QoS 1 to the topic `t`.
fn publish_1(id: u16) -> Vec<u8> {
    let mut packet = vec![0x32, 6, 0, 1, b't'];
    packet.extend(id.to_be_bytes());
    packet.push(b'x');
    packet
}

/// A query that has as much before it as is read holds reading back, and pings are answered all the same.
#[test]
fn pings_are_answered_while_nothing_is_read() {
    const HELD: u16 = 1000;
    const MORE: u16 = 50;
    let (ponged, pong) = mpsc::channel();
    let ponged = Mutex::new(ponged);
    let (go, going) = mpsc::channel();
    let going = Mutex::new(going);
    let url = web_socket::start(vec![open(move |socket| {
        take_subscriber(socket)?;
        // As long as somebody waits for an answer, more is read.
        going.lock().ok()?.recv().ok()?;
        for id in 1..=HELD {
            send(socket, publish_1(id))?;
        }
        for round in 0..3 {
            // Each behind messages that are not to be read yet.
            for id in 1..=MORE {
                send(socket, publish_1(HELD + round * MORE + id))?;
            }
            socket.send(Message::Ping(vec![round as u8].into())).ok()?;
            loop {
                match socket.read().ok()? {
                    Message::Pong(data) => break ponged.lock().ok()?.send(data.to_vec()).ok()?,
                    // Nothing is acknowledged before the query takes it.
                    Message::Binary(bytes) => panic!("{bytes:?}"),
                    _ => {}
                }
            }
        }
        hold(socket)
    })]);
    let mut settings = client(&url);
    settings.put("qos", 1.into());
    let client = connect(&settings).expect("connected");
    let mut subscription = client.listen("t");
    go.send(()).expect("it listens");
    for round in 0..3 {
        let answer = pong.recv_timeout(PATIENCE).expect("answered");
        assert_eq!(answer, [round]);
    }
    wait_until("what may be held is received", || {
        client.number("received") == i64::from(HELD)
    });
    // Nothing of what was kept meanwhile is lost.
    for _ in 1..=HELD + 3 * MORE {
        assert_eq!(text(&mut subscription), "x");
    }
    wait_until("the rest is received", || {
        client.number("received") == i64::from(HELD + 3 * MORE)
    });
}

#[test]
fn a_text_frame_is_refused() {
    let url = web_socket::start(vec![open(|socket| {
        packet(socket)?;
        socket.send(Message::text(" \u{2}\0\0")).ok()?;
        hold(socket)
    })]);
    let error = connect(&client(&url)).err().expect("refused");
    assert!(error.message().contains("not binary"), "{error:?}");
}

/// A client whose notices are kept.
fn listening(settings: &Settings) -> (crate::support::mqtt::Connection, Arc<Mutex<String>>) {
    let said = Arc::new(Mutex::new(String::new()));
    let noted = said.clone();
    let clients = Clients::new(move |line| {
        let mut said = noted.lock().expect("not poisoned");
        said.push_str(line);
        said.push('\n');
    });
    (connect_by(clients, settings).expect("connected"), said)
}

#[test]
fn a_close_frame_is_an_end_and_its_reason_is_shown() {
    let url = web_socket::start(vec![
        open(|socket| {
            take_subscriber(socket)?;
            let close = CloseFrame {
                code: CloseCode::Policy,
                reason: "token expired \u{1b}[31m".into(),
            };
            socket.close(Some(close)).ok()?;
            hold(socket)
        }),
        open(|socket| {
            take_subscriber(socket)?;
            send(socket, publish(b"back"))?;
            hold(socket)
        }),
    ]);
    let (client, said) = listening(&client(&url));
    let mut subscription = client.listen("t");
    assert_eq!(text(&mut subscription), "back");
    let said = said.lock().expect("not poisoned");
    assert!(
        said.contains("with code 1008 (token expired ␛[31m)"),
        "{said}"
    );
}

#[test]
fn maxdatalen_holds_in_a_web_socket_as_elsewhere() {
    const LARGE: usize = 40 << 20;
    let url = web_socket::start(vec![open(|socket| {
        take_subscriber(socket)?;
        send(socket, publish(&vec![b'x'; LARGE]))?;
        hold(socket)
    })]);
    let mut settings = client(&url);
    settings.put("maxdatalen", (LARGE as i64 + 100).into());
    let client = connect(&settings).expect("connected");
    let mut subscription = client.listen("t");
    let message = subscription.recv(&patience(60)).expect("taken");
    assert_eq!(message.expect("a message").payload.len(), LARGE);
}

#[test]
fn what_is_final_at_first_is_waited_out_later() {
    let back = || {
        open(|socket| {
            take_subscriber(socket)?;
            send(socket, publish(b"back"))?;
            hold(socket)
        })
    };
    let url = web_socket::start(vec![
        open(take_subscriber),
        Role::Http("503 Service Unavailable"),
        Role::Http("404 Not Found"),
        Role::Raw(b"\x20\x02\x00\x00"),
        open(|socket| {
            packet(socket)?;
            send(socket, [0x20, 2, 0, 5])
        }),
        back(),
    ]);
    let (client, said) = listening(&client(&url));
    let mut subscription = client.listen("t");
    assert_eq!(text(&mut subscription), "back");
    let said = said.lock().expect("not poisoned").clone();
    for reason in ["HTTP status 404", "not authorized"] {
        let line = said.lines().find(|line| line.contains(reason));
        assert!(line.is_some_and(|l| l.contains("trying again")), "{said}");
    }
    drop(client);
    // At the first connection it is an error.
    for (role, reason) in [
        (Role::Http("503 Service Unavailable"), "HTTP status 503"),
        (Role::Http("404 Not Found"), "HTTP status 404"),
    ] {
        let url = web_socket::start(vec![role, back()]);
        let error = connect(&self::client(&url)).err().expect("final");
        assert!(error.message().contains(reason), "{error:?}");
    }
}

#[test]
fn a_proxy_without_its_broker_is_waited_for_if_that_is_wanted() {
    let url = web_socket::start(vec![
        Role::Http("503 Service Unavailable"),
        Role::Http("502 Bad Gateway"),
        open(|socket| {
            take_subscriber(socket)?;
            hold(socket)
        }),
    ]);
    let mut settings = client(&url);
    settings.put("wait", true.into());
    let client = connect(&settings).expect("connected in the end");
    client.wait_for_state("connected");
    wait_until("no error", || client.number("reconnects") == 0);
    assert_eq!(
        client.status().get("state"),
        Some(&Setting::text("connected"))
    );
}
