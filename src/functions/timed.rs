//! Streams and the clock: parts of a stream by time, elements at a pace, recordings replayed.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::stream::{Beat, Paced, micros, pace, seconds};
use crate::model::native::{Native, Natives};
use crate::model::{Args, Cx, Source, Timeval, Value};
use crate::run::call::short;
use crate::text::diagnostic::{Error, Kind, Result};
use crate::text::wait::later;

pub const NATIVES: Natives = &[
    Native::new("skip_s", skip_s),
    Native::new("time_section", time_section),
    Native::new("debounce", debounce),
    Native::new("heartbeat_wrap", heartbeat_wrap),
    Native::new("playback", playback).live(),
    Native::new("timestream", timestream).live(),
];

fn skip_s(_: &Cx, args: Args) -> Result<Option<Value>> {
    let start = seconds(args.real(1)?, "the time to skip")?;
    sectioned(args, start, None)
}

fn time_section(_: &Cx, args: Args) -> Result<Option<Value>> {
    let start = seconds(args.real(1)?, "the start of a section")?;
    let stop = seconds(args.real(2)?, "the end of a section")?;
    sectioned(args, start, Some(Stop::After(stop)))
}

fn debounce(_: &Cx, args: Args) -> Result<Option<Value>> {
    let start = seconds(args.real(1)?, "the start of a section")?;
    let silence = seconds(args.real(2)?, "a silence")?;
    sectioned(args, start, Some(Stop::Silent(silence)))
}

fn sectioned(args: Args, start: Duration, stop: Option<Stop>) -> Result<Option<Value>> {
    let stream = args.collection(0)?.clone();
    Ok(Some(Value::stream_from(move |cx| {
        let now = Instant::now();
        Ok(Box::new(TimeSection {
            inner: Some(stream.open(cx)?),
            began: now,
            start: later(now, start),
            heard: now,
            stop,
        }))
    })))
}

/// What ends a section of a stream.
#[derive(Clone, Copy)]
enum Stop {
    /// So long after the start.
    After(Duration),
    /// No element for so long.
    Silent(Duration),
}

struct TimeSection {
    /// `None` when the section is over.
    inner: Option<Box<dyn Source>>,
    began: Instant,
    /// Elements before that do not count.
    start: Instant,
    /// When the latest element came.
    heard: Instant,
    stop: Option<Stop>,
}

impl TimeSection {
    fn end(&self) -> Option<Instant> {
        Some(match self.stop? {
            Stop::After(stop) => later(self.began, stop),
            Stop::Silent(silence) => later(self.heard.max(self.start), silence),
        })
    }

    /// The next element in time.
    fn element(&mut self, cx: &Cx) -> Result<Option<Value>> {
        let end = self.end();
        let Some(inner) = &mut self.inner else {
            return Ok(None);
        };
        let token = match end {
            Some(end) => cx.token.child_until(end, "the section is over"),
            None => cx.token.clone(),
        };
        match inner.next(&cx.with_token(token)) {
            Err(error)
                if error.kind() == Kind::Stopped && end.is_some_and(|e| e <= Instant::now()) =>
            {
                // Stopped from above is not the same as out of time.
                cx.token.check()?;
                Ok(None)
            }
            other => other,
        }
    }
}

impl Source for TimeSection {
    fn next(&mut self, cx: &Cx) -> Result<Option<Value>> {
        loop {
            let element = self.element(cx)?;
            self.heard = Instant::now();
            match element {
                Some(_) if self.heard < self.start => {}
                Some(value) => return Ok(Some(value)),
                None => {
                    self.inner = None;
                    return Ok(None);
                }
            }
        }
    }
}

fn heartbeat_wrap(_: &Cx, args: Args) -> Result<Option<Value>> {
    let (bag, pace) = (args.collection(0)?.clone(), pace(args, 1)?);
    Ok(Some(Value::stream_from(move |cx| {
        Ok(Box::new(Paced {
            inner: bag.open(cx)?,
            beat: Beat::new(pace),
        }))
    })))
}

fn timestream(_: &Cx, args: Args) -> Result<Option<Value>> {
    let pace = pace(args, 0)?;
    Ok(Some(Value::stream_from(move |_| {
        Ok(Box::new(Clock(Beat::new(pace))))
    })))
}

struct Clock(Beat);

impl Source for Clock {
    fn next(&mut self, cx: &Cx) -> Result<Option<Value>> {
        self.0.next(cx)?;
        Ok(Some(Value::Time(Arc::new(Timeval::now()))))
    }
}

fn playback(_: &Cx, args: Args) -> Result<Option<Value>> {
    let stream = args.collection(0)?.clone();
    Ok(Some(Value::stream_from(move |cx| {
        Ok(Box::new(Playback {
            recorded: stream.open(cx)?,
            start: None,
            stamps: Stamps::new("playback"),
        }))
    })))
}

struct Playback {
    recorded: Box<dyn Source>,
    /// When the first element was given, and its time stamp.
    start: Option<(Instant, i64)>,
    stamps: Stamps,
}

impl Source for Playback {
    fn next(&mut self, cx: &Cx) -> Result<Option<Value>> {
        let Some(element) = self.recorded.next(cx)? else {
            return Ok(None);
        };
        let stamp = match &element {
            Value::Vector(row) => row.first().and_then(micros),
            Value::Time(time) => Some(time.micros),
            _ => None,
        };
        let stamp = self.stamps.next(stamp, &element)?;
        let (began, first) = *self.start.get_or_insert((Instant::now(), stamp));
        let after = Duration::from_micros(stamp.abs_diff(first));
        cx.token.sleep_until(later(began, after))?;
        Ok(Some(element))
    }
}

/// The time stamps of a stream, each checked against the one before.
pub struct Stamps {
    what: &'static str,
    latest: i64,
}

impl Stamps {
    /// `what` is the function that wants time stamps.
    pub fn new(what: &'static str) -> Stamps {
        Stamps {
            what,
            latest: i64::MIN,
        }
    }

    /// The next element and its stamp in microseconds; an error if it has none or goes back in time.
    pub fn next(&mut self, stamp: Option<i64>, element: &Value) -> Result<i64> {
        let what = self.what;
        let Some(stamp) = stamp else {
            let message = format!(
                "{what} wants elements with a time stamp, not {}",
                short(element)
            );
            return Err(
                Error::run(message).help("ts(x) stamps x with the time now, ts(t,x) with t")
            );
        };
        self.next_micros(stamp)
    }

    /// The same of an element whose stamp is known.
    #[inline]
    pub fn next_micros(&mut self, stamp: i64) -> Result<i64> {
        let what = self.what;
        if stamp < self.latest {
            let (now, before) = (Timeval::at(stamp).iso(), Timeval::at(self.latest).iso());
            let message =
                format!("time goes backwards in the stream of {what}: {now} comes after {before}");
            return Err(Error::run(message)
                .help("time stamps must not decrease from one element to the next"));
        }
        self.latest = stamp;
        Ok(stamp)
    }
}
