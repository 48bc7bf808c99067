//! A session's world: its catalog and its host, seen together nowhere else.

use std::any::Any;

use crate::catalog::Catalog;
use crate::host::Host;
use crate::model::context::Surroundings;

/// What a session has defined, and what is outside of it.
pub struct World {
    pub catalog: Catalog,
    pub host: Host,
}

impl Surroundings for World {
    fn catalog(&self) -> &(dyn Any + Send + Sync) {
        &self.catalog
    }

    fn host(&self) -> &(dyn Any + Send + Sync) {
        &self.host
    }
}
