//! Numbers: exact comparison, whole reals, the one printed form of a real, and arithmetic.
//!
//! Integers are checked: an overflow is an error, never a wrong number. Where an integer meets a real
//! the result is a real; where a number meets a complex one it is complex.

use std::cmp::Ordering;

use num_complex::Complex64;

use crate::model::Value;
use crate::text::diagnostic::{Error, Result};

/// 2^63, the first whole number beyond 64 bits.
const BEYOND: f64 = -(i64::MIN as f64);

/// The integer that `real` is, if it is whole and fits 64 bits.
pub fn whole(real: f64) -> Option<i64> {
    (real.fract() == 0.0 && (-BEYOND..BEYOND).contains(&real)).then_some(real as i64)
}

/// Whether a real equals the integer; beyond 2^53 not every one can be told from its neighbours.
pub fn is_real(int: i64) -> bool {
    whole(int as f64) == Some(int)
}

/// Orders reals; not-a-number comes last and equals itself, the two zeros are equal.
pub fn cmp_reals(a: f64, b: f64) -> Ordering {
    a.partial_cmp(&b)
        .unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
}

/// Orders an integer and a real by amount, exactly, also where a real cannot hold the integer.
pub fn cmp_int_real(i: i64, r: f64) -> Ordering {
    if r.is_nan() {
        return Ordering::Less;
    }
    if r >= BEYOND {
        return Ordering::Less;
    }
    if r < -BEYOND {
        return Ordering::Greater;
    }
    let below = r.floor();
    i.cmp(&(below as i64)).then(if r > below {
        Ordering::Less
    } else {
        Ordering::Equal
    })
}

/// Appends `real` in the shortest form that reads back the same, always with a point or an exponent.
pub fn push_real(out: &mut String, real: f64) {
    use std::fmt::Write;
    let written = if real.is_nan() {
        write!(out, "nan")
    } else {
        write!(out, "{real:?}")
    };
    debug_assert!(written.is_ok(), "writing to a string cannot fail");
}

/// Orders two values, numbers at once.
#[inline]
pub fn compare(x: &Value, y: &Value) -> Ordering {
    match (x, y) {
        (Value::Int(x), Value::Int(y)) => x.cmp(y),
        (Value::Real(x), Value::Real(y)) => cmp_reals(*x, *y),
        _ => x.cmp(y),
    }
}

/// `x + y` of numbers.
#[inline]
pub fn plus(x: &Value, y: &Value) -> Result<Value> {
    match (x, y) {
        (Value::Int(a), Value::Int(b)) => checked(a.checked_add(*b), "+", x, y),
        (Value::Real(a), Value::Real(b)) => Ok(Value::Real(a + b)),
        _ => mixed("+", x, y, |a, b| Ok(a + b), |a, b| Ok(a + b)),
    }
}

/// `x - y` of numbers.
#[inline]
pub fn minus(x: &Value, y: &Value) -> Result<Value> {
    match (x, y) {
        (Value::Int(a), Value::Int(b)) => checked(a.checked_sub(*b), "-", x, y),
        (Value::Real(a), Value::Real(b)) => Ok(Value::Real(a - b)),
        _ => mixed("-", x, y, |a, b| Ok(a - b), |a, b| Ok(a - b)),
    }
}

/// `x * y` of numbers.
#[inline]
pub fn times(x: &Value, y: &Value) -> Result<Value> {
    match (x, y) {
        (Value::Int(a), Value::Int(b)) => checked(a.checked_mul(*b), "*", x, y),
        (Value::Real(a), Value::Real(b)) => Ok(Value::Real(a * b)),
        _ => mixed("*", x, y, |a, b| Ok(a * b), |a, b| Ok(a * b)),
    }
}

/// `x / y` of numbers: always a real, or complex. Division by zero is an error.
#[inline]
pub fn div(x: &Value, y: &Value) -> Result<Value> {
    match (x, y) {
        (Value::Real(a), Value::Real(b)) if *b != 0.0 => Ok(Value::Real(a / b)),
        (Value::Int(a), Value::Int(b)) if *b != 0 => Ok(Value::Real(*a as f64 / *b as f64)),
        _ => {
            let real = |a, b| {
                if b == 0.0 {
                    Err(by_zero("/", x, y))
                } else {
                    Ok(a / b)
                }
            };
            let complex = |a: Complex64, b: Complex64| match b.norm_sqr() {
                0.0 => Err(by_zero("/", x, y)),
                _ => Ok(a / b),
            };
            mixed("/", x, y, real, complex)
        }
    }
}

