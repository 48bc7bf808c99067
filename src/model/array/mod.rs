//! Arrays: numbers of one format, packed one behind the other, in any number of dimensions. The last
//! index runs fastest.

mod format;
mod nested;
mod parts;

use std::cmp::Ordering;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use crate::model::{Value, number, size};
use crate::text::diagnostic::{Error, Result};

pub use format::{ArrayFormat, ArrayNumber};
pub use nested::as_array;
pub use parts::ArrayParts;

/// Numbers of one format.
#[derive(Clone, Debug)]
pub enum ArrayElements {
    F64(Vec<f64>),
    F32(Vec<f32>),
    I64(Vec<i64>),
    I32(Vec<i32>),
    U32(Vec<u32>),
    I16(Vec<i16>),
    U16(Vec<u16>),
    I8(Vec<i8>),
    U8(Vec<u8>),
}

/// The same for the numbers of an array, whatever their format.
macro_rules! for_elements {
    ($elements:expr, $numbers:ident => $result:expr) => {{
        use $crate::model::array::ArrayElements as Packed;
        match $elements {
            Packed::F64($numbers) => $result,
            Packed::F32($numbers) => $result,
            Packed::I64($numbers) => $result,
            Packed::I32($numbers) => $result,
            Packed::U32($numbers) => $result,
            Packed::I16($numbers) => $result,
            Packed::U16($numbers) => $result,
            Packed::I8($numbers) => $result,
            Packed::U8($numbers) => $result,
        }
    }};
}

/// The same with a format's type of numbers under the name `$number`.
macro_rules! for_format {
    ($format:expr, $number:ident => $result:expr) => {{
        use $crate::model::array::ArrayFormat as Format;
        match $format {
            Format::F64 => {
                type $number = f64;
                $result
            }
            Format::F32 => {
                type $number = f32;
                $result
            }
            Format::I64 => {
                type $number = i64;
                $result
            }
            Format::I32 => {
                type $number = i32;
                $result
            }
            Format::U32 => {
                type $number = u32;
                $result
            }
            Format::I16 => {
                type $number = i16;
                $result
            }
            Format::U16 => {
                type $number = u16;
                $result
            }
            Format::I8 => {
                type $number = i8;
                $result
            }
            Format::U8 => {
                type $number = u8;
                $result
            }
        }
    }};
}

pub(crate) use {for_elements, for_format};

/// Numbers in any number of dimensions, one at least.
#[derive(Clone, Debug)]
pub struct Array {
    /// The number of elements in each dimension.
    shape: Vec<usize>,
    elements: ArrayElements,
}

/// A position in each of the first dimensions, from 0; `None` for all of one.
pub type Indexes<'a> = &'a [Option<usize>];

impl Array {
    /// `elements` has as many as the shape says.
    pub fn new(shape: Vec<usize>, elements: ArrayElements) -> Array {
        debug_assert_eq!(
            shape.iter().product::<usize>(),
            for_elements!(&elements, numbers => numbers.len())
        );
        Array { shape, elements }
    }

    /// An array of one dimension.
    pub fn of_numbers<T: ArrayNumber>(numbers: Vec<T>) -> Array {
        Array::new(vec![numbers.len()], T::pack(numbers))
    }

    /// An array of zeros.
    pub fn zeros(shape: Vec<usize>, format: ArrayFormat) -> Result<Array> {
        let count = checked_count(&shape)?;
        let elements = for_format!(format, T => T::pack(vec![T::default(); count]));
        Ok(Array::new(shape, elements))
    }

    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    pub fn elements(&self) -> &ArrayElements {
        &self.elements
    }

    /// The number of elements in all dimensions.
    pub fn count(&self) -> usize {
        for_elements!(&self.elements, numbers => numbers.len())
    }

    /// How many bytes the elements take.
    pub fn bytes(&self) -> usize {
        for_elements!(&self.elements, numbers => size_of_val(numbers.as_slice()))
    }

