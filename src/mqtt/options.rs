//! The options of `mqtt:register_client`: every one checked before anything connects.

use std::path::PathBuf;
use std::time::Duration;

use super::address::{Address, Transport};
use super::settings::{Setting, Settings, SettingsReader, wrong};
use super::topic;
use crate::text::diagnostic::{Error, Result};

/// Those that are secrets.
pub const SECRET_OPTIONS: [&str; 4] = ["password", "keypass", "psk", "auth-data"];

/// Those that name a file or a folder.
pub const FILE_OPTIONS: [&str; 5] = ["cafile", "capath", "cert", "key", "persistence"];

/// The version of the protocol that is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// MQTT 3.1.1, protocol level 4.
    V4,
    /// MQTT 5.
    V5,
}

impl Version {
    /// The protocol level, as the option `version` gives it.
    pub fn number(self) -> i64 {
        match self {
            Version::V4 => 4,
            Version::V5 => 5,
        }
    }
}

/// Quality of service: what is promised for a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Qos {
    /// Sent once, never confirmed.
    #[default]
    AtMostOnce,
    /// Sent until confirmed; may arrive more than once.
    AtLeastOnce,
    /// Confirmed in two steps; arrives once.
    ExactlyOnce,
}

impl Qos {
    pub fn number(self) -> i64 {
        self as i64
    }

    /// The level of that number.
    pub fn from_number(number: i64) -> Option<Qos> {
        match number {
            0 => Some(Qos::AtMostOnce),
            1 => Some(Qos::AtLeastOnce),
            2 => Some(Qos::ExactlyOnce),
            _ => None,
        }
    }
}

/// What the broker publishes for a client that vanished.
#[derive(Clone)]
pub struct Will {
    pub topic: String,
    pub payload: Vec<u8>,
    pub qos: Qos,
    pub retain: bool,
}

/// What TLS needs to know; files are read when the client is registered.
#[derive(Clone, Default)]
pub struct TlsOptions {
    pub cafile: Option<PathBuf>,
    pub capath: Option<PathBuf>,
    pub cert: Option<PathBuf>,
    pub key: Option<PathBuf>,
    pub keypass: Option<String>,
    pub ciphers: Option<String>,
    pub insecure: bool,
    /// Protocols to offer, the best first (RFC 7301).
    pub alpn: Vec<String>,
}

/// How a client proves itself in MQTT 5 beside a password (section 4.12).
#[derive(Clone)]
pub struct Authentication {
    pub method: String,
    /// A secret.
    pub data: Vec<u8>,
}

/// All options of a client, checked. Holds secrets, hence neither `Debug` nor `Display`.
#[derive(Clone)]
pub struct ClientOptions {
    pub address: Address,
    pub client_id: String,
    pub version: Version,
    pub qos: Qos,
    /// The level that subscriptions ask for.
    pub subscribe_qos: Qos,
    pub retained: bool,
    pub keepalive: Duration,
    pub connect_timeout: Duration,
    /// How long the first connection is tried; `None` is once, [`Duration::MAX`] for ever.
    pub wait: Option<Duration>,
    pub authentication: Option<Authentication>,
    pub username: Option<String>,
    pub password: Option<String>,
    pub tls: TlsOptions,
    pub will: Option<Will>,
    pub clean_session: bool,
    /// Seconds that the broker keeps the session; MQTT 5.
    pub session_expiry: Option<u32>,
    /// Seconds that the broker keeps a message; MQTT 5.
    pub message_expiry: Option<u32>,
    /// Publications that may be in flight; `None` leaves it to [`ClientOptions::inflight`].
    pub inflight: Option<u16>,
    pub max_buffered: usize,
    pub send_while_disconnected: bool,
    pub publish_timeout: Option<Duration>,
    pub reconnect_min: Duration,
    pub reconnect_max: Duration,
    pub persistence: Option<PathBuf>,
    /// What `persistence` keeps is to survive the end of the machine.
    pub durable: bool,
    /// The largest packet that is taken, in bytes.
    pub max_packet: usize,
}

impl ClientOptions {
    /// Every option there is, in the order of the documentation.
    pub const NAMES: [&str; 41] = [
        "connection",
        "host",
        "port",
        "clientid",
        "version",
        "qos",
        "retained",
        "keepalive",
        "connect-timeout",
        "username",
        "password",
        "cafile",
        "capath",
        "cert",
        "key",
        "keypass",
        "ciphers",
        "insecure",
        "psk",
        "psk-identity",
        "will-topic",
        "will-payload",
        "will-qos",
        "will-retain",
        "cleansession",
        "session-expiry",
        "message-expiry",
        "inflight",
        "maxBufferedMessages",
        "sendWhileDisconnected",
        "publish-timeout",
        "reconnect-min",
        "reconnect-max",
        "persistence",
        "durable",
        "wait",
        "alpn",
        "auth-method",
        "auth-data",
        "maxdatalen",
        "subscribe-qos",
    ];

