//! Bytes written as hexadecimal digits.

use crate::text::diagnostic::{Error, Result};

/// The bytes that hexadecimal digits say, two for each.
pub fn from_hex(digits: &str) -> Result<Vec<u8>> {
    let value = |c: char| {
        let wrong = || Error::run(format!("{c:?} is not a hexadecimal digit"));
        c.to_digit(16).map(|d| d as u8).ok_or_else(wrong)
    };
    let digits: Vec<u8> = digits.chars().map(value).collect::<Result<_>>()?;
    match digits.as_chunks() {
        (pairs, []) => Ok(pairs.iter().map(|[high, low]| high << 4 | low).collect()),
        _ => Err(Error::run(format!(
            "a byte is two hexadecimal digits; {} is an odd number of them",
            digits.len()
        ))),
    }
}
