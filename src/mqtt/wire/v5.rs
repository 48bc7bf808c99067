//! MQTT 5 packets, by rumqttc.

use bytes::BytesMut;
use rumqttc_v5::mqttbytes::v5::{
    Auth, AuthProperties, AuthReasonCode, Connect, ConnectAuth, ConnectProperties,
    ConnectReturnCode as Code, Disconnect, DisconnectReasonCode, LastWill, Packet as Wire, PingReq,
    PubAck, PubAckReason, PubComp, PubCompReason, PubRec, PubRecReason, PubRel,
    Publish as WirePublish, PublishProperties, Subscribe, SubscribeFilter, SubscribeProperties,
    SubscribeReasonCode, Unsubscribe,
};
use rumqttc_v5::mqttbytes::{Error, QoS};

use super::words::words;
use super::{
    ConnAck, IncomingPacket, OutgoingPacket, Publish, Refusal, too_large, unknown_refusal,
};
use crate::mqtt::incoming;
use crate::mqtt::options::{ClientOptions, Qos};

pub fn decode(buffer: &mut BytesMut, limit: usize) -> Result<Option<IncomingPacket>, String> {
    match Wire::read(buffer, Some(limit as u32)) {
        Ok(packet) => Ok(Some(translate(packet))),
        Err(Error::InsufficientBytes(more)) => {
            // No more than has been announced and allowed.
            buffer.reserve(more.min(limit));
            Ok(None)
        }
        Err(Error::InvalidConnectReturnCode(code)) => {
            Ok(Some(unknown_refusal(format!("unknown reason code {code}"))))
        }
        Err(Error::PayloadSizeLimitExceeded { pkt_size, .. }) => Err(too_large(pkt_size, limit)),
        Err(fault) => Err(format!("what came is not MQTT: {fault}")),
    }
}

fn translate(packet: Wire) -> IncomingPacket {
    match packet {
        Wire::ConnAck(ack) => IncomingPacket::ConnAck(connack(ack)),
        Wire::Publish(publish) => IncomingPacket::Publish(Publish {
            topic: publish.topic,
            payload: publish.payload,
            qos: from_wire(publish.qos),
            retain: publish.retain,
            dup: publish.dup,
            id: publish.pkid,
            properties: publish.properties.map(Box::new),
        }),
        Wire::PubAck(ack) => IncomingPacket::PubAck {
            id: ack.pkid,
            fault: match ack.reason {
                PubAckReason::Success | PubAckReason::NoMatchingSubscribers => None,
                reason => Some(with_text(
                    &reason,
                    ack.properties.and_then(|p| p.reason_string),
                )),
            },
        },
        Wire::PubRec(rec) => IncomingPacket::PubRec {
            id: rec.pkid,
            fault: match rec.reason {
                PubRecReason::Success | PubRecReason::NoMatchingSubscribers => None,
                reason => Some(with_text(
                    &reason,
                    rec.properties.and_then(|p| p.reason_string),
                )),
            },
        },
        Wire::PubRel(rel) => IncomingPacket::PubRel { id: rel.pkid },
        Wire::PubComp(comp) => IncomingPacket::PubComp {
            id: comp.pkid,
            fault: match comp.reason {
                PubCompReason::Success => None,
                reason => Some(with_text(
                    &reason,
                    comp.properties.and_then(|p| p.reason_string),
                )),
            },
        },
        Wire::SubAck(ack) => IncomingPacket::SubAck {
            id: ack.pkid,
            granted: match ack.return_codes.first() {
                Some(SubscribeReasonCode::Success(qos)) => Ok(from_wire(*qos)),
                Some(reason) => Err(with_text(
                    reason,
                    ack.properties.and_then(|p| p.reason_string),
                )),
                None => Err("the broker gives no reason".to_owned()),
            },
        },
        Wire::UnsubAck(ack) => IncomingPacket::UnsubAck { id: ack.pkid },
        Wire::PingResp => IncomingPacket::PingResp,
        Wire::Disconnect(end) => {
            let fatal = matches!(
                end.reason_code,
                DisconnectReasonCode::NotAuthorized
                    | DisconnectReasonCode::UseAnotherServer
                    | DisconnectReasonCode::ServerMoved
            );
            let text = end
                .properties
                .and_then(|p| p.reason_string.or(p.server_reference));
            IncomingPacket::Disconnect {
                reason: with_text(&end.reason_code, text),
                fatal,
            }
        }
        Wire::Auth(_) => IncomingPacket::Auth,
        Wire::Connect(..) => IncomingPacket::Unexpected("CONNECT"),
        Wire::Subscribe(_) => IncomingPacket::Unexpected("SUBSCRIBE"),
        Wire::Unsubscribe(_) => IncomingPacket::Unexpected("UNSUBSCRIBE"),
        Wire::PingReq => IncomingPacket::Unexpected("PINGREQ"),
    }
}

fn connack(ack: rumqttc_v5::mqttbytes::v5::ConnAck) -> ConnAck {
    let properties = ack.properties;
    let text = properties
        .as_ref()
        .and_then(|p| p.reason_string.clone().or(p.server_reference.clone()));
    let mut connack = ConnAck {
        session_present: ack.session_present,
        refused: refusal(ack.code, text),
        retain_available: true,
        subscription_ids: true,
        ..ConnAck::default()
    };
    if let Some(p) = properties {
        connack.receive_maximum = p.receive_max;
        connack.maximum_qos = p.max_qos;
        connack.retain_available = p.retain_available != Some(0);
        connack.maximum_packet = p.max_packet_size;
        connack.assigned_id = p.assigned_client_identifier;
        connack.keepalive = p.server_keep_alive;
        connack.subscription_ids = p.subscription_identifiers_available != Some(0);
    }
    connack
}

