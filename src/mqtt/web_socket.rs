//! MQTT in WebSocket frames (MQTT 3.1.1 and 5, section 6): the payloads of binary frames, one after
//! the other, are the stream of bytes. Everything else in a WebSocket is not MQTT's: pings are
//! answered, pongs passed by, and a close is the end.

use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use async_tungstenite::WebSocketReceiver;
use async_tungstenite::bytes::ByteWriter;
use async_tungstenite::tokio::{TokioAdapter, client_async_with_config};
use async_tungstenite::tungstenite::client::IntoClientRequest;
use async_tungstenite::tungstenite::http::HeaderValue;
use async_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use async_tungstenite::tungstenite::protocol::{CloseFrame, WebSocketConfig};
use async_tungstenite::tungstenite::{
    self, Bytes, Error as WebSocketError, Message as WebSocketMessage, handshake::client::Request,
};
use futures_core::Stream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::address::{Address, Transport};
use super::net::{ByteReader, Failure};
use crate::text::diagnostic::Error;

/// How large a frame may be at least, in bytes, whatever `maxdatalen` is: a broker may put many
/// packets into one, and one that is too large has to come before it can be passed by.
const LARGEST: usize = 64 << 20;

/// How many bytes of frames are kept that come while nothing is to be read; one frame of any size is.
const AHEAD: usize = 256 << 10;

/// Frames of the protocol itself that are dealt with before others have their turn.
const CONTROL_FRAMES: usize = 32;

/// The two directions of an open WebSocket.
pub type Directions = (Box<dyn ByteReader>, Box<dyn AsyncWrite + Send + Unpin>);

/// Opens a WebSocket over `stream`. A packet may be `max_packet` bytes long.
pub async fn open<S>(address: &Address, stream: S, max_packet: usize) -> Result<Directions, Failure>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let request = request(address).map_err(|e| {
        Failure::fatal(Error::run(format!(
            "{address} is not a WebSocket address: {e}"
        )))
    })?;
    // Its fixed header comes with a packet.
    let largest = Some(LARGEST.max(max_packet) + 64 * 1024);
    let config = WebSocketConfig::default()
        .max_frame_size(largest)
        .max_message_size(largest);
    let (socket, response) = client_async_with_config(request, stream, Some(config))
        .await
        .map_err(|e| failure(&e, address))?;
    let protocol = response.headers().get("Sec-WebSocket-Protocol");
    if protocol.is_none_or(|name| name.as_bytes() != b"mqtt") {
        return Err(Failure::fatal(Error::run(format!(
            "the WebSocket at {address} does not speak MQTT"
        ))));
    }
    let (sender, receiver) = socket.split();
    let reader = WebSocketReader {
        receiver,
        payload: Bytes::new(),
        ahead: VecDeque::new(),
        ahead_bytes: 0,
    };
    Ok((Box::new(reader), Box::new(ByteWriter::new(sender))))
}

fn request(address: &Address) -> Result<Request, WebSocketError> {
    let scheme = match address.transport {
        Transport::WebSocketTls => "wss",
        _ => "ws",
    };
    let url = format!("{scheme}://{}{}", address.authority(), address.path);
    let mut request = url.into_client_request()?;
    request
        .headers_mut()
        .insert("Sec-WebSocket-Protocol", HeaderValue::from_static("mqtt"));
    Ok(request)
}

fn failure(error: &WebSocketError, address: &Address) -> Failure {
    match error {
        WebSocketError::Http(response) => {
            let status = response.status();
            let error = Error::run(format!(
                "{address} answers with HTTP status {status} instead of a WebSocket"
            ));
            // A proxy says so while its broker is away.
            match status.is_server_error() {
                true => Failure::passing(error.help("the broker behind it may be down")),
                false => Failure::fatal(
                    error.help("check the path after the port; many brokers use /mqtt"),
                ),
            }
        }
        other => Failure::passing(
            Error::run(format!("{address} does not open a WebSocket: {other}"))
                .help("check the port: brokers have one of their own for WebSockets"),
        ),
    }
}

/// The bytes that come.
struct WebSocketReader<S> {
    receiver: WebSocketReceiver<TokioAdapter<S>>,
    /// Has come and is not read yet.
    payload: Bytes,
    /// Frames that follow it: what came while nothing was to be read.
    ahead: VecDeque<Frame>,
    /// The bytes of these.
    ahead_bytes: usize,
}

