//! stub
use super::parse::Rule;
use crate::diagnostic::{Error, Source};
use std::sync::Arc;
pub fn explain(source: &Arc<Source>, fault: &pest::error::Error<Rule>) -> Error {
    let _ = source;
    Error::syntax(fault.to_string())
}
