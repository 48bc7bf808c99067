//! Functions written in Rust.

use super::{Args, Cx, Value};
use crate::text::diagnostic::Result;

/// A function written in Rust, declared in OSQL by `as foreign 'topic:name'`.
///
/// Overload resolution has seen to it that the arguments fit the declared types: a `Real` is a
/// [`Value::Real`], an `Integer` a [`Value::Int`] (whole reals have been converted), a `Bag` a
/// [`Value::Bag`]; an `Object`, `Number` or `Vector` may be any value of that type. A null is passed
/// only to arguments declared `Object`; elsewhere it makes the result empty without a call.
///
/// Gives `None` for no result; a `Boolean` that is false is no result as well. A bag or stream is
/// given as one value, opened by whoever reads it.
pub type Native = fn(&Cx, Args) -> Result<Option<Value>>;

/// A topic's functions, by the name in their `foreign` clause.
pub type Natives = &'static [(&'static str, Native)];
