//! The TCP socket of a connection. The runtime can be told not to watch it for a while.
//!
//! The runtime wakes its thread for each arrival at a socket that it watches, even when nobody waits
//! to read. In a flood that costs more than the messages themselves. So a connection that rests
//! between two reads takes its socket away from the runtime, reads and writes it directly, and gives
//! it back as soon as it has to wait for it.

use std::io::{self, IoSlice, Read, Write};
use std::net::Shutdown;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use crate::text::wait::lock;

/// A socket; its clones are the same one.
#[derive(Clone)]
pub struct Socket(Arc<Mutex<State>>);

struct State {
    watch: Watch,
    /// Whether the other end has not been told of all that was read: what is written tells it along
    /// the way.
    untold: bool,
}

enum Watch {
    Watched(TcpStream),
    /// Not blocking, and not known to the runtime.
    Unwatched(std::net::TcpStream),
    /// It could not change hands.
    Gone,
}

impl Socket {
    pub fn new(stream: TcpStream) -> Socket {
        Socket(Arc::new(Mutex::new(State {
            watch: Watch::Watched(stream),
            untold: false,
        })))
    }

    /// Lets arrivals wake nobody until somebody waits for the socket again.
    pub fn unwatch(&self) {
        let watch = &mut lock(&self.0).watch;
        *watch = match std::mem::replace(watch, Watch::Gone) {
            Watch::Watched(stream) => stream.into_std().map_or(Watch::Gone, Watch::Unwatched),
            other => other,
        };
    }

    /// Tells the other end at once what has been read, where the system can: its TCP may hold back what
    /// it has to send until it knows (Nagle's algorithm), and ours waits up to 40 ms for something of
    /// ours to send along. The system forgets the wish, so it is told after each read that no write has
    /// followed.
    pub fn acknowledge(&self) {
        #[cfg(any(target_os = "linux", target_os = "android"))]
        {
            use std::os::linux::net::TcpStreamExt;

            let mut state = lock(&self.0);
            if !std::mem::take(&mut state.untold) {
                return;
            }
            // Where it fails the connection is lost, and reading says so.
            let _ = match &state.watch {
                Watch::Watched(stream) => stream.set_quickack(true),
                Watch::Unwatched(stream) => stream.set_quickack(true),
                Watch::Gone => Ok(()),
            };
        }
    }

    /// Does `directly` if the socket is not watched and need not be waited for, `by_runtime` otherwise.
    fn poll<T>(
        &self,
        directly: impl FnOnce(&std::net::TcpStream) -> io::Result<T>,
        by_runtime: impl FnOnce(Pin<&mut TcpStream>) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        let watch = &mut lock(&self.0).watch;
        if let Watch::Unwatched(stream) = watch {
            match directly(stream) {
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => {}
                done => return Poll::Ready(done),
            }
        }
        by_runtime(Pin::new(watch.watched()?))
    }

    /// Bytes were read.
    fn has_read(&self) {
        lock(&self.0).untold = true;
    }

    /// Bytes were written, if so many are not none.
    fn has_written(&self, written: &Poll<io::Result<usize>>) {
        if matches!(written, Poll::Ready(Ok(1..))) {
            lock(&self.0).untold = false;
        }
    }
}

impl Watch {
    fn watched(&mut self) -> io::Result<&mut TcpStream> {
        if let Watch::Unwatched(_) = self
            && let Watch::Unwatched(stream) = std::mem::replace(self, Watch::Gone)
        {
            *self = Watch::Watched(TcpStream::from_std(stream)?);
        }
        match self {
            Watch::Watched(stream) => Ok(stream),
            _ => Err(io::Error::other("the socket is gone")),
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        // Two closures need the buffer, one after the other.
        let buffer = std::cell::RefCell::new(buffer);
        let filled = ready!(self.poll(
            |mut stream| stream.read(buffer.borrow_mut().initialize_unfilled()),
            |stream| {
                let mut buffer = buffer.borrow_mut();
                // It counts what it fills by itself.
                stream.poll_read(cx, &mut buffer).map_ok(|()| 0)
            },
        ))?;
        buffer.borrow_mut().advance(filled);
        self.has_read();
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = self.poll(
            |mut stream| stream.write(bytes),
            |stream| stream.poll_write(cx, bytes),
        );
        self.has_written(&written);
        written
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = self.poll(
            |mut stream| stream.write_vectored(pieces),
            |stream| stream.poll_write_vectored(cx, pieces),
        );
        self.has_written(&written);
        written
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        // TCP keeps nothing back here.
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll(
            |stream| stream.shutdown(Shutdown::Write),
            |stream| stream.poll_shutdown(cx),
        )
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    /// Both ends of a connection, the first as a [`Socket`].
    async fn pair() -> (Socket, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("bound");
        let (here, there) = tokio::join!(TcpStream::connect(address), listener.accept());
        (
            Socket::new(here.expect("connected")),
            there.expect("accepted").0,
        )
    }

    fn is_watched(socket: &Socket) -> bool {
        matches!(lock(&socket.0).watch, Watch::Watched(_))
    }

    #[test]
    fn it_is_watched_again_only_when_somebody_has_to_wait() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        runtime.block_on(async {
            let (mut socket, mut other) = pair().await;
            socket.unwatch();
            socket.write_all(b"ping").await.expect("written");
            let mut read = [0; 4];
            other.read_exact(&mut read).await.expect("came");
            assert_eq!(&read, b"ping");
            other.write_all(b"pong").await.expect("written");
            // Loopback delivers before the write returns.
            socket.read_exact(&mut read).await.expect("came");
            assert_eq!(&read, b"pong");
            assert!(!is_watched(&socket));
            assert!(
                lock(&socket.0).untold,
                "what was read last is not acknowledged"
            );
            socket.write_all(b"ping").await.expect("written");
            assert!(!lock(&socket.0).untold, "what was written acknowledges it");
            other.read_exact(&mut read).await.expect("came");
            let (waited, _) = tokio::join!(socket.read_exact(&mut read), async {
                tokio::task::yield_now().await;
                other.write_all(b"late").await
            });
            waited.expect("came");
            assert_eq!(&read, b"late");
            assert!(is_watched(&socket));
            // The end is seen in either state.
            socket.unwatch();
            drop(other);
            assert_eq!(socket.read(&mut read).await.expect("the end"), 0);
        });
    }
}