    pub fn format(&self) -> ArrayFormat {
        match self.elements {
            ArrayElements::F64(_) => ArrayFormat::F64,
            ArrayElements::F32(_) => ArrayFormat::F32,
            ArrayElements::I64(_) => ArrayFormat::I64,
            ArrayElements::I32(_) => ArrayFormat::I32,
            ArrayElements::U32(_) => ArrayFormat::U32,
            ArrayElements::I16(_) => ArrayFormat::I16,
            ArrayElements::U16(_) => ArrayFormat::U16,
            ArrayElements::I8(_) => ArrayFormat::I8,
            ArrayElements::U8(_) => ArrayFormat::U8,
        }
    }

    /// The element at an offset that is within the array.
    pub fn element(&self, offset: usize) -> Value {
        for_elements!(&self.elements, numbers => numbers[offset].value())
    }

    /// Another shape of the same elements, which has as many.
    pub fn reshaped(&self, shape: Vec<usize>) -> Array {
        Array::new(shape, self.elements.clone())
    }

    /// The elements as numbers of another format. An error if it does not hold one of them.
    pub fn as_format(&self, format: ArrayFormat) -> Result<Array> {
        if format == self.format() {
            return Ok(self.clone());
        }
        let elements = for_elements!(&self.elements, numbers => for_format!(format, T => {
            let converted = numbers.iter().map(|number| {
                let value = number.value();
                T::of(&value).ok_or_else(|| cannot_hold(format, &value))
            });
            T::pack(converted.collect::<Result<_>>()?)
        }));
        Ok(Array::new(self.shape.clone(), elements))
    }

    /// The element at these positions, or the array of those that they leave.
    pub fn part(&self, indexes: Indexes) -> Result<Value> {
        self.check_indexes(indexes)?;
        // The dimensions that are left, each with how far apart its elements are.
        let mut left: Vec<(usize, usize)> = Vec::new();
        let (mut stride, mut offset) = (self.count(), 0);
        for (at, length) in self.shape.iter().enumerate() {
            stride = stride.checked_div(*length).unwrap_or(0);
            match indexes.get(at).copied().flatten() {
                Some(index) => offset += index * stride,
                None => left.push((*length, stride)),
            }
        }
        if left.is_empty() {
            return Ok(self.element(offset));
        }
        let shape: Vec<usize> = left.iter().map(|(length, _)| *length).collect();
        let elements = for_elements!(&self.elements, numbers => {
            ArrayNumber::pack(strided(numbers, &left, offset))
        });
        Ok(Value::Array(Arc::new(Array::new(shape, elements))))
    }

    /// Puts a number at these positions, of which there is one for each dimension.
    pub fn set(&mut self, indexes: &[usize], value: &Value) -> Result<()> {
        if indexes.len() != self.shape.len() {
            let (given, rank) = (indexes.len(), self.shape.len());
            return Err(Error::run(format!(
                "an element of an array of rank {rank} has {rank} positions, not {given}"
            )));
        }
        let all: Vec<Option<usize>> = indexes.iter().copied().map(Some).collect();
        self.check_indexes(&all)?;
        let places = self.shape.iter().zip(indexes);
        let offset = places.fold(0, |offset, (length, index)| offset * length + index);
        let format = self.format();
        let hold = |set: Option<()>| set.ok_or_else(|| cannot_hold(format, value));
        hold(for_elements!(&mut self.elements, numbers => {
            ArrayNumber::of(value).map(|number| numbers[offset] = number)
        }))
    }

    fn check_indexes(&self, indexes: Indexes) -> Result<()> {
        if indexes.len() > self.shape.len() {
            let (given, rank) = (indexes.len(), self.shape.len());
            return Err(Error::run(format!(
                "an array of rank {rank} has no elements with {given} positions"
            )));
        }
        for (at, (index, length)) in indexes.iter().zip(&self.shape).enumerate() {
            if let Some(index) = index
                && index >= length
            {
                return Err(out_of_range(index + 1, at, *length));
            }
        }
        Ok(())
    }
}

