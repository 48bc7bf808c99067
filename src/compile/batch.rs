//! Lowers queries to programs over batches of rows, where a query is so simple that it can be one.
//!
//! A query can be a [`BatchProgram`] if it takes numbers from a collection, objects from an extent or
//! rows from a stored function, looks up more in stored functions, filters by comparisons, and gives
//! numbers or objects.

use std::sync::Arc;

use crate::model::function::FunctionBody;
use crate::model::native::BatchForm;
use crate::model::table::Table;
use crate::model::{Function, Type};
use crate::plan::batch::{
    BatchExpr, BatchFetch, BatchOrigin, BatchProgram, BatchWork, NumbersDeclared,
};
use crate::plan::{Call, Lookup, LookupColumn, Pattern, PlanExpr, Query, Slot, Step, Target};
use crate::syntax::ast::{BinaryOp, Many};

/// The program that the query can be, if any.
pub fn lower(query: &Query) -> Option<BatchProgram> {
    let plain = query.limit.is_none() && !query.distinct && !query.output.flatten;
    if !plain || query.group.is_none() && !query.order.is_empty() {
        return None;
    }
    let (first, rest) = query.steps.split_first()?;
    let mut builder = Builder::default();
    let origin = builder.origin(first)?;
    for step in rest {
        builder.step(step)?;
    }
    let mut outputs = Vec::new();
    match &query.group {
        None => {
            for column in &query.output.columns {
                outputs.push(builder.node(column)?);
            }
        }
        Some(group) => {
            for (key, _) in &group.keys {
                outputs.push(builder.node(key)?);
            }
            // A row without what an aggregate takes belongs to its group all the same.
            builder.required = true;
            for aggregate in &group.aggregates {
                if aggregate.elements {
                    return None;
                }
                let argument = builder.node(&aggregate.argument)?;
                let counts = matches!(&aggregate.running, Some(running) if running.counts());
                outputs.push(match builder.kind(&argument) {
                    // Each object counts, whichever it is.
                    Kind::Object if counts => BatchExpr::Int(1),
                    _ => argument,
                });
            }
            if outputs.iter().any(|o| builder.kind(o) == Kind::Object) {
                return None;
            }
        }
    }
    if outputs.iter().any(BatchExpr::is_condition) {
        return None;
    }
    let numeric = query.group.is_none()
        && matches!(outputs.as_slice(), [one] if builder.kind(one) == Kind::Number);
    Some(BatchProgram {
        origin,
        work: builder.work,
        outputs,
        numeric,
        functions: builder.functions,
    })
}

/// What the values of a variable of the type are declared to be, if numbers.
fn declared(ty: &Type) -> Option<NumbersDeclared> {
    Some(match ty {
        Type::Number | Type::Object => NumbersDeclared::Any,
        Type::Integer => NumbersDeclared::Integer,
        Type::Real => NumbersDeclared::Real,
        _ => return None,
    })
}

/// What can be done with the values of a column.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Number,
    Object,
    /// They can be compared.
    Other,
}

fn kind(ty: &Type) -> Option<Kind> {
    match ty {
        Type::Number | Type::Integer | Type::Real => Some(Kind::Number),
        Type::User(_) | Type::Userobject => Some(Kind::Object),
        Type::Bag(_) | Type::Stream(_) => None,
        _ => Some(Kind::Other),
    }
}

#[derive(Default)]
struct Builder {
    /// The columns that there are by now, with the variables that they stand for.
    columns: Vec<(Option<Slot>, Type)>,
    work: Vec<BatchWork>,
    /// The functions that are called.
    functions: Vec<Arc<Function>>,
    /// Calls of stored functions that have a column: the function, its argument's column, its own.
    calls: Vec<(Arc<Function>, usize, usize)>,
    /// Whether a row may not be left out because something has no value.
    required: bool,
    /// Whether the expression may be left out for some rows, so that nothing may be fetched for it.
    optional: bool,
}

impl Builder {
    fn origin(&mut self, step: &Step) -> Option<BatchOrigin> {
        match step {
            Step::Iterate {
                pattern: Pattern::Bind(slot, ty),
                over,
                ..
            } => {
                self.columns.push((Some(*slot), Type::Number));
                Some(BatchOrigin::Elements(over.clone(), declared(ty)?))
            }
            Step::Iterate {
                pattern: Pattern::Vector(parts),
                over,
                ..
            } => {
                for part in parts {
                    let Pattern::Bind(slot, Type::Object | Type::Number) = part else {
                        return None;
                    };
                    self.columns.push((Some(*slot), Type::Number));
                }
                Some(BatchOrigin::Vectors {
                    over: over.clone(),
                    width: parts.len(),
                })
            }
            Step::Extent { slot, ty } => {
                self.columns.push((Some(*slot), ty.clone()));
                Some(BatchOrigin::Extent(ty.clone()))
            }
            Step::Lookup(lookup) if lookup.known.is_empty() && lookup.narrowing.is_none() => {
                let columns = self.copies(lookup)?;
                Some(BatchOrigin::Rows(lookup.function.clone(), columns))
            }
            _ => None,
        }
    }

    /// Makes columns for what a lookup copies; gives their places in its rows.
    fn copies(&mut self, lookup: &Lookup) -> Option<Vec<usize>> {
        let FunctionBody::Stored(table) = &lookup.function.body else {
            return None;
        };
        let copies = lookup.copies.as_ref().filter(|_| !lookup.distinct)?;
        for (at, slot) in copies {
            let ty = &table.types()[*at];
            kind(ty)?;
            self.columns.push((Some(*slot), ty.clone()));
        }
        Some(copies.iter().map(|(at, _)| *at).collect())
    }

    fn step(&mut self, step: &Step) -> Option<()> {
        match step {
            Step::Filter(condition) => {
                let condition = self.node(condition).filter(BatchExpr::is_condition)?;
                self.work.push(BatchWork::Filter(condition));
            }
            Step::Let(Pattern::Bind(slot, ty), value) => {
                let value = self.node(value).filter(|value| !value.is_condition())?;
                let declared = declared(ty)?;
                if self.kind(&value) != Kind::Number {
                    return None;
                }
                self.columns.push((Some(*slot), Type::Number));
                self.work.push(BatchWork::Compute(value, declared));
            }
            Step::Lookup(lookup) => {
                let [known] = lookup.known.as_slice() else {
                    return None;
                };
                let LookupColumn::Known(key) = &lookup.columns[*known] else {
                    return None;
                };
                let key = self.node(key).filter(|key| !key.is_condition())?;
                let columns = self.copies(lookup)?;
                self.work.push(BatchWork::Fetch(BatchFetch {
                    function: lookup.function.clone(),
                    known: [*known],
                    key,
                    columns,
                    required: false,
                }));
            }
            _ => return None,
        }
        Some(())
    }

    fn kind(&self, node: &BatchExpr) -> Kind {
        match node {
            BatchExpr::Column(at) => kind(&self.columns[*at].1).unwrap_or(Kind::Other),
            BatchExpr::Const(_) => Kind::Other,
            _ => Kind::Number,
        }
    }

    fn node(&mut self, expr: &PlanExpr) -> Option<BatchExpr> {
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
