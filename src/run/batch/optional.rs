//! Columns of which some rows have no value. A null is a value, and stands in the column itself; a row
//! without a value has anything there, which nobody looks at.

use std::ops::Range;

use crate::model::{BatchColumn, Value, column};

/// What the rows of a batch have for one expression.
#[derive(Clone, Debug)]
pub struct OptionalColumn {
    pub column: BatchColumn,
    /// Which rows have a value; `None` where all do.
    present: Option<Vec<bool>>,
}

impl From<BatchColumn> for OptionalColumn {
    fn from(column: BatchColumn) -> OptionalColumn {
        OptionalColumn {
            column,
            present: None,
        }
    }
}

impl OptionalColumn {
    /// A column of which these rows have a value.
    pub fn new(column: BatchColumn, present: Vec<bool>) -> OptionalColumn {
        let all = present.iter().all(|is| *is);
        OptionalColumn {
            column,
            present: (!all).then_some(present),
        }
    }

    /// So many rows without a value.
    pub fn nothing(rows: usize) -> OptionalColumn {
        OptionalColumn::new(BatchColumn::Value(Value::Null), vec![false; rows])
    }

    /// Which rows have a value; `None` where all do.
    pub fn present(&self) -> Option<&[bool]> {
        self.present.as_deref()
    }

    #[inline]
    pub fn is_present(&self, row: usize) -> bool {
        self.present.as_ref().is_none_or(|present| present[row])
    }

    /// The same, where only these rows have a value.
    pub fn among(self, present: Option<&[bool]>) -> OptionalColumn {
        let Some(among) = present else {
            return self;
        };
        let own = self.present;
        let present = among.iter().enumerate();
        let present =
            present.map(|(row, is)| *is && own.as_ref().is_none_or(|present| present[row]));
        OptionalColumn::new(self.column, present.collect())
    }

    /// The same without a value where it is null.
    pub fn without_nulls(self, rows: usize) -> OptionalColumn {
        match nulls(&self.column, rows) {
            Some(mut nulls) => {
                nulls.iter_mut().for_each(|null| *null = !*null);
                self.among(Some(&nulls))
            }
            None => self,
        }
    }

    /// The column with null where there is no value.
    pub fn into_nulls(self, rows: usize) -> BatchColumn {
        let Some(present) = &self.present else {
            return self.column;
        };
        let value = |row: usize| match present[row] {
            true => self.column.value(row).unwrap_or(Value::Null),
            false => Value::Null,
        };
        BatchColumn::Values((0..rows).map(value).collect())
    }

    /// The rows whose place in the mask is true.
    pub fn keep(&mut self, mask: &[bool]) {
        self.column.keep(mask);
        if let Some(mut present) = self.present.take() {
            column::keep(&mut present, mask);
            self.present = (!present.iter().all(|is| *is)).then_some(present);
        }
    }

    /// The rows at these places, in this order.
    pub fn pick(&mut self, places: &[usize]) {
        self.column.pick(places);
        if let Some(mut present) = self.present.take() {
            column::pick(&mut present, places);
            self.present = (!present.iter().all(|is| *is)).then_some(present);
        }
    }

    /// Some of the rows.
    pub fn part(&self, rows: Range<usize>) -> OptionalColumn {
        let present = self.present.as_ref();
        let present = present.map(|present| present[rows.clone()].to_vec());
        OptionalColumn {
            column: self.column.part(rows),
            present: present.filter(|present| !present.iter().all(|is| *is)),
        }
    }

    /// What a row has.
    pub fn value(&self, row: usize) -> Option<Value> {
        self.column.value(row).filter(|_| self.is_present(row))
    }

    /// The rows whose place in the mask is true are these, in their order; the others have no value.
    pub fn scattered(self, mask: &[bool]) -> OptionalColumn {
        let mut own = self.present.unwrap_or_default().into_iter();
        let present = mask.iter().map(|is| *is && own.next().unwrap_or(true));
        OptionalColumn::new(self.column.scattered(mask), present.collect())
    }
}

/// Which rows are null; `None` where none is.
fn nulls(column: &BatchColumn, rows: usize) -> Option<Vec<bool>> {
    match column {
        BatchColumn::Values(values) if column.has_null() => {
            Some(values.iter().map(Value::is_null).collect())
        }
        BatchColumn::Value(Value::Null) => Some(vec![true; rows]),
        _ => None,
    }
}

/// Which rows have a value in all of the columns; `None` where all do.
pub fn common<'c>(columns: impl IntoIterator<Item = &'c OptionalColumn>) -> Option<Vec<bool>> {
    let mut all: Option<Vec<bool>> = None;
    for present in columns.into_iter().filter_map(OptionalColumn::present) {
        match &mut all {
            Some(all) => all.iter_mut().zip(present).for_each(|(a, b)| *a &= b),
            None => all = Some(present.to_vec()),
        }
    }
    all
}

/// What `compute` makes of the rows that have a value in all columns; the others have none.
pub fn of_present(
    mut columns: Vec<OptionalColumn>,
    rows: usize,
    compute: impl FnOnce(Vec<BatchColumn>, usize) -> Option<OptionalColumn>,
) -> Option<OptionalColumn> {
    let plain = |columns: Vec<OptionalColumn>| columns.into_iter().map(|c| c.column).collect();
    let Some(present) = common(&columns) else {
        return compute(plain(columns), rows);
    };
    let kept = present.iter().filter(|is| **is).count();
    if kept == 0 {
        return Some(OptionalColumn::nothing(rows));
    }
    columns.iter_mut().for_each(|column| column.keep(&present));
    Some(compute(plain(columns), kept)?.scattered(&present))
}
