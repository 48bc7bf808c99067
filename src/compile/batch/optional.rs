//! Left joins over batches.

use super::{Builder, Kind, kind};
use crate::plan::batch::{BatchOptional, BatchWork};
use crate::plan::{Slot, Step};

impl Builder<'_> {
    /// What the steps make of each row, or one without.
    pub(super) fn optional(&mut self, steps: &[Step], bound: &[Slot]) -> Option<()> {
        let (branch, types) = self.branch_of_rows(steps, bound)?;
        // A column of objects has their numbers, and no place for a null.
        if types.iter().any(|ty| kind(ty) == Some(Kind::Object)) {
            return None;
        }
        self.work
            .push(BatchWork::Optional(BatchOptional { branch }));
        let columns = bound.iter().zip(types);
        self.columns
            .extend(columns.map(|(slot, ty)| (Some(*slot), ty)));
        Some(())
    }
}
