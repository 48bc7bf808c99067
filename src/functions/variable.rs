//! Variables whose values are changed where they are.

use std::sync::Arc;

use super::array::put;
use super::binary::set_byte;
use crate::catalog::Catalog;
use crate::model::native::{CallForm, Native, Natives};
use crate::model::{Args, Cx, Value};
use crate::text::diagnostic::{Error, Result};

pub const NATIVES: Natives = &[
    Native::new("setf", setf).acting().changing_variable(change),
    Native::new("assign", |_, _| {
        Err(no_condition("_assign(variable, expression)"))
    })
    .volatile()
    .call_form(CallForm::AssignsVariable),
    // What is to be done has been by now.
    Native::new("do", |_, _| Ok(Some(Value::Bool(true))))
        .volatile()
        .call_form(CallForm::EvaluatesForAll),
];

/// `setf(:b,i,v)`, compiled so that the first argument is the variable's name.
fn setf(cx: &Cx, args: Args) -> Result<Option<Value>> {
    // A call that is not compiled, by `apply` for example, gives the value itself.
    let Value::Str(name) = args.value(0) else {
        return Err(Error::run("setf() changes the value in a variable").help(
            "put_binary(b,i,v) and put_array(a,[i],v) give changed copies of any binary or array",
        ));
    };
    let name = name.to_lowercase();
    Catalog::of(cx)
        .variables
        .change(&name, |value| match value {
            Value::Binary(_) | Value::Array(_) => change(cx, value, Args(&args.0[1..])),
            other => Err(Error::run(format!(
                "':{name}' is not a binary or an array: {other}"
            ))),
        })?;
    Ok(args.0.last().cloned())
}

/// Sets an element: the arguments are positions, then the new value. It is changed in place where nothing
/// else holds the value.
fn change(_: &Cx, value: &mut Value, args: Args) -> Result<()> {
    let Some((element, positions)) = args.0.split_last() else {
        return Err(Error::run("setf() wants positions and a value"));
    };
    match (value, positions) {
        (Value::Binary(bytes), [_]) => {
            let bytes = Arc::make_mut(bytes);
            set_byte(bytes, args.int(0)?, args.int(1)?)
        }
        (Value::Array(array), [Value::Vector(positions)]) => {
            put(Arc::make_mut(array), positions, element)
        }
        (Value::Array(array), positions) => put(Arc::make_mut(array), positions, element),
        (other, _) => Err(Error::run(format!(
            "setf() sets an element of a binary or an array, not of {other}"
        ))),
    }
}

fn no_condition(call: &str) -> Error {
    Error::run(format!("{call} is a condition of a where clause"))
}
