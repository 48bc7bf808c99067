//! Making a connection: CONNECT, the broker's answer, and what to say about answers that are none.

use tokio::time::{Instant, timeout_at};

use super::client::Shared;
use super::connection::{Connection, ReadEnd};
use super::net::{self, Failure};
use super::tls;
use super::wire::{ConnAck, IncomingPacket, OutgoingPacket};
use crate::text::diagnostic::Error;

/// How often a broker may ask in one authentication. It gets the same answer each time.
const AUTHENTICATION_STEPS: usize = 8;

/// Connects to the client's broker and waits until it has accepted the client.
pub async fn connect(shared: &Shared) -> Result<(Connection, ConnAck), Failure> {
    let options = &shared.options;
    shared.trace(|| format!("connecting to {}", options.address));
    let wires = net::connect(options, shared.tls.as_ref()).await?;
    let mut connection = Connection::new(wires, options);
    if let Some(agreed) = &connection.agreed {
        shared.trace(|| format!("{} with {}", agreed.version, agreed.suite));
    }
    let deadline = Instant::now() + options.connect_timeout;
    match timeout_at(deadline, shake_hands(shared, &mut connection)).await {
        Ok(ack) => ack.map(|ack| (connection, ack)),
        Err(_) => Err(Failure::passing(
            Error::run(format!(
                "{} accepts the connection, but does not answer in MQTT within {} s",
                options.address.authority(),
                options.connect_timeout.as_secs_f64()
            ))
            .help("check the port, and whether it is one for TLS (ssl://) or WebSockets (ws://)"),
        )),
    }
}

async fn shake_hands(shared: &Shared, connection: &mut Connection) -> Result<ConnAck, Failure> {
    let options = &shared.options;
    let at = options.address.authority();
    let clean = options.clean_session;
    let Connection { reader, writer, .. } = connection;
    writer
        .push(shared, OutgoingPacket::Connect { options, clean })
        .map_err(|e| Failure::fatal(Error::run(format!("cannot connect to {at}: {e}"))))?;
    let broken = |e: &std::io::Error| match tls::explain(e, &options.address, &options.tls) {
        Some(explained) => Failure::fatal(explained),
        None => silent(&at, &net::plain(e)),
    };
    writer.write_all().await.map_err(|e| broken(&e))?;
    let mut steps = 0;
    loop {
        if reader.unread().starts_with(&[0x15, 0x03]) {
            return Err(Failure::fatal(
                Error::run(format!("{at} answers in TLS")).help("connect with ssl:// or wss://"),
            ));
        }
        if reader.unread().starts_with(b"HTTP/") {
            return Err(not_mqtt(&at, reader.unread(), "it speaks HTTP"));
        }
        match reader.next() {
            Ok(Some(IncomingPacket::ConnAck(ack))) => return accept(shared, ack),
            Ok(Some(IncomingPacket::Auth)) => {
                steps += 1;
                let Some(authentication) = &options.authentication else {
                    return Err(Failure::fatal(unasked_authentication(&at)));
                };
                if steps > AUTHENTICATION_STEPS {
                    return Err(Failure::fatal(Error::run(format!(
                        "{at} does not come to an end of the authentication"
                    ))));
                }
                let answer = OutgoingPacket::Auth(authentication);
                let pushed = writer.push(shared, answer);
                pushed.map_err(|e| Failure::fatal(Error::run(e)))?;
                writer.write_all().await.map_err(|e| broken(&e))?;
            }
            Ok(Some(other)) => {
                return Err(Failure::passing(Error::run(format!(
                    "{at} does not answer as an MQTT broker: {other:?} came instead of CONNACK"
                ))));
            }
            Ok(None) => {}
            Err(violation) => return Err(not_mqtt(&at, reader.unread(), &violation.text)),
        }
        match reader.read().await {
            Ok(()) => {}
            Err(ReadEnd::Closed) => return Err(silent(&at, "the connection was closed")),
            Err(ReadEnd::Failed(e)) => return Err(broken(&e)),
        }
    }
}

fn unasked_authentication(at: &str) -> Error {
    Error::run(format!("{at} wants an authentication that was not begun"))
        .help("give its method in the option auth-method, and the answer in auth-data")
}

/// The broker ended the connection instead of answering.
fn silent(at: &str, how: &str) -> Failure {
    Failure::passing(
        Error::run(format!("{at} did not answer in MQTT: {how}"))
            .help("check the port, and whether it is one for TLS (ssl://) or WebSockets (ws://)"),
    )
}

fn not_mqtt(at: &str, input: &[u8], fault: &str) -> Failure {
    let error = Error::run(format!("{at} does not answer as an MQTT broker: {fault}"));
    Failure::passing(if input.starts_with(b"HTTP/") {
        error.help("it is a web server: a WebSocket is opened with ws:// or wss://")
    } else {
        error.help("check host and port")
    })
}

fn accept(shared: &Shared, ack: ConnAck) -> Result<ConnAck, Failure> {
    let at = shared.options.address.authority();
    shared.trace(|| format!("<- CONNACK {ack}"));
    match &ack.refused {
        Some(refusal) => {
            let error = Error::run(format!("{at} refuses the connection: {}", refusal.reason));
            let error = refusal.help.into_iter().fold(error, Error::help);
            Err(Failure {
                error,
                fatal: refusal.fatal,
            })
        }
        // MQTT section 3.2.2.2.
        None if shared.options.clean_session && ack.session_present => {
            Err(Failure::passing(Error::run(format!(
                "{at} breaks the protocol: it claims an old session where a new one was asked for"
            ))))
        }
        None => Ok(ack),
    }
}
