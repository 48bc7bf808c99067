//! Math: arithmetic on numbers, rounding, real functions, random numbers.

use crate::host::Host;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::model::native::{BatchForm, Native, Natives};
use crate::model::{Args, Cx, Record, Timeval, Value, number};
use crate::text::diagnostic::{Error, Result};
use crate::text::stoppable::Looks;
use crate::text::wait::lock;

mod columns;

pub const NATIVES: Natives = &[
    Native::new("plus", |_, a| {
        number::plus(a.value(0), a.value(1)).map(Some)
    }),
    Native::new("minus", |_, a| {
        number::minus(a.value(0), a.value(1)).map(Some)
    }),
    Native::new("times", |_, a| {
        number::times(a.value(0), a.value(1)).map(Some)
    }),
    Native::new("div", |_, a| number::div(a.value(0), a.value(1)).map(Some)),
    Native::new("power", |_, a| {
        number::power(a.value(0), a.value(1)).map(Some)
    }),
    Native::new("uminus", |_, a| number::uminus(a.value(0)).map(Some)),
    Native::new("mod", |_, a| {
        number::modulo(a.value(0), a.value(1)).map(Some)
    })
    .batch(BatchForm::Column(columns::modulo)),
    Native::new("divide", divide),
    Native::new("abs", |_, a| number::abs(a.value(0)).map(Some))
        .batch(BatchForm::Column(columns::absolute)),
    Native::new("sign", |_, a| {
        Ok(Some(Value::Int(a.value(0).cmp(&Value::Int(0)) as i64)))
    }),
    Native::new("sqrt", |_, a| real(a, "sqrt", "be zero or more", f64::sqrt))
        .batch(BatchForm::OfReal(f64::sqrt)),
    Native::new("exp", |_, a| real(a, "exp", "be a number", f64::exp))
        .batch(BatchForm::OfReal(f64::exp)),
    Native::new("ln", |_, a| logarithm(a, "ln", f64::ln)).batch(BatchForm::OfReal(|x| {
        if x == 0.0 { f64::NAN } else { x.ln() }
    })),
    Native::new("log10", |_, a| logarithm(a, "log10", f64::log10)).batch(BatchForm::OfReal(|x| {
        if x == 0.0 { f64::NAN } else { x.log10() }
    })),
    Native::new("pi", |_, _| Ok(Some(Value::Real(std::f64::consts::PI)))),
    Native::new("sin", |_, a| real(a, "sin", "be finite", f64::sin))
        .batch(BatchForm::OfReal(f64::sin)),
    Native::new("cos", |_, a| real(a, "cos", "be finite", f64::cos))
        .batch(BatchForm::OfReal(f64::cos)),
    Native::new("tan", |_, a| real(a, "tan", "be finite", f64::tan))
        .batch(BatchForm::OfReal(f64::tan)),
    Native::new("asin", |_, a| {
        real(a, "asin", "lie between -1 and 1", f64::asin)
    }),
    Native::new("acos", |_, a| {
        real(a, "acos", "lie between -1 and 1", f64::acos)
    }),
    Native::new("atan", |_, a| real(a, "atan", "be a number", f64::atan))
        .batch(BatchForm::OfReal(f64::atan)),
    Native::new("atan2", |_, a| {
        Ok(Some(Value::Real(a.real(0)?.atan2(a.real(1)?))))
    }),
    Native::new("round", |_, a| whole(a, "round", f64::round))
        .batch(BatchForm::Column(|a| columns::whole(a, f64::round))),
    Native::new("roundto", roundto),
    Native::new("floor", |_, a| whole(a, "floor", f64::floor))
        .batch(BatchForm::Column(|a| columns::whole(a, f64::floor))),
    Native::new("ceiling", |_, a| whole(a, "ceiling", f64::ceil))
        .batch(BatchForm::Column(|a| columns::whole(a, f64::ceil))),
    Native::new("integer", |_, a| whole(a, "integer", f64::trunc))
        .batch(BatchForm::Column(|a| columns::whole(a, f64::trunc))),
    Native::new("real", |_, a| Ok(Some(Value::Real(a.real(0)?)))).batch(BatchForm::OfReal(|x| x)),
    Native::new("number", as_number),
    Native::new("isinteger", |_, a| {
        Ok(Some(Value::Bool(a.value(0).as_int().is_some())))
    }),
    Native::new("even", |_, a| {
        Ok(Some(Value::Bool(
            a.value(0).as_int().is_some_and(|i| i % 2 == 0),
        )))
    })
    .batch(BatchForm::Condition(|a| columns::parity(a, 0))),
    Native::new("odd", |_, a| {
        Ok(Some(Value::Bool(
            a.value(0).as_int().is_some_and(|i| i % 2 != 0),
        )))
    })
    .batch(BatchForm::Condition(|a| columns::parity(a, 1))),
    Native::new("not", |cx, a| not(a.value(0), &cx.token.looks()).map(Some)),
    Native::new("max", |_, a| Ok(Some(a.value(0).max(a.value(1)).clone()))),
    Native::new("min", |_, a| Ok(Some(a.value(0).min(a.value(1)).clone()))),
    Native::new("rand", rand).volatile(),
    Native::new("frand", frand).volatile(),
    Native::new("rand_seed", rand_seed).acting(),
];

