//! Where a broker is and how it is spoken to: the `connection` URL.

use std::fmt;

use crate::text::diagnostic::{Error, Result, nearest};

/// How bytes travel to the broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    Tcp,
    Tls,
    /// MQTT in WebSocket frames (MQTT 3.1.1 and 5, section 6).
    WebSocket,
    WebSocketTls,
}

impl Transport {
    pub fn is_tls(self) -> bool {
        matches!(self, Transport::Tls | Transport::WebSocketTls)
    }

    /// The port that is meant where none is given.
    pub fn default_port(self) -> u16 {
        match self {
            Transport::Tcp => 1883,
            Transport::Tls => 8883,
            Transport::WebSocket => 80,
            Transport::WebSocketTls => 443,
        }
    }

    fn scheme(self) -> &'static str {
        match self {
            Transport::Tcp => "tcp",
            Transport::Tls => "ssl",
            Transport::WebSocket => "ws",
            Transport::WebSocketTls => "wss",
        }
    }
}

const SCHEMES: [(&str, Transport); 7] = [
    ("tcp", Transport::Tcp),
    ("mqtt", Transport::Tcp),
    ("ssl", Transport::Tls),
    ("tls", Transport::Tls),
    ("mqtts", Transport::Tls),
    ("ws", Transport::WebSocket),
    ("wss", Transport::WebSocketTls),
];

/// A broker's address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    pub transport: Transport,
    /// A host name or an IP address, without brackets.
    pub host: String,
    pub port: u16,
    /// What a WebSocket asks for; begins with a slash.
    pub path: String,
}

impl Address {
    pub fn new(transport: Transport, host: &str, port: Option<u16>) -> Address {
        Address {
            transport,
            host: host.to_owned(),
            port: port.unwrap_or(transport.default_port()),
            path: "/mqtt".to_owned(),
        }
    }

    /// Reads `[scheme://]host[:port][/path]`; an IPv6 address stands in brackets. Without a scheme
    /// it is plain TCP.
    pub fn parse(url: &str) -> Result<Address> {
        let fault = |what: String| {
            Err(
                Error::run(format!("connection `{}`: {what}", hide_login(url)))
                    .help("write scheme://host:port, where scheme is tcp, ssl, ws or wss"),
            )
        };
        let (transport, rest) = match url.split_once("://") {
            Some((scheme, rest)) => {
                let lower = scheme.to_ascii_lowercase();
                match SCHEMES.iter().find(|(name, _)| *name == lower) {
                    Some((_, transport)) => (*transport, rest),
                    None => {
                        let near = nearest(&lower, SCHEMES.iter().map(|(name, _)| *name))
                            .map(|name| format!(", did you mean `{name}`?"))
                            .unwrap_or_default();
                        return fault(format!("`{scheme}` is not a known scheme{near}"));
                    }
                }
            }
            None => (Transport::Tcp, url),
        };
        let (authority, path) = match rest.find('/') {
            Some(at) => (&rest[..at], &rest[at..]),
            None => (rest, ""),
        };
        if authority.contains('@') {
            return fault("a login does not belong here".into())
                .map_err(|e| e.help("give it in the options username and password"));
        }
        let (host, port) = match split_port(authority) {
            Some(parts) => parts,
            None => return fault("the host is not readable".into()),
        };
        if host.is_empty() || host.contains(char::is_whitespace) {
            return fault("a host name is missing".into());
        }
        let port = match port.map(str::parse::<u16>) {
            None => None,
            Some(Ok(port)) if port > 0 => Some(port),
            Some(_) => return fault("the port is a number from 1 to 65535".into()),
        };
        let mut address = Address::new(transport, host, port);
        let web = matches!(transport, Transport::WebSocket | Transport::WebSocketTls);
        if path.len() > 1 && !web {
            return fault("only a WebSocket has a path".into());
        }
        if web && !path.is_empty() {
            address.path = path.to_owned();
        }
        Ok(address)
    }

    /// Host and port, an IPv6 address in brackets.
    pub fn authority(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.transport.scheme(), self.authority())?;
        match self.transport {
            // Behind the question mark a token may stand.
            Transport::WebSocket | Transport::WebSocketTls => match self.path.split_once('?') {
                Some((path, _)) => write!(f, "{path}?…"),
                None => f.write_str(&self.path),
            },
            _ => Ok(()),
        }
    }
}

/// Host and port; the host without brackets. `None` if brackets do not pair.
fn split_port(authority: &str) -> Option<(&str, Option<&str>)> {
    if let Some(inner) = authority.strip_prefix('[') {
        let (host, rest) = inner.split_once(']')?;
        return match rest.strip_prefix(':') {
            Some(port) => Some((host, Some(port))),
            None if rest.is_empty() => Some((host, None)),
            None => None,
        };
    }
    match authority.split_once(':') {
        // More colons: an IPv6 address without brackets and without a port.
        Some((_, port)) if port.contains(':') => Some((authority, None)),
        Some((host, port)) => Some((host, Some(port))),
        None => Some((authority, None)),
    }
}

/// The URL without what may be a password.
fn hide_login(url: &str) -> String {
    let (url, query) = url
        .split_once('?')
        .map_or((url, ""), |(url, _)| (url, "?…"));
    let shown = match (url.find("://"), url.rfind('@')) {
        (Some(scheme), Some(at)) if at > scheme => {
            format!("{}…{}", &url[..scheme + 3], &url[at..])
        }
        (None, Some(at)) => format!("…{}", &url[at..]),
        _ => url.to_owned(),
    };
    shown + query
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_of_every_scheme_are_read() {
        for (url, shown) in [
            ("tcp://h", "tcp://h:1883"),
            ("mqtt://h:1", "tcp://h:1"),
            (
                "SSL://test.mosquitto.org:8883",
                "ssl://test.mosquitto.org:8883",
            ),
            ("mqtts://h", "ssl://h:8883"),
            ("tls://[::1]", "ssl://[::1]:8883"),
            ("ws://h", "ws://h:80/mqtt"),
            ("wss://h:8084/a/b", "wss://h:8084/a/b"),
            ("h:1883", "tcp://h:1883"),
            ("tcp://h:1883/", "tcp://h:1883"),
            ("fe80::1", "tcp://[fe80::1]:1883"),
        ] {
            assert_eq!(Address::parse(url).expect(url).to_string(), shown);
        }
    }

    #[test]
    fn bad_urls_say_what_is_wrong() {
        for (url, fault) in [
            ("http://h", "not a known scheme"),
            ("sls://h", "did you mean `ssl`"),
            ("tcp://", "host name is missing"),
            ("tcp://h:99999", "from 1 to 65535"),
            ("tcp://h:x", "from 1 to 65535"),
            ("tcp://[::1", "not readable"),
            ("tcp://h/path", "only a WebSocket"),
        ] {
            let error = Address::parse(url).expect_err(url);
            assert!(error.message().contains(fault), "{url}: {error}");
        }
    }

    #[test]
    fn a_login_in_the_url_is_refused_and_not_shown() {
        let error = Address::parse("tcp://me:secret@h").expect_err("refused");
        assert!(!error.render(false).contains("secret"), "{error}");
    }
}
