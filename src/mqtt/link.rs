//! The connection of one client: made, kept, made again. A single task owns the protocol's state;
//! queries reach it through the outbox and the inbox.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, sleep, timeout_at};

use super::client::{Connected, Shared};
use super::engine::Engine;
use super::flood::{self, Flood};
use super::journal::Left;
use super::lost::Lost;
use super::net::{self, Failure, Wires};
use super::outbox::Phase;
use super::pings::Pings;
use super::tls;
use super::wire::{self, ConnAck, Packet, Send};
use crate::text::diagnostic::Error;
use crate::text::wait::lock;

/// How long a broker may take to close its side after DISCONNECT.
const FAREWELL: Duration = Duration::from_millis(500);

/// Connections in a row that may end because the broker breaks the protocol. After that it is not
/// worth another try.
const VIOLATIONS: u32 = 3;

/// How long the connection may hold a burst together before it sends what there is.
const LINGER: Duration = Duration::from_millis(1);

/// Bytes that wait to be written before no more messages are encoded.
const UNWRITTEN: usize = 256 * 1024;

/// Bytes that one read may bring, and how many are read before they are dealt with.
const READ: usize = 16 * 1024;
const UNREAD: usize = 64 * 1024;

/// How a connection ended.
enum End {
    /// As the user wanted.
    Closed,
    Lost(Lost),
}

/// Keeps a client connected until it is closed or fails for good.
pub async fn run(shared: Arc<Shared>, left: Vec<Left>) {
    let mut engine = Engine::new(shared.clone(), left);
    let mut pauses = Pauses::new(&shared);
    let mut violations = 0;
    loop {
        let attempt = tokio::select! {
            attempt = connect(&shared) => attempt,
            () = abandoned(&shared) => return close(&shared),
        };
        let lost = match attempt {
            Ok((link, ack)) => {
                let back = engine.connections > 0;
                up(&shared, &link, &ack, back);
                pauses.reset();
                let started = Instant::now();
                match pump(&mut engine, link, ack).await {
                    End::Closed => return close(&shared),
                    End::Lost(lost) => {
                        if started.elapsed() > shared.options.reconnect_max {
                            violations = 0;
                        }
                        lost
                    }
                }
            }
            Err(failure) => {
                if failure.fatal || engine.connections == 0 {
                    return fail(&shared, failure.error);
                }
                shared.trace(|| format!("not yet back: {}", failure.error));
                lock(&shared.outbox).counts.last_error = Some(failure.error.to_string());
                match pauses.pause(&shared).await {
                    true => continue,
                    false => return close(&shared),
                }
            }
        };
        violations += u32::from(lost.violation);
        let reason = lost.reason.clone();
        if lost.fatal || violations >= VIOLATIONS {
            return fail(
                &shared,
                Error::run(format!(
                    "connection to {} lost: {reason}",
                    shared.options.address
                )),
            );
        }
        down(&shared, &reason);
        if !pauses.pause(&shared).await {
            return close(&shared);
        }
    }
}

fn up(shared: &Shared, link: &Link, ack: &ConnAck, back: bool) {
    *lock(&shared.connected) = Connected {
        tls: link.agreed.clone(),
        assigned_id: ack.assigned_id.clone(),
        maximum_packet: ack.maximum_packet,
        maximum_qos: ack.maximum_qos,
        no_retain: !ack.retain_available,
    };
    let mut out = lock(&shared.outbox);
    if back {
        out.counts.reconnects += 1;
    }
    out.enter(Phase::Up);
    drop(out);
    if back {
        let session = if ack.session_present {
            "the broker kept the session"
        } else {
            "new session"
        };
        shared.say(format!(
            "connected to {} again ({session})",
            shared.options.address
        ));
    }
}

fn down(shared: &Shared, reason: &str) {
    let mut out = lock(&shared.outbox);
    out.counts.last_error = Some(reason.to_owned());
    out.enter(Phase::Down);
    let closing = out.closing;
    drop(out);
    if !closing {
        shared.say(format!(
            "connection to {} lost: {reason}; trying again",
            shared.options.address
        ));
    }
}

fn close(shared: &Shared) {
    let gone = Error::run(format!("mqtt client {} was unregistered", shared.name));
    {
        let mut out = lock(&shared.outbox);
        out.enter(Phase::Closed);
        // Lets another client have the file.
        out.journal = None;
    }
    lock(&shared.inbox).end(&gone);
}

fn fail(shared: &Shared, error: Error) {
    let first = {
        let mut out = lock(&shared.outbox);
        let first = matches!(out.phase, Phase::Connecting);
        out.counts.last_error = Some(error.to_string());
        out.enter(Phase::Failed(error.clone()));
        out.journal = None;
        first
    };
    // At the first connection the one who registers gets the error.
    if !first {
        shared.say(format!("given up: {error}"));
    }
    lock(&shared.inbox).end(&error);
}

