//! Objects of the types that users create.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::{Type, UserType};

/// An object of a user's type.
pub struct Object {
    id: u64,
    ty: Arc<UserType>,
    deleted: AtomicBool,
}

impl Object {
    /// The object `id` of type `ty`; only the catalog makes objects, as it gives the numbers.
    pub fn new(id: u64, ty: Arc<UserType>) -> Object {
        Object {
            id,
            ty,
            deleted: AtomicBool::new(false),
        }
    }

    /// The number that tells it from all others.
    pub fn id(&self) -> u64 {
        self.id
    }

    pub fn type_of(&self) -> Type {
        Type::User(self.ty.clone())
    }

    pub fn user_type(&self) -> &Arc<UserType> {
        &self.ty
    }

    pub fn is_deleted(&self) -> bool {
        self.deleted.load(Ordering::Relaxed)
    }

    /// Says whether the object is deleted; gives what was said before.
    pub fn set_deleted(&self, deleted: bool) -> bool {
        self.deleted.swap(deleted, Ordering::Relaxed)
    }
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let deleted = if self.is_deleted() { " *DELETED*" } else { "" };
        write!(f, "#[OID {}{deleted}]", self.id)
    }
}
