//! What has no form over columns: the evaluator computes it row by row in the midst of a batch, where
//! it has no state.

use std::sync::Arc;

use super::Builder;
use crate::catalog::Catalog;
use crate::compile::stateful::has_state;
use crate::model::native::CallForm;
use crate::model::{Function, Type, Value};
use crate::plan::batch::{BatchExpr, EvaluatedExpr};
use crate::plan::walk::Visitor;
use crate::plan::{PlanExpr, Slot, Target};

impl Builder<'_> {
    /// The expression as one for the evaluator, or as a condition; `None` where that may not be.
    pub(super) fn evaluated(&mut self, expr: &PlanExpr, condition: bool) -> Option<BatchExpr> {
        if !self.may_evaluate || self.inside.is_some() {
            return None;
        }
        let mut uses = Uses {
            catalog: self.catalog,
            plain: true,
            functions: vec![],
            slots: vec![],
        };
        uses.expr(expr);
        if !uses.plain {
            return None;
        }
        uses.slots.iter().for_each(|slot| self.whole_record(*slot));
        if uses.slots.iter().any(|slot| self.has_fields_only(*slot)) {
            return None;
        }
        uses.functions.iter().for_each(|f| self.calls_of(f));
        uses.slots.sort_unstable();
        uses.slots.dedup();
        let variables = uses.slots.into_iter().filter_map(|slot| {
            let column = self.column_of(slot)?;
            Some((slot, column, self.columns[column].1.clone()))
        });
        Some(BatchExpr::Evaluated(Box::new(EvaluatedExpr {
            expr: expr.clone(),
            variables: variables.collect(),
            condition,
        })))
    }
}

/// What an expression is made of.
struct Uses<'c> {
    catalog: &'c Catalog,
    /// Whether there are single values only, and functions without state.
    plain: bool,
    functions: Vec<Arc<Function>>,
    slots: Vec<Slot>,
}

impl Uses<'_> {
    fn call(&mut self, function: &Arc<Function>) {
        let takes = |ty: &Type| !ty.is_collection() && *ty != Type::Function;
        let params = &function.signature.params;
        let ordinary = function
            .native()
            .is_none_or(|native| native.call_form == CallForm::Ordinary);
        self.plain &= ordinary
            && params.iter().all(|param| takes(&param.ty))
            && !function.signature.result_type().is_collection()
            && !has_state(self.catalog, function).unwrap_or(true);
        self.functions.push(function.clone());
    }
}

impl Visitor for Uses<'_> {
    fn slot(&mut self, slot: &Slot) {
        self.slots.push(*slot);
    }

    fn expr(&mut self, expr: &PlanExpr) {
        match expr {
            PlanExpr::Sub(_)
            | PlanExpr::Collect(_)
            | PlanExpr::Bag(_)
            | PlanExpr::Singleton(_)
            | PlanExpr::Const(Value::Function(_)) => self.plain = false,
            PlanExpr::Call(call) | PlanExpr::Arith(_, call) => match &call.target {
                Target::One(function) => self.call(function),
                Target::Late(functions) => functions.iter().for_each(|f| self.call(f)),
            },
            _ => {}
        }
        self.walk_expr(expr);
    }
}
