//! Moves packets while a connection lasts. One turn of the pump takes what queries have handed over,
//! waits for the first thing to happen (bytes came, bytes went, a query has something, a time has come)
//! and deals with it.
//!
//! Three rules make batches, each in a place of its own: in a flood the connection rests between two
//! reads ([`ReadPace`]); behind a burst of publications it lingers before it takes the next ones
//! ([`OutboxWork::linger`]); and while much waits to be written it takes none
//! ([`PacketWriter::is_full`](super::connection::PacketWriter::is_full)).

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep_until, timeout_at};

use super::client::Shared;
use super::connection::{Connection, ReadEnd};
use super::engine::{Engine, OutboxWork};
use super::lost::Lost;
use super::pings::Pings;
use super::read_pace::{Arrived, ReadPace};
use super::wire::{ConnAck, IncomingPacket, OutgoingPacket};
use super::{net, tls};

/// How long a burst of publications may be held together before it is sent.
const LINGER: Duration = Duration::from_millis(1);

/// How long a broker may take to close its side after DISCONNECT.
const FAREWELL: Duration = Duration::from_millis(500);

/// How many packets are dealt with before other clients have their turn.
const PACKETS: usize = 1024;

/// How a connection ended.
pub enum End {
    /// As the user wanted.
    Closed,
    Lost(Lost),
}

/// Moves packets until the connection ends.
pub async fn run(engine: &mut Engine, connection: Connection, ack: ConnAck) -> End {
    let shared = engine.shared.clone();
    let mut pump = Pump {
        pings: Pings::new(&shared, &ack),
        pace: ReadPace::new(Instant::now().into()),
        connection,
        engine,
        shared,
        left_over: false,
    };
    let end = match pump.run(&ack).await {
        Ok(()) => {
            pump.say_goodbye().await;
            End::Closed
        }
        Err(lost) => {
            if let Some(code) = lost.violation {
                pump.protest(code).await;
            }
            End::Lost(lost)
        }
    };
    engine.lose(match &end {
        End::Closed => None,
        End::Lost(lost) => Some(lost),
    });
    end
}

struct Pump<'a> {
    engine: &'a mut Engine,
    shared: Arc<Shared>,
    connection: Connection,
    pings: Pings,
    pace: ReadPace,
    /// Whether packets may have been read that were not dealt with, as no more was wanted.
    left_over: bool,
}

/// What the pump waits for beside queries that have something for it.
#[derive(Debug, PartialEq)]
struct Waiting {
    read: bool,
    /// Nothing is read, for longer than a rest.
    attend: bool,
    write: bool,
    until: Instant,
}

/// How many of the packets that were read are to be dealt with.
#[derive(Clone, Copy, PartialEq)]
enum Wanted {
    /// As long as reading goes on.
    AsReadingGoesOn,
    All,
}

enum Event {
    Read(Result<(), ReadEnd>),
    Wrote(io::Result<usize>),
    /// A query has something, or wants to end.
    Woken,
    /// The time has come that was waited for.
    Due,
}

