//! Bytes written as hexadecimal digits.

use crate::text::diagnostic::{Error, Result};

/// Appends two digits for each byte.
pub fn push(out: &mut String, bytes: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for byte in bytes {
        for digit in [byte >> 4, byte & 15] {
            out.push(char::from(DIGITS[usize::from(digit)]));
        }
    }
}

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
