//! Arithmetic on arrays, element by element, in the format of the elements.

use std::borrow::Cow;
use std::ops::BitOr;

use crate::model::array::{ArrayElements, ArrayFormat, ArrayNumber, cannot_hold, for_format};
use crate::model::{Array, Value};
use crate::text::diagnostic::{Error, Result};
use crate::text::stoppable::Looks;

/// How many elements are computed between two looks.
const PIECE: usize = 1 << 13;

/// What is made of two elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ElementOperation {
    Plus,
    Minus,
    Times,
    Div,
    Power,
    Maximum,
    Minimum,
}

use ElementOperation::{Div, Maximum, Minimum, Minus, Plus, Power, Times};

impl ElementOperation {
    /// Between two elements, in messages.
    fn sign(self) -> &'static str {
        match self {
            Plus => "+",
            Minus => "-",
            Times => "*",
            Div => "/",
            Power => "^",
            Maximum => "or",
            Minimum => "nor",
        }
    }
}

/// `x` and `y`, of which one is an array at least, put together element by element.
pub fn operate(op: ElementOperation, x: &Value, y: &Value, looks: &Looks) -> Result<Value> {
    let shape = common_shape(x, y)?;
    let elements = for_format!(format_of(op, x, y), T => {
        let (a, b) = (converted(x, T::FORMAT)?, converted(y, T::FORMAT)?);
        T::pack(T::combine(op, side(&a, x)?, side(&b, y)?, looks)?)
    });
    Ok(Value::array(Array::new(shape, elements)))
}

fn common_shape(x: &Value, y: &Value) -> Result<Vec<usize>> {
    match (x, y) {
        (Value::Array(a), Value::Array(b)) if a.shape() != b.shape() => Err(Error::run(format!(
            "the arrays must be of one shape, not {:?} and {:?}",
            a.shape(),
            b.shape()
        ))),
        (Value::Array(a), _) | (_, Value::Array(a)) => Ok(a.shape().to_vec()),
        _ => Err(Error::run(format!("an array is wanted here, not {x}"))),
    }
}

/// The format of the result: that of the arrays; F64 where integers make reals.
fn format_of(op: ElementOperation, x: &Value, y: &Value) -> ArrayFormat {
    let own = |value: &Value| match value {
        Value::Array(array) => Some(array.format()),
        _ => None,
    };
    let format = match (own(x), own(y)) {
        (Some(a), Some(b)) => a.joined(b),
        (Some(format), None) | (None, Some(format)) => format,
        (None, None) => ArrayFormat::F64,
    };
    let real = matches!(x, Value::Real(_)) || matches!(y, Value::Real(_));
    match !format.is_real() && (real || matches!(op, Div | Power)) {
        true => ArrayFormat::F64,
        false => format,
    }
}

fn converted(value: &Value, format: ArrayFormat) -> Result<Option<Array>> {
    match value {
        Value::Array(array) if array.format() != format => array.as_format(format).map(Some),
        _ => Ok(None),
    }
}

/// One side of an operation.
#[derive(Clone, Copy)]
pub enum Side<'a, T> {
    Many(&'a [T]),
    One(T),
}

/// The numbers of an operand, which was converted if need be.
fn side<'a, T: ArrayNumber>(converted: &'a Option<Array>, value: &'a Value) -> Result<Side<'a, T>> {
    let array = match (converted, value) {
        (Some(array), _) => array,
        (None, Value::Array(array)) => array,
        (None, number) => {
            let number = T::of(number).ok_or_else(|| cannot_hold(T::FORMAT, number))?;
            return Ok(Side::One(number));
        }
    };
    match T::unpack(array.elements()) {
        Some(numbers) => Ok(Side::Many(numbers)),
        None => Err(Error::run("the array is of another format")),
    }
}

/// The numbers that arithmetic is on.
trait Arithmetic: ArrayNumber {
    fn combine(
        op: ElementOperation,
        a: Side<Self>,
        b: Side<Self>,
        looks: &Looks,
    ) -> Result<Vec<Self>>;
}

