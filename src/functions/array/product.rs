//! Products of arrays: of two rows, of a matrix and a row or column, of two matrices.

use std::borrow::Cow;
use std::ops::{Add, Mul};

use ndarray::linalg::general_mat_mul;
use ndarray::{ArrayView2, ArrayViewMut2, LinalgScalar};

use crate::model::array::{ArrayElements, ArrayFormat, ArrayNumber, checked_count, for_elements};
use crate::model::{Array, Value};
use crate::text::diagnostic::{Error, Result};
use crate::text::wait::Token;

/// `a * b`: a number of two arrays of one dimension, else an array.
pub fn product(a: &Array, b: &Array, token: &Token) -> Result<Value> {
    let format = a.format().joined(b.format());
    // What is of the format is not copied.
    let (a, b) = (in_format(a, format)?, in_format(b, format)?);
    let shapes = Shapes::of(&a, &b)?;
    use ArrayElements::{F32, F64};
    match (a.elements(), b.elements()) {
        (F64(x), F64(y)) => shapes.value(reals(x, y, &shapes, token)?),
        (F32(x), F32(y)) => shapes.value(reals(x, y, &shapes, token)?),
        _ => integers(&a, &b, &shapes, token),
    }
}

fn in_format(array: &Array, format: ArrayFormat) -> Result<Cow<'_, Array>> {
    match array.format() == format {
        true => Ok(Cow::Borrowed(array)),
        false => array.as_format(format).map(Cow::Owned),
    }
}

/// Two matrices of `height` by `inner` and `inner` by `width`, and the shape that the product has.
struct Shapes {
    height: usize,
    inner: usize,
    width: usize,
    result: Vec<usize>,
}

impl Shapes {
    fn of(a: &Array, b: &Array) -> Result<Shapes> {
        let (height, inner, below, width) = match (a.shape(), b.shape()) {
            ([n], [m]) => (1, *n, *m, 1),
            ([n], [m, w]) => (1, *n, *m, *w),
            ([h, n], [m]) => (*h, *n, *m, 1),
            ([h, n], [m, w]) => (*h, *n, *m, *w),
            (a, b) => {
                return Err(Error::run(format!(
                    "a product is one of arrays of one or two dimensions, not of shapes {a:?} and {b:?}"
                ))
                .help("a .* b multiplies element by element"));
            }
        };
        if inner != below {
            let (a, b) = (a.shape(), b.shape());
            return Err(Error::run(format!(
                "there is no product of arrays of shapes {a:?} and {b:?}: {inner} elements meet {below}"
            ))
            .help("a .* b multiplies element by element, transpose(a) turns a matrix"));
        }
        let result = match (a.shape().len(), b.shape().len()) {
            (1, 1) => vec![],
            (1, _) => vec![width],
            (_, 1) => vec![height],
            _ => vec![height, width],
        };
        checked_count(&[height, width])?;
        Ok(Shapes {
            height,
            inner,
            width,
            result,
        })
    }

    fn value<T: ArrayNumber>(&self, numbers: Vec<T>) -> Result<Value> {
        Ok(match self.result.as_slice() {
            [] => numbers[0].value(),
            shape => Value::array(Array::new(shape.to_vec(), T::pack(numbers))),
        })
    }
}

/// How many multiplications are made between two looks, or nearly.
const WORK: usize = 1 << 25;

fn reals<T: ArrayNumber + LinalgScalar>(
    x: &[T],
    y: &[T],
    shapes: &Shapes,
    token: &Token,
) -> Result<Vec<T>> {
    let Shapes {
        height,
        inner,
        width,
        ..
    } = *shapes;
    let mut sums = vec![T::zero(); height * width];
    if inner == 0 || sums.is_empty() {
        return Ok(sums);
    }
    if width == 1 {
        let rows = (WORK / inner).max(1);
        for (sums, x) in sums.chunks_mut(rows).zip(x.chunks(rows * inner)) {
            token.check()?;
            let (fours, rest) = sums.as_chunks_mut::<4>();
            let mut rows = x.chunks_exact(inner);
            for sums in fours {
                // There is a row for each sum.
                let four = [(); 4].map(|()| rows.next().unwrap_or(y));
                *sums = dots(four, y);
            }
            for (sum, row) in rest.iter_mut().zip(rows) {
                *sum = dot(row, y);
            }
        }
        return Ok(sums);
    }
    if height == 1 {
        for (x, row) in x.iter().zip(y.chunks_exact(width)) {
            token.check()?;
            for (sum, y) in sums.iter_mut().zip(row) {
                *sum = *sum + *x * *y;
            }
        }
        return Ok(sums);
    }
    let right = view(y, inner, width)?;
    // Fewer rows would spend the time on preparing the matrix on the right.
    let rows = (WORK / inner.saturating_mul(width).max(1)).max(64);
    for (sums, x) in sums.chunks_mut(rows * width).zip(x.chunks(rows * inner)) {
        token.check()?;
        let left = view(x, x.len() / inner, inner)?;
        let height = sums.len() / width;
        let mut part = ArrayViewMut2::from_shape((height, width), sums).map_err(not_a_matrix)?;
        general_mat_mul(T::one(), &left, &right, T::zero(), &mut part);
    }
    Ok(sums)
}

fn view<T>(numbers: &[T], height: usize, width: usize) -> Result<ArrayView2<'_, T>> {
    ArrayView2::from_shape((height, width), numbers).map_err(not_a_matrix)
}

