//! The types that users create.

use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use crate::text::wait::lock;
use crate::types::Type;

/// A type that a user created.
#[derive(Debug)]
pub struct UserType {
    id: u64,
    name: Arc<str>,
    supertypes: Vec<Type>,
}

static NEXT_ID: AtomicU64 = AtomicU64::new(1);

impl UserType {
    /// A type under `supertypes`, or directly under `Userobject` if there are none.
    pub fn new(name: &str, mut supertypes: Vec<Type>) -> UserType {
        if supertypes.is_empty() {
            supertypes.push(Type::Userobject);
        }
        let id = NEXT_ID.fetch_add(1, Ordering::Relaxed);
        UserType {
            id,
            name: name.into(),
            supertypes,
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

/// The users' types by name.
#[derive(Default)]
pub struct Types(Mutex<BTreeMap<String, Arc<UserType>>>);

impl Types {
    /// The type of that name, in any case.
    pub fn get(&self, name: &str) -> Option<Arc<UserType>> {
        lock(&self.0).get(&name.to_lowercase()).cloned()
    }

    pub fn insert(&self, ty: Arc<UserType>) {
        lock(&self.0).insert(ty.name().to_lowercase(), ty);
    }

    pub fn remove(&self, ty: &UserType) {
        lock(&self.0).remove(&ty.name().to_lowercase());
    }

    pub fn names(&self) -> Vec<String> {
        lock(&self.0)
            .values()
            .map(|t| t.name().to_owned())
            .collect()
    }

    /// All users' types, by name.
    pub fn all(&self) -> Vec<Arc<UserType>> {
        lock(&self.0).values().cloned().collect()
    }

    /// The type and all types below it.
    pub fn with_subtypes(&self, ty: &Arc<UserType>) -> Vec<Arc<UserType>> {
        let above = Type::User(ty.clone());
        let mut all = self.all();
        all.retain(|t| Type::User(t.clone()).is_subtype_of(&above));
        all
    }
}
