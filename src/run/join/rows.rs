//! The rows of the inner side of a join, kept in columns.

use crate::model::memory::{CountedValues, HeldMemory, Operator};
use crate::model::{BatchColumn, Cx, Value, size};
use crate::plan::Slot;
use crate::plan::join::Join;
use crate::text::diagnostic::Result;

/// Rows of values, and of which elements of streams each was made.
#[derive(Default)]
pub struct InnerRows {
    columns: Vec<KeptColumn>,
    /// How many elements of each stream had been taken, for each row.
    taken: Vec<u64>,
    len: usize,
    memory: HeldMemory,
}

impl InnerRows {
    pub fn new(width: usize) -> InnerRows {
        InnerRows {
            columns: (0..width).map(|_| KeptColumn::default()).collect(),
            taken: vec![],
            len: 0,
            memory: HeldMemory::default(),
        }
    }

    pub fn len(&self) -> usize {
        self.len
    }

    /// Adds the row that the variables have in the frame.
    pub fn push(
        &mut self,
        bound: &[Slot],
        frame: &[Value],
        operator: Operator,
        cx: &Cx,
    ) -> Result<()> {
        for (column, slot) in self.columns.iter_mut().zip(bound) {
            column.push(&frame[*slot]);
        }
        self.len += 1;
        size::check_numbered(self.len)?;
        self.check_memory(0, operator, cx)
    }

    /// Counts the rows, and so many bytes beside them.
    pub fn check_memory(&mut self, beside: usize, operator: Operator, cx: &Cx) -> Result<()> {
        let columns = self.columns.iter().map(KeptColumn::bytes).sum::<usize>();
        let bytes = columns + size_of_val(self.taken.as_slice()) + beside;
        self.memory.set(bytes, operator, &cx.memory)
    }

    /// Notes of which elements of streams the latest row was made.
    pub fn note_taken(&mut self, taken: impl Iterator<Item = u64>) {
        self.taken.extend(taken);
    }

    /// Of which elements of so many streams a row was made.
    pub fn taken(&self, row: usize, streams: usize) -> &[u64] {
        let range = row * streams..(row + 1) * streams;
        self.taken.get(range).unwrap_or_default()
    }

    /// Gives the variables the values of a row.
    pub fn load(&self, row: usize, bound: &[Slot], frame: &mut [Value]) {
        for (column, slot) in self.columns.iter().zip(bound) {
            frame[*slot] = column.value(row);
        }
    }

    /// Gives those of the variables that are wanted, by their places, the values of a row.
    #[inline]
    pub fn load_wanted(&self, row: usize, join: &Join, frame: &mut [Value]) {
        for at in &join.wanted {
            frame[join.bound[*at]] = self.columns[*at].value(row);
        }
    }

    /// The values of one variable.
    pub fn column(&self, at: usize) -> &KeptColumn {
        &self.columns[at]
    }
}

/// Values one after the other, in little memory where they are numbers of one type.
pub enum KeptColumn {
    Ints(Vec<i64>),
    Reals(Vec<f64>),
    Values(CountedValues),
}

impl Default for KeptColumn {
    fn default() -> KeptColumn {
        KeptColumn::Ints(vec![])
    }
}

impl KeptColumn {
    pub fn push(&mut self, value: &Value) {
        match (&mut *self, value) {
            (KeptColumn::Ints(ints), Value::Int(int)) => ints.push(*int),
            (KeptColumn::Reals(reals), Value::Real(real)) => reals.push(*real),
            (KeptColumn::Values(values), value) => values.push(value.clone()),
            (KeptColumn::Ints(ints), Value::Real(real)) if ints.is_empty() => {
                *self = KeptColumn::Reals(vec![*real]);
            }
            (_, value) => {
                let mut values = CountedValues::from(std::mem::take(self).into_values());
                values.push(value.clone());
                *self = KeptColumn::Values(values);
            }
        }
    }

    fn bytes(&self) -> usize {
        match self {
            KeptColumn::Ints(ints) => size_of_val(ints.as_slice()),
            KeptColumn::Reals(reals) => size_of_val(reals.as_slice()),
            KeptColumn::Values(values) => values.bytes(),
        }
    }

    pub fn is_numbers(&self) -> bool {
        matches!(self, KeptColumn::Ints(_) | KeptColumn::Reals(_))
    }

    fn into_values(self) -> Vec<Value> {
        match self {
            KeptColumn::Ints(ints) => ints.into_iter().map(Value::Int).collect(),
            KeptColumn::Reals(reals) => reals.into_iter().map(Value::Real).collect(),
            KeptColumn::Values(values) => values.into_values(),
        }
    }

    /// The values of these rows; `None` for objects among other values.
    pub fn picked(&self, rows: &[u32]) -> Option<BatchColumn> {
        fn pick<T: Copy>(list: &[T], rows: &[u32]) -> Vec<T> {
            rows.iter().map(|row| list[*row as usize]).collect()
        }
        Some(match self {
            KeptColumn::Ints(ints) => BatchColumn::Ints(pick(ints, rows)),
            KeptColumn::Reals(reals) => BatchColumn::Reals(pick(reals, rows)),
            KeptColumn::Values(values) => {
                BatchColumn::of(rows.iter().map(|row| &values[*row as usize]))?
            }
        })
    }

    #[inline]
    pub fn value(&self, row: usize) -> Value {
        match self {
            KeptColumn::Ints(ints) => Value::Int(ints[row]),
            KeptColumn::Reals(reals) => Value::Real(reals[row]),
            KeptColumn::Values(values) => values[row].clone(),
        }
    }
}
