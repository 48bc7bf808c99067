//! Binaries: bytes, and numbers made of their bits. Bytes count from 1, bits from 0.

use std::borrow::Cow;

use crate::model::collection::Bytes;
use crate::model::hex::{from_hex, push};
use crate::model::native::{Native, Natives};
use crate::model::size::position;
use crate::model::{Args, Cx, Value, size};
use crate::text::diagnostic::{Error, Result};

pub const NATIVES: Natives = &[
    Native::new("from_hex", |_, a| {
        Ok(Some(Value::binary(from_hex(a.str(0)?)?)))
    }),
    Native::new("from_integer", from_integer),
    Native::new("from_vector", from_vector),
    Native::new("hex", hex),
    Native::new("integer", integer),
    Native::new("hex2integer", hex2integer),
    Native::new("integer2hex", |_, a| {
        Ok(Some(format!("{:x}", a.int(0)?).into()))
    }),
    Native::new("make_binary", |_, a| {
        Ok(Some(Value::binary(vec![
            0;
            size::bytes(a.int(0)?, "a binary")?
        ])))
    }),
    Native::new("dim", |_, a| {
        Ok(Some(Value::Int(a.binary(0)?.len() as i64)))
    }),
    Native::new("vref", |_, a| {
        let byte = position(a.int(1)?).and_then(|i| a.binary(0).ok()?.get(i).copied());
        Ok(byte.map(|b| Value::Int(b.into())))
    }),
    Native::new("in", |_, a| {
        let bytes = a.binary(0)?.clone();
        Ok(Some(Value::bag_from(move |_| {
            Ok(Box::new(Bytes::new(bytes.clone())))
        })))
    }),
    Native::new("section", |_, a| section(a, a.int(1)?, a.int(2)?)).positions(&[1, 2]),
    Native::new("skip", |_, a| {
        section(a, a.int(1)?.saturating_add(1), i64::MAX)
    }),
    Native::new("bitreverse", |_, a| {
        let bytes: Vec<_> = a
            .binary(0)?
            .iter()
            .rev()
            .map(|b| b.reverse_bits())
            .collect();
        Ok(Some(Value::binary(bytes)))
    }),
    Native::new("u_bits", |_, a| {
        let (bits, _) = field(a)?;
        unsigned(bits).map(Some)
    }),
    Native::new("s_bits", |_, a| {
        let (bits, length) = field(a)?;
        Ok(Some(signed(bits, length)))
    }),
    Native::new("unpack", unpack),
    Native::new("put", put),
];

fn put(_: &Cx, args: Args) -> Result<Option<Value>> {
    let mut bytes = args.binary(0)?.to_vec();
    set_byte(&mut bytes, args.int(1)?, args.int(2)?)?;
    Ok(Some(Value::binary(bytes)))
}

/// Sets byte `i`, from 1.
pub fn set_byte(bytes: &mut [u8], i: i64, v: i64) -> Result<()> {
    let length = bytes.len();
    let byte = position(i)
        .and_then(|at| bytes.get_mut(at))
        .ok_or_else(|| {
            Error::run(format!(
                "there is no byte {i} in a binary of {length} bytes"
            ))
        })?;
    *byte = u8::try_from(v)
        .map_err(|_| Error::run(format!("a byte is an integer from 0 to 255, not {v}")))?;
    Ok(())
}

fn hex(cx: &Cx, args: Args) -> Result<Option<Value>> {
    let bytes = args.binary(0)?;
    size::check_bytes(bytes.len().saturating_mul(2), "a string")?;
    let mut digits = String::with_capacity(bytes.len() * 2);
    for piece in bytes.chunks(1 << 20) {
        cx.token.check()?;
        push(&mut digits, piece);
    }
    Ok(Some(digits.into()))
}

fn from_integer(_: &Cx, args: Args) -> Result<Option<Value>> {
    let bytes = args.int(0)?.to_be_bytes();
    // Zero still needs one.
    let leading = bytes.iter().take_while(|b| **b == 0).count().min(7);
    Ok(Some(Value::binary(&bytes[leading..])))
}

fn from_vector(cx: &Cx, args: Args) -> Result<Option<Value>> {
    let byte = |v: &Value| {
        let byte = v.as_int().and_then(|i| u8::try_from(i).ok());
        byte.ok_or_else(|| Error::run(format!("a byte is an integer from 0 to 255, not {v}")))
    };
    let looks = cx.token.looks();
    let bytes = looks.each(args.vector(0)?.iter()).map(|v| byte(v?));
    let bytes: Result<Vec<u8>> = bytes.collect();
    Ok(Some(Value::binary(bytes?)))
}

