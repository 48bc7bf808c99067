//! Groups within windows of time, of rows that may go on for ever: `group by k, window(60)`.
//!
//! Time is that of the rows, and stands at the latest of them. A window is over, and its groups are given,
//! in the order of their keys, when time has come to its end; the windows that are open are given when the
//! rows end. Of a live stream that falls silent time goes on by the clock, [`GRACE`] behind. A row whose
//! window has been given already is left out, and counted.

mod row_time;
mod rows;
mod windows;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::eval::captured;
use super::group::Groups;
use super::query;
use super::sorted::SortedResults;
use crate::host::{Host, failed};
use crate::model::{Cx, Source, Timeval, Value};
use crate::plan::{Group, GroupWindow, Query, Slot};
use crate::text::console::Console;
use crate::text::diagnostic::{Error, Result};
use crate::text::wait::later;
use row_time::time_of;
use rows::{Heard, Rows};
use windows::Windows;

/// How much longer a window waits for rows of a silent stream than the clock says, as they need some time on
/// their way.
const GRACE: Duration = Duration::from_secs(1);

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