    /// Reads and checks `settings`; an error names the option and what is wanted.
    pub fn read(settings: &Settings) -> Result<ClientOptions> {
        let reader = SettingsReader(settings);
        reader.refuse_unknown(&ClientOptions::NAMES, "mqtt:register_client")?;
        refuse_psk(&reader)?;
        let version = version(&reader)?;
        let address = address(&reader)?;
        let clean_session = reader.flag("cleansession", true)?;
        let reconnect_min = reader.seconds("reconnect-min", 1.0)?;
        let reconnect_max =
            reader.seconds("reconnect-max", reconnect_min.as_secs_f64().max(30.0))?;
        let qos = reader.qos("qos", Qos::AtLeastOnce)?;
        let options = ClientOptions {
            client_id: client_id(&reader, clean_session)?,
            version,
            qos,
            subscribe_qos: reader.qos("subscribe-qos", qos)?,
            retained: reader.flag("retained", false)?,
            keepalive: Duration::from_secs(reader.integer("keepalive", 0..=65_535)?.unwrap_or(60)),
            connect_timeout: reader.seconds("connect-timeout", 10.0)?,
            wait: wait(&reader)?,
            authentication: authentication(reader.only_v5("auth-method", version)?)?,
            username: reader.text("username")?,
            password: reader.text("password")?,
            tls: tls(&reader, &address)?,
            will: will(&reader)?,
            clean_session,
            session_expiry: reader
                .only_v5("session-expiry", version)?
                .integer("session-expiry", 0..=u64::from(u32::MAX))?
                .map(|n| n as u32),
            message_expiry: reader
                .only_v5("message-expiry", version)?
                .integer("message-expiry", 0..=u64::from(u32::MAX))?
                .map(|n| n as u32),
            inflight: reader.integer("inflight", 1..=65_535)?.map(|n| n as u16),
            max_buffered: reader
                .integer("maxBufferedMessages", 1..=10_000_000)?
                .unwrap_or(10_000) as usize,
            send_while_disconnected: reader.flag("sendWhileDisconnected", true)?,
            publish_timeout: Some(reader.seconds("publish-timeout", 0.0)?).filter(|t| !t.is_zero()),
            reconnect_min,
            reconnect_max,
            persistence: reader.text("persistence")?.map(PathBuf::from),
            durable: reader.flag("durable", false)?,
            max_packet: reader
                .integer("maxdatalen", 1..=268_435_455)?
                .unwrap_or(16 << 20) as usize,
            address,
        };
        options.check_together(&reader)?;
        Ok(options)
    }

    /// How many publications of that level may be in flight, as far as the client is concerned.
    ///
    /// At QoS 2 an MQTT 3.1.1 broker cannot say how many it takes, and mosquitto, which by itself
    /// takes 20, acknowledges more and then loses them (2.0.11).
    pub fn inflight(&self, qos: Qos) -> usize {
        let most = match (qos, self.version) {
            (Qos::ExactlyOnce, Version::V4) => 20,
            _ => 1000,
        };
        usize::from(self.inflight.unwrap_or(most))
    }

    fn check_together(&self, reader: &SettingsReader) -> Result<()> {
        if self.password.is_some() && self.username.is_none() {
            return Err(Error::run("option password needs the option username"));
        }
        if self.reconnect_min > self.reconnect_max {
            return Err(Error::run(
                "option reconnect-max is smaller than reconnect-min",
            ));
        }
        if self.reconnect_max.is_zero() || self.connect_timeout.is_zero() {
            return Err(Error::run(
                "options reconnect-max and connect-timeout must be more than 0 seconds",
            ));
        }
        if self.durable && self.persistence.is_none() {
            return Err(Error::run(
                "option durable needs the option persistence: it is about what that keeps",
            ));
        }
        if self.persistence.is_some() && !reader.has("clientid") {
            return Err(Error::run(
                "option persistence needs the option clientid: the next run finds its messages by it",
            ));
        }
        Ok(())
    }
}

fn refuse_psk(reader: &SettingsReader) -> Result<()> {
    match ["psk", "psk-identity"].iter().find(|name| reader.has(name)) {
        Some(name) => Err(Error::run(format!(
            "option {name}: TLS with pre-shared keys is not possible, because the TLS library \
             (rustls) does not have it"
        ))
        .help("let the broker use a certificate, and name its CA with cafile")
        .help("a client can prove itself with cert and key, or username and password")),
        None => Ok(()),
    }
}

