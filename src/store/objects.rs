//! Objects, and the extents of their types.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use super::UserType;
use crate::run::wait::lock;
use crate::types::Type;

/// An object of a user's type.
pub struct Object {
    id: u64,
    ty: Arc<UserType>,
    deleted: AtomicBool,
}

impl Object {
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
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let deleted = if self.is_deleted() { " *DELETED*" } else { "" };
        write!(f, "#[OID {}{deleted}]", self.id)
    }
}

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
        let object = Arc::new(Object {
            id,
            ty: ty.clone(),
            deleted: AtomicBool::new(false),
        });
        self.put_back(&object);
        object
    }

    /// Takes an object out of the extents. `false` if it is deleted already.
    pub fn delete(&self, object: &Object) -> bool {
        if object.deleted.swap(true, Ordering::Relaxed) {
            return false;
        }
        if let Some(extent) = lock(&self.extents).get_mut(&object.ty.id()) {
            extent.remove(&object.id);
        }
        true
    }

    /// Puts an object into its extent, as it was before it was deleted.
    pub fn put_back(&self, object: &Arc<Object>) {
        object.deleted.store(false, Ordering::Relaxed);
        let mut extents = lock(&self.extents);
        extents
            .entry(object.ty.id())
            .or_default()
            .insert(object.id, object.clone());
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
