//! What a query or a procedure does to variables and the world: `_do(…)`, `setf(a,i,v)`.

use super::eval::eval;
use super::pipeline::Pipeline;
use crate::model::{Args, Cx, Value};
use crate::plan::{ActionStep, RowAction, VariableChange};
use crate::text::diagnostic::{Error, Result};

/// Does it for each row of the steps.
pub fn act(act: &ActionStep, frame: &mut [Value], cx: &Cx) -> Result<()> {
    let mut rows = Pipeline::new(act.steps.len());
    while rows.next(&act.steps, frame, cx)? {
        match &act.action {
            RowAction::Evaluate(expr) => {
                if let Some(value) = eval(expr, frame, cx)?
                    && value.is_collection()
                {
                    let mut elements = value.elements(cx)?;
                    while elements.next(cx)?.is_some() {}
                }
            }
            RowAction::Change(change) => self::change(change, frame, cx)?,
        }
    }
    Ok(())
}

/// Changes the value in a variable; nothing where an argument has no value.
pub fn change(change: &VariableChange, frame: &mut [Value], cx: &Cx) -> Result<()> {
    let mut args = Vec::with_capacity(change.args.len());
    for arg in &change.args {
        match eval(arg, frame, cx)? {
            Some(value) => args.push(value),
            None => return Ok(()),
        }
    }
    let native = change.function.native();
    let Some(code) = native.and_then(|native| native.change) else {
        return Err(Error::run(format!(
            "{} changes nothing",
            change.function.signature
        )));
    };
    // Taken out of its place, so that nothing else holds it.
    let mut value = std::mem::replace(&mut frame[change.slot], Value::Null);
    let changed = code(cx, &mut value, Args(&args));
    frame[change.slot] = value;
    changed.map_err(|error| error.at(&change.span))
}
