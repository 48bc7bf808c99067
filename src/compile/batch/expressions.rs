//! What the expressions of a query become over the columns of a batch.

use std::sync::Arc;

use super::{Builder, Kind, kind};
use crate::model::function::FunctionBody;
use crate::model::native::BatchForm;
use crate::model::table::Table;
use crate::model::{Function, Type};
use crate::plan::batch::{BatchExpr, BatchFetch, BatchWork};
use crate::plan::{Call, PlanExpr, Target};
use crate::syntax::ast::{BinaryOp, Many};

impl Builder {
    pub(super) fn kind(&self, node: &BatchExpr) -> Kind {
        match node {
            BatchExpr::Column(at) => kind(&self.columns[*at].1).unwrap_or(Kind::Other),
            BatchExpr::Const(_) => Kind::Other,
            _ => Kind::Number,
        }
    }

    /// The type of the values, as far as it is known.
    pub(super) fn type_of(&self, node: &BatchExpr) -> Type {
        match node {
            BatchExpr::Column(at) => self.columns[*at].1.clone(),
            _ => Type::Object,
        }
    }

    pub(super) fn node(&mut self, expr: &PlanExpr) -> Option<BatchExpr> {
        use crate::model::Value::{Int, Real};
        match expr {
            PlanExpr::Const(Int(int)) => Some(BatchExpr::Int(*int)),
            PlanExpr::Const(Real(real)) => Some(BatchExpr::Real(*real)),
            PlanExpr::Const(value) if !value.is_collection() => {
                Some(BatchExpr::Const(value.clone()))
            }
            PlanExpr::Slot(slot) | PlanExpr::Known(slot) => {
                let mut columns = self.columns.iter();
                Some(match columns.position(|(of, _)| *of == Some(*slot)) {
                    Some(column) => {
                        let number = kind(&self.columns[column].1) == Some(Kind::Number);
                        if matches!(expr, PlanExpr::Known(_)) && !number {
                            return None;
                        }
                        BatchExpr::Column(column)
                    }
                    None if matches!(expr, PlanExpr::Known(_)) => return None,
                    None => BatchExpr::Given(*slot),
                })
            }
            PlanExpr::Arith(op, call) => {
                let [left, right] = call.args.as_slice() else {
                    return None;
                };
                use BinaryOp::{Div, Minus, Plus, Times};
                if !matches!(op, Plus | Minus | Times | Div) {
                    return None;
                }
                let sides = self.pair(left, right)?;
                match &call.target {
                    Target::One(function) => self.calls_of(function),
                    Target::Late(functions) => functions.iter().for_each(|f| self.calls_of(f)),
                }
                Some(BatchExpr::Arith(*op, sides))
            }
            PlanExpr::Compare(op, sides) => {
                let sides = self.pair(&sides[0], &sides[1])?;
                let plain = !sides.iter().any(BatchExpr::is_condition);
                plain.then_some(BatchExpr::Compare(*op, sides))
            }
            PlanExpr::And(list) => self.conditions(list).map(BatchExpr::And),
            PlanExpr::Or(list) => {
                let optional = std::mem::replace(&mut self.optional, true);
                let conditions = self.conditions(list);
                self.optional = optional;
                conditions.map(BatchExpr::Or)
            }
            PlanExpr::Call(call) => self.call(call),
            _ => None,
        }
    }

    fn conditions(&mut self, list: &[PlanExpr]) -> Option<Vec<BatchExpr>> {
        let nodes: Option<Vec<BatchExpr>> = list.iter().map(|e| self.node(e)).collect();
        nodes.filter(|nodes| nodes.iter().all(BatchExpr::is_condition))
    }

    fn pair(&mut self, left: &PlanExpr, right: &PlanExpr) -> Option<Box<[BatchExpr; 2]>> {
        Some(Box::new([self.node(left)?, self.node(right)?]))
    }

    fn call(&mut self, call: &Call) -> Option<BatchExpr> {
        let (Target::One(function), [argument]) = (&call.target, call.args.as_slice()) else {
            return None;
        };
        let argument = self.node(argument)?;
        self.calls_of(function);
        match &function.body {
            FunctionBody::Stored(table) => self.stored(function, table, argument),
            _ => self.native(function, argument),
        }
    }

    /// Notes that the function is called.
    fn calls_of(&mut self, function: &Arc<Function>) {
        if !self.functions.iter().any(|f| Arc::ptr_eq(f, function)) {
            self.functions.push(function.clone());
        }
    }

    /// A call of a stored function with one value: its values become a column.
    fn stored(
        &mut self,
        function: &Arc<Function>,
        table: &Table,
        key: BatchExpr,
    ) -> Option<BatchExpr> {
        let BatchExpr::Column(of) = key else {
            return None;
        };
        let known =
            |call: &&(Arc<Function>, usize, usize)| Arc::ptr_eq(&call.0, function) && call.1 == of;
        if let Some((_, _, column)) = self.calls.iter().find(known) {
            return Some(BatchExpr::Column(*column));
        }
        let one = function.signature.many == Many::One && table.is_unique_by_arguments();
        let [_, result] = table.types() else {
            return None;
        };
        // Another kind of argument would be converted, or be an error.
        let (wanted, given) = (&function.signature.params[0].ty, &self.columns[of].1);
        let fits = match kind(wanted)? {
            Kind::Other => wanted == given,
            plain => kind(given) == Some(plain),
        };
        if !one || !fits || self.optional {
            return None;
        }
        kind(result)?;
        self.columns.push((None, result.clone()));
        let column = self.columns.len() - 1;
        self.calls.push((function.clone(), of, column));
        self.work.push(BatchWork::Fetch(BatchFetch {
            function: function.clone(),
            known: [0],
            key,
            columns: vec![1],
            required: self.required,
        }));
        Some(BatchExpr::Column(column))
    }

    /// The built-in functions that have a form over batches.
    fn native(&mut self, function: &Function, argument: BatchExpr) -> Option<BatchExpr> {
        let form = function.native()?.batch?;
        if self.kind(&argument) != Kind::Number {
            return None;
        }
        let argument = Box::new(argument);
        Some(match form {
            BatchForm::OfReal(f) => BatchExpr::Function(f, argument),
            BatchForm::ToReal => BatchExpr::ToReal(argument),
            BatchForm::Parity { odd } => BatchExpr::Odd(odd, argument),
        })
    }
}
