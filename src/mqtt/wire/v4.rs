//! MQTT 3.1.1 packets, by rumqttc.

use bytes::BytesMut;
use rumqttc::mqttbytes::Error;
use rumqttc::mqttbytes::QoS;
use rumqttc::mqttbytes::v4::{
    Connect, ConnectAuth, ConnectReturnCode, Disconnect, LastWill, Packet as Wire, PingReq, PubAck,
    PubComp, PubRec, PubRel, Publish as WirePublish, Subscribe, SubscribeReasonCode, Unsubscribe,
};

use super::{ConnAck, Packet, Publish, Refusal, Send};
use crate::mqtt::options::{Options, Qos};

pub fn decode(buffer: &mut BytesMut, limit: usize) -> Result<Option<Packet>, String> {
    match Wire::read(buffer, limit) {
        Ok(packet) => Ok(Some(translate(packet))),
        Err(Error::InsufficientBytes(more)) => {
            // No more than has been announced and allowed.
            buffer.reserve(more.min(limit));
            Ok(None)
        }
        Err(Error::InvalidConnectReturnCode(code)) => Ok(Some(Packet::ConnAck(ConnAck {
            refused: Some(Refusal {
                reason: format!("unknown return code {code}"),
                help: None,
                fatal: true,
            }),
            ..ConnAck::default()
        }))),
        Err(Error::PayloadSizeLimitExceeded(size)) => Err(format!(
            "a packet of {size} bytes came, and maxdatalen allows {limit}"
        )),
        Err(fault) => Err(format!("what came is not MQTT: {fault}")),
    }
}

fn translate(packet: Wire) -> Packet {
    match packet {
        Wire::ConnAck(ack) => Packet::ConnAck(ConnAck {
            session_present: ack.session_present,
            refused: refusal(ack.code),
            retain_available: true,
            ..ConnAck::default()
        }),
        Wire::Publish(publish) => Packet::Publish(Publish {
            topic: publish.topic,
            payload: publish.payload,
            qos: from_wire(publish.qos),
            retain: publish.retain,
            dup: publish.dup,
            id: publish.pkid,
            properties: None,
        }),
        Wire::PubAck(ack) => Packet::PubAck {
            id: ack.pkid,
            fault: None,
        },
        Wire::PubRec(rec) => Packet::PubRec {
            id: rec.pkid,
            fault: None,
        },
        Wire::PubRel(rel) => Packet::PubRel { id: rel.pkid },
        Wire::PubComp(comp) => Packet::PubComp {
            id: comp.pkid,
            fault: None,
        },
        Wire::SubAck(ack) => Packet::SubAck {
            id: ack.pkid,
            granted: match ack.return_codes.first() {
                Some(SubscribeReasonCode::Success(qos)) => Ok(from_wire(*qos)),
                _ => Err("the broker does not allow it".to_owned()),
            },
        },
        Wire::UnsubAck(ack) => Packet::UnsubAck { id: ack.pkid },
        Wire::PingResp => Packet::PingResp,
        Wire::Connect(_) => Packet::Unexpected("CONNECT"),
        Wire::Subscribe(_) => Packet::Unexpected("SUBSCRIBE"),
        Wire::Unsubscribe(_) => Packet::Unexpected("UNSUBSCRIBE"),
        Wire::PingReq => Packet::Unexpected("PINGREQ"),
        Wire::Disconnect => Packet::Unexpected("DISCONNECT"),
    }
}

/// MQTT 3.1.1, table 3.1.
fn refusal(code: ConnectReturnCode) -> Option<Refusal> {
    let (reason, help, fatal) = match code {
        ConnectReturnCode::Success => return None,
        ConnectReturnCode::RefusedProtocolVersion => (
            "it does not speak MQTT 3.1.1",
            Some("try the option version: 5"),
            true,
        ),
        ConnectReturnCode::BadClientId => (
            "it does not accept the client identifier",
            Some("check the option clientid"),
            true,
        ),
        ConnectReturnCode::ServiceUnavailable => ("its service is not available", None, false),
        ConnectReturnCode::BadUserNamePassword => (
            "wrong user name or password",
            Some("check the options username and password"),
            true,
        ),
        ConnectReturnCode::NotAuthorized => (
            "not authorized",
            Some("check the options username and password, and what the broker allows this client"),
            true,
        ),
    };
    Some(Refusal {
        reason: reason.to_owned(),
        help,
        fatal,
    })
}

pub fn encode(send: Send, out: &mut BytesMut) -> Result<(), Error> {
    match send {
        Send::Connect { options, clean } => connect(options, clean).write(out),
        Send::Publish {
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
        Send::PubAck(id) => PubAck::new(id).write(out),
        Send::PubRec(id) => PubRec::new(id).write(out),
        Send::PubRel(id) => PubRel::new(id).write(out),
        Send::PubComp(id) => PubComp::new(id).write(out),
        Send::Subscribe {
            id, filter, qos, ..
        } => {
            let mut subscribe = Subscribe::new(filter, to_wire(qos));
            subscribe.pkid = id;
            subscribe.write(out)
        }
        Send::Unsubscribe { id, filter } => {
            let mut unsubscribe = Unsubscribe::new(filter);
            unsubscribe.pkid = id;
            unsubscribe.write(out)
        }
        Send::Ping => PingReq.write(out),
        Send::Disconnect => Disconnect.write(out),
    }
    .map(|_| ())
}

fn connect(options: &Options, clean: bool) -> Connect {
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
