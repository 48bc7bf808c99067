//! What the steps of a query become: where a program's rows come from, and what is done with a batch.

use std::sync::Arc;

use super::{Builder, Kind, kind};
use crate::model::function::FunctionBody;
use crate::model::{Type, Value};
use crate::plan::batch::{
    BatchFetch, BatchJoin, BatchOrigin, BatchWork, ColumnDeclared, ColumnUse,
};
use crate::plan::join::Join;
use crate::plan::{Lookup, LookupColumn, Pattern, PlanExpr, Slot, Step, Target};

/// The type that a variable has by the step that binds it.
pub(super) fn type_in(step: &Step, slot: Slot) -> Option<Type> {
    match step {
        Step::Iterate { pattern, .. } | Step::Let(pattern, _) => type_in_pattern(pattern, slot),
        Step::Extent { slot: bound, ty } if *bound == slot => Some(ty.clone()),
        Step::Index { position, ty, .. } if *position == slot => Some(ty.clone()),
        Step::Solve(equation) if equation.unknown == slot => Some(equation.ty.clone()),
        Step::Join(join) => join.inner.iter().find_map(|step| type_in(step, slot)),
        Step::Alternatives { branches, .. } => {
            let mut steps = branches.iter().flatten();
            steps.find_map(|step| type_in(step, slot))
        }
        Step::Lookup(lookup) => {
            let FunctionBody::Stored(table) = &lookup.function.body else {
                return None;
            };
            let mut columns = lookup.columns.iter().zip(table.types());
            columns.find_map(|(column, ty)| match column {
                LookupColumn::Bind(Pattern::Bind(bound, declared)) if *bound == slot => Some(
                    if ty.is_subtype_of(declared) {
                        ty
                    } else {
                        declared
                    }
                    .clone(),
                ),
                _ => None,
            })
        }
        _ => None,
    }
}

fn type_in_pattern(pattern: &Pattern, slot: Slot) -> Option<Type> {
    match pattern {
        Pattern::Bind(bound, ty) => (*bound == slot).then(|| ty.clone()),
        Pattern::Vector(parts) => parts.iter().find_map(|part| type_in_pattern(part, slot)),
        Pattern::Equal(_) | Pattern::Any => None,
    }
}

