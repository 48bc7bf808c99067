//! Expressions over batches.

use std::borrow::Cow;

use super::operations::{apply, arithmetic, compare};
use super::optional::{OptionalColumn, common, of_present};
use super::rows::Batch;
use crate::model::native::{BatchArgs, BatchForm};
use crate::model::{BatchColumn, Cx, Value, column};
use crate::plan::batch::{BatchExpr, BatchFields, ColumnDeclared, ColumnUse, EvaluatedExpr};
use crate::run::eval::{eval, holds};

/// What expressions see beside their batch: the variables that are the same for all rows.
#[derive(Clone, Copy)]
pub struct Scope<'a> {
    pub frame: &'a [Value],
    pub cx: &'a Cx,
}

impl BatchExpr {
    /// The values for a batch; `None` if the evaluator has to make them.
    pub fn value(&self, batch: &Batch, scope: Scope) -> Option<OptionalColumn> {
        match self {
            BatchExpr::Column(at) => batch.columns.get(*at).cloned(),
            BatchExpr::Known(at) => Some(batch.columns.get(*at)?.clone().without_nulls(batch.rows)),
            BatchExpr::Given(slot) => {
                let value = scope.frame.get(*slot)?.clone();
                Some(BatchColumn::constant(value).into())
            }
            BatchExpr::Const(value) => Some(BatchColumn::Value(value.clone()).into()),
            BatchExpr::Int(int) => Some(BatchColumn::Int(*int).into()),
            BatchExpr::Real(real) => Some(BatchColumn::Real(*real).into()),
            BatchExpr::Arith(op, sides) => {
                let left = sides[0].value(batch, scope)?;
                let sides = vec![left, sides[1].value(batch, scope)?];
                of_present(sides, batch.rows, |mut sides, rows| {
                    let right = sides.pop()?;
                    arithmetic(*op, sides.pop()?, right, rows)
                })
            }
            BatchExpr::Case { arms, otherwise } => case(arms, otherwise.as_deref(), batch, scope),
            BatchExpr::Function { form, args, .. } if !form.is_condition() => {
                function(*form, args, batch, scope)
            }
            BatchExpr::Needing(columns, value) => {
                let needed = columns.iter().filter_map(|at| batch.columns.get(*at));
                let present = common(needed);
                Some(value.value(batch, scope)?.among(present.as_deref()))
            }
            BatchExpr::OrNull(value) => {
                let value = value.value(batch, scope)?;
                Some(value.into_nulls(batch.rows).into())
            }
            BatchExpr::Counted(value) => {
                let value = value.value(batch, scope)?;
                let one = OptionalColumn::from(BatchColumn::Int(1));
                Some(one.among(value.present()))
            }
            BatchExpr::Evaluated(evaluated) if !evaluated.condition => {
                evaluated.value(batch, scope)
            }
            // What does not hold has no value.
            condition => {
                let mask = condition.holds(batch, scope)?;
                let holds = BatchColumn::Value(Value::Bool(true));
                Some(OptionalColumn::new(holds, mask))
            }
        }
    }

    /// For which rows of a batch a condition holds; `None` if the evaluator has to say.
    pub fn holds(&self, batch: &Batch, scope: Scope) -> Option<Vec<bool>> {
        match self {
            BatchExpr::Compare(op, sides) => {
                let left = sides[0].value(batch, scope)?;
                let right = sides[1].value(batch, scope)?;
                let present = common([&left, &right]);
                if present
                    .as_ref()
                    .is_some_and(|present| !present.contains(&true))
                {
                    return present;
                }
                let mask = compare(*op, left.column, right.column, batch.rows)?;
                Some(both(mask, present.as_deref()))
            }
            BatchExpr::And(list) => all(list, batch, scope),
            BatchExpr::Or(list) => any(list, batch, scope),
            BatchExpr::Function { form, args, .. } if form.is_condition() => {
                let mask = function(*form, args, batch, scope)?;
                match &mask.column {
                    BatchColumn::Mask(of_all) => Some(both(of_all.clone(), mask.present())),
                    _ => Some(vec![false; batch.rows]),
                }
            }
            BatchExpr::Needing(columns, condition) => {
                let needed = columns.iter().filter_map(|at| batch.columns.get(*at));
                let present = common(needed);
                Some(both(condition.holds(batch, scope)?, present.as_deref()))
            }
            BatchExpr::Evaluated(evaluated) if evaluated.condition => evaluated.holds(batch, scope),
            value => truth(&value.value(batch, scope)?, batch.rows),
        }
    }
}

