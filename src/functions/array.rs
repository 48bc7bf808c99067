//! Arrays: what makes them, takes them apart, computes with them. Positions count from 1.

use crate::model::array::{
    Array, ArrayElements, ArrayFormat, ArrayParts, as_array, checked_count, outside,
};
use crate::model::native::{Native, Natives};
use crate::model::size::position;
use crate::model::{Args, Cx, Value};
use crate::text::diagnostic::{Error, Result, nearest};

mod elementwise;
mod product;
mod reduced;
mod windows;

use elementwise::{ElementOperation, operate, real_function};

pub const NATIVES: Natives = &[
    Native::new("array", |cx, a| {
        as_array(a.value(0), None, &cx.token.looks()).map(|array| Some(Value::Array(array)))
    }),
    Native::new("array_of_format", |cx, a| {
        let format = format_named(a.str(0)?)?;
        let array = as_array(a.value(1), Some(format), &cx.token.looks())?;
        Ok(Some(Value::Array(array)))
    }),
    Native::new("new_array", |_, a| {
        let format = format_named(a.str(0)?)?;
        made(Array::zeros(shape_argument(a, 1)?, format)?)
    }),
    Native::new("new_array_from_template", |_, a| {
        let template = a.array(0)?;
        made(Array::zeros(template.shape().to_vec(), template.format())?)
    }),
    Native::new("vectorof", |cx, a| {
        a.array(0)?.to_vector(&cx.token.looks()).map(Some)
    }),
    Native::new("array_format", |_, a| {
        let name = a.array(0)?.format().name();
        Ok(Some(name.to_ascii_lowercase().into()))
    }),
    Native::new("shape", |_, a| {
        let lengths = a.array(0)?.shape().iter();
        Ok(Some(Value::vector(lengths.map(|n| Value::Int(*n as i64)))))
    }),
    Native::new("rank", |_, a| {
        Ok(Some(Value::Int(a.array(0)?.shape().len() as i64)))
    }),
    Native::new("dim", |_, a| length(a.array(0)?, 1)),
    Native::new("length", |_, a| length(a.array(0)?, a.int(1)?)),
    Native::new("count", |_, a| {
        Ok(Some(Value::Int(a.array(0)?.count() as i64)))
    }),
    Native::new("reshape", reshape),
    Native::new("transpose", |cx, a| {
        made(product::transposed(a.array(0)?, &cx.token)?)
    }),
    Native::new("vref", |_, a| {
        let array = a.array(0)?;
        let at = place(a.value(1), 0, array.shape())?;
        array.part(&[at]).map(Some)
    }),
    Native::new("vref_at", |_, a| {
        let array = a.array(0)?;
        array.part(&places(a.vector(1)?, array.shape())?).map(Some)
    }),
    Native::new("vector_at", |cx, a| vector_at(a.value(0), a.vector(1)?, cx)),
    Native::new("in", elements),
    Native::new("put", |_, a| {
        let mut array = Array::clone(a.array(0)?);
        put(&mut array, a.vector(1)?, a.value(2))?;
        made(array)
    }),
    Native::new("plus", |cx, a| operation(cx, a, ElementOperation::Plus)),
    Native::new("minus", |cx, a| operation(cx, a, ElementOperation::Minus)),
    Native::new("elemtimes", |cx, a| {
        operation(cx, a, ElementOperation::Times)
    }),
    Native::new("div", |cx, a| operation(cx, a, ElementOperation::Div)),
    Native::new("elempower", |cx, a| {
        operation(cx, a, ElementOperation::Power)
    }),
    Native::new("maximum", |cx, a| {
        operation(cx, a, ElementOperation::Maximum)
    }),
    Native::new("minimum", |cx, a| {
        operation(cx, a, ElementOperation::Minimum)
    }),
    Native::new("uminus", |cx, a| {
        // A zero of the array's own format, of which the negative of a real zero is less than nothing.
        let zero = match a.array(0)?.format().is_real() {
            true => Value::Real(-0.0),
            false => Value::Int(0),
        };
        operate(
            ElementOperation::Minus,
            &zero,
            a.value(0),
            &cx.token.looks(),
        )
        .map(Some)
    }),
    Native::new("times", |cx, a| {
        product::product(a.array(0)?, a.array(1)?, &cx.token).map(Some)
    }),
    Native::new("abs", abs),
    Native::new("sqrt", |cx, a| {
        real(cx, a, "sqrt", "be zero or more", f64::sqrt, f32::sqrt)
    }),
    Native::new("exp", |cx, a| {
        real(cx, a, "exp", "be a number", f64::exp, f32::exp)
    }),
    Native::new("ln", |cx, a| {
        let (double, single) = (
            defined(f64::ln, 0.0, f64::NAN),
            defined(f32::ln, 0.0, f32::NAN),
        );
        real(cx, a, "ln", "be above zero", double, single)
    }),
    Native::new("log10", |cx, a| {
        let double = defined(f64::log10, 0.0, f64::NAN);
        let single = defined(f32::log10, 0.0, f32::NAN);
        real(cx, a, "log10", "be above zero", double, single)
    }),
    Native::new("sin", |cx, a| {
        real(cx, a, "sin", "be finite", f64::sin, f32::sin)
    }),
    Native::new("cos", |cx, a| {
        real(cx, a, "cos", "be finite", f64::cos, f32::cos)
    }),
    Native::new("tan", |cx, a| {
        real(cx, a, "tan", "be finite", f64::tan, f32::tan)
    }),
    Native::new("tanh", |cx, a| {
        real(cx, a, "tanh", "be a number", f64::tanh, f32::tanh)
    }),
    Native::new("asin", |cx, a| {
        real(cx, a, "asin", "lie between -1 and 1", f64::asin, f32::asin)
    }),
    Native::new("acos", |cx, a| {
        real(cx, a, "acos", "lie between -1 and 1", f64::acos, f32::acos)
    }),
    Native::new("atan", |cx, a| {
        real(cx, a, "atan", "be a number", f64::atan, f32::atan)
    }),
    Native::new("round", |cx, a| {
        whole(cx, a, "round", f64::round, f32::round)
    }),
    Native::new("floor", |cx, a| {
        whole(cx, a, "floor", f64::floor, f32::floor)
    }),
    Native::new("ceiling", |cx, a| {
        whole(cx, a, "ceiling", f64::ceil, f32::ceil)
    }),
    Native::new("sum", |cx, a| {
        reduced::sum(a.array(0)?, &cx.token.looks()).map(Some)
    }),
    Native::new("mean", |cx, a| {
        reduced::mean(a.array(0)?, &cx.token.looks())
    }),
    Native::new("max", |_, a| {
        Ok(reduced::largest(a.array(0)?).map(|(_, max)| max))
    }),
    Native::new("min", |_, a| {
        Ok(reduced::smallest(a.array(0)?).map(|(_, min)| min))
    }),
    Native::new("argmax", |_, a| {
        Ok(reduced::largest(a.array(0)?).map(|(at, _)| Value::Int(at as i64 + 1)))
    }),
    Native::new("argmin", |_, a| {
        Ok(reduced::smallest(a.array(0)?).map(|(at, _)| Value::Int(at as i64 + 1)))
    }),
    Native::new("awinagg", windows::awinagg),
];

