//! Solves equations for their unknown, by the rule of [`crate::compile`]'s `solve`: what undoing the
//! operations gives is a candidate, and the condition as it is written decides.

use crate::catalog::Catalog;
use crate::model::conversion::conform;
use crate::model::{Cx, Type, Value, number};
use crate::plan::{Equation, UnknownOperation};
use crate::run::call;
use crate::run::eval::{eval, holds};
use crate::syntax::ast::BinaryOp;
use crate::text::diagnostic::{Error, Result};

/// What undoing an operation gives.
enum Undone {
    One(Value),
    Nothing,
    /// More values than can be told, as for the `x` in `0 * x = 0`.
    Many,
}

use Undone::{Many, Nothing, One};

/// Binds the unknown; `false` if the equation has no solution.
pub fn solve(equation: &Equation, frame: &mut [Value], cx: &Cx) -> Result<bool> {
    let Some(mut value) = eval(&equation.value, frame, cx)? else {
        return Ok(false);
    };
    let mut divided = false;
    for operation in &equation.operations {
        divided |= is_undone_by_division(operation);
        let undone = match operation {
            UnknownOperation::Negation => negated(&value, cx),
            UnknownOperation::OnLeft(op, operand) | UnknownOperation::OnRight(op, operand) => {
                let Some(operand) = eval(operand, frame, cx)? else {
                    return Ok(false);
                };
                let on_left = matches!(operation, UnknownOperation::OnLeft(..));
                let scalar = is_scalar(&equation.ty);
                undone(*op, on_left, &value, &operand, scalar, cx)
            }
        };
        match undone {
            One(inner) => value = inner,
            Nothing => return Ok(false),
            Many => return Err(undetermined(equation)),
        }
    }
    for candidate in candidates(&value, &equation.ty, divided) {
        frame[equation.unknown] = candidate;
        // The operands have values. What fails for this candidate does not hold for it.
        if let Ok(true) = holds(&equation.condition, frame, cx) {
            return Ok(true);
        }
    }
    cx.token.check()?;
    Ok(false)
}

fn undetermined(equation: &Equation) -> Error {
    let name = equation.span.text();
    Error::run(format!(
        "nothing gives '{name}' a value: no single one solves the condition here"
    ))
    .at(&equation.span)
    .help(format!(
        "add a condition that does: `{name} in …` or `{name} = …`"
    ))
}

fn is_undone_by_division(operation: &UnknownOperation) -> bool {
    use BinaryOp::{Div, Times};
    matches!(
        operation,
        UnknownOperation::OnLeft(Times, _) | UnknownOperation::OnRight(Times | Div, _)
    )
}

/// Whether a value of the type is no vector.
fn is_scalar(ty: &Type) -> bool {
    matches!(ty, Type::Number | Type::Integer | Type::Real | Type::Object)
}

/// The values of the type that may solve the equation if exact arithmetic gives `value`: a real may be
/// rounded, so that its neighbours may. What a division gives is a real, as everywhere, unless only the
/// integer solves the equation.
fn candidates(value: &Value, ty: &Type, divided: bool) -> Vec<Value> {
    let as_declared = |value: &Value| conform(value, ty);
    match value {
        Value::Int(int) if divided => [Value::Real(*int as f64), Value::Int(*int)]
            .iter()
            .filter_map(as_declared)
            .collect(),
        Value::Real(real) => {
            let (up, down) = (real.next_up(), real.next_down());
            [*real, up, down, up.next_up(), down.next_down()]
                .into_iter()
                .filter_map(|real| as_declared(&Value::Real(real)))
                .collect()
        }
        Value::Str(text) => {
            let number = || number::parse(text).as_ref().and_then(as_declared);
            as_declared(value).or_else(number).into_iter().collect()
        }
        _ => {
            let element = || uniform(value).and_then(as_declared);
            as_declared(value).or_else(element).into_iter().collect()
        }
    }
}

/// The element that all elements of a vector are: `x + [1,2] = [4,5]` is solved by a number.
fn uniform(value: &Value) -> Option<&Value> {
    let Value::Vector(elements) = value else {
        return None;
    };
    let first = elements.first()?;
    elements.iter().all(|e| e == first).then_some(first)
}

/// The `x` for which `-x` is `value`.
fn negated(value: &Value, cx: &Cx) -> Undone {
    match value {
        Value::Int(int) => One(match int.checked_neg() {
            Some(int) => Value::Int(int),
            None => Value::Real(-(*int as f64)),
        }),
        Value::Real(real) => One(Value::Real(-real)),
        Value::Str(_) | Value::Null => Nothing,
        other => computed("uminus", vec![other.clone()], cx),
    }
}

