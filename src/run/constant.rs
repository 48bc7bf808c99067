//! Constants read back from their printed form, without running anything.

mod long;

use num_complex::Complex64;

use crate::catalog::{Catalog, named};
use crate::model::hex::from_hex;
use crate::model::{Record, Value, number};
use crate::syntax;
use crate::syntax::ast::{Expr, ExprKind, StatementKind, UnaryOp};
use crate::text::diagnostic::{Error, Result, SourceText};
use crate::text::stoppable::Looks;

/// The longest text that is parsed as a statement is, which takes much memory and cannot be stopped. A
/// longer one is read by [`long::read`].
const PARSED: usize = 1 << 16;

/// The value that `text` is the printed form of; a function is looked up in `catalog`. An error if
/// `looks` sees a stop.
pub fn read(catalog: &Catalog, text: &str, looks: &Looks) -> Result<Value> {
    if text.len() > PARSED {
        return long::read(catalog, text, looks);
    }
    let statement = syntax::statement(&SourceText::new("<string>", text))?;
    match statement.map(|s| s.kind) {
        Some(StatementKind::Query(expr)) => value(catalog, &expr),
        _ => Err(Error::run(format!(
            "{} is not a constant",
            Value::str(text)
        ))),
    }
}

fn value(catalog: &Catalog, expr: &Expr) -> Result<Value> {
    let value = |expr: &Expr| value(catalog, expr);
    let values = |exprs: &[Expr]| exprs.iter().map(value).collect::<Result<Vec<_>>>();
    match &expr.kind {
        ExprKind::Functional(name) => Ok(Value::Function(named::find(catalog, &name.text)?)),
        ExprKind::Literal(literal) => Ok(literal.into()),
        ExprKind::Unary {
            op: UnaryOp::Minus,
            arg,
        } => number::uminus(&value(arg)?),
        ExprKind::Vector(elements) | ExprKind::Tuple(elements) => {
            Ok(Value::vector(values(elements)?))
        }
        ExprKind::Bag(elements) => Ok(Value::bag(values(elements)?)),
        ExprKind::Record(fields) => {
            let field = |(key, field): &(Expr, Expr)| match value(key)? {
                Value::Str(key) => Ok((key, value(field)?)),
                _ => Err(not_constant(key)),
            };
            Ok(Value::record(
                fields.iter().map(field).collect::<Result<Record>>()?,
            ))
        }
        ExprKind::Call { function, args } => match (&*function.name.text, &values(args)?[..]) {
            ("binary", [Value::Str(digits)]) => from_hex(digits).map(Value::binary),
            ("complex", [re, im]) => match (re.as_real(), im.as_real()) {
                (Some(re), Some(im)) => Ok(Value::complex(Complex64::new(re, im))),
                _ => Err(not_constant(expr)),
            },
            ("ts", [Value::Time(time), value]) => {
                Ok(Value::Time((**time).clone().stamp(value.clone()).into()))
            }
            _ => Err(not_constant(expr)),
        },
        _ => Err(not_constant(expr)),
    }
}

fn not_constant(expr: &Expr) -> Error {
    Error::run(format!("{} is not a constant", expr.span.text())).at(&expr.span)
}