fn made(array: Array) -> Result<Option<Value>> {
    Ok(Some(Value::array(array)))
}

fn format_named(name: &str) -> Result<ArrayFormat> {
    if let Some(format) = ArrayFormat::named(name) {
        return Ok(format);
    }
    let names = ArrayFormat::ALL.map(|format| format.name().to_ascii_lowercase());
    let error = Error::run(format!("there is no format of arrays '{name}'"));
    Err(
        match nearest(&name.to_ascii_lowercase(), names.iter().map(|n| &**n)) {
            Some(near) => error.help(format!("did you mean '{near}'?")),
            None => error.help(format!("the formats are {}", names.join(", "))),
        },
    )
}

/// The number of elements in each dimension that is asked for.
fn shape_argument(args: Args, i: usize) -> Result<Vec<usize>> {
    let lengths = args.vector(i)?.iter();
    let length = |value: &Value| {
        let length = value
            .as_int()
            .and_then(|length| usize::try_from(length).ok());
        length
            .ok_or_else(|| Error::run(format!("a dimension has a number of elements, not {value}")))
    };
    let shape: Vec<usize> = lengths.map(length).collect::<Result<_>>()?;
    if shape.is_empty() {
        return Err(Error::run("an array has one dimension at least"));
    }
    checked_count(&shape)?;
    Ok(shape)
}

fn length(array: &Array, dimension: i64) -> Result<Option<Value>> {
    let length = position(dimension).and_then(|at| array.shape().get(at));
    match length {
        Some(length) => Ok(Some(Value::Int(*length as i64))),
        None => {
            let rank = array.shape().len();
            Err(Error::run(format!(
                "there is no dimension {dimension} of an array of rank {rank}"
            )))
        }
    }
}

fn reshape(_: &Cx, args: Args) -> Result<Option<Value>> {
    let array = args.array(0)?;
    let shape = shape_argument(args, 1)?;
    let (count, wanted) = (array.count(), shape.iter().product::<usize>());
    if count != wanted {
        return Err(Error::run(format!(
            "an array of {count} elements cannot have the shape {shape:?}, which has {wanted}"
        )));
    }
    made(array.reshaped(shape))
}

