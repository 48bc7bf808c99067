//! The types that users create, by name.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use crate::model::{Type, UserType};
use crate::text::wait::lock;

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
