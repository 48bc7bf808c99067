//! Streams: making them, taking parts of them, running them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::bag::{Iota, Section, count_of, positions};
use crate::model::native::{Native, Natives};
use crate::model::{Args, Collection, Cx, Source, Value};
use crate::text::diagnostic::{Error, Kind, Result};
use crate::text::wait::{self, Token, from_now, later};

pub const NATIVES: Natives = &[
    Native::new("heartbeat", heartbeat).live(),
    Native::new("siota", siota).rows(|of| of.between(0, 1)),
    Native::new("diota", diota),
    Native::new("sample_stream", sample_stream),
    Native::new("streamof", streamof),
    Native::new("first_n", first_n).rows(|of| of.at_most(1)),
    Native::new("section", section)
        .positions(&[1, 2])
        .rows(|of| of.between(1, 2)),
    Native::new("skip", skip),
    Native::new("sink", sink).only_acting(),
    Native::new("concat", concat),
    Native::new("flatten", flatten),
    Native::new("remove_null", remove_null),
    Native::new("timeout", timeout),
];

/// A beat at a fixed pace: each wait is for a multiple of the pace after the start, so that it does
/// not drift, and a consumer that is late gets the beats that it missed at once.
pub struct Beat {
    start: Instant,
    pace: Duration,
    count: u64,
}

impl Beat {
    pub fn new(pace: Duration) -> Beat {
        Beat {
            start: Instant::now(),
            pace,
            count: 0,
        }
    }

    /// When the next beat is.
    pub fn due(&self) -> Instant {
        let nanos = self.pace.as_nanos().saturating_mul(self.count.into());
        // Not beyond what a duration holds, some 585 years.
        let after = Duration::from_nanos(nanos.try_into().unwrap_or(u64::MAX));
        later(self.start, after)
    }

    /// Waits for the next beat; the first is at once. Gives its number, from 0.
    pub fn next(&mut self, cx: &Cx) -> Result<u64> {
        let number = self.count;
        let due = self.due();
        if due > Instant::now() {
            cx.token.sleep_until(due)?;
        } else {
            cx.token.check()?;
        }
        self.count += 1;
        Ok(number)
    }
}

/// A duration in seconds that a person gave; endless where it is longer than durations are.
pub fn seconds(value: f64, what: &str) -> Result<Duration> {
    wait::seconds(value).ok_or_else(|| {
        Error::run(format!(
            "{what} is a number of seconds from 0 up, not {value}"
        ))
    })
}

/// Argument `i` as the time between two beats.
pub fn pace(args: Args, i: usize) -> Result<Duration> {
    let pace = seconds(args.real(i)?, "a pace")?;
    if pace.is_zero() && args.real(i)? > 0.0 {
        return Ok(Duration::from_nanos(1));
    }
    Ok(pace)
}

fn heartbeat(_: &Cx, args: Args) -> Result<Option<Value>> {
    let (seconds, pace) = (args.real(0)?, pace(args, 0)?);
    Ok(Some(Value::stream_from(move |_| {
        Ok(Box::new(Heartbeat {
            beat: Beat::new(pace),
            times: Multiples::of(seconds),
        }))
    })))
}

struct Heartbeat {
    beat: Beat,
    times: Multiples,
}

impl Source for Heartbeat {
    fn next(&mut self, cx: &Cx) -> Result<Option<Value>> {
        let number = self.beat.next(cx)?;
        Ok(Some(Value::Real(self.times.at(number))))
    }
}

/// The multiples of a number that was written in decimals: three times 0.3 is 0.9, where the real
/// that stands for 0.3 is a bit less and three times it is 0.8999999999999999.
struct Multiples {
    number: f64,
    /// The number as a fraction, if it has few enough digits: these digits, over a power of ten.
    digits: Option<u64>,
    divisor: f64,
}

impl Multiples {
    fn of(number: f64) -> Multiples {
        let plain = Multiples {
            number,
            digits: None,
            divisor: 1.0,
        };
        let shortest = format!("{number:e}");
        let Some((mantissa, exponent)) = shortest.split_once('e') else {
            return plain;
        };
        let decimals = mantissa.split_once('.').map_or(0, |(_, after)| after.len());
        let power = exponent.parse::<i32>().map(|e| decimals as i32 - e);
        // The powers of ten that a real holds exactly; a whole number needs no fraction.
        match (power, mantissa.replace('.', "").parse()) {
            (Ok(power @ 1..=22), Ok(digits)) => Multiples {
                number,
                digits: Some(digits),
                divisor: 10f64.powi(power),
            },
            _ => plain,
        }
    }

    /// `factor` times the number. Rounded once as long as the product of the digits is exact.
    fn at(&self, factor: u64) -> f64 {
        let exact = |product: &u64| *product <= 1 << 53;
        let product = self.digits.and_then(|digits| digits.checked_mul(factor));
        match product.filter(exact) {
            Some(product) => product as f64 / self.divisor,
            None => factor as f64 * self.number,
        }
    }
}

