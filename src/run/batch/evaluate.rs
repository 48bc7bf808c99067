//! Expressions over batches.

use super::operations::{apply, arithmetic, compare, to_reals};
use super::values;
use crate::model::conversion::converted;
use crate::model::native::{BatchArgs, BatchForm};
use crate::model::{BatchColumn, Cx, Type, Value, column, number};
use crate::plan::batch::{BatchExpr, BatchFields, ColumnDeclared, EvaluatedExpr};
use crate::run::eval::{eval, holds};

/// Rows, column by column.
#[derive(Clone)]
pub struct Batch {
    pub columns: Vec<BatchColumn>,
    pub rows: usize,
    /// Of which element of the input each row is made, counted from 0, where that may be asked.
    pub elements: Option<Vec<usize>>,
}

/// What expressions see beside their batch: the variables that are the same for all rows.
#[derive(Clone, Copy)]
pub struct Scope<'a> {
    pub frame: &'a [Value],
    pub cx: &'a Cx,
}

impl BatchExpr {
    /// The values for a batch; `None` if the evaluator has to make them.
    pub fn value(&self, batch: &Batch, scope: Scope) -> Option<BatchColumn> {
        match self {
            BatchExpr::Column(at) => batch.columns.get(*at).cloned(),
            BatchExpr::Known(at) => {
                let column = batch.columns.get(*at)?;
                (!column.has_null()).then(|| column.clone())
            }
            BatchExpr::Given(slot) => match scope.frame.get(*slot)? {
                Value::Int(int) => Some(BatchColumn::Int(*int)),
                Value::Real(real) => Some(BatchColumn::Real(*real)),
                value => Some(BatchColumn::Value(value.clone())),
            },
            BatchExpr::Const(value) => Some(BatchColumn::Value(value.clone())),
            BatchExpr::Int(int) => Some(BatchColumn::Int(*int)),
            BatchExpr::Real(real) => Some(BatchColumn::Real(*real)),
            BatchExpr::Arith(op, sides) => {
                let left = sides[0].value(batch, scope)?;
                arithmetic(*op, left, sides[1].value(batch, scope)?)
            }
            BatchExpr::Compare(op, sides) => {
                let left = sides[0].value(batch, scope)?;
                let right = sides[1].value(batch, scope)?;
                compare(*op, left, right, batch.rows).map(BatchColumn::Mask)
            }
            BatchExpr::And(list) => fold(list, batch, scope, |a, b| a & b),
            BatchExpr::Or(list) => fold(list, batch, scope, |a, b| a | b),
            BatchExpr::Case { arms, otherwise } => case(arms, otherwise, batch, scope),
            BatchExpr::Function { form, args, .. } => function(*form, args, batch, scope),
            BatchExpr::Evaluated(evaluated) => evaluated.value(batch, scope),
        }
    }
}

fn function(
    form: BatchForm,
    args: &[(BatchExpr, ColumnDeclared)],
    batch: &Batch,
    scope: Scope,
) -> Option<BatchColumn> {
    let argument =
        |(arg, declared): &(BatchExpr, ColumnDeclared)| declared.column(arg.value(batch, scope)?);
    let columns = args.iter().map(argument);
    let mut columns = columns.collect::<Option<Vec<BatchColumn>>>()?;
    let looks = scope.cx.token.looks();
    let args = BatchArgs {
        columns: &columns,
        rows: batch.rows,
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
        let args = BatchArgs {
            columns: &[self.texts.value(batch, scope)?],
            rows: batch.rows,
            looks: &scope.cx.token.looks(),
        };
        let columns = (self.read)(args, &self.keys)?;
        batch.columns.extend(columns);
        Some(())
    }
}