/// What `f` makes of each pair of numbers.
#[inline(always)]
fn combined<T: Copy>(
    a: Side<T>,
    b: Side<T>,
    looks: &Looks,
    mut f: impl FnMut(T, T) -> T,
) -> Result<Vec<T>> {
    let count = match (a, b) {
        (Side::Many(numbers), _) | (_, Side::Many(numbers)) => numbers.len(),
        _ => 1,
    };
    let mut made = Vec::with_capacity(count);
    match (a, b) {
        (Side::Many(a), Side::Many(b)) => {
            for (a, b) in a.chunks(PIECE).zip(b.chunks(PIECE)) {
                looks.steps(PIECE / 16)?;
                made.extend(a.iter().zip(b).map(|(x, y)| f(*x, *y)));
            }
        }
        (Side::Many(a), Side::One(y)) => {
            for a in a.chunks(PIECE) {
                looks.steps(PIECE / 16)?;
                made.extend(a.iter().map(|x| f(*x, y)));
            }
        }
        (Side::One(x), Side::Many(b)) => {
            for b in b.chunks(PIECE) {
                looks.steps(PIECE / 16)?;
                made.extend(b.iter().map(|y| f(x, *y)));
            }
        }
        (Side::One(x), Side::One(y)) => made.push(f(x, y)),
    }
    Ok(made)
}

/// The first pair of numbers of which something is true.
fn first_pair<T: Copy>(
    a: Side<T>,
    b: Side<T>,
    mut is_meant: impl FnMut(T, T) -> bool,
) -> Option<(T, T)> {
    let at = |side: Side<T>, i: usize| match side {
        Side::Many(numbers) => numbers.get(i).copied(),
        Side::One(number) => Some(number),
    };
    let pairs = (0..).map_while(|i| Some((at(a, i)?, at(b, i)?)));
    let mut pairs = pairs.skip_while(|(x, y)| !is_meant(*x, *y));
    pairs.next()
}

macro_rules! arithmetic_of_reals {
    ($($real:ident),*) => {$(
        impl Arithmetic for $real {
            fn combine(
                op: ElementOperation,
                a: Side<$real>,
                b: Side<$real>,
                looks: &Looks,
            ) -> Result<Vec<$real>> {
                match op {
                    Plus => combined(a, b, looks, |x, y| x + y),
                    Minus => combined(a, b, looks, |x, y| x - y),
                    Times => combined(a, b, looks, |x, y| x * y),
                    Div => match has_zero(b).then(|| first_pair(a, b, |_, y| y == 0.0)).flatten() {
                        Some((x, y)) => Err(undefined("division by zero in", op, x, y)),
                        None => combined(a, b, looks, |x, y| x / y),
                    },
                    // A square is always defined.
                    Power if matches!(b, Side::One(y) if y == 2.0) => {
                        combined(a, a, looks, |x, y| x * y)
                    }
                    Power => powers(a, b, looks, $real::powf),
                    Maximum => combined(a, b, looks, |x, y| if y > x { y } else { x }),
                    Minimum => combined(a, b, looks, |x, y| if y < x { y } else { x }),
                }
            }
        }
    )*};
}

arithmetic_of_reals!(f64, f32);

/// Whether a number is zero: all of them are looked at, as a processor compares several at once.
fn has_zero<T: ArrayNumber>(side: Side<T>) -> bool {
    match side {
        Side::One(number) => number == T::default(),
        Side::Many(numbers) => numbers
            .iter()
            .fold(false, |found, number| found | (*number == T::default())),
    }
}

fn powers<T: Arithmetic>(
    a: Side<T>,
    b: Side<T>,
    looks: &Looks,
    power: impl Fn(T, T) -> T + Copy,
) -> Result<Vec<T>> {
    let undefined_at = |x: T, y: T| {
        let (x, y, made) = (x.real(), y.real(), power(x, y).real());
        made.is_nan() && !x.is_nan() && !y.is_nan() || made.is_infinite() && x == 0.0
    };
    let made = combined(a, b, looks, power)?;
    if made.iter().all(|power| power.real().is_finite()) {
        return Ok(made);
    }
    match first_pair(a, b, undefined_at) {
        Some((x, y)) => Err(undefined("no real number is", Power, x, y)),
        None => Ok(made),
    }
}

