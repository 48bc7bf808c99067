//! Packets between the embedded broker and its clients, in MQTT 5's terms whichever version is on the
//! wire. Their bytes are rumqttc's business.

use bytes::BytesMut;
use rumqttc::mqttbytes::{Error as ErrorV4, v4};
use rumqttc_v5::mqttbytes::{Error as ErrorV5, v5};

pub use rumqttc_v5::mqttbytes::QoS;
pub use rumqttc_v5::mqttbytes::v5::{
    ConnectReturnCode as ConnectCode, DisconnectReasonCode as Reason, Packet,
};

use crate::mqtt::options::Version;

/// The longest packet that the broker takes, in bytes.
pub const LONGEST: usize = 32 << 20;

/// Reads the next packet off `buffer`; `None` if it is not complete. It may be `limit` bytes long. The
/// error is why the connection must end.
pub fn read(
    version: Version,
    buffer: &mut BytesMut,
    limit: usize,
) -> Result<Option<Packet>, Reason> {
    if buffer.is_empty() {
        return Ok(None);
    }
    match version {
        Version::V4 => match v4::Packet::read(buffer, limit) {
            Ok(packet) => from_v4(packet).map(Some),
            Err(ErrorV4::InsufficientBytes(_)) => Ok(None),
            Err(ErrorV4::PayloadSizeLimitExceeded(_)) => Err(Reason::PacketTooLarge),
            Err(_) => Err(Reason::MalformedPacket),
        },
        Version::V5 => match v5::Packet::read(buffer, Some(limit as u32)) {
            Ok(packet) => Ok(Some(packet)),
            Err(ErrorV5::InsufficientBytes(_)) => Ok(None),
            Err(ErrorV5::PayloadSizeLimitExceeded { .. }) => Err(Reason::PacketTooLarge),
            Err(ErrorV5::ProtocolViolation(reason)) => Err(reason),
            Err(ErrorV5::ProtocolError) => Err(Reason::ProtocolError),
            Err(_) => Err(Reason::MalformedPacket),
        },
    }
}

/// Appends a packet to `out`. MQTT 3.1.1 has no DISCONNECT from a broker: there, nothing is appended.
/// What cannot be encoded is left out.
pub fn write(version: Version, packet: Packet, out: &mut BytesMut) {
    let before = out.len();
    let written = match version {
        Version::V5 => packet.write(out, None).is_ok(),
        Version::V4 => to_v4(packet).is_none_or(|packet| packet.write(out, usize::MAX).is_ok()),
    };
    if !written {
        out.truncate(before);
    }
}

/// The protocol level that a CONNECT at the start of `buffer` names: 4 is MQTT 3.1.1, 5 is MQTT 5.
/// `None` if that much has not come; an error if it is no CONNECT (MQTT 5, section 3.1).
pub fn protocol_level(buffer: &[u8]) -> Result<Option<u8>, Reason> {
    let Some((first, rest)) = buffer.split_first() else {
        return Ok(None);
    };
    if *first != 0x10 {
        return Err(Reason::ProtocolError);
    }
    let Some(end) = rest.iter().take(4).position(|byte| byte & 0x80 == 0) else {
        return match rest.len() < 4 {
            true => Ok(None),
            false => Err(Reason::MalformedPacket),
        };
    };
    let body = &rest[end + 1..];
    for name in [&b"\0\x04MQTT"[..], &b"\0\x06MQIsdp"[..]] {
        if let Some(after) = body.strip_prefix(name) {
            return Ok(after.first().copied());
        }
        if name.starts_with(body) {
            return Ok(None);
        }
    }
    Err(Reason::ProtocolError)
}

/// The lower of two qualities of service, which is what a message is delivered at.
pub fn lower(a: QoS, b: QoS) -> QoS {
    if (a as u8) < (b as u8) { a } else { b }
}

/// The higher of two qualities of service.
pub fn higher(a: QoS, b: QoS) -> QoS {
    if (a as u8) < (b as u8) { b } else { a }
}