/// `x ^ y` of numbers: always a real, or complex. A negative number to a power that is not whole is
/// an error.
#[inline]
pub fn power(x: &Value, y: &Value) -> Result<Value> {
    let real = |a: f64, b: f64| {
        let power = if b == 2.0 { a * a } else { a.powf(b) };
        match power.is_nan() && !a.is_nan() && !b.is_nan() {
            true => Err(Error::run(format!("{x} ^ {y} is not a real number"))
                .help("complex(x,0.0) makes a complex number of x")),
            false if power.is_infinite() && a == 0.0 => Err(by_zero("^", x, y)),
            false => Ok(power),
        }
    };
    mixed("^", x, y, real, |a, b| Ok(a.powc(b)))
}

/// What remains of `x` divided by `y`; has the sign of `x`, as `%` in SQL and C. Zero for `y` is an
/// error.
#[inline]
pub fn modulo(x: &Value, y: &Value) -> Result<Value> {
    match (x, y) {
        (Value::Int(_), Value::Int(0)) => Err(by_zero("mod", x, y)),
        (Value::Int(a), Value::Int(b)) => Ok(Value::Int(a.wrapping_rem(*b))),
        _ => match (x.as_real(), y.as_real()) {
            (Some(_), Some(0.0)) => Err(by_zero("mod", x, y)),
            (Some(a), Some(b)) => Ok(Value::Real(a % b)),
            _ => Err(not_numbers("mod", x, y)),
        },
    }
}

/// `-x` of a number.
#[inline]
pub fn uminus(x: &Value) -> Result<Value> {
    match x {
        Value::Int(i) => match i.checked_neg() {
            Some(i) => Ok(Value::Int(i)),
            None => Err(overflow(format!("-({x})")).help(format!("-real({x}) gives a real"))),
        },
        Value::Real(r) => Ok(Value::Real(-r)),
        Value::Complex(c) => Ok(Value::complex(-**c)),
        _ => Err(Error::run(format!("`-` takes a number, not {x}"))),
    }
}

/// The number without its sign; of a complex number its length.
pub fn abs(x: &Value) -> Result<Value> {
    match x {
        Value::Int(i) => match i.checked_abs() {
            Some(i) => Ok(Value::Int(i)),
            None => Err(overflow(format!("abs({x})")).help(format!("abs(real({x})) gives a real"))),
        },
        Value::Real(r) => Ok(Value::Real(r.abs())),
        Value::Complex(c) => Ok(Value::Real(c.norm())),
        _ => Err(Error::run(format!("abs() takes a number, not {x}"))),
    }
}

/// The integer that `real`, made whole by the function called `name`, is.
pub fn to_int(name: &str, real: f64) -> Result<Value> {
    whole(real).map(Value::Int).ok_or_else(|| {
        let mut text = String::new();
        push_real(&mut text, real);
        Error::run(format!("{name}: {text} does not fit an integer of 64 bits"))
    })
}

/// The number that `text` says: an integer where it is written as one and fits 64 bits, else a real.
pub fn parse(text: &str) -> Option<Value> {
    if let Some(number) = parse_short(text.as_bytes()) {
        return Some(number);
    }
    let text = text.trim();
    // What Rust would read beyond this are `inf` and `nan`.
    let (first, last) = (*text.as_bytes().first()?, *text.as_bytes().last()?);
    let begins = first.is_ascii_digit() || matches!(first, b'+' | b'-' | b'.');
    if !begins || !(last.is_ascii_digit() || last == b'.') {
        return None;
    }
    match text.parse::<i64>() {
        Ok(i) => Some(Value::Int(i)),
        Err(_) => text.parse().ok().map(Value::Real),
    }
}

/// Powers of ten that reals hold exactly.
const POWERS_OF_TEN: [f64; 16] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
];

/// A number of few digits and without an exponent, as most are, in a fraction of the time. Its digits
/// and the power of ten that divides them are reals exactly, so that the quotient is the nearest real.
fn parse_short(text: &[u8]) -> Option<Value> {
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    };
    if digits.len() > POWERS_OF_TEN.len() {
        return None;
    }
    let (mut number, mut point) = (0_i64, None);
    for (at, byte) in digits.iter().enumerate() {
        match byte {
            b'0'..=b'9' => number = number * 10 + i64::from(byte - b'0'),
            b'.' if point.is_none() => point = Some(at),
            _ => return None,
        }
    }
    if digits.len() == usize::from(point.is_some()) {
        return None;
    }
    Some(match point {
        None if negative => Value::Int(-number),
        None => Value::Int(number),
        Some(point) => {
            let real = number as f64 / POWERS_OF_TEN[digits.len() - 1 - point];
            Value::Real(if negative { -real } else { real })
        }
    })
}

