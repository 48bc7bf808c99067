//! Connections stay alive whatever the process is doing beside them: standard output that nobody reads,
//! and other clients that are flooded.

use std::process::{Child, Command, Stdio};

use crate::support::hostile::{Act, Hostile};
use crate::support::mosquitto::Mosquitto;
use crate::support::mqtt::{Connection, send, text};
use crate::support::osql::{Captured, osql};
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
    let rows = stdout.wait_lines(1 + 500 + 1);
    assert!(rows[1..=500].iter().all(|row| row.len() > 1000), "{rows:?}");
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
