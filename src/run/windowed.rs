//! Groups within windows of time, of rows that may go on for ever: `group by k, window(60)`.
//!
//! Time is that of the rows, and stands at the latest of them. A window is over, and its groups are given,
//! in the order of their keys, when time has come to its end; the windows that are open are given when the
//! rows end. Of a live stream that falls silent time goes on by the clock, [`GRACE`] behind. A row whose
//! window has been given already is left out, and counted.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::eval::eval;
use super::group::Groups;
use super::inputs::{Event, Inputs};
use super::query;
use super::sorted::SortedResults;
use crate::host::{Host, failed};
use crate::model::{Collection, Cx, Source, Timeval, Value, size};
use crate::plan::{Group, GroupWindow, Query, Slot};
use crate::run::call::short;
use crate::run::eval::captured;
use crate::text::console::Console;
use crate::text::diagnostic::{Error, Result};
use crate::text::wait::{later, lock};

/// How much longer a window waits for rows of a silent stream than the clock says, as they need some time on
/// their way.
const GRACE: Duration = Duration::from_secs(1);

/// How many windows a row may fall into.
const MOST_WINDOWS: i128 = 10_000;

/// What a record calls its time.
const TIME_FIELDS: [&str; 3] = ["time", "timestamp", "ts"];

/// The groups of a query with windows, in the order in which the windows end.
pub fn open(
    query: &Arc<Query>,
    group: &Group,
    window: &GroupWindow,
    frame: Vec<Value>,
    cx: &Cx,
) -> Result<Box<dyn Source>> {
    let windows = Windows::new(window, &frame, cx)?;
    let rows = query::open(&window.rows.query, captured(&window.rows, &frame), cx)?;
    let rows = match window.live {
        true => Rows::on_thread(rows, cx)?,
        false => Rows::Here(Some(rows)),
    };
    Ok(Box::new(WindowedRun {
        keys: group.keys.len(),
        rows,
        query: query.clone(),
        frame,
        windows,
        results: VecDeque::new(),
        heard: Instant::now(),
        late: LateRows {
            count: 0,
            console: Host::of(cx).console.clone(),
        },
    }))
}

struct WindowedRun {
    query: Arc<Query>,
    frame: Vec<Value>,
    /// How many keys there are.
    keys: usize,
    rows: Rows,
    windows: Windows,
    /// Results of windows that are over.
    results: VecDeque<Value>,
    /// When the latest row came.
    heard: Instant,
    late: LateRows,
}

/// Where rows come from.
enum Rows {
    /// Rows that are pulled; nothing once they have ended.
    Here(Option<Box<dyn Source>>),
    /// Rows of a live stream come from a thread, so that a silence can be heard.
    Thread {
        inputs: Inputs,
        batch: VecDeque<(usize, Event)>,
    },
}

/// A source that has been opened, to be run by a thread.
struct Opened(Mutex<Option<Box<dyn Source>>>);

impl Collection for Opened {
    fn open(&self, _: &Cx) -> Result<Box<dyn Source>> {
        let source = lock(&self.0).take();
        source.ok_or_else(|| Error::run("the rows of windows are read once"))
    }
}

/// What comes next.
enum Heard {
    Row(Value),
    /// Nothing in time.
    Silence,
    End,
}

impl Rows {
    fn on_thread(source: Box<dyn Source>, cx: &Cx) -> Result<Rows> {
        let opened: Arc<dyn Collection> = Arc::new(Opened(Mutex::new(Some(source))));
        Ok(Rows::Thread {
            inputs: Inputs::start(vec![opened], "window", cx)?,
            batch: VecDeque::new(),
        })
    }