fn version(reader: &SettingsReader) -> Result<Version> {
    match reader.value("version") {
        None => Ok(Version::V4),
        Some(value) => match value.as_integer() {
            Some(4) => Ok(Version::V4),
            Some(5) => Ok(Version::V5),
            Some(3) => Err(Error::run(
                "option version: 3 means MQTT 3.1, which was replaced by MQTT 3.1.1 in 2014 and is \
                 not spoken here",
            )
            .help("use version 4 (MQTT 3.1.1) or 5")),
            _ => Err(wrong("version", "4 (MQTT 3.1.1) or 5 (MQTT 5)", value)),
        },
    }
}

fn address(reader: &SettingsReader) -> Result<Address> {
    let port = reader.integer("port", 1..=65_535)?.map(|port| port as u16);
    match (reader.text("connection")?, reader.text("host")?) {
        (Some(_), Some(_)) => Err(Error::run(
            "options connection and host both say where the broker is: give one of them",
        )),
        (Some(_), None) if port.is_some() => Err(Error::run(
            "option port goes with host; in connection the port follows the host name",
        )
        .help("write tcp://host:port")),
        (Some(url), None) => Address::parse(&url),
        (None, host) => {
            let host = host.unwrap_or_else(|| "localhost".to_owned());
            if host.contains("://") {
                return Err(
                    Error::run("option host is a name or an IP address, not a URL")
                        .help("give the URL in the option connection"),
                );
            }
            let secured = ["cafile", "capath", "cert"]
                .iter()
                .any(|name| reader.has(name));
            let transport = match secured {
                true => Transport::Tls,
                false => Transport::Tcp,
            };
            let host = host.trim_start_matches('[').trim_end_matches(']');
            Ok(Address::new(transport, host, port))
        }
    }
}

fn client_id(reader: &SettingsReader, clean_session: bool) -> Result<String> {
    match reader.text("clientid")? {
        Some(id) if id.len() > 65_535 || id.contains('\0') => Err(Error::run(
            "option clientid: at most 65535 bytes without null characters are wanted",
        )),
        Some(id) if !id.is_empty() => Ok(id),
        _ if !clean_session => Err(Error::run(
            "option cleansession: false needs the option clientid: the broker keeps the session \
             under that name",
        )),
        _ => Ok(format!("osql-{:016x}", rand::random::<u64>())),
    }
}

fn tls(reader: &SettingsReader, address: &Address) -> Result<TlsOptions> {
    let path = |name| reader.text(name).map(|text| text.map(PathBuf::from));
    let tls = TlsOptions {
        cafile: path("cafile")?,
        capath: path("capath")?,
        cert: path("cert")?,
        key: path("key")?,
        keypass: reader.text("keypass")?,
        ciphers: reader.text("ciphers")?,
        insecure: reader.flag("insecure", false)?,
        alpn: alpn(reader)?,
    };
    if !address.transport.is_tls() {
        let names = [
            "cafile", "capath", "cert", "key", "keypass", "ciphers", "alpn",
        ];
        if let Some(name) = names.iter().find(|name| reader.has(name)) {
            return Err(Error::run(format!(
                "option {name} is about TLS, but {address} is not encrypted"
            ))
            .help("connect with ssl:// or wss://"));
        }
    }
    match (&tls.cert, &tls.key) {
        (Some(_), None) => Err(Error::run(
            "option cert needs the option key: the certificate's private key",
        )),
        (None, Some(_)) => Err(Error::run(
            "option key needs the option cert: the key's certificate",
        )),
        (None, None) if tls.keypass.is_some() => {
            Err(Error::run("option keypass needs the options cert and key"))
        }
        _ => Ok(tls),
    }
}

/// `true` is for ever.
fn wait(reader: &SettingsReader) -> Result<Option<Duration>> {
    match reader.value("wait") {
        None | Some(Setting::Bool(false)) => Ok(None),
        Some(Setting::Bool(true)) => Ok(Some(Duration::MAX)),
        Some(value) if value.as_real().is_none() => {
            Err(wrong("wait", "a number of seconds, or true", value))
        }
        Some(_) => reader.seconds("wait", 0.0).map(Some),
    }
}

fn authentication(reader: &SettingsReader) -> Result<Option<Authentication>> {
    let Some(method) = reader.text("auth-method")? else {
        return match reader.has("auth-data") {
            true => Err(Error::run("option auth-data needs the option auth-method")),
            false => Ok(None),
        };
    };
    let data = reader.bytes("auth-data")?.unwrap_or_default();
    for (name, length) in [("auth-method", method.len()), ("auth-data", data.len())] {
        if length > 65_535 {
            return Err(Error::run(format!(
                "option {name}: at most 65535 bytes are possible"
            )));
        }
    }
    Ok(Some(Authentication { method, data }))
}

