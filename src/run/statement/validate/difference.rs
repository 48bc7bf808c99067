//! How a check that failed is shown: what it gives beside what was expected.

use super::ERROR;
use crate::model::{Value, print};
use crate::syntax::ast::Expr;
use crate::text::diagnostic::{Error, Span, shortened};

/// How many bytes of a result are shown.
const SHOWN: usize = 10_000;

/// How many results are shown on each side.
const MOST_ROWS: usize = 20;

/// A check that failed, with the results that have none like them on the other side.
pub struct Difference {
    pub check: Span,
    got: Vec<Value>,
    wanted: Vec<Value>,
}

impl Difference {
    pub fn new(check: &Expr, got: Vec<Value>, wanted: Vec<Value>) -> Difference {
        Difference {
            check: check.span.clone(),
            got,
            wanted,
        }
    }

    /// Says what the check at the error's place gives.
    pub fn explain(&self, error: Error) -> Error {
        if let ([] | [_], [] | [_]) = (self.got.as_slice(), self.wanted.as_slice()) {
            let (gives, expected) = (alone(&self.got), alone(&self.wanted));
            return error
                .label(format!("gives {gives}"))
                .help(format!("expected {expected}"));
        }
        error
            .label("gives other results")
            .help(format!("what differs, side by side:\n{}", self.table()))
    }

    /// Adds a further check to an error.
    pub fn list(error: Error, further: &Difference) -> Error {
        let check = shortened(further.check.text().to_owned(), 60);
        if let ([] | [_], [] | [_]) = (further.got.as_slice(), further.wanted.as_slice()) {
            let (gives, expected) = (alone(&further.got), alone(&further.wanted));
            return error.help(format!("{check} gives {gives}, expected {expected}"));
        }
        error.help(format!("{check} gives other results:\n{}", further.table()))
    }

    /// The results of both sides in two columns.
    fn table(&self) -> String {
        let (left, right) = (lines(&self.got), lines(&self.wanted));
        let widths = left.iter().map(|line| line.chars().count());
        let width = widths.chain(["gives".len()]).max().unwrap_or(0);
        let rows = left.len().max(right.len());
        let line = |lines: &[String], at: usize| lines.get(at).cloned().unwrap_or_default();
        let rows = (0..rows).map(|at| (line(&left, at), line(&right, at)));
        let heading = [("gives".to_owned(), "expected".to_owned())];
        let rows = heading.into_iter().chain(rows);
        let rows =
            rows.map(|(got, wanted)| format!("  {got:width$} | {wanted}").trim_end().to_owned());
        rows.collect::<Vec<_>>().join("\n")
    }
}

fn lines(values: &[Value]) -> Vec<String> {
    let mut lines: Vec<String> = values.iter().take(MOST_ROWS).map(one).collect();
    if values.len() > MOST_ROWS {
        lines.push(format!("… and {} more", values.len() - MOST_ROWS));
    }
    lines
}

fn alone(values: &[Value]) -> String {
    values.first().map_or("nothing".to_owned(), one)
}

fn one(value: &Value) -> String {
    if let Value::Vector(parts) = value
        && let [Value::Str(kind), Value::Str(message), _] = &**parts
        && &**kind == ERROR
    {
        return format!("an error: {message}");
    }
    print::beginning(value, SHOWN)
}