/// Digits at the beginning of a text: how many there are, and the number that they are as long as there
/// are few of them.
#[derive(Clone, Copy)]
pub struct LeadingDigits {
    pub count: usize,
    number: u64,
}

/// More digits than these may be beyond 64 bits.
const FEW_DIGITS: usize = 16;

/// How many of eight bytes, the first in the lowest place, are digits, before the first that is none.
#[inline]
pub fn count_digits(word: u64) -> usize {
    let values = word ^ 0x3030_3030_3030_3030;
    // The highest bit of each byte that is beyond 9.
    let low = values & 0x7f7f_7f7f_7f7f_7f7f;
    let beyond = (low + 0x7676_7676_7676_7676 | values) & 0x8080_8080_8080_8080;
    beyond.trailing_zeros() as usize / 8
}

/// The digits that eight bytes, the first in the lowest place, begin with.
#[inline]
pub fn leading_digits(word: u64) -> LeadingDigits {
    let count = count_digits(word);
    if count == 0 {
        return LeadingDigits { count, number: 0 };
    }
    // Zeros before them; then two digits become one number, two of these, and two of these.
    let digits = (word & 0x0f0f_0f0f_0f0f_0f0f) << (64 - 8 * count);
    let pairs = digits.wrapping_mul(10 << 8 | 1) >> 8 & 0x00ff_00ff_00ff_00ff;
    let fours = pairs.wrapping_mul(100 << 16 | 1) >> 16 & 0x0000_ffff_0000_ffff;
    let number = fours.wrapping_mul(10_000 << 32 | 1) >> 32;
    LeadingDigits { count, number }
}

impl LeadingDigits {
    /// These digits and, behind them, eight others at the most.
    #[inline]
    pub fn followed_by(self, more: LeadingDigits) -> LeadingDigits {
        let power = 10_u64.pow(more.count as u32);
        LeadingDigits {
            count: self.count + more.count,
            number: self.number.wrapping_mul(power).wrapping_add(more.number),
        }
    }

    /// The integer, if there are few digits.
    #[inline]
    pub fn integer(self, is_negative: bool) -> Option<i64> {
        let integer = i64::try_from(self.number)
            .ok()
            .filter(|_| self.count <= FEW_DIGITS)?;
        Some(if is_negative { -integer } else { integer })
    }

    /// The real with these digits before its point and those behind it, if there are few: all of them and
    /// the power of ten that divides them are reals exactly, so that the quotient is the nearest real.
    #[inline]
    pub fn real(self, decimals: LeadingDigits, is_negative: bool) -> Option<f64> {
        let count = self.count + decimals.count;
        let power = POWERS_OF_TEN.get(decimals.count)?;
        if count >= POWERS_OF_TEN.len() {
            return None;
        }
        let digits = self.number * 10_u64.pow(decimals.count as u32) + decimals.number;
        let real = digits as f64 / power;
        Some(if is_negative { -real } else { real })
    }
}

#[inline]
fn checked(result: Option<i64>, op: &str, x: &Value, y: &Value) -> Result<Value> {
    match result {
        Some(i) => Ok(Value::Int(i)),
        None => {
            Err(overflow(format!("{x} {op} {y}")).help(format!("real({x}) {op} {y} gives a real")))
        }
    }
}

#[cold]
fn overflow(operation: String) -> Error {
    Error::run(format!("integer overflow in {operation}"))
}

#[cold]
fn by_zero(op: &str, x: &Value, y: &Value) -> Error {
    Error::run(match op {
        "mod" => format!("division by zero in mod({x},{y})"),
        _ => format!("division by zero in {x} {op} {y}"),
    })
}

#[cold]
fn not_numbers(op: &str, x: &Value, y: &Value) -> Error {
    Error::run(format!("`{op}` takes numbers, not {x} and {y}"))
}

/// The operation on two numbers not both integers, or both taken as reals.
fn mixed(
    op: &str,
    x: &Value,
    y: &Value,
    real: impl Fn(f64, f64) -> Result<f64>,
    complex: impl Fn(Complex64, Complex64) -> Result<Complex64>,
) -> Result<Value> {
    if let (Some(a), Some(b)) = (x.as_real(), y.as_real()) {
        return real(a, b).map(Value::Real);
    }
    match (as_complex(x), as_complex(y)) {
        (Some(a), Some(b)) => complex(a, b).map(Value::complex),
        _ => Err(not_numbers(op, x, y)),
    }
}