fn undefined<T: ArrayNumber>(what: &str, op: ElementOperation, x: T, y: T) -> Error {
    let (x, y) = (x.value(), y.value());
    Error::run(format!("{what} {x} {} {y}", op.sign()))
}

/// A number whose highest bit is set if `x + y` is not `sum`, but too large for the format or too small.
macro_rules! overflow_bits {
    (signed, $x:expr, $y:expr, $sum:expr) => {
        ($x ^ $sum) & ($y ^ $sum)
    };
    (unsigned, $x:expr, $y:expr, $sum:expr) => {
        ($x & $y) | (($x | $y) & !$sum)
    };
}

/// The bits of all rows of numbers and what was made of them, put together.
#[inline(always)]
fn any_bits<T: Copy + Default + BitOr<Output = T>>(
    a: Side<T>,
    b: Side<T>,
    made: &[T],
    bits: impl Fn(T, T, T) -> T,
) -> T {
    let none = T::default();
    match (a, b) {
        (Side::Many(a), Side::Many(b)) => {
            let rows = a.iter().zip(b).zip(made);
            rows.fold(none, |all, ((x, y), made)| all | bits(*x, *y, *made))
        }
        (Side::Many(a), Side::One(y)) => {
            let rows = a.iter().zip(made);
            rows.fold(none, |all, (x, made)| all | bits(*x, y, *made))
        }
        (Side::One(x), Side::Many(b)) => {
            let rows = b.iter().zip(made);
            rows.fold(none, |all, (y, made)| all | bits(x, *y, *made))
        }
        (Side::One(x), Side::One(y)) => made.first().map_or(none, |made| bits(x, y, *made)),
    }
}

macro_rules! arithmetic_of_integers {
    ($($signed:ident $integer:ident),*) => {$(
        impl Arithmetic for $integer {
            fn combine(
                op: ElementOperation,
                a: Side<$integer>,
                b: Side<$integer>,
                looks: &Looks,
            ) -> Result<Vec<$integer>> {
                match op {
                    // The highest bit says whether there was an overflow. Unlike the sum with its flag, a
                    // processor computes that of several at once.
                    Plus => {
                        let sums = combined(a, b, looks, $integer::wrapping_add)?;
                        let bits = |x: $integer, y: $integer, sum: $integer| overflow_bits!($signed, x, y, sum);
                        match any_bits(a, b, &sums, bits).leading_zeros() {
                            0 => checked(op, a, b, looks, $integer::overflowing_add),
                            _ => Ok(sums),
                        }
                    }
                    // x - y = d where d + y = x.
                    Minus => {
                        let differences = combined(a, b, looks, $integer::wrapping_sub)?;
                        let bits = |x: $integer, y: $integer, d: $integer| overflow_bits!($signed, d, y, x);
                        match any_bits(a, b, &differences, bits).leading_zeros() {
                            0 => checked(op, a, b, looks, $integer::overflowing_sub),
                            _ => Ok(differences),
                        }
                    }
                    Times => checked(op, a, b, looks, $integer::overflowing_mul),
                    Maximum => combined(a, b, looks, $integer::max),
                    Minimum => combined(a, b, looks, $integer::min),
                    Div | Power => Err(Error::run("integers are divided as reals")),
                }
            }
        }
    )*};
}

arithmetic_of_integers!(signed i64, signed i32, unsigned u32, signed i16, unsigned u16, signed i8, unsigned u8);

