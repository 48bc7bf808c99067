//! Requests to web servers, for `json:request`.

use std::io;
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Duration;

use rustls::{CertificateError, Error as TlsError};
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::{Agent, Error as HttpError};

use crate::model::Cx;
use crate::text::diagnostic::{Error, Result};
use crate::text::wait::{Received, Token, queue};

/// A larger answer is refused.
const LARGEST: u64 = 64 << 20;

/// How long a server may take for all of its answer.
const PATIENCE: Duration = Duration::from_secs(60);

/// The body of the answer to a GET request for `url`.
///
/// Redirects are followed, ten at most. The proxy that the environment names (`HTTPS_PROXY` and the
/// like) is used. A certificate is checked against the system's CAs.
///
/// # Errors
///
/// No address, no connection, no answer in a minute, a status other than 2xx, an answer of more than
/// 64 MiB; a stop of the query.
pub fn get(cx: &Cx, url: &str) -> Result<Vec<u8>> {
    check(url)?;
    let (answer, answered) = queue(1);
    let asked = url.to_owned();
    // The request cannot be interrupted, the wait for it can: a thread that nobody waits for ends by
    // itself when its patience does.
    thread::Builder::new()
        .name("http".to_owned())
        .spawn(move || answer.send(fetch(&asked), &Token::new()))
        .map_err(|e| Error::run(format!("cannot ask {url}: {e}")))?;
    match answered.recv(None, &cx.token)? {
        Received::Item(body) => body,
        Received::End | Received::Late => Err(Error::run(format!("{url} was not asked"))),
    }
}

fn check(url: &str) -> Result<()> {
    let scheme = url.split_once("://").map_or("", |(scheme, _)| scheme);
    if ["http", "https"]
        .iter()
        .any(|s| s.eq_ignore_ascii_case(scheme))
    {
        return Ok(());
    }
    Err(
        Error::run(format!("{url:?} is not the address of a web server"))
            .help("it begins with http:// or https://"),
    )
}

fn fetch(url: &str) -> Result<Vec<u8>> {
    let mut answer = agent().get(url).call().map_err(|e| failed(url, e))?;
    let status = answer.status();
    if !status.is_success() {
        return Err(Error::run(format!("{url} answers {status}")));
    }
    let body = answer.body_mut().with_config().limit(LARGEST);
    body.read_to_vec().map_err(|e| failed(url, e))
}

/// The client of all requests: the system's CAs are read once. No connection is kept, as a server may
/// close it just when it is used again.
fn agent() -> &'static Agent {
    static AGENT: OnceLock<Agent> = OnceLock::new();
    AGENT.get_or_init(|| {
        let cas: Vec<_> = rustls_native_certs::load_native_certs()
            .certs
            .iter()
            .map(|der| Certificate::from_der(der).to_owned())
            .collect();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = TlsConfig::builder()
            .unversioned_rustls_crypto_provider(provider)
            .root_certs(RootCerts::new_with_certs(&cas))
            .build();
        Agent::config_builder()
            .tls_config(tls)
            .http_status_as_error(false)
            .timeout_global(Some(PATIENCE))
            .max_idle_connections(0)
            .user_agent(concat!("osql/", env!("CARGO_PKG_VERSION")))
            .accept("application/json")
            .build()
            .new_agent()
    })
}

/// The error of a request in words.
fn failed(url: &str, error: HttpError) -> Error {
    let (why, help) = match &error {
        HttpError::Io(error) => match error.get_ref().and_then(|e| e.downcast_ref()) {
            Some(tls) => handshake(tls),
            None => connection(error),
        },
        HttpError::Rustls(tls) => handshake(tls),
        HttpError::HostNotFound => ("there is no such host".to_owned(), None),
        HttpError::Timeout(_) => (
            format!("it took more than {} seconds", PATIENCE.as_secs()),
            None,
        ),
        HttpError::BodyExceedsLimit(_) => {
            (format!("the answer is larger than {LARGEST} bytes"), None)
        }
        HttpError::TooManyRedirects => ("it is redirected without end".to_owned(), None),
        HttpError::Protocol(fault) => (format!("it does not answer in HTTP: {fault}"), None),
        other => (other.to_string(), None),
    };
    let error = Error::run(format!("cannot read {url}: {why}"));
    match help {
        Some(help) => error.help(help),
        None => error,
    }
}

fn connection(error: &io::Error) -> (String, Option<&'static str>) {
    let why = match error.kind() {
        io::ErrorKind::ConnectionRefused => "the connection is refused".to_owned(),
        io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset => {
            "the connection was closed before the whole answer came".to_owned()
        }
        _ => {
            let text = error.to_string();
            text.split(" (os error")
                .next()
                .unwrap_or_default()
                .to_owned()
        }
    };
    (why, None)
}

fn handshake(error: &TlsError) -> (String, Option<&'static str>) {
    match error {
        TlsError::InvalidCertificate(CertificateError::UnknownIssuer) => (
            "its certificate is not from a CA that this system trusts".to_owned(),
            Some("SSL_CERT_FILE names a file with the CAs to trust instead of the system's"),
        ),
        TlsError::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        ) => ("its certificate is for another name".to_owned(), None),
        TlsError::InvalidCertificate(
            CertificateError::Expired | CertificateError::ExpiredContext { .. },
        ) => ("its certificate has expired".to_owned(), None),
        TlsError::InvalidMessage(_) => (
            "it does not answer in TLS".to_owned(),
            Some("it may speak http:// only"),
        ),
        other => (format!("TLS failed: {other}"), None),
    }
}
