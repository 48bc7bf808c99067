//! Operators that listen to several streams at once, or to one and the clock.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::stream::{Beat, pace};
use crate::model::collection::HeldBag;
use crate::model::native::{Native, Natives};
use crate::model::{Args, Collection, Cx, Source, Timeval, Value, size};
use crate::run::call::short;
use crate::run::inputs::{Event, Inputs};
use crate::text::diagnostic::{Error, Result};

pub const NATIVES: Natives = &[
    Native::new("merge", merge),
    Native::new("pivot", pivot),
    Native::new("zip", zip),
    Native::new("pivot_events", |_, a| {
        let latest = vec![Value::Null; a.vector(0)?.len()];
        pivot_events(a, latest, a.collection(1)?.clone())
    }),
    Native::new("pivot_events_from", |_, a| {
        let (keys, initial) = (a.vector(0)?.len(), a.vector(1)?);
        if keys != initial.len() {
            return Err(Error::run(format!(
                "there is a value to begin with for each key: {keys} keys, {} values",
                initial.len()
            )));
        }
        pivot_events(a, initial.to_vec(), a.collection(2)?.clone())
    }),
    Native::new("sample_every", sample_every),
];

/// Several running streams, and what has been heard of them.
struct Listener {
    /// `None` once all is over.
    inputs: Option<Inputs>,
    what: &'static str,
    batch: VecDeque<(usize, Event)>,
    consumed: Vec<usize>,
    /// How many have not ended yet.
    running: usize,
    /// What comes so soon after the first to come counts as simultaneous with it.
    moment: Option<Duration>,
}

enum Heard {
    Element(usize, Value),
    End(usize),
    /// Nothing came in time.
    Late,
}

impl Listener {
    fn start(streams: &[Value], what: &'static str, cx: &Cx) -> Result<Listener> {
        let inputs = Inputs::start(collections(streams), what, cx)?;
        Ok(Listener::new(inputs, streams.len(), what))
    }

    /// Elements that come at the same moment come in the order of their streams.
    fn start_in_order(streams: &[Value], what: &'static str, cx: &Cx) -> Result<Listener> {
        let inputs = Inputs::start_in_order(collections(streams), what, START, cx)?;
        let mut listener = Listener::new(inputs, streams.len(), what);
        listener.moment = Some(MOMENT);
        Ok(listener)
    }

    fn new(inputs: Inputs, running: usize, what: &'static str) -> Listener {
        Listener {
            inputs: Some(inputs),
            what,
            batch: VecDeque::new(),
            consumed: vec![0; running],
            running,
            moment: None,
        }
    }

    /// The next that happens. An input's error is the error of all; the others are stopped by it.
    fn next(&mut self, until: Option<Instant>, cx: &Cx) -> Result<Heard> {
        cx.token.check()?;
        while self.batch.is_empty() {
            let Some(inputs) = &self.inputs else {
                return Ok(Heard::Late);
            };
            inputs.release(&mut self.consumed);
            // Only where nothing waits already does the order of arrival hang on the moment.
            let idle = !inputs.receive(&mut self.batch, Some(Instant::now()), &cx.token)?;
            if idle && !inputs.receive(&mut self.batch, until, &cx.token)? {
                return Ok(Heard::Late);
            }
            if let Some(moment) = self.moment.filter(|_| idle) {
                cx.token.sleep(moment)?;
                inputs.receive(&mut self.batch, Some(Instant::now()), &cx.token)?;
                self.batch
                    .make_contiguous()
                    .sort_by_key(|(input, _)| *input);
            }
        }
        match self.batch.pop_front() {
            Some((input, Event::Element(value))) => Ok(Heard::Element(input, value)),
            Some((input, Event::End)) => {
                self.running -= 1;
                Ok(Heard::End(input))
            }
            Some((input, Event::Failed(error))) => {
                self.stop();
                // Of inputs within inputs the innermost says enough.
                if error.message().starts_with("input ") {
                    return Err(error);
                }
                Err(error.context(format_args!("input {} of {}", input + 1, self.what)))
            }
            None => Ok(Heard::Late),
        }
    }

    fn is_live(&self) -> bool {
        self.inputs.as_ref().is_some_and(Inputs::is_live)
    }

    /// Makes room for another element of that input.
    fn release(&mut self, input: usize) {
        self.consumed[input] += 1;
    }

    fn stop(&mut self) {
        self.inputs = None;
        self.batch.clear();
        self.running = 0;
    }
}

fn collections(streams: &[Value]) -> Vec<Arc<dyn Collection>> {
    streams.iter().map(collection).collect()
}

/// A stream, or a single value as a stream of it.
fn collection(value: &Value) -> Arc<dyn Collection> {
    match value.collection() {
        Some(collection) => collection.clone(),
        None => Arc::new(HeldBag::new(vec![value.clone()])),
    }
}

