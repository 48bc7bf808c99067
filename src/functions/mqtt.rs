//! MQTT clients and the embedded broker.

mod topics;

use crate::host::Host;
use crate::host::flow::topic::payload;
use crate::host::profiles::Profiles;
use crate::model::native::{Native, Natives};
use crate::model::{Args, Cx, Record, Value};
#[cfg(feature = "broker")]
use crate::mqtt::broker::Brokers;
use crate::mqtt::{ClientOptions, Setting, Settings};
use crate::text::diagnostic::{Error, Result};
use crate::text::wait;

pub const NATIVES: Natives = &[
    Native::new("register_client", register_client)
        .only_acting()
        .options(&ClientOptions::NAMES),
    Native::new("connect", connect)
        .only_acting()
        .options(&ClientOptions::NAMES),
    Native::new("profiles", profiles).volatile(),
    Native::new("unregister_client", unregister_client).only_acting(),
    Native::new("clients", clients).volatile(),
    Native::new("status", status).volatile(),
    Native::new("request", request).acting(),
    Native::new("unread", unread).volatile(),
    Native::new("unsubscribe", unsubscribe).only_acting(),
    Native::new("topics", topics::topics).needs_end(),
    Native::new("topics_paced", topics::topics_paced),
    Native::new("start_broker", start_broker)
        .acting()
        .options(BROKER_OPTIONS),
    Native::new("stop_broker", stop_broker).only_acting(),
];

#[cfg(feature = "broker")]
const BROKER_OPTIONS: &[&str] = &Brokers::OPTION_NAMES;

#[cfg(not(feature = "broker"))]
const BROKER_OPTIONS: &[&str] = &[];

fn register_client(cx: &Cx, args: Args) -> Result<Option<Value>> {
    let name = args.str(0)?;
    Host::of(cx)
        .clients
        .register(name, &settings(args.record(1)?), &cx.token)?;
    Ok(Some(Value::str(name)))
}

/// `mqtt:connect(profile)`, and the same with further options.
fn connect(cx: &Cx, args: Args) -> Result<Option<Value>> {
    let name = args.str(0)?;
    let mut options = Profiles::read()?.options(name, &cx.token)?;
    if args.len() == 2 {
        for (option, setting) in settings(args.record(1)?).iter() {
            options.put(option, setting.clone());
        }
    }
    let registered = Host::of(cx).clients.register(name, &options, &cx.token);
    registered.map_err(|error| error.context(format_args!("profile '{name}'")))?;
    Ok(Some(Value::str(name)))
}

fn profiles(_: &Cx, _: Args) -> Result<Option<Value>> {
    let names = Profiles::read()?.names()?;
    Ok(Some(Value::bag(
        names.into_iter().map(Value::from).collect(),
    )))
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
    Ok(Some(record(client.status())))
}

/// Seconds that an answer may take where none are given.
const ANSWER_WITHIN: f64 = 10.0;

fn request(cx: &Cx, args: Args) -> Result<Option<Value>> {
    let client = Host::of(cx).clients.get(args.str(0)?)?;
    let seconds = match args.len() {
        4 => args.real(3)?,
        _ => ANSWER_WITHIN,
    };
    let timeout = wait::seconds(seconds)
        .ok_or_else(|| Error::run(format!("{seconds} is no number of seconds to wait")))?;
    let payload = payload(args.value(2), &cx.token)?;
    let answer = client.request(args.str(1)?, payload, timeout, &cx.token)?;
    Ok(Some(Value::Binary(answer.payload)))
}

fn unread(cx: &Cx, args: Args) -> Result<Option<Value>> {
    let unread = Host::of(cx).clients.get(args.str(0)?)?.unread();
    let filters = unread.filters.into_iter().map(Value::Str);
    let topics = unread.topics.into_iter();
    let topics = topics.map(|(topic, count)| (topic.to_string(), Value::Int(count as i64)));
    Ok(Some(Value::record(Record::from_iter([
        ("filters", Value::Vector(filters.collect())),
        ("passed-by", Value::record(topics.collect())),
    ]))))
}

fn unsubscribe(cx: &Cx, args: Args) -> Result<Option<Value>> {
    let (client, filter) = (args.str(0)?, args.str(1)?);
    Host::of(cx)
        .clients
        .get(client)?
        .unsubscribe(filter, &cx.token)?;
    Ok(Some(Value::str(filter)))
}

#[cfg(feature = "broker")]
fn start_broker(cx: &Cx, args: Args) -> Result<Option<Value>> {
    let options = settings(args.record(0)?);
    let described = Host::of(cx).clients.brokers.start(&options)?;
    Ok(Some(record(described)))
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

/// A record as the MQTT room takes it: plain values. What it has no kind for becomes the text that an
/// error shows.
pub fn settings(record: &Record) -> Settings {
    let pairs = record.iter();
    let pairs = pairs.map(|(name, value)| (name.to_string(), setting(value)));
    pairs.collect()
}

fn setting(value: &Value) -> Setting {
    match value {
        Value::Null => Setting::Nothing,
        Value::Bool(flag) => Setting::Bool(*flag),
        Value::Int(i) => Setting::Integer(*i),
        Value::Real(r) => Setting::Real(*r),
        Value::Str(text) => Setting::text(&**text),
        Value::Binary(bytes) => Setting::Bytes(bytes.to_vec()),
        Value::Record(record) => Setting::Group(settings(record)),
        Value::Vector(elements) => Setting::List(elements.iter().map(setting).collect()),
        other => Setting::Other(other.to_string()),
    }
}

/// Plain values of the MQTT room as a record.
fn record(settings: Settings) -> Value {
    let pairs = settings
        .iter()
        .map(|(name, setting)| (name, value(setting)));
    Value::record(pairs.collect())
}

fn value(setting: &Setting) -> Value {
    match setting {
        Setting::Nothing => Value::Null,
        Setting::Bool(flag) => Value::Bool(*flag),
        Setting::Integer(i) => Value::Int(*i),
        Setting::Real(r) => Value::Real(*r),
        Setting::Text(text) | Setting::Other(text) => Value::str(text),
        Setting::Bytes(bytes) => Value::Binary(bytes.as_slice().into()),
        Setting::List(settings) => Value::vector(settings.iter().map(value)),
        Setting::Group(settings) => record(settings.clone()),
    }
}
