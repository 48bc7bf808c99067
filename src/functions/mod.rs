//! The built-in functions. A topic is two neighbours: `string.osql`, the declarations with their
//! documentation and whatever OSQL itself can say, and `string.rs`, what it cannot.

pub mod accumulate;
pub mod aggregate;
pub mod bag;
pub mod binary;
pub mod combine;
pub mod complex;
mod constant;
pub mod csv;
pub mod debugging;
pub mod documentation;
pub mod fft;
pub mod file;
pub mod flow;
pub mod high_order;
mod http;
pub mod input;
pub mod job;
pub mod json;
mod like;
pub mod lines;
pub mod load;
pub mod math;
pub mod matrix;
pub mod meta;
pub mod misc;
pub mod moving;
pub mod mqtt;
pub mod record;
pub mod running;
pub mod sliding;
pub mod statistics;

pub mod stream;
pub mod string;
pub mod table;
pub mod time;
pub mod timed;
pub mod topic;
pub mod transitive;
pub mod update;
pub mod vector;
pub mod window;

#[cfg(test)]
pub mod testing;

use crate::text::diagnostic::{Error, Result};

/// The offset, from 0, of position `i`, which counts from 1.
fn position(i: i64) -> Option<usize> {
    usize::try_from(i.checked_sub(1)?).ok()
}

/// A size that a user asks for: not negative, and within memory.
fn size(size: i64, what: &str, unit: &str) -> Result<usize> {
    const LARGEST: usize = 1 << 28;
    match usize::try_from(size) {
        Ok(size) if size <= LARGEST => Ok(size),
        _ => Err(Error::run(format!("{what} cannot have {size} {unit}"))
            .help(format!("from 0 to {LARGEST} are possible"))),
    }
}