fn merge(cx: &Cx, args: Args) -> Result<Option<Value>> {
    let streams = match args.0 {
        // A vector or a bag of streams.
        [_] => args.collect(0, cx)?,
        several => several.to_vec(),
    };
    Ok(Some(merged(streams)))
}

/// The elements of all these streams as they come.
pub fn merged(streams: Vec<Value>) -> Value {
    Value::stream_from(move |cx| Ok(Box::new(Merge(Listener::start(&streams, "merge", cx)?))))
}

struct Merge(Listener);

impl Source for Merge {
    fn is_live(&self) -> bool {
        self.0.is_live()
    }

    fn next(&mut self, cx: &Cx) -> Result<Option<Value>> {
        while self.0.running > 0 {
            if let Heard::Element(input, value) = self.0.next(None, cx)? {
                self.0.release(input);
                return Ok(Some(value));
            }
        }
        Ok(None)
    }
}

fn pivot(_: &Cx, args: Args) -> Result<Option<Value>> {
    let streams = args.vector(0)?.clone();
    let initial = match args.value(1) {
        Value::Vector(initial) => initial.to_vec(),
        _ => vec![Value::Null; streams.len()],
    };
    if initial.len() != streams.len() {
        return Err(Error::run(format!(
            "{} streams cannot begin as a vector of {}",
            streams.len(),
            initial.len()
        )));
    }
    Ok(Some(Value::stream_from(move |cx| {
        Ok(Box::new(Pivot {
            inputs: Listener::start_in_order(&streams, "pivot", cx)?,
            latest: initial.clone(),
        }))
    })))
}

/// How long the start of streams in order may take.
const START: Duration = Duration::from_millis(20);

/// Streams of the same pace beat together, as nearly as their threads are woken together.
const MOMENT: Duration = Duration::from_micros(300);

struct Pivot {
    inputs: Listener,
    latest: Vec<Value>,
}

impl Source for Pivot {
    fn is_live(&self) -> bool {
        self.inputs.is_live()
    }

    fn next(&mut self, cx: &Cx) -> Result<Option<Value>> {
        while self.inputs.running > 0 {
            if let Heard::Element(input, value) = self.inputs.next(None, cx)? {
                self.inputs.release(input);
                self.latest[input] = value;
                return Ok(Some(Value::Vector(self.latest.as_slice().into())));
            }
        }
        Ok(None)
    }
}

fn zip(_: &Cx, args: Args) -> Result<Option<Value>> {
    let streams = args.vector(0)?.clone();
    let mut together = vec![args.len() < 2; streams.len()];
    if args.len() > 1 {
        for index in args.vector(1)?.iter() {
            let at = index.as_int().and_then(size::position);
            match at.and_then(|at| together.get_mut(at)) {
                Some(flag) => *flag = true,
                None => {
                    return Err(Error::run(format!(
                        "there is no stream {index}: there are {}",
                        streams.len()
                    )));
                }
            }
        }
    }
    if !together.contains(&true) && !streams.is_empty() {
        return Err(Error::run("streams:zip needs a stream to go by")
            .help("name the positions of the streams to be taken element by element"));
    }
    Ok(Some(Value::stream_from(move |cx| {
        Ok(Box::new(Zip {
            inputs: Listener::start(&streams, "zip", cx)?,
            together: together.clone(),
            waiting: vec![VecDeque::new(); streams.len()],
            latest: vec![Value::Null; streams.len()],
            ended: vec![false; streams.len()],
        }))
    })))
}

struct Zip {
    inputs: Listener,
    /// Which inputs are taken element by element; of the others the latest counts.
    together: Vec<bool>,
    waiting: Vec<VecDeque<Value>>,
    latest: Vec<Value>,
    ended: Vec<bool>,
}

impl Source for Zip {
    fn is_live(&self) -> bool {
        self.inputs.is_live()
    }

    fn next(&mut self, cx: &Cx) -> Result<Option<Value>> {
        loop {
            if let Some(row) = self.row() {
                return Ok(Some(row));
            }
            if self.is_over() {
                self.inputs.stop();
                return Ok(None);
            }
            match self.inputs.next(None, cx)? {
                Heard::Element(input, value) if self.together[input] => {
                    self.waiting[input].push_back(value);
                }
                Heard::Element(input, value) => {
                    self.inputs.release(input);
                    self.latest[input] = value;
                }
                Heard::End(input) => self.ended[input] = true,
                Heard::Late => {}
            }
        }
    }
}

