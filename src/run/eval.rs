//! Evaluates expressions.

use std::borrow::Cow;
use std::sync::Arc;

use super::query::{self, SubCollection};
use crate::catalog::Catalog;
use crate::host::remarks;
use crate::host::traced::Traced;
use crate::model::conversion::conform;
use crate::model::function::FunctionBody;
use crate::model::memory::Collecting;
use crate::model::{Cx, Function, Record, Type, Value};
use crate::plan::{Call, PlanExpr, Sub, Target};
use crate::run::concat::Concat;
use crate::run::guarded::guarded;
use crate::run::{call, element};
use crate::syntax::ast::BinaryOp;
use crate::text::diagnostic::{Error, Kind, Result};

/// The value of `expr` with the variables in `frame`; `None` for no result.
pub fn eval(expr: &PlanExpr, frame: &[Value], cx: &Cx) -> Result<Option<Value>> {
    match expr {
        PlanExpr::Const(value) => Ok(Some(value.clone())),
        PlanExpr::Slot(slot) => Ok(Some(frame[*slot].clone())),
        PlanExpr::Known(slot) => Ok(Some(frame[*slot].clone()).filter(|value| !value.is_null())),
        PlanExpr::Session(name, span) => match Catalog::of(cx).variables.get(name) {
            Some((value, _)) => Ok(Some(value)),
            None => {
                Err(Error::run(format!("the session variable ':{name}' has no value")).at(span))
            }
        },
        PlanExpr::Call(call) => evaluate_call(call, frame, cx),
        PlanExpr::Arith(op, call) => arithmetic(*op, call, frame, cx),
        PlanExpr::Compare(op, sides) => Ok(truth(comparison(*op, sides, frame, cx)?)),
        PlanExpr::And(list) => all(list, frame, cx),
        PlanExpr::Or(list) => any(list, frame, cx),
        PlanExpr::Vector(elements) => vector(elements, frame, cx),
        PlanExpr::Record(fields) => record(fields, frame, cx),
        PlanExpr::Case { arms, otherwise } => {
            for (condition, result) in arms {
                if holds(condition, frame, cx)? {
                    return eval(result, frame, cx);
                }
            }
            otherwise
                .as_ref()
                .map_or(Ok(None), |result| eval(result, frame, cx))
        }
        PlanExpr::Try(both) => guarded(both, frame, cx),
        PlanExpr::Convert(value, ty) => {
            let value = match (eval(value, frame, cx)?, ty) {
                // What is not one already, the cast makes one.
                (Some(Value::Array(array)), Type::Vector(_)) => {
                    Some(array.to_vector(&cx.token.looks())?)
                }
                (value, _) => value,
            };
            Ok(value.and_then(|value| conform(&value, ty)))
        }
        PlanExpr::OrNull(value) => Ok(Some(eval(value, frame, cx)?.unwrap_or(Value::Null))),
        PlanExpr::Bag(parts) => bag(parts, frame, cx),
        PlanExpr::Singleton(value) => Ok(Some(match eval(value, frame, cx)? {
            Some(collection) if collection.is_collection() => collection,
            Some(value) => Value::bag(vec![value]),
            None => Value::bag(vec![]),
        })),
        PlanExpr::Sub(sub) => Ok(Some(collection(sub, frame))),
        PlanExpr::Collect(sub) => {
            let mut run = query::open(&sub.query, captured(sub, frame), cx)?;
            let mut elements = Collecting::new(sub.query.operator("a vector"));
            while let Some(element) = run.next(cx)? {
                elements.push(element, &cx.memory)?;
            }
            elements.into_vector(&cx.memory).map(Some)
        }
    }
}

/// Whether a condition holds, see [`is_true`]; one without a result does not.
pub fn holds(condition: &PlanExpr, frame: &[Value], cx: &Cx) -> Result<bool> {
    if let PlanExpr::Compare(op, sides) = condition {
        return comparison(*op, sides, frame, cx);
    }
    match eval(condition, frame, cx)? {
        Some(value) => is_true(&value, cx),
        None => Ok(false),
    }
}

