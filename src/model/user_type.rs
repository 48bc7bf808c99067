//! The types that users create.

use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::Type;

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
