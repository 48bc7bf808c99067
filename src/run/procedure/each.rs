//! The rows that a `for each` goes through, all taken before the first: its body may change what they are
//! taken from.

use crate::model::memory::{HeldMemory, Operator};
use crate::model::{BatchColumn, Cx, Source, Value};
use crate::run::batch::HeldColumn;
use crate::text::diagnostic::Result;

/// Rows in columns, as far as they come so, and the rest as they are.
pub struct EachRows {
    columns: Vec<HeldColumn>,
    rest: HeldColumn,
    memory: HeldMemory,
}

impl EachRows {
    /// All rows of a source: of one variable, or of several.
    pub fn collect(
        source: &mut dyn Source,
        variables: usize,
        operator: Operator,
        cx: &Cx,
    ) -> Result<EachRows> {
        let mut rows = EachRows {
            columns: vec![HeldColumn::default(); variables],
            rest: HeldColumn::default(),
            memory: HeldMemory::default(),
        };
        while let Some(columns) = batch(source, variables, cx)? {
            for (held, column) in rows.columns.iter_mut().zip(&columns) {
                held.extend(column, 0..column.len());
            }
            rows.count_memory(operator, cx)?;
        }
        while let Some(row) = source.next(cx)? {
            rows.rest.push(row);
            rows.count_memory(operator, cx)?;
        }
        Ok(rows)
    }

    fn count_memory(&mut self, operator: Operator, cx: &Cx) -> Result<()> {
        let columns = self.columns.iter().chain([&self.rest]);
        let bytes = columns.map(HeldColumn::bytes).sum();
        self.memory.set(bytes, operator, &cx.memory)
    }

    pub fn len(&self) -> usize {
        self.of_columns() + self.rest.len()
    }

    fn of_columns(&self) -> usize {
        self.columns.first().map_or(0, HeldColumn::len)
    }

    /// Gives the values of a row to `bind`, with the numbers of their variables.
    pub fn bind(&self, row: usize, mut bind: impl FnMut(usize, Value)) {
        let Some(row) = row.checked_sub(self.of_columns()) else {
            let values = self.columns.iter().map(|column| column.value(row));
            return values.enumerate().for_each(|(at, value)| bind(at, value));
        };
        match self.rest.value(row) {
            value if self.columns.len() == 1 => bind(0, value),
            Value::Vector(values) => {
                let values = values.iter().take(self.columns.len());
                values
                    .enumerate()
                    .for_each(|(at, value)| bind(at, value.clone()));
            }
            _ => {}
        }
    }
}

/// The next rows, column by column, where they come so.
fn batch(source: &mut dyn Source, variables: usize, cx: &Cx) -> Result<Option<Vec<BatchColumn>>> {
    let columns = match variables {
        0 => None,
        1 => source.column(cx)?.map(|column| vec![column]),
        _ => source.columns(cx)?,
    };
    Ok(columns.filter(|columns| columns.len() == variables))
}
