//! Topics of MQTT brokers as flows. A string is sent as UTF-8, a binary as it is, anything else as
//! JSON; payloads come as binaries.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use bytes::Bytes;

use super::{ElementForm, Flow, FlowPublisher};
use crate::model::failed::Origin;
use crate::model::{Cx, Record, Source, Value, json};
use crate::mqtt::{
    Client, Message, PublishOptions, Settings, TopicPublisher, TopicSubscription, check_filter,
    check_topic,
};
use crate::text::diagnostic::Result;
use crate::text::wait::Token;

/// A topic, or a filter of topics, of the broker that a client is registered for.
pub struct TopicFlow {
    client: Arc<Client>,
    topic: String,
}

impl TopicFlow {
    pub fn new(client: Arc<Client>, topic: &str) -> TopicFlow {
        TopicFlow {
            client,
            topic: topic.to_owned(),
        }
    }

    fn options(&self, options: &Settings) -> Result<PublishOptions> {
        PublishOptions::read(options, self.client.options().version)
    }
}

impl Flow for TopicFlow {
    fn check_publish(&self, options: &Settings) -> Result<()> {
        check_topic(&self.topic)?;
        self.options(options).map(drop)
    }

    fn publisher(&self, options: &Settings) -> Result<Box<dyn FlowPublisher>> {
        let publisher = self.client.publisher(&self.topic, self.options(options)?)?;
        Ok(Box::new(publisher))
    }

    fn check_subscribe(&self, _: ElementForm) -> Result<()> {
        check_filter(&self.topic)
    }

    fn subscribe(&self, form: ElementForm, token: &Token) -> Result<Box<dyn Source>> {
        Ok(Box::new(TopicSource {
            subscription: self.client.subscribe(&self.topic, token)?,
            failed: self.client.failed_elements().clone(),
            element: match form {
                ElementForm::Payload => |message| Value::Binary(message.payload),
                ElementForm::Message => record,
            },
        }))
    }
}

impl FlowPublisher for TopicPublisher {
    fn publish(&mut self, value: &Value, token: &Token) -> Result<()> {
        self.send(payload(value)?, token)
    }

    /// Acknowledged at QoS 1 and 2, written to the network at QoS 0.
    fn finish(&mut self, token: &Token) -> Result<()> {
        TopicPublisher::finish(self, token)
    }
}

struct TopicSource {
    subscription: TopicSubscription,
    element: fn(Message) -> Value,
    /// How many of the client's messages made a query's element fail.
    failed: Arc<AtomicU64>,
}

impl Source for TopicSource {
    fn next(&mut self, cx: &Cx) -> Result<Option<Value>> {
        let Some(message) = self.subscription.recv(&cx.token)? else {
            return Ok(None);
        };
        cx.latest_origin.set(Origin {
            topic: message.topic.clone(),
            payload: message.payload.clone(),
            failed: self.failed.clone(),
        });
        Ok(Some((self.element)(message)))
    }
}

/// What a value is on the wire.
fn payload(value: &Value) -> Result<Bytes> {
    Ok(match value {
        Value::Str(text) => Bytes::copy_from_slice(text.as_bytes()),
        Value::Binary(bytes) => Bytes::copy_from_slice(bytes),
        other => Bytes::from(json::to_string(other)?),
    })
}

/// `topic`, `payload`, `qos`, `retain`, `dup`, and what MQTT 5 says about the message.
fn record(message: Message) -> Value {
    let mut record = Record::from_iter([
        ("topic", Value::Str(message.topic)),
        ("payload", Value::Binary(message.payload)),
        ("qos", Value::Int(message.qos.number())),
        ("retain", Value::Bool(message.retain)),
        ("dup", Value::Bool(message.dup)),
    ]);
    let Some(properties) = message.properties else {
        return Value::record(record);
    };
    if let Some(seconds) = properties.message_expiry_interval {
        record.put("message-expiry", Value::Int(i64::from(seconds)));
    }
    if let Some(text) = &properties.content_type {
        record.put("content-type", Value::str(text));
    }
    if let Some(topic) = &properties.response_topic {
        record.put("response-topic", Value::str(topic));
    }
    if !properties.user_properties.is_empty() {
        let pairs = properties.user_properties.iter();
        let pairs = pairs.map(|(key, value)| (key.as_str(), Value::str(value)));
        record.put("user-properties", Value::record(pairs.collect()));
    }
    Value::record(record)
}