/// A function of one real; an argument that it is not defined for is an error that says what `x` must
/// do.
fn real(args: Args, name: &str, must: &str, f: fn(f64) -> f64) -> Result<Option<Value>> {
    let x = args.real(0)?;
    let y = f(x);
    if y.is_nan() && !x.is_nan() {
        let x = Value::Real(x);
        return Err(Error::run(format!(
            "{name}({x}) is not defined: its argument must {must}"
        )));
    }
    Ok(Some(Value::Real(y)))
}

fn logarithm(args: Args, name: &str, f: fn(f64) -> f64) -> Result<Option<Value>> {
    // Zero has no logarithm either, though the hardware says -inf.
    real(
        args,
        name,
        "be above zero",
        if args.real(0)? == 0.0 {
            |_| f64::NAN
        } else {
            f
        },
    )
}

/// A function that makes a number whole; an integer is itself.
fn whole(args: Args, name: &str, f: fn(f64) -> f64) -> Result<Option<Value>> {
    match args.value(0) {
        Value::Int(i) => Ok(Some(Value::Int(*i))),
        _ => number::to_int(name, f(args.real(0)?)).map(Some),
    }
}

fn divide(_: &Cx, args: Args) -> Result<Option<Value>> {
    let (x, y) = (args.int(0)?, args.int(1)?);
    if y == 0 {
        return Err(Error::run(format!("division by zero in divide({x},{y})")));
    }
    match (x.checked_div(y), x.wrapping_rem(y)) {
        (Some(q), r) => Ok(Some(Value::vector([q.into(), r.into()]))),
        (None, _) => Err(Error::run(format!("integer overflow in divide({x},{y})"))),
    }
}

fn roundto(cx: &Cx, args: Args) -> Result<Option<Value>> {
    let digits = args.int(1)?.clamp(-400, 400) as i32;
    rounded(args.value(0), digits, &cx.token.looks()).map(Some)
}

fn rounded(value: &Value, digits: i32, looks: &Looks) -> Result<Value> {
    let inner = |value: &Value| rounded(value, digits, looks);
    looks.step()?;
    Ok(match value {
        Value::Real(r) => {
            // Many digits are made as text.
            looks.steps(digits.unsigned_abs() as usize)?;
            Value::Real(round_digits(*r, digits))
        }
        Value::Vector(v) => Value::Vector(v.iter().map(inner).collect::<Result<_>>()?),
        Value::Record(r) => {
            let fields = r.iter().map(|(k, v)| Ok((k.clone(), inner(v)?)));
            Value::record(fields.collect::<Result<Record>>()?)
        }
        Value::Time(t) => match &t.value {
            Some(value) => {
                let value = Some(inner(value)?);
                Value::Time(
                    Timeval {
                        micros: t.micros,
                        value,
                    }
                    .into(),
                )
            }
            None => value.clone(),
        },
        other => other.clone(),
    })
}

fn round_digits(x: f64, digits: i32) -> f64 {
    // The powers of ten that a real holds exactly.
    const EXACT: i32 = 22;
    if !x.is_finite() {
        return x;
    }
    // What was written is a number: it reads back.
    let read = |text: String| text.parse().unwrap_or(x);
    if digits > EXACT {
        return read(format!("{x:.0$}", digits as usize));
    }
    let scale = 10f64.powi(digits.abs());
    if digits < -EXACT {
        return read(format!("{}e{}", (x / scale).round(), -digits));
    }
    let scaled = if digits < 0 { x / scale } else { x * scale };
    // So large that all its digits are before the point already.
    if scaled.abs() >= 9e15 {
        return x;
    }
    if digits < 0 {
        scaled.round() * scale
    } else {
        scaled.round() / scale
    }
}

fn as_number(_: &Cx, args: Args) -> Result<Option<Value>> {
    match args.value(0) {
        Value::Null => Ok(None),
        n @ (Value::Int(_) | Value::Real(_)) => Ok(Some(n.clone())),
        Value::Str(s) => super::string::read_number(s).map(Some),
        other => Err(Error::run(format!("{other} is not a number"))),
    }
}