/// Whether a value holds as a condition: in `where`, `and`, `or`, `case`, `while`, `some` and `notany`
/// alike. False and null do not, as if there were no value. A bag or stream does if one of its elements
/// does; none is looked at after that one. Everything else holds. As data, false and null are values
/// like others: they are compared, counted and elements of bags; only a stored function holds neither.
pub fn is_true(value: &Value, cx: &Cx) -> Result<bool> {
    match value {
        Value::Null | Value::Bool(false) => Ok(false),
        Value::Bag(_) | Value::Stream(_) => {
            let mut elements = value.elements(cx)?;
            while let Some(element) = elements.next(cx)? {
                if is_true(&element, cx)? {
                    return Ok(true);
                }
            }
            Ok(false)
        }
        _ => Ok(true),
    }
}

/// The value of `expr`, borrowed where a variable or the plan has it.
fn borrowed<'a>(expr: &'a PlanExpr, frame: &'a [Value], cx: &Cx) -> Result<Option<Cow<'a, Value>>> {
    Ok(match expr {
        PlanExpr::Const(value) => Some(Cow::Borrowed(value)),
        PlanExpr::Slot(slot) => Some(Cow::Borrowed(&frame[*slot])),
        other => eval(other, frame, cx)?.map(Cow::Owned),
    })
}

/// So many values at most need no memory to be used together.
const FEW: usize = 3;

/// Gives the values of `count` expressions to `then`; no result where one of them has none.
pub fn with_values<'a, R>(
    count: usize,
    mut exprs: impl Iterator<Item = &'a PlanExpr>,
    frame: &'a [Value],
    cx: &Cx,
    then: impl FnOnce(&[&Value]) -> R,
) -> Result<Option<R>> {
    if count > FEW {
        let mut held = Vec::with_capacity(count);
        while let Some(expr) = exprs.next() {
            match borrowed(expr, frame, cx) {
                Ok(Some(value)) => held.push(value),
                Ok(None) => return Ok(None),
                Err(error) => return failed(error, exprs, frame, cx),
            }
        }
        return Ok(Some(then(&held.iter().map(|v| &**v).collect::<Vec<_>>())));
    }
    let mut held = [const { Cow::Borrowed(&Value::Null) }; FEW];
    for place in &mut held[..count] {
        let Some(expr) = exprs.next() else { break };
        match borrowed(expr, frame, cx) {
            Ok(Some(value)) => *place = value,
            Ok(None) => return Ok(None),
            Err(error) => return failed(error, exprs, frame, cx),
        }
    }
    let values: [&Value; FEW] = std::array::from_fn(|i| &*held[i]);
    Ok(Some(then(&values[..count])))
}

/// What comes of expressions of which one failed with `error`; the others, `rest`, come after it and
/// have not been evaluated. Nothing, if one of them has no value: so it does not matter which is
/// evaluated first, nor whether a query looks up values before, and never gets as far as the one that
/// fails. Each expression is evaluated once, as it may act.
#[cold]
fn failed<'a, R>(
    mut error: Error,
    rest: impl Iterator<Item = &'a PlanExpr>,
    frame: &[Value],
    cx: &Cx,
) -> Result<Option<R>> {
    if error.ends_evaluation() {
        return Err(error);
    }
    for expr in rest {
        match eval(expr, frame, cx) {
            Ok(Some(_)) => {}
            Ok(None) => return Ok(None),
            Err(other) if other.kind() == Kind::Stopped => return Err(other),
            Err(other) if other.ends_evaluation() => {
                error = error.at_limit();
                break;
            }
            Err(_) => {}
        }
    }
    Err(error)
}

fn comparison(op: BinaryOp, sides: &[PlanExpr; 2], frame: &[Value], cx: &Cx) -> Result<bool> {
    let left = match borrowed(&sides[0], frame, cx) {
        Ok(left) => left,
        Err(error) => return Ok(failed(error, sides[1..].iter(), frame, cx)?.unwrap_or(false)),
    };
    // Both are evaluated, whatever the first gives.
    let right = match borrowed(&sides[1], frame, cx) {
        Ok(right) => right,
        Err(error) if left.is_none() && !error.ends_evaluation() => None,
        Err(error) => return Err(error),
    };
    Ok(match (left, right) {
        (Some(left), Some(right)) => {
            let is_order = !matches!(op, BinaryOp::Eq | BinaryOp::Ne);
            if is_order && cx.remarks.are_first_of_two_kinds(&left, &right) {
                remarks::two_kinds(&left, &right, cx);
            }
            compare(op, &left, &right)
        }
        _ => false,
    })
}