impl Pump<'_> {
    /// Until the user wants to end, or the connection is lost.
    async fn run(&mut self, ack: &ConnAck) -> Result<(), Lost> {
        self.engine.begin(&mut self.connection.writer, ack)?;
        // Packets may have come right behind CONNACK.
        self.take_packets(Wanted::AsReadingGoesOn).await?;
        loop {
            let work = self.take_work()?;
            if work.over {
                return Ok(());
            }
            if self.left_over && self.engine.reads() {
                self.take_packets(Wanted::AsReadingGoesOn).await?;
            }
            self.pings.keep(&self.shared, &mut self.connection.writer)?;
            self.engine.hold_unnoted(&mut self.connection.writer)?;
            let waiting = self.waiting(&work);
            match self.wait(&waiting).await {
                Event::Read(read) => self.after_read(read.is_ok(), read).await?,
                Event::Wrote(written) => self.after_write(written).await?,
                Event::Due if self.pace.resting_until().is_some() => self.end_rest().await?,
                Event::Woken | Event::Due => {}
            }
            if work.more {
                // Other clients have their turn, however much this one has to send.
                tokio::task::yield_now().await;
            }
        }
    }

    /// Encodes what queries have handed over, unless it is to gather for a while.
    fn take_work(&mut self) -> Result<OutboxWork, Lost> {
        let takes = self.pace.takes_work();
        match takes && !self.connection.writer.is_full() {
            true => self.engine.take_work(&mut self.connection.writer),
            false => Ok(self.engine.hold()),
        }
    }

    fn waiting(&mut self, work: &OutboxWork) -> Waiting {
        let reads = self.engine.reads();
        if !reads {
            // The broker's answer may be among what is not read.
            self.pings.heard();
        }
        let resting = self.pace.resting_until();
        let due = [self.engine.pass_by(), self.engine.look_for_deadlock()];
        let due = due.into_iter().flatten().map(Instant::from_std);
        Waiting {
            read: reads && resting.is_none(),
            attend: !reads,
            write: self.connection.writer.has_work(),
            until: match resting {
                Some(until) => until.into(),
                None if work.linger => Instant::now() + LINGER,
                None => due.fold(self.pings.next(), Instant::min),
            },
        }
    }

    async fn wait(&mut self, waiting: &Waiting) -> Event {
        let Connection { reader, writer, .. } = &mut self.connection;
        if !waiting.write {
            // Nothing goes out that could say it along the way. A broker with Nagle's algorithm holds
            // its next message until it hears.
            reader.acknowledge();
        }
        tokio::select! {
            read = reader.read_if(waiting.read), if waiting.read || waiting.attend => Event::Read(read),
            written = writer.write(), if waiting.write => Event::Wrote(written),
            () = self.shared.wake.notified() => Event::Woken,
            () = sleep_until(waiting.until) => Event::Due,
        }
    }

    /// Reads what gathered during a rest, before anything more is written: an acknowledgement makes
    /// the broker send more.
    async fn end_rest(&mut self) -> Result<(), Lost> {
        self.pace.end_rest();
        if !self.engine.reads() {
            return Ok(());
        }
        let (came, end) = self.connection.reader.read_available().await;
        if !came && end.is_ok() {
            let now = Instant::now().into();
            self.pace.after_nothing(now, self.engine.unacknowledged());
            return Ok(());
        }
        self.after_read(came, end).await
    }

    /// Deals with the packets that were read, if something `came`, then with how reading ended.
    async fn after_read(&mut self, came: bool, end: Result<(), ReadEnd>) -> Result<(), Lost> {
        if came {
            self.pings.heard();
            // There will be no other time for what came before the end.
            let wanted = match end {
                Ok(()) => Wanted::AsReadingGoesOn,
                Err(_) => Wanted::All,
            };
            let arrived = Arrived {
                messages: self.take_packets(wanted).await?,
                unacknowledged: self.engine.unacknowledged(),
                in_flight: self.engine.in_flight(),
            };
            if self.pace.after_read(Instant::now().into(), arrived) {
                self.connection.reader.rest();
            }
        }
        end.map_err(|end| match end {
            ReadEnd::Closed => Lost::by_broker("the broker closed it"),
            ReadEnd::Failed(error) => self.broken(&error),
        })
    }

    async fn after_write(&mut self, written: io::Result<usize>) -> Result<(), Lost> {
        match written {
            Ok(0) => {}
            Ok(_) => {
                self.pings.spoke();
                self.engine.written(self.connection.writer.written());
            }
            Err(error) => {
                // What the broker said before it closed: answers, and perhaps why.
                let (came, _) = self.connection.reader.read_available().await;
                if came || self.left_over {
                    self.take_packets(Wanted::All).await?;
                }
                return Err(self.broken(&error));
            }
        }
        Ok(())
    }

    /// Deals with the packets that were read; gives how many messages there were.
    async fn take_packets(&mut self, wanted: Wanted) -> Result<usize, Lost> {
        let mut messages = 0;
        loop {
            let taken = self.take_some_packets(wanted, &mut messages);
            self.engine.settle();
            match taken? {
                PACKETS => tokio::task::yield_now().await,
                _ => return Ok(messages),
            }
        }
    }

    /// The same for a turn; gives how many packets there were.
    fn take_some_packets(&mut self, wanted: Wanted, messages: &mut usize) -> Result<usize, Lost> {
        let Connection { reader, writer, .. } = &mut self.connection;
        for taken in 0..PACKETS {
            // A read may bring thousands of small messages: they take less room as they have come.
            self.left_over = wanted == Wanted::AsReadingGoesOn && !self.engine.reads();
            if self.left_over {
                return Ok(taken);
            }
            let Some(packet) = reader.next().map_err(Lost::violation)? else {
                return Ok(taken);
            };
            *messages += usize::from(matches!(packet, IncomingPacket::Publish(_)));
            self.engine.take(packet, writer)?;
        }
        Ok(PACKETS)
    }

    fn broken(&self, error: &io::Error) -> Lost {
        // With TLS 1.3 a broker judges the client's certificate after the handshake.
        let options = &self.shared.options;
        match tls::explain(error, &options.address, &options.tls) {
            Some(explained) => Lost::plain(explained.to_string()),
            None if closed_by_broker(error) => Lost::by_broker(net::plain(error)),
            None => Lost::plain(net::plain(error)),
        }
    }

    /// Tells the broker how it breaks the protocol (MQTT 5, section 4.13).
    async fn protest(&mut self, code: u8) {
        let deadline = Instant::now() + FAREWELL;
        self.forget_unnoted();
        let writer = &mut self.connection.writer;
        let _ = writer.push(&self.shared, OutgoingPacket::Protest(code));
        // A broker that does not listen misses it.
        let _ = timeout_at(deadline, writer.close()).await;
    }

    /// What the journal has no note of does not go out any more.
    fn forget_unnoted(&mut self) {
        let writer = &mut self.connection.writer;
        // Where a note cannot be written, it is held from there on.
        let _ = self.engine.hold_unnoted(writer);
        writer.forget_held();
    }

    /// Says goodbye, so that no will is sent, and waits until the broker has read everything: closing
    /// a socket with unread input would throw away what is still on its way.
    async fn say_goodbye(&mut self) {
        let deadline = Instant::now() + FAREWELL;
        self.forget_unnoted();
        let Connection { reader, writer, .. } = &mut self.connection;
        let _ = writer.push(&self.shared, OutgoingPacket::Disconnect);
        let goodbye = async {
            if writer.close().await.is_ok() {
                while reader.read().await.is_ok() {
                    reader.discard();
                }
            }
        };
        // A broker that does not close, or not properly, changes nothing about what was delivered.
        let _ = timeout_at(deadline, goodbye).await;
    }
}

/// Whether an error means that the other end has closed the connection.
fn closed_by_broker(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};

    matches!(
        error.kind(),
        BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof
    )
}