/// The error for a position, from 1, in dimension `at`, from 0.
pub fn out_of_range(position: usize, at: usize, length: usize) -> Error {
    outside(&position.to_string(), at, length)
}

/// The same for a position that may be none.
pub fn outside(position: &str, at: usize, length: usize) -> Error {
    let error = Error::run(format!(
        "there is no element {position} in dimension {} of an array, which has {length}",
        at + 1
    ));
    match length {
        0 => error,
        length => error.help(format!("positions are from 1 to {length}")),
    }
}

/// The error for a number that an array of this format cannot have.
pub fn cannot_hold(format: ArrayFormat, value: &Value) -> Error {
    let error = Error::run(format!("an array of {} cannot hold {value}", format.name()));
    match value {
        Value::Int(_) | Value::Real(_) if !format.is_real() => {
            error.help("cast(a as array of f64) holds any number")
        }
        _ => error,
    }
}

/// How many elements a shape has; an error if they are too many.
pub fn checked_count(shape: &[usize]) -> Result<usize> {
    let count = shape
        .iter()
        .try_fold(1_usize, |count, length| count.checked_mul(*length));
    let count = count.unwrap_or(usize::MAX);
    size::check_elements(count, "an array")?;
    Ok(count)
}

/// The numbers in the dimensions that are left, from an offset on.
fn strided<T: Copy>(numbers: &[T], left: &[(usize, usize)], offset: usize) -> Vec<T> {
    let count: usize = left.iter().map(|(length, _)| length).product();
    let contiguous = left.iter().rev().try_fold(1, |expected, (length, stride)| {
        (*stride == expected).then_some(expected * length)
    });
    if contiguous.is_some() {
        return numbers[offset..offset + count].to_vec();
    }
    let mut taken = Vec::with_capacity(count);
    gather(numbers, left, offset, &mut taken);
    taken
}

fn gather<T: Copy>(numbers: &[T], left: &[(usize, usize)], offset: usize, taken: &mut Vec<T>) {
    let Some(((length, stride), rest)) = left.split_first() else {
        taken.push(numbers[offset]);
        return;
    };
    for i in 0..*length {
        gather(numbers, rest, offset + i * stride, taken);
    }
}

/// By shape, then element by element, by amount whatever the formats.
impl Ord for Array {
    fn cmp(&self, other: &Array) -> Ordering {
        self.shape
            .cmp(&other.shape)
            .then_with(|| match (&self.elements, &other.elements) {
                (ArrayElements::F64(a), ArrayElements::F64(b)) => by_amount(a, b),
                (ArrayElements::F32(a), ArrayElements::F32(b)) => by_amount(a, b),
                (ArrayElements::I64(a), ArrayElements::I64(b)) => a.cmp(b),
                (ArrayElements::U8(a), ArrayElements::U8(b)) => a.cmp(b),
                _ => {
                    let pairs = (0..self.count()).map(|i| (self.element(i), other.element(i)));
                    let mut orders = pairs.map(|(a, b)| a.cmp(&b));
                    orders
                        .find(|order| order.is_ne())
                        .unwrap_or(Ordering::Equal)
                }
            })
    }
}

fn by_amount<T: ArrayNumber>(a: &[T], b: &[T]) -> Ordering {
    let pairs = a.iter().zip(b);
    let mut orders = pairs.map(|(a, b)| number::cmp_reals(a.real(), b.real()));
    orders
        .find(|order| order.is_ne())
        .unwrap_or(Ordering::Equal)
}

impl PartialOrd for Array {
    fn partial_cmp(&self, other: &Array) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Array {
    fn eq(&self, other: &Array) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Array {}

/// As the numbers hash, so that equal arrays of different formats hash alike.
impl Hash for Array {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.shape.hash(state);
        for offset in 0..self.count() {
            self.element(offset).hash(state);
        }
    }
}