fn truth(holds: bool) -> Option<Value> {
    holds.then_some(Value::Bool(true))
}

/// Compares any two values; the order of what cannot be ordered holds for none.
pub fn compare(op: BinaryOp, left: &Value, right: &Value) -> bool {
    match op {
        BinaryOp::Eq => left == right,
        BinaryOp::Ne => left != right,
        _ if left.is_null() || right.is_null() => false,
        BinaryOp::Lt => left < right,
        BinaryOp::Le => left <= right,
        BinaryOp::Gt => left > right,
        BinaryOp::Ge => left >= right,
        _ => false,
    }
}

fn all(list: &[PlanExpr], frame: &[Value], cx: &Cx) -> Result<Option<Value>> {
    for condition in list {
        if !holds(condition, frame, cx)? {
            return Ok(None);
        }
    }
    Ok(Some(Value::Bool(true)))
}

fn any(list: &[PlanExpr], frame: &[Value], cx: &Cx) -> Result<Option<Value>> {
    for condition in list {
        if holds(condition, frame, cx)? {
            return Ok(Some(Value::Bool(true)));
        }
    }
    Ok(None)
}

/// The values of all; no result where one of them has none.
fn all_values(exprs: &[PlanExpr], frame: &[Value], cx: &Cx) -> Result<Option<Vec<Value>>> {
    let mut values = Vec::with_capacity(exprs.len());
    for (i, expr) in exprs.iter().enumerate() {
        match eval(expr, frame, cx) {
            Ok(Some(value)) => values.push(value),
            Ok(None) => return Ok(None),
            Err(error) => return failed(error, exprs[i + 1..].iter(), frame, cx),
        }
    }
    Ok(Some(values))
}

fn vector(elements: &[PlanExpr], frame: &[Value], cx: &Cx) -> Result<Option<Value>> {
    Ok(all_values(elements, frame, cx)?.map(Value::vector))
}

fn record(fields: &[(PlanExpr, PlanExpr)], frame: &[Value], cx: &Cx) -> Result<Option<Value>> {
    let mut parts = fields.iter().flat_map(|(key, value)| [key, value]);
    let mut values = Vec::with_capacity(2 * fields.len());
    while let Some(part) = parts.next() {
        match eval(part, frame, cx) {
            Ok(Some(value)) => values.push(value),
            Ok(None) => return Ok(None),
            Err(error) => return failed(error, parts, frame, cx),
        }
    }
    let mut record = Record::new();
    let mut values = values.into_iter();
    while let (Some(key), Some(value)) = (values.next(), values.next()) {
        match key {
            Value::Str(key) => record.put(key, value),
            other => {
                return Err(Error::run(format!(
                    "a record's key is a string, not {other}"
                )));
            }
        }
    }
    Ok(Some(Value::record(record)))
}

/// All elements together: bags among the parts contribute theirs, as they are pulled.
fn bag(parts: &[PlanExpr], frame: &[Value], cx: &Cx) -> Result<Option<Value>> {
    let mut values = Vec::with_capacity(parts.len());
    let mut nested = false;
    for part in parts {
        if let Some(value) = eval(part, frame, cx)? {
            nested |= matches!(value, Value::Bag(_));
            values.push(value);
        }
    }
    Ok(Some(if nested {
        Value::Bag(Arc::new(Concat::new(values)))
    } else {
        Value::bag(values)
    }))
}

/// The bag or stream that a query inside another is, with the variables that it captures.
pub fn collection(sub: &Sub, frame: &[Value]) -> Value {
    let collection = Arc::new(SubCollection {
        query: sub.query.clone(),
        given: captured(sub, frame),
    });
    if sub.stream {
        Value::Stream(collection)
    } else {
        Value::Bag(collection)
    }
}

/// The captured variables with the slots that they go into.
pub fn captured(sub: &Sub, frame: &[Value]) -> Vec<(usize, Value)> {
    sub.captures
        .iter()
        .map(|(outer, inner)| (*inner, frame[*outer].clone()))
        .collect()
}