/// One protocol or several.
fn alpn(reader: &SettingsReader) -> Result<Vec<String>> {
    let fault = |value| wrong("alpn", "a string or a vector of strings, none empty", value);
    let Some(value) = reader.value("alpn") else {
        return Ok(Vec::new());
    };
    let names = match value {
        Setting::List(names) => names.as_slice(),
        one => std::slice::from_ref(one),
    };
    let names = names.iter().map(|name| match name {
        Setting::Text(name) if (1..=255).contains(&name.len()) => Ok(name.clone()),
        _ => Err(fault(value)),
    });
    names.collect()
}

fn will(reader: &SettingsReader) -> Result<Option<Will>> {
    let Some(topic) = reader.text("will-topic")? else {
        let others = ["will-payload", "will-qos", "will-retain"];
        return match others.iter().find(|name| reader.has(name)) {
            Some(name) => Err(Error::run(format!(
                "option {name} needs the option will-topic"
            ))),
            None => Ok(None),
        };
    };
    topic::check_topic(&topic).map_err(|e| e.context("option will-topic"))?;
    let payload = reader.bytes("will-payload")?.unwrap_or_default();
    if payload.len() > 65_535 {
        return Err(Error::run(
            "option will-payload: at most 65535 bytes are possible",
        ));
    }
    Ok(Some(Will {
        topic,
        payload,
        qos: reader.qos("will-qos", Qos::AtMostOnce)?,
        retain: reader.flag("will-retain", false)?,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings<const N: usize>(fields: [(&str, Setting); N]) -> Settings {
        fields.into_iter().collect()
    }

    fn fault<const N: usize>(fields: [(&str, Setting); N]) -> Error {
        ClientOptions::read(&settings(fields))
            .err()
            .expect("refused")
    }

    #[test]
    fn defaults_are_what_the_documentation_says() {
        let options = ClientOptions::read(&Settings::default()).expect("empty options are fine");
        assert_eq!(options.address.to_string(), "tcp://localhost:1883");
        assert_eq!(options.qos, Qos::AtLeastOnce);
        assert_eq!(options.keepalive, Duration::from_secs(60));
        assert_eq!(options.inflight(Qos::AtLeastOnce), 1000);
        assert_eq!(options.inflight(Qos::ExactlyOnce), 20);
        assert_eq!(options.max_buffered, 10_000);
        assert_eq!(options.publish_timeout, None);
        assert!(options.clean_session && options.send_while_disconnected);
        assert!(options.client_id.starts_with("osql-"));
    }

    #[test]
    fn a_misspelt_option_is_refused_with_the_nearest() {
        let error = fault([("cafiel", "x".into())]);
        assert_eq!(
            error.message(),
            "`cafiel` is not an option of mqtt:register_client"
        );
        assert_eq!(error.helps(), ["did you mean `cafile`?"]);
    }

    #[test]
    fn wrong_values_say_what_is_wanted() {
        for (error, wanted) in [
            (
                fault([("qos", 3.into())]),
                "option qos: 0, 1 or 2 is wanted, not 3",
            ),
            (fault([("port", "x".into())]), "from 1 to 65535 is wanted"),
            (
                fault([("keepalive", (-1).into())]),
                "from 0 to 65535 is wanted",
            ),
            (
                fault([("insecure", "yes".into())]),
                "true or false is wanted",
            ),
            (fault([("version", 3.into())]), "MQTT 3.1,"),
            (fault([("version", 7.into())]), "4 (MQTT 3.1.1) or 5"),
            (fault([("psk", "00".into())]), "pre-shared keys"),
            (fault([("message-expiry", 1.into())]), "MQTT 5 only"),
            (
                fault([("will-qos", 1.into())]),
                "needs the option will-topic",
            ),
            (fault([("will-topic", "a/#".into())]), "wildcard"),
            (
                fault([("cleansession", false.into())]),
                "needs the option clientid",
            ),
            (
                fault([("connection", "tcp://h".into()), ("cafile", "x".into())]),
                "not encrypted",
            ),
            (
                fault([("connection", "ssl://h".into()), ("cert", "x".into())]),
                "needs the option key",
            ),
            (
                fault([("connection", "ssl://h".into()), ("host", "h".into())]),
                "give one of them",
            ),
        ] {
            assert!(error.message().contains(wanted), "{error}");
        }
    }

    #[test]
    fn a_password_is_never_shown() {
        let error = fault([("password", 1234.into()), ("username", "u".into())]);
        assert_eq!(error.message(), "option password: a string is wanted");
    }
}
