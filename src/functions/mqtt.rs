//! MQTT clients and the embedded broker, and streams to and from topics.

use std::sync::Arc;

use bytes::Bytes;

use crate::host::Host;
use crate::model::native::{Native, Natives};
use crate::model::{Args, Cx, Record, Source, Value, json};
use crate::mqtt::{Client, Message, PublishOptions, Publisher, Subscription};
use crate::text::diagnostic::{Error, Result};

pub const NATIVES: Natives = &[
    Native::new("register_client", register_client).acting(),
    Native::new("unregister_client", unregister_client).acting(),
    Native::new("clients", clients).volatile(),
    Native::new("status", status).volatile(),
    Native::new("start_broker", start_broker).acting(),
    Native::new("stop_broker", stop_broker).acting(),
];

fn register_client(cx: &Cx, args: Args) -> Result<Option<Value>> {
    let name = args.str(0)?;
    Host::of(cx)
        .clients
        .register(name, args.record(1)?, &cx.token)?;
    Ok(Some(Value::str(name)))
}

fn unregister_client(cx: &Cx, args: Args) -> Result<Option<Value>> {
    let name = args.str(0)?;
    Host::of(cx).clients.unregister(name, &cx.token)?;
    Ok(Some(Value::str(name)))
}

fn clients(cx: &Cx, _: Args) -> Result<Option<Value>> {
    let names = Host::of(cx).clients.names();
    Ok(Some(Value::bag(
        names.into_iter().map(Value::from).collect(),
    )))
}

fn status(cx: &Cx, args: Args) -> Result<Option<Value>> {
    let client = Host::of(cx).clients.get(args.str(0)?)?;
    Ok(Some(Value::record(client.status())))
}

#[cfg(feature = "broker")]
fn start_broker(cx: &Cx, args: Args) -> Result<Option<Value>> {
    let described = Host::of(cx)
        .clients
        .brokers
        .start(args.record(0)?, &cx.token)?;
    Ok(Some(Value::record(described)))
}

#[cfg(feature = "broker")]
fn stop_broker(cx: &Cx, args: Args) -> Result<Option<Value>> {
    let port = u16::try_from(args.int(0)?)
        .map_err(|_| Error::run("the port is a number from 1 to 65535"))?;
    Host::of(cx).clients.brokers.stop(port, &cx.token)?;
    Ok(Some(Value::Int(i64::from(port))))
}

#[cfg(not(feature = "broker"))]
fn start_broker(_: &Cx, _: Args) -> Result<Option<Value>> {
    Err(
        Error::run("this osql was built without the embedded broker")
            .help("build it with the cargo feature `broker`, or use mosquitto"),
    )
}

#[cfg(not(feature = "broker"))]
use start_broker as stop_broker;

/// A stream that publishes each element of `source` to `topic` through `client` and passes it on.
/// Its end comes when everything is acknowledged. A string is sent as UTF-8, a binary as it is,
/// anything else as JSON. Topic and options are checked now, not when the stream is read.
pub fn publish(
    client: Arc<Client>,
    topic: &str,
    options: Option<&Record>,
    source: Value,
) -> Result<Value> {
    crate::mqtt::check_topic(topic)?;
    let options = match options {
        Some(record) => PublishOptions::read(record, client.options().version)?,
        None => PublishOptions::default(),
    };
    let topic: Arc<str> = Arc::from(topic);
    Ok(Value::stream_from(move |cx| {
        let publisher = client.publisher(&topic, options.clone())?;
        Ok(Box::new(Publishing {
            source: source.elements(cx)?,
            publisher,
        }))
    }))
}

struct Publishing {
    source: Box<dyn Source>,
    publisher: Publisher,
}

impl Source for Publishing {
    fn next(&mut self, cx: &Cx) -> Result<Option<Value>> {
        let Some(element) = self.source.next(cx)? else {
            self.publisher.finish(&cx.token)?;
            return Ok(None);
        };
        self.publisher.send(payload(&element)?, &cx.token)?;
        Ok(Some(element))
    }

    fn is_live(&self) -> bool {
        self.source.is_live()
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

/// The payloads of the messages that `filter` takes, as binaries. The subscription is made when the
/// stream is read, and given up with it.
pub fn subscribe(client: Arc<Client>, filter: &str) -> Result<Value> {
    subscription(client, filter, |message| Value::Binary(message.payload))
}

/// The messages that `filter` takes as records: `topic`, `payload`, `qos`, `retain`, `dup`, and what
/// MQTT 5 says about them.
pub fn subscribe_records(client: Arc<Client>, filter: &str) -> Result<Value> {
    subscription(client, filter, record)
}

fn subscription(client: Arc<Client>, filter: &str, make: fn(Message) -> Value) -> Result<Value> {
    crate::mqtt::check_filter(filter)?;
    let filter: Arc<str> = Arc::from(filter);
    Ok(Value::stream_from(move |cx| {
        let subscription = client.subscribe(&filter, &cx.token)?;
        Ok(Box::new(Receiving { subscription, make }))
    }))
}

struct Receiving {
    subscription: Subscription,
    make: fn(Message) -> Value,
}

impl Source for Receiving {
    fn next(&mut self, cx: &Cx) -> Result<Option<Value>> {
        Ok(self.subscription.recv(&cx.token)?.map(self.make))
    }

    fn is_live(&self) -> bool {
        true
    }
}

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
