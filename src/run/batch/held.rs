//! Columns that are kept: what is collected to be grouped, told apart or sorted.

use crate::model::column::Texts;
use crate::model::memory::{CountedValues, HeldMemory, Operator};
use crate::model::{BatchColumn, Cx, Source, Value, number};
use crate::text::diagnostic::Result;
use std::cmp::Ordering;

/// A column that grows. It holds values of one kind as such for as long as no other kind comes.
#[derive(Clone)]
pub enum HeldColumn {
    Ints(Vec<i64>),
    Reals(Vec<f64>),
    Texts(Texts),
    Values(CountedValues),
}

impl Default for HeldColumn {
    fn default() -> Self {
        HeldColumn::Ints(Vec::new())
    }
}

/// The string of a row that there is.
pub fn text(texts: &Texts, row: usize) -> &str {
    texts.get(row).unwrap_or_default()
}

/// Calls what stands behind with the list of a column, whatever it holds.
macro_rules! each_kind {
    ($column:expr, $list:ident => $then:expr) => {
        match $column {
            HeldColumn::Ints($list) => $then,
            HeldColumn::Reals($list) => $then,
            HeldColumn::Texts($list) => $then,
            HeldColumn::Values($list) => $then,
        }
    };
}

impl HeldColumn {
    pub fn len(&self) -> usize {
        each_kind!(self, list => list.len())
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many bytes the values take.
    pub fn bytes(&self) -> usize {
        match self {
            HeldColumn::Ints(ints) => size_of_val(ints.as_slice()),
            HeldColumn::Reals(reals) => size_of_val(reals.as_slice()),
            HeldColumn::Texts(texts) => texts.bytes() + texts.len() * size_of::<usize>(),
            HeldColumn::Values(values) => values.bytes(),
        }
    }

    /// The value of a row.
    pub fn value(&self, row: usize) -> Value {
        match self {
            HeldColumn::Ints(ints) => Value::Int(ints[row]),
            HeldColumn::Reals(reals) => Value::Real(reals[row]),
            HeldColumn::Texts(texts) => Value::str(text(texts, row)),
            HeldColumn::Values(values) => values[row].clone(),
        }
    }

    /// An empty column for values of this kind.
    pub fn for_kind_of(value: &Value) -> HeldColumn {
        match value {
            Value::Int(_) => HeldColumn::Ints(Vec::new()),
            Value::Real(_) => HeldColumn::Reals(Vec::new()),
            Value::Str(_) => HeldColumn::Texts(Texts::default()),
            _ => HeldColumn::Values(CountedValues::default()),
        }
    }

    fn for_kind_of_column(column: &BatchColumn) -> HeldColumn {
        match column {
            BatchColumn::Reals(_) => HeldColumn::Reals(Vec::new()),
            BatchColumn::Texts(_) => HeldColumn::Texts(Texts::default()),
            _ => HeldColumn::default(),
        }
    }

    /// Whether the column holds values of this kind.
    pub fn is_of_kind(&self, value: &Value) -> bool {
        matches!(
            (self, value),
            (HeldColumn::Ints(_), Value::Int(_))
                | (HeldColumn::Reals(_), Value::Real(_))
                | (HeldColumn::Texts(_), Value::Str(_))
                | (HeldColumn::Values(_), _)
        )
    }

    /// Adds the values of the rows at these places of a batch.
    pub fn extend(&mut self, column: &BatchColumn, places: impl Iterator<Item = usize>) {
        if self.is_empty() {
            *self = HeldColumn::for_kind_of_column(column);
        }
        match (&mut *self, column) {
            (HeldColumn::Ints(held), BatchColumn::Ints(ints)) => {
                held.extend(places.map(|at| ints[at]));
            }
            (HeldColumn::Reals(held), BatchColumn::Reals(reals)) => {
                held.extend(places.map(|at| reals[at]));
            }
            (HeldColumn::Texts(held), BatchColumn::Texts(texts)) => {
                places.for_each(|at| held.push(text(texts, at)));
            }
            _ => places.for_each(|at| {
                // Objects come as values, and conditions do not come at all.
                self.push(column.value(at).unwrap_or(Value::Null));
            }),
        }
    }

    /// Adds a value.
    pub fn push(&mut self, value: Value) {
        if !self.is_of_kind(&value) && self.is_empty() {
            *self = HeldColumn::for_kind_of(&value);
        }
        match (&mut *self, value) {
            (HeldColumn::Ints(ints), Value::Int(int)) => ints.push(int),
            (HeldColumn::Reals(reals), Value::Real(real)) => reals.push(real),
            (HeldColumn::Texts(texts), Value::Str(text)) => texts.push(&text),
            (column, value) => column.to_values().push(value),
        }
    }

    /// Adds all elements of a source that are not null, for an operator of which `memory` is what it
    /// holds.
    pub fn collect(
        &mut self,
        source: &mut dyn Source,
        operator: Operator,
        memory: &mut HeldMemory,
        cx: &Cx,
    ) -> Result<()> {
        while let Some(column) = source.column(cx)? {
            let is_null = |row: usize| match &column {
                BatchColumn::Values(values) => values[row].is_null(),
                _ => false,
            };
            self.extend(&column, (0..column.len()).filter(|row| !is_null(*row)));
            memory.set(self.bytes(), operator, &cx.memory)?;
        }
        while let Some(value) = source.next(cx)? {
            if !value.is_null() {
                self.push(value);
                memory.set(self.bytes(), operator, &cx.memory)?;
            }
        }
        Ok(())
    }

    /// Makes it a column of any values.
    pub fn to_values(&mut self) -> &mut CountedValues {
        match self {
            HeldColumn::Ints(ints) => {
                *self = HeldColumn::Values(ints.drain(..).map(Value::Int).collect());
            }
            HeldColumn::Reals(reals) => {
                *self = HeldColumn::Values(reals.drain(..).map(Value::Real).collect());
            }
            HeldColumn::Texts(texts) => {
                let values = (0..texts.len()).map(|row| Value::str(text(texts, row)));
                *self = HeldColumn::Values(values.collect());
            }
            HeldColumn::Values(_) => {}
        }
        match self {
            HeldColumn::Values(values) => values,
            _ => unreachable!("it has just become one"),
        }
    }

    pub fn truncate(&mut self, rows: usize) {
        each_kind!(self, list => list.truncate(rows));
    }

    /// The rows at these places, in this order; each place is there once at the most.
    pub fn pick(&mut self, places: &[u32]) {
        fn pick<T: Clone>(list: &mut Vec<T>, places: &[u32]) {
            *list = places.iter().map(|at| list[*at as usize].clone()).collect();
        }
        match self {
            HeldColumn::Ints(ints) => pick(ints, places),
            HeldColumn::Reals(reals) => pick(reals, places),
            HeldColumn::Texts(texts) => *texts = texts.of(places.iter().map(|at| *at as usize)),
            HeldColumn::Values(values) => {
                let picked = places.iter().map(|at| values[*at as usize].clone());
                *values = picked.collect();
            }
        }
    }

    /// The rows from `from` on, `rows` at the most.
    pub fn part(&self, from: usize, rows: usize) -> BatchColumn {
        let to = self.len().min(from.saturating_add(rows));
        let from = from.min(to);
        match self {
            HeldColumn::Ints(ints) => BatchColumn::Ints(ints[from..to].to_vec()),
            HeldColumn::Reals(reals) => BatchColumn::Reals(reals[from..to].to_vec()),
            HeldColumn::Texts(texts) => BatchColumn::Texts(texts.of(from..to)),
            HeldColumn::Values(values) => BatchColumn::Values(values[from..to].to_vec()),
        }
    }

    /// The same as a column of a batch; `None` for objects among other values.
    pub fn into_column(self) -> Option<BatchColumn> {
        Some(match self {
            HeldColumn::Ints(ints) => BatchColumn::Ints(ints),
            HeldColumn::Reals(reals) => BatchColumn::Reals(reals),
            HeldColumn::Texts(texts) => BatchColumn::Texts(texts),
            HeldColumn::Values(values) => BatchColumn::of(values.iter())?,
        })
    }

    /// Orders two rows.
    pub fn compare(&self, a: usize, b: usize) -> Ordering {
        match self {
            HeldColumn::Ints(ints) => ints[a].cmp(&ints[b]),
            HeldColumn::Reals(reals) => number::cmp_reals(reals[a], reals[b]),
            HeldColumn::Texts(texts) => texts.get(a).cmp(&texts.get(b)),
            HeldColumn::Values(values) => values[a].cmp(&values[b]),
        }
    }

    /// How many steps it takes at most, or nearly, to compare a row with another.
    pub fn steps(&self, row: usize) -> usize {
        match self {
            HeldColumn::Ints(_) | HeldColumn::Reals(_) => 1,
            HeldColumn::Texts(texts) => 1 + text(texts, row).len() / 16,
            HeldColumn::Values(values) => values[row].steps(),
        }
    }
}