fn evaluate_call(call: &Call, frame: &[Value], cx: &Cx) -> Result<Option<Value>> {
    if let Target::One(function) = &call.target
        && let FunctionBody::Stored(table) = &function.body
        && call.args.len() == function.arity()
    {
        let found = with_values(call.args.len(), call.args.iter(), frame, cx, |args| {
            call::stored_of(function, table, args, cx)
        });
        return match found? {
            Some(result) => result.map_err(|error| error.at(&call.span)),
            None => Ok(None),
        };
    }
    if let Target::One(function) = &call.target
        && let FunctionBody::Native(native) = &function.body
        && call.args.len() <= FEW
        && call.args.len() == function.arity()
    {
        let mut args = [const { Value::Null }; FEW];
        for (i, arg) in call.args.iter().enumerate() {
            match eval(arg, frame, cx) {
                Ok(Some(value)) => args[i] = value,
                Ok(None) => return Ok(None),
                Err(error) => return failed(error, call.args[i + 1..].iter(), frame, cx),
            }
        }
        let args = &mut args[..call.args.len()];
        if element::concerns(function, args) {
            let plain = |args: &mut [Value], cx: &Cx| call::native(function, native, args, cx);
            return element::call(function, args, &call.args, &call.span, cx, plain);
        }
        return call::native(function, native, args, cx).map_err(|error| error.at(&call.span));
    }
    let Some(mut args) = all_values(&call.args, frame, cx)? else {
        return Ok(None);
    };
    if let Some(function) = built_in(&call.target)
        && element::concerns(function, &args)
    {
        let plain =
            |args: &mut [Value], cx: &Cx| call::target(&call.target, args.to_vec(), &call.span, cx);
        return element::call(function, &mut args, &call.args, &call.span, cx, plain);
    }
    call::target(&call.target, args, &call.span, cx)
}

/// The built-in function that is called, or one of those that may be.
fn built_in(target: &Target) -> Option<&Function> {
    match target {
        Target::One(function) => (!function.is_user()).then_some(function),
        Target::Late(functions) => {
            let built_in = functions.iter().all(|f| !f.is_user());
            functions.first().filter(|_| built_in).map(|f| &**f)
        }
    }
}

fn arithmetic(op: BinaryOp, call: &Call, frame: &[Value], cx: &Cx) -> Result<Option<Value>> {
    let left = match borrowed(&call.args[0], frame, cx) {
        Ok(Some(left)) => left,
        Ok(None) => return Ok(None),
        Err(error) => return failed(error, call.args[1..].iter(), frame, cx),
    };
    let Some(right) = call.args.get(1) else {
        return call::target(&call.target, vec![left.into_owned()], &call.span, cx);
    };
    let Some(right) = borrowed(right, frame, cx)? else {
        return Ok(None);
    };
    if let Some(value) = quick(op, &left, &right)
        && !is_traced(&call.target, cx)
    {
        return Ok(Some(value));
    }
    let args = vec![left.into_owned(), right.into_owned()];
    call::target(&call.target, args, &call.span, cx)
}

/// Whether calls of the function, or of one of those that it may be, are to be printed.
#[inline]
fn is_traced(target: &Target, cx: &Cx) -> bool {
    match target {
        Target::One(function) => Traced::prints(function, cx),
        Target::Late(functions) => functions.iter().any(|f| Traced::prints(f, cx)),
    }
}

/// Arithmetic on two numbers where nothing can go wrong; the rest is for the functions.
#[inline]
pub(super) fn quick(op: BinaryOp, left: &Value, right: &Value) -> Option<Value> {
    if let (Value::Int(a), Value::Int(b)) = (left, right) {
        return match op {
            BinaryOp::Plus => a.checked_add(*b),
            BinaryOp::Minus => a.checked_sub(*b),
            BinaryOp::Times => a.checked_mul(*b),
            _ => None,
        }
        .map(Value::Int);
    }
    let (a, b) = (left.as_real()?, right.as_real()?);
    match op {
        BinaryOp::Plus => Some(Value::Real(a + b)),
        BinaryOp::Minus => Some(Value::Real(a - b)),
        BinaryOp::Times => Some(Value::Real(a * b)),
        BinaryOp::Div if b != 0.0 => Some(Value::Real(a / b)),
        _ => None,
    }
}