fn integer(_: &Cx, args: Args) -> Result<Option<Value>> {
    let bytes = args.binary(0)?;
    if bytes.len() > 8 {
        let length = bytes.len();
        return Err(Error::run(format!(
            "an integer has 8 bytes at most, the binary has {length}"
        ))
        .help("section(b,l,u) takes some of them"));
    }
    let number = bytes
        .iter()
        .fold(0u64, |number, byte| number << 8 | u64::from(*byte));
    Ok(Some(Value::Int(number as i64)))
}

fn hex2integer(_: &Cx, args: Args) -> Result<Option<Value>> {
    let text = args.str(0)?;
    let digits = text
        .strip_prefix("0x")
        .or_else(|| text.strip_prefix("0X"))
        .unwrap_or(text);
    if digits.is_empty() || !digits.chars().all(|c| c.is_ascii_hexdigit()) {
        let text = args.value(0);
        return Err(Error::run(format!("{text} is not a hexadecimal number")));
    }
    match u64::from_str_radix(digits, 16) {
        Ok(number) => Ok(Some(Value::Int(number as i64))),
        Err(_) => Err(Error::run(format!(
            "{text} does not fit an integer of 64 bits"
        ))),
    }
}

fn section(args: Args, from: i64, to: i64) -> Result<Option<Value>> {
    let bytes = args.binary(0)?;
    let start = (from.max(1) - 1).min(bytes.len() as i64) as usize;
    let end = to.clamp(0, bytes.len() as i64) as usize;
    Ok(Some(Value::binary(
        bytes.get(start..end).unwrap_or_default(),
    )))
}

/// The bits that `u_bits` and `s_bits` are asked for, and how many they are.
fn field(args: Args) -> Result<(u64, usize)> {
    let (offset, length) = (args.int(1)?, args.int(2)?);
    let bits = match args.value(0) {
        Value::Binary(b) => b.len() as i64 * 8,
        _ => 64,
    };
    let inside =
        offset >= 0 && length >= 1 && offset.checked_add(length).is_some_and(|u| u <= bits);
    if length > 64 || !inside {
        return Err(Error::run(format!(
            "there is no number in {length} bits from bit {offset} on: the value has {bits} bits, and a \
             number 64 at most"
        )));
    }
    let (offset, length) = (offset as usize, length as usize);
    let bits = match args.value(0) {
        Value::Binary(b) => bits_at(b, offset, length),
        _ => (args.int(0)? as u64) >> offset & (u64::MAX >> (64 - length)),
    };
    Ok((bits, length))
}

/// `length` bits, 64 at most, from bit `offset` on, which must all be within `bytes`. Bit 0 is the
/// most significant of the first byte.
fn bits_at(bytes: &[u8], offset: usize, length: usize) -> u64 {
    let bit = |i: usize| u64::from(bytes[i / 8] >> (7 - i % 8) & 1);
    (offset..offset + length).fold(0, |bits, i| bits << 1 | bit(i))
}

fn unsigned(bits: u64) -> Result<Value> {
    i64::try_from(bits).map(Value::Int).map_err(|_| {
        Error::run(format!(
            "{bits} does not fit an integer of 64 bits with its sign"
        ))
    })
}

fn signed(bits: u64, length: usize) -> Value {
    let unused = 64 - length;
    Value::Int((bits << unused) as i64 >> unused)
}

fn unpack(cx: &Cx, args: Args) -> Result<Option<Value>> {
    let looks = cx.token.looks();
    let bytes: Cow<[u8]> = match args.value(0) {
        Value::Binary(b) => Cow::Borrowed(b),
        _ => Cow::Owned(from_hex(args.str(0)?)?),
    };
    let mut rest = args.str(1)?.trim();
    let mut at = 0;
    let mut numbers = Vec::new();
    while let Some(letter) = rest.chars().next() {
        looks.steps(64)?;
        let digits: String = rest[letter.len_utf8()..]
            .chars()
            .take_while(char::is_ascii_digit)
            .collect();
        let length = match digits.parse::<usize>() {
            Ok(length) if "IiUuZz".contains(letter) && length > 0 => length,
            _ => return Err(bad_format(rest)),
        };
        if length > bytes.len() * 8 - at {
            let left = bytes.len() * 8 - at;
            return Err(Error::run(format!(
                "{letter}{digits} needs {length} bits, {left} are left"
            )));
        }
        if !matches!(letter, 'z' | 'Z') {
            numbers.push(number_at(&bytes, at, letter, length)?);
        }
        at += length;
        rest = rest[1 + digits.len()..].trim_start();
    }
    Ok(Some(Value::vector(numbers)))
}

