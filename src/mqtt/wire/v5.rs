//! MQTT 5 packets, by rumqttc.

use bytes::{Bytes, BytesMut};
use rumqttc_v5::mqttbytes::v5::{
    Auth, AuthProperties, AuthReasonCode, Connect, ConnectAuth, ConnectProperties,
    ConnectReturnCode as Code, Disconnect, DisconnectReasonCode, LastWill, Packet as Wire, PingReq,
    PubAck, PubComp, PubRec, PubRel, Publish as WirePublish, PublishProperties, Subscribe,
    SubscribeFilter, SubscribeProperties, Unsubscribe,
};
use rumqttc_v5::mqttbytes::{Error, QoS};

use super::fields::FieldReader;
use super::properties::{self, Carrier};
use super::violation::Violation;
use super::words::words;
use super::{ConnAck, IncomingPacket, OutgoingPacket, Publish, Refusal, answers, unknown_refusal};
use crate::mqtt::incoming;
use crate::mqtt::options::{ClientOptions, Qos};

/// Reads a packet, whose fixed header ends at `header`.
pub fn decode(header: usize, mut bytes: BytesMut) -> Result<IncomingPacket, Violation> {
    if let Some(answer) = answers::read(bytes[0], &bytes[header..])? {
        return match bytes[0] & 0x0f == if bytes[0] >> 4 == 6 { 2 } else { 0 } {
            true => Ok(answer),
            false => Err(Violation::malformed(
                "a packet has flags that are not its own",
            )),
        };
    }
    match bytes[0] >> 4 {
        2 => {
            let mut input = FieldReader(&bytes[header..]);
            input.bytes(2)?;
            properties::read(&mut input, Carrier::ConnAck)?;
        }
        3 => return message(header, bytes.freeze()).map(IncomingPacket::Publish),
        15 if bytes.len() > header + 1 => {
            let mut input = FieldReader(&bytes[header + 1..]);
            properties::read(&mut input, Carrier::Auth)?;
        }
        _ => {}
    }
    match Wire::read(&mut bytes, None) {
        Ok(Wire::ConnAck(ack)) => Ok(IncomingPacket::ConnAck(connack(ack))),
        Ok(Wire::PingResp) => Ok(IncomingPacket::PingResp),
        Ok(Wire::Auth(_)) => Ok(IncomingPacket::Auth),
        Ok(other) => Ok(IncomingPacket::Unexpected(name(&other))),
        Err(Error::InvalidConnectReturnCode(code)) => {
            Ok(unknown_refusal(format!("unknown reason code {code}")))
        }
        Err(fault) => Err(Violation::malformed(fault.to_string())),
    }
}

/// Reads PUBLISH. rumqttc 0.34 counts each subscription identifier as a byte more than it has, so that
/// with two of them the last property becomes part of the payload, and it does not look at lengths,
/// repetitions, values and missing topics.
fn message(header: usize, bytes: Bytes) -> Result<Publish, Violation> {
    let flags = bytes[0] & 0x0f;
    let qos = Qos::from_number(i64::from(flags >> 1 & 3))
        .ok_or_else(|| Violation::malformed("a message at QoS 3"))?;
    let dup = flags & 8 != 0;
    if dup && qos == Qos::AtMostOnce {
        return Err(Violation::malformed(
            "a message at QoS 0 that is sent again",
        ));
    }
    let mut input = FieldReader(&bytes[header..]);
    let topic = input.text()?;
    if topic.contains(['+', '#']) {
        return Err(Violation::malformed("a topic with a wildcard"));
    }
    let id = match qos {
        Qos::AtMostOnce => 0,
        _ => input.id()?,
    };
    let properties = properties::read(&mut input, Carrier::Publish)?;
    if topic.is_empty() {
        return Err(Violation::protocol(
            "the broker sent a message without a topic",
        ));
    }
    Ok(Publish {
        topic: bytes.slice_ref(topic.as_bytes()),
        payload: bytes.slice_ref(input.0),
        qos,
        retain: flags & 1 != 0,
        dup,
        id,
        properties: properties.any.then(|| Box::new(properties.of_message)),
    })
}

/// What a packet is called that a broker must not send.
fn name(packet: &Wire) -> &'static str {
    match packet {
        Wire::Connect(..) => "CONNECT",
        Wire::Subscribe(_) => "SUBSCRIBE",
        Wire::Unsubscribe(_) => "UNSUBSCRIBE",
        Wire::PingReq => "PINGREQ",
        _ => "a packet",
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
        OutgoingPacket::Protest(code) => {
            let code = DisconnectReasonCode::try_from(code);
            Disconnect::new(code.unwrap_or(DisconnectReasonCode::ProtocolError)).write(out)
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

/// The size of publish properties on the wire (MQTT 5, section 3.3.2.3).
pub fn properties_size(p: &PublishProperties) -> usize {
    let text = |text: &Option<String>| text.as_ref().map_or(0, |t| 3 + t.len());
    let pairs = p.user_properties.iter().map(|(k, v)| 5 + k.len() + v.len());
    let numbers = p.payload_format_indicator.map_or(0, |_| 2)
        + p.message_expiry_interval.map_or(0, |_| 5)
        + p.topic_alias.map_or(0, |_| 3);
    let ids = p.subscription_identifiers.iter();
    let ids = ids.map(|id| 1 + super::variable_size(*id));
    let correlation = p.correlation_data.as_ref().map_or(0, |data| 3 + data.len());
    numbers
        + text(&p.content_type)
        + text(&p.response_topic)
        + correlation
        + pairs.sum::<usize>()
        + ids.sum::<usize>()
}

fn to_wire(qos: Qos) -> QoS {
    match qos {
        Qos::AtMostOnce => QoS::AtMostOnce,
        Qos::AtLeastOnce => QoS::AtLeastOnce,
        Qos::ExactlyOnce => QoS::ExactlyOnce,
    }
}
