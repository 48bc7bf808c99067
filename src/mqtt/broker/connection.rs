//! One client's connection: CONNECT first, then a reader and a writer side by side until one ends.

use std::io;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::BytesMut;
use rumqttc_v5::mqttbytes::v5::{Connect, Disconnect, LastWill};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, split};
use tokio::time::{Instant, timeout, timeout_at};

use super::exchange::{Caller, Exchange, Next, refused};
use super::packets::{self, ConnectCode, LONGEST, Packet, Reason};
use super::session::ConnectionSignals;
use crate::mqtt::options::Version;
use crate::text::wait::lock;

/// How long a client may take until its CONNECT is there, and the broker for its last words.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// The longest CONNECT: two texts and a will of the greatest length, and a little more.
const LONGEST_CONNECT: usize = 256 << 10;

/// How much is read at a time.
const CHUNK: usize = 64 << 10;

/// With so many bytes of answers that a client does not take, no more is read from it.
const MOST_UNWRITTEN: usize = 256 << 10;

/// Speaks MQTT with a client until one of the two ends it.
pub async fn serve<S: AsyncRead + AsyncWrite>(stream: S, exchange: Arc<Mutex<Exchange>>) {
    let (mut read, mut write) = split(stream);
    let mut buffer = BytesMut::new();
    let first = timeout(PATIENCE, greet(&mut read, &mut write, &mut buffer)).await;
    // Too slow, gone, or no MQTT: there is nothing to say.
    let Ok(Ok((version, connect, will))) = first else {
        return;
    };
    let keep_alive = Duration::from_secs(connect.keep_alive.into());
    let signals = Arc::<ConnectionSignals>::default();
    let opened = lock(&exchange).connect(version, connect, will, signals.clone());
    let caller = match opened {
        Ok(caller) => caller,
        Err(code) => {
            let _ = timeout(PATIENCE, say(version, refused(code), &mut write)).await;
            return;
        }
    };
    let line = Line {
        version,
        caller,
        exchange,
        signals,
        // MQTT 5, section 3.1.2.10: one and a half times what was agreed on.
        silence: (!keep_alive.is_zero()).then(|| keep_alive.mul_f32(1.5)),
    };
    let mut writing = pin!(line.write(&mut write));
    let ended = tokio::select! {
        ended = line.read(&mut read, &mut buffer) => ended,
        _ = &mut writing => Ok(()),
    };
    if let Err(reason) = ended {
        lock(&line.exchange).end(&line.caller, reason);
        let _ = timeout(PATIENCE, writing).await;
    }
    lock(&line.exchange).leave(&line.caller);
}

/// Reads CONNECT. An error is that the connection must end without a word.
async fn greet(
    read: &mut (impl AsyncRead + Unpin),
    write: &mut (impl AsyncWrite + Unpin),
    buffer: &mut BytesMut,
) -> Result<(Version, Connect, Option<LastWill>), Reason> {
    loop {
        let version = match packets::protocol_level(buffer)? {
            Some(4) => Some(Version::V4),
            Some(5) => Some(Version::V5),
            Some(_) => {
                let packet = refused(ConnectCode::UnsupportedProtocolVersion);
                let _ = say(Version::V4, packet, write).await;
                return Err(Reason::ProtocolError);
            }
            None => None,
        };
        if let Some(version) = version
            && let Some(packet) = packets::read(version, buffer, LONGEST_CONNECT)?
        {
            return match packet {
                Packet::Connect(connect, will, _) => Ok((version, connect, will)),
                _ => Err(Reason::ProtocolError),
            };
        }
        more(read, buffer).await?;
    }
}

/// Reads what has come. The end of the stream is an error.
async fn more(read: &mut (impl AsyncRead + Unpin), buffer: &mut BytesMut) -> Result<(), Reason> {
    buffer.reserve(CHUNK);
    match read.read_buf(buffer).await {
        Ok(1..) => Ok(()),
        _ => Err(Reason::UnspecifiedError),
    }
}

/// Writes one packet.
async fn say(
    version: Version,
    packet: Packet,
    write: &mut (impl AsyncWrite + Unpin),
) -> io::Result<()> {
    let mut out = BytesMut::new();
    packets::write(version, packet, &mut out);
    write.write_all(&out).await?;
    write.flush().await
}

/// A connection whose client was welcomed.
struct Line {
    version: Version,
    caller: Caller,
    exchange: Arc<Mutex<Exchange>>,
    signals: Arc<ConnectionSignals>,
    /// How long the client may say nothing.
    silence: Option<Duration>,
}

impl Line {
    /// Takes the client's packets. `Ok` is that it said goodbye, the error why it must go.
    async fn read(
        &self,
        read: &mut (impl AsyncRead + Unpin),
        buffer: &mut BytesMut,
    ) -> Result<(), Reason> {
        let mut heard = Instant::now();
        loop {
            while let Some(packet) = packets::read(self.version, buffer, LONGEST)? {
                heard = Instant::now();
                if lock(&self.exchange).handle(&self.caller, packet)? {
                    return Ok(());
                }
            }
            let next = async {
                while lock(&self.exchange).unwritten(&self.caller) > MOST_UNWRITTEN {
                    self.signals.drained.notified().await;
                }
                more(read, buffer).await
            };
            match self.silence {
                Some(silence) => timeout_at(heard + silence, next)
                    .await
                    .map_err(|_| Reason::KeepAliveTimeout)??,
                None => next.await?,
            }
        }
    }

    /// Writes what is in line for the client, until the broker ends the connection or the client does
    /// not take it.
    async fn write(&self, write: &mut (impl AsyncWrite + Unpin)) -> io::Result<()> {
        loop {
            let next = lock(&self.exchange).next(&self.caller);
            match next {
                Next::Bytes(bytes) => {
                    write.write_all(&bytes).await?;
                    write.flush().await?;
                    self.signals.drained.notify_one();
                }
                Next::Wait => self.signals.wake.notified().await,
                Next::End(reason) => {
                    let packet = Packet::Disconnect(Disconnect::new(reason));
                    say(self.version, packet, write).await?;
                    return write.shutdown().await;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::task::yield_now;

    use super::*;

    /// Long enough for all that can go on without the client to have gone on.
    async fn idle() {
        for _ in 0..1_000 {
            yield_now().await;
        }
    }

    #[test]
    fn from_a_client_that_takes_no_answers_nothing_more_is_read() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .expect("a runtime");
        runtime.block_on(async {
            let (mut client, server) = tokio::io::duplex(4096);
            tokio::spawn(serve(server, Arc::default()));
            let connect = b"\x10\x0d\0\x04MQTT\x04\x02\0\0\0\x01c";
            client.write_all(connect).await.expect("sent");
            let pings = b"\xc0\0".repeat(1_000);
            let mut sent = 0;
            while sent < 4 << 20 {
                tokio::select! {
                    biased;
                    written = client.write(&pings[sent % 2..]) => sent += written.expect("sent"),
                    () = idle() => break,
                }
            }
            assert!(sent < 1 << 20, "{sent} bytes were read");
            let mut answers = vec![0; 4 + sent / 2 * 2];
            client.read_exact(&mut answers).await.expect("all answers");
            assert!(answers.ends_with(b"\xd0\0"));
        });
    }
}
