//! Topics: what functions are about. A built-in function has the topic of its file; users make topics of
//! their own and say which functions belong to them.

use std::sync::{Arc, Mutex};

use indexmap::{IndexMap, IndexSet};

use super::declaration::BuiltIns;
use crate::model::Function;
use crate::text::wait::lock;

/// The topics of the built-in functions, and those that users have made.
pub struct Topics {
    built_ins: &'static BuiltIns,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The functions that users added to each topic, built-in or not, by their ids.
    added: IndexMap<Arc<str>, IndexSet<u64>>,
    /// The topics of the functions that are defined from now on.
    current: Vec<Arc<str>>,
}

impl Topics {
    /// The topics of the built-in functions alone.
    pub fn new(built_ins: &'static BuiltIns) -> Topics {
        Topics {
            built_ins,
            state: Mutex::default(),
        }
    }

    /// The topics that functions are being defined under take `function`, too.
    pub fn defined(&self, function: &Function) {
        let state = &mut *lock(&self.state);
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
        let mut names = self.built_in();
        let state = lock(&self.state);
        let users = state.added.keys().filter(|name| !names.contains(*name));
        let mut users: Vec<_> = users.cloned().collect();
        users.sort();
        drop(state);
        names.append(&mut users);
        names
    }

    fn built_in(&self) -> Vec<Arc<str>> {
        let declarations = self.built_ins.declarations.iter();
        let mut names: Vec<_> = declarations.map(|d| d.topic).collect();
        names.sort_unstable();
        names.dedup();
        names.into_iter().map(Arc::from).collect()
    }

    /// The topic of that name, in any case; a blank stands for the underscore in `Set_and_bag`.
    pub fn named(&self, name: &str) -> Option<Arc<str>> {
        let wanted = key(name);
        self.all().into_iter().find(|topic| key(topic) == wanted)
    }

    /// The topic of that name, made if there is none.
    pub fn create(&self, name: &str) -> Arc<str> {
        let topic = self.named(name).unwrap_or_else(|| name.trim().into());
        lock(&self.state).added.entry(topic.clone()).or_default();
        topic
    }

    /// Puts functions, by their ids, into a topic.
    pub fn add(&self, topic: &Arc<str>, ids: impl IntoIterator<Item = u64>) {
        let mut state = lock(&self.state);
        state.added.entry(topic.clone()).or_default().extend(ids);
    }

    /// Functions that are defined from now on belong to these topics.
    pub fn set_current(&self, topics: &[Arc<str>]) {
        lock(&self.state).current = topics.to_vec();
    }

    /// Whether the function belongs to the topic.
    pub fn holds(&self, topic: &str, function: &Function) -> bool {
        function.topic == Some(topic)
            || lock(&self.state)
                .added
                .get(topic)
                .is_some_and(|ids| ids.contains(&function.id()))
    }
}

fn key(name: &str) -> String {
    name.trim().to_lowercase().replace(' ', "_")
}
