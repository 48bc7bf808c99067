//! What has no form over columns: the evaluator computes it row by row in the midst of a batch, where
//! it has no state.

use std::sync::Arc;

use super::Builder;
use crate::compile::repeatable::Search;
use crate::model::function::FunctionBody;
use crate::model::{Function, Type, Value};
use crate::plan::batch::{
    BatchExpr, BatchRowSteps, BatchVariable, BatchWork, EvaluatedExpr, VariableColumns,
};
use crate::plan::used::{slots_bound_by, slots_of_expr, slots_of_step};
use crate::plan::walk::Visitor;
use crate::plan::{PlanExpr, Slot, Step, Sub, Target, uses};

impl Builder<'_> {
    /// The expression as one for the evaluator, or as a condition; `None` where that may not be.
    pub(super) fn evaluated(&mut self, expr: &PlanExpr, condition: bool) -> Option<BatchExpr> {
        if self.inside.is_some() || !self.may_run_again(&[], &[expr]) {
            return None;
        }
        self.uses_of(&[], Some(expr));
        let mut slots = slots_of_expr(expr);
        slots.sort_unstable();
        slots.dedup();
        Some(BatchExpr::Evaluated(Box::new(EvaluatedExpr {
            expr: expr.clone(),
            variables: self.read(&slots),
            condition,
            ty: type_of(expr),
        })))
    }

    /// A step for the evaluator, of whose variables those `behind` need columns.
    pub(super) fn row_steps(&mut self, step: &Step, behind: &[Slot]) -> Option<()> {
        let steps = std::slice::from_ref(step);
        if !self.may_run_again(steps, &[]) {
            return None;
        }
        self.uses_of(steps, None);
        let mut bound = slots_bound_by(step);
        bound.sort_unstable();
        bound.dedup();
        let mut slots = slots_of_step(step);
        slots.sort_unstable();
        slots.dedup();
        slots.retain(|slot| !bound.contains(slot));
        let variables = self.read(&slots);
        bound.retain(|slot| behind.contains(slot));
        for slot in &bound {
            let ty = super::steps::type_in(step, *slot).unwrap_or(Type::Object);
            super::kind(&ty)?;
            self.columns.push((Some(*slot), ty));
        }
        self.work.push(BatchWork::Rows(BatchRowSteps {
            steps: steps.to_vec(),
            variables,
            bound,
        }));
        Some(())
    }

    /// The variables that the evaluator reads.
    fn read(&mut self, slots: &[Slot]) -> Vec<BatchVariable> {
        self.evaluations += 1;
        let variables = self.whole_variables(slots);
        let has_columns = |slot: &&Slot| variables.iter().any(|variable| variable.slot == **slot);
        let given = slots.iter().filter(|slot| !has_columns(slot));
        self.given.extend(given);
        variables
    }

    /// Notes the functions that are called where the evaluator is at work.
    fn uses_of(&mut self, steps: &[Step], expr: Option<&PlanExpr>) {
        let functions = uses::of_pieces(steps, expr.into_iter());
        functions
            .iter()
            .for_each(|function| self.calls_of(function));
    }

    /// Whether these may be run for all rows of a batch before anything behind them, and once more where
    /// the batch has to be given up.
    pub(super) fn may_run_again(&self, steps: &[Step], exprs: &[&PlanExpr]) -> bool {
        if !self.has_no_state(steps, exprs) {
            return false;
        }
        if !self.gives_at_once {
            return true;
        }
        // Whoever takes the results may change what is stored between two of them.
        let mut stored = Stored {
            builder: self,
            is_read: false,
            depth: 0,
        };
        steps.iter().for_each(|step| stored.step(step));
        exprs.iter().for_each(|expr| stored.expr(expr));
        !stored.is_read
    }

    pub(super) fn has_no_state(&self, steps: &[Step], exprs: &[&PlanExpr]) -> bool {
        let mut search = Search::new(self.catalog, true);
        steps.iter().for_each(|step| search.step(step));
        exprs.iter().for_each(|expr| search.expr(expr));
        search.repeatable && !search.constants.iter().any(has_collection)
    }

    /// Those of the variables that have columns, with these: a record that a text holds is made.
    pub(super) fn whole_variables(&mut self, slots: &[Slot]) -> Vec<BatchVariable> {
        slots.iter().for_each(|slot| self.whole_record(*slot));
        self.variables(slots)
    }

    /// Those of the variables that have columns, with these.
    fn variables(&self, slots: &[Slot]) -> Vec<BatchVariable> {
        let variable = |slot: &Slot| {
            let fields = self.fields.iter().filter(|(of, _, _)| of == slot);
            let fields: Vec<_> = fields.map(|(_, key, at)| (key.clone(), *at)).collect();
            let columns = match self.column_of(*slot) {
                Some(at) => VariableColumns::Whole(at, self.columns[at].1.clone()),
                None if fields.is_empty() => return None,
                None => VariableColumns::Fields(fields),
            };
            Some(BatchVariable {
                slot: *slot,
                columns,
            })
        };
        slots.iter().filter_map(variable).collect()
    }
}

fn has_collection(value: &Value) -> bool {
    match value {
        Value::Vector(elements) => elements.iter().any(has_collection),
        Value::Record(record) => record.iter().any(|(_, value)| has_collection(value)),
        value => value.is_collection(),
    }
}

/// The type of an expression's value, as far as a call tells it.
fn type_of(expr: &PlanExpr) -> Type {
    match expr {
        PlanExpr::Call(call) | PlanExpr::Arith(_, call) => match &call.target {
            Target::One(function) => match function.signature.result_type() {
                ty if ty.is_collection() => Type::Object,
                ty => ty,
            },
            Target::Late(_) => Type::Object,
        },
        PlanExpr::Vector(_) => Type::vector(Type::Object),
        PlanExpr::Record(_) => Type::Record,
        PlanExpr::Convert(_, ty) if !ty.is_collection() => ty.clone(),
        _ => Type::Object,
    }
}

/// Whether something that is stored, or an object, is read.
struct Stored<'b> {
    builder: &'b Builder<'b>,
    is_read: bool,
    /// How many functions' bodies are being looked into.
    depth: usize,
}

/// How deep functions' bodies are looked into.
const DEEPEST: usize = 8;

impl Stored<'_> {
    fn call(&mut self, function: &Arc<Function>) {
        match &function.body {
            FunctionBody::Native(native) => {
                let params = &function.signature.params;
                let calls = params.iter().any(|param| param.ty == Type::Function);
                self.is_read |= calls && native.calls_functions;
            }
            FunctionBody::Derived(_, compiled) if self.depth < DEEPEST => {
                let epoch = self.builder.catalog.functions.epoch();
                match compiled.get(epoch) {
                    Some(query) => {
                        self.depth += 1;
                        self.query(&query);
                        self.depth -= 1;
                    }
                    None => self.is_read = true,
                }
            }
            _ => self.is_read = true,
        }
    }
}

impl Visitor for Stored<'_> {
    fn expr(&mut self, expr: &PlanExpr) {
        if let PlanExpr::Call(call) | PlanExpr::Arith(_, call) = expr {
            match &call.target {
                Target::One(function) => self.call(function),
                Target::Late(functions) => functions.iter().for_each(|f| self.call(f)),
            }
        }
        self.walk_expr(expr);
    }

    fn step(&mut self, step: &Step) {
        self.is_read |= matches!(step, Step::Extent { .. } | Step::Lookup(_));
        self.walk_step(step);
    }

    fn sub(&mut self, sub: &Sub) {
        self.query(&sub.query);
    }
}
