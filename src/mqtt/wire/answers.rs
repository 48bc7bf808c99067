//! MQTT 5 packets that answer or end something: an identifier, reason codes, properties. They are read
//! here because rumqttc 0.34 takes reason codes that it does not know for errors of another packet, and
//! waits for more bytes where DISCONNECT has only its reason code.

use super::fields::FieldReader;
use super::properties::{self, Carrier};
use super::reasons::reason;
use super::violation::Violation;
use super::{EndReason, IncomingPacket};
use crate::mqtt::options::Qos;

type Result<T> = std::result::Result<T, Violation>;

/// From this code on an answer is a refusal (section 2.4).
const FAILURES: u8 = 0x80;
const NO_MATCHING_SUBSCRIBERS: u8 = 0x10;
const NO_SUBSCRIPTION_EXISTED: u8 = 0x11;
const PACKET_ID_NOT_FOUND: u8 = 0x92;

/// Reads such a packet, its first byte and what follows its length; `None` if it is of another kind.
pub fn read(first: u8, body: &[u8]) -> Result<Option<IncomingPacket>> {
    let mut input = FieldReader(body);
    let packet = match first >> 4 {
        4 => {
            let (id, fault) = acknowledgement(&mut input, &[NO_MATCHING_SUBSCRIBERS])?;
            IncomingPacket::PubAck { id, fault }
        }
        5 => {
            let (id, fault) = acknowledgement(&mut input, &[NO_MATCHING_SUBSCRIBERS])?;
            IncomingPacket::PubRec { id, fault }
        }
        6 => {
            // What the broker does not know any more is complete.
            let (id, _) = acknowledgement(&mut input, &[PACKET_ID_NOT_FOUND])?;
            IncomingPacket::PubRel { id }
        }
        7 => {
            let (id, fault) = acknowledgement(&mut input, &[PACKET_ID_NOT_FOUND])?;
            IncomingPacket::PubComp { id, fault }
        }
        9 => subscribed(&mut input)?,
        11 => unsubscribed(&mut input)?,
        14 => ended(&mut input)?,
        _ => return Ok(None),
    };
    match input.is_empty() {
        true => Ok(Some(packet)),
        false => Err(Violation::malformed("a packet has more than belongs to it")),
    }
}

/// Identifier and fault of PUBACK and its like; `fine` are the codes that are none beside 0.
fn acknowledgement(input: &mut FieldReader, fine: &[u8]) -> Result<(u16, Option<String>)> {
    let id = input.id()?;
    if input.is_empty() {
        return Ok((id, None));
    }
    let code = input.u8()?;
    let text = match input.is_empty() {
        true => None,
        false => properties::read(input, Carrier::Answer)?.text,
    };
    match code {
        0 => Ok((id, None)),
        code if fine.contains(&code) => Ok((id, None)),
        code if code >= FAILURES => Ok((id, Some(with_text(code, text)))),
        code => Err(no_such_code(code)),
    }
}

fn subscribed(input: &mut FieldReader) -> Result<IncomingPacket> {
    let id = input.id()?;
    let text = properties::read(input, Carrier::Answer)?.text;
    let granted = match input.u8()? {
        code if code >= FAILURES => Err(with_text(code, text)),
        code => Ok(Qos::from_number(code.into()).ok_or_else(|| no_such_code(code))?),
    };
    Ok(IncomingPacket::SubAck { id, granted })
}

fn unsubscribed(input: &mut FieldReader) -> Result<IncomingPacket> {
    let id = input.id()?;
    let text = properties::read(input, Carrier::Answer)?.text;
    // A broker that takes MQTT 3.1.1 for a model leaves the code out.
    let code = match input.is_empty() {
        true => 0,
        false => input.u8()?,
    };
    match code {
        0 => Ok(IncomingPacket::UnsubAck { id, fault: None }),
        code if code == NO_SUBSCRIPTION_EXISTED || code >= FAILURES => {
            let fault = Some(with_text(code, text));
            Ok(IncomingPacket::UnsubAck { id, fault })
        }
        code => Err(no_such_code(code)),
    }
}

fn ended(input: &mut FieldReader) -> Result<IncomingPacket> {
    let code = match input.is_empty() {
        true => 0,
        false => input.u8()?,
    };
    let text = match input.is_empty() {
        true => None,
        false => properties::read(input, Carrier::Disconnect)?.text,
    };
    match code {
        0 => Ok(IncomingPacket::Disconnect {
            reason: text.unwrap_or_else(|| "it gives no reason".to_owned()),
            kind: EndReason::Passing,
        }),
        code if code >= FAILURES => Ok(IncomingPacket::Disconnect {
            reason: with_text(code, text),
            kind: EndReason::of(code),
        }),
        code => Err(no_such_code(code)),
    }
}

fn no_such_code(code: u8) -> Violation {
    Violation::protocol(format!(
        "the broker sent reason code {code}, which that packet cannot have"
    ))
}

fn with_text(code: u8, text: Option<String>) -> String {
    match text.filter(|text| !text.is_empty()) {
        Some(text) => format!("{} ({text})", reason(code)),
        None => reason(code),
    }
}