fn as_complex(x: &Value) -> Option<Complex64> {
    match x {
        Value::Complex(c) => Some(**c),
        other => other.as_real().map(Complex64::from),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_and_reals_compare_exactly() {
        assert_eq!(
            cmp_int_real(9007199254740993, 9007199254740992.0),
            Ordering::Greater
        );
        assert_eq!(cmp_int_real(3, 3.5), Ordering::Less);
        assert_eq!(cmp_int_real(-3, -3.5), Ordering::Greater);
        assert_eq!(cmp_int_real(i64::MAX, 9.3e18), Ordering::Less);
        assert_eq!(cmp_int_real(7, 7.0), Ordering::Equal);
        assert!(is_real(-9007199254740992) && is_real(i64::MIN));
        assert!(!is_real(9007199254740993) && !is_real(i64::MAX));
    }

    #[test]
    fn reals_keep_a_mark_of_their_type() {
        let mut out = String::new();
        for r in [1.0, 0.1, 1e17, -2.4e-21] {
            push_real(&mut out, r);
            out.push(' ');
        }
        assert_eq!(out, "1.0 0.1 1e17 -2.4e-21 ");
    }

    fn int(i: i64) -> Value {
        Value::Int(i)
    }

    #[test]
    fn integers_stay_integers_and_never_wrap() {
        assert_eq!(plus(&int(2), &int(3)).expect("fits"), int(5));
        for overflowing in [
            plus(&int(i64::MAX), &int(1)),
            minus(&int(i64::MIN), &int(1)),
            times(&int(i64::MAX), &int(2)),
            uminus(&int(i64::MIN)),
            abs(&int(i64::MIN)),
        ] {
            let error = overflowing.expect_err("overflows");
            assert!(
                error.message().starts_with("integer overflow in "),
                "{error}"
            );
            assert!(error.helps()[0].contains("real("));
        }
        assert_eq!(modulo(&int(i64::MIN), &int(-1)).expect("fits"), int(0));
    }

    #[test]
    fn division_gives_reals_and_refuses_zero() {
        assert_eq!(div(&int(4), &int(2)).expect("defined").to_string(), "2.0");
        for zero in [int(0), Value::Real(0.0), Value::Real(-0.0)] {
            for x in [int(1), Value::Real(1.0)] {
                assert!(div(&x, &zero).is_err() && modulo(&x, &zero).is_err());
            }
        }
        let error = power(&int(0), &int(-1)).expect_err("a pole");
        assert_eq!(error.message(), "division by zero in 0 ^ -1");
    }

    #[test]
    fn a_remainder_has_the_sign_of_what_is_divided() {
        assert_eq!(modulo(&int(-7), &int(3)).expect("defined"), int(-1));
        assert_eq!(
            modulo(&Value::Real(7.5), &int(-2)).expect("defined"),
            Value::Real(1.5)
        );
    }

    #[test]
    fn only_numbers_add() {
        let error = plus(&int(1), &Value::str("ab")).expect_err("no number");
        assert_eq!(error.message(), "`+` takes numbers, not 1 and \"ab\"");
    }

    #[test]
    fn numbers_are_read_by_their_form() {
        for (text, value) in [
            (" 12 ", "12"),
            ("-1e3", "-1000.0"),
            (".5", "0.5"),
            ("+7", "7"),
        ] {
            assert_eq!(parse(text).expect("a number").to_string(), value);
        }
        assert_eq!(parse("9223372036854775808"), Some(Value::Real(BEYOND)));
        for text in [
            "", "nan", "inf", "1x", "0x10", ".", "1 2", "-", "+.", "x1", "1.2.3",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn short_numbers_are_read_as_long_ones_are() {
        let parts = ["0", "1", "7", "93", ".", "-", "+", "e", "005", "123456"];
        for case in 0_u64..200_000 {
            let mut random = case.wrapping_mul(0x9e37_79b9_7f4a_7c15);
            let mut text = String::new();
            for _ in 0..1 + random % 5 {
                random = random.rotate_left(23).wrapping_mul(0x2545_f491_4f6c_dd1d);
                text += parts[(random >> 40) as usize % parts.len()];
            }
            let Some(short) = parse_short(text.as_bytes()) else {
                continue;
            };
            let long = match text.parse() {
                Ok(int) => Value::Int(int),
                Err(_) => Value::Real(text.parse().expect("a number")),
            };
            assert_eq!(format!("{short:?}"), format!("{long:?}"), "{text}");
        }
    }
}