    fn next(&mut self, until: Option<Instant>, cx: &Cx) -> Result<Heard> {
        match self {
            Rows::Here(None) => Ok(Heard::End),
            Rows::Here(Some(source)) => {
                let Some(row) = source.next(cx)? else {
                    *self = Rows::Here(None);
                    return Ok(Heard::End);
                };
                if source.is_live()
                    && let Rows::Here(source) = self
                    && let Some(source) = source.take()
                {
                    *self = Rows::on_thread(source, cx)?;
                }
                Ok(Heard::Row(row))
            }
            Rows::Thread { inputs, batch } => {
                if batch.is_empty() && !inputs.receive(batch, until, &cx.token)? {
                    return Ok(Heard::Silence);
                }
                match batch.pop_front() {
                    Some((_, Event::Element(row))) => {
                        inputs.release(&mut [1]);
                        Ok(Heard::Row(row))
                    }
                    Some((_, Event::Failed(error))) => {
                        *self = Rows::Here(None);
                        Err(error)
                    }
                    Some((_, Event::End)) | None => {
                        *self = Rows::Here(None);
                        Ok(Heard::End)
                    }
                }
            }
        }
    }
}

impl Source for WindowedRun {
    fn next(&mut self, cx: &Cx) -> Result<Option<Value>> {
        loop {
            if let Some(result) = self.results.pop_front() {
                return Ok(Some(result));
            }
            let until = self.until();
            match self.rows.next(until, cx)? {
                Heard::Row(row) => {
                    self.heard = Instant::now();
                    match self.take(&row, cx) {
                        // A bad element is not the end of a live stream.
                        Err(error) if self.is_live() => failed::set_aside(error, cx)?,
                        taken => taken?,
                    }
                }
                Heard::Silence => {
                    if let Some(end) = self.windows.first_end() {
                        self.windows.time = Some(end.saturating_add(self.windows.lateness));
                        self.give(end, cx)?;
                    }
                }
                Heard::End => {
                    self.late.summarize();
                    self.give(i64::MAX, cx)?;
                    return Ok(self.results.pop_front());
                }
            }
        }
    }

    fn is_live(&self) -> bool {
        matches!(&self.rows, Rows::Thread { inputs, .. } if inputs.is_live())
    }
}

impl WindowedRun {
    /// When the first window is over by the clock if no row comes.
    fn until(&self) -> Option<Instant> {
        let (end, time) = (self.windows.first_end()?, self.windows.time?);
        let left = end
            .saturating_add(self.windows.lateness)
            .saturating_sub(time);
        let left = Duration::from_micros(left.max(0) as u64);
        Some(later(self.heard, left.saturating_add(GRACE)))
    }

    /// Takes a row: its time, its keys, what it contributes to each aggregate.
    fn take(&mut self, row: &Value, cx: &Cx) -> Result<()> {
        let Value::Vector(row) = row else {
            return Err(Error::run("a row of windows is a vector"));
        };
        let Some((time, rest)) = row.split_first() else {
            return Ok(());
        };
        let time = time_of(time)?;
        // What is over by now goes first: the row is in none of it.
        let latest = self.windows.time.map_or(time, |latest| latest.max(time));
        self.windows.time = Some(latest);
        self.give(latest.saturating_sub(self.windows.lateness), cx)?;
        let (keys, contributions) = rest.split_at(self.keys.min(rest.len()));
        let group = self.query.group.as_ref();
        let new = || group.map(|group| Groups::new(group, cx));
        if !self
            .windows
            .add(&self.query, time, keys, contributions, new, cx)?
        {
            self.late.add();
        }
        Ok(())
    }

    /// Makes results of the windows that are over at a time.
    fn give(&mut self, time: i64, cx: &Cx) -> Result<()> {
        let query = self.query.clone();
        let (Some(group), Some(window)) = (&query.group, query.window()) else {
            return Ok(());
        };
        while let Some((start, end, groups)) = self.windows.take_over(time) {
            let mut put = |slot: Slot, micros| {
                self.frame[slot] = Value::Time(Arc::new(Timeval::at(micros)));
            };
            put(window.start, start);
            put(window.end, end);
            let mut results = SortedResults::new(&query, None);
            groups.finish(&query, group, &mut results, &mut self.frame, cx)?;
            let mut results = results.finish(cx)?;
            while let Some(result) = results.next() {
                self.results.push_back(result);
            }
        }
        Ok(())
    }
}