fn checked<T: ArrayNumber>(
    op: ElementOperation,
    a: Side<T>,
    b: Side<T>,
    looks: &Looks,
    operation: impl Fn(T, T) -> (T, bool),
) -> Result<Vec<T>> {
    let mut beyond = false;
    let made = combined(a, b, looks, |x, y| {
        let (made, overflow) = operation(x, y);
        beyond |= overflow;
        made
    })?;
    match beyond
        .then(|| first_pair(a, b, |x, y| operation(x, y).1))
        .flatten()
    {
        Some((x, y)) => {
            let format = T::FORMAT.name();
            let what = format!("an array of {format} cannot hold");
            Err(undefined(&what, op, x, y).help("cast(a as array of f64) makes it one of reals"))
        }
        None => Ok(made),
    }
}

/// The function of each element, in the format of the array if it has reals and F64 if it has
/// integers. An element without a result is an error, which says what the argument must do.
pub fn real_function(
    array: &Array,
    (name, must): (&str, &str),
    looks: &Looks,
    double: impl Fn(f64) -> f64,
    single: impl Fn(f32) -> f32,
) -> Result<Value> {
    let elements = match array.format() {
        ArrayFormat::F32 => each(&unpacked(array)?, name, must, looks, single)?,
        _ => each(&unpacked(array)?, name, must, looks, double)?,
    };
    Ok(Value::array(Array::new(array.shape().to_vec(), elements)))
}

/// The numbers of an array as those of a format that holds them.
fn unpacked<T: ArrayNumber>(array: &Array) -> Result<Cow<'_, [T]>> {
    if let Some(numbers) = T::unpack(array.elements()) {
        return Ok(numbers.into());
    }
    let converted = array.as_format(T::FORMAT)?;
    Ok(T::unpack(converted.elements())
        .unwrap_or_default()
        .to_vec()
        .into())
}

fn each<T: ArrayNumber>(
    numbers: &[T],
    name: &str,
    must: &str,
    looks: &Looks,
    f: impl Fn(T) -> T,
) -> Result<ArrayElements> {
    let mut made = Vec::with_capacity(numbers.len());
    // A number that is none is not equal to itself.
    #[allow(clippy::eq_op)]
    let is_nan = |x: T| x != x;
    for piece in numbers.chunks(PIECE) {
        looks.steps(PIECE)?;
        let from = made.len();
        made.extend(piece.iter().map(|x| f(*x)));
        // Looked at while it is in the cache.
        if made[from..]
            .iter()
            .fold(false, |found, y| found | is_nan(*y))
        {
            let mut pairs = piece.iter().zip(&made[from..]);
            if let Some((x, _)) = pairs.find(|(x, y)| is_nan(**y) && !is_nan(**x)) {
                let x = x.value();
                return Err(Error::run(format!(
                    "{name}({x}) is not defined: its argument must {must}"
                )));
            }
        }
    }
    Ok(T::pack(made))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::wait::Token;

    /// All pairs of numbers of a format, each by itself and among others.
    macro_rules! all_pairs {
        ($integer:ident) => {
            let token = Token::new();
            let looks = token.looks();
            let all: Vec<$integer> = ($integer::MIN..=$integer::MAX).collect();
            for y in &all {
                for (op, checked) in [
                    (
                        Plus,
                        $integer::checked_add as fn($integer, $integer) -> Option<$integer>,
                    ),
                    (Minus, $integer::checked_sub),
                ] {
                    let (fit, beyond): (Vec<_>, Vec<_>) =
                        all.iter().partition(|x| checked(**x, *y).is_some());
                    let made = Arithmetic::combine(op, Side::Many(&fit), Side::One(*y), &looks);
                    let expected = fit.iter().filter_map(|x| checked(*x, *y));
                    assert_eq!(made.expect("fits"), expected.collect::<Vec<_>>());
                    for x in beyond {
                        let made =
                            Arithmetic::combine(op, Side::Many(&[1, x]), Side::One(*y), &looks);
                        assert!(made.is_err(), "{x} {y}");
                    }
                }
            }
        };
    }

    #[test]
    fn sums_and_differences_of_small_integers_fit_or_fail() {
        all_pairs!(i8);
        all_pairs!(u8);
    }
}
