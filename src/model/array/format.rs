//! The formats of arrays, and the numbers that each holds.

use super::ArrayElements;
use crate::model::Value;

/// How each element of an array is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ArrayFormat {
    F64,
    F32,
    I64,
    I32,
    U32,
    I16,
    U16,
    I8,
    U8,
}

use ArrayFormat::{F32, F64, I8, I16, I32, I64, U8, U16, U32};

impl ArrayFormat {
    pub const ALL: [ArrayFormat; 9] = [F64, F32, I64, I32, U32, I16, U16, I8, U8];

    /// The format of that name, in any case.
    pub fn named(name: &str) -> Option<ArrayFormat> {
        let same = |format: &ArrayFormat| format.name().eq_ignore_ascii_case(name);
        ArrayFormat::ALL.into_iter().find(same)
    }

    pub fn name(self) -> &'static str {
        match self {
            F64 => "F64",
            F32 => "F32",
            I64 => "I64",
            I32 => "I32",
            U32 => "U32",
            I16 => "I16",
            U16 => "U16",
            I8 => "I8",
            U8 => "U8",
        }
    }

    pub fn is_real(self) -> bool {
        matches!(self, F64 | F32)
    }

    /// The smallest format that holds what both hold; reals of 32 bits hold integers of 16.
    pub fn joined(self, other: ArrayFormat) -> ArrayFormat {
        let small = |format| matches!(format, I16 | U16 | I8 | U8);
        match (self, other) {
            (a, b) if a == b => a,
            (F32, b) if small(b) => F32,
            (a, F32) if small(a) => F32,
            (F64 | F32, _) | (_, F64 | F32) => F64,
            (I8 | U8 | I16, I8 | U8 | I16) => I16,
            (U8 | U16, U8 | U16) => U16,
            (U8 | U16 | U32, U8 | U16 | U32) => U32,
            (I8 | U8 | I16 | U16 | I32, I8 | U8 | I16 | U16 | I32) => I32,
            _ => I64,
        }
    }
}

/// A number that an array has as an element.
pub trait ArrayNumber: Copy + PartialOrd + Default + Send + Sync + 'static {
    const FORMAT: ArrayFormat;

    /// Packed numbers.
    fn pack(numbers: Vec<Self>) -> ArrayElements;

    /// The numbers, if they are of this format.
    fn unpack(elements: &ArrayElements) -> Option<&[Self]>;

    /// The number that a value is; `None` if the format does not hold it. A real of 32 bits is the
    /// nearest one.
    fn of(value: &Value) -> Option<Self>;

    fn value(self) -> Value;

    /// As a real, the nearest one.
    fn real(self) -> f64;
}

impl ArrayNumber for f64 {
    const FORMAT: ArrayFormat = F64;

    fn pack(numbers: Vec<f64>) -> ArrayElements {
        ArrayElements::F64(numbers)
    }

    fn unpack(elements: &ArrayElements) -> Option<&[f64]> {
        match elements {
            ArrayElements::F64(numbers) => Some(numbers),
            _ => None,
        }
    }

    fn of(value: &Value) -> Option<f64> {
        value.as_real()
    }

    fn value(self) -> Value {
        Value::Real(self)
    }

    fn real(self) -> f64 {
        self
    }
}

impl ArrayNumber for f32 {
    const FORMAT: ArrayFormat = F32;

    fn pack(numbers: Vec<f32>) -> ArrayElements {
        ArrayElements::F32(numbers)
    }

    fn unpack(elements: &ArrayElements) -> Option<&[f32]> {
        match elements {
            ArrayElements::F32(numbers) => Some(numbers),
            _ => None,
        }
    }

    fn of(value: &Value) -> Option<f32> {
        let real = value.as_real()?;
        let near = real as f32;
        (near.is_finite() || !real.is_finite()).then_some(near)
    }

    fn value(self) -> Value {
        Value::Real(self.into())
    }

    fn real(self) -> f64 {
        self.into()
    }
}

macro_rules! integers {
    ($($number:ident $format:ident),*) => {$(
        impl ArrayNumber for $number {
            const FORMAT: ArrayFormat = $format;

            fn pack(numbers: Vec<$number>) -> ArrayElements {
                ArrayElements::$format(numbers)
            }

            fn unpack(elements: &ArrayElements) -> Option<&[$number]> {
                match elements {
                    ArrayElements::$format(numbers) => Some(numbers),
                    _ => None,
                }
            }

            fn of(value: &Value) -> Option<$number> {
                $number::try_from(value.as_int()?).ok()
            }

            fn value(self) -> Value {
                Value::Int(self.into())
            }

            fn real(self) -> f64 {
                self as f64
            }
        }
    )*};
}

integers!(i64 I64, i32 I32, u32 U32, i16 I16, u16 U16, i8 I8, u8 U8);