/// Each arm is computed for the rows that are left to it, so that `case when x = 0 then 0 else 1/x end`
/// divides by nothing else.
fn case(
    arms: &[(BatchExpr, BatchExpr)],
    otherwise: &BatchExpr,
    batch: &Batch,
    scope: Scope,
) -> Option<BatchColumn> {
    let mut rest = batch.clone();
    let mut left: Vec<usize> = (0..batch.rows).collect();
    let mut results = Vec::with_capacity(arms.len() + 1);
    for (condition, result) in arms {
        let BatchColumn::Mask(mask) = condition.value(&rest, scope)? else {
            return None;
        };
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
        results.push((otherwise.value(&rest, scope)?, left));
    }
    joined(results, batch.rows)
}

/// One column of parts, each with the places where its rows stand.
fn joined(parts: Vec<(BatchColumn, Vec<usize>)>, rows: usize) -> Option<BatchColumn> {
    let mut parts = parts;
    if let [(_, places)] = parts.as_slice()
        && places.len() == rows
    {
        return parts.pop().map(|(column, _)| column);
    }
    let ints = |column: &BatchColumn| matches!(column, BatchColumn::Ints(_) | BatchColumn::Int(_));
    if parts.iter().all(|(column, _)| ints(column)) {
        let mut all = vec![0; rows];
        for (column, places) in parts {
            for (at, place) in places.into_iter().enumerate() {
                all[place] = match &column {
                    BatchColumn::Ints(ints) => ints[at],
                    BatchColumn::Int(int) => *int,
                    _ => return None,
                };
            }
        }
        return Some(BatchColumn::Ints(all));
    }
    let reals =
        |column: &BatchColumn| matches!(column, BatchColumn::Reals(_) | BatchColumn::Real(_));
    if parts.iter().all(|(column, _)| reals(column)) {
        let mut all = vec![0.0; rows];
        for (column, places) in parts {
            for (at, place) in places.into_iter().enumerate() {
                all[place] = match &column {
                    BatchColumn::Reals(reals) => reals[at],
                    BatchColumn::Real(real) => *real,
                    _ => return None,
                };
            }
        }
        return Some(BatchColumn::Reals(all));
    }
    let mut all = vec![Value::Null; rows];
    for (column, places) in parts {
        for (at, place) in places.into_iter().enumerate() {
            all[place] = column.value(at)?;
        }
    }
    Some(BatchColumn::Values(all))
}

impl EvaluatedExpr {
    /// `None` where the evaluator fails, or has no value for a row.
    fn value(&self, batch: &Batch, scope: Scope) -> Option<BatchColumn> {
        let mut frame = scope.frame.to_vec();
        let mut columns = Vec::with_capacity(self.variables.len());
        for (slot, column, ty) in &self.variables {
            let column = values(batch.columns.get(*column)?, batch.rows, ty, scope.cx)?;
            columns.push((*slot, column.into_iter()));
        }
        let mut results = Vec::new();
        let mut mask = Vec::new();
        for _ in 0..batch.rows {
            for (slot, column) in &mut columns {
                frame[*slot] = column.next()?;
            }
            if self.condition {
                mask.push(holds(&self.expr, &frame, scope.cx).ok()?);
            } else {
                let value = eval(&self.expr, &frame, scope.cx).ok()??;
                results.push(value);
            }
        }
        if self.condition {
            return Some(BatchColumn::Mask(mask));
        }
        let single = !results.iter().any(Value::is_collection);
        single.then(|| BatchColumn::of(results.iter())).flatten()
    }
}

impl ColumnDeclared {
    /// The column as it is declared; `None` where a value is not of the declared type, which
    /// the evaluator then deals with row by row.
    pub fn column(&self, column: BatchColumn) -> Option<BatchColumn> {
        match self {
            ColumnDeclared::Reals => all_are_reals(&column).then(|| to_reals(column)).flatten(),
            _ => self.takes(&column).then_some(column),
        }
    }

