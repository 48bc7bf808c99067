//! What every other room stands on: places in source text, the errors that point at them, where
//! output goes, and the one way to wait. Uses nothing else of the crate.

pub mod console;
pub mod diagnostic;
mod excerpt;
pub mod flushing;
pub mod shown;
pub mod stoppable;
pub mod wait;
