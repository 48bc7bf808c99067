//! Records: keys with values, in the order in which they were put.

use std::cmp::Ordering;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use indexmap::IndexMap;

use crate::model::Value;

/// A record: string keys with values, in the order in which they were put. Keys are case sensitive.
/// Keys may come from anywhere: the hash is a fast one, but seeded, so that none can be made to
/// collide.
#[derive(Clone, Default)]
pub struct Record(IndexMap<Arc<str>, Value, foldhash::fast::RandomState>);

impl Record {
    pub fn new() -> Record {
        Record::default()
    }

    /// An empty record with room for `fields`.
    pub fn with_capacity(fields: usize) -> Record {
        Record(IndexMap::with_capacity_and_hasher(
            fields,
            foldhash::fast::RandomState::default(),
        ))
    }

    /// Sets `key` to `value`; a key that exists keeps its place.
    pub fn put(&mut self, key: impl Into<Arc<str>>, value: Value) {
        self.0.insert(key.into(), value);
    }

    pub fn get(&self, key: &str) -> Option<&Value> {
        self.0.get(key)
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Keys and values in order.
    pub fn iter(&self) -> impl Iterator<Item = (&Arc<str>, &Value)> {
        self.0.iter()
    }

    /// The fields by key, for comparison: two records with the same fields are equal in any order.
    fn sorted(&self) -> Vec<(&Arc<str>, &Value)> {
        let mut fields: Vec<_> = self.iter().collect();
        fields.sort_by_key(|field| field.0);
        fields
    }
}

impl<K: Into<Arc<str>>> FromIterator<(K, Value)> for Record {
    fn from_iter<I: IntoIterator<Item = (K, Value)>>(fields: I) -> Record {
        Record(fields.into_iter().map(|(k, v)| (k.into(), v)).collect())
    }
}

impl Ord for Record {
    fn cmp(&self, other: &Self) -> Ordering {
        self.sorted().cmp(&other.sorted())
    }
}

impl PartialOrd for Record {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Record {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Record {}

impl Hash for Record {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.sorted().hash(state);
    }
}
