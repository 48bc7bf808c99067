//! Fourier transforms of any size, through that of real numbers: the transform is linear, so that of
//! complex numbers is the one of their real parts plus i times the one of their imaginary parts.

use std::cell::RefCell;

use num_complex::Complex64;
use realfft::RealFftPlanner;

use super::vector::reals;
use crate::functions::complex;
use crate::model::native::{Native, Natives};
use crate::model::{Args, Cx, Value};
use crate::text::diagnostic::{Error, Result};

pub const NATIVES: Natives = &[
    Native::new("rfft", rfft),
    Native::new("irfft", irfft),
    Native::new("fft", |cx, a| {
        let spectrum = transform(&numbers(cx, a)?, cx)?;
        Ok(Some(Value::vector(
            spectrum.into_iter().map(Value::complex),
        )))
    }),
    Native::new("ifft", ifft),
];

thread_local! {
    /// Keeps the plans of the sizes seen so far.
    static PLANNER: RefCell<RealFftPlanner<f64>> = RefCell::new(RealFftPlanner::new());
}

fn fault(error: realfft::FftError) -> Error {
    Error::run(format!("Fourier transform: {error}"))
}

/// The library transforms all numbers at once and cannot be stopped: it is given no more than it does
/// within a tenth of a second.
const MOST: usize = 1 << 20;

fn check_size(size: usize, cx: &Cx) -> Result<()> {
    if size > MOST {
        return Err(Error::run(format!(
            "a Fourier transform takes {MOST} numbers at most, not {size}"
        ))
        .help("section(v,l,u) takes some of them"));
    }
    cx.token.check()
}

/// The frequencies 0 to n/2 of n real numbers.
fn forward(mut signal: Vec<f64>, cx: &Cx) -> Result<Vec<Complex64>> {
    check_size(signal.len(), cx)?;
    if signal.is_empty() {
        return Ok(Vec::new());
    }
    let plan = PLANNER.with_borrow_mut(|p| p.plan_fft_forward(signal.len()));
    let mut spectrum = plan.make_output_vec();
    plan.process(&mut signal, &mut spectrum).map_err(fault)?;
    Ok(spectrum)
}

/// The `size` real numbers that have the frequencies 0 to size/2.
fn backward(mut spectrum: Vec<Complex64>, size: usize, cx: &Cx) -> Result<Vec<f64>> {
    check_size(size, cx)?;
    if size == 0 {
        return Ok(Vec::new());
    }
    let plan = PLANNER.with_borrow_mut(|p| p.plan_fft_inverse(size));
    let mut signal = plan.make_output_vec();
    plan.process(&mut spectrum, &mut signal).map_err(fault)?;
    signal.iter_mut().for_each(|x| *x /= size as f64);
    Ok(signal)
}

/// All frequencies of real or complex numbers.
fn transform(signal: &[Complex64], cx: &Cx) -> Result<Vec<Complex64>> {
    let re = forward(signal.iter().map(|c| c.re).collect(), cx)?;
    let im = forward(signal.iter().map(|c| c.im).collect(), cx)?;
    let n = signal.len();
    // The upper half of a real signal's frequencies mirrors the lower.
    let all = |half: &[Complex64], k: usize| {
        if k <= n / 2 {
            half[k]
        } else {
            half[n - k].conj()
        }
    };
    Ok((0..n)
        .map(|k| all(&re, k) + Complex64::i() * all(&im, k))
        .collect())
}

fn numbers(cx: &Cx, args: Args) -> Result<Vec<Complex64>> {
    let looks = cx.token.looks();
    let numbers = looks.each(args.vector(0)?.iter());
    numbers.map(|number| complex::number(number?)).collect()
}

fn real_vector(numbers: impl IntoIterator<Item = f64>) -> Result<Option<Value>> {
    Ok(Some(Value::vector(numbers.into_iter().map(Value::Real))))
}

