//! Calls of derived functions whose body is one expression: the body takes the place of the call, over
//! columns of the arguments.

use std::sync::Arc;

use super::Builder;
use crate::model::function::Compiled;
use crate::model::{Function, Type};
use crate::plan::batch::{BatchExpr, ColumnUse};
use crate::plan::{Pattern, Query, Step};
use crate::syntax::ast::Many;

/// How many bodies may stand inside each other.
const MOST: usize = 16;

impl Builder<'_> {
    /// What a call of the function gives; `None` where its body is more than one expression, or has no
    /// form over columns.
    pub(super) fn inlined(
        &mut self,
        function: &Arc<Function>,
        compiled: &Compiled,
        args: Vec<BatchExpr>,
    ) -> Option<BatchExpr> {
        // What is still being compiled calls itself.
        let query: Arc<Query> = compiled.get(self.catalog.functions.epoch())?;
        if self.depth == MOST || function.signature.many != Many::One || !is_expression(&query) {
            return None;
        }
        let outside = self.inside.take();
        self.depth += 1;
        let result = self.body(function, &query, args);
        self.depth -= 1;
        self.inside = outside;
        result
    }

    fn body(
        &mut self,
        function: &Function,
        query: &Query,
        args: Vec<BatchExpr>,
    ) -> Option<BatchExpr> {
        let mut inside = Vec::with_capacity(args.len());
        // Without one of its variables a body gives nothing.
        let mut needed = Vec::with_capacity(args.len());
        for (slot, (arg, param)) in args.into_iter().zip(&function.signature.params).enumerate() {
            let column = match arg {
                BatchExpr::Column(at) if self.is_variable_of(at, &param.ty) => at,
                arg => self.compute(arg, &param.ty, ColumnUse::Argument)?,
            };
            inside.push((slot, column));
            needed.push(column);
        }
        self.inside = Some(inside);
        for step in &query.steps {
            let Step::Let(Pattern::Bind(slot, ty), value) = step else {
                return None;
            };
            let value = self.over_columns(value)?;
            let column = self.compute(value, ty, ColumnUse::Variable)?;
            self.inside.as_mut()?.push((*slot, column));
            needed.push(column);
        }
        let [only] = query.output.columns.as_slice() else {
            return None;
        };
        let result = self.over_columns(only)?;
        let is_condition = result.is_condition();
        let result = BatchExpr::Needing(needed, Box::new(result));
        let declared = &function.signature.columns[0].ty;
        match declared {
            Type::Boolean => is_condition.then_some(result),
            declared => {
                let column = self.compute(result, declared, ColumnUse::Result);
                column.map(BatchExpr::Column)
            }
        }
    }

    /// Whether a column is that of a variable of the type, so that no row lacks it.
    fn is_variable_of(&self, at: usize, ty: &Type) -> bool {
        let (slot, of) = &self.columns[at];
        slot.is_some() && of == ty
    }
}

/// Whether a query is one expression of its variables, and others that are computed before.
fn is_expression(query: &Query) -> bool {
    let binds = |step: &Step| matches!(step, Step::Let(Pattern::Bind(..), _));
    query.group.is_none()
        && query.limit.is_none()
        && query.order.is_empty()
        && !query.distinct
        && query.steps.iter().all(binds)
}
