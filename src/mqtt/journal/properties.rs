//! The MQTT 5 properties of a publication as JSON.

use rumqttc_v5::mqttbytes::v5::PublishProperties;
use serde_json::{Value, json};

use crate::mqtt::wire::Head;

pub fn write(head: &Head) -> Vec<u8> {
    match &head.properties {
        None => Vec::new(),
        Some(p) => json!({
            "expiry": p.message_expiry_interval,
            "type": p.content_type,
            "response": p.response_topic,
            "correlation": p.correlation_data.as_deref(),
            "user": p.user_properties,
        })
        .to_string()
        .into_bytes(),
    }
}

pub fn read(text: &[u8]) -> Option<PublishProperties> {
    let json: Value = serde_json::from_slice(text).ok()?;
    let text = |name: &str| json[name].as_str().map(str::to_owned);
    let pair = |pair: &Value| Some((pair[0].as_str()?.to_owned(), pair[1].as_str()?.to_owned()));
    let byte = |byte: &Value| byte.as_u64().and_then(|n| u8::try_from(n).ok());
    let correlation = json["correlation"].as_array();
    Some(PublishProperties {
        message_expiry_interval: json["expiry"].as_u64().map(|n| n as u32),
        content_type: text("type"),
        response_topic: text("response"),
        correlation_data: correlation.and_then(|bytes| bytes.iter().map(byte).collect()),
        user_properties: json["user"].as_array()?.iter().filter_map(pair).collect(),
        ..PublishProperties::default()
    })
}