impl Zip {
    /// The next element of each, if all of them are there.
    fn row(&mut self) -> Option<Value> {
        let missing =
            |(together, waiting): (&bool, &VecDeque<Value>)| *together && waiting.is_empty();
        if self.together.is_empty() || self.together.iter().zip(&self.waiting).any(missing) {
            return None;
        }
        for (input, waiting) in self.waiting.iter_mut().enumerate() {
            if let Some(value) = waiting.pop_front() {
                self.latest[input] = value;
                self.inputs.release(input);
            }
        }
        Some(Value::Vector(self.latest.as_slice().into()))
    }

    /// Whether one that every row needs has no more elements.
    fn is_over(&self) -> bool {
        let over = |input: usize| {
            self.together[input] && self.ended[input] && self.waiting[input].is_empty()
        };
        self.inputs.running == 0 || (0..self.together.len()).any(over)
    }
}

fn pivot_events(args: Args, latest: Vec<Value>, bus: Arc<dyn Collection>) -> Result<Option<Value>> {
    let keys = args.vector(0)?.clone();
    Ok(Some(Value::stream_from(move |cx| {
        Ok(Box::new(PivotEvents {
            events: bus.open(cx)?,
            latest: latest.clone(),
            keys: keys.clone(),
        }))
    })))
}

struct PivotEvents {
    events: Box<dyn Source>,
    keys: Arc<[Value]>,
    latest: Vec<Value>,
}

impl Source for PivotEvents {
    fn is_live(&self) -> bool {
        self.events.is_live()
    }

    fn next(&mut self, cx: &Cx) -> Result<Option<Value>> {
        while let Some(event) = self.events.next(cx)? {
            let (time, key, value) = parts(&event).ok_or_else(|| {
                Error::run(format!(
                    "an event is [time, key, value], not {}",
                    short(&event)
                ))
            })?;
            let Some(at) = self.keys.iter().position(|k| k == key) else {
                continue;
            };
            self.latest[at] = value.clone();
            cx.token.looks().steps(self.latest.len())?;
            let latest = Value::Vector(self.latest.as_slice().into());
            return Ok(Some(Value::Time(Arc::new(Timeval::at(time).stamp(latest)))));
        }
        Ok(None)
    }
}

/// Time in microseconds, key and value of an event.
fn parts(event: &Value) -> Option<(i64, &Value, &Value)> {
    let Value::Vector(event) = event else {
        return None;
    };
    let [time, key, value] = &**event else {
        return None;
    };
    Some((Timeval::micros_of(time)?, key, value))
}

fn sample_every(_: &Cx, args: Args) -> Result<Option<Value>> {
    let (stream, pace) = (args.value(0).clone(), pace(args, 1)?);
    if pace.is_zero() {
        return Err(Error::run("sample_every needs a pace above 0 seconds"));
    }
    Ok(Some(Value::stream_from(move |cx| {
        Ok(Box::new(Sampler {
            input: Listener::start(std::slice::from_ref(&stream), "sample_every", cx)?,
            pace,
            beat: None,
            latest: Value::Null,
            fresh: false,
        }))
    })))
}

struct Sampler {
    input: Listener,
    pace: Duration,
    /// Runs from the first element on.
    beat: Option<Beat>,
    latest: Value,
    /// Whether the latest has not been given yet.
    fresh: bool,
}

impl Source for Sampler {
    fn is_live(&self) -> bool {
        self.input.is_live()
    }

    fn next(&mut self, cx: &Cx) -> Result<Option<Value>> {
        loop {
            if self.input.running == 0 {
                return self.last(cx);
            }
            let due = self.beat.as_ref().map(Beat::due);
            if due.is_some_and(|due| due <= Instant::now()) {
                // What has come by now counts, but a flood must not keep the beat from being given.
                for _ in 0..CATCH_UP {
                    if !self.hear(due, cx)? {
                        break;
                    }
                }
                return self.give(cx).map(Some);
            }
            self.hear(due, cx)?;
            if self.fresh && self.beat.is_none() {
                self.beat = Some(Beat::new(self.pace));
                return self.give(cx).map(Some);
            }
        }
    }
}

/// How many elements are looked at before a beat that is due is given.
const CATCH_UP: usize = 1024;

impl Sampler {
    /// Takes the next element, if one comes by `until`.
    fn hear(&mut self, until: Option<Instant>, cx: &Cx) -> Result<bool> {
        let Heard::Element(input, value) = self.input.next(until, cx)? else {
            return Ok(false);
        };
        self.input.release(input);
        self.latest = value;
        self.fresh = true;
        Ok(true)
    }

    fn give(&mut self, cx: &Cx) -> Result<Value> {
        if let Some(beat) = &mut self.beat {
            beat.next(cx)?;
        }
        self.fresh = false;
        Ok(self.latest.clone())
    }

    /// The last element, at its beat, if it has not been given.
    fn last(&mut self, cx: &Cx) -> Result<Option<Value>> {
        if self.fresh {
            return self.give(cx).map(Some);
        }
        Ok(None)
    }
}