/// A packet of MQTT 3.1.1 in MQTT 5's terms.
fn from_v4(packet: v4::Packet) -> Result<Packet, Reason> {
    Ok(match packet {
        v4::Packet::Connect(connect) => connect_from_v4(connect),
        v4::Packet::Publish(publish) => Packet::Publish(v5::Publish {
            dup: publish.dup,
            qos: publish.qos,
            retain: publish.retain,
            topic: publish.topic,
            pkid: publish.pkid,
            payload: publish.payload,
            properties: None,
        }),
        v4::Packet::PubAck(ack) => Packet::PubAck(v5::PubAck::new(ack.pkid, None)),
        v4::Packet::PubRec(rec) => Packet::PubRec(v5::PubRec::new(rec.pkid, None)),
        v4::Packet::PubRel(rel) => Packet::PubRel(v5::PubRel::new(rel.pkid, None)),
        v4::Packet::PubComp(comp) => Packet::PubComp(v5::PubComp::new(comp.pkid, None)),
        v4::Packet::Subscribe(subscribe) => Packet::Subscribe(v5::Subscribe {
            pkid: subscribe.pkid,
            filters: subscribe
                .filters
                .into_iter()
                .map(|filter| v5::SubscribeFilter::new(filter.path, filter.qos))
                .collect(),
            properties: None,
        }),
        v4::Packet::Unsubscribe(unsubscribe) => Packet::Unsubscribe(v5::Unsubscribe {
            pkid: unsubscribe.pkid,
            filters: unsubscribe.topics,
            properties: None,
        }),
        v4::Packet::PingReq => Packet::PingReq,
        v4::Packet::Disconnect => {
            Packet::Disconnect(v5::Disconnect::new(Reason::NormalDisconnection))
        }
        v4::Packet::ConnAck(_)
        | v4::Packet::SubAck(_)
        | v4::Packet::UnsubAck(_)
        | v4::Packet::PingResp => return Err(Reason::ProtocolError),
    })
}

/// In MQTT 3.1.1 a session that is not clean is kept for ever.
fn connect_from_v4(connect: v4::Connect) -> Packet {
    let properties = v5::ConnectProperties {
        session_expiry_interval: (!connect.clean_session).then_some(u32::MAX),
        ..v5::ConnectProperties::new()
    };
    let will = connect.last_will.map(|will| v5::LastWill {
        topic: will.topic.into(),
        message: will.message,
        qos: will.qos,
        retain: will.retain,
        properties: None,
    });
    let connect = v5::Connect {
        keep_alive: connect.keep_alive,
        client_id: connect.client_id,
        clean_start: connect.clean_session,
        properties: Some(properties),
    };
    Packet::Connect(connect, will, v5::ConnectAuth::None)
}

/// What a broker sends, as MQTT 3.1.1 has it; `None` where it has no such packet.
fn to_v4(packet: Packet) -> Option<v4::Packet> {
    Some(match packet {
        Packet::ConnAck(ack) => v4::Packet::ConnAck(v4::ConnAck::new(
            match ack.code {
                ConnectCode::Success => v4::ConnectReturnCode::Success,
                ConnectCode::UnsupportedProtocolVersion => {
                    v4::ConnectReturnCode::RefusedProtocolVersion
                }
                ConnectCode::ClientIdentifierNotValid => v4::ConnectReturnCode::BadClientId,
                _ => v4::ConnectReturnCode::ServiceUnavailable,
            },
            ack.session_present,
        )),
        Packet::Publish(publish) => v4::Packet::Publish(v4::Publish {
            dup: publish.dup,
            qos: publish.qos,
            retain: publish.retain,
            topic: publish.topic,
            pkid: publish.pkid,
            payload: publish.payload,
        }),
        Packet::PubAck(ack) => v4::Packet::PubAck(v4::PubAck::new(ack.pkid)),
        Packet::PubRec(rec) => v4::Packet::PubRec(v4::PubRec::new(rec.pkid)),
        Packet::PubRel(rel) => v4::Packet::PubRel(v4::PubRel::new(rel.pkid)),
        Packet::PubComp(comp) => v4::Packet::PubComp(v4::PubComp::new(comp.pkid)),
        Packet::SubAck(ack) => {
            let codes = ack.return_codes.iter().map(|code| match code {
                v5::SubscribeReasonCode::Success(qos) => v4::SubscribeReasonCode::Success(*qos),
                _ => v4::SubscribeReasonCode::Failure,
            });
            v4::Packet::SubAck(v4::SubAck::new(ack.pkid, codes.collect()))
        }
        Packet::UnsubAck(ack) => v4::Packet::UnsubAck(v4::UnsubAck::new(ack.pkid)),
        Packet::PingResp => v4::Packet::PingResp,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_protocol_level_is_read_as_soon_as_it_has_come() {
        let connect = b"\x10\x0c\0\x04MQTT\x05\x02\0\0\0\0";
        for length in 0..=8 {
            assert_eq!(protocol_level(&connect[..length]), Ok(None), "{length}");
        }
        assert_eq!(protocol_level(connect), Ok(Some(5)));
        assert_eq!(protocol_level(b"\x10\x8c\x01\0\x06MQIsdp\x03"), Ok(Some(3)));
        assert_eq!(protocol_level(b"GET /"), Err(Reason::ProtocolError));
        assert_eq!(
            protocol_level(b"\x10\x0c\0\x04HTTP"),
            Err(Reason::ProtocolError)
        );
        assert_eq!(
            protocol_level(b"\x10\xff\xff\xff\xff\xff"),
            Err(Reason::MalformedPacket)
        );
    }
}
