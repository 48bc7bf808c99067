//! stub
use crate::diagnostic::{Result, Source};
use std::sync::Arc;
pub fn check(_source: &Arc<Source>) -> Result<()> {
    Ok(())
}
