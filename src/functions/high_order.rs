//! Functions that call other functions, or evaluate text.

use std::sync::Arc;

use crate::model::native::{CallForm, Native, Natives};
use crate::model::{Args, Collection, Cx, Function, Source, Value};
use crate::run::{call as calls, statement};
use crate::text::diagnostic::{Result, SourceText};

pub const NATIVES: Natives = &[
    Native::new("apply", apply),
    Native::new("call", call).call_form(CallForm::Applies {
        with_vector: "callv",
    }),
    Native::new("callv", |cx, a| {
        calls::function(a.function(0)?, a.vector(1)?.to_vec(), cx)
    }),
    Native::new("mapvector", mapvector),
    Native::new("eval", |cx, a| {
        evaluate(cx, a).map(|(value, _)| Some(value))
    })
    .acting(),
    Native::new("evalv", |cx, a| {
        let (value, tuples) = evaluate(cx, a)?;
        Ok(Some(rows(value, tuples)))
    })
    .acting(),
];

fn apply(cx: &Cx, args: Args) -> Result<Option<Value>> {
    let given = args.vector(1)?;
    let function = calls::resolvent(args.function(0)?, given, cx)?;
    let tuples = function.signature.columns.len() > 1;
    let result = calls::function(&function, given.to_vec(), cx)?;
    Ok(result.map(|value| rows(value, tuples)))
}

fn call(cx: &Cx, args: Args) -> Result<Option<Value>> {
    calls::function(args.function(0)?, args.0[1..].to_vec(), cx)
}

fn mapvector(cx: &Cx, args: Args) -> Result<Option<Value>> {
    let function = args.function(0)?;
    let mapped = args.vector(1)?.iter().map(|element| {
        cx.token.check()?;
        first(function, element, cx)
    });
    mapped.collect::<Result<_>>().map(Value::Vector).map(Some)
}

/// The first result of a function of one argument, or null.
fn first(function: &Arc<Function>, arg: &Value, cx: &Cx) -> Result<Value> {
    let result = match calls::function(function, vec![arg.clone()], cx)? {
        Some(many) if many.is_collection() => many.elements(cx)?.next(cx)?,
        other => other,
    };
    Ok(result.unwrap_or(Value::Null))
}

/// The results of a statement, and whether they are tuples.
fn evaluate(cx: &Cx, args: Args) -> Result<(Value, bool)> {
    statement::execute_within(cx, &SourceText::new("<eval>", args.str(0)?))
}

/// Results as vectors: `tuples` are vectors already.
fn rows(results: Value, tuples: bool) -> Value {
    let Some(results) = results.collection() else {
        return Value::bag(vec![row(results, tuples)]);
    };
    let rows = Rows {
        results: results.clone(),
        tuples,
    };
    Value::Bag(Arc::new(rows))
}

fn row(result: Value, tuples: bool) -> Value {
    match result {
        Value::Vector(_) if tuples => result,
        single => Value::vector([single]),
    }
}

struct Rows {
    results: Arc<dyn Collection>,
    tuples: bool,
}

impl Collection for Rows {
    fn open(&self, cx: &Cx) -> Result<Box<dyn Source>> {
        Ok(Box::new(RowsRun {
            results: self.results.open(cx)?,
            tuples: self.tuples,
        }))
    }
}

struct RowsRun {
    results: Box<dyn Source>,
    tuples: bool,
}

impl Source for RowsRun {
    fn next(&mut self, cx: &Cx) -> Result<Option<Value>> {
        let next = self.results.next(cx)?;
        Ok(next.map(|value| row(value, self.tuples)))
    }
}