    /// The values that a variable which is declared so can be bound to, and which rows have one, where not
    /// all do. `None` where the evaluator has to see.
    pub fn bound(&self, column: BatchColumn) -> Option<(BatchColumn, Option<Vec<bool>>)> {
        if let (ColumnDeclared::Integers, BatchColumn::Reals(reals)) = (self, &column) {
            let ints: Vec<Option<i64>> = reals.iter().map(|real| number::whole(*real)).collect();
            let mask = ints.iter().map(Option::is_some).collect();
            let ints = ints.into_iter().flatten().collect();
            return Some((BatchColumn::Ints(ints), Some(mask)));
        }
        Some((self.column(column)?, None))
    }

    /// Whether the column is as it is declared, as it is.
    pub fn takes(&self, column: &BatchColumn) -> bool {
        match self {
            ColumnDeclared::Values(ty) => is_of(column, ty),
            ColumnDeclared::Numbers => is_of(column, &Type::Number),
            ColumnDeclared::Integers => is_of(column, &Type::Integer),
            ColumnDeclared::Reals => is_of(column, &Type::Real),
        }
    }
}

/// Whether all values of the column are of the type as they are.
fn is_of(column: &BatchColumn, ty: &Type) -> bool {
    let fits = |value: &Value| !value.is_null() && matches!(converted(value, ty), Some(None));
    match column {
        BatchColumn::Texts(_) => matches!(ty, Type::Charstring | Type::Object),
        BatchColumn::Values(values) => values.iter().all(fits),
        BatchColumn::Value(value) => fits(value),
        BatchColumn::Mask(_) => false,
        // Of which type they are is known where the program was made.
        BatchColumn::Objects(_) => true,
        BatchColumn::Ints(_) | BatchColumn::Int(_) => {
            matches!(ty, Type::Integer | Type::Number | Type::Object)
        }
        BatchColumn::Reals(_) | BatchColumn::Real(_) => {
            matches!(ty, Type::Real | Type::Number | Type::Object)
        }
    }
}

/// Whether each integer of the column is equal to a real.
fn all_are_reals(column: &BatchColumn) -> bool {
    match column {
        BatchColumn::Ints(ints) => ints.iter().all(|i| number::is_real(*i)),
        BatchColumn::Int(int) => number::is_real(*int),
        _ => true,
    }
}

fn fold(
    list: &[BatchExpr],
    batch: &Batch,
    scope: Scope,
    join: fn(bool, bool) -> bool,
) -> Option<BatchColumn> {
    let mut so_far: Option<Vec<bool>> = None;
    for condition in list {
        let BatchColumn::Mask(mask) = condition.value(batch, scope)? else {
            return None;
        };
        so_far = Some(match so_far {
            Some(mut so_far) => {
                let pairs = so_far.iter_mut().zip(mask);
                pairs.for_each(|(a, b)| *a = join(*a, b));
                so_far
            }
            None => mask,
        });
    }
    so_far.map(BatchColumn::Mask)
}

impl Batch {
    pub fn new(columns: Vec<BatchColumn>, rows: usize) -> Batch {
        Batch {
            columns,
            rows,
            elements: None,
        }
    }

    /// The same, with the number of its element for each row if that `is_asked` for.
    pub fn counted(mut self, is_asked: bool) -> Batch {
        self.elements = is_asked.then(|| (0..self.rows).collect());
        self
    }

    /// The rows for which a condition holds.
    pub fn keep(&mut self, mask: &[bool]) {
        self.columns.iter_mut().for_each(|c| c.keep(mask));
        if let Some(elements) = &mut self.elements {
            column::keep(elements, mask);
        }
        self.rows = mask.iter().filter(|keep| **keep).count();
    }

    /// The rows at these places, in this order.
    pub fn pick(&mut self, places: &[usize]) {
        self.columns.iter_mut().for_each(|c| c.pick(places));
        if let Some(elements) = &mut self.elements {
            column::pick(elements, places);
        }
        self.rows = places.len();
    }
}
