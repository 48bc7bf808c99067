//! Packets in a few words, as `--verbose` shows them. No payloads, and nothing of CONNECT that is
//! secret.

use std::fmt::{Debug, Display, Formatter, Result};

use super::reasons::reason;
use super::{ConnAck, IncomingPacket, OutgoingPacket};
use crate::mqtt::options::Qos;

impl Display for IncomingPacket {
    fn fmt(&self, f: &mut Formatter) -> Result {
        match self {
            IncomingPacket::ConnAck(ack) => write!(f, "CONNACK {ack}"),
            IncomingPacket::Publish(p) => {
                let topic = String::from_utf8_lossy(&p.topic);
                publish(f, p.id, p.qos, &topic, p.payload.len())?;
                f.write_str(if p.retain { ", retained" } else { "" })?;
                f.write_str(if p.dup { ", dup" } else { "" })
            }
            IncomingPacket::PubAck { id, fault } => answer(f, "PUBACK", *id, fault),
            IncomingPacket::PubRec { id, fault } => answer(f, "PUBREC", *id, fault),
            IncomingPacket::PubRel { id } => write!(f, "PUBREL {id}"),
            IncomingPacket::PubComp { id, fault } => answer(f, "PUBCOMP", *id, fault),
            IncomingPacket::SubAck { id, granted } => match granted {
                Ok(qos) => write!(f, "SUBACK {id}: QoS {}", qos.number()),
                Err(reason) => write!(f, "SUBACK {id}: {reason}"),
            },
            IncomingPacket::UnsubAck { id, fault } => answer(f, "UNSUBACK", *id, fault),
            IncomingPacket::PingResp => f.write_str("PINGRESP"),
            IncomingPacket::Disconnect { reason, .. } => write!(f, "DISCONNECT: {reason}"),
            IncomingPacket::Auth => f.write_str("AUTH"),
            IncomingPacket::TooLarge(message) => write!(
                f,
                "PUBLISH to {}: {} bytes, which is too large",
                message.topic, message.size
            ),
            IncomingPacket::Unexpected(name) => f.write_str(name),
        }
    }
}

impl Display for ConnAck {
    fn fmt(&self, f: &mut Formatter) -> Result {
        match &self.refused {
            Some(refusal) => write!(f, "refused: {}", refusal.reason),
            None if self.session_present => f.write_str("with the session from before"),
            None => f.write_str("with a new session"),
        }
    }
}

impl Display for OutgoingPacket<'_> {
    fn fmt(&self, f: &mut Formatter) -> Result {
        match self {
            OutgoingPacket::Connect { options, clean } => {
                let session = if *clean { "a new" } else { "the kept" };
                write!(
                    f,
                    "CONNECT as {}, {session} session, keepalive {} s",
                    options.client_id,
                    options.keepalive.as_secs()
                )
            }
            OutgoingPacket::Publish {
                head,
                payload,
                id,
                dup,
            } => {
                let topic = String::from_utf8_lossy(&head.topic);
                publish(f, *id, head.qos, &topic, payload.len())?;
                f.write_str(if head.retain { ", retained" } else { "" })?;
                f.write_str(if *dup { ", dup" } else { "" })
            }
            OutgoingPacket::PubAck(id) => write!(f, "PUBACK {id}"),
            OutgoingPacket::PubRec(id) => write!(f, "PUBREC {id}"),
            OutgoingPacket::PubRel(id) => write!(f, "PUBREL {id}"),
            OutgoingPacket::PubComp(id) => write!(f, "PUBCOMP {id}"),
            OutgoingPacket::Subscribe {
                id, filter, qos, ..
            } => write!(f, "SUBSCRIBE {id}: {filter} at QoS {}", qos.number()),
            OutgoingPacket::Unsubscribe { id, filter } => write!(f, "UNSUBSCRIBE {id}: {filter}"),
            OutgoingPacket::Auth(authentication) => write!(f, "AUTH by {}", authentication.method),
            OutgoingPacket::Ping => f.write_str("PINGREQ"),
            OutgoingPacket::Disconnect => f.write_str("DISCONNECT"),
            OutgoingPacket::Protest(code) => write!(f, "DISCONNECT: {}", reason(*code)),
        }
    }
}

fn publish(f: &mut Formatter, id: u16, qos: Qos, topic: &str, bytes: usize) -> Result {
    f.write_str("PUBLISH")?;
    if qos > Qos::AtMostOnce {
        write!(f, " {id}")?;
    }
    write!(f, " to {topic}: {bytes} bytes at QoS {}", qos.number())
}

fn answer(f: &mut Formatter, name: &str, id: u16, fault: &Option<String>) -> Result {
    match fault {
        None => write!(f, "{name} {id}"),
        Some(fault) => write!(f, "{name} {id}: {fault}"),
    }
}

/// A name such as `NotAuthorized` as words: `not authorized`.
pub fn words(name: &impl Debug) -> String {
    let mut text = String::new();
    for c in format!("{name:?}").chars() {
        if c.is_uppercase() && !text.is_empty() {
            text.push(' ');
        }
        text.extend(c.to_lowercase());
    }
    text.replace("qo s", "QoS")
}
