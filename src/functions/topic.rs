//! Topics: what the functions are about. A built-in function has the topic of its file; users make
//! topics of their own and say which functions belong to them.

use std::sync::Arc;

use super::documentation::described;
use crate::catalog::Catalog;
use crate::model::native::{Native, Natives};
use crate::model::{Args, Cx, Function, Value};
use crate::text::diagnostic::{Error, Result, nearest};

pub const NATIVES: Natives = &[
    Native::new("doc", doc),
    Native::new("functions", functions),
    Native::new("name", name),
    Native::new("named", topic_named),
    Native::new("topics", topics_of).quotes_functions(),
    Native::new("alltopics", alltopics),
    Native::new("add_topic", add_topic)
        .acting()
        .quotes_functions(),
    Native::new("create_topic", create_topic).acting(),
    Native::new("current_topics", current_topics).acting(),
];

fn topic_named(cx: &Cx, args: Args) -> Result<Option<Value>> {
    let name = args.str(0)?;
    if let Some(topic) = Catalog::of(cx).topics.named(name) {
        return Ok(Some(Value::Topic(topic)));
    }
    let error = Error::run(format!("there is no topic '{name}'"));
    let all = Catalog::of(cx).topics.all();
    Err(match nearest(name, all.iter().map(|topic| &**topic)) {
        Some(near) => error.help(format!("did you mean '{near}'?")),
        None => error.help("alltopics() lists them"),
    })
}

fn alltopics(cx: &Cx, _: Args) -> Result<Option<Value>> {
    Ok(topics(Catalog::of(cx).topics.all()))
}

fn create_topic(cx: &Cx, args: Args) -> Result<Option<Value>> {
    let name = named_at_all(args.str(0)?)?;
    Ok(Some(Value::Topic(Catalog::of(cx).topics.create(name))))
}

fn add_topic(cx: &Cx, args: Args) -> Result<Option<Value>> {
    let topic = Catalog::of(cx).topics.create(named_at_all(args.str(1)?)?);
    let ids: Vec<u64> = each(cx, args)?.iter().map(|f| f.id()).collect();
    Catalog::of(cx).topics.add(&topic, ids);
    Ok(Some(Value::Topic(topic)))
}

fn current_topics(cx: &Cx, args: Args) -> Result<Option<Value>> {
    let mut current = Vec::new();
    for name in args.vector(0)?.iter() {
        let name = name
            .as_str()
            .ok_or_else(|| Error::run(format!("a topic's name is a string, not {name}")))?;
        current.push(Catalog::of(cx).topics.create(named_at_all(name)?));
    }
    Catalog::of(cx).topics.set_current(&current);
    Ok(topics(current))
}

fn topics_of(cx: &Cx, args: Args) -> Result<Option<Value>> {
    let functions = each(cx, args)?;
    let mut all = Catalog::of(cx).topics.all();
    all.retain(|topic| {
        functions
            .iter()
            .any(|f| Catalog::of(cx).topics.holds(topic, f))
    });
    Ok(topics(all))
}

fn functions(cx: &Cx, args: Args) -> Result<Option<Value>> {
    let members = members(Catalog::of(cx), args.topic(0)?)?;
    Ok(Some(Value::bag(
        members.into_iter().map(Value::Function).collect(),
    )))
}

fn name(_: &Cx, args: Args) -> Result<Option<Value>> {
    Ok(Some(Value::Str(args.topic(0)?.clone())))
}

fn doc(cx: &Cx, args: Args) -> Result<Option<Value>> {
    let members = members(Catalog::of(cx), args.topic(0)?)?;
    let texts: Vec<String> = members.iter().map(|f| described(f)).collect();
    Ok(Some(texts.join("\n\n").into()))
}

/// The functions of a topic, by name.
fn members(catalog: &Catalog, topic: &str) -> Result<Vec<Arc<Function>>> {
    let mut members = Vec::new();
    for name in catalog.functions.names() {
        let resolvents = catalog.functions.resolvents(&name)?;
        let of_topic = resolvents.iter().filter(|f| catalog.topics.holds(topic, f));
        members.extend(of_topic.cloned());
    }
    Ok(members)
}

/// The resolvents that the function in the first argument stands for.
fn each(cx: &Cx, args: Args) -> Result<Vec<Arc<Function>>> {
    let function = args.function(0)?;
    if function.is_generic() {
        return Ok(Catalog::of(cx)
            .functions
            .resolvents(function.name())?
            .to_vec());
    }
    Ok(vec![function.clone()])
}

fn topics(names: Vec<Arc<str>>) -> Option<Value> {
    Some(Value::bag(names.into_iter().map(Value::Topic).collect()))
}

fn named_at_all(name: &str) -> Result<&str> {
    match name.trim() {
        "" => Err(Error::run("a topic needs a name")),
        _ => Ok(name),
    }
}