/// The rows that are in both.
fn both(mut mask: Vec<bool>, other: Option<&[bool]>) -> Vec<bool> {
    for (one, other) in mask.iter_mut().zip(other.unwrap_or_default()) {
        *one &= other;
    }
    mask
}

/// Which values hold as conditions; `None` where one is a collection.
fn truth(values: &OptionalColumn, rows: usize) -> Option<Vec<bool>> {
    let holds = |value: &Value| match value {
        Value::Bag(_) | Value::Stream(_) => None,
        value => Some(!matches!(value, Value::Null | Value::Bool(false))),
    };
    let mask = match &values.column {
        BatchColumn::Values(values) => values.iter().map(holds).collect::<Option<Vec<bool>>>()?,
        BatchColumn::Value(value) => vec![holds(value)?; rows],
        _ => vec![true; rows],
    };
    Some(both(mask, values.present()))
}

/// Each condition is computed for all rows; where that cannot be, for those that the ones before it
/// leave to it.
fn all(list: &[BatchExpr], batch: &Batch, scope: Scope) -> Option<Vec<bool>> {
    let mut so_far = vec![true; batch.rows];
    for condition in list {
        let mask = match condition.holds(batch, scope) {
            Some(mask) => mask,
            None => of_some(condition, &so_far, batch, scope)?,
        };
        so_far.iter_mut().zip(mask).for_each(|(a, b)| *a &= b);
    }
    Some(so_far)
}

fn any(list: &[BatchExpr], batch: &Batch, scope: Scope) -> Option<Vec<bool>> {
    let mut so_far = vec![false; batch.rows];
    for condition in list {
        let mask = match condition.holds(batch, scope) {
            Some(mask) => mask,
            None => {
                let rest: Vec<bool> = so_far.iter().map(|holds| !holds).collect();
                of_some(condition, &rest, batch, scope)?
            }
        };
        so_far.iter_mut().zip(mask).for_each(|(a, b)| *a |= b);
    }
    Some(so_far)
}

/// The condition for some of the rows, and false for the others.
fn of_some(condition: &BatchExpr, rows: &[bool], batch: &Batch, scope: Scope) -> Option<Vec<bool>> {
    if rows.iter().all(|is| *is) {
        return None;
    }
    let mut some = batch.clone();
    some.keep(rows);
    let mut mask = condition.holds(&some, scope)?.into_iter();
    let one = |is: &bool| *is && mask.next().unwrap_or(false);
    Some(rows.iter().map(one).collect())
}

fn function(
    form: BatchForm,
    args: &[(BatchExpr, ColumnDeclared)],
    batch: &Batch,
    scope: Scope,
) -> Option<OptionalColumn> {
    let argument = |(arg, declared): &(BatchExpr, ColumnDeclared)| {
        let value = arg.value(batch, scope)?;
        declared.as_declared(value, batch.rows, ColumnUse::Argument)
    };
    let columns = args.iter().map(argument);
    let columns = columns.collect::<Option<Vec<OptionalColumn>>>()?;
    let call = |columns: Vec<BatchColumn>, rows: usize| called(form, columns, rows, scope);
    of_present(columns, batch.rows, |columns, rows| {
        let kinds = args
            .iter()
            .zip(&columns)
            .filter_map(|((_, declared), column)| match (declared, column) {
                (ColumnDeclared::Numbers, BatchColumn::Values(values)) => Some(values),
                _ => None,
            });
        let kinds: Vec<&Vec<Value>> = kinds.collect();
        if kinds.is_empty() {
            return call(columns, rows).map(OptionalColumn::from);
        }
        let parts = parts_of_kinds(&kinds, rows);
        let mut results = Vec::with_capacity(parts.len());
        for places in parts {
            let part = columns.iter().map(|column| {
                let mut part = column.clone();
                part.pick(&places);
                match part {
                    BatchColumn::Values(values) => BatchColumn::of_elements(values),
                    part => part,
                }
            });
            let result = call(part.collect(), places.len())?;
            results.push((result.into(), places));
        }
        joined(results, rows)
    })
}

