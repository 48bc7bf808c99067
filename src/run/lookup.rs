//! Looks up rows of stored functions.

use std::collections::HashSet;

use foldhash::fast::RandomState;

use super::eval::with_values;
use crate::model::function::FunctionBody;
use crate::model::table::{Found, Scan, Table};
use crate::model::{Cx, Value};
use crate::plan::{Lookup, LookupColumn, Pattern, PlanExpr, Slot};
use crate::run::narrow::{Narrowed, narrowed};
use crate::run::pattern;
use crate::text::diagnostic::Result;

/// The rows that a lookup found and that have not been bound yet.
pub enum LookupRows {
    /// All rows of the function.
    All(Scan),
    /// Rows one after the other, taken out because the function may change meanwhile.
    Some {
        cells: Vec<Value>,
        width: usize,
        next: usize,
    },
}

/// What looking up has come to.
pub enum Start {
    Nothing,
    /// The only row, bound already.
    Bound,
    Rows(LookupRows),
}

/// Finds the rows of a lookup. The only one is bound at once if it only has to be copied.
pub fn start(lookup: &Lookup, frame: &mut [Value], cx: &Cx) -> Result<Start> {
    cx.token.check()?;
    let FunctionBody::Stored(table) = &lookup.function.body else {
        return Ok(Start::Nothing);
    };
    if lookup.distinct {
        return Ok(Start::Rows(distinct(lookup, table, frame, cx)?));
    }
    if let Some(narrowing) = &lookup.narrowing
        && let Some(narrowed) = narrowed(narrowing, table, frame, cx)
    {
        return Ok(match narrowed {
            Narrowed::To(int) => {
                let found = table.find(&[narrowing.column], &[Value::Int(int)], &cx.token)?;
                of_found(lookup, &found, frame)
            }
            Narrowed::Nothing => Start::Nothing,
        });
    }
    if lookup.known.is_empty() {
        return Ok(Start::Rows(LookupRows::All(table.scan(&cx.token)?)));
    }
    let known = known(lookup);
    let found = with_values(lookup.known.len(), known, frame, cx, |key| {
        table.find(&lookup.known, key, &cx.token)
    })?;
    let found = found.transpose()?;
    Ok(found.map_or(Start::Nothing, |found| of_found(lookup, &found, frame)))
}

fn of_found(lookup: &Lookup, found: &Found, frame: &mut [Value]) -> Start {
    let mut rows = found.iter();
    match (rows.len(), &lookup.copies) {
        (0, _) => Start::Nothing,
        (1, Some(copies)) => {
            copy(copies, rows.next().unwrap_or_default(), frame);
            Start::Bound
        }
        _ => Start::Rows(LookupRows::of(&rows.collect::<Vec<_>>())),
    }
}

/// One row of those that are equal in the columns that are bound.
fn distinct(lookup: &Lookup, table: &Table, frame: &[Value], cx: &Cx) -> Result<LookupRows> {
    let bound: Vec<usize> = (0..lookup.columns.len())
        .filter(|at| !matches!(lookup.columns[*at], LookupColumn::Bind(Pattern::Any)))
        .collect();
    let mut seen: HashSet<Vec<Value>, RandomState> = HashSet::default();
    let mut cells = Vec::new();
    let mut add = |row: &[Value]| {
        if seen.insert(bound.iter().map(|at| row[*at].clone()).collect()) {
            cells.extend(row.iter().cloned());
        }
    };
    if lookup.known.is_empty() {
        let mut scan = table.scan(&cx.token)?;
        while let Some(row) = scan.next()? {
            cx.token.check()?;
            add(row);
        }
    } else {
        let key = known(lookup);
        let found = with_values(lookup.known.len(), key, frame, cx, |key| {
            let found = table.find(&lookup.known, key, &cx.token)?;
            found.iter().for_each(&mut add);
            Ok(())
        })?;
        found.transpose()?;
    }
    Ok(LookupRows::Some {
        cells,
        width: lookup.columns.len(),
        next: 0,
    })
}

fn known(lookup: &Lookup) -> impl Iterator<Item = &PlanExpr> {
    lookup.columns.iter().filter_map(|column| match column {
        LookupColumn::Known(expr) => Some(expr),
        LookupColumn::Bind(_) => None,
    })
}

fn copy(copies: &[(usize, Slot)], row: &[Value], frame: &mut [Value]) {
    for (column, slot) in copies {
        frame[*slot].clone_from(&row[*column]);
    }
}

impl LookupRows {
    /// These rows of one function.
    pub fn of(rows: &[&[Value]]) -> LookupRows {
        LookupRows::Some {
            cells: rows.iter().copied().flatten().cloned().collect(),
            width: rows.first().map_or(0, |row| row.len()),
            next: 0,
        }
    }

    /// Binds the next row that matches; `false` at the end.
    pub fn bind(&mut self, lookup: &Lookup, frame: &mut [Value], cx: &Cx) -> Result<bool> {
        while let Some(row) = self.next()? {
            cx.token.check()?;
            match &lookup.copies {
                Some(copies) => {
                    copy(copies, row, frame);
                    return Ok(true);
                }
                None if pattern::bind_row(lookup, row, frame, cx)? => return Ok(true),
                None => {}
            }
        }
        Ok(false)
    }

    fn next(&mut self) -> Result<Option<&[Value]>> {
        match self {
            LookupRows::All(scan) => scan.next(),
            LookupRows::Some { cells, width, next } => {
                let row = cells.get(*next..*next + *width);
                *next += *width;
                Ok(row)
            }
        }
    }
}
