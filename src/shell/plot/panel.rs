//! What a plot consists of, whatever it is drawn on: charts with two axes, bars with names, the parts of a
//! whole, or a line of text.

use std::collections::VecDeque;

use jiff::tz::TimeZone;

use super::axis::{self, Axis};
use super::data::{HorizontalAxis, PlotData, Point};
use crate::model::plot::PlotKind;

/// A part of the picture.
pub enum Panel<'d> {
    Chart(Chart<'d>),
    /// Bars with names, as long as their numbers say.
    Bars(Vec<(&'d str, f64)>),
    /// The parts of a whole, with their names.
    Parts(Vec<(&'d str, f64)>),
    Text(&'d str),
}

/// How the points of a chart are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Lines,
    Dots,
    Columns,
}

/// Series between two axes.
pub struct Chart<'d> {
    pub form: Form,
    pub series: Vec<Series<'d>>,
    horizontal: HorizontalAxis,
    pub axis_names: [&'d str; 2],
}

/// Points of one name.
pub struct Series<'d> {
    pub name: &'d str,
    /// Which colour it has.
    pub colour: usize,
    points: &'d VecDeque<Point>,
}

/// The panels of a plot, one below the other.
pub fn panels(data: &PlotData) -> Vec<Panel<'_>> {
    let bars = || {
        data.bars
            .iter()
            .map(|(name, number)| (&**name, *number))
            .collect()
    };
    match data.kind {
        PlotKind::TextSingle => vec![Panel::Text(&data.latest)],
        PlotKind::Pie => vec![Panel::Parts(bars())],
        PlotKind::Bar if !data.bars.is_empty() => vec![Panel::Bars(bars())],
        PlotKind::Bar => vec![chart(data, Form::Columns, series(data))],
        PlotKind::Scatter => vec![chart(data, Form::Dots, series(data))],
        PlotKind::Multi => {
            let charts = series(data).into_iter();
            charts
                .map(|series| chart(data, Form::Lines, vec![series]))
                .collect()
        }
        _ => vec![chart(data, Form::Lines, series(data))],
    }
}

fn series(data: &PlotData) -> Vec<Series<'_>> {
    let numbered = data.series.iter().enumerate();
    let series = numbered.map(|(colour, (name, points))| Series {
        name,
        colour,
        points,
    });
    series.collect()
}

fn chart<'d>(data: &'d PlotData, form: Form, series: Vec<Series<'d>>) -> Panel<'d> {
    let [x, y] = &data.axis_names;
    Panel::Chart(Chart {
        form,
        series,
        horizontal: data.horizontal,
        axis_names: [x, y],
    })
}

impl Series<'_> {
    /// The points without gaps, in pieces between these.
    pub fn pieces(&self) -> Vec<Vec<(f64, f64)>> {
        let mut pieces = vec![vec![]];
        for point in self.points {
            match (point.y, pieces.last_mut()) {
                (Some(y), Some(piece)) => piece.push((point.x, y)),
                _ => pieces.push(vec![]),
            }
        }
        pieces.retain(|piece| !piece.is_empty());
        pieces
    }

    /// The latest number, where the latest point is none that is missing.
    pub fn latest(&self) -> Option<f64> {
        self.points.back().and_then(|point| point.y)
    }
}

impl Chart<'_> {
    /// The horizontal and the vertical axis, with some so many ticks; `None` where there is no point.
    pub fn axes(&self, ticks: [usize; 2], zone: &TimeZone) -> Option<[Axis; 2]> {
        let points = || self.series.iter().flat_map(|series| series.points);
        let known = || points().filter_map(|point| Some((point.x, point.y?)));
        let mut y = extent(known().map(|(_, y)| y))?;
        // Gaps at the ends belong to the extent.
        let x = match self.horizontal {
            HorizontalAxis::Number => extent(known().map(|(x, _)| x)),
            _ => extent(points().map(|point| point.x)),
        }?;
        let x = match (self.form, self.horizontal) {
            (Form::Columns, HorizontalAxis::Time) => Axis::times(x, ticks[0], zone),
            (Form::Columns, _) => {
                let mut axis = Axis::counts(x, ticks[0]);
                (axis.low, axis.high) = (x.0 - 0.5, x.1 + 0.5);
                axis
            }
            (_, HorizontalAxis::Time) => Axis::times(x, ticks[0], zone),
            (_, HorizontalAxis::Count) => Axis::counts(x, ticks[0]),
            (_, HorizontalAxis::Number) => Axis::numbers(x, ticks[0]),
        };
        if self.form == Form::Columns {
            y = (y.0.min(0.0), y.1.max(0.0));
        }
        Some([x, Axis::whole(y, ticks[1])])
    }

    /// What is said above the chart beside the series: the day and the zone of the times, the names of
    /// the axes.
    pub fn caption(&self, zone: &TimeZone) -> String {
        if self.horizontal == HorizontalAxis::Time {
            let times = self.series.iter().flat_map(|series| series.points);
            let latest = times.map(|point| point.x).fold(f64::NEG_INFINITY, f64::max);
            return axis::day(latest, zone);
        }
        match self.axis_names {
            ["", ""] => String::new(),
            [x, y] => format!("{y} over {x}"),
        }
    }
}

/// The smallest and the largest.
fn extent(numbers: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    let ends = |(low, high): (f64, f64), number: f64| (low.min(number), high.max(number));
    let (low, high) = numbers.fold((f64::INFINITY, f64::NEG_INFINITY), ends);
    (low <= high).then_some((low, high))
}
