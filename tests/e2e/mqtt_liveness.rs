//! Connections stay alive whatever the process is doing beside them: standard output that nobody reads,
//! and other clients that are flooded.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use osql::mqtt::{TopicPublisher, TopicSubscription};

use crate::support::hostile::{Act, Hostile};
use crate::support::mosquitto::Mosquitto;
use crate::support::mqtt::{Connection, patience, send, text};
use crate::support::osql::{Captured, Running, osql};
use crate::support::subscriber::Subscriber;
use crate::support::wait::wait_until;

/// What `mqtt:register_client` takes, to connect to `broker` with a keep-alive of 1 second and a will.
fn mortal(broker: &Mosquitto, more: &str) -> String {
    format!(
        "{{'connection': '{}', 'keepalive': 1, 'will-topic': 'wills', 'will-payload': 'dead'{more}}}",
        broker.url("tcp")
    )
}

/// osql with `arguments`, whose output nobody reads until somebody takes it. Killed when dropped.
struct Unread(Child);

impl Unread {
    fn start(arguments: &[&str]) -> Unread {
        let mut command = Command::new(env!("CARGO_BIN_EXE_osql"));
        command.args(arguments).env_remove("SA_HOME");
        command.stdin(Stdio::null());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        Unread(command.spawn().expect("osql starts"))
    }
}

impl Drop for Unread {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// How often the broker's log says that it has answered a ping.
fn pings(broker: &Mosquitto, client: &str) -> usize {
    let answer = format!("Sending PINGRESP to {client}");
    broker.log().matches(&answer).count()
}

/// Waits until a client has been pinging through several keep-alive times more.
#[track_caller]
fn expect_pings(broker: &Mosquitto, wills: &Subscriber, client: &str) {
    let before = pings(broker, client);
    wait_until("it goes on pinging", || {
        let dead = wills.output.text().contains("\ndead");
        assert!(!dead, "the broker gave the client up: {}", broker.log());
        pings(broker, client) >= before + 6
    });
}

#[test]
fn a_paused_pager_costs_no_connection() {
    let broker = Mosquitto::start("log_type all\nmax_queued_messages 0");
    let wills = Subscriber::start(&broker, "wills");
    let options = mortal(&broker, ", 'qos': 0, 'clientid': 'paged'");
    // What is said about the connection goes to standard error, behind all that was written before.
    let query = format!("mqtt:register_client('m', {options}); subscribe('m:t');");
    let mut osql = Unread::start(&["--verbose", "-o", &query]);
    broker.wait_for_subscriptions(2);
    // More than the pipe and the buffers take.
    let line = "x".repeat(1000);
    broker.publish_lines("t", 0, format!("{line}\n").repeat(500));
    expect_pings(&broker, &wills, "paged");
    // The reader goes on: everything is there, in order, and the notices too.
    broker.publish("t", "the last one", &[]);
    let stdout = Captured::new(osql.0.stdout.take().expect("is piped"));
    let stderr = Captured::new(osql.0.stderr.take().expect("is piped"));
    let rows = stdout.wait_lines(500 + 1);
    assert!(rows[..500].iter().all(|row| row.len() > 1000), "{rows:?}");
    stderr.wait_line("<- PINGRESP");
    stderr.wait_line("PUBLISH to t: 12 bytes");
}

/// Sends a message through a relay from `in` to `out` and waits until it is back, `trips` times.
fn round_trips(broker: &Mosquitto, trips: usize) {
    let client = Connection::to(broker, [("qos", 0.into())]);
    let mut back = client.listen("out");
    let mut there = client.sender("in");
    for trip in 0..trips {
        send(&mut there, [trip]);
        assert_eq!(text(&mut back), trip.to_string());
    }
    drop((there, back));
    client.close();
}

/// A relay at QoS 1 between two clients of this process.
struct Relay {
    _osql: Running,
    _clients: [Connection; 2],
    there: TopicPublisher,
    back: TopicSubscription,
}

impl Relay {
    fn start(broker: &Mosquitto) -> Relay {
        let query = format!(
            "mqtt:register_client('r', {{'connection': '{}'}}); publish(subscribe('r:in'), 'r:out');",
            broker.url("tcp")
        );
        let osql = osql().statements(&query).spawn();
        let clients = [(); 2].map(|()| Connection::to(broker, []));
        let back = clients[0].listen("out");
        broker.wait_for_subscriptions(2);
        Relay {
            there: clients[1].sender("in"),
            back,
            _osql: osql,
            _clients: clients,
        }
    }

    /// How long a message takes to come back.
    fn round_trip(&mut self) -> Duration {
        let sent = Instant::now();
        send(&mut self.there, ["x"]);
        text(&mut self.back);
        let took = sent.elapsed();
        // The acknowledgements go on their way: each message comes alone.
        self.there.finish(&patience(60)).expect("acknowledged");
        took
    }
}

/// mosquitto leaves Nagle's algorithm on: where it waits for the kernel to acknowledge what it sent, each
/// message through a relay takes as long as the kernel does, up to 40 ms. Beside a broker without it, so
/// that what else the machine does counts alike.
#[test]
fn a_relay_does_not_wait_for_the_kernels_acknowledgements() {
    let brokers = ["", "set_tcp_nodelay true"]
        .map(|nodelay| Mosquitto::start(&format!("log_type all\n{nodelay}")));
    let mut relays = [Relay::start(&brokers[0]), Relay::start(&brokers[1])];
    let mut took = [Vec::new(), Vec::new()];
    for _ in 0..60 {
        for (relay, took) in relays.iter_mut().zip(&mut took) {
            took.push(relay.round_trip());
        }
    }
    let [default, nodelay] = took.map(|mut all| {
        all.sort();
        all[all.len() / 2]
    });
    println!("{default:?} in the median, {nodelay:?} without Nagle's algorithm");
    assert!(default < nodelay + Duration::from_millis(8), "{default:?}");
}

/// A publication at QoS 0, in MQTT 3.1.1.
const PUBLICATION: &[u8] = b"\x30\x0a\0\x01tpayload";

#[test]
fn a_flooded_client_holds_up_no_other() {
    let broker = Mosquitto::start("log_type all");
    let wills = Subscriber::start(&broker, "wills");
    // One client whose broker sends as fast as it is read, and one that relays, in one process.
    let flood = Hostile::start(vec![Act::Flood(PUBLICATION.repeat(1000))]);
    let query = format!(
        "mqtt:register_client('f', {{'connection': '{}'}});
         mqtt:register_client('r', {});
         publish(subscribe('r:in'), 'r:out');",
        flood.url(),
        mortal(&broker, ", 'qos': 0, 'clientid': 'relay'")
    );
    let _osql = osql().statements(&query).spawn();
    broker.wait_for_subscriptions(2);
    round_trips(&broker, 300);
    expect_pings(&broker, &wills, "relay");
}