fn bad_format(rest: &str) -> Error {
    Error::run(format!("unpack() does not know the format {rest:?}"))
        .help("u16 is an unsigned, i16 a signed number of 16 bits, z8 skips 8 bits")
        .help("U and I take the most significant byte first, u and i the least significant")
}

/// The number in `length` bits of `bytes` from bit `at` on.
fn number_at(bytes: &[u8], at: usize, letter: char, length: usize) -> Result<Value> {
    let small = letter.is_ascii_lowercase();
    if length > 64 || (small && length > 8 && !length.is_multiple_of(8)) {
        return Err(Error::run(format!("a number cannot have the format {letter}{length}"))
            .help("a number has 64 bits at most; one with its least significant byte first, whole bytes"));
    }
    let mut bits = bits_at(bytes, at, length);
    if small && length > 8 {
        bits = bits.swap_bytes() >> (64 - length);
    }
    if letter.eq_ignore_ascii_case(&'i') {
        Ok(signed(bits, length))
    } else {
        unsigned(bits)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{printed, vector};
    use super::*;

    #[test]
    fn hexadecimal_both_ways() {
        assert_eq!(
            printed("binary:from_hex", &["010245FF".into()]),
            "binary(\"010245ff\")"
        );
        assert_eq!(
            printed("binary:from_hex", &["01f".into()]),
            "error: a byte is two hexadecimal digits; 3 is an odd number of them"
        );
        assert_eq!(
            printed("binary:from_hex", &["0g".into()]),
            "error: 'g' is not a hexadecimal digit"
        );
        assert_eq!(printed("binary:hex2integer", &["0x00ff".into()]), "255");
        assert!(printed("binary:hex2integer", &["+1".into()]).starts_with("error: "));
        assert!(printed("binary:hex2integer", &["1".repeat(17).into()]).starts_with("error: "));
    }

    #[test]
    fn integers_become_bytes_and_come_back() {
        for i in [0, 1, 255, 256, 1234, i64::MAX, -1, i64::MIN] {
            let bytes = from_integer(&super::super::testing::cx(), Args(&[i.into()]));
            let bytes = bytes.expect("converts").expect("a binary");
            assert_eq!(printed("binary:integer", &[bytes]), i.to_string());
            let digits = format!("{i:x}").into();
            assert_eq!(printed("binary:hex2integer", &[digits]), i.to_string());
        }
        assert!(printed("binary:integer", &[Value::binary([0; 9])]).starts_with("error: "));
        assert!(printed("binary:from_vector", &[vector(&[256])]).starts_with("error: a byte is"));
    }

    #[test]
    fn fields_of_bits() {
        let b = Value::binary([0x04, 0xd2]);
        let bits = |name: &str, o: i64, l: i64| printed(name, &[b.clone(), o.into(), l.into()]);
        assert_eq!(bits("binary:u_bits", 8, 4), "13");
        assert_eq!(bits("binary:s_bits", 8, 4), "-3");
        assert_eq!(bits("binary:u_bits", 0, 16), "1234");
        for (o, l) in [(0, 17), (-1, 4), (0, 0), (16, 1), (i64::MAX, 1)] {
            assert!(
                bits("binary:u_bits", o, l).starts_with("error: "),
                "{o} {l}"
            );
        }
        assert_eq!(
            printed("binary:u_bits", &[(-1).into(), 60.into(), 4.into()]),
            "15"
        );
        assert_eq!(
            printed("binary:s_bits", &[(-1).into(), 0.into(), 64.into()]),
            "-1"
        );
        assert!(
            printed("binary:u_bits", &[(-1).into(), 0.into(), 64.into()]).starts_with("error: ")
        );
    }

    #[test]
    fn telegrams_are_unpacked() {
        let unpacked =
            |hex: &str, format: &str| printed("binary:unpack", &[hex.into(), format.into()]);
        assert_eq!(unpacked("550102ff", "z08U16i08"), "[258,-1]");
        assert_eq!(unpacked("0000c8614000", "z16u08u08i16"), "[200,97,64]");
        assert_eq!(unpacked("feff", "i16"), "[-2]");
        assert_eq!(unpacked("12", "U4 u4"), "[1,2]");
        assert_eq!(
            unpacked("12", "U16"),
            "error: U16 needs 16 bits, 8 are left"
        );
        assert_eq!(
            unpacked("1234", "u12"),
            "error: a number cannot have the format u12"
        );
        for format in ["x8", "u", "ö", "u99999999999999999999"] {
            assert!(
                unpacked("12", format).starts_with("error: unpack() does not know"),
                "{format}"
            );
        }
    }
}
