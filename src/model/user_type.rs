//! The types that users create.

use std::hash::{Hash, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use super::Type;
use crate::text::wait::lock;

/// A type that a user created.
#[derive(Debug)]
pub struct UserType {
    id: u64,
    name: Arc<str>,
    supertypes: Vec<Type>,
    /// The ids of this type and of all user's types above it. Kept because late binding asks for
    /// them at each call.
    above: Vec<u64>,
    /// The ids of this type and of all types that were ever created below it.
    below: Mutex<Vec<u64>>,
}

static NEXT_ID: AtomicU64 = AtomicU64::new(1);

impl UserType {
    /// A type under `supertypes`, or directly under `Userobject` if there are none.
    pub fn new(name: &str, mut supertypes: Vec<Type>) -> UserType {
        if supertypes.is_empty() {
            supertypes.push(Type::Userobject);
        }
        let id = NEXT_ID.fetch_add(1, Ordering::Relaxed);
        let mut above = vec![id];
        for ty in &supertypes {
            if let Type::User(user) = ty {
                user.add_below(id);
                above.extend(&user.above);
            }
        }
        above.sort_unstable();
        above.dedup();
        UserType {
            id,
            name: name.into(),
            supertypes,
            above,
            below: Mutex::new(vec![id]),
        }
    }

    /// Notes a new type below this one, here and in all types above.
    fn add_below(&self, id: u64) {
        let mut below = lock(&self.below);
        if below.last() == Some(&id) {
            return;
        }
        below.push(id);
        drop(below);
        for ty in &self.supertypes {
            if let Type::User(user) = ty {
                user.add_below(id);
            }
        }
    }

    /// The name as it was written when the type was created.
    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn id(&self) -> u64 {
        self.id
    }

    /// The types directly above.
    pub fn supertypes(&self) -> Vec<Type> {
        self.supertypes.clone()
    }

    /// Whether it is `other` or a type below it.
    pub fn is_subtype_of(&self, other: &UserType) -> bool {
        self.above.contains(&other.id)
    }

    /// Whether an object can be of both types: one is below the other, or some type is below both. A
    /// type that was deleted since still counts.
    pub fn overlaps(&self, other: &UserType) -> bool {
        if self.is_subtype_of(other) || other.is_subtype_of(self) {
            return true;
        }
        let below = lock(&self.below).clone();
        lock(&other.below).iter().any(|id| below.contains(id))
    }
}

impl PartialEq for UserType {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl Eq for UserType {}

impl Hash for UserType {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.id.hash(state);
    }
}
