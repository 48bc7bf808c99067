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

use super::batch::BatchResults;
use super::eval::captured;
use super::group::{GroupRows, Groups};
use super::sorted::SortedResults;
use crate::host::{Host, failed};
use crate::model::{Cx, Source, Timeval, Value};
use crate::plan::{Group, GroupWindow, Query, RowTime, Slot};
use crate::text::console::Console;
use crate::text::diagnostic::{Error, Result};
use crate::text::wait::later;
use row_time::{time_of, time_of_fields, times, times_of_fields};
use rows::{Heard, WindowRows};
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
    let given = captured(&window.rows, &frame);
    let rows = WindowRows::open(&window.rows.query, given, window.live, cx)?;
    Ok(Box::new(WindowedRun {
        keys: group.keys.len(),
        time: window.time,
        rows,
        query: query.clone(),
        frame,
        windows,
        results: VecDeque::new(),
        failed: None,
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
    /// Where a row has its time, behind the keys.
    time: RowTime,
    rows: WindowRows,
    windows: Windows,
    /// Results of windows that are over.
    results: VecDeque<Value>,
    /// What went wrong, after these results had been made.
    failed: Option<Error>,
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
            if let Some(error) = self.failed.take() {
                return Err(error);
            }
            let until = self.until();
            match self.rows.next(until, cx)? {
                Heard::Row(row) => {
                    self.heard = Instant::now();
                    match self.take(&row, cx) {
                        // A bad element is not the end of a live stream.
                        Err(error) if self.is_live() => failed::set_aside(error, cx)?,
                        taken => self.failed = taken.err(),
                    }
                }
                Heard::Batch(results) => self.failed = self.take_batch(results, cx).err(),
                Heard::Silence => {
                    if let Some(end) = self.windows.first_end() {
                        self.windows.time = Some(end.saturating_add(self.windows.lateness));
                        self.give(end, cx)?;
                    }
                }
                Heard::End => {
                    self.late.summarize();
                    self.failed = self.give(i64::MAX, cx).err();
                    if self.results.is_empty() && self.failed.is_none() {
                        return Ok(None);
                    }
                }
            }
        }
    }

    fn is_live(&self) -> bool {
        matches!(&self.rows, WindowRows::Thread { inputs, .. } if inputs.is_live())
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
        let (keys, rest) = row.split_at(self.keys.min(row.len()));
        let (time, contributions) = rest.split_at(self.time.columns().min(rest.len()));
        let time = match self.time {
            RowTime::Column => time_of(time.first().unwrap_or(&Value::Null))?,
            RowTime::Fields => time_of_fields(time, cx)?,
        };
        self.go_on_to(time, cx)?;
        self.add(time, keys, contributions, cx)
    }

    /// Time has come to that of a row. What is over by now is given: the row is in none of it.
    fn go_on_to(&mut self, time: i64, cx: &Cx) -> Result<()> {
        let latest = self.windows.time.map_or(time, |latest| latest.max(time));
        self.windows.time = Some(latest);
        self.give(latest.saturating_sub(self.windows.lateness), cx)
    }

    fn add(&mut self, time: i64, keys: &[Value], contributions: &[Value], cx: &Cx) -> Result<()> {
        let group = self.query.group.as_ref();
        let new = || group.map(|group| Groups::new(group, cx));
        let windows = &mut self.windows;
        if !windows.add(&self.query, time, keys, contributions, new, cx)? {
            self.late.add(1);
        }
        Ok(())
    }

    /// Takes rows that have columns.
    fn take_batch(&mut self, results: BatchResults, cx: &Cx) -> Result<()> {
        let mut keys = results.columns;
        let time = keys.split_off(self.keys.min(keys.len()));
        let mut contributions = results.optional;
        let (times, failed) = match self.time {
            RowTime::Column => times(time.first(), results.rows),
            RowTime::Fields => {
                let behind = self.time.columns().min(contributions.len());
                let behind = contributions.split_off(behind);
                let fields = std::mem::replace(&mut contributions, behind);
                times_of_fields(&fields, results.rows)
            }
        };
        let rows = GroupRows {
            keys,
            contributions,
            rows: results.rows,
        };
        self.take_rows(&rows, &times, cx)?;
        failed.map_or(Ok(()), Err)
    }

    /// Takes the first of the rows, those that have times.
    fn take_rows(&mut self, rows: &GroupRows, times: &[i64], cx: &Cx) -> Result<()> {
        let mut at = 0;
        while let Some(time) = times.get(at) {
            self.go_on_to(*time, cx)?;
            let run = self.windows.run(&times[at..]);
            if run == 1 {
                let (keys, contributions) = rows.row(at);
                self.add(*time, &keys, &contributions, cx)?;
            } else {
                let part = rows.part(at..at + run);
                let group = self.query.group.as_ref();
                let new = || group.map(|group| Groups::new(group, cx));
                let windows = &mut self.windows;
                if !windows.add_run(&self.query, *time, &part, new, cx)? {
                    self.late.add(run as u64);
                }
                let latest = times[at..at + run].iter().copied().max();
                self.go_on_to(latest.unwrap_or(*time), cx)?;
            }
            at += run;
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
    fn add(&mut self, rows: u64) {
        let is_first = self.count == 0;
        self.count += rows;
        if is_first {
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
