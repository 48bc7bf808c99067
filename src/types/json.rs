//! Values as JSON (RFC 8259) and back.

use super::Value;
use crate::diagnostic::{Error, Result};

/// `value` as JSON on one line, without spaces.
pub fn to_string(value: &Value) -> Result<String> {
    Err(Error::unsupported(format!("JSON of {value}")))
}

/// The value that JSON text stands for.
pub fn from_slice(text: &[u8]) -> Result<Value> {
    let _ = text;
    Err(Error::unsupported("reading JSON"))
}
