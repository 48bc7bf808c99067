//! The local database: types, objects and stored functions.

use std::fmt;
use std::sync::Arc;

use crate::types::Type;

/// A type that a user created.
#[derive(PartialEq, Eq, Hash)]
pub struct UserType {
    name: String,
}

impl UserType {
    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn supertypes(&self) -> Vec<Type> {
        vec![Type::Userobject]
    }
}

/// An object of a user's type.
pub struct Object {
    id: u64,
    ty: Arc<UserType>,
}

impl Object {
    pub fn id(&self) -> u64 {
        self.id
    }

    pub fn type_of(&self) -> Type {
        Type::User(self.ty.clone())
    }
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#[OID {}]", self.id)
    }
}
