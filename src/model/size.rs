//! Sizes and positions that a user asks for.

use crate::text::diagnostic::{Error, Result};

/// The offset, from 0, of position `i`, which counts from 1.
pub fn position(i: i64) -> Option<usize> {
    usize::try_from(i.checked_sub(1)?).ok()
}

/// A size that a user asks for: not negative, and within memory.
pub fn checked(size: i64, what: &str, unit: &str) -> Result<usize> {
    const LARGEST: usize = 1 << 28;
    match usize::try_from(size) {
        Ok(size) if size <= LARGEST => Ok(size),
        _ => Err(Error::run(format!("{what} cannot have {size} {unit}"))
            .help(format!("from 0 to {LARGEST} are possible"))),
    }
}