fn not(value: &Value, looks: &Looks) -> Result<Value> {
    looks.step()?;
    match value {
        Value::Vector(v) => v
            .iter()
            .map(|element| not(element, looks))
            .collect::<Result<_>>()
            .map(Value::Vector),
        other => match other.as_int() {
            Some(i) => Ok(Value::Int(i64::from(i == 0))),
            None => Err(Error::run(format!("not() takes integers, not {other}"))),
        },
    }
}

/// The bounds of a random number: the lower is 0 where only the upper is given.
fn bounds<T: Copy + Default + PartialOrd>(
    args: Args,
    at: impl Fn(usize) -> Result<T>,
) -> Result<(T, T)> {
    let (low, high) = match args.len() {
        1 => (T::default(), at(0)?),
        _ => (at(0)?, at(1)?),
    };
    if low < high {
        return Ok((low, high));
    }
    let high = args.value(args.len() - 1);
    let low = if args.len() == 1 {
        &Value::Int(0)
    } else {
        args.value(0)
    };
    Err(Error::run(format!(
        "there is no random number from {low} up to, but not including, {high}"
    )))
}

fn rand(cx: &Cx, args: Args) -> Result<Option<Value>> {
    let (low, high) = bounds(args, |i| args.int(i))?;
    Ok(Some(Value::Int(
        lock(&Host::of(cx).random).random_range(low..high),
    )))
}

fn frand(cx: &Cx, args: Args) -> Result<Option<Value>> {
    let (low, high) = bounds(args, |i| args.real(i))?;
    if !(high - low).is_finite() {
        return Err(Error::run("the bounds of a random number must be finite"));
    }
    Ok(Some(Value::Real(
        lock(&Host::of(cx).random).random_range(low..high),
    )))
}

fn rand_seed(cx: &Cx, args: Args) -> Result<Option<Value>> {
    let seed = args.int(0)?;
    *lock(&Host::of(cx).random) = StdRng::seed_from_u64(seed as u64);
    Ok(Some(Value::Int(seed)))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{call, cx, printed, vector};
    use super::*;

    #[test]
    fn undefined_results_are_errors() {
        assert_eq!(
            printed("math:sqrt", &[Value::Real(-1.0)]),
            "error: sqrt(-1.0) is not defined: its argument must be zero or more"
        );
        for (name, x) in [
            ("ln", 0.0),
            ("log10", -1.0),
            ("asin", 1.5),
            ("sin", f64::INFINITY),
        ] {
            assert!(
                call(&format!("math:{name}"), &[Value::Real(x)]).is_err(),
                "{name}"
            );
        }
        assert_eq!(
            printed("math:round", &[Value::Real(1e19)]),
            "error: round: 1e19 does not fit an integer of 64 bits"
        );
    }

    #[test]
    fn rounding_reaches_inside() {
        assert_eq!(
            printed("math:roundto", &[vector(&[1.23456, 6.54321]), 2.into()]),
            "[1.23,6.54]"
        );
        assert_eq!(
            printed("math:roundto", &[Value::Real(1234.5), (-2).into()]),
            "1200.0"
        );
        assert_eq!(
            printed("math:roundto", &[Value::Real(1e300), 20.into()]),
            "1e300"
        );
        assert_eq!(
            printed("math:roundto", &[Value::Real(0.25), 400.into()]),
            "0.25"
        );
        assert_eq!(
            printed("math:roundto", &[Value::Real(7.0), (-400).into()]),
            "0.0"
        );
    }

    #[test]
    fn integers_divide_with_a_remainder() {
        assert_eq!(printed("math:divide", &[17.into(), 5.into()]), "[3,2]");
        assert_eq!(printed("math:divide", &[(-7).into(), 3.into()]), "[-2,-1]");
        assert!(call("math:divide", &[i64::MIN.into(), (-1).into()]).is_err());
    }

    #[test]
    fn random_numbers_keep_within_bounds_and_repeat_after_a_seed() {
        let cx = cx();
        let draw = |seed: i64| -> Vec<i64> {
            rand_seed(&cx, Args(&[seed.into()])).expect("seeds");
            let bounds = [Value::Int(-2), Value::Int(3)];
            (0..200)
                .map(|_| {
                    rand(&cx, Args(&bounds))
                        .expect("draws")
                        .and_then(|v| v.as_int())
                })
                .map(|i| i.expect("an integer"))
                .collect()
        };
        let numbers = draw(7);
        assert!(numbers.iter().all(|i| (-2..3).contains(i)));
        assert!((-2..3).all(|i| numbers.contains(&i)));
        assert_eq!(numbers, draw(7));
        assert_ne!(numbers, draw(8));
        assert_eq!(
            printed("math:rand", &[0.into()]),
            "error: there is no random number from 0 up to, but not including, 0"
        );
    }
}
