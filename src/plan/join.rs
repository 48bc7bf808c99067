//! Joins: rows that do not depend on the rows before them, put together with those that they meet.

use std::sync::Arc;

use crate::model::memory::Operator;
use crate::model::{Function, Type};
use crate::plan::{PlanExpr, RowCondition, Slot, Step};
use crate::syntax::ast::BinaryOp;
use crate::text::diagnostic::Span;

/// Puts each row before it together with each row of its inner side for which the conditions hold, in
/// the order of the inner side.
#[derive(Clone)]
pub struct Join {
    /// What makes the rows of the inner side. The rows before change nothing of it.
    pub inner: Vec<Step>,
    /// The variables of the inner side that anything outside it uses.
    pub bound: Vec<Slot>,
    /// Those of them that are used once a row has been found, by their places in `bound`.
    pub wanted: Vec<usize>,
    /// The conditions that have an outer and an inner side.
    pub keys: Vec<JoinKey>,
    /// All conditions, those of the keys among them, in the order in which they were placed.
    pub conditions: Vec<RowCondition>,
    /// Variables and constants that the inner side reads. They may be bags that are made anew, and
    /// otherwise, whenever they are read.
    pub given: Vec<PlanExpr>,
    /// The functions that are called less often than without a join.
    pub functions: Vec<Arc<Function>>,
    /// Where the query stands in the source.
    pub span: Option<Span>,
}

/// A comparison of what the rows before have with what those of the inner side have.
#[derive(Clone)]
pub struct JoinKey {
    /// `outer op inner`
    pub op: BinaryOp,
    pub outer: PlanExpr,
    pub inner: PlanExpr,
    /// Which of the conditions it is.
    pub condition: usize,
}

impl Join {
    /// What holds the rows of the inner side.
    pub fn operator(&self) -> Operator<'_> {
        let name = match self.is_equation() {
            true => "the inner side of a hash join",
            false => "the inner side of a join",
        };
        Operator::at(name, self.span.as_ref())
    }

    /// The keys that rows are found by: all equations, or else the first comparison.
    pub fn finding(&self) -> &[JoinKey] {
        let equations = self.keys.iter().take_while(|key| key.op == BinaryOp::Eq);
        match equations.count() {
            0 => &self.keys[..self.keys.len().min(1)],
            equations => &self.keys[..equations],
        }
    }

    /// The conditions that have to be tested for the rows that are found.
    pub fn others(&self) -> impl Iterator<Item = &RowCondition> {
        let finding = self.finding();
        let is_found = move |at: &usize| finding.iter().any(|key| key.condition == *at);
        let conditions = self.conditions.iter().enumerate();
        conditions
            .filter(move |(at, _)| !is_found(at))
            .map(|(_, condition)| condition)
    }

    /// Whether the inner side may read what is stored.
    pub fn reads_stored(&self) -> bool {
        let is_stored =
            |step: &Step| !matches!(step, Step::Filter(_) | Step::Let(..) | Step::Iterate { .. });
        let may_read = |function: &Arc<Function>| {
            let mut params = function.signature.params.iter();
            function.native().is_none() || params.any(|param| param.ty == Type::Function)
        };
        self.inner.iter().any(is_stored) || self.functions.iter().any(may_read)
    }

    /// Whether rows of the inner side are made of elements of streams.
    pub fn has_streams(&self) -> bool {
        let is_stream = |step: &Step| matches!(step, Step::Iterate { stream: true, .. });
        self.inner.iter().any(is_stream)
    }

    /// Whether rows are found by equations.
    pub fn is_equation(&self) -> bool {
        self.keys.first().is_some_and(|key| key.op == BinaryOp::Eq)
    }
}
