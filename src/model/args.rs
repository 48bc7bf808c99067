//! The arguments of a native function, taken by the type that its declaration gives them.

use std::sync::Arc;

use crate::model::memory::{Collecting, Operator};
use crate::model::{Collection, Cx, Function, Record, Source, Timeval, Value};
use crate::text::diagnostic::{Error, Result};

/// The arguments of one call. Positions count from 0.
///
/// The accessors fail only where a declaration and its native function disagree.
#[derive(Clone, Copy)]
pub struct Args<'a>(pub &'a [Value]);

impl<'a> Args<'a> {
    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn value(&self, i: usize) -> &'a Value {
        self.0.get(i).unwrap_or(&Value::Null)
    }

    pub fn str(&self, i: usize) -> Result<&'a str> {
        match self.value(i) {
            Value::Str(s) => Ok(s),
            other => Err(mismatch("a string", other)),
        }
    }

    pub fn int(&self, i: usize) -> Result<i64> {
        self.value(i)
            .as_int()
            .ok_or_else(|| mismatch("an integer", self.value(i)))
    }

    pub fn real(&self, i: usize) -> Result<f64> {
        self.value(i)
            .as_real()
            .ok_or_else(|| mismatch("a number", self.value(i)))
    }

    pub fn vector(&self, i: usize) -> Result<&'a Arc<[Value]>> {
        match self.value(i) {
            Value::Vector(v) => Ok(v),
            other => Err(mismatch("a vector", other)),
        }
    }

    pub fn record(&self, i: usize) -> Result<&'a Arc<Record>> {
        match self.value(i) {
            Value::Record(r) => Ok(r),
            other => Err(mismatch("a record", other)),
        }
    }

    pub fn binary(&self, i: usize) -> Result<&'a Arc<[u8]>> {
        match self.value(i) {
            Value::Binary(b) => Ok(b),
            other => Err(mismatch("a binary", other)),
        }
    }

    pub fn time(&self, i: usize) -> Result<&'a Timeval> {
        match self.value(i) {
            Value::Time(t) => Ok(t),
            other => Err(mismatch("a time", other)),
        }
    }

    pub fn function(&self, i: usize) -> Result<&'a Arc<Function>> {
        match self.value(i) {
            Value::Function(f) => Ok(f),
            other => Err(mismatch("a function", other)),
        }
    }

    /// The name of the topic.
    pub fn topic(&self, i: usize) -> Result<&'a Arc<str>> {
        match self.value(i) {
            Value::Topic(name) => Ok(name),
            other => Err(mismatch("a topic", other)),
        }
    }

    /// The bag or stream, not yet opened.
    pub fn collection(&self, i: usize) -> Result<&'a Arc<dyn Collection>> {
        let value = self.value(i);
        value
            .collection()
            .ok_or_else(|| mismatch("a bag or stream", value))
    }

    /// The elements of a bag, stream or vector, opened.
    pub fn open(&self, i: usize, cx: &Cx) -> Result<Box<dyn Source>> {
        self.value(i).elements(cx)
    }

    /// All elements of a bag, a finite stream or a vector.
    pub fn collect(&self, i: usize, cx: &Cx) -> Result<Vec<Value>> {
        Ok(self.collecting(i, cx)?.into_values())
    }

    /// The same as a vector.
    pub fn collect_vector(&self, i: usize, cx: &Cx) -> Result<Value> {
        self.collecting(i, cx)?.into_vector(&cx.memory)
    }

    fn collecting(&self, i: usize, cx: &Cx) -> Result<Collecting<'static>> {
        let mut source = self.open(i, cx)?;
        let mut elements = Collecting::new(Operator::named("a bag that is collected"));
        while let Some(element) = source.next(cx)? {
            elements.push(element, &cx.memory)?;
        }
        Ok(elements)
    }
}

fn mismatch(wanted: &str, got: &Value) -> Error {
    Error::run(format!("{wanted} is wanted here, not {got}"))
}
