//! Sizes and positions that a user asks for.

use crate::text::diagnostic::{Error, Result};

/// The offset, from 0, of position `i`, which counts from 1.
pub fn position(i: i64) -> Option<usize> {
    usize::try_from(i.checked_sub(1)?).ok()
}

/// How many elements a vector, or a bag that is held in memory, may have: some 400 MB of them.
pub const MAX_ELEMENTS: usize = 1 << 24;

/// How many different values, groups or rows can be numbered.
pub const MAX_NUMBERED: usize = u32::MAX as usize;

/// How many bytes a string or a binary may have.
pub const MAX_BYTES: usize = 1 << 28;

/// A number of elements that a user asks for, checked before memory is taken for them: from 0 to
/// [`MAX_ELEMENTS`].
pub fn elements(size: i64, what: &str, unit: &str) -> Result<usize> {
    within(size, MAX_ELEMENTS, what, unit)
}

/// A number of bytes that a user asks for, from 0 to [`MAX_BYTES`].
pub fn bytes(size: i64, what: &str) -> Result<usize> {
    within(size, MAX_BYTES, what, "bytes")
}

fn within(size: i64, most: usize, what: &str, unit: &str) -> Result<usize> {
    match usize::try_from(size) {
        Ok(size) if size <= most => Ok(size),
        _ => Err(Error::run(format!("{what} cannot have {size} {unit}"))
            .help(format!("from 0 to {most} are possible"))),
    }
}

/// An error where `what`, which grows to `length` elements, has become too long.
#[inline]
pub fn check_elements(length: usize, what: &str) -> Result<()> {
    check(length, MAX_ELEMENTS, what, "elements")
}

/// An error where `length` different values are too many to be numbered.
#[inline]
pub fn check_numbered(length: usize) -> Result<()> {
    check(
        length,
        MAX_NUMBERED,
        "what is told apart",
        "different values",
    )
}

/// An error where `what`, which grows to `length` bytes, has become too long.
#[inline]
pub fn check_bytes(length: usize, what: &str) -> Result<()> {
    check(length, MAX_BYTES, what, "bytes")
}

#[inline]
fn check(length: usize, most: usize, what: &str, unit: &str) -> Result<()> {
    if length <= most {
        return Ok(());
    }
    Err(
        Error::run(format!("{what} cannot have more than {most} {unit}"))
            .help("a stream or a bag that is read once takes no memory for what has passed")
            .at_limit(),
    )
}
