//! MQTT 3.1.1 packets, by rumqttc.

use bytes::BytesMut;
use rumqttc::mqttbytes::Error;
use rumqttc::mqttbytes::QoS;
use rumqttc::mqttbytes::v4::{
    Connect, ConnectAuth, ConnectReturnCode, Disconnect, LastWill, Packet as Wire, PingReq, PubAck,
    PubComp, PubRec, PubRel, Publish as WirePublish, Subscribe, SubscribeReasonCode, Unsubscribe,
};

use super::violation::Violation;
use super::{ConnAck, IncomingPacket, OutgoingPacket, Publish, Refusal, unknown_refusal};
use crate::mqtt::options::{ClientOptions, Qos};

/// Reads a packet, whose fixed header ends at `header`.
pub fn decode(header: usize, mut bytes: BytesMut) -> Result<IncomingPacket, Violation> {
    if bytes[0] >> 4 == 3 && bytes[header..].starts_with(&[0, 0]) {
        return Err(Violation::protocol(
            "the broker sent a message without a topic",
        ));
    }
    // rumqttc reads these two with bytes behind them.
    let length = bytes.len() - header;
    if bytes[0] >> 4 == 13 && length > 0 || bytes[0] >> 4 == 11 && length > 2 {
        return Err(Violation::malformed("a packet has more than belongs to it"));
    }
    let limit = bytes.len();
    match Wire::read(&mut bytes, limit) {
        Ok(packet) => Ok(translate(packet)),
        Err(Error::InvalidConnectReturnCode(code)) => {
            Ok(unknown_refusal(format!("unknown return code {code}")))
        }
        Err(fault) => Err(Violation::malformed(fault.to_string())),
    }
}

fn translate(packet: Wire) -> IncomingPacket {
    match packet {
        Wire::ConnAck(ack) => IncomingPacket::ConnAck(ConnAck {
            session_present: ack.session_present,
            refused: refusal(ack.code),
            retain_available: true,
            ..ConnAck::default()
        }),
        Wire::Publish(publish) => IncomingPacket::Publish(Publish {
            topic: publish.topic,
            payload: publish.payload,
            qos: from_wire(publish.qos),
            retain: publish.retain,
            dup: publish.dup,
            id: publish.pkid,
            properties: None,
        }),
        Wire::PubAck(ack) => IncomingPacket::PubAck {
            id: ack.pkid,
            fault: None,
        },
        Wire::PubRec(rec) => IncomingPacket::PubRec {
            id: rec.pkid,
            fault: None,
        },
        Wire::PubRel(rel) => IncomingPacket::PubRel { id: rel.pkid },
        Wire::PubComp(comp) => IncomingPacket::PubComp {
            id: comp.pkid,
            fault: None,
        },
        Wire::SubAck(ack) => IncomingPacket::SubAck {
            id: ack.pkid,
            granted: match ack.return_codes.first() {
                Some(SubscribeReasonCode::Success(qos)) => Ok(from_wire(*qos)),
                _ => Err("the broker does not allow it".to_owned()),
            },
        },
        Wire::UnsubAck(ack) => IncomingPacket::UnsubAck {
            id: ack.pkid,
            fault: None,
        },
        Wire::PingResp => IncomingPacket::PingResp,
        Wire::Connect(_) => IncomingPacket::Unexpected("CONNECT"),
        Wire::Subscribe(_) => IncomingPacket::Unexpected("SUBSCRIBE"),
        Wire::Unsubscribe(_) => IncomingPacket::Unexpected("UNSUBSCRIBE"),
        Wire::PingReq => IncomingPacket::Unexpected("PINGREQ"),
        Wire::Disconnect => IncomingPacket::Unexpected("DISCONNECT"),
    }
}

/// MQTT 3.1.1, table 3.1.
fn refusal(code: ConnectReturnCode) -> Option<Refusal> {
    Some(match code {
        ConnectReturnCode::Success => return None,
        ConnectReturnCode::RefusedProtocolVersion => Refusal::fatal(
            "it does not speak MQTT 3.1.1",
            Some("try the option version: 5"),
        ),
        ConnectReturnCode::BadClientId => Refusal::client_id(),
        ConnectReturnCode::ServiceUnavailable => Refusal::passing("its service is not available"),
        ConnectReturnCode::BadUserNamePassword => Refusal::login(),
        ConnectReturnCode::NotAuthorized => Refusal::not_authorized(),
    })
}

pub fn encode(send: OutgoingPacket, out: &mut BytesMut) -> Result<(), Error> {
    match send {
        OutgoingPacket::Connect { options, clean } => connect(options, clean).write(out),
        OutgoingPacket::Publish {
            head,
            payload,
            id,
            dup,
        } => WirePublish {
            dup,
            qos: to_wire(head.qos),
            retain: head.retain,
            topic: head.topic.clone(),
            pkid: id,
            payload,
        }
        .write(out),
        OutgoingPacket::PubAck(id) => PubAck::new(id).write(out),
        OutgoingPacket::PubRec(id) => PubRec::new(id).write(out),
        OutgoingPacket::PubRel(id) => PubRel::new(id).write(out),
        OutgoingPacket::PubComp(id) => PubComp::new(id).write(out),
        OutgoingPacket::Subscribe {
            id, filter, qos, ..
        } => {
            let mut subscribe = Subscribe::new(filter, to_wire(qos));
            subscribe.pkid = id;
            subscribe.write(out)
        }
        OutgoingPacket::Unsubscribe { id, filter } => {
            let mut unsubscribe = Unsubscribe::new(filter);
            unsubscribe.pkid = id;
            unsubscribe.write(out)
        }
        // The options see to it that it is MQTT 5 only.
        OutgoingPacket::Auth(_) => Err(Error::IncorrectPacketFormat),
        OutgoingPacket::Ping => PingReq.write(out),
        OutgoingPacket::Disconnect => Disconnect.write(out),
        // There is no word for it: closing says it.
        OutgoingPacket::Protest(_) => Ok(0),
    }
    .map(|_| ())
}

fn connect(options: &ClientOptions, clean: bool) -> Connect {
    let mut connect = Connect::new(options.client_id.clone());
    connect.keep_alive = options.keepalive.as_secs() as u16;
    connect.clean_session = clean;
    connect.last_will = options.will.as_ref().map(|will| LastWill {
        topic: will.topic.clone(),
        message: will.payload.clone().into(),
        qos: to_wire(will.qos),
        retain: will.retain,
    });
    connect.auth = match (options.username.clone(), options.password.clone()) {
        (Some(username), Some(password)) => ConnectAuth::UsernamePassword {
            username,
            password: password.into(),
        },
        (Some(username), None) => ConnectAuth::Username { username },
        _ => ConnectAuth::None,
    };
    connect
}

fn to_wire(qos: Qos) -> QoS {
    match qos {
        Qos::AtMostOnce => QoS::AtMostOnce,
        Qos::AtLeastOnce => QoS::AtLeastOnce,
        Qos::ExactlyOnce => QoS::ExactlyOnce,
    }
}

fn from_wire(qos: QoS) -> Qos {
    match qos {
        QoS::AtMostOnce => Qos::AtMostOnce,
        QoS::AtLeastOnce => Qos::AtLeastOnce,
        QoS::ExactlyOnce => Qos::ExactlyOnce,
    }
}
