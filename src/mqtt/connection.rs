//! An open connection: packets in, packets out, each direction with its buffer.

use std::io;
use std::task::Poll;

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::client::Shared;
use super::net::{Agreed, ByteReader, Wires};
use super::options::ClientOptions;
use super::socket::Socket;
use super::wire::{self, Decoder, IncomingPacket, OutgoingPacket, Violation};

/// The initial size of both buffers, in bytes.
const BUFFER: usize = 64 * 1024;

/// How many bytes one read may bring at least.
const READ: usize = 16 * 1024;

/// How many bytes are read before their packets are dealt with.
const UNREAD: usize = 64 * 1024;

/// From so many bytes that wait to be written on, no more messages are encoded.
const UNWRITTEN: usize = 256 * 1024;

/// Both directions of a connection.
pub struct Connection {
    pub reader: PacketReader,
    pub writer: PacketWriter,
    /// What TLS agreed on.
    pub agreed: Option<Agreed>,
}

impl Connection {
    pub fn new(wires: Wires, options: &ClientOptions) -> Connection {
        Connection {
            reader: PacketReader {
                stream: wires.read,
                socket: wires.socket,
                buffer: BytesMut::with_capacity(BUFFER),
                decoder: Decoder::new(options.version, options.max_packet),
                told: true,
            },
            writer: PacketWriter {
                stream: wires.write,
                buffer: BytesMut::with_capacity(BUFFER),
                encoded: 0,
                written: 0,
                open_to: u64::MAX,
                flushed: true,
            },
            agreed: wires.tls,
        }
    }
}

/// Why no more can be read.
pub enum ReadEnd {
    /// The broker closed the connection.
    Closed,
    Failed(io::Error),
}

/// The packets that come from the broker.
pub struct PacketReader {
    stream: Box<dyn ByteReader>,
    socket: Socket,
    buffer: BytesMut,
    decoder: Decoder,
    /// Whether the other end's TCP was told of all that was read.
    told: bool,
}

impl PacketReader {
    /// Reads what has come; waits if there is nothing. Nothing is lost when it is dropped before its
    /// end.
    pub async fn read(&mut self) -> Result<(), ReadEnd> {
        self.buffer.reserve(READ);
        match self.stream.read_buf(&mut self.buffer).await {
            Ok(0) => Err(ReadEnd::Closed),
            Ok(_) => {
                self.told = false;
                Ok(())
            }
            Err(error) => Err(ReadEnd::Failed(error)),
        }
    }

    /// The same if it is `wanted`. Otherwise, without end, what wants an answer below MQTT gets it.
    pub async fn read_if(&mut self, wanted: bool) -> Result<(), ReadEnd> {
        if !wanted {
            std::future::poll_fn(|cx| {
                self.stream.poll_attend(cx);
                Poll::<()>::Pending
            })
            .await;
        }
        self.read().await
    }

    /// Reads what has come without waiting. `true` if something has; what came before an end of the
    /// connection is there all the same.
    pub async fn read_available(&mut self) -> (bool, Result<(), ReadEnd>) {
        let before = self.buffer.len();
        // A WebSocket gives one message at a time.
        while self.buffer.len() - before < UNREAD {
            let read = tokio::select! {
                biased;
                read = self.read() => read,
                () = std::future::ready(()) => break,
            };
            if read.is_err() {
                return (self.buffer.len() > before, read);
            }
        }
        (self.buffer.len() > before, Ok(()))
    }

    /// The next packet of what was read; `None` if it is not complete. An error says how the broker
    /// breaks the protocol.
    pub fn next(&mut self) -> Result<Option<IncomingPacket>, Violation> {
        self.decoder.next(&mut self.buffer)
    }

    /// What was read and is no packet yet.
    pub fn unread(&self) -> &[u8] {
        &self.buffer
    }

    /// Throws away what was read.
    pub fn discard(&mut self) {
        self.buffer.clear();
    }

    /// Lets the other end's TCP know what was read, if it has not been told.
    pub fn acknowledge(&mut self) {
        if !std::mem::replace(&mut self.told, true) {
            self.socket.acknowledge();
        }
    }

    /// Lets arrivals wake nobody until the next read.
    pub fn rest(&self) {
        self.socket.unwatch();
    }
}

/// The packets that go to the broker.
pub struct PacketWriter {
    stream: Box<dyn AsyncWrite + Send + Unpin>,
    buffer: BytesMut,
    /// Bytes that were encoded on this connection.
    encoded: u64,
    /// How many of them were written.
    written: u64,
    /// Where in all that this connection sends the part begins that is not to be written yet.
    open_to: u64,
    flushed: bool,
}

impl PacketWriter {
    /// Appends a packet to what is to be written; the error says what cannot be encoded.
    pub fn push(&mut self, shared: &Shared, packet: OutgoingPacket) -> Result<(), String> {
        shared.trace(|| format!("-> {packet}"));
        let before = self.buffer.len();
        let result = wire::encode(shared.options.version, packet, &mut self.buffer);
        if result.is_err() {
            self.buffer.truncate(before);
        }
        self.encoded += (self.buffer.len() - before) as u64;
        result
    }

    /// Where the last packet ends in all that this connection sends, in bytes.
    pub fn encoded(&self) -> u64 {
        self.encoded
    }

    /// How many bytes were written.
    pub fn written(&self) -> u64 {
        self.written
    }

    /// What begins at that place in all that this connection sends, where a packet begins, is not to be
    /// written until this is called again.
    pub fn hold_from(&mut self, position: Option<u64>) {
        self.open_to = position.unwrap_or(u64::MAX);
    }

    /// Gives up what is not to be written yet.
    pub fn forget_held(&mut self) {
        let open = self.open();
        self.buffer.truncate(open);
        self.encoded = self.written + open as u64;
        self.open_to = u64::MAX;
    }

    /// How many bytes may be written.
    fn open(&self) -> usize {
        let open = self.open_to.saturating_sub(self.written);
        self.buffer
            .len()
            .min(usize::try_from(open).unwrap_or(usize::MAX))
    }

    /// Whether there is something to write or to flush.
    pub fn has_work(&self) -> bool {
        self.open() > 0 || !self.flushed
    }

    /// Whether so much waits to be written that no more messages should be encoded.
    pub fn is_full(&self) -> bool {
        self.buffer.len() >= UNWRITTEN
    }

    /// Writes what it can and gives the number of bytes; where nothing is left to write, flushes and
    /// gives 0. Nothing is lost when it is dropped before its end.
    pub async fn write(&mut self) -> io::Result<usize> {
        let open = self.open();
        if open == 0 {
            self.stream.flush().await?;
            self.flushed = true;
            return Ok(0);
        }
        let written = self.stream.write(&self.buffer[..open]).await?;
        if written == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        self.buffer.advance(written);
        self.written += written as u64;
        self.flushed = false;
        Ok(written)
    }

    /// Writes and flushes everything.
    pub async fn write_all(&mut self) -> io::Result<()> {
        while self.has_work() {
            self.write().await?;
        }
        Ok(())
    }

    /// Writes everything and closes this direction.
    pub async fn close(&mut self) -> io::Result<()> {
        self.write_all().await?;
        self.stream.shutdown().await
    }
}