fn not_a_matrix(error: ndarray::ShapeError) -> Error {
    Error::run(format!("no matrix: {error}"))
}

/// The sum of the products, in several sums side by side, as a processor adds several at once.
fn dot<T: Copy + Default + Add<Output = T> + Mul<Output = T>>(x: &[T], y: &[T]) -> T {
    const SUMS: usize = 16;
    let mut sums = [T::default(); SUMS];
    let (pieces, rest) = x.as_chunks::<SUMS>();
    let (others, other_rest) = y.as_chunks::<SUMS>();
    for (x, y) in pieces.iter().zip(others) {
        for i in 0..SUMS {
            sums[i] = sums[i] + x[i] * y[i];
        }
    }
    let products = rest.iter().zip(other_rest).map(|(x, y)| *x * *y);
    products.chain(sums).fold(T::default(), |sum, x| sum + x)
}

/// The sums of the products of four rows with the same numbers, which are read once for all four.
fn dots<T: Copy + Default + Add<Output = T> + Mul<Output = T>>(x: [&[T]; 4], y: &[T]) -> [T; 4] {
    const SUMS: usize = 4;
    let mut sums = [[T::default(); SUMS]; 4];
    let [(a, a_rest), (b, b_rest), (c, c_rest), (d, d_rest)] = x.map(|row| row.as_chunks::<SUMS>());
    let (others, other_rest) = y.as_chunks::<SUMS>();
    for ((((a, b), c), d), y) in a.iter().zip(b).zip(c).zip(d).zip(others) {
        for (sums, x) in sums.iter_mut().zip([a, b, c, d]) {
            for i in 0..SUMS {
                sums[i] = sums[i] + x[i] * y[i];
            }
        }
    }
    let total = |(sums, rest): ([T; SUMS], &[T])| {
        let products = rest.iter().zip(other_rest).map(|(x, y)| *x * *y);
        products.chain(sums).fold(T::default(), |sum, x| sum + x)
    };
    let [a, b, c, d] = sums;
    [(a, a_rest), (b, b_rest), (c, c_rest), (d, d_rest)].map(total)
}

/// The product of integers, in their format.
fn integers(a: &Array, b: &Array, shapes: &Shapes, token: &Token) -> Result<Value> {
    let whole = |array: &Array| {
        let array = array.as_format(ArrayFormat::I64)?;
        Ok(i64::unpack(array.elements()).unwrap_or_default().to_vec())
    };
    let (x, y): (Vec<i64>, Vec<i64>) = (whole(a)?, whole(b)?);
    let mut sums = vec![0_i64; shapes.height * shapes.width];
    let mut beyond = false;
    for row in 0..shapes.height {
        let sums = &mut sums[row * shapes.width..(row + 1) * shapes.width];
        for k in 0..shapes.inner {
            token.check()?;
            let factor = x[row * shapes.inner + k];
            let others = &y[k * shapes.width..(k + 1) * shapes.width];
            for (sum, other) in sums.iter_mut().zip(others) {
                let (product, too_large) = factor.overflowing_mul(*other);
                let (added, overflow) = sum.overflowing_add(product);
                beyond |= too_large | overflow;
                *sum = added;
            }
        }
    }
    if beyond {
        return Err(Error::run("integer overflow in a product of arrays")
            .help("cast(a as array of f64) makes it one of reals"));
    }
    if shapes.result.is_empty() {
        return Ok(Value::Int(sums[0]));
    }
    let product = Array::new(shapes.result.clone(), i64::pack(sums));
    product.as_format(a.format()).map(Value::array)
}

/// The array with its dimensions in opposite order.
pub fn transposed(array: &Array, token: &Token) -> Result<Array> {
    let shape: Vec<usize> = array.shape().iter().rev().copied().collect();
    let elements = for_elements!(array.elements(), numbers => {
        ArrayNumber::pack(match array.shape() {
            [_] => numbers.clone(),
            [height, width] => turned(numbers, *height, *width, token)?,
            _ => reversed(numbers, array.shape(), token)?,
        })
    });
    Ok(Array::new(shape, elements))
}

/// A matrix in blocks that stay in the cache.
fn turned<T: ArrayNumber>(
    numbers: &[T],
    height: usize,
    width: usize,
    token: &Token,
) -> Result<Vec<T>> {
    const BLOCK: usize = 32;
    let mut made = vec![T::default(); numbers.len()];
    for top in (0..height).step_by(BLOCK) {
        token.check()?;
        for left in (0..width).step_by(BLOCK) {
            for row in top..height.min(top + BLOCK) {
                for column in left..width.min(left + BLOCK) {
                    made[column * height + row] = numbers[row * width + column];
                }
            }
        }
    }
    Ok(made)
}

fn reversed<T: ArrayNumber>(numbers: &[T], shape: &[usize], token: &Token) -> Result<Vec<T>> {
    let looks = token.looks();
    let mut made = vec![T::default(); numbers.len()];
    for (offset, number) in numbers.iter().enumerate() {
        looks.step()?;
        let (mut rest, mut place, mut stride) = (offset, 0, numbers.len());
        for length in shape.iter().rev() {
            stride /= length;
            place += rest % length * stride;
            rest /= length;
        }
        made[place] = *number;
    }
    Ok(made)
}
