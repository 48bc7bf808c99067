//! Bytes to and from a broker: name lookup, TCP and TLS, each with its own errors.

use std::io;
use std::sync::Arc;
use std::task::Context;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite, ReadHalf};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::address::{Address, Transport};
use super::options::{ClientOptions, TlsOptions};
use super::socket::Socket;
use super::web_socket::Directions;
use super::{tls, web_socket};
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
    pub read: Box<dyn ByteReader>,
    pub write: Box<dyn AsyncWrite + Send + Unpin>,
    pub tls: Option<Agreed>,
}

/// The bytes that come from a broker.
pub trait ByteReader: AsyncRead + Send + Unpin {
    /// Called while nothing is to be read: answers what wants an answer all the same, where there is
    /// something below MQTT that does.
    fn poll_attend(&mut self, _: &mut Context<'_>) {}
}

impl ByteReader for Socket {}

impl<T: AsyncRead + Send + Unpin> ByteReader for ReadHalf<T> {}

/// The TLS version and cipher suite of a connection.
#[derive(Clone, Debug)]
pub struct Agreed {
    pub version: String,
    pub suite: String,
}

/// Connects to the broker that the options name, within their time. `tls` is the configuration where
/// it is spoken.
pub async fn connect(
    options: &ClientOptions,
    tls: Option<&Arc<ClientConfig>>,
) -> Result<Wires, Failure> {
    let timeout = options.connect_timeout;
    let address = &options.address;
    match tokio::time::timeout(timeout, connect_untimed(options, tls)).await {
        Ok(result) => result,
        Err(_) => Err(Failure::passing(Error::run(format!(
            "{} does not answer within {} s",
            address.authority(),
            timeout.as_secs_f64()
        )))),
    }
}

async fn connect_untimed(
    options: &ClientOptions,
    tls: Option<&Arc<ClientConfig>>,
) -> Result<Wires, Failure> {
    let address = &options.address;
    let socket = Socket::new(dial(address).await?);
    let Some(config) = tls else {
        let (read, write): Directions = match address.transport {
            Transport::WebSocket => {
                web_socket::open(address, socket.clone(), options.max_packet).await?
            }
            _ => (Box::new(socket.clone()), Box::new(socket.clone())),
        };
        return Ok(Wires {
            read,
            write,
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
        .map_err(|e| handshake_failure(&e, address, &options.tls))?;
    let agreed = agreed(stream.get_ref().1);
    let (read, write): Directions = match address.transport {
        Transport::WebSocketTls => web_socket::open(address, stream, options.max_packet).await?,
        _ => {
            let (read, write) = tokio::io::split(stream);
            (Box::new(read), Box::new(write))
        }
    };
    Ok(Wires {
        read,
        write,
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

/// A system error without its number.
pub fn plain(error: &io::Error) -> String {
    let text = error.to_string();
    match text.find(" (os error") {
        Some(at) => text[..at].to_lowercase(),
        None => text,
    }
}
