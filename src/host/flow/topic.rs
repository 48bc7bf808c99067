//! Topics of MQTT brokers as flows. A string is sent as UTF-8, a binary as it is, anything else as
//! JSON; payloads come as binaries.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use bytes::Bytes;

use super::{ElementForm, Flow, FlowPublisher};
use crate::model::collection::Arrivals;
use crate::model::failed::{Origin, Turns};
use crate::model::{BatchColumn, Cx, Record, Source, Value, json};
use crate::mqtt::{
    Client, Message, MessagesTaken, PublishOptions, Settings, TopicPublisher, TopicSubscription,
    check_filter, check_topic,
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
                ElementForm::Payload => |message| Value::Binary(message.payload.clone()),
                ElementForm::Message => record,
            },
        }))
    }
}

impl FlowPublisher for TopicPublisher {
    fn publish(&mut self, value: &Value, token: &Token) -> Result<()> {
        self.send(payload(value, token)?, token)
    }

    /// Acknowledged at QoS 1 and 2, written to the network at QoS 0.
    fn finish(&mut self, token: &Token) -> Result<()> {
        TopicPublisher::finish(self, token)
    }
}

struct TopicSource {
    subscription: TopicSubscription,
    element: fn(&Message) -> Value,
    /// How many of the client's messages made a query's element fail.
    failed: Arc<AtomicU64>,
}

impl Source for TopicSource {
    fn next(&mut self, cx: &Cx) -> Result<Option<Value>> {
        let Some(message) = self.subscription.recv(&cx.token)? else {
            return Ok(None);
        };
        cx.latest_origin.set(origin(&message, &self.failed));
        Ok(Some((self.element)(&message)))
    }

    fn arrivals(&mut self, most: usize, cx: &Cx) -> Result<Option<Arrivals>> {
        let MessagesTaken { messages, begun } = self.subscription.recv_many(most, &cx.token)?;
        let elements = messages.iter().map(self.element).collect();
        let failed = self.failed.clone();
        let origins = move |at: usize| messages.get(at).map(|message| origin(message, &failed));
        let turns = Arc::new(Turns::new(begun, origins));
        cx.latest_origin.set_arrivals(turns.clone());
        Ok(Some(Arrivals {
            column: BatchColumn::Values(elements),
            turns,
        }))
    }
}

fn origin(message: &Message, failed: &Arc<AtomicU64>) -> Origin {
    Origin {
        topic: message.topic.clone(),
        payload: message.payload.clone(),
        failed: failed.clone(),
    }
}

/// What a value is on the wire.
pub fn payload(value: &Value, token: &Token) -> Result<Bytes> {
    Ok(match value {
        Value::Str(text) => Bytes::copy_from_slice(text.as_bytes()),
        Value::Binary(bytes) => Bytes::copy_from_slice(bytes),
        other => Bytes::from(json::to_string(other, &token.looks())?),
    })
}

/// `topic`, `payload`, `qos`, `retain`, `dup`, and what MQTT 5 says about the message.
fn record(message: &Message) -> Value {
    let mut record = Record::from_iter([
        ("topic", Value::Str(message.topic.clone())),
        ("payload", Value::Binary(message.payload.clone())),
        ("qos", Value::Int(message.qos.number())),
        ("retain", Value::Bool(message.retain)),
        ("dup", Value::Bool(message.dup)),
    ]);
    let Some(properties) = &message.properties else {
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
    if let Some(data) = &properties.correlation_data {
        record.put("correlation-data", Value::Binary(data[..].into()));
    }
    if !properties.user_properties.is_empty() {
        let pairs = properties.user_properties.iter();
        let pairs = pairs.map(|(key, value)| (key.as_str(), Value::str(value)));
        record.put("user-properties", Value::record(pairs.collect()));
    }
    Value::record(record)
}
