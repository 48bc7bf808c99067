//! Notes on what has a meaning and is likely not meant, and hints for variables that do not exist: habits
//! from other languages.

use super::Compiler;
use crate::catalog::notes::Notes;
use crate::syntax::ast::{BinaryOp, Expr, ExprKind, Literal, Name};
use crate::text::diagnostic::{Error, Span};

/// The note on an order between a string and a number, whose types are known.
pub const OF_TWO_KINDS: &str =
    "a string is compared with a number by its kind: every number is less";

/// `v[0]`: positions count from 1.
pub fn note_position(notes: &Notes, index: &Expr) {
    if let ExprKind::Literal(Literal::Int(0)) = index.kind {
        notes.add(
            &index.span,
            "positions count from 1, so that there is nothing at 0",
            &["the first is at 1"],
        );
    }
}

/// `"\d"`: between double quotes a backslash takes the next character as it is.
pub fn note_backslash(notes: &Notes, span: &Span) {
    let written = span.text();
    let Some(inner) = written.strip_prefix('"') else {
        return;
    };
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        let escaped = if c == '\\' { chars.next() } else { None };
        if let Some(sign) = escaped.filter(|sign| !"ntrbfu\"\\/'".contains(*sign)) {
            let message = format!("\\{sign} is just {sign} between double quotes");
            let single = format!("'{}'", inner.trim_end_matches('"'));
            let help = match inner.contains('\'') {
                true => format!("for the backslash itself write \\\\{sign}"),
                false => format!("between single quotes a backslash is one: {single}"),
            };
            notes.add(span, &message, &[&help]);
            return;
        }
    }
}

/// `(x = 1) || (x = 3)`: it joins texts.
pub fn note_joined_conditions(notes: &Notes, op: BinaryOp, left: &Expr, right: &Expr, span: &Span) {
    if op == BinaryOp::JoinText && (left.is_condition() || right.is_condition()) {
        notes.add(span, "|| joins texts", &["between conditions write or"]);
    }
}

impl Compiler<'_> {
    /// The error for a variable that does not exist, with what else the name may be.
    pub(super) fn with_other_meaning(&self, error: Error, name: &Name) -> Option<Error> {
        let written = name.span.text();
        if matches!(&*name.text, "none" | "nil" | "undefined") {
            return Some(error.help("no value is written null"));
        }
        if name.text.contains('.') {
            return None;
        }
        if self.catalog.rows_named(&name.text).is_some() {
            return Some(error.help(format!("its rows are select * from {written}")));
        }
        let functions = self.catalog.functions.resolvents(&name.text).ok()?;
        let first = functions.first()?;
        let args = if first.arity() == 0 { "" } else { "…" };
        Some(error.help(format!("'{written}' is a function: {written}({args})")))
    }
}

/// The error for `{temp: 20}`, whose key is no variable.
pub fn of_key(error: Error, key: &Expr) -> Error {
    match &key.kind {
        ExprKind::Variable(_) if error.span() == Some(&key.span) => {
            error.help(format!("a key is a string: {{'{}': …}}", key.span.text()))
        }
        _ => error,
    }
}

/// The error for `x = 5`, where no `x` exists.
pub fn of_assignment(error: Error, statement: &Expr) -> Error {
    match &statement.kind {
        ExprKind::Binary {
            op: BinaryOp::Eq,
            left,
            ..
        } if matches!(left.kind, ExprKind::Variable(_)) && error.span() == Some(&left.span) => {
            let name = left.span.text();
            error.help(format!("to give it a value, write set :{name} = …"))
        }
        _ => error,
    }
}