fn called(
    form: BatchForm,
    mut columns: Vec<BatchColumn>,
    rows: usize,
    scope: Scope,
) -> Option<BatchColumn> {
    let looks = scope.cx.token.looks();
    let args = BatchArgs {
        columns: &columns,
        rows,
        looks: &looks,
    };
    match form {
        BatchForm::OfReal(f) => apply(f, columns.pop()?),
        BatchForm::Column(f) => f(args),
        BatchForm::Condition(f) => f(args).map(BatchColumn::Mask),
    }
}

impl BatchFields {
    /// Adds the columns to a batch; `None` if the evaluator has to make its rows.
    pub fn run(&self, batch: &mut Batch, scope: Scope) -> Option<()> {
        let text = batch.columns.get(self.text)?;
        // Without a text there is no record that the variable could be bound to.
        if let Some(mask) = text.present().map(<[bool]>::to_vec) {
            batch.keep(&mask);
        }
        let text = &batch.columns.get(self.text)?.column;
        let args = BatchArgs {
            columns: std::slice::from_ref(text),
            rows: batch.rows,
            looks: &scope.cx.token.looks(),
        };
        let columns = (self.read)(args, &self.keys)?;
        batch
            .columns
            .extend(columns.into_iter().map(OptionalColumn::from));
        Some(())
    }
}

/// The places of rows that have numbers of the same types.
fn parts_of_kinds(columns: &[&Vec<Value>], rows: usize) -> Vec<Vec<usize>> {
    let mut parts: Vec<(u64, Vec<usize>)> = Vec::new();
    for row in 0..rows {
        let kinds = columns.iter().fold(0, |kinds, values| {
            kinds << 1 | u64::from(matches!(values[row], Value::Int(_)))
        });
        match parts.iter_mut().find(|(of, _)| *of == kinds) {
            Some((_, places)) => places.push(row),
            None => parts.push((kinds, vec![row])),
        }
    }
    parts.into_iter().map(|(_, places)| places).collect()
}

/// Each arm is computed for the rows that are left to it, so that `case when x = 0 then 0 else 1/x end`
/// divides by nothing else.
fn case(
    arms: &[(BatchExpr, BatchExpr)],
    otherwise: Option<&BatchExpr>,
    batch: &Batch,
    scope: Scope,
) -> Option<OptionalColumn> {
    let mut rest = batch.clone();
    let mut left: Vec<usize> = (0..batch.rows).collect();
    let mut results = Vec::with_capacity(arms.len() + 1);
    for (condition, result) in arms {
        let mask = condition.holds(&rest, scope)?;
        let mut taken = rest.clone();
        taken.keep(&mask);
        let mut places = left.clone();
        column::keep(&mut places, &mask);
        if taken.rows > 0 {
            results.push((result.value(&taken, scope)?, places));
        }
        let others: Vec<bool> = mask.iter().map(|taken| !taken).collect();
        rest.keep(&others);
        column::keep(&mut left, &others);
    }
    if rest.rows > 0 {
        let result = match otherwise {
            Some(otherwise) => otherwise.value(&rest, scope)?,
            None => OptionalColumn::nothing(rest.rows),
        };
        results.push((result, left));
    }
    joined(results, batch.rows)
}

