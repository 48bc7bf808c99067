//! The extents of the types that users create: which objects there are.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use crate::model::{Object, UserType};
use crate::text::wait::lock;

/// All objects by type.
#[derive(Default)]
pub struct Objects {
    extents: Mutex<HashMap<u64, BTreeMap<u64, Arc<Object>>>>,
    last: AtomicU64,
}

impl Objects {
    /// A new object of type `ty`.
    pub fn create(&self, ty: &Arc<UserType>) -> Arc<Object> {
        let id = self.last.fetch_add(1, Ordering::Relaxed) + 1;
        let object = Arc::new(Object::new(id, ty.clone()));
        self.put_back(&object);
        object
    }

    /// Takes an object out of the extents. `false` if it is deleted already.
    pub fn delete(&self, object: &Object) -> bool {
        if object.set_deleted(true) {
            return false;
        }
        if let Some(extent) = lock(&self.extents).get_mut(&object.user_type().id()) {
            extent.remove(&object.id());
        }
        true
    }

    /// Puts an object into its extent, as it was before it was deleted.
    pub fn put_back(&self, object: &Arc<Object>) {
        object.set_deleted(false);
        let mut extents = lock(&self.extents);
        extents
            .entry(object.user_type().id())
            .or_default()
            .insert(object.id(), object.clone());
    }

    /// Reads the objects that there are now of exactly these types, oldest first, a few at a time:
    /// what has been deleted by then is left out.
    pub fn scan(&self, types: &[Arc<UserType>]) -> ObjectScan {
        ObjectScan {
            types: types.iter().map(|ty| ty.id()).collect(),
            seen: 0,
            last: self.last.load(Ordering::Relaxed),
            few: Vec::new().into_iter(),
            size: FIRST,
        }
    }

    /// The objects of exactly the types with these numbers that have these numbers themselves; `None` for one that is not there any
    /// more.
    pub fn numbered(&self, types: &[u64], numbers: &[u64]) -> Vec<Option<Arc<Object>>> {
        let extents = lock(&self.extents);
        let extents: Vec<_> = types.iter().filter_map(|ty| extents.get(ty)).collect();
        let object = |number| {
            extents
                .iter()
                .find_map(|extent| extent.get(number))
                .cloned()
        };
        numbers.iter().map(object).collect()
    }

    /// How many objects there are of exactly this type.
    pub fn count(&self, ty: &UserType) -> u64 {
        let extents = lock(&self.extents);
        extents
            .get(&ty.id())
            .map_or(0, |extent| extent.len() as u64)
    }

    /// The objects of exactly this type, oldest first.
    pub fn of(&self, ty: &UserType) -> Vec<Arc<Object>> {
        let extents = lock(&self.extents);
        extents
            .get(&ty.id())
            .map(|e| e.values().cloned().collect())
            .unwrap_or_default()
    }
}

/// How many objects a scan takes at first, and at the most, before it asks for more.
const FIRST: usize = 16;
const MOST: usize = 1024;

/// The objects of some types, as they are read.
pub struct ObjectScan {
    types: Vec<u64>,
    /// The numbers of the last object that was taken, and of the last that is wanted.
    seen: u64,
    last: u64,
    few: std::vec::IntoIter<Arc<Object>>,
    /// How many to take next.
    size: usize,
}

impl ObjectScan {
    #[inline]
    pub fn next(&mut self, objects: &Objects) -> Option<Arc<Object>> {
        if self.few.len() == 0 {
            self.take(objects);
        }
        self.few.next()
    }

    /// The numbers of the next objects, `most` at the most, instead of the objects themselves.
    pub fn numbers(&mut self, objects: &Objects, most: usize) -> Vec<u64> {
        let extents = lock(&objects.extents);
        let mut numbers = Vec::with_capacity(most);
        for extent in self.types.iter().filter_map(|ty| extents.get(ty)) {
            if self.seen < self.last {
                let next = extent.range(self.seen + 1..=self.last);
                numbers.extend(next.take(most).map(|(id, _)| *id));
            }
        }
        if self.types.len() > 1 {
            numbers.sort_unstable();
            numbers.truncate(most);
        }
        self.seen = numbers.last().copied().unwrap_or(self.last);
        numbers
    }

    /// The objects that have these numbers, of those that are there.
    pub fn numbered(&self, objects: &Objects, numbers: &[u64]) -> Vec<Arc<Object>> {
        let found = objects.numbered(&self.types, numbers);
        found.into_iter().flatten().collect()
    }

    fn take(&mut self, objects: &Objects) {
        if self.seen >= self.last {
            return;
        }
        let extents = lock(&objects.extents);
        let mut few = Vec::with_capacity(self.size);
        for extent in self.types.iter().filter_map(|ty| extents.get(ty)) {
            let next = extent.range(self.seen + 1..=self.last);
            few.extend(next.take(self.size).map(|(_, object)| object.clone()));
        }
        if self.types.len() > 1 {
            few.sort_by_key(|object| object.id());
            few.truncate(self.size);
        }
        self.seen = few.last().map_or(self.last, |object| object.id());
        self.size = (self.size * 4).min(MOST);
        self.few = few.into_iter();
    }
}
