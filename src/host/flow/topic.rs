//! Topics of MQTT brokers as flows. A string is sent as UTF-8, a binary as it is, anything else as
//! JSON; payloads come as binaries.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use bytes::Bytes;

use super::{ElementForm, Flow, FlowPublisher};
use crate::host::remarks;
use crate::model::collection::Arrivals;
use crate::model::failed::{Origin, Turns};
use crate::model::{BatchColumn, Cx, Record, Source, Value, json};
use crate::mqtt::{
    Client, Message, MessagesGiven, MessagesInHand, PublishOptions, Settings, TopicPublisher,
    TopicSubscription, check_filter, check_topic,
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
            taken: None,
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
    /// Whose turn it is among the messages in hand, where they are taken one by one.
    taken: Option<(Arc<MessagesInHand>, Arc<dyn Turns>)>,
}

impl Source for TopicSource {
    fn next(&mut self, cx: &Cx) -> Result<Option<Value>> {
        let MessagesGiven { in_hand, places } = self.subscription.recv_many(1, &cx.token)?;
        let Some(message) = in_hand.messages().get(places.start) else {
            return Ok(None);
        };
        let (_, turns) = match &mut self.taken {
            Some(taken) if Arc::ptr_eq(&taken.0, &in_hand) => taken,
            taken => {
                let all = 0..in_hand.messages().len();
                let turns = MessageTurns::of(&in_hand, all, &self.failed);
                taken.insert((in_hand.clone(), turns))
            }
        };
        cx.latest_origin.turn_to(turns, places.start);
        if cx.remarks.looks_for_fields() {
            remarks::look_into(&message.payload, cx);
        }
        Ok(Some((self.element)(message)))
    }

    fn arrivals(&mut self, most: usize, cx: &Cx) -> Result<Option<Arrivals>> {
        let MessagesGiven { in_hand, places } = self.subscription.recv_many(most, &cx.token)?;
        let messages = in_hand.messages().get(places.clone()).unwrap_or_default();
        let elements: Vec<Value> = messages.iter().map(self.element).collect();
        if elements.is_empty() {
            return Ok(None);
        }
        for message in messages {
            if !cx.remarks.looks_for_fields() {
                break;
            }
            remarks::look_into(&message.payload, cx);
        }
        Ok(Some(Arrivals {
            column: BatchColumn::Values(elements),
            turns: MessageTurns::of(&in_hand, places, &self.failed),
        }))
    }
}

/// The turns of messages that a query has in hand.
struct MessageTurns {
    in_hand: Arc<MessagesInHand>,
    /// Which of those in hand they are.
    places: Range<usize>,
    failed: Arc<AtomicU64>,
}

impl MessageTurns {
    fn of(
        in_hand: &Arc<MessagesInHand>,
        places: Range<usize>,
        failed: &Arc<AtomicU64>,
    ) -> Arc<dyn Turns> {
        Arc::new(MessageTurns {
            in_hand: in_hand.clone(),
            places,
            failed: failed.clone(),
        })
    }
}

impl Turns for MessageTurns {
    fn turn_to(&self, element: usize) {
        self.in_hand.begin(self.places.start + element);
    }

    fn end(&self) {
        self.in_hand.deal_with(self.places.end);
    }

    fn origin(&self) -> Option<Origin> {
        let message = self.in_hand.latest()?;
        Some(Origin {
            topic: message.topic.clone(),
            payload: message.payload.clone(),
            failed: self.failed.clone(),
        })
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
