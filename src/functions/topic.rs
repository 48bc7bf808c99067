//! Topics: what the functions are about. A built-in function has the topic of its file; users make
//! topics of their own and say which functions belong to them.

use std::sync::{Arc, Mutex};

use indexmap::{IndexMap, IndexSet};

use super::documentation::described;
use super::{Args, Function, table};
use crate::run::Cx;
use crate::session::World;
use crate::text::diagnostic::{Error, Result, nearest};
use crate::text::wait::lock;
use crate::types::Value;

/// The topics that users have made.
#[derive(Default)]
pub struct Topics(Mutex<State>);

#[derive(Default)]
struct State {
    /// The functions that users added to each topic, built-in or not, by their ids.
    added: IndexMap<Arc<str>, IndexSet<u64>>,
    /// The topics of the functions that are defined from now on.
    current: Vec<Arc<str>>,
}

impl Topics {
    /// The topics that functions are being defined under take `function`, too.
    pub fn defined(&self, function: &Function) {
        let state = &mut *lock(&self.0);
        for topic in &state.current {
            state
                .added
                .entry(topic.clone())
                .or_default()
                .insert(function.id());
        }
    }

    /// All topics, the built-in ones first, by name.
    pub fn all(&self) -> Vec<Arc<str>> {
        let mut names = built_in();
        let state = lock(&self.0);
        let users = state.added.keys().filter(|name| !names.contains(*name));
        let mut users: Vec<_> = users.cloned().collect();
        users.sort();
        drop(state);
        names.append(&mut users);
        names
    }

    /// The topic of that name, in any case; a blank stands for the underscore in `Set_and_bag`.
    fn named(&self, name: &str) -> Option<Arc<str>> {
        let wanted = key(name);
        self.all().into_iter().find(|topic| key(topic) == wanted)
    }

    /// The topic of that name, made if there is none.
    fn create(&self, name: &str) -> Arc<str> {
        let topic = self.named(name).unwrap_or_else(|| name.trim().into());
        lock(&self.0).added.entry(topic.clone()).or_default();
        topic
    }

    fn holds(&self, topic: &str, function: &Function) -> bool {
        function.topic == Some(topic)
            || lock(&self.0)
                .added
                .get(topic)
                .is_some_and(|ids| ids.contains(&function.id()))
    }
}

fn built_in() -> Vec<Arc<str>> {
    let mut names: Vec<_> = table::all().iter().map(|d| d.topic).collect();
    names.sort_unstable();
    names.dedup();
    names.into_iter().map(Arc::from).collect()
}

fn key(name: &str) -> String {
    name.trim().to_lowercase().replace(' ', "_")
}

pub fn topic_named(cx: &Cx, args: Args) -> Result<Option<Value>> {
    let name = args.str(0)?;
    if let Some(topic) = cx.world.topics.named(name) {
        return Ok(Some(Value::Topic(topic)));
    }
    let error = Error::run(format!("there is no topic '{name}'"));
    let all = cx.world.topics.all();
    Err(match nearest(name, all.iter().map(|topic| &**topic)) {
        Some(near) => error.help(format!("did you mean '{near}'?")),
        None => error.help("alltopics() lists them"),
    })
}

pub fn alltopics(cx: &Cx, _: Args) -> Result<Option<Value>> {
    Ok(topics(cx.world.topics.all()))
}

pub fn create_topic(cx: &Cx, args: Args) -> Result<Option<Value>> {
    let name = named_at_all(args.str(0)?)?;
    Ok(Some(Value::Topic(cx.world.topics.create(name))))
}

pub fn add_topic(cx: &Cx, args: Args) -> Result<Option<Value>> {
    let topic = cx.world.topics.create(named_at_all(args.str(1)?)?);
    let ids: Vec<u64> = each(cx, args)?.iter().map(|f| f.id()).collect();
    let mut state = lock(&cx.world.topics.0);
    state.added.entry(topic.clone()).or_default().extend(ids);
    Ok(Some(Value::Topic(topic)))
}

pub fn current_topics(cx: &Cx, args: Args) -> Result<Option<Value>> {
    let mut current = Vec::new();
    for name in args.vector(0)?.iter() {
        let name = name
            .as_str()
            .ok_or_else(|| Error::run(format!("a topic's name is a string, not {name}")))?;
        current.push(cx.world.topics.create(named_at_all(name)?));
    }
    lock(&cx.world.topics.0).current.clone_from(&current);
    Ok(topics(current))
}

pub fn topics_of(cx: &Cx, args: Args) -> Result<Option<Value>> {
    let functions = each(cx, args)?;
    let mut all = cx.world.topics.all();
    all.retain(|topic| functions.iter().any(|f| cx.world.topics.holds(topic, f)));
    Ok(topics(all))
}

pub fn functions(cx: &Cx, args: Args) -> Result<Option<Value>> {
    let members = members(&cx.world, args.topic(0)?)?;
    Ok(Some(Value::bag(
        members.into_iter().map(Value::Function).collect(),
    )))
}

pub fn name(_: &Cx, args: Args) -> Result<Option<Value>> {
    Ok(Some(Value::Str(args.topic(0)?.clone())))
}

pub fn doc(cx: &Cx, args: Args) -> Result<Option<Value>> {
    let members = members(&cx.world, args.topic(0)?)?;
    let texts: Vec<String> = members.iter().map(|f| described(f)).collect();
    Ok(Some(texts.join("\n\n").into()))
}

/// The functions of a topic, by name.
fn members(world: &World, topic: &str) -> Result<Vec<Arc<Function>>> {
    let mut members = Vec::new();
    for name in world.library.names() {
        let resolvents = world.library.resolvents(&name)?;
        let of_topic = resolvents.iter().filter(|f| world.topics.holds(topic, f));
        members.extend(of_topic.cloned());
    }
    Ok(members)
}

/// The resolvents that the function in the first argument stands for.
fn each(cx: &Cx, args: Args) -> Result<Vec<Arc<Function>>> {
    let function = args.function(0)?;
    if function.is_generic() {
        return Ok(cx.world.library.resolvents(function.name())?.to_vec());
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
