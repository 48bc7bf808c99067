//! The windows that are open, with the groups of each.

use std::collections::{BTreeMap, HashMap};

use crate::model::{Cx, Value, size};
use crate::plan::{GroupWindow, Query};
use crate::run::eval::eval;
use crate::run::group::{GroupRows, Groups};
use crate::text::diagnostic::{Error, Result};

/// How many windows a row may fall into.
const MOST_WINDOWS: i128 = 10_000;

/// The windows that are open.
pub struct Windows {
    spans: Spans,
    /// How much earlier than the latest row a row may be, in microseconds.
    pub lateness: i64,
    /// The time of the latest row, or where the clock has taken it.
    pub time: Option<i64>,
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
    pub fn new(window: &GroupWindow, frame: &[Value], cx: &Cx) -> Result<Windows> {
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

    /// Of rows with these times, how many at the beginning fall into the same windows. None of these is over
    /// before the last of the rows.
    pub fn run(&self, times: &[i64]) -> usize {
        let Spans::Fixed { size, stride, .. } = &self.spans else {
            return times.len().min(1);
        };
        let windows = |time: i64| {
            let before = (*size - 1 - time.rem_euclid(*stride)).div_euclid(*stride);
            (time.div_euclid(*stride), before)
        };
        let first = times.first().copied().map(windows);
        let differs = |time: &i64| Some(windows(*time)) != first;
        times.iter().position(differs).unwrap_or(times.len())
    }

    /// Adds rows to their windows, a [`Windows::run`] of them, of which the first is at `time`; `false` if
    /// all of these have been given already.
    pub fn add_run(
        &mut self,
        query: &Query,
        time: i64,
        rows: &GroupRows,
        new: impl Fn() -> Option<Groups>,
        cx: &Cx,
    ) -> Result<bool> {
        self.fixed(time, new, |groups| groups.add_rows(query, rows.clone(), cx))
    }

    /// Puts something into the windows of one size that there are at a time; `false` if all of them have
    /// been given already.
    fn fixed(
        &mut self,
        time: i64,
        new: impl Fn() -> Option<Groups>,
        mut put: impl FnMut(&mut Groups) -> Result<()>,
    ) -> Result<bool> {
        let given = self.given.unwrap_or(i64::MIN);
        let Spans::Fixed { size, stride, open } = &mut self.spans else {
            return Ok(false);
        };
        let last = time.div_euclid(*stride).saturating_mul(*stride);
        // Between two windows, where the stride is larger than the size, a row is in none.
        let mut taken = time.saturating_sub(last) >= *size;
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
                    put(groups)?;
                }
            }
            start = start.saturating_sub(*stride);
        }
        Ok(taken)
    }

    /// Adds a row to its windows; `false` if all of them have been given already.
    pub fn add(
        &mut self,
        query: &Query,
        time: i64,
        keys: &[Value],
        contributions: &[Value],
        new: impl Fn() -> Option<Groups>,
        cx: &Cx,
    ) -> Result<bool> {
        if matches!(self.spans, Spans::Fixed { .. }) {
            let put = |groups: &mut Groups| groups.add(query, keys, contributions, cx);
            return self.fixed(time, new, put);
        }
        self.session(time, keys, new, |groups| {
            groups.add(query, keys, contributions, cx)
        })
    }

    /// Puts something into the window of its keys that a gap ends; `false` if it has been given already.
    fn session(
        &mut self,
        time: i64,
        keys: &[Value],
        new: impl Fn() -> Option<Groups>,
        put: impl FnOnce(&mut Groups) -> Result<()>,
    ) -> Result<bool> {
        let Spans::Gap {
            gap,
            sessions,
            ends,
            count,
        } = &mut self.spans
        else {
            return Ok(false);
        };
        let end = time.saturating_add(*gap);
        if self.given.is_some_and(|given| end <= given) {
            return Ok(false);
        }
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
            put(&mut session.groups)?;
            session.start = session.start.min(time);
            if end > session.end {
                ends.remove(&(session.end, session.number));
                session.end = end;
                ends.insert((end, session.number), keys.to_vec());
            }
        }
        Ok(true)
    }

    /// When the first of the open windows ends.
    pub fn first_end(&self) -> Option<i64> {
        match &self.spans {
            Spans::Fixed { size, open, .. } => open
                .first_key_value()
                .map(|(start, _)| start.saturating_add(*size)),
            Spans::Gap { ends, .. } => ends.first_key_value().map(|((end, _), _)| *end),
        }
    }

    /// Takes out the first window that is over at a time: its start, its end, its groups.
    pub fn take_over(&mut self, time: i64) -> Option<(i64, i64, Groups)> {
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
