//! Publishing and subscribing: flows inside the process, and MQTT topics through their clients.

use std::sync::{Arc, Mutex};

use crate::functions::mqtt;
use crate::host::Host;
use crate::host::flow::local::FlowStatus;
use crate::host::flow::{ElementForm, Flow, FlowName, FlowPublisher};
use crate::host::jobs::Jobs;
use crate::model::native::{Native, Natives};
use crate::model::{Args, Collection, Cx, Record, Source, Value};
use crate::mqtt::{PublishOptions, Settings};
use crate::text::diagnostic::{Error, Result, nearest};
use crate::text::wait::lock;

pub const NATIVES: Natives = &[
    Native::new("publish", publish)
        .acting()
        .options(&PublishOptions::NAMES),
    Native::new("subscribe", subscribe).volatile().live(),
    Native::new("subscribe_topic", subscribe_topic)
        .volatile()
        .live(),
    Native::new("subscribe_merge", subscribe_merge)
        .volatile()
        .live(),
    Native::new("name_flow", name_flow).only_acting(),
    Native::new("define", define).only_acting(),
    Native::new("emit", emit).acting(),
    Native::new("drop", drop_flow).only_acting(),
    Native::new("flows", flows).volatile(),
];

fn publish(cx: &Cx, args: Args) -> Result<Option<Value>> {
    let flow = Host::of(cx).flow(args.str(1)?)?;
    let options = match args.len() {
        3 => mqtt::settings(args.record(2)?),
        _ => Settings::default(),
    };
    flow.check_publish(&options)?;
    Ok(Some(Value::Stream(Arc::new(Publishing {
        stream: args.collection(0)?.clone(),
        flow,
        options,
        publisher: Mutex::default(),
    }))))
}

/// A stream that publishes on a flow as it runs. It ends when everything is delivered.
struct Publishing {
    stream: Arc<dyn Collection>,
    flow: Arc<dyn Flow>,
    options: Settings,
    /// What publishes when the stream runs for the first time, where the flow has to be there before.
    publisher: Mutex<Option<Box<dyn FlowPublisher>>>,
}

impl Collection for Publishing {
    fn open(&self, cx: &Cx) -> Result<Box<dyn Source>> {
        let publisher = match lock(&self.publisher).take() {
            Some(ready) => ready,
            None => self.flow.publisher(&self.options)?,
        };
        Ok(Box::new(PublishingSource {
            publisher,
            elements: self.stream.open(cx)?,
        }))
    }
}

struct PublishingSource {
    publisher: Box<dyn FlowPublisher>,
    elements: Box<dyn Source>,
}

impl Source for PublishingSource {
    fn next(&mut self, cx: &Cx) -> Result<Option<Value>> {
        let Some(value) = self.elements.next(cx)? else {
            self.publisher.finish(&cx.token)?;
            return Ok(None);
        };
        self.publisher.publish(&value, &cx.token)?;
        Ok(Some(value))
    }
}

/// A stream of what is published on the flow. The subscription is made when the stream is read, and
/// given up with it.
fn subscription(cx: &Cx, name: &str, form: ElementForm) -> Result<Value> {
    let flow = Host::of(cx).flow(name)?;
    flow.check_subscribe(form)?;
    Ok(Value::stream_from(move |cx| {
        flow.subscribe(form, &cx.token)
    }))
}

fn subscribe(cx: &Cx, args: Args) -> Result<Option<Value>> {
    subscription(cx, args.str(0)?, ElementForm::Payload).map(Some)
}

fn subscribe_topic(cx: &Cx, args: Args) -> Result<Option<Value>> {
    subscription(cx, args.str(0)?, ElementForm::Message).map(Some)
}

fn subscribe_merge(cx: &Cx, args: Args) -> Result<Option<Value>> {
    let mut streams = Vec::new();
    for name in args.vector(0)?.iter() {
        let Some(name) = name.as_str() else {
            return Err(Error::run(format!("a flow's name is a string, not {name}")));
        };
        streams.push(subscription(cx, name, ElementForm::Payload)?);
    }
    Ok(Some(super::combine::merged(streams)))
}

fn name_flow(cx: &Cx, args: Args) -> Result<Option<Value>> {
    let name = args.str(1)?;
    let FlowName::Local(_) = FlowName::parse(name)? else {
        return Err(
            Error::run(format!("'{name}' is an MQTT topic, and cannot name a flow")).help(
                "background(publish(s,'client:topic')) publishes on a topic in the background",
            ),
        );
    };
    let flow = Host::of(cx).flow(name)?;
    let options = Settings::default();
    let stream = Arc::new(Publishing {
        stream: args.collection(0)?.clone(),
        publisher: Mutex::new(Some(flow.publisher(&options)?)),
        flow,
        options,
    });
    let query = lock(&Host::of(cx).statement).clone();
    Jobs::start(cx, stream, query, Some(name.into()))?;
    Ok(Some(args.value(1).clone()))
}

fn emit(cx: &Cx, args: Args) -> Result<Option<Value>> {
    let value = args.value(0);
    let flow = Host::of(cx).flow(args.str(1)?)?;
    let mut publisher = flow.publisher(&Settings::default())?;
    publisher.publish(value, &cx.token)?;
    publisher.finish(&cx.token)?;
    Ok(Some(value.clone()))
}

/// What a flow has more than others where it is defined: a place before anyone uses it. Its queues are
/// bounded anyway, and the latest value is always kept.
fn define(cx: &Cx, args: Args) -> Result<Option<Value>> {
    let name = args.str(0)?;
    let FlowName::Local(_) = FlowName::parse(name)? else {
        return Err(Error::run(format!(
            "'{name}' is an MQTT topic, which needs no definition"
        ))
        .help("publish(s,'client:topic') publishes on it"));
    };
    if args.len() > 1 && args.int(1)? < 1 {
        return Err(Error::run(format!(
            "the buffer of a flow has room for 1 element at least, not {}",
            args.value(1)
        )));
    }
    Host::of(cx).flows.define(name);
    Ok(Some(args.value(0).clone()))
}

fn drop_flow(cx: &Cx, args: Args) -> Result<Option<Value>> {
    let Some(name) = args.value(0).as_str() else {
        return Err(Error::run(format!(
            "a flow's name is a string, not {}",
            args.value(0)
        )));
    };
    let fed = Host::of(cx).jobs.stop_feeding(name);
    let followed = Host::of(cx).flows.drop_subscriptions(name);
    if fed || followed {
        return Ok(Some(args.value(0).clone()));
    }
    let all = Host::of(cx).flows.all();
    let error = Error::run(format!("there is no flow '{name}'"));
    Err(match nearest(name, all.iter().map(|flow| &*flow.name)) {
        Some(near) => error.help(format!("did you mean '{near}'?")),
        None => error.help("flows() lists them"),
    })
}

fn flows(cx: &Cx, _: Args) -> Result<Option<Value>> {
    let record = |flow: FlowStatus| {
        let mut record = Record::new();
        record.put("name", Value::Str(flow.name));
        record.put("publishers", Value::Int(flow.publishers as i64));
        record.put("subscribers", Value::Int(flow.subscribers as i64));
        record.put("published", Value::Int(flow.published as i64));
        Value::record(record)
    };
    let all = Host::of(cx).flows.all().into_iter().map(record);
    Ok(Some(Value::bag(all.collect())))
}