fn siota(_: &Cx, args: Args) -> Result<Option<Value>> {
    Ok(Some(Value::Stream(Arc::new(Iota::new(
        first_integer(args, 0)?,
        last_integer(args, 1)?,
    )))))
}

/// The integer that a stream begins with.
fn first_integer(args: Args, i: usize) -> Result<i64> {
    args.value(i).as_int().ok_or_else(|| not_whole(args, i))
}

/// The integer that a stream ends with, if it ever comes so far: a whole number beyond 64 bits, or an
/// infinity, is as good as the integer that is nearest to it.
fn last_integer(args: Args, i: usize) -> Result<i64> {
    match args.value(i) {
        Value::Real(r) if r.fract() == 0.0 || r.is_infinite() => Ok(*r as i64),
        _ => first_integer(args, i),
    }
}

fn not_whole(args: Args, i: usize) -> Error {
    Error::run(format!(
        "a whole number of 64 bits is wanted here, not {}",
        args.value(i)
    ))
}

fn diota(_: &Cx, args: Args) -> Result<Option<Value>> {
    let (pace, first, last) = (
        pace(args, 0)?,
        first_integer(args, 1)?,
        last_integer(args, 2)?,
    );
    Ok(Some(Value::stream_from(move |cx| {
        let inner = Iota::new(first, last).open(cx)?;
        Ok(Box::new(Paced {
            inner,
            beat: Beat::new(pace),
        }))
    })))
}

/// The elements of a source, one at each beat.
pub struct Paced {
    pub inner: Box<dyn Source>,
    pub beat: Beat,
}

impl Source for Paced {
    fn next(&mut self, cx: &Cx) -> Result<Option<Value>> {
        let Some(value) = self.inner.next(cx)? else {
            return Ok(None);
        };
        self.beat.next(cx)?;
        Ok(Some(value))
    }
}

fn sample_stream(_: &Cx, args: Args) -> Result<Option<Value>> {
    let (expression, pace) = (args.collection(0)?.clone(), pace(args, 1)?);
    Ok(Some(Value::stream_from(move |_| {
        let expression = expression.clone();
        Ok(Box::new(Sampled {
            expression,
            beat: Beat::new(pace),
            current: None,
        }))
    })))
}

struct Sampled {
    expression: Arc<dyn Collection>,
    beat: Beat,
    current: Option<Box<dyn Source>>,
}

impl Source for Sampled {
    fn next(&mut self, cx: &Cx) -> Result<Option<Value>> {
        loop {
            if let Some(current) = &mut self.current {
                if let Some(value) = current.next(cx)? {
                    return Ok(Some(value));
                }
                self.current = None;
            }
            self.beat.next(cx)?;
            self.current = Some(self.expression.open(cx)?);
        }
    }
}

fn streamof(_: &Cx, args: Args) -> Result<Option<Value>> {
    Ok(Some(Value::Stream(args.collection(0)?.clone())))
}

fn sectioned(stream: Arc<dyn Collection>, skip: u64, take: u64) -> Result<Option<Value>> {
    Ok(Some(Value::stream_from(move |cx| {
        Ok(Box::new(Section::new(stream.open(cx)?, skip, take)))
    })))
}

fn first_n(_: &Cx, args: Args) -> Result<Option<Value>> {
    sectioned(args.collection(0)?.clone(), 0, count_of(args, 1)?)
}

fn section(_: &Cx, args: Args) -> Result<Option<Value>> {
    let (skip, take) = positions(args, 1, 2)?;
    sectioned(args.collection(0)?.clone(), skip, take)
}

fn skip(_: &Cx, args: Args) -> Result<Option<Value>> {
    sectioned(args.collection(0)?.clone(), count_of(args, 1)?, u64::MAX)
}

fn sink(cx: &Cx, args: Args) -> Result<Option<Value>> {
    let mut source = args.open(0, cx)?;
    while source.next(cx)?.is_some() {}
    Ok(Some(Value::Bool(true)))
}

fn concat(_: &Cx, args: Args) -> Result<Option<Value>> {
    let (first, second) = (args.collection(0)?.clone(), args.collection(1)?.clone());
    Ok(Some(Value::stream_from(move |cx| {
        Ok(Box::new(Concat {
            current: first.open(cx)?,
            then: Some(second.clone()),
        }))
    })))
}

fn flatten(_: &Cx, args: Args) -> Result<Option<Value>> {
    let stream = args.collection(0)?.clone();
    Ok(Some(Value::stream_from(move |cx| {
        Ok(Box::new(Flattened {
            vectors: stream.open(cx)?,
            elements: None,
        }))
    })))
}

struct Flattened {
    vectors: Box<dyn Source>,
    elements: Option<Box<dyn Source>>,
}

impl Source for Flattened {
    fn is_live(&self) -> bool {
        self.vectors.is_live()
    }

    fn next(&mut self, cx: &Cx) -> Result<Option<Value>> {
        loop {
            if let Some(elements) = &mut self.elements
                && let Some(element) = elements.next(cx)?
            {
                return Ok(Some(element));
            }
            let Some(vector) = self.vectors.next(cx)? else {
                return Ok(None);
            };
            self.elements = Some(vector.elements(cx)?);
        }
    }
}