impl Builder<'_> {
    pub(super) fn origin(&mut self, step: &Step) -> Option<BatchOrigin> {
        match step {
            Step::Iterate {
                pattern: Pattern::Bind(slot, ty),
                over,
                stream,
            } => {
                self.is_stream = *stream;
                if let Some(fields) = self.fields_of(*slot, ty, over) {
                    return Some(fields);
                }
                let declared = self.element(*slot, ty)?;
                Some(BatchOrigin::Elements(over.clone(), declared))
            }
            Step::Iterate {
                pattern: Pattern::Vector(parts),
                over,
                stream,
            } => {
                self.is_stream = *stream;
                let mut declared = Vec::with_capacity(parts.len());
                for part in parts {
                    let Pattern::Bind(slot, ty) = part else {
                        return None;
                    };
                    declared.push(self.element(*slot, ty)?);
                }
                Some(BatchOrigin::Vectors {
                    over: over.clone(),
                    declared,
                })
            }
            Step::Alternatives { branches, bound } => self.alternative_sources(branches, bound),
            Step::Extent { slot, ty } => {
                self.reads_stored = true;
                self.columns.push((Some(*slot), ty.clone()));
                Some(BatchOrigin::Extent(ty.clone()))
            }
            Step::Lookup(lookup) if lookup.known.is_empty() && lookup.narrowing.is_none() => {
                // The rows stay as they are when the scan begins.
                let columns = self.copies(lookup)?;
                Some(BatchOrigin::Rows(lookup.function.clone(), columns))
            }
            _ => None,
        }
    }

    /// Makes the column of a variable that elements are bound to. Objects do not come in columns.
    fn element(&mut self, slot: Slot, ty: &Type) -> Option<ColumnDeclared> {
        if kind(ty)? == Kind::Object {
            return None;
        }
        self.columns.push((Some(slot), ty.clone()));
        ColumnDeclared::of(ty)
    }

    /// Makes columns for the fields that are asked for of a variable.
    fn fields_of(&mut self, slot: Slot, ty: &Type, over: &PlanExpr) -> Option<BatchOrigin> {
        let PlanExpr::Call(call) = over else {
            return None;
        };
        let Target::One(function) = &call.target else {
            return None;
        };
        let Some(PlanExpr::Const(Value::Vector(keys))) = call.args.last() else {
            return None;
        };
        let keyed = match ty {
            Type::Record => keys.iter().all(|key| matches!(key, Value::Str(_))),
            Type::Vector(of) => {
                **of == Type::Object && keys.iter().all(|key| matches!(key, Value::Int(1..)))
            }
            _ => false,
        };
        if !keyed || keys.is_empty() || !function.native()?.streams_fields {
            return None;
        }
        for key in keys.iter() {
            self.fields.push((slot, key.clone(), self.columns.len()));
            self.columns.push((None, Type::Object));
        }
        Some(BatchOrigin::Fields {
            over: over.clone(),
            keys: keys.to_vec(),
        })
    }

    /// Makes columns for the parts that a record or a vector is made of, instead of the whole.
    fn made_of_fields(&mut self, slot: Slot, ty: &Type, value: &PlanExpr) -> Option<()> {
        let before = self.fields.len();
        match (value, ty) {
            (PlanExpr::Record(fields), Type::Record | Type::Object) if !fields.is_empty() => {
                for (key, part) in fields {
                    let PlanExpr::Const(key @ Value::Str(_)) = key else {
                        return None;
                    };
                    // Of two with the same key the last one counts.
                    if self
                        .fields
                        .iter()
                        .any(|(of, known, _)| *of == slot && known == key)
                    {
                        return None;
                    }
                    self.part(slot, key.clone(), part, &Type::Object)?;
                }
            }
            (PlanExpr::Vector(parts), Type::Vector(of)) if !parts.is_empty() => {
                for (position, part) in (1..).zip(parts) {
                    self.part(slot, Value::Int(position), part, of)?;
                }
            }
            _ => return None,
        }
        let parts = self.fields[before..].iter().map(|(_, _, column)| *column);
        self.work.push(BatchWork::Require(parts.collect()));
        Some(())
    }

    fn part(&mut self, slot: Slot, key: Value, part: &PlanExpr, ty: &Type) -> Option<()> {
        let part = self.node(part)?;
        let column = self.compute(part, ty, ColumnUse::Result)?;
        self.fields.push((slot, key, column));
        Some(())
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

    pub(super) fn step(&mut self, step: &Step) -> Option<()> {
        match step {
            Step::Filter(condition) => {
                let span = condition.span.clone();
                let condition = self.condition(condition)?;
                self.work.push(BatchWork::Filter(condition, span));
            }
            Step::Let(Pattern::Bind(slot, ty), value) => {
                let fields = |builder: &mut Self| builder.made_of_fields(*slot, ty, value);
                if self.attempt(fields).is_some() {
                    return Some(());
                }
                let of_text = |builder: &mut Self| builder.read_of_text(*slot, ty, value);
                if self.attempt(of_text).is_some() {
                    return Some(());
                }
                let value = self.node(value)?;
                self.bind(*slot, value, ty)?;
            }
            Step::Lookup(lookup) => {
                let [known] = lookup.known.as_slice() else {
                    return None;
                };
                let LookupColumn::Known(key) = &lookup.columns[*known] else {
                    return None;
                };
                let key = self.node(key)?;
                let columns = self.copies(lookup)?;
                self.reads_stored = true;
                self.work.push(BatchWork::Fetch(BatchFetch {
                    function: lookup.function.clone(),
                    known: [*known],
                    key,
                    columns,
                    called: None,
                }));
            }
            Step::Join(join) => self.join(join)?,
            Step::Alternatives { branches, bound } => self.alternatives(branches, bound)?,
            Step::Optional { steps, bound } => self.optional(steps, bound)?,
            _ => return None,
        }
        Some(())
    }

    /// What is found becomes columns; the other conditions are filters.
    fn join(&mut self, join: &Join) -> Option<()> {
        // An error says of which element it is.
        if join.has_streams() {
            return None;
        }
        // Between two elements of a stream what is stored may change.
        if self.is_stream && join.reads_stored() {
            return None;
        }
        self.reads_stored |= join.reads_stored();
        let mut keys = vec![];
        for key in join.finding() {
            keys.push(self.node(&key.outer)?);
        }
        for at in &join.wanted {
            let slot = join.bound[*at];
            let ty = join.inner.iter().find_map(|step| type_in(step, slot));
            let ty = ty.unwrap_or(Type::Object);
            kind(&ty)?;
            self.columns.push((Some(slot), ty));
        }
        join.functions.iter().for_each(|f| self.calls_of(f));
        self.work.push(BatchWork::Join(BatchJoin {
            join: Arc::new(join.clone()),
            keys,
        }));
        for condition in join.others() {
            let span = condition.span.clone();
            let condition = self.condition(condition)?;
            self.work.push(BatchWork::Filter(condition, span));
        }
        Some(())
    }
}
