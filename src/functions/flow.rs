//! Publishing and subscribing: flows inside the process, and MQTT topics through their clients.

use std::sync::{Arc, Mutex};

use crate::functions::mqtt;
use crate::host::Host;
use crate::host::flow::{Publisher, Status};
use crate::host::jobs::Jobs;
use crate::model::native::{Native, Natives};
use crate::model::{Args, Collection, Cx, Record, Source, Value};
use crate::mqtt::Client;
use crate::text::diagnostic::{Error, Result, nearest};
use crate::text::wait::lock;

pub const NATIVES: Natives = &[
    Native::new("publish", publish).acting(),
    Native::new("subscribe", subscribe).volatile().live(),
    Native::new("subscribe_topic", subscribe_topic)
        .volatile()
        .live(),
    Native::new("subscribe_merge", subscribe_merge)
        .volatile()
        .live(),
    Native::new("name_flow", name_flow).acting(),
    Native::new("emit", emit).acting(),
    Native::new("drop", drop_flow).acting(),
    Native::new("flows", flows).volatile(),
];

/// Where a name of a flow leads.
enum Place<'a> {
    /// A flow inside the process.
    Flow(&'a str),
    /// A topic of the broker that a client is registered for.
    Topic(Arc<Client>, &'a str),
}

fn place<'a>(name: &'a str, cx: &Cx) -> Result<Place<'a>> {
    match name.split_once(':') {
        Some((client, topic)) => Ok(Place::Topic(Host::of(cx).clients.get(client)?, topic)),
        None if name.is_empty() => Err(Error::run("a flow needs a name")),
        None => Ok(Place::Flow(name)),
    }
}

fn publish(cx: &Cx, args: Args) -> Result<Option<Value>> {
    let options = match args.len() {
        3 => Some(&**args.record(2)?),
        _ => None,
    };
    match place(args.str(1)?, cx)? {
        Place::Topic(client, topic) => {
            mqtt::publish(client, topic, options, args.value(0).clone()).map(Some)
        }
        Place::Flow(name) => {
            if let Some((option, _)) = options.and_then(|options| options.iter().next()) {
                return Err(Error::run(format!(
                    "the flow '{name}' is inside this program and has no option '{option}'"
                ))
                .help("options are for topics of MQTT clients: 'client:topic'"));
            }
            let stream = Publishing {
                stream: args.collection(0)?.clone(),
                flow: name.into(),
                publisher: Mutex::default(),
            };
            Ok(Some(Value::Stream(Arc::new(stream))))
        }
    }
}

/// A stream that publishes on a flow as it runs.
struct Publishing {
    stream: Arc<dyn Collection>,
    flow: Arc<str>,
    /// What publishes when the stream runs for the first time, where the flow has to be there before.
    publisher: Mutex<Option<Publisher>>,
}

impl Collection for Publishing {
    fn open(&self, cx: &Cx) -> Result<Box<dyn Source>> {
        let ready = lock(&self.publisher).take();
        Ok(Box::new(PublishingRun {
            publisher: ready.unwrap_or_else(|| Host::of(cx).flows.publisher(&self.flow)),
            elements: self.stream.open(cx)?,
        }))
    }
}

struct PublishingRun {
    publisher: Publisher,
    elements: Box<dyn Source>,
}

impl Source for PublishingRun {
    fn next(&mut self, cx: &Cx) -> Result<Option<Value>> {
        let Some(value) = self.elements.next(cx)? else {
            return Ok(None);
        };
        self.publisher.publish(&value, &cx.token)?;
        Ok(Some(value))
    }

    fn is_live(&self) -> bool {
        self.elements.is_live()
    }
}

fn subscription(cx: &Cx, name: &str) -> Result<Value> {
    match place(name, cx)? {
        Place::Topic(client, filter) => mqtt::subscribe(client, filter),
        Place::Flow(name) => {
            let name: Arc<str> = name.into();
            Ok(Value::stream_from(move |cx| {
                Ok(Box::new(Host::of(cx).flows.subscribe(&name)))
            }))
        }
    }
}

fn subscribe(cx: &Cx, args: Args) -> Result<Option<Value>> {
    subscription(cx, args.str(0)?).map(Some)
}

fn subscribe_topic(cx: &Cx, args: Args) -> Result<Option<Value>> {
    match place(args.str(0)?, cx)? {
        Place::Topic(client, filter) => mqtt::subscribe_records(client, filter).map(Some),
        Place::Flow(name) => Err(Error::run(format!(
            "the flow '{name}' is inside this program and has no topics"
        ))
        .help("subscribe(flow) gives what is published on it")),
    }
}

fn subscribe_merge(cx: &Cx, args: Args) -> Result<Option<Value>> {
    let mut streams = Vec::new();
    for name in args.vector(0)?.iter() {
        let Some(name) = name.as_str() else {
            return Err(Error::run(format!("a flow's name is a string, not {name}")));
        };
        streams.push(subscription(cx, name)?);
    }
    Ok(Some(super::combine::merged(streams)))
}

fn name_flow(cx: &Cx, args: Args) -> Result<Option<Value>> {
    let name = args.str(1)?;
    if let Place::Topic(..) = place(name, cx)? {
        return Err(
            Error::run(format!("'{name}' is an MQTT topic, and cannot name a flow")).help(
                "background(publish(s,'client:topic')) publishes on a topic in the background",
            ),
        );
    }
    let stream = Arc::new(Publishing {
        stream: args.collection(0)?.clone(),
        flow: name.into(),
        publisher: Mutex::new(Some(Host::of(cx).flows.publisher(name))),
    });
    let query = lock(&Host::of(cx).statement).clone();
    Jobs::start(cx, stream, query, Some(name.into()))?;
    Ok(Some(args.value(1).clone()))
}

fn emit(cx: &Cx, args: Args) -> Result<Option<Value>> {
    let value = args.value(0);
    match place(args.str(1)?, cx)? {
        Place::Flow(name) => Host::of(cx)
            .flows
            .publisher(name)
            .publish(value, &cx.token)?,
        Place::Topic(client, topic) => {
            let one = Value::Stream(Arc::new(vec![value.clone()]));
            let mut published = mqtt::publish(client, topic, None, one)?.elements(cx)?;
            while published.next(cx)?.is_some() {}
        }
    }
    Ok(Some(value.clone()))
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
    let record = |flow: Status| {
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
