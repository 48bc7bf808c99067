//! Constants read back from their printed form, without running anything.

use num_complex::Complex64;

use crate::model::hex::from_hex;
use crate::model::{Record, Value, number};
use crate::syntax;
use crate::syntax::ast::{Expr, ExprKind, StatementKind, UnaryOp};
use crate::text::diagnostic::{Error, Result, SourceText};

/// The value that `text` is the printed form of.
pub fn read(text: &str) -> Result<Value> {
    let statement = syntax::statement(&SourceText::new("<string>", text))?;
    match statement.map(|s| s.kind) {
        Some(StatementKind::Query(expr)) => value(&expr),
        _ => Err(Error::run(format!(
            "{} is not a constant",
            Value::str(text)
        ))),
    }
}

fn value(expr: &Expr) -> Result<Value> {
    match &expr.kind {
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

fn values(exprs: &[Expr]) -> Result<Vec<Value>> {
    exprs.iter().map(value).collect()
}

fn not_constant(expr: &Expr) -> Error {
    Error::run(format!("{} is not a constant", expr.span.text())).at(&expr.span)
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn constants_read_back() {
        for text in [
            "null",
            "true",
            "-1.5",
            "-inf",
            "nan",
            "-7",
            "\"a\\\"\\n\"",
            "[1,[2.0,null],{\"a\":[]}]",
            "bag(1,2)",
            "binary(\"00ff\")",
            "complex(1.0,-2.0)",
            "|2026-01-31T12:00:00.000Z|",
            "ts(|2026-01-31T12:00:00.000Z|,[1])",
        ] {
            assert_eq!(read(text).expect(text).to_string(), text);
        }
    }

    #[test]
    fn nothing_else_is_read() {
        for text in [
            "1+1",
            "x",
            "quit",
            "sleep(1)",
            "",
            "[1",
            "select 1",
            "binary(\"0\")",
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