/// The offset of a position in dimension `at`; `None` for null, which is all positions.
fn place(value: &Value, at: usize, shape: &[usize]) -> Result<Option<usize>> {
    if value.is_null() {
        return Ok(None);
    }
    let length = shape.get(at).copied().unwrap_or(0);
    let offset = value
        .as_int()
        .and_then(position)
        .filter(|offset| *offset < length);
    match offset {
        Some(offset) => Ok(Some(offset)),
        None if at < shape.len() => Err(outside(&value.to_string(), at, length)),
        None => Ok(Some(0)),
    }
}

fn places(positions: &[Value], shape: &[usize]) -> Result<Vec<Option<usize>>> {
    let all = positions.iter().enumerate();
    all.map(|(at, value)| place(value, at, shape)).collect()
}

/// Puts a number at positions in an array.
pub fn put(array: &mut Array, positions: &[Value], value: &Value) -> Result<()> {
    let places = places(positions, array.shape())?;
    match places.into_iter().collect::<Option<Vec<_>>>() {
        Some(places) => array.set(&places, value),
        None => Err(Error::run(
            "one element is set at a time: each position is a number",
        )),
    }
}

/// What nested vectors have at positions; null is all of a vector.
fn vector_at(value: &Value, positions: &[Value], cx: &Cx) -> Result<Option<Value>> {
    let Some((first, rest)) = positions.split_first() else {
        return Ok(Some(value.clone()));
    };
    match (value, first) {
        (Value::Vector(elements), Value::Null) => {
            let mut parts = Vec::with_capacity(elements.len());
            for element in cx.token.looks().each(elements.iter()) {
                parts.extend(vector_at(element?, rest, cx)?);
            }
            Ok(Some(Value::vector(parts)))
        }
        (Value::Vector(elements), at) => {
            let element = at
                .as_int()
                .and_then(position)
                .and_then(|at| elements.get(at));
            element.map_or(Ok(None), |element| vector_at(element, rest, cx))
        }
        (Value::Array(array), _) => {
            let places = places(positions, array.shape())?;
            array.part(&places).map(Some)
        }
        (Value::Record(record), Value::Str(key)) => {
            let field = record.get(key);
            field.map_or(Ok(None), |field| vector_at(field, rest, cx))
        }
        _ => Ok(None),
    }
}

fn elements(_: &Cx, args: Args) -> Result<Option<Value>> {
    let array = args.array(0)?.clone();
    Ok(Some(Value::bag_from(move |_| {
        Ok(Box::new(ArrayParts::new(array.clone())))
    })))
}

fn operation(cx: &Cx, args: Args, op: ElementOperation) -> Result<Option<Value>> {
    operate(op, args.value(0), args.value(1), &cx.token.looks()).map(Some)
}

fn real(
    cx: &Cx,
    args: Args,
    name: &str,
    must: &str,
    double: impl Fn(f64) -> f64,
    single: impl Fn(f32) -> f32,
) -> Result<Option<Value>> {
    real_function(
        args.array(0)?,
        (name, must),
        &cx.token.looks(),
        double,
        single,
    )
    .map(Some)
}

/// The function, with no number where the hardware says that there is an infinite one.
fn defined<T: PartialEq + Copy>(f: fn(T) -> T, pole: T, none: T) -> impl Fn(T) -> T {
    move |x| if x == pole { none } else { f(x) }
}

/// A function that makes numbers whole; integers are themselves.
fn whole(
    cx: &Cx,
    args: Args,
    name: &str,
    double: fn(f64) -> f64,
    single: fn(f32) -> f32,
) -> Result<Option<Value>> {
    match args.array(0)?.format().is_real() {
        true => real(cx, args, name, "be a number", double, single),
        false => Ok(Some(args.value(0).clone())),
    }
}

fn abs(cx: &Cx, args: Args) -> Result<Option<Value>> {
    let array = args.array(0)?;
    if array.format().is_real() {
        return real(cx, args, "abs", "be a number", f64::abs, f32::abs);
    }
    let looks = cx.token.looks();
    let negative = operate(
        ElementOperation::Minus,
        &Value::Int(0),
        args.value(0),
        &looks,
    );
    match array.elements() {
        ArrayElements::U32(_) | ArrayElements::U16(_) | ArrayElements::U8(_) => {
            Ok(Some(args.value(0).clone()))
        }
        _ => operate(ElementOperation::Maximum, args.value(0), &negative?, &looks).map(Some),
    }
}
