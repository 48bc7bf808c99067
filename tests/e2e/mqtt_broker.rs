//! The embedded broker.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use crate::support::mosquitto::Folder;
use crate::support::mqtt::{self, options, patience, text};
use crate::support::osql::osql;
use crate::support::subscriber::Subscriber;
use crate::support::table::each_row;
use crate::support::wait::PATIENCE;
use osql::mqtt::{Clients, Setting, Settings};

/// The protocol versions, as mosquitto's programs name them.
const VERSIONS: [&str; 2] = ["mqttv311", "mqttv5"];

/// An embedded broker, gone when it is dropped.
struct Embedded {
    _clients: Clients,
    port: String,
}

impl Embedded {
    fn start() -> Embedded {
        let clients = Clients::default();
        let described = clients.brokers.start(&options([]));
        let described = described.expect("started");
        let port = described.get("port").and_then(Setting::as_integer);
        Embedded {
            _clients: clients,
            port: port.expect("a port").to_string(),
        }
    }

    /// Publishes with mosquitto_pub, which waits for the answers that its quality of service wants.
    fn publish(&self, topic: &str, payload: &str, arguments: &[&str]) {
        let status = Command::new("mosquitto_pub")
            .args(["-p", &self.port, "-t", topic, "-m", payload])
            .args(arguments)
            .status()
            .expect("mosquitto-clients are installed; tests/run does that");
        assert!(status.success(), "{topic} {arguments:?}");
    }

    /// A mosquitto_sub whose subscriptions are confirmed. It prints retain, quality of service, topic
    /// and payload.
    fn subscribe(&self, arguments: &[&str]) -> Subscriber {
        let mut all = vec!["-p", &self.port, "-F", "%r %q %t %p"];
        all.extend(arguments);
        Subscriber::by(Command::new("stdbuf"), &all)
    }

