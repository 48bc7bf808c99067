//! What a plan's estimates know of what is defined.

use std::sync::Arc;

use crate::catalog::Catalog;
use crate::model::{Function, Type, Value};
use crate::plan::Query;
use crate::plan::estimate::Facts;

impl Facts for Catalog {
    fn extent(&self, ty: &Type) -> Option<u64> {
        let types = self.types_within(ty)?;
        Some(types.iter().map(|ty| self.objects.count(ty)).sum())
    }

    fn body(&self, function: &Function) -> Option<Arc<Query>> {
        super::derived(self, function).ok()
    }

    fn variable(&self, name: &str) -> Option<Value> {
        self.variables.get(name).map(|(value, _)| value)
    }
}
