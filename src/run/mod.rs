//! Running plans. Never sees text.

pub mod aggregate;
pub mod batch;
pub mod call;
mod concat;
pub mod element;
pub mod eval;
mod group;
pub mod inputs;
mod lookup;
mod pattern;
pub mod procedure;
pub mod query;
pub mod statement;
pub mod update;

use crate::model::Value;
use crate::text::diagnostic::{Error, Result};

/// The number of results that a limit allows.
pub fn limit(value: Option<Value>) -> Result<u64> {
    match value.as_ref().and_then(Value::as_int) {
        Some(limit) if limit >= 0 => Ok(limit as u64),
        _ => {
            let text = value.map_or_else(|| "nothing".to_owned(), |v| v.to_string());
            Err(Error::run(format!(
                "a limit is a number from 0 up, not {text}"
            )))
        }
    }
}