    /// A connection of bytes.
    fn dial(&self) -> TcpStream {
        let stream = TcpStream::connect(("127.0.0.1", self.number())).expect("it listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("set");
        stream.set_write_timeout(Some(PATIENCE)).expect("set");
        stream
    }

    /// The same after CONNECT, which is answered; `flags` are CONNECT's.
    fn dial_as(&self, client: &str, flags: u8, keep_alive: u8) -> TcpStream {
        let mut stream = self.dial();
        stream
            .write_all(&connect(client, flags, keep_alive))
            .expect("sent");
        let mut answer = [0; 4];
        stream.read_exact(&mut answer).expect("CONNACK");
        assert_eq!((answer[0], answer[3]), (0x20, 0), "{answer:?}");
        stream
    }

    fn number(&self) -> u16 {
        self.port.parse().expect("a port")
    }

    /// A message still goes round.
    fn works(&self) {
        let subscriber = self.subscribe(&["-t", "works", "-C", "1"]);
        self.publish("works", "yes", &["-q", "1"]);
        assert_eq!(subscriber.messages(1), ["0 1 works yes"]);
    }
}

/// CONNECT of MQTT 3.1.1.
fn connect(client: &str, flags: u8, keep_alive: u8) -> Vec<u8> {
    let mut packet = vec![0x10, 12 + client.len() as u8];
    packet.extend(b"\0\x04MQTT\x04");
    packet.extend([flags, 0, keep_alive, 0, client.len() as u8]);
    packet.extend(client.as_bytes());
    packet
}

/// Waits until the broker has closed the connection.
fn closes(mut stream: TcpStream, what: &str) {
    let mut rest = [0; 4096];
    loop {
        match stream.read(&mut rest) {
            Ok(0) => return,
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::ConnectionReset => return,
            Err(error) => panic!("{what}: {error}"),
        }
    }
}

#[test]
fn messages_go_round_with_and_without_tls() {
    each_row([false, true], |tls| {
        let clients = Clients::default();
        let described = clients
            .brokers
            .start(&options([("tls", tls.into())]))
            .expect("started");
        let port = described
            .get("port")
            .and_then(Setting::as_integer)
            .expect("a port");
        let fields = described.iter().filter(|(name, _)| *name != "port");
        let login: Settings = fields.map(|(k, v)| (k, v.clone())).collect();
        let rows = [(4, 0), (4, 1), (4, 2), (5, 0), (5, 1), (5, 2)];
        each_row(rows, |(version, qos)| {
            let mut login = login.clone();
            login.put("version", version.into());
            login.put("qos", qos.into());
            let client = mqtt::connect(&login).expect("connected");
            let mut subscription = client.listen("a/+");
            client.publish("a/b", 0..200);
            for i in 0..200 {
                assert_eq!(text(&mut subscription), i.to_string());
            }
            client.close();
        });
        clients
            .brokers
            .stop(port as u16, &patience(30))
            .expect("stopped");
        let gone = std::net::TcpStream::connect(("127.0.0.1", port as u16));
        assert!(gone.is_err(), "it listens still");
    });
}

#[test]
fn a_port_that_is_taken_and_wrong_options_are_errors() {
    let clients = Clients::default();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = i64::from(listener.local_addr().expect("bound").port());
    let start = |record: &Settings| clients.brokers.start(record);
    let error = start(&options([("port", port.into())])).expect_err("taken");
    assert!(error.message().contains("does not start"), "{error:?}");
    let error = start(&options([("prot", 1.into())])).expect_err("misspelt");
    assert_eq!(error.helps(), ["did you mean `port`?"]);
    let error = clients.brokers.stop(1, &patience(1)).expect_err("none");
    assert!(error.message().contains("no broker"), "{error:?}");
}

#[test]
fn foreign_clients_at_each_quality_of_service() {
    let broker = Embedded::start();
    each_row(VERSIONS, |version| {
        for (published, subscribed) in [(0, 2), (1, 2), (2, 2), (2, 0), (2, 1), (1, 0)] {
            let quality = subscribed.to_string();
            let subscriber =
                broker.subscribe(&["-V", version, "-q", &quality, "-t", "a/+/c", "-t", "deep/#"]);
            let quality = published.to_string();
            let arguments = ["-V", version, "-q", &quality];
            broker.publish("a/b/c", "one", &arguments);
            broker.publish("a/b/c/d", "no", &arguments);
            broker.publish("deep", "two", &arguments);
            broker.publish("deep/er/still", "three", &arguments);
            let lower = published.min(subscribed);
            let expected = [
                ("a/b/c", "one"),
                ("deep", "two"),
                ("deep/er/still", "three"),
            ]
            .map(|(topic, payload)| format!("0 {lower} {topic} {payload}"));
            assert_eq!(subscriber.messages(3), expected, "{version}");
        }
    });
}

#[test]
fn retained_messages_come_to_those_who_come_later_until_they_are_taken_away() {
    let broker = Embedded::start();
    each_row(VERSIONS, |version| {
        let arguments = ["-V", version, "-q", "1", "-r"];
        broker.publish("kept/a", "old", &arguments);
        broker.publish("kept/a", "new", &arguments);
        broker.publish("kept/b", "gone", &arguments);
        let subscriber = broker.subscribe(&["-V", version, "-t", "kept/#"]);
        assert_eq!(
            subscriber.messages(2),
            ["1 1 kept/a new", "1 1 kept/b gone"]
        );
        let taken = Command::new("mosquitto_pub")
            .args(["-p", &broker.port, "-t", "kept/b", "-n", "-r", "-q", "1"])
            .status();
        assert!(taken.expect("mosquitto_pub runs").success());
        assert_eq!(
            subscriber.messages(3)[2],
            "0 1 kept/b ",
            "who is there sees it go"
        );
        let later = broker.subscribe(&["-V", version, "-t", "kept/#", "-t", "end"]);
        broker.publish("end", "here", &["-q", "1"]);
        assert_eq!(later.messages(2), ["1 1 kept/a new", "0 1 end here"]);
    });
}

#[test]
fn a_will_is_published_when_a_client_is_killed_and_not_when_it_leaves() {
    let broker = Embedded::start();
    each_row(VERSIONS, |version| {
        let watch = broker.subscribe(&["-V", version, "-t", "wills/#", "-t", "end"]);
        // The first message ends it, with a proper goodbye.
        let will = |topic| {
            let mut arguments = vec!["-V", version, "-t", "x", "-C", "1", "--will-topic", topic];
            arguments.extend(["--will-payload", "dead", "--will-qos", "1"]);
            broker.subscribe(&arguments)
        };
        let leaves = will("wills/leaves");
        broker.publish("x", "go", &["-q", "1"]);
        assert_eq!(leaves.messages(1), ["0 1 x go"]);
        drop(will("wills/killed"));
        assert_eq!(watch.messages(1), ["0 1 wills/killed dead"]);
        broker.publish("end", "here", &["-q", "1"]);
        assert_eq!(
            watch.messages(2)[1],
            "0 1 end here",
            "no will of one that left"
        );
    });
}

#[test]
fn a_shared_subscription_divides_what_comes() {
    let broker = Embedded::start();
    each_row(VERSIONS, |version| {
        let filter = ["-V", version, "-t", "$share/group/jobs/#"];
        let (first, second) = (broker.subscribe(&filter), broker.subscribe(&filter));
        let all = broker.subscribe(&["-V", version, "-t", "jobs/+"]);
        for i in 0..6 {
            broker.publish("jobs/new", &i.to_string(), &["-q", "1"]);
        }
        assert_eq!(all.messages(6).len(), 6);
        let mut shares = [first.messages(3), second.messages(3)];
        shares.sort();
        let expected =
            [[0, 2, 4], [1, 3, 5]].map(|share| share.map(|i| format!("0 1 jobs/new {i}")));
        assert_eq!(shares, expected, "{version}");
    });
}

#[test]
fn a_kept_session_gets_what_came_while_it_was_away() {
    let broker = Embedded::start();
    each_row(VERSIONS, |version| {
        let mut kept = vec!["-V", version, "-i", version, "-c", "-t", "news"];
        if version == "mqttv5" {
            kept.extend(["-x", "600"]);
        }
        drop(broker.subscribe(&kept));
        for (payload, quality) in [("first", "1"), ("not kept", "0"), ("second", "2")] {
            broker.publish("news", payload, &["-q", quality]);
        }
        let again = broker.subscribe(&kept);
        // The publisher's quality of service, at most that of the subscription: 1.
        assert_eq!(again.messages(2), ["0 1 news first", "0 1 news second"]);
        drop(again);
        // With a clean session it is forgotten.
        drop(broker.subscribe(&["-V", version, "-i", version, "-t", "other"]));
        broker.publish("news", "lost", &["-q", "1"]);
        let clean = broker.subscribe(&["-V", version, "-i", version, "-t", "news"]);
        broker.publish("news", "third", &["-q", "1"]);
        assert_eq!(clean.messages(1), ["0 1 news third"]);
    });
}

#[test]
fn what_was_not_acknowledged_comes_again() {
    let broker = Embedded::start();
    let clean = 0;
    let mut first = broker.dial_as("again", clean, 0);
    // SUBSCRIBE 1 to t at QoS 1, and SUBACK.
    first.write_all(b"\x82\x06\0\x01\0\x01t\x01").expect("sent");
    let mut answer = [0; 5];
    first.read_exact(&mut answer).expect("SUBACK");
    assert_eq!(answer, [0x90, 3, 0, 1, 1]);
    broker.publish("t", "x", &["-q", "1"]);
    let mut message = [0; 8];
    first.read_exact(&mut message).expect("PUBLISH");
    assert_eq!(message, *b"\x32\x06\0\x01t\0\x01x");
    drop(first);
    let mut second = broker.dial_as("again", clean, 0);
    second.read_exact(&mut message).expect("PUBLISH again");
    assert_eq!(message, *b"\x3a\x06\0\x01t\0\x01x", "with dup");
}

#[test]
fn a_client_identifier_is_taken_over() {
    let broker = Embedded::start();
    let watch = broker.subscribe(&["-t", "wills"]);
    let mut first = broker.dial();
    // With a will: CONNECT's length is that of the identifier and the will besides.
    let mut packet = connect("twin", 0b0000_0110, 0);
    packet.extend(b"\0\x05wills\0\x04gone");
    packet[1] += 13;
    first.write_all(&packet).expect("sent");
    let mut answer = [0; 4];
    first.read_exact(&mut answer).expect("CONNACK");
    let mut second = broker.dial_as("twin", 2, 0);
    closes(first, "the first connection");
    assert_eq!(watch.messages(1), ["0 0 wills gone"]);
    second.write_all(b"\xc0\0").expect("PINGREQ");
    let mut pong = [0; 2];
    second.read_exact(&mut pong).expect("PINGRESP");
    assert_eq!(pong, [0xd0, 0]);
}

#[test]
fn a_client_that_says_nothing_is_ended_after_its_keep_alive() {
    let broker = Embedded::start();
    closes(broker.dial_as("silent", 2, 1), "keep-alive");
}

#[test]
fn garbage_does_not_take_the_broker_down() {
    let broker = Embedded::start();
    let subscribe_nothing = b"\x82\x02\0\x01";
    let wildcard = b"\x30\x04\0\x02a#";
    let not_utf8 = b"\x30\x04\0\x02\xff\xfe";
    let huge = b"\x30\xff\xff\xff\x7f";
    let endless = b"\x30\xff\xff\xff\xff\xff\xff";
    let identifier_zero = b"\x32\x06\0\x01t\0\0x";
    let from_a_broker = b"\x20\x02\0\0";
    let second_connect = connect("c", 2, 0);
    let after: [&[u8]; 8] = [
        subscribe_nothing,
        wildcard,
        not_utf8,
        huge,
        endless,
        identifier_zero,
        from_a_broker,
        &second_connect,
    ];
    each_row(after, |bytes| {
        let mut stream = broker.dial_as("bad", 2, 0);
        stream.write_all(bytes).expect("sent");
        closes(stream, &format!("{bytes:?}"));
    });
    let noise: Vec<u8> = (0..=255).rev().cycle().take(100_000).collect();
    let before: [&[u8]; 5] = [
        b"GET / HTTP/1.1\r\n\r\n",
        b"\xc0\0",
        b"\x10\xff\xff\xff\xff",
        b"\x10\xff\xff\xff\x7f\0\x04MQTT\x04",
        &noise,
    ];
    each_row(before, |bytes| {
        let mut stream = broker.dial();
        // It may be closed before all is written.
        let _ = stream.write_all(bytes);
        closes(stream, &format!("{:?}", &bytes[..bytes.len().min(20)]));
    });
    // Half a packet, before and after CONNECT, and the client is gone.
    broker
        .dial()
        .write_all(&connect("half", 2, 0)[..9])
        .expect("sent");
    broker
        .dial_as("half", 2, 0)
        .write_all(b"\x30\x7f\0\x01t")
        .expect("sent");
    broker.works();
}

#[test]
fn an_old_protocol_is_refused_with_its_code() {
    let broker = Embedded::start();
    let mut stream = broker.dial();
    let mut packet = connect("old", 2, 0);
    packet[8] = 6;
    stream.write_all(&packet).expect("sent");
    let mut answer = [0; 4];
    stream.read_exact(&mut answer).expect("CONNACK");
    assert_eq!(answer, [0x20, 2, 0, 1]);
    closes(stream, "unacceptable protocol version");
}

/// Those that neither read nor say anything do not keep the others waiting, nor does what waits for
/// them take more than its share of memory.
#[test]
fn slow_and_silent_clients_do_not_stop_the_others() {
    let broker = Embedded::start();
    let silent: Vec<_> = (0..50).map(|_| broker.dial()).collect();
    let mut slow = broker.dial_as("slow", 2, 0);
    slow.write_all(b"\x82\x08\0\x01\0\x03big\x00")
        .expect("sent");
    let mut answer = [0; 5];
    slow.read_exact(&mut answer).expect("SUBACK");
    let folder = Folder::new();
    let payload = folder.write("payload", vec![b'x'; 8 << 20]);
    let before = resident();
    for _ in 0..20 {
        let status = Command::new("mosquitto_pub")
            .args(["-p", &broker.port, "-t", "big", "-q", "1", "-f"])
            .arg(&payload)
            .status();
        assert!(status.expect("mosquitto_pub runs").success());
    }
    let grown = resident().saturating_sub(before);
    assert!(
        grown < 130 << 20,
        "{grown} bytes for 160 MB that one client does not read"
    );
    broker.works();
    drop(silent);
}

/// This process's memory in bytes.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/statm").expect("Linux");
    let pages = status
        .split(' ')
        .nth(1)
        .and_then(|pages| pages.parse::<usize>().ok());
    pages.expect("a number") * 4096
}