/// One column of parts, each with the places where its rows stand.
pub fn joined(mut parts: Vec<(OptionalColumn, Vec<usize>)>, rows: usize) -> Option<OptionalColumn> {
    if let [(_, places)] = parts.as_slice()
        && places.len() == rows
        && places.iter().copied().eq(0..rows)
    {
        return parts.pop().map(|(column, _)| column);
    }
    let mut present = vec![true; rows];
    for (column, places) in &parts {
        for (at, place) in places.iter().enumerate() {
            present[*place] = column.is_present(at);
        }
    }
    // What has no value is of any kind.
    parts.retain(|(column, _)| {
        column
            .present()
            .is_none_or(|present| present.contains(&true))
    });
    let column = joined_columns(&parts, rows)?;
    Some(OptionalColumn::new(column, present))
}

fn joined_columns(parts: &[(OptionalColumn, Vec<usize>)], rows: usize) -> Option<BatchColumn> {
    let ints = placed(parts, vec![0; rows], |column, at| match column {
        BatchColumn::Ints(ints) => ints.get(at).copied(),
        BatchColumn::Int(int) => Some(*int),
        _ => None,
    });
    let ints = ints.map(BatchColumn::Ints);
    let reals = || {
        placed(parts, vec![0.0; rows], |column, at| match column {
            BatchColumn::Reals(reals) => reals.get(at).copied(),
            BatchColumn::Real(real) => Some(*real),
            _ => None,
        })
    };
    let objects = || {
        placed(parts, vec![0; rows], |column, at| match column {
            BatchColumn::Objects(objects) => objects.get(at).copied(),
            _ => None,
        })
    };
    let mask = || {
        placed(parts, vec![false; rows], |column, at| match column {
            BatchColumn::Mask(mask) => mask.get(at).copied(),
            _ => None,
        })
    };
    let values = || placed(parts, vec![Value::Null; rows], BatchColumn::value);
    ints.or_else(|| reals().map(BatchColumn::Reals))
        .or_else(|| objects().map(BatchColumn::Objects))
        .or_else(|| mask().map(BatchColumn::Mask))
        .or_else(|| values().map(BatchColumn::Values))
}

/// The values of parts in their places among `all`; `None` where `get` gives none of one.
fn placed<T>(
    parts: &[(OptionalColumn, Vec<usize>)],
    mut all: Vec<T>,
    get: impl Fn(&BatchColumn, usize) -> Option<T>,
) -> Option<Vec<T>> {
    for (column, places) in parts {
        for (at, place) in places.iter().enumerate() {
            all[*place] = get(&column.column, at)?;
        }
    }
    Some(all)
}

impl EvaluatedExpr {
    /// `None` where the evaluator fails.
    fn value(&self, batch: &Batch, scope: Scope) -> Option<OptionalColumn> {
        let mut present = Vec::with_capacity(batch.rows);
        let mut results = Vec::with_capacity(batch.rows);
        self.each(batch, scope, |frame| {
            let value = eval(&self.expr, frame, scope.cx).ok()?;
            if value.as_ref().is_some_and(Value::is_collection) {
                return None;
            }
            present.push(value.is_some());
            results.extend(value);
            Some(())
        })?;
        let column = BatchColumn::of(results.iter())?;
        Some(OptionalColumn::from(column).scattered(&present))
    }

    fn holds(&self, batch: &Batch, scope: Scope) -> Option<Vec<bool>> {
        let mut mask = Vec::with_capacity(batch.rows);
        self.each(batch, scope, |frame| {
            mask.push(holds(&self.expr, frame, scope.cx).ok()?);
            Some(())
        })?;
        Some(mask)
    }

    /// Gives a frame for each row to `then`, as long as that gives something.
    fn each(
        &self,
        batch: &Batch,
        scope: Scope,
        mut then: impl FnMut(&[Value]) -> Option<()>,
    ) -> Option<()> {
        let mut frame = Cow::Borrowed(scope.frame);
        let mut columns = Vec::with_capacity(self.variables.len());
        for variable in &self.variables {
            let values = variable.values(batch, scope.cx)?;
            columns.push((variable.slot, values.into_iter()));
        }
        for _ in 0..batch.rows {
            // One row may take long. The evaluator, which is asked then, stops at the next.
            scope.cx.token.check().ok()?;
            for (slot, column) in &mut columns {
                frame.to_mut()[*slot] = column.next()?;
            }
            then(&frame)?;
        }
        Some(())
    }
}
