//! The data of a plot: results as series of points, or as bars that have names.
//!
//! Numbers, vectors of numbers, records, arrays of one dimension, and such values with a time, are points
//! that follow those before them. A vector of such values, and an array of two dimensions, is a picture of
//! its own, which takes the place of what was there.

use std::collections::VecDeque;
use std::sync::Arc;

use indexmap::IndexMap;

use super::element::{PlottedNumber, PlottedRow, Unplottable, is_batch, row};
use crate::model::plot::{PlotKind, PlotSpec};
use crate::model::{Array, Value, print};

/// Series that a plot has at the most: more lines cannot be told apart.
pub const MOST_SERIES: usize = 64;

/// Bars with names that a plot has at the most.
const MOST_BARS: usize = 1000;

/// How many of the latest elements are shown of what arrives over time, if that is not said.
const LIVE_MEMORY: usize = 500;

/// How many elements are shown of what has an end, if that is not said: every second one, every fourth,
/// and so on, where there are more.
const MOST_ELEMENTS: usize = 10_000;

/// What stands at a place of the horizontal axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HorizontalAxis {
    /// The number of the element.
    Count,
    /// Seconds since 1970.
    Time,
    Number,
}

/// A point; no number is a gap in the line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// The number of its element.
    element: u64,
    pub x: f64,
    pub y: Option<f64>,
}

/// What one plot shows.
pub struct PlotData {
    pub kind: PlotKind,
    labels: Vec<Arc<str>>,
    memory: Memory,
    pub horizontal: HorizontalAxis,
    pub series: IndexMap<Arc<str>, VecDeque<Point>>,
    /// Bars with names, and the parts of a pie.
    pub bars: IndexMap<Arc<str>, f64>,
    /// What the axes of a scatter plot are called.
    pub axis_names: [Arc<str>; 2],
    /// The latest element as text.
    pub latest: String,
    elements: u64,
    left_out: LeftOut,
}

/// Which elements are kept.
#[derive(Clone, Copy)]
enum Memory {
    /// So many of the latest.
    Latest(usize),
    /// One of so many, from the beginning.
    OneOf(u64),
}

/// What cannot be seen in the plot.
#[derive(Default)]
struct LeftOut {
    /// Elements without anything to plot, and why the first is one.
    elements: u64,
    first: Option<String>,
    /// Numbers that are infinite or none.
    not_finite: u64,
    series: bool,
    bars: bool,
}

impl PlotData {
    /// A plot whose first element this is. Rows have columns of these names, if any; `is_live` if they
    /// arrive over time. `None` if the element suits no plot and is shown as text.
    pub fn new(
        spec: &PlotSpec,
        columns: &[Arc<str>],
        first: &Value,
        is_live: bool,
    ) -> Option<PlotData> {
        let kind = match spec.kind {
            PlotKind::Text => return None,
            PlotKind::Automatic => suitable(first, is_live)?,
            kind => kind,
        };
        let labels = match spec.labels.is_empty() {
            true => columns,
            false => &spec.labels,
        };
        Some(PlotData {
            kind,
            labels: labels.to_vec(),
            memory: match (spec.memory, is_live) {
                (Some(most), _) => Memory::Latest(most),
                (None, true) => Memory::Latest(LIVE_MEMORY),
                (None, false) => Memory::OneOf(1),
            },
            horizontal: HorizontalAxis::Count,
            series: IndexMap::new(),
            bars: IndexMap::new(),
            axis_names: ["".into(), "".into()],
            latest: String::new(),
            elements: 0,
            left_out: LeftOut::default(),
        })
    }

