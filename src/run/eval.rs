//! Evaluates expressions.

use std::borrow::Cow;
use std::sync::Arc;

use super::query::{self, SubCollection};
use crate::catalog::Catalog;
use crate::host::traced::Traced;
use crate::model::conversion::conform;
use crate::model::function::FunctionBody;
use crate::model::{Cx, Function, Record, Value};
use crate::plan::{Call, PlanExpr, Sub, Target};
use crate::run::concat::Concat;
use crate::run::guarded::guarded;
use crate::run::{call, element};
use crate::syntax::ast::BinaryOp;
use crate::text::diagnostic::{Error, Result};

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
            Ok(eval(value, frame, cx)?.and_then(|value| conform(&value, ty)))
        }
        PlanExpr::Bag(parts) => bag(parts, frame, cx),
        PlanExpr::Singleton(value) => Ok(Some(match eval(value, frame, cx)? {
            Some(collection) if collection.is_collection() => collection,
            Some(value) => Value::bag(vec![value]),
            None => Value::bag(vec![]),
        })),
        PlanExpr::Sub(sub) => Ok(Some(collection(sub, frame))),
        PlanExpr::Collect(sub) => {
            let mut run = query::open(&sub.query, captured(sub, frame), cx)?;
            let mut elements = Vec::new();
            while let Some(element) = run.next(cx)? {
                elements.push(element);
            }
            Ok(Some(Value::vector(elements)))
        }
        PlanExpr::Member { needle, haystack } => {
            let Some(needle) = eval(needle, frame, cx)? else {
                return Ok(None);
            };
            let Some(haystack) = eval(haystack, frame, cx)? else {
                return Ok(None);
            };
            let mut elements = haystack.elements(cx)?;
            while let Some(element) = elements.next(cx)? {
                if element == needle {
                    return Ok(Some(Value::Bool(true)));
                }
            }
            Ok(None)
        }
    }
}

/// Whether a condition holds: it has a result, and that is not false or null.
pub fn holds(condition: &PlanExpr, frame: &[Value], cx: &Cx) -> Result<bool> {
    if let PlanExpr::Compare(op, sides) = condition {
        return comparison(*op, sides, frame, cx);
    }
    Ok(match eval(condition, frame, cx)? {
        None | Some(Value::Null | Value::Bool(false)) => false,
        Some(Value::Bool(true)) => true,
        Some(value) if value.is_collection() => {
            let mut elements = value.elements(cx)?;
            elements.next(cx)?.is_some()
        }
        Some(_) => true,
    })
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
    exprs: impl Iterator<Item = &'a PlanExpr>,
    frame: &'a [Value],
    cx: &Cx,
    then: impl FnOnce(&[&Value]) -> R,
) -> Result<Option<R>> {
    if count > FEW {
        let mut held = Vec::with_capacity(count);
        for expr in exprs {
            match borrowed(expr, frame, cx)? {
                Some(value) => held.push(value),
                None => return Ok(None),
            }
        }
        return Ok(Some(then(&held.iter().map(|v| &**v).collect::<Vec<_>>())));
    }
    let mut held = [const { Cow::Borrowed(&Value::Null) }; FEW];
    for (place, expr) in held.iter_mut().zip(exprs) {
        match borrowed(expr, frame, cx)? {
            Some(value) => *place = value,
            None => return Ok(None),
        }
    }
    let values: [&Value; FEW] = std::array::from_fn(|i| &*held[i]);
    Ok(Some(then(&values[..count])))
}

fn comparison(op: BinaryOp, sides: &[PlanExpr; 2], frame: &[Value], cx: &Cx) -> Result<bool> {
    let left = borrowed(&sides[0], frame, cx)?;
    // Both are evaluated, whatever the first gives.
    let right = borrowed(&sides[1], frame, cx)?;
    Ok(match (left, right) {
        (Some(left), Some(right)) => compare(op, &left, &right),
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

fn vector(elements: &[PlanExpr], frame: &[Value], cx: &Cx) -> Result<Option<Value>> {
    let mut values = Vec::with_capacity(elements.len());
    for element in elements {
        match eval(element, frame, cx)? {
            Some(value) => values.push(value),
            None => return Ok(None),
        }
    }
    Ok(Some(Value::vector(values)))
}

fn record(fields: &[(PlanExpr, PlanExpr)], frame: &[Value], cx: &Cx) -> Result<Option<Value>> {
    let mut record = Record::new();
    for (key, value) in fields {
        let (Some(key), Some(value)) = (eval(key, frame, cx)?, eval(value, frame, cx)?) else {
            return Ok(None);
        };
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
        for (place, arg) in args.iter_mut().zip(&call.args) {
            match eval(arg, frame, cx)? {
                Some(value) => *place = value,
                None => return Ok(None),
            }
        }
        let args = &mut args[..call.args.len()];
        if element::concerns(function, args) {
            let plain = |args: &mut [Value], cx: &Cx| call::native(function, native, args, cx);
            return element::call(function, args, &call.args, &call.span, cx, plain);
        }
        return call::native(function, native, args, cx).map_err(|error| error.at(&call.span));
    }
    let mut args = Vec::with_capacity(call.args.len());
    for arg in &call.args {
        match eval(arg, frame, cx)? {
            Some(value) => args.push(value),
            None => return Ok(None),
        }
    }
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
    let Some(left) = borrowed(&call.args[0], frame, cx)? else {
        return Ok(None);
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
fn quick(op: BinaryOp, left: &Value, right: &Value) -> Option<Value> {
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