/// What comes; `None` is the end.
type Frame = Option<io::Result<WebSocketMessage>>;

impl<S: AsyncRead + AsyncWrite + Unpin> WebSocketReader<S> {
    /// The next frame, of those that came before it was asked for first.
    fn next_frame(&mut self, cx: &mut Context<'_>) -> Poll<Frame> {
        match self.ahead.pop_front() {
            Some(frame) => {
                self.ahead_bytes -= size(&frame);
                Poll::Ready(frame)
            }
            None => self.poll_frame(cx),
        }
    }

    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Frame> {
        let frame = ready!(Pin::new(&mut self.receiver).poll_next(cx));
        Poll::Ready(frame.map(|frame| frame.map_err(to_io)))
    }

    /// The end, after the broker's close frame was answered as far as it can be at once: a broker
    /// that does not close its side is not waited for.
    fn end(&mut self, close: Option<CloseFrame>, cx: &mut Context<'_>) -> io::Result<()> {
        let _ = self.poll_frame(cx);
        match close {
            Some(close) if close.code != CloseCode::Normal || !close.reason.is_empty() => {
                Err(io::Error::new(ErrorKind::ConnectionAborted, closed(&close)))
            }
            _ => Ok(()),
        }
    }
}

/// A ping is answered when what follows it is asked for. So something is: frames that come are kept, up
/// to a bound, and there a ping has to wait until it is reached.
impl<S: AsyncRead + AsyncWrite + Send + Unpin> ByteReader for WebSocketReader<S> {
    fn poll_attend(&mut self, cx: &mut Context<'_>) {
        for _ in 0..CONTROL_FRAMES {
            let ended = matches!(self.ahead.back(), Some(None | Some(Err(_))));
            if ended || self.ahead_bytes >= AHEAD {
                return;
            }
            match self.poll_frame(cx) {
                Poll::Ready(Some(Ok(WebSocketMessage::Ping(_) | WebSocketMessage::Pong(_)))) => {}
                Poll::Ready(frame) => {
                    self.ahead_bytes += size(&frame);
                    self.ahead.push_back(frame);
                }
                Poll::Pending => return,
            }
        }
        cx.waker().wake_by_ref();
    }
}

/// What a frame takes while it is kept.
fn size(frame: &Frame) -> usize {
    let payload = match frame {
        Some(Ok(message)) => message.len(),
        _ => 0,
    };
    size_of::<Frame>() + payload
}

fn closed(close: &CloseFrame) -> String {
    let reason = match close.reason.as_str() {
        "" => String::new(),
        reason => format!(" ({reason})"),
    };
    format!(
        "the broker closed the WebSocket with code {}{reason}",
        u16::from(close.code)
    )
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for WebSocketReader<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        for _ in 0..CONTROL_FRAMES {
            if !self.payload.is_empty() {
                let most = self.payload.len().min(buffer.remaining());
                buffer.put_slice(&self.payload.split_to(most));
                return Poll::Ready(Ok(()));
            }
            match ready!(self.next_frame(cx)) {
                Some(Ok(WebSocketMessage::Binary(payload))) => self.payload = payload,
                // A ping is answered by the library when it reads or writes next.
                Some(Ok(WebSocketMessage::Ping(_) | WebSocketMessage::Pong(_))) => {}
                Some(Ok(WebSocketMessage::Close(close))) => {
                    return Poll::Ready(self.end(close, cx));
                }
                Some(Ok(WebSocketMessage::Text(_) | WebSocketMessage::Frame(_))) => {
                    return Poll::Ready(Err(io::Error::new(
                        ErrorKind::InvalidData,
                        "the broker sent a WebSocket frame that is not binary, which MQTT forbids",
                    )));
                }
                Some(Err(error)) => return Poll::Ready(Err(error)),
                None => return Poll::Ready(Ok(())),
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

fn to_io(error: WebSocketError) -> io::Error {
    match error {
        WebSocketError::Io(error) => error,
        WebSocketError::Capacity(tungstenite::error::CapacityError::MessageTooLong {
            size,
            max_size,
        }) => io::Error::new(
            ErrorKind::InvalidData,
            format!("a WebSocket frame of {size} bytes came, and {max_size} are taken at most"),
        ),
        other => io::Error::new(ErrorKind::InvalidData, other.to_string()),
    }
}