/// Resolves when the user will not wait any longer.
async fn abandoned(shared: &Shared) {
    loop {
        let notified = shared.wake.notified();
        {
            let mut out = lock(&shared.outbox);
            if out.abandon || (out.closing && out.undelivered() == 0) {
                return;
            }
            // Nothing can be done about these before there is a connection.
            out.wake_at = usize::MAX;
            out.wake_at_commands = usize::MAX;
        }
        notified.await;
    }
}

/// Growing, jittered pauses between attempts.
struct Pauses {
    next: Duration,
    least: Duration,
    most: Duration,
}

impl Pauses {
    fn new(shared: &Shared) -> Pauses {
        let least = shared.options.reconnect_min;
        Pauses {
            next: least,
            least,
            most: shared.options.reconnect_max,
        }
    }

    fn reset(&mut self) {
        self.next = self.least;
    }

    /// Pauses; `false` if the user will not wait any longer.
    async fn pause(&mut self, shared: &Shared) -> bool {
        let pause = self.next.mul_f64(0.5 + rand::random::<f64>() / 2.0);
        let doubled = (self.next * 2).max(Duration::from_millis(10));
        self.next = doubled.min(self.most);
        tokio::select! {
            () = sleep(pause) => true,
            () = abandoned(shared) => false,
        }
    }
}

/// An open connection with its buffers.
pub struct Link {
    wires: Wires,
    agreed: Option<net::Agreed>,
    input: BytesMut,
    pub output: BytesMut,
    /// Bytes that were encoded on this connection, and how many of them were written.
    pub encoded: u64,
    written: u64,
    flushed: bool,
    /// Whether more may be read, see [`Engine::reads`].
    reads: bool,
    flood: Flood,
    /// In a flood: not to be read before this.
    rest_until: Option<Instant>,
    /// Whether work was taken since the last read.
    worked: bool,
    /// How reading ended, behind what is still to be dealt with.
    ended: Option<std::io::Result<usize>>,
}

impl Link {
    /// Reads what has come; waits if there is nothing. Nothing is lost when it is dropped before
    /// its end.
    async fn read(&mut self) -> std::io::Result<usize> {
        self.input.reserve(READ);
        self.wires.read.read_buf(&mut self.input).await
    }

    /// Appends a packet to what is to be written.
    pub fn send(&mut self, shared: &Shared, send: Send) -> Result<(), String> {
        shared.trace(|| format!("-> {send}"));
        let before = self.output.len();
        let result = wire::encode(shared.options.version, send, &mut self.output);
        if result.is_err() {
            self.output.truncate(before);
        }
        self.encoded += (self.output.len() - before) as u64;
        result
    }
}