fn remove_null(_: &Cx, args: Args) -> Result<Option<Value>> {
    let stream = args.collection(0)?.clone();
    Ok(Some(Value::stream_from(move |cx| {
        Ok(Box::new(WithoutNulls(stream.open(cx)?)))
    })))
}

struct WithoutNulls(Box<dyn Source>);

impl Source for WithoutNulls {
    fn is_live(&self) -> bool {
        self.0.is_live()
    }

    fn next(&mut self, cx: &Cx) -> Result<Option<Value>> {
        while let Some(value) = self.0.next(cx)? {
            if !value.is_null() {
                return Ok(Some(value));
            }
        }
        Ok(None)
    }
}

struct Concat {
    current: Box<dyn Source>,
    then: Option<Arc<dyn Collection>>,
}

impl Source for Concat {
    fn next(&mut self, cx: &Cx) -> Result<Option<Value>> {
        loop {
            if let Some(value) = self.current.next(cx)? {
                return Ok(Some(value));
            }
            match self.then.take() {
                Some(next) => self.current = next.open(cx)?,
                None => return Ok(None),
            }
        }
    }
}

fn timeout(_: &Cx, args: Args) -> Result<Option<Value>> {
    let (stream, limit) = (
        args.collection(0)?.clone(),
        seconds(args.real(1)?, "a timeout")?,
    );
    Ok(Some(Value::stream_from(move |cx| {
        let mut until = Until {
            end: from_now(limit),
            tokens: None,
        };
        let inner = Some(stream.open(&cx.with_token(until.token(cx)))?);
        Ok(Box::new(Timed { inner, until }))
    })))
}

/// A stream under a deadline, which ends it without an error.
struct Timed {
    inner: Option<Box<dyn Source>>,
    until: Until,
}

/// A deadline for whoever pulls.
struct Until {
    end: Instant,
    /// The token of who pulled last, and the one below it with the deadline.
    tokens: Option<(Token, Token)>,
}

impl Until {
    fn token(&mut self, cx: &Cx) -> Token {
        match &self.tokens {
            Some((puller, below)) if puller.is(&cx.token) => below.clone(),
            _ => {
                let below = cx.token.child_until(self.end, "the stream's time is over");
                self.tokens = Some((cx.token.clone(), below.clone()));
                below
            }
        }
    }
}

impl Source for Timed {
    fn next(&mut self, cx: &Cx) -> Result<Option<Value>> {
        let Some(inner) = &mut self.inner else {
            return Ok(None);
        };
        match inner.next(&cx.with_token(self.until.token(cx))) {
            Ok(Some(value)) => Ok(Some(value)),
            Err(error) if error.kind() != Kind::Stopped => Err(error),
            ended => {
                self.inner = None;
                // Stopped from above is not the same as out of time.
                cx.token.check()?;
                ended.or(Ok(None))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::functions::testing::cx;

    #[test]
    fn multiples_are_those_of_the_decimal_number() {
        for (number, factor, text) in [
            (0.3, 3, "0.9"),
            (0.1, 3, "0.3"),
            (0.7, 1_000_003, "700002.1"),
            (0.001, 3_600_000, "3600.0"),
            (2.5, 3, "7.5"),
            (60.0, 3, "180.0"),
            (1e30, 2, "2e30"),
            (0.0, 5, "0.0"),
            (1.0 / 3.0, 3, "1.0"),
            (1e-9, 1_000_000_007, "1.000000007"),
        ] {
            let multiple = Value::Real(Multiples::of(number).at(factor));
            assert_eq!(multiple.to_string(), text, "{factor} times {number}");
        }
    }

    /// A consumer that comes an hour late to a beat of 100 Hz gets every beat of that hour at once,
    /// and the next one is due when it would have been without him.
    #[test]
    fn a_beat_does_not_drift() {
        let hour = Duration::from_secs(3600);
        let pace = Duration::from_millis(10);
        let start = Instant::now()
            .checked_sub(hour)
            .expect("the clock is older");
        let mut beat = Beat {
            start,
            pace,
            count: 0,
        };
        let cx = cx();
        let mut beats = 0;
        while beat.due() <= start + hour {
            assert_eq!(beat.next(&cx).expect("not stopped"), beats);
            beats += 1;
        }
        // The first is at once, so that an hour has one more than 360,000 paces.
        assert_eq!(beats, 360_001);
        assert_eq!(beat.due(), start + hour + pace);
        // A pace that is no whole number of nanoseconds is off by less than one for each beat.
        let third = Duration::from_secs_f64(1.0 / 3.0);
        let mut beat = Beat {
            start,
            pace: third,
            count: 3 * 3600,
        };
        assert!((start + hour).duration_since(beat.due()) < Duration::from_micros(11));
        assert_eq!(beat.next(&cx).expect("not stopped"), 3 * 3600);
    }
}
