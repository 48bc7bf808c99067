//! Changes of the rows of tables as plans.

use std::sync::Arc;

use super::{PlanExpr, Sub};
use crate::model::Function;
use crate::text::diagnostic::Span;

/// A change of rows of a table.
pub struct RowChange {
    /// The table.
    pub function: Arc<Function>,
    pub kind: RowChangeKind,
    pub span: Span,
}

pub enum RowChangeKind {
    /// Adds rows; what each column of a row is.
    Insert(InsertionRows, Vec<InsertedColumn>),
    /// Takes the rows away that the query gives.
    Delete(Sub),
    /// The query gives rows, and behind the columns of each what these columns become.
    Update(Sub, Vec<usize>),
}

pub enum InsertionRows {
    Values(Vec<InsertionRow>),
    Query(Sub),
}

pub struct InsertionRow {
    pub values: Vec<PlanExpr>,
    pub span: Span,
}

pub enum InsertedColumn {
    /// The value at this place among those that are given.
    Given(usize),
    Default(PlanExpr),
}