fn rfft(cx: &Cx, args: Args) -> Result<Option<Value>> {
    let signal = reals(args.value(0), &cx.token.looks())?;
    let size = signal.len();
    let parts = forward(signal, cx)?
        .into_iter()
        .flat_map(|c| [c.re, c.im])
        .enumerate();
    // The imaginary parts of frequency 0 and, where the size is even, of the highest are zero.
    real_vector(parts.filter(|(i, _)| *i != 1).map(|(_, x)| x).take(size))
}

fn irfft(cx: &Cx, args: Args) -> Result<Option<Value>> {
    let parts = reals(args.value(0), &cx.token.looks())?;
    let Some((lowest, above)) = parts.split_first() else {
        return real_vector([]);
    };
    let mut spectrum = vec![Complex64::new(*lowest, 0.0)];
    spectrum.extend(
        above
            .chunks(2)
            .map(|c| Complex64::new(c[0], c.get(1).copied().unwrap_or(0.0))),
    );
    real_vector(backward(spectrum, parts.len(), cx)?)
}

fn ifft(cx: &Cx, args: Args) -> Result<Option<Value>> {
    let spectrum = numbers(cx, args)?;
    let n = spectrum.len();
    // The inverse is the transform of the conjugate, conjugated and scaled.
    let conjugate: Vec<_> = spectrum.iter().map(|c| c.conj()).collect();
    let signal = transform(&conjugate, cx)?
        .into_iter()
        .map(|c| c.conj() / n as f64);
    let largest = spectrum.iter().map(|c| c.norm()).fold(0.0, f64::max);
    let mirrored =
        |k: usize| (spectrum[k] - spectrum[(n - k) % n].conj()).norm() <= largest * 1e-12;
    if (0..n).all(mirrored) {
        return real_vector(signal.map(|c| c.re));
    }
    Ok(Some(Value::vector(signal.map(Value::complex))))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{call, cx, printed, vector};
    use super::*;

    fn close(x: &Value, y: &Value) -> bool {
        let numbers = |v: &Value| numbers(&cx(), Args(std::slice::from_ref(v))).expect("numbers");
        let (x, y) = (numbers(x), numbers(y));
        x.len() == y.len() && x.iter().zip(&y).all(|(x, y)| (x - y).norm() < 1e-12)
    }

    fn apply(name: &str, v: &Value) -> Value {
        call(&format!("fft:{name}"), std::slice::from_ref(v))
            .expect("transforms")
            .expect("a vector")
    }

    #[test]
    fn real_parts_and_imaginary_parts_take_turns() {
        assert!(close(
            &apply("rfft", &vector(&[1, 2, 3, 4])),
            &vector(&[10, -2, 2, -2])
        ));
        let odd = apply("rfft", &vector(&[1, 0, 0]));
        assert!(close(&odd, &vector(&[1, 1, 0])), "{odd}");
    }

    #[test]
    fn the_inverse_restores_any_size() {
        for n in 0..=9 {
            let signal: Vec<f64> = (0..n).map(|i| f64::from(i * i % 7) - 1.5).collect();
            let signal = vector(&signal);
            assert!(
                close(&apply("irfft", &apply("rfft", &signal)), &signal),
                "size {n}"
            );
            assert!(
                close(&apply("ifft", &apply("fft", &signal)), &signal),
                "size {n}"
            );
        }
    }

    #[test]
    fn complex_signals_come_back_too() {
        let signal =
            Value::vector([1.5, -2.0, 0.25].map(|x| Value::complex(Complex64::new(x, 1.0 - x))));
        let back = apply("ifft", &apply("fft", &signal));
        assert!(close(&back, &signal), "{back}");
        assert!(back.to_string().starts_with("[complex("), "{back}");
        // By the definition of the transform: its first frequency is the sum.
        let first = apply("fft", &signal).to_string();
        assert!(first.starts_with("[complex(-0.25,3.25)"), "{first}");
    }

    #[test]
    fn the_transform_of_reals_goes_back_to_reals() {
        let back = apply("ifft", &apply("fft", &vector(&[1, 2, 3])));
        assert!(back.to_string().starts_with("[1.0"), "{back}");
        assert_eq!(
            printed("fft:rfft", &[vector(&["a"])]),
            "error: a vector of numbers is wanted here, not [\"a\"]"
        );
    }
}