/// MQTT 5, section 3.2.2.2.
fn refusal(code: Code, text: Option<String>) -> Option<Refusal> {
    let mut refusal = match code {
        Code::Success => return None,
        Code::UnsupportedProtocolVersion | Code::RefusedProtocolVersion => Refusal::fatal(
            "it does not speak MQTT 5",
            Some("try the option version: 4"),
        ),
        Code::ClientIdentifierNotValid | Code::BadClientId => Refusal::client_id(),
        Code::BadUserNamePassword => Refusal::login(),
        Code::NotAuthorized => Refusal::not_authorized(),
        Code::UseAnotherServer | Code::ServerMoved => Refusal::fatal(
            words(&code),
            Some("ask the broker's operator for its new address"),
        ),
        Code::ServiceUnavailable
        | Code::ServerUnavailable
        | Code::ServerBusy
        | Code::QuotaExceeded
        | Code::UnspecifiedError
        | Code::ImplementationSpecificError
        | Code::ConnectionRateExceeded => Refusal::passing(words(&code)),
        other => Refusal::fatal(words(&other), None),
    };
    if let Some(text) = text {
        refusal.reason = format!("{} ({text})", refusal.reason);
    }
    Some(refusal)
}

fn with_text(reason: &impl std::fmt::Debug, text: Option<String>) -> String {
    match text {
        Some(text) => format!("{} ({text})", words(reason)),
        None => words(reason),
    }
}

pub fn encode(send: OutgoingPacket, out: &mut BytesMut) -> Result<(), Error> {
    match send {
        OutgoingPacket::Connect { options, clean } => {
            let (connect, will, auth) = connect(options, clean);
            connect.write(&will, &auth, out)
        }
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
            properties: head.properties.clone(),
        }
        .write(out),
        OutgoingPacket::PubAck(id) => PubAck::new(id, None).write(out),
        OutgoingPacket::PubRec(id) => PubRec::new(id, None).write(out),
        OutgoingPacket::PubRel(id) => PubRel::new(id, None).write(out),
        OutgoingPacket::PubComp(id) => PubComp::new(id, None).write(out),
        OutgoingPacket::Subscribe {
            id,
            filter,
            qos,
            number,
        } => {
            let properties = number.map(|number| SubscribeProperties {
                id: Some(number as usize),
                user_properties: Vec::new(),
            });
            let mut subscribe =
                Subscribe::new(SubscribeFilter::new(filter, to_wire(qos)), properties);
            subscribe.pkid = id;
            subscribe.write(out)
        }
        OutgoingPacket::Unsubscribe { id, filter } => {
            let mut unsubscribe = Unsubscribe::new(filter, None);
            unsubscribe.pkid = id;
            unsubscribe.write(out)
        }
        OutgoingPacket::Auth(authentication) => {
            let properties = AuthProperties {
                method: Some(authentication.method.clone()),
                data: Some(authentication.data.clone().into()),
                ..AuthProperties::default()
            };
            Auth::new(AuthReasonCode::Continue, Some(properties)).write(out)
        }
        OutgoingPacket::Ping => PingReq::write(out),
        OutgoingPacket::Disconnect => {
            Disconnect::new(DisconnectReasonCode::NormalDisconnection).write(out)
        }
    }
    .map(|_| ())
}

fn connect(options: &ClientOptions, clean: bool) -> (Connect, Option<LastWill>, ConnectAuth) {
    // Without an expiry a session would end with its connection, which is what `cleansession:
    // false` is there to prevent.
    let expiry = options
        .session_expiry
        .or((!options.clean_session).then_some(u32::MAX));
    let authentication = options.authentication.as_ref();
    let connect = Connect {
        keep_alive: options.keepalive.as_secs() as u16,
        client_id: options.client_id.clone(),
        clean_start: clean,
        properties: Some(ConnectProperties {
            session_expiry_interval: expiry,
            receive_maximum: Some(incoming::MOST),
            max_packet_size: Some(options.max_packet as u32),
            topic_alias_max: None,
            request_response_info: None,
            request_problem_info: None,
            user_properties: Vec::new(),
            authentication_method: authentication.map(|a| a.method.clone()),
            authentication_data: authentication
                .filter(|a| !a.data.is_empty())
                .map(|a| a.data.clone().into()),
        }),
    };
    let will = options.will.as_ref().map(|will| LastWill {
        topic: will.topic.clone().into(),
        message: will.payload.clone().into(),
        qos: to_wire(will.qos),
        retain: will.retain,
        properties: None,
    });
    let auth = match (options.username.clone(), options.password.clone()) {
        (Some(username), Some(password)) => ConnectAuth::UsernamePassword {
            username,
            password: password.into(),
        },
        (Some(username), None) => ConnectAuth::Username { username },
        _ => ConnectAuth::None,
    };
    (connect, will, auth)
}

/// The size of publish properties on the wire, at most (MQTT 5, section 3.3.2.3).
pub fn properties_size(p: &PublishProperties) -> usize {
    let text = |t: &Option<String>| t.as_ref().map_or(0, |t| 3 + t.len());
    let pairs: usize = p
        .user_properties
        .iter()
        .map(|(k, v)| 5 + k.len() + v.len())
        .sum();
    let correlation = p.correlation_data.as_ref().map_or(0, |data| 3 + data.len());
    7 + text(&p.content_type) + text(&p.response_topic) + correlation + pairs
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