/// The addresses that a process listens on, as the kernel's table of sockets has them.
fn listening(process: u32) -> Vec<String> {
    let folder = Path::new("/proc").join(process.to_string());
    let sockets: Vec<_> = std::fs::read_dir(folder.join("fd"))
        .expect("Linux")
        .filter_map(|entry| std::fs::read_link(entry.ok()?.path()).ok())
        .map(|link| link.display().to_string())
        .collect();
    let mut found = Vec::new();
    for table in ["net/tcp", "net/tcp6"] {
        let table = std::fs::read_to_string(folder.join(table)).unwrap_or_default();
        for line in table.lines().skip(1) {
            let fields: Vec<_> = line.split_whitespace().collect();
            // State 0A is LISTEN; the tenth field is the socket's number.
            if fields[3] == "0A" && sockets.contains(&format!("socket:[{}]", fields[9])) {
                found.push(fields[1].to_owned());
            }
        }
    }
    found
}

/// With TLS, nothing listens beside TLS, and only this user can read the key. The broker and its files
/// go with the session.
#[test]
fn with_tls_there_is_no_plain_listener_and_the_key_is_private() {
    let folder = Folder::new();
    let given = folder.0.join("certs");
    std::fs::create_dir(&given).expect("made");
    // What lies there already, with rights for all, is replaced.
    std::fs::write(given.join("broker.key"), "old").expect("written");
    let mut session = osql().spawn();
    session.send(&format!(
        "set :own = mqtt:start_broker({{\"tls\": true}});\n\
         set :given = mqtt:start_broker({{\"tls\": true, \"folder\": \"{}\"}});\n\
         :own[\"cafile\"];\n:own[\"port\"];\n:given[\"port\"];\n",
        given.display()
    ));
    let said = session.stdout.wait_until(|text| text.lines().count() == 3);
    let said: Vec<_> = said.lines().map(|line| line.trim_matches('"')).collect();
    let [ca, own, other] = said[..] else {
        panic!("{said:?}");
    };
    let port = |text: &str| text.parse::<u16>().expect("a port");
    let mut expected = [own, other].map(|text| format!("0100007F:{:04X}", port(text)));
    expected.sort();
    let mut found = listening(session.pid());
    found.sort();
    assert_eq!(found, expected, "the loopback, and one port each");
    let mode = |path: &Path| {
        std::fs::metadata(path)
            .expect("is there")
            .permissions()
            .mode()
            & 0o777
    };
    let temporary = Path::new(ca).parent().expect("a folder");
    assert_eq!(mode(temporary), 0o700);
    for folder in [temporary, &given] {
        assert_eq!(mode(&folder.join("broker.key")), 0o600, "{folder:?}");
    }
    // No MQTT without TLS.
    let mut plain = TcpStream::connect(("127.0.0.1", port(own))).expect("it listens");
    plain.set_read_timeout(Some(PATIENCE)).expect("set");
    plain.write_all(&connect("plain", 2, 0)).expect("sent");
    let mut answer = [0];
    let heard = plain.read(&mut answer).unwrap_or(0);
    // 0x15 is an alert of TLS, 0x20 would be CONNACK.
    assert!(heard == 0 || answer[0] == 0x15, "{answer:?}");
    let status = Command::new("mosquitto_pub")
        .args([
            "-h",
            "localhost",
            "-p",
            other,
            "-t",
            "t",
            "-m",
            "m",
            "-q",
            "2",
            "--cafile",
        ])
        .arg(given.join("ca.crt"))
        .status();
    assert!(
        status.expect("mosquitto_pub runs").success(),
        "a foreign client over TLS"
    );
    let temporary = temporary.to_owned();
    session.finish();
    assert!(
        !temporary.exists(),
        "the temporary folder goes with the session"
    );
    assert!(
        given.join("ca.crt").exists(),
        "a folder of the user's stays"
    );
    let gone = TcpStream::connect(("127.0.0.1", port(own)));
    assert_eq!(
        gone.map_err(|e| e.kind()).err(),
        Some(ErrorKind::ConnectionRefused)
    );
}
