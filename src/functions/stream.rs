//! Streams: making them, taking parts of them, running them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::bag::{Iota, Section, count_of, positions};
use super::{Args, Native, Natives};
use crate::diagnostic::{Error, Kind, Result};
use crate::run::Cx;
use crate::run::wait::Token;
use crate::types::{Collection, Source, Timeval, Value};

pub const NATIVES: Natives = &[
    ("heartbeat", heartbeat as Native),
    ("siota", siota),
    ("diota", diota),
    ("sample_stream", sample_stream),
    ("streamof", streamof),
    ("first_n", first_n),
    ("section", section),
    ("skip", skip),
    ("sink", sink),
    ("concat", concat),
    ("timeout", timeout),
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
        let after = Duration::from_nanos_u128(self.pace.as_nanos() * u128::from(self.count));
        // A pace beyond what the clock can count is never reached.
        let far = Duration::from_secs(100 * 365 * 86_400);
        self.start + after.min(far)
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

/// The microseconds since 1970 that a value says: a time, an ISO 8601 string, or seconds.
pub fn micros(value: &Value) -> Option<i64> {
    match value {
        Value::Time(time) => Some(time.micros),
        Value::Str(text) => Timeval::parse(text).map(|time| time.micros),
        number => {
            let micros = (number.as_real()? * 1e6).round();
            (micros.abs() < 9e18).then_some(micros as i64)
        }
    }
}

/// A duration in seconds that a person gave.
pub fn seconds(value: f64, what: &str) -> Result<Duration> {
    Duration::try_from_secs_f64(value).map_err(|_| {
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
            seconds,
        }))
    })))
}

struct Heartbeat {
    beat: Beat,
    seconds: f64,
}

impl Source for Heartbeat {
    fn next(&mut self, cx: &Cx) -> Result<Option<Value>> {
        let number = self.beat.next(cx)?;
        // Ten beats of 0.1 are 1: a division by a whole number rounds once, to what a person expects.
        let per_second = 1.0 / self.seconds;
        let seconds = if per_second.fract() == 0.0 {
            number as f64 / per_second
        } else {
            number as f64 * self.seconds
        };
        Ok(Some(Value::Real(seconds)))
    }
}

fn siota(_: &Cx, args: Args) -> Result<Option<Value>> {
    Ok(Some(Value::Stream(Arc::new(Iota::new(
        integer(args, 0)?,
        integer(args, 1)?,
    )))))
}

/// A whole number; one beyond 64 bits is as good as the largest.
fn integer(args: Args, i: usize) -> Result<i64> {
    match args.value(i) {
        Value::Real(r) if r.fract() == 0.0 || r.is_infinite() => Ok(*r as i64),
        value => value
            .as_int()
            .ok_or_else(|| Error::run(format!("a whole number is wanted here, not {value}"))),
    }
}

fn diota(_: &Cx, args: Args) -> Result<Option<Value>> {
    let (pace, first, last) = (pace(args, 0)?, integer(args, 1)?, integer(args, 2)?);
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
        let token = cx
            .token
            .child_until(Instant::now() + limit, "the stream's time is over");
        let inner = Some(stream.open(&cx.with_token(token.clone()))?);
        Ok(Box::new(Timed { inner, token }))
    })))
}

/// A stream under a deadline, which ends it without an error.
struct Timed {
    inner: Option<Box<dyn Source>>,
    token: Token,
}

impl Source for Timed {
    fn next(&mut self, cx: &Cx) -> Result<Option<Value>> {
        let Some(inner) = &mut self.inner else {
            return Ok(None);
        };
        match inner.next(&cx.with_token(self.token.clone())) {
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
