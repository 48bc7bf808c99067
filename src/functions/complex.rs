//! Complex numbers: making them and taking them apart. Their arithmetic is that of all numbers, in
//! `types::number`.

use num_complex::Complex64;

use crate::model::native::{Native, Natives};
use crate::model::{Args, Cx, Value};
use crate::text::diagnostic::{Error, Result};

pub const NATIVES: Natives = &[
    Native::new("complex", |_, a| {
        Ok(Some(Value::complex(Complex64::new(a.real(0)?, a.real(1)?))))
    }),
    Native::new("re", |cx, a| each(cx, a, |c| Value::Real(c.re))),
    Native::new("im", |cx, a| each(cx, a, |c| Value::Real(c.im))),
    Native::new("exp", |cx, a| each(cx, a, |c| Value::complex(c.exp()))),
];

/// `value` as a complex number; a real one has no imaginary part.
pub fn number(value: &Value) -> Result<Complex64> {
    match value {
        Value::Complex(c) => Ok(**c),
        other => match other.as_real() {
            Some(r) => Ok(r.into()),
            None => Err(Error::run(format!(
                "a complex number is wanted here, not {other}"
            ))),
        },
    }
}

/// `f` of a complex number, or of each in a vector.
fn each(cx: &Cx, args: Args, f: fn(Complex64) -> Value) -> Result<Option<Value>> {
    let result = match args.value(0) {
        Value::Vector(v) => {
            let looks = cx.token.looks();
            let results = looks.each(v.iter()).map(|value| Ok(f(number(value?)?)));
            Value::Vector(results.collect::<Result<_>>()?)
        }
        other => f(number(other)?),
    };
    Ok(Some(result))
}

#[cfg(test)]
mod tests {
    use super::super::testing::printed;
    use super::*;

    #[test]
    fn complex_numbers_calculate() {
        let i = Value::complex(Complex64::i());
        assert_eq!(
            printed("math:times", &[i.clone(), i.clone()]),
            "complex(-1.0,0.0)"
        );
        assert_eq!(
            printed("math:plus", &[i.clone(), 1.into()]),
            "complex(1.0,1.0)"
        );
        assert_eq!(
            printed("math:div", &[(-1).into(), i.clone()]),
            "complex(0.0,1.0)"
        );
        assert_eq!(
            printed("complex:im", &[Value::vector([i.clone(), 2.into()])]),
            "[1.0,0.0]"
        );
        let zero = Value::complex(Complex64::ZERO);
        assert_eq!(
            printed("math:div", &[i, zero]),
            "error: division by zero in complex(0.0,1.0) / complex(0.0,0.0)"
        );
    }
}