/// The time that a value has in microseconds: it is one, is stamped with one, has one in a field that is
/// called so, or as its first element.
fn time_of(value: &Value) -> Result<i64> {
    let time = match value {
        Value::Record(record) => {
            let mut fields = TIME_FIELDS.iter().filter_map(|field| record.get(field));
            fields.next().and_then(Timeval::micros_of)
        }
        Value::Vector(elements) => elements.first().and_then(Timeval::micros_of),
        other => Timeval::micros_of(other),
    };
    time.ok_or_else(|| {
        Error::run(format!("there is no time in {}", short(value)))
            .help(
                "a record has it in its field time, timestamp or ts, a vector as its first element",
            )
            .help("window_on(time,size) takes it by an expression; now() is when an element came")
    })
}

/// The windows that are open.
struct Windows {
    spans: Spans,
    /// How much earlier than the latest row a row may be, in microseconds.
    lateness: i64,
    /// The time of the latest row, or where the clock has taken it.
    time: Option<i64>,
    /// How far windows have been given.
    given: Option<i64>,
}

enum Spans {
    /// Windows of one size, by their starts.
    Fixed {
        size: i64,
        stride: i64,
        open: BTreeMap<i64, Groups>,
    },
    /// Windows that a gap ends, one for each group of keys at a time.
    Gap {
        gap: i64,
        sessions: HashMap<Vec<Value>, Session>,
        /// The keys by the ends of their windows, as far as they are known.
        ends: BTreeMap<(i64, u64), Vec<Value>>,
        count: u64,
    },
}

struct Session {
    start: i64,
    /// The latest row, and the gap.
    end: i64,
    number: u64,
    groups: Groups,
}

impl Windows {
    fn new(window: &GroupWindow, frame: &[Value], cx: &Cx) -> Result<Windows> {
        let mut sizes = Vec::with_capacity(window.sizes.len());
        for size in &window.sizes {
            sizes.push(eval(size, frame, cx)?.unwrap_or(Value::Null));
        }
        let above_zero = |value: &Value, what: &str| {
            let micros = micros(value).filter(|micros| *micros > 0);
            micros.ok_or_else(|| {
                let message = format!("{what} is a number of seconds above 0, not {value}");
                Error::run(message).at(&window.span)
            })
        };
        let size = sizes.first().unwrap_or(&Value::Null);
        let spans = if window.gap {
            Spans::Gap {
                gap: above_zero(size, "the gap between windows")?,
                sessions: HashMap::new(),
                ends: BTreeMap::new(),
                count: 0,
            }
        } else {
            let size = above_zero(size, "the size of a window")?;
            let stride = match sizes.get(1) {
                Some(stride) => above_zero(stride, "the stride of windows")?,
                None => size,
            };
            if i128::from(size) / i128::from(stride) > MOST_WINDOWS {
                return Err(Error::run(format!(
                    "a row would be in more than {MOST_WINDOWS} windows"
                ))
                .at(&window.span));
            }
            Spans::Fixed {
                size,
                stride,
                open: BTreeMap::new(),
            }
        };
        let lateness = match sizes.get(2) {
            None => 0,
            Some(lateness) => micros(lateness).filter(|m| *m >= 0).ok_or_else(|| {
                Error::run(format!(
                    "how late a row may come is a number of seconds from 0 up, not {lateness}"
                ))
                .at(&window.span)
            })?,
        };
        Ok(Windows {
            spans,
            lateness,
            time: None,
            given: None,
        })
    }

