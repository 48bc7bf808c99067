//! Bytes to and from a broker: name lookup, TCP, TLS and WebSocket, each with its own errors.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use async_tungstenite::bytes::{ByteReader, ByteWriter};
use async_tungstenite::tungstenite::client::IntoClientRequest;
use async_tungstenite::tungstenite::http::HeaderValue;
use async_tungstenite::tungstenite::{self, handshake::client::Request};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::address::{Address, Transport};
use super::options::TlsOptions;
use super::socket::Socket;
use super::tls;
use crate::text::diagnostic::Error;

/// A connection that has not been made.
pub struct Failure {
    pub error: Error,
    /// Whether trying again is of no use.
    pub fatal: bool,
}

impl Failure {
    pub fn passing(error: Error) -> Failure {
        Failure {
            error,
            fatal: false,
        }
    }

    pub fn fatal(error: Error) -> Failure {
        Failure { error, fatal: true }
    }
}

/// An open connection: the two directions, and what TLS agreed on.
pub struct Wires {
    /// What is below the two directions.
    pub socket: Socket,
    pub read: Box<dyn AsyncRead + Send + Unpin>,
    pub write: Box<dyn AsyncWrite + Send + Unpin>,
    pub tls: Option<Agreed>,
}

/// The TLS version and cipher suite of a connection.
#[derive(Clone, Debug)]
pub struct Agreed {
    pub version: String,
    pub suite: String,
}

/// Connects to `address`, within `timeout` in all.
pub async fn connect(
    address: &Address,
    tls: Option<(&Arc<ClientConfig>, &TlsOptions)>,
    timeout: Duration,
) -> Result<Wires, Failure> {
    match tokio::time::timeout(timeout, connect_untimed(address, tls)).await {
        Ok(result) => result,
        Err(_) => Err(Failure::passing(Error::run(format!(
            "{} does not answer within {} s",
            address.authority(),
            timeout.as_secs_f64()
        )))),
    }
}

async fn connect_untimed(
    address: &Address,
    tls: Option<(&Arc<ClientConfig>, &TlsOptions)>,
) -> Result<Wires, Failure> {
    let socket = Socket::new(dial(address).await?);
    let Some((config, options)) = tls else {
        if address.transport == Transport::WebSocket {
            return web_socket(address, socket.clone(), socket, None).await;
        }
        return Ok(Wires {
            read: Box::new(socket.clone()),
            write: Box::new(socket.clone()),
            tls: None,
            socket,
        });
    };
    let name = ServerName::try_from(address.host.clone()).map_err(|_| {
        Failure::fatal(Error::run(format!(
            "`{}` is not a name that a certificate can be for",
            address.host
        )))
    })?;
    let stream = TlsConnector::from(config.clone())
        .connect(name, socket.clone())
        .await
        .map_err(|e| handshake_failure(&e, address, options))?;
    let agreed = agreed(stream.get_ref().1);
    if address.transport == Transport::WebSocketTls {
        return web_socket(address, stream, socket, agreed).await;
    }
    let (read, write) = tokio::io::split(stream);
    Ok(Wires {
        read: Box::new(read),
        write: Box::new(write),
        tls: agreed,
        socket,
    })
}

/// Looks the host up and connects to the first of its addresses that answers.
async fn dial(address: &Address) -> Result<TcpStream, Failure> {
    let found = tokio::net::lookup_host((address.host.as_str(), address.port))
        .await
        .map_err(|e| {
            Failure::passing(
                Error::run(format!("host `{}` cannot be found: {e}", address.host))
                    .help("check its spelling, and that this machine has a network"),
            )
        })?;
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for socket in found {
        match TcpStream::connect(socket).await {
            Ok(stream) => {
                // Batches are made here; what is written should leave at once.
                let _ = stream.set_nodelay(true);
                return Ok(stream);
            }
            Err(error) => last = error,
        }
    }
    let at = address.authority();
    Err(Failure::passing(match last.kind() {
        io::ErrorKind::ConnectionRefused => Error::run(format!(
            "{at} refuses the connection: nothing listens on that port"
        ))
        .help("check host and port, and that the broker runs"),
        _ => Error::run(format!("{at} cannot be reached: {}", plain(&last))),
    }))
}

fn agreed(connection: &rustls::ClientConnection) -> Option<Agreed> {
    let version = match connection.protocol_version()? {
        rustls::ProtocolVersion::TLSv1_2 => "TLS 1.2".to_owned(),
        rustls::ProtocolVersion::TLSv1_3 => "TLS 1.3".to_owned(),
        other => format!("{other:?}"),
    };
    let suite = tls::iana_name(&connection.negotiated_cipher_suite()?);
    Some(Agreed { version, suite })
}

fn handshake_failure(error: &io::Error, address: &Address, options: &TlsOptions) -> Failure {
    if let Some(explained) = tls::explain(error, address, options) {
        return Failure::fatal(explained);
    }
    let at = address.authority();
    Failure::passing(
        Error::run(format!(
            "{at} broke off the TLS handshake: {}",
            plain(error)
        ))
        .help("it may be a plain port: try tcp://, or the port for TLS, usually 8883"),
    )
}

async fn web_socket<S>(
    address: &Address,
    stream: S,
    below: Socket,
    tls: Option<Agreed>,
) -> Result<Wires, Failure>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let request = web_request(address).map_err(|e| {
        Failure::fatal(Error::run(format!(
            "{address} is not a WebSocket address: {e}"
        )))
    })?;
    let (socket, response) = async_tungstenite::tokio::client_async(request, stream)
        .await
        .map_err(|e| web_failure(&e, address))?;
    let protocol = response.headers().get("Sec-WebSocket-Protocol");
    if protocol.is_none_or(|name| name.as_bytes() != b"mqtt") {
        return Err(Failure::fatal(Error::run(format!(
            "the WebSocket at {address} does not speak MQTT"
        ))));
    }
    let (sender, receiver) = socket.split();
    Ok(Wires {
        read: Box::new(ByteReader::new(receiver)),
        write: Box::new(ByteWriter::new(sender)),
        tls,
        socket: below,
    })
}

fn web_request(address: &Address) -> Result<Request, tungstenite::Error> {
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

fn web_failure(error: &tungstenite::Error, address: &Address) -> Failure {
    match error {
        tungstenite::Error::Http(response) => Failure::fatal(
            Error::run(format!(
                "{address} answers with HTTP status {} instead of a WebSocket",
                response.status()
            ))
            .help("check the path after the port; many brokers use /mqtt"),
        ),
        other => Failure::passing(
            Error::run(format!("{address} does not open a WebSocket: {other}"))
                .help("check the port: brokers have one of their own for WebSockets"),
        ),
    }
}

/// A system error without its number.
pub fn plain(error: &io::Error) -> String {
    let text = error.to_string();
    match text.find(" (os error") {
        Some(at) => text[..at].to_lowercase(),
        None => text,
    }
}
