//! Packets, the same for both versions of the protocol. Their bytes are rumqttc's business
//! ([`v4`], [`v5`]); what they mean for a session is said here.

mod answers;
mod fields;
mod frame;
#[cfg(test)]
mod fuzz;
mod properties;
mod reasons;
mod v4;
mod v5;
mod violation;
mod words;

use bytes::{Bytes, BytesMut};
use rumqttc_v5::mqttbytes::v5::PublishProperties;

pub use frame::Oversized;
pub use violation::Violation;

use super::options::{Authentication, ClientOptions, Qos, Version};
use frame::{FramedPacket, Framer};

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
        fault: Option<String>,
    },
    PingResp,
    /// MQTT 5: the broker ends the connection and says why.
    Disconnect {
        reason: String,
        kind: EndReason,
    },
    /// A message that is larger than is taken, and was passed over.
    TooLarge(Oversized),
    /// A packet that a broker must not send here.
    Unexpected(&'static str),
    /// MQTT 5: the broker wants the next step of an authentication.
    Auth,
}

/// What it means that a broker ends a connection (MQTT 5, section 3.14.2.1).
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum EndReason {
    /// It has to do with the broker, or with time: try again.
    Passing,
    /// Something that was sent displeased it.
    Sent,
    /// Trying again is of no use.
    Final,
}

impl EndReason {
    fn of(code: u8) -> EndReason {
        match code {
            // Use another server, server moved.
            0x9c | 0x9d => EndReason::Final,
            0x81..=0x83 | 0x87 | 0x90 | 0x93..=0x95 | 0x97 | 0x99..=0x9b => EndReason::Sent,
            _ => EndReason::Passing,
        }
    }
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

/// What a message takes beside its topic, its properties and its payload, in bytes, about.
const MESSAGE_OVERHEAD: usize = 128;

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

impl Publish {
    /// What it takes in memory, in bytes.
    pub fn size(&self) -> usize {
        let properties = properties_size(self.properties.as_deref());
        MESSAGE_OVERHEAD + self.topic.len() + properties + self.payload.len()
    }
}

/// Reads the packets of one connection.
#[derive(Debug)]
pub struct Decoder {
    version: Version,
    framer: Framer,
}

impl Decoder {
    /// For packets of `limit` bytes at most.
    pub fn new(version: Version, limit: usize) -> Decoder {
        Decoder {
            version,
            framer: Framer::new(limit),
        }
    }

    /// Reads the next packet off `buffer`; `None` if it is not complete. The error says how the broker
    /// breaks the protocol.
    pub fn next(&mut self, buffer: &mut BytesMut) -> Result<Option<IncomingPacket>, Violation> {
        match self.framer.next(buffer)? {
            FramedPacket::Packet { header, bytes } => match self.version {
                Version::V4 => v4::decode(header, bytes),
                Version::V5 => v5::decode(header, bytes),
            }
            .map(Some),
            FramedPacket::TooLarge(message) => Ok(Some(IncomingPacket::TooLarge(message))),
            FramedPacket::Missing(bytes) => {
                // No more than has been announced and allowed.
                buffer.reserve(bytes.min(self.framer.limit()));
                Ok(None)
            }
        }
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
    /// Ends the connection because the broker broke the protocol: with that reason code in MQTT 5.
    Protest(u8),
}

/// Appends a packet to `out`.
pub fn encode(version: Version, send: OutgoingPacket, out: &mut BytesMut) -> Result<(), String> {
    match version {
        Version::V4 => v4::encode(send, out).map_err(|e| e.to_string()),
        Version::V5 => v5::encode(send, out).map_err(|e| e.to_string()),
    }
}

/// The size of a publication on the wire, in bytes.
pub fn publish_size(version: Version, head: &Head, payload: usize) -> usize {
    let id = if head.qos > Qos::AtMostOnce { 2 } else { 0 };
    let properties = match version {
        Version::V4 => 0,
        Version::V5 => {
            let size = properties_size(head.properties.as_ref());
            variable_size(size) + size
        }
    };
    let remaining = 2 + head.topic.len() + id + properties + payload;
    1 + variable_size(remaining) + remaining
}

/// The largest packet there can be (MQTT section 2.2.3): five bytes before what a length can say.
pub const LONGEST_PACKET: usize = 5 + 268_435_455;

/// The largest packet that a broker takes which says this of itself.
pub fn maximum_packet(said: Option<u32>) -> usize {
    said.map_or(LONGEST_PACKET, |n| (n as usize).min(LONGEST_PACKET))
}

/// How many bytes a number of variable length takes.
fn variable_size(number: usize) -> usize {
    match number {
        0..0x80 => 1,
        0x80..0x4000 => 2,
        0x4000..0x20_0000 => 3,
        _ => 4,
    }
}

/// The size of publish properties on the wire, without that of their length.
pub fn properties_size(properties: Option<&PublishProperties>) -> usize {
    properties.map_or(0, v5::properties_size)
}