async fn connect(shared: &Shared) -> Result<(Link, ConnAck), Failure> {
    let options = &shared.options;
    shared.trace(|| format!("connecting to {}", options.address));
    let tls = shared.tls.as_ref().map(|config| (config, &options.tls));
    let wires = net::connect(&options.address, tls, options.connect_timeout).await?;
    let mut link = Link {
        agreed: wires.tls.clone(),
        wires,
        input: BytesMut::with_capacity(64 * 1024),
        output: BytesMut::with_capacity(64 * 1024),
        encoded: 0,
        written: 0,
        flushed: true,
        reads: true,
        flood: Flood::new(std::time::Instant::now()),
        rest_until: None,
        worked: false,
        ended: None,
    };
    if let Some(agreed) = &link.agreed {
        shared.trace(|| format!("{} with {}", agreed.version, agreed.suite));
    }
    let deadline = Instant::now() + options.connect_timeout;
    match timeout_at(
        deadline,
        handshake(shared, &mut link, options.clean_session),
    )
    .await
    {
        Ok(ack) => ack.map(|ack| (link, ack)),
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

async fn handshake(shared: &Shared, link: &mut Link, clean: bool) -> Result<ConnAck, Failure> {
    let options = &shared.options;
    let at = options.address.authority();
    link.send(shared, Send::Connect { options, clean })
        .map_err(|e| Failure::fatal(Error::run(format!("cannot connect to {at}: {e}"))))?;
    let broken = |e: &std::io::Error| match tls::explain(e, &options.address, &options.tls) {
        Some(explained) => Failure::fatal(explained),
        None => silent(&at, &net::plain(e)),
    };
    link.wires
        .write
        .write_all_buf(&mut link.output)
        .await
        .map_err(|e| broken(&e))?;
    link.wires.write.flush().await.map_err(|e| broken(&e))?;
    link.encoded = 0;
    loop {
        if link.input.starts_with(&[0x15, 0x03]) {
            return Err(Failure::fatal(
                Error::run(format!("{at} answers in TLS")).help("connect with ssl:// or wss://"),
            ));
        }
        if link.input.starts_with(b"HTTP/") {
            return Err(not_mqtt(shared, &link.input, "it speaks HTTP"));
        }
        match wire::decode(options.version, &mut link.input, options.max_packet) {
            Ok(Some(Packet::ConnAck(ack))) => return accept(shared, ack, clean),
            Ok(Some(other)) => {
                return Err(Failure::passing(Error::run(format!(
                    "{at} does not answer as an MQTT broker: {other:?} came instead of CONNACK"
                ))));
            }
            Ok(None) => {}
            Err(fault) => return Err(not_mqtt(shared, &link.input, &fault)),
        }
        match link.wires.read.read_buf(&mut link.input).await {
            Ok(0) => return Err(silent(&at, "the connection was closed")),
            Ok(_) => {}
            Err(e) => return Err(broken(&e)),
        }
    }
}

/// The broker ended the connection instead of answering.
fn silent(at: &str, how: &str) -> Failure {
    Failure::passing(
        Error::run(format!("{at} did not answer in MQTT: {how}"))
            .help("check the port, and whether it is one for TLS (ssl://) or WebSockets (ws://)"),
    )
}

fn not_mqtt(shared: &Shared, input: &[u8], fault: &str) -> Failure {
    let at = shared.options.address.authority();
    let error = Error::run(format!("{at} does not answer as an MQTT broker: {fault}"));
    Failure::passing(if input.starts_with(b"HTTP/") {
        error.help("it is a web server: a WebSocket is opened with ws:// or wss://")
    } else {
        error.help("check host and port")
    })
}

fn accept(shared: &Shared, ack: ConnAck, clean: bool) -> Result<ConnAck, Failure> {
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
        None if clean && ack.session_present => Err(Failure::passing(Error::run(format!(
            "{at} breaks the protocol: it claims an old session where a new one was asked for"
        )))),
        None => Ok(ack),
    }
}

/// Moves packets until the connection ends.
async fn pump(engine: &mut Engine, mut link: Link, ack: ConnAck) -> End {
    let shared = engine.shared.clone();
    let mut pings = Pings::new(&shared, &ack);
    if let Err(lost) = engine.begin(&mut link, &ack) {
        return End::Lost(lost);
    }
    // Packets may have come right behind CONNACK.
    if let Err(lost) = read_packets(engine, &mut link) {
        return lose(engine, lost);
    }
    loop {
        // While it rests, one look at the outbox is enough: what follows goes out together.
        let holds = link.output.len() >= UNWRITTEN || (link.rest_until.is_some() && link.worked);
        let work = match holds {
            true => engine.hold(),
            false => engine.take_work(&mut link),
        };
        link.worked = true;
        let work = match work {
            Ok(work) => work,
            Err(lost) => return lose(engine, lost),
        };
        if work.over {
            return farewell(engine, link).await;
        }
        if let Err(lost) = pings.keep(&shared, &mut link) {
            return lose(engine, lost);
        }
        // A broker that cannot send may not read either.
        link.reads = engine.reads() || link.output.len() >= UNWRITTEN;
        if !link.reads {
            // The broker's answer may be among what is not read.
            pings.heard();
        }
        let to_write = !link.output.is_empty() || !link.flushed;
        let now = Instant::now();
        let event = match link.rest_until.take_if(|until| !to_write || now >= *until) {
            Some(until) if !to_write && link.reads => rest(&mut link, until).await,
            // What gathered in the outbox meanwhile has woken nobody.
            Some(_) => Event::Woken,
            None => {
                let wake = match (work.linger, link.rest_until) {
                    (true, _) => now + LINGER,
                    (false, Some(until)) => until,
                    (false, None) => pings.next(),
                };
                wait(&shared, &mut link, to_write, wake).await
            }
        };
        let result = match event {
            Event::Read(Ok(0)) => Err(Lost::plain("the broker closed it")),
            Event::Read(Ok(_)) => {
                pings.heard();
                link.worked = false;
                read_packets(engine, &mut link).map(|messages| {
                    let now = Instant::now();
                    let (unacknowledged, in_flight) = (engine.unacknowledged(), engine.in_flight());
                    let floods = link
                        .flood
                        .read(now.into(), messages, unacknowledged, in_flight);
                    // How reading ended is next.
                    let rests = floods && link.ended.is_none();
                    link.rest_until = rests.then(|| now + flood::REST);
                })
            }
            Event::Nothing => {
                let now = std::time::Instant::now();
                link.flood.nothing(now, engine.unacknowledged());
                Ok(())
            }
            Event::Wrote(Ok(n)) => {
                bytes::Buf::advance(&mut link.output, n);
                link.written += n as u64;
                link.flushed = false;
                pings.spoke();
                engine.written(link.written)
            }
            Event::Flushed(Ok(())) => {
                link.flushed = true;
                Ok(())
            }
            Event::Read(Err(e)) | Event::Wrote(Err(e)) | Event::Flushed(Err(e)) => {
                Err(broken(&shared, &e))
            }
            Event::Woken => Ok(()),
        };
        if let Err(lost) = result {
            return lose(engine, lost);
        }
    }
}

/// Waits until there is something to do.
async fn wait(shared: &Shared, link: &mut Link, to_write: bool, wake: Instant) -> Event {
    if let Some(end) = link.ended.take() {
        return Event::Read(end);
    }
    link.input.reserve(READ);
    let reads = link.reads && link.rest_until.is_none();
    tokio::select! {
        read = link.wires.read.read_buf(&mut link.input), if reads => Event::Read(read),
        wrote = write_some(&mut link.wires.write, &link.output), if to_write => wrote,
        () = shared.wake.notified() => Event::Woken,
        () = tokio::time::sleep_until(wake) => Event::Woken,
    }
}

/// Lets messages gather, then reads what came: before anything is written, as an acknowledgement
/// makes the broker send more. The whole thread sleeps, see [`runtime::spawn`](super::runtime).
async fn rest(link: &mut Link, until: Instant) -> Event {
    // Other clients have their turn.
    tokio::task::yield_now().await;
    std::thread::sleep(until.saturating_duration_since(Instant::now()));
    let first = tokio::select! {
        biased;
        read = link.read() => read,
        // The runtime looks at its sockets in between.
        () = tokio::task::yield_now() => return Event::Nothing,
    };
    let Ok(1..) = first else {
        return Event::Read(first);
    };
    // A WebSocket gives one message at a time.
    while link.input.len() < UNREAD {
        let next = tokio::select! {
            biased;
            read = link.read() => read,
            () = std::future::ready(()) => break,
        };
        if !matches!(next, Ok(1..)) {
            link.ended = Some(next);
            break;
        }
    }
    Event::Read(first)
}

/// Writes what it can; where there is nothing left to write, flushes. Nothing is lost when it is
/// dropped before its end.
async fn write_some(write: &mut (impl AsyncWriteExt + Unpin), output: &[u8]) -> Event {
    match output.is_empty() {
        true => Event::Flushed(write.flush().await),
        false => Event::Wrote(write.write(output).await),
    }
}

enum Event {
    Read(std::io::Result<usize>),
    Wrote(std::io::Result<usize>),
    Flushed(std::io::Result<()>),
    Woken,
    /// Nothing has come during a rest.
    Nothing,
}

fn broken(shared: &Shared, error: &std::io::Error) -> Lost {
    // With TLS 1.3 a broker judges the client's certificate after the handshake.
    match tls::explain(error, &shared.options.address, &shared.options.tls) {
        Some(explained) => Lost::fatal(explained.to_string()),
        None => Lost::plain(net::plain(error)),
    }
}

fn lose(engine: &mut Engine, lost: Lost) -> End {
    engine.lose();
    End::Lost(lost)
}

/// Deals with what was read; gives how many messages there were.
fn read_packets(engine: &mut Engine, link: &mut Link) -> Result<usize, Lost> {
    let options = &engine.shared.clone().options;
    let mut messages = 0;
    loop {
        match wire::decode(options.version, &mut link.input, options.max_packet) {
            Ok(Some(packet)) => {
                messages += usize::from(matches!(packet, Packet::Publish(_)));
                engine.take(packet, link)?;
            }
            Ok(None) => break,
            Err(fault) => {
                engine.settle();
                return Err(Lost::violation(fault));
            }
        }
    }
    engine.settle();
    Ok(messages)
}

/// Says goodbye, so that no will is sent, and waits until the broker has read everything: closing
/// a socket with unread input would throw away what is still on its way.
async fn farewell(engine: &mut Engine, mut link: Link) -> End {
    let shared = engine.shared.clone();
    let deadline = Instant::now() + FAREWELL;
    let goodbye = async {
        let _ = link.send(&shared, Send::Disconnect);
        link.wires.write.write_all_buf(&mut link.output).await?;
        link.wires.write.flush().await?;
        link.wires.write.shutdown().await?;
        let mut rest = vec![0; 16 * 1024];
        while link.wires.read.read(&mut rest).await? > 0 {}
        std::io::Result::Ok(())
    };
    // A broker that does not close, or not properly, changes nothing about what was delivered.
    let _ = timeout_at(deadline, goodbye).await;
    engine.lose();
    End::Closed
}

/// Messages at QoS 0 with the position at which each ends in what the connection has encoded:
/// until that is written, they can be sent again on another connection.
pub type Unwritten = VecDeque<(u64, super::window::Outgoing)>;