    /// Adds a row to its windows; `false` if all of them have been given already.
    fn add(
        &mut self,
        query: &Query,
        time: i64,
        keys: &[Value],
        contributions: &[Value],
        new: impl Fn() -> Option<Groups>,
        cx: &Cx,
    ) -> Result<bool> {
        let given = self.given.unwrap_or(i64::MIN);
        let mut taken = false;
        match &mut self.spans {
            Spans::Fixed { size, stride, open } => {
                let last = time.div_euclid(*stride).saturating_mul(*stride);
                let mut start = last;
                while time.saturating_sub(start) < *size {
                    if start.saturating_add(*size) > given {
                        taken = true;
                        if !open.contains_key(&start)
                            && let Some(groups) = new()
                        {
                            open.insert(start, groups);
                            size::check_elements(open.len(), "what is open of windows")?;
                        }
                        if let Some(groups) = open.get_mut(&start) {
                            groups.add(query, keys, contributions, cx)?;
                        }
                    }
                    start = start.saturating_sub(*stride);
                }
                // Between two windows, where the stride is larger than the size, a row is in none.
                taken |= time.saturating_sub(last) >= *size;
            }
            Spans::Gap {
                gap,
                sessions,
                ends,
                count,
            } => {
                let end = time.saturating_add(*gap);
                if end > given {
                    taken = true;
                    if !sessions.contains_key(keys)
                        && let Some(groups) = new()
                    {
                        *count += 1;
                        let number = *count;
                        let session = Session {
                            start: time,
                            end,
                            number,
                            groups,
                        };
                        ends.insert((end, number), keys.to_vec());
                        sessions.insert(keys.to_vec(), session);
                        size::check_elements(sessions.len(), "what is open of windows")?;
                    }
                    if let Some(session) = sessions.get_mut(keys) {
                        session.groups.add(query, keys, contributions, cx)?;
                        session.start = session.start.min(time);
                        if end > session.end {
                            ends.remove(&(session.end, session.number));
                            session.end = end;
                            ends.insert((end, session.number), keys.to_vec());
                        }
                    }
                }
            }
        }
        Ok(taken)
    }

    /// When the first of the open windows ends.
    fn first_end(&self) -> Option<i64> {
        match &self.spans {
            Spans::Fixed { size, open, .. } => open
                .first_key_value()
                .map(|(start, _)| start.saturating_add(*size)),
            Spans::Gap { ends, .. } => ends.first_key_value().map(|((end, _), _)| *end),
        }
    }

    /// Takes out the first window that is over at a time: its start, its end, its groups.
    fn take_over(&mut self, time: i64) -> Option<(i64, i64, Groups)> {
        let end = self.first_end().filter(|end| *end <= time);
        let Some(end) = end else {
            self.given = self.given.max(Some(time));
            return None;
        };
        match &mut self.spans {
            Spans::Fixed { open, .. } => {
                let (start, groups) = open.pop_first()?;
                Some((start, end, groups))
            }
            Spans::Gap { sessions, ends, .. } => {
                let (_, keys) = ends.pop_first()?;
                let session = sessions.remove(&keys)?;
                Some((session.start, end, session.groups))
            }
        }
    }
}

fn micros(seconds: &Value) -> Option<i64> {
    let micros = (seconds.as_real()? * 1e6).round();
    (micros.abs() < 9e15).then_some(micros as i64)
}

/// Rows whose windows had been given already: the first is said at once, how many there were at the end.
struct LateRows {
    count: u64,
    console: Arc<Console>,
}

impl LateRows {
    fn add(&mut self) {
        self.count += 1;
        if self.count == 1 {
            self.warn("an element came after its window had been given, and is left out");
        }
    }

    fn summarize(&mut self) {
        let count = std::mem::take(&mut self.count);
        if count > 1 {
            self.warn(&format!(
                "{count} elements came after their windows had been given, and were left out"
            ));
        }
    }

    fn warn(&self, text: &str) {
        self.console.notice(&format!("warning: {text}\n"));
    }
}

impl Drop for LateRows {
    fn drop(&mut self) {
        self.summarize();
    }
}
