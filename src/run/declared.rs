//! Declared types hold: what a user's function gives and takes is of the types in its signature.
//! Numbers are converted where that is exact; anything else that does not fit is an error. A null is
//! no value, and passes.

use std::sync::Arc;

use super::call::short;
use crate::catalog::fit::{Exactness, fit};
use crate::host::failed;
use crate::model::collection::Numbers;
use crate::model::conversion::converted;
use crate::model::plot::PlotRequest;
use crate::model::{BatchColumn, Collection, Cx, Function, Source, Type, Value};
use crate::run::batch::result_column;
use crate::text::diagnostic::{Error, Result};

/// A result of the user's function `f` as one of the declared type; an error if it is none. The
/// elements of a bag or stream are seen to as they come.
pub fn result(f: &Arc<Function>, value: Value) -> Result<Value> {
    if value.is_null() {
        return Ok(value);
    }
    if value.is_collection() {
        return Ok(elements(f, None, value, f.signature.row_type()));
    }
    let converted = match f.signature.columns.as_slice() {
        [only] => converted(&value, &only.ty),
        _ => converted(&value, &f.signature.row_type()),
    };
    match converted {
        Some(converted) => Ok(converted.unwrap_or(value)),
        None => Err(mismatch(f, None, &f.signature.row_type(), &value)),
    }
}

/// A bag or stream that is argument `i` of the user's function `f`: its elements are of the declared
/// type when they come.
pub fn argument(f: &Arc<Function>, i: usize, value: Value) -> Value {
    match &f.signature.params[i].ty {
        Type::Bag(of) | Type::Stream(of) => elements(f, Some(i), value, (**of).clone()),
        _ => value,
    }
}

fn elements(f: &Arc<Function>, argument: Option<usize>, value: Value, ty: Type) -> Value {
    if ty == Type::Object || ty.is_collection() {
        return value;
    }
    let declared = |inner: Arc<dyn Collection>| -> Arc<dyn Collection> {
        let known = fit(&inner.element_type(), &ty);
        if known.is_some_and(|fit| fit.sure && fit.nearness.exactness == Exactness::Same) {
            return inner;
        }
        Arc::new(Declared {
            inner,
            check: Check {
                function: f.clone(),
                argument,
                ty: ty.clone(),
            },
        })
    };
    match value {
        Value::Bag(inner) => Value::Bag(declared(inner)),
        Value::Stream(inner) => Value::Stream(declared(inner)),
        single => single,
    }
}

/// What an element is declared to be, and where.
#[derive(Clone)]
struct Check {
    function: Arc<Function>,
    argument: Option<usize>,
    ty: Type,
}

impl Check {
    fn element(&self, value: Value) -> Result<Value> {
        if value.is_null() {
            return Ok(value);
        }
        match converted(&value, &self.ty) {
            Some(converted) => Ok(converted.unwrap_or(value)),
            None => Err(mismatch(&self.function, self.argument, &self.ty, &value)),
        }
    }
}

/// A bag or stream whose elements are checked as they come.
struct Declared {
    inner: Arc<dyn Collection>,
    check: Check,
}

impl Collection for Declared {
    fn open(&self, cx: &Cx) -> Result<Box<dyn Source>> {
        Ok(Box::new(DeclaredRun {
            inner: self.inner.open(cx)?,
            check: self.check.clone(),
            ahead: Vec::new().into_iter(),
        }))
    }

    fn element_type(&self) -> Type {
        self.check.ty.clone()
    }

    fn known_len(&self) -> Option<u64> {
        self.inner.known_len()
    }
}

struct DeclaredRun {
    inner: Box<dyn Source>,
    check: Check,
    /// Elements of a batch that have to be looked at one by one.
    ahead: std::vec::IntoIter<Value>,
}

impl Source for DeclaredRun {
    fn next(&mut self, cx: &Cx) -> Result<Option<Value>> {
        loop {
            let value = match self.ahead.next() {
                Some(value) => Some(value),
                None => self.inner.next(cx)?,
            };
            match value.map(|value| self.check.element(value)).transpose() {
                Err(error) if self.inner.is_live() => failed::set_aside(error, cx)?,
                checked => return checked,
            }
        }
    }

    fn numbers(&mut self, cx: &Cx) -> Result<Option<Numbers>> {
        if !matches!(self.check.ty, Type::Number | Type::Integer | Type::Real) {
            return Ok(None);
        }
        Ok(match (&self.check.ty, self.inner.numbers(cx)?) {
            (Type::Real, Some(batch)) => Some(Numbers::Reals(batch.reals())),
            // Which of them are whole has to be seen.
            (Type::Integer, Some(batch @ Numbers::Reals(_))) => {
                self.ahead = batch.values().into_iter();
                None
            }
            (_, batch) => batch,
        })
    }

    fn column(&mut self, cx: &Cx) -> Result<Option<BatchColumn>> {
        let Some(column) = self.inner.column(cx)? else {
            return Ok(None);
        };
        if let Some(declared) = result_column(&self.check.ty, &column) {
            return Ok(Some(declared));
        }
        self.ahead = column.values().into_iter();
        Ok(None)
    }

    fn explain(&self, error: Error) -> Error {
        self.inner.explain(error)
    }

    fn is_live(&self) -> bool {
        self.inner.is_live()
    }

    fn plot(&self) -> Option<&Arc<PlotRequest>> {
        self.inner.plot()
    }

    fn taken(&self) -> Option<u64> {
        self.inner.taken()
    }
}

fn mismatch(f: &Function, argument: Option<usize>, ty: &Type, value: &Value) -> Error {
    let (name, value) = (f.name(), short(value));
    let message = match argument {
        None => format!("'{name}' is declared to give {ty}, not {value}"),
        Some(i) => {
            let named = f.signature.params[i].name.as_ref();
            let which = named.map_or_else(String::new, |n| format!(" '{n}'"));
            format!("'{name}' wants the elements of its argument{which} to be {ty}, not {value}")
        }
    };
    Error::run(message).help(format!("it is {}", f.signature))
}
