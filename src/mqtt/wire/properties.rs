//! The properties of MQTT 5 packets (section 2.2.2.2): which packet may have which, how often, and
//! what they may hold.

use bytes::Bytes;
use rumqttc_v5::mqttbytes::v5::PublishProperties;

use super::fields::FieldReader;
use super::violation::Violation;

/// A packet from the broker that has properties.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Carrier {
    ConnAck,
    Publish,
    /// PUBACK, PUBREC, PUBREL, PUBCOMP, SUBACK and UNSUBACK.
    Answer,
    Disconnect,
    Auth,
}

const PAYLOAD_FORMAT: u8 = 1;
const MESSAGE_EXPIRY: u8 = 2;
const CONTENT_TYPE: u8 = 3;
const RESPONSE_TOPIC: u8 = 8;
const CORRELATION: u8 = 9;
const SUBSCRIPTION_ID: u8 = 11;
const SERVER_REFERENCE: u8 = 28;
const REASON_STRING: u8 = 31;
const RECEIVE_MAXIMUM: u8 = 33;
const TOPIC_ALIAS: u8 = 35;
const USER_PROPERTY: u8 = 38;
const MAXIMUM_PACKET: u8 = 39;

impl Carrier {
    fn allows(self, property: u8) -> bool {
        if property == USER_PROPERTY {
            return true;
        }
        let own: &[u8] = match self {
            Carrier::ConnAck => &[
                17, 18, 19, 21, 22, 26, 28, 31, 33, 34, 36, 37, 39, 40, 41, 42,
            ],
            Carrier::Publish => &[1, 2, 3, 8, 9, 11, 35],
            Carrier::Answer => &[REASON_STRING],
            Carrier::Disconnect => &[SERVER_REFERENCE, REASON_STRING],
            Carrier::Auth => &[21, 22, REASON_STRING],
        };
        own.contains(&property)
    }
}

/// What the properties of a packet say that is of interest here.
#[derive(Debug, Default, PartialEq)]
pub struct Properties {
    /// Why: the broker's own words, or for DISCONNECT another broker's address.
    pub text: Option<String>,
    /// Whether there is any at all.
    pub any: bool,
    /// Those of a message.
    pub of_message: PublishProperties,
}

/// Reads the properties of a packet, their length first, and checks them.
pub fn read(input: &mut FieldReader, carrier: Carrier) -> Result<Properties, Violation> {
    let length = input.variable()?;
    let mut input = FieldReader(input.bytes(length)?);
    let mut properties = Properties::default();
    // A bit for each property that has come.
    let mut seen: u64 = 0;
    while !input.is_empty() {
        let property = match input.variable()? {
            number @ 0..64 => number as u8,
            number => return Err(misplaced(number)),
        };
        if !carrier.allows(property) {
            return Err(misplaced(property.into()));
        }
        let repeats = property == USER_PROPERTY || property == SUBSCRIPTION_ID;
        if seen & 1 << property != 0 && !repeats {
            return Err(Violation::protocol(format!(
                "the broker sent property {property} twice in one packet"
            )));
        }
        seen |= 1 << property;
        value(&mut input, property, &mut properties)?;
    }
    properties.any = seen != 0;
    match carrier == Carrier::Publish && seen & 1 << TOPIC_ALIAS != 0 {
        true => Err(Violation::topic_alias()),
        false => Ok(properties),
    }
}

fn misplaced(property: usize) -> Violation {
    Violation::malformed(format!("property {property} has no place in this packet"))
}

fn value(
    input: &mut FieldReader,
    property: u8,
    properties: &mut Properties,
) -> Result<(), Violation> {
    let message = &mut properties.of_message;
    let in_range = match property {
        PAYLOAD_FORMAT => {
            let format = input.u8()?;
            message.payload_format_indicator = Some(format);
            format <= 1
        }
        // Bytes that say yes or no, the maximum QoS among them.
        36 | 37 | 40 | 41 | 42 => input.u8()? <= 1,
        RECEIVE_MAXIMUM => input.u16()? > 0,
        19 | 34 | TOPIC_ALIAS => input.u16().map(|_| true)?,
        MAXIMUM_PACKET => input.u32()? > 0,
        MESSAGE_EXPIRY => {
            message.message_expiry_interval = Some(input.u32()?);
            true
        }
        17 => input.u32().map(|_| true)?,
        SUBSCRIPTION_ID => {
            let id = input.variable()?;
            message.subscription_identifiers.push(id);
            id > 0
        }
        CONTENT_TYPE => {
            message.content_type = Some(input.text()?.to_owned());
            true
        }
        RESPONSE_TOPIC => {
            let topic = input.text()?;
            message.response_topic = Some(topic.to_owned());
            !topic.is_empty() && !topic.contains(['+', '#'])
        }
        CORRELATION => {
            let data = Bytes::copy_from_slice(input.binary()?);
            message.correlation_data = Some(data);
            true
        }
        22 => input.binary().map(|_| true)?,
        USER_PROPERTY => {
            let pair = (input.text()?.to_owned(), input.text()?.to_owned());
            message.user_properties.push(pair);
            true
        }
        REASON_STRING | SERVER_REFERENCE => {
            let text = input.text()?;
            if property == REASON_STRING || properties.text.is_none() {
                properties.text = Some(text.to_owned());
            }
            true
        }
        _ => input.text().map(|_| true)?,
    };
    match in_range {
        true => Ok(()),
        false => Err(Violation::protocol(format!(
            "the broker sent property {property} with a value that it cannot have"
        ))),
    }
}