/// The `x` for which `x op operand` is `value`, or `operand op x` if the unknown is not on the left.
fn undone(
    op: BinaryOp,
    on_left: bool,
    value: &Value,
    operand: &Value,
    scalar: bool,
    cx: &Cx,
) -> Undone {
    if value.is_null() || operand.is_null() {
        return Nothing;
    }
    match (value, operand) {
        (Value::Int(_) | Value::Real(_), Value::Int(_) | Value::Real(_)) => {
            undone_number(op, on_left, value, operand)
        }
        (Value::Str(text), _) => undone_text(op, on_left, text, operand),
        (_, Value::Str(_)) => Nothing,
        (Value::Vector(values), Value::Vector(operands))
            if matches!(op, BinaryOp::Times | BinaryOp::Div) && scalar =>
        {
            factor(op, on_left, values, operands)
        }
        // A product of vectors or matrices.
        (_, Value::Vector(_)) if op == BinaryOp::Times => match scalar {
            true => Nothing,
            false => Many,
        },
        (_, Value::Int(_) | Value::Real(_)) if op == BinaryOp::Times && is_zero(operand) => Many,
        _ => undone_any(op, on_left, value, operand, cx),
    }
}

fn is_zero(value: &Value) -> bool {
    value.as_real() == Some(0.0)
}

fn undone_number(op: BinaryOp, on_left: bool, value: &Value, operand: &Value) -> Undone {
    let solution = match (op, on_left) {
        (BinaryOp::Plus, _) => difference(value, operand),
        (BinaryOp::Minus, true) => sum(value, operand),
        (BinaryOp::Minus, false) => difference(operand, value),
        (BinaryOp::Times, _) if is_zero(operand) => {
            return if is_zero(value) { Many } else { Nothing };
        }
        (BinaryOp::Times, _) => quotient(value, operand),
        (BinaryOp::Div, true) if is_zero(operand) => return Nothing,
        (BinaryOp::Div, true) => product(value, operand),
        (BinaryOp::Div, false) if is_zero(value) => {
            return if is_zero(operand) { Many } else { Nothing };
        }
        (BinaryOp::Div, false) => quotient(operand, value),
        _ => None,
    };
    solution.map_or(Nothing, One)
}

/// Exact where integers allow it, else a real.
fn exact_or_real(
    a: &Value,
    b: &Value,
    exact: fn(i64, i64) -> Option<i64>,
    real: fn(f64, f64) -> f64,
) -> Option<Value> {
    if let (Value::Int(a), Value::Int(b)) = (a, b)
        && let Some(int) = exact(*a, *b)
    {
        return Some(Value::Int(int));
    }
    Some(Value::Real(real(a.as_real()?, b.as_real()?)))
}

fn sum(a: &Value, b: &Value) -> Option<Value> {
    exact_or_real(a, b, i64::checked_add, |a, b| a + b)
}

fn difference(a: &Value, b: &Value) -> Option<Value> {
    exact_or_real(a, b, i64::checked_sub, |a, b| a - b)
}

fn product(a: &Value, b: &Value) -> Option<Value> {
    exact_or_real(a, b, i64::checked_mul, |a, b| a * b)
}

fn quotient(a: &Value, b: &Value) -> Option<Value> {
    let whole = |a: i64, b: i64| match a.checked_rem(b) {
        Some(0) => a.checked_div(b),
        _ => None,
    };
    exact_or_real(a, b, whole, |a, b| a / b)
}

/// What is left of `text` without the operand before or after it.
fn undone_text(op: BinaryOp, on_left: bool, text: &str, operand: &Value) -> Undone {
    let written;
    let operand = match operand {
        Value::Str(operand) => &**operand,
        other if on_left => {
            written = other.to_string();
            &written
        }
        _ => return Nothing,
    };
    let rest = match (op, on_left) {
        (BinaryOp::Plus, true) => text.strip_suffix(operand),
        (BinaryOp::Plus, false) => text.strip_prefix(operand),
        _ => None,
    };
    rest.map_or(Nothing, |rest| One(Value::str(rest)))
}

/// The number that makes `values` of `operands`, if one can: what it is at the first position that
/// says it.
fn factor(op: BinaryOp, on_left: bool, values: &[Value], operands: &[Value]) -> Undone {
    let mut all = Many;
    for (value, operand) in values.iter().zip(operands) {
        match undone_number(op, on_left, value, operand) {
            Many => {}
            One(solution) => return One(solution),
            Nothing => all = Nothing,
        }
    }
    all
}

/// Vectors, times and complex numbers: by the function that undoes the operation.
fn undone_any(op: BinaryOp, on_left: bool, value: &Value, operand: &Value, cx: &Cx) -> Undone {
    let (undo, value_first) = match (op, on_left) {
        (BinaryOp::Plus, _) => (BinaryOp::Minus, true),
        (BinaryOp::Minus, true) => (BinaryOp::Plus, true),
        (BinaryOp::Minus, false) => (BinaryOp::Minus, false),
        (BinaryOp::Times, _) => (BinaryOp::Div, true),
        (BinaryOp::Div, true) => (BinaryOp::Times, true),
        (BinaryOp::Div, false) => (BinaryOp::Div, false),
        _ => return Nothing,
    };
    let (value, operand) = (value.clone(), operand.clone());
    let args = if value_first {
        vec![value, operand]
    } else {
        vec![operand, value]
    };
    computed(undo.function_name(), args, cx)
}

/// The value of a built-in function; nothing where it has none.
fn computed(name: &str, args: Vec<Value>, cx: &Cx) -> Undone {
    let called = Catalog::of(cx)
        .functions
        .resolvents(name)
        .and_then(|resolvents| call::late(&resolvents, args, cx));
    match called {
        Ok(Some(value)) if !value.is_collection() => One(value),
        _ => Nothing,
    }
}
