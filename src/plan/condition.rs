//! What must hold of a row, and where that stands in the source.

use std::ops::{Deref, DerefMut};

use super::PlanExpr;
use crate::text::diagnostic::Span;

/// A condition: rows go on for which it is true.
#[derive(Clone)]
pub struct RowCondition {
    pub expr: PlanExpr,
    /// Where it is written, if it is a condition of its own there.
    pub span: Option<Span>,
}

impl RowCondition {
    /// A condition that stands nowhere by itself.
    pub fn unwritten(expr: PlanExpr) -> RowCondition {
        RowCondition { expr, span: None }
    }
}

impl Deref for RowCondition {
    type Target = PlanExpr;

    fn deref(&self) -> &PlanExpr {
        &self.expr
    }
}

impl DerefMut for RowCondition {
    fn deref_mut(&mut self) -> &mut PlanExpr {
        &mut self.expr
    }
}
