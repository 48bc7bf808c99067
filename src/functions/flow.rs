//! Publishing to flows and following them: topics of MQTT brokers.

use std::sync::Arc;

use super::{Args, Native, Natives, mqtt};
use crate::diagnostic::{Error, Result};
use crate::mqtt::Client;
use crate::run::Cx;
use crate::types::Value;

pub const NATIVES: Natives = &[
    ("publish", publish as Native),
    ("subscribe", subscribe),
    ("subscribe_topic", subscribe_topic),
];

/// The client and the topic that a flow's name names.
fn client_topic<'a>(cx: &Cx, flow: &'a str) -> Result<(Arc<Client>, &'a str)> {
    match flow.split_once(':') {
        Some((client, topic)) => Ok((cx.world.mqtt.get(client)?, topic)),
        None => Err(
            Error::unsupported(format!("a flow inside the process, '{flow}',"))
                .help("name a client and a topic: \"client:topic\""),
        ),
    }
}

fn publish(cx: &Cx, args: Args) -> Result<Option<Value>> {
    let (client, topic) = client_topic(cx, args.str(1)?)?;
    let options = if args.len() > 2 {
        Some(&**args.record(2)?)
    } else {
        None
    };
    mqtt::publish(client, topic, options, args.value(0).clone()).map(Some)
}

fn subscribe(cx: &Cx, args: Args) -> Result<Option<Value>> {
    let (client, filter) = client_topic(cx, args.str(0)?)?;
    mqtt::subscribe(client, filter).map(Some)
}

fn subscribe_topic(cx: &Cx, args: Args) -> Result<Option<Value>> {
    let (client, filter) = client_topic(cx, args.str(0)?)?;
    mqtt::subscribe_records(client, filter).map(Some)
}