    /// Takes the next result.
    pub fn take(&mut self, element: &Value) {
        if self.kind == PlotKind::TextSingle {
            self.elements += 1;
            self.latest = print::beginning(element, 1000);
            return;
        }
        let inner = match element {
            Value::Time(time) => time.value.as_ref().unwrap_or(element),
            other => other,
        };
        match inner {
            Value::Vector(elements) if is_batch(elements) => {
                self.clear();
                elements.iter().for_each(|element| self.extend(element));
            }
            Value::Array(array) if array.shape().len() == 2 => {
                self.clear();
                self.series_of(array);
            }
            _ => self.extend(element),
        }
    }

    fn clear(&mut self) {
        self.series.clear();
        self.bars.clear();
        self.elements = 0;
        if let Memory::OneOf(stride) = &mut self.memory {
            *stride = 1;
        }
    }

    /// Each row of the array as a series.
    fn series_of(&mut self, array: &Array) {
        let [series, points] = *array.shape() else {
            return;
        };
        for point in 0..points {
            let cells = (0..series.min(MOST_SERIES + 1))
                .map(|at| self.cell(at, &array.element(at * points + point)));
            let row = PlottedRow {
                cells: cells.collect(),
                ..PlottedRow::default()
            };
            self.point(row);
        }
    }

    fn cell(&self, at: usize, value: &Value) -> PlottedNumber {
        PlottedNumber {
            name: self.labels.get(at).cloned(),
            number: value.as_real(),
        }
    }

    fn extend(&mut self, element: &Value) {
        match row(element, &self.labels) {
            Ok(row) => self.point(row),
            Err(Unplottable(reason)) => {
                self.left_out.elements += 1;
                self.left_out.first.get_or_insert(reason);
            }
        }
    }

    fn point(&mut self, mut row: PlottedRow) {
        for cell in &mut row.cells {
            if cell.number.is_some_and(|number| !number.is_finite()) {
                cell.number = None;
                self.left_out.not_finite += 1;
            }
        }
        self.elements += 1;
        match self.kind {
            PlotKind::Pie => self.named_bars(row, true),
            PlotKind::Bar if row.is_named() => self.named_bars(row, false),
            PlotKind::Bar => self.numbered_bars(&row),
            PlotKind::Scatter => self.scatter(row),
            _ => self.lines(row),
        }
        self.forget();
    }

    /// A bar for each number. Those of an element that names itself stay beside those of others.
    fn named_bars(&mut self, row: PlottedRow, is_pie: bool) {
        let is_extended = row.label.is_some() || row.cells.len() == 1;
        if !is_extended {
            self.bars.clear();
        }
        for (name, number) in row.named(&self.elements.to_string()) {
            let number = match number {
                Some(number) if !(is_pie && number < 0.0) => number,
                _ => {
                    self.bars.shift_remove(&name);
                    continue;
                }
            };
            if self.bars.len() >= MOST_BARS && !self.bars.contains_key(&name) {
                self.left_out.bars = true;
                continue;
            }
            self.bars.insert(name, number);
        }
    }

    /// Bars that have no names: a number follows those before it, a vector takes their place.
    fn numbered_bars(&mut self, row: &PlottedRow) {
        let element = self.elements;
        let bars = self.series.entry("".into()).or_default();
        if let [cell] = &*row.cells {
            bars.push_back(Point {
                element,
                x: element as f64,
                y: cell.number,
            });
            return;
        }
        let numbered = row.cells.iter().zip(1u32..);
        *bars = numbered
            .map(|(cell, at)| Point {
                element,
                x: at.into(),
                y: cell.number,
            })
            .collect();
    }

    fn scatter(&mut self, row: PlottedRow) {
        let [x, y, ..] = &*row.cells else {
            return self.lines(row);
        };
        self.horizontal = HorizontalAxis::Number;
        let name = |cell: &PlottedNumber| cell.name.clone().unwrap_or_else(|| "".into());
        self.axis_names = [name(x), name(y)];
        if let (Some(x), Some(y)) = (x.number, y.number) {
            let point = Point {
                element: self.elements,
                x,
                y: Some(y),
            };
            self.put(row.label.unwrap_or_else(|| "".into()), point);
        }
    }

