//! Packets, the same for both versions of the protocol. Their bytes are rumqttc's business
//! ([`v4`], [`v5`]); what they mean for a session is said here.

mod v4;
mod v5;
mod words;

use bytes::{Bytes, BytesMut};
use rumqttc_v5::mqttbytes::v5::PublishProperties;

use super::options::{Authentication, ClientOptions, Qos, Version};

/// Everything about a publication but its payload; shared by all that one publisher sends.
#[derive(Debug, PartialEq)]
pub struct Head {
    pub topic: Bytes,
    pub qos: Qos,
    pub retain: bool,
    /// MQTT 5 only.
    pub properties: Option<PublishProperties>,
}

/// A packet from the broker. `id` is its packet identifier; `fault` is why it reports a failure.
#[derive(Debug, PartialEq)]
pub enum IncomingPacket {
    ConnAck(ConnAck),
    Publish(Publish),
    PubAck {
        id: u16,
        fault: Option<String>,
    },
    PubRec {
        id: u16,
        fault: Option<String>,
    },
    PubRel {
        id: u16,
    },
    PubComp {
        id: u16,
        fault: Option<String>,
    },
    SubAck {
        id: u16,
        granted: Result<Qos, String>,
    },
    UnsubAck {
        id: u16,
    },
    PingResp,
    /// MQTT 5: the broker ends the connection and says why.
    Disconnect {
        reason: String,
        fatal: bool,
    },
    /// A packet that a broker must not send here.
    Unexpected(&'static str),
    /// MQTT 5: the broker wants the next step of an authentication.
    Auth,
}

/// The broker's answer to a connection.
#[derive(Debug, Default, PartialEq)]
pub struct ConnAck {
    pub session_present: bool,
    pub refused: Option<Refusal>,
    /// What MQTT 5 brokers say about themselves.
    pub receive_maximum: Option<u16>,
    pub maximum_qos: Option<u8>,
    pub retain_available: bool,
    pub maximum_packet: Option<u32>,
    pub assigned_id: Option<String>,
    pub keepalive: Option<u16>,
    pub subscription_ids: bool,
}

/// A connection that the broker does not want.
#[derive(Debug, PartialEq)]
pub struct Refusal {
    pub reason: String,
    /// What the user can do, if anything.
    pub help: Option<&'static str>,
    /// Whether it will say the same next time.
    pub fatal: bool,
}

/// What both versions refuse a connection for, with codes of their own.
impl Refusal {
    fn fatal(reason: impl Into<String>, help: Option<&'static str>) -> Refusal {
        Refusal {
            reason: reason.into(),
            help,
            fatal: true,
        }
    }

    fn passing(reason: impl Into<String>) -> Refusal {
        Refusal {
            reason: reason.into(),
            help: None,
            fatal: false,
        }
    }

    fn client_id() -> Refusal {
        Refusal::fatal(
            "it does not accept the client identifier",
            Some("check the option clientid"),
        )
    }

    fn login() -> Refusal {
        Refusal::fatal(
            "wrong user name or password",
            Some("check the options username and password"),
        )
    }

    fn not_authorized() -> Refusal {
        Refusal::fatal(
            "not authorized",
            Some("check the options username and password, and what the broker allows this client"),
        )
    }
}

/// A refusal whose code the version of the protocol does not know.
fn unknown_refusal(reason: String) -> IncomingPacket {
    IncomingPacket::ConnAck(ConnAck {
        refused: Some(Refusal::fatal(reason, None)),
        ..ConnAck::default()
    })
}

/// The error for a packet larger than is taken.
fn too_large(size: usize, limit: usize) -> String {
    format!("a packet of {size} bytes came, and maxdatalen allows {limit}")
}

/// A message from the broker.
#[derive(Debug, PartialEq)]
pub struct Publish {
    pub topic: Bytes,
    pub payload: Bytes,
    pub qos: Qos,
    pub retain: bool,
    pub dup: bool,
    pub id: u16,
    pub properties: Option<Box<PublishProperties>>,
}

/// Reads the next packet off `buffer`; `None` if it is not complete. A packet may be `limit` bytes
/// long.
pub fn decode(
    version: Version,
    buffer: &mut BytesMut,
    limit: usize,
) -> Result<Option<IncomingPacket>, String> {
    if buffer.is_empty() {
        return Ok(None);
    }
    match version {
        Version::V4 => v4::decode(buffer, limit),
        Version::V5 => v5::decode(buffer, limit),
    }
}

/// What goes out. Each is appended to `out`; an error says what cannot be encoded.
pub enum OutgoingPacket<'a> {
    Connect {
        options: &'a ClientOptions,
        clean: bool,
    },
    Publish {
        head: &'a Head,
        payload: Bytes,
        id: u16,
        dup: bool,
    },
    PubAck(u16),
    PubRec(u16),
    PubRel(u16),
    PubComp(u16),
    /// `number` is the MQTT 5 subscription identifier.
    Subscribe {
        id: u16,
        filter: &'a str,
        qos: Qos,
        number: Option<u32>,
    },
    Unsubscribe {
        id: u16,
        filter: &'a str,
    },
    /// MQTT 5: the next step of an authentication.
    Auth(&'a Authentication),
    Ping,
    Disconnect,
}

/// Appends a packet to `out`.
pub fn encode(version: Version, send: OutgoingPacket, out: &mut BytesMut) -> Result<(), String> {
    match version {
        Version::V4 => v4::encode(send, out).map_err(|e| e.to_string()),
        Version::V5 => v5::encode(send, out).map_err(|e| e.to_string()),
    }
}

/// The size of a publication on the wire, at most.
pub fn publish_size(head: &Head, payload: usize) -> usize {
    // Fixed header, topic length, packet identifier, length of the properties.
    let properties = head.properties.as_ref().map_or(0, v5::properties_size);
    5 + 2 + head.topic.len() + 2 + 4 + properties + payload
}
