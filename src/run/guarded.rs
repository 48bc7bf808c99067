//! `try(expression, otherwise)`: what stands in for an expression that fails.

use std::sync::Arc;

use super::eval::eval;
use crate::model::{Collection, Cx, Source, Type, Value};
use crate::plan::PlanExpr;
use crate::text::diagnostic::{Error, Kind, Result};

/// The value of the first; where it fails, that of the second. To be stopped is no failure: it ends
/// both. A bag or stream fails when it is read: what it gave until then is followed by the second.
pub fn guarded(
    [expression, otherwise]: &[PlanExpr; 2],
    frame: &[Value],
    cx: &Cx,
) -> Result<Option<Value>> {
    match eval(expression, frame, cx) {
        Err(error) if is_failure(&error) => eval(otherwise, frame, cx),
        Ok(Some(Value::Bag(inner))) => {
            let otherwise = eval(otherwise, frame, cx)?;
            Ok(Some(Value::Bag(Arc::new(Guarded { inner, otherwise }))))
        }
        Ok(Some(Value::Stream(inner))) => {
            let otherwise = eval(otherwise, frame, cx)?;
            Ok(Some(Value::Stream(Arc::new(Guarded { inner, otherwise }))))
        }
        other => other,
    }
}

fn is_failure(error: &Error) -> bool {
    error.kind() != Kind::Stopped
}

/// A bag or stream, and what stands in for the rest of it where that fails.
struct Guarded {
    inner: Arc<dyn Collection>,
    otherwise: Option<Value>,
}

impl Collection for Guarded {
    fn open(&self, cx: &Cx) -> Result<Box<dyn Source>> {
        let source = match self.inner.open(cx) {
            Err(error) if is_failure(&error) => standing_in(&self.otherwise, cx)?,
            opened => opened?,
        };
        Ok(Box::new(GuardedRun {
            source,
            otherwise: self.otherwise.clone(),
            failed: false,
        }))
    }

    fn element_type(&self) -> Type {
        match &self.otherwise {
            None => self.inner.element_type(),
            Some(_) => Type::Object,
        }
    }
}

fn standing_in(otherwise: &Option<Value>, cx: &Cx) -> Result<Box<dyn Source>> {
    match otherwise {
        Some(value) if value.is_collection() => value.elements(cx),
        Some(value) => vec![value.clone()].open(cx),
        None => vec![].open(cx),
    }
}

struct GuardedRun {
    source: Box<dyn Source>,
    otherwise: Option<Value>,
    failed: bool,
}

impl Source for GuardedRun {
    fn next(&mut self, cx: &Cx) -> Result<Option<Value>> {
        match self.source.next(cx) {
            Err(error) if is_failure(&error) && !self.failed => {
                self.failed = true;
                self.source = standing_in(&self.otherwise, cx)?;
                self.source.next(cx)
            }
            other => other,
        }
    }

    fn is_live(&self) -> bool {
        self.source.is_live()
    }
}