    fn lines(&mut self, row: PlottedRow) {
        let element = self.elements;
        if element == 1 && row.time.is_some() {
            self.horizontal = HorizontalAxis::Time;
        }
        let x = match (self.horizontal, row.time) {
            (HorizontalAxis::Time, Some(time)) => time,
            (HorizontalAxis::Time, None) => {
                self.left_out.elements += 1;
                let reason = "it has no time, as those before it have".to_owned();
                self.left_out.first.get_or_insert(reason);
                return;
            }
            _ => element as f64,
        };
        for (name, y) in row.named("") {
            self.put(name, Point { element, x, y });
        }
    }

    fn put(&mut self, name: Arc<str>, point: Point) {
        if self.series.len() >= MOST_SERIES && !self.series.contains_key(&name) {
            self.left_out.series = true;
            return;
        }
        let points = self.series.entry(name).or_default();
        if let Memory::OneOf(stride) = self.memory
            && !point.element.is_multiple_of(stride)
        {
            return;
        }
        points.push_back(point);
    }

    /// Lets go of what is no longer shown.
    fn forget(&mut self) {
        match &mut self.memory {
            Memory::Latest(most) => {
                let oldest = self.elements.saturating_sub(*most as u64);
                for points in self.series.values_mut() {
                    while points.front().is_some_and(|point| point.element <= oldest) {
                        points.pop_front();
                    }
                }
                self.series.retain(|_, points| !points.is_empty());
            }
            Memory::OneOf(stride) if self.elements > MOST_ELEMENTS as u64 * *stride => {
                *stride *= 2;
                let stride = *stride;
                for points in self.series.values_mut() {
                    points.retain(|point| point.element.is_multiple_of(stride));
                }
            }
            Memory::OneOf(_) => {}
        }
    }

    /// Whether there is nothing to see.
    pub fn is_empty(&self) -> bool {
        let no_points = self
            .series
            .values()
            .all(|points| points.iter().all(|point| point.y.is_none()));
        no_points && self.bars.is_empty() && self.latest.is_empty()
    }

    /// What cannot be seen in the plot, in words.
    pub fn remarks(&self) -> Vec<String> {
        let mut remarks = Vec::new();
        let left_out = &self.left_out;
        if let Some(first) = &left_out.first {
            remarks.push(match left_out.elements {
                1 => format!("a result cannot be plotted: {first}"),
                n => format!("{n} results cannot be plotted; of the first: {first}"),
            });
        }
        match left_out.not_finite {
            0 => {}
            1 => remarks.push("a number that is not finite is a gap in the plot".to_owned()),
            n => remarks.push(format!(
                "{n} numbers that are not finite are gaps in the plot"
            )),
        }
        if let Memory::OneOf(stride @ 2..) = self.memory {
            remarks.push(format!(
                "the plot shows one of {stride} results; \"memory\" in its record shows the latest instead"
            ));
        }
        if left_out.series {
            remarks.push(format!(
                "the plot shows {MOST_SERIES} series, and there are more"
            ));
        }
        if left_out.bars {
            remarks.push(format!(
                "the plot shows {MOST_BARS} bars, and there are more"
            ));
        }
        remarks
    }
}

/// The plot that suits a result: bars for what has a name, if it has an end, and lines for other numbers.
fn suitable(first: &Value, is_live: bool) -> Option<PlotKind> {
    let element = match first {
        // That something has been done.
        Value::Bool(_) => return None,
        Value::Vector(elements) if is_batch(elements) => elements.first()?,
        Value::Array(array) if array.shape().len() == 2 => return Some(PlotKind::Line),
        other => other,
    };
    let row = row(element, &[]).ok()?;
    Some(
        match row.label.is_some() && row.time.is_none() && !is_live {
            true => PlotKind::Bar,
            false => PlotKind::Line,
        },
    )
}
