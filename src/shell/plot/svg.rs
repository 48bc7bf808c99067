//! Plots as a picture of its own, for pages and reports: SVG without scripts and fonts of its own.

use std::f64::consts::TAU;
use std::fmt::Write;

use jiff::tz::TimeZone;

use super::axis::{Axis, short_number};
use super::data::PlotData;
use super::panel::{Chart, Form, Panel, Series, panels};
use crate::text::shown::shown_on_a_line;

const WIDTH: f64 = 800.0;
const CHART_HEIGHT: f64 = 360.0;
const PIE_HEIGHT: f64 = 260.0;
const LINE_HEIGHT: f64 = 22.0;

/// Around what stands between the axes.
const LEFT: f64 = 70.0;
const RIGHT: f64 = 20.0;
const TOP: f64 = 40.0;
const BOTTOM: f64 = 40.0;

/// Colours that can be told apart by most eyes, on white.
const COLOURS: [&str; 8] = [
    "#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#7f7f7f", "#000000",
];

/// The plots as a document of SVG; `None` if there is nothing to see.
pub fn document(plots: &[PlotData], zone: &TimeZone) -> Option<String> {
    if plots.iter().all(PlotData::is_empty) {
        return None;
    }
    let mut body = String::new();
    let mut top = 0.0;
    for panel in plots.iter().flat_map(panels) {
        let height = match &panel {
            Panel::Chart(chart) => draw_chart(&mut body, chart, top, zone),
            Panel::Bars(bars) => draw_bars(&mut body, bars, top),
            Panel::Parts(parts) => draw_parts(&mut body, parts, top),
            Panel::Text(line) => {
                text(&mut body, 10.0, top + 16.0, "start", line);
                LINE_HEIGHT
            }
        };
        top += height;
    }
    Some(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{top}\" viewBox=\"0 0 {WIDTH} {top}\" \
         font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n{body}</svg>\n"
    ))
}

fn colour(at: usize) -> &'static str {
    COLOURS[at % COLOURS.len()]
}

/// The text as it stands in XML.
fn escaped(text: &str) -> String {
    let text = shown_on_a_line(text);
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

/// A place, rounded to what can be seen.
fn place(number: f64) -> f64 {
    (number * 100.0).round() / 100.0
}

// Writing to a string does not fail.
macro_rules! add {
    ($out:expr, $($argument:tt)*) => { let _ = writeln!($out, $($argument)*); };
}

fn text(out: &mut String, x: f64, y: f64, anchor: &str, text: &str) {
    let (x, y, text) = (place(x), place(y), escaped(text));
    add!(
        out,
        "<text x=\"{x}\" y=\"{y}\" text-anchor=\"{anchor}\">{text}</text>"
    );
}

fn line(out: &mut String, (x1, y1): (f64, f64), (x2, y2): (f64, f64), stroke: &str) {
    let (x1, y1, x2, y2) = (place(x1), place(y1), place(x2), place(y2));
    add!(
        out,
        "<line x1=\"{x1}\" y1=\"{y1}\" x2=\"{x2}\" y2=\"{y2}\" stroke=\"{stroke}\"/>"
    );
}

/// A chart whose upper edge is at `top`; gives its height.
fn draw_chart(out: &mut String, chart: &Chart, top: f64, zone: &TimeZone) -> f64 {
    let Some([x, y]) = chart.axes([8, 6], zone) else {
        return 0.0;
    };
    let right = WIDTH - RIGHT;
    let (upper, lower) = (top + TOP, top + CHART_HEIGHT - BOTTOM);
    let across = |number: f64| LEFT + x.share(number) * (right - LEFT);
    let down = |number: f64| lower - y.share(number) * (lower - upper);
    for tick in &y.ticks {
        let at = down(tick.at);
        line(out, (LEFT, at), (right, at), "#dddddd");
        text(out, LEFT - 8.0, at + 4.0, "end", &tick.text);
    }
    for tick in &x.ticks {
        let at = across(tick.at);
        line(out, (at, lower), (at, lower + 5.0), "#666666");
        text(out, at, lower + 20.0, "middle", &tick.text);
    }
    line(out, (LEFT, lower), (right, lower), "#666666");
    line(out, (LEFT, upper), (LEFT, lower), "#666666");
    for series in &chart.series {
        let colour = colour(series.colour);
        match chart.form {
            Form::Lines => lines(out, series, colour, across, down),
            Form::Dots => dots(out, series, colour, across, down),
            Form::Columns => columns(out, series, colour, across, down),
        }
    }
    legend(out, chart, top, zone);
    CHART_HEIGHT
}

fn legend(out: &mut String, chart: &Chart, top: f64, zone: &TimeZone) {
    let mut x = LEFT;
    for series in chart.series.iter().filter(|series| !series.name.is_empty()) {
        let (colour, y) = (colour(series.colour), top + 12.0);
        add!(
            out,
            "<rect x=\"{x}\" y=\"{y}\" width=\"12\" height=\"12\" fill=\"{colour}\"/>"
        );
        text(out, x + 17.0, top + 22.0, "start", series.name);
        x += 35.0 + 7.0 * series.name.chars().count() as f64;
    }
    let caption = chart.caption(zone);
    if !caption.is_empty() {
        text(out, WIDTH - RIGHT, top + 22.0, "end", &caption);
    }
}

fn lines(
    out: &mut String,
    series: &Series,
    colour: &str,
    across: impl Fn(f64) -> f64,
    down: impl Fn(f64) -> f64,
) {
    for piece in series.pieces() {
        if let [(x, y)] = *piece {
            let (x, y) = (place(across(x)), place(down(y)));
            add!(
                out,
                "<circle cx=\"{x}\" cy=\"{y}\" r=\"2\" fill=\"{colour}\"/>"
            );
            continue;
        }
        let points = piece
            .iter()
            .map(|(x, y)| format!("{},{}", place(across(*x)), place(down(*y))));
        let points = points.collect::<Vec<_>>().join(" ");
        add!(
            out,
            "<polyline points=\"{points}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.5\"/>"
        );
    }
}

fn dots(
    out: &mut String,
    series: &Series,
    colour: &str,
    across: impl Fn(f64) -> f64,
    down: impl Fn(f64) -> f64,
) {
    for (x, y) in series.pieces().into_iter().flatten() {
        let (x, y) = (place(across(x)), place(down(y)));
        add!(
            out,
            "<circle cx=\"{x}\" cy=\"{y}\" r=\"3\" fill=\"{colour}\" fill-opacity=\"0.7\"/>"
        );
    }
}

fn columns(
    out: &mut String,
    series: &Series,
    colour: &str,
    across: impl Fn(f64) -> f64,
    down: impl Fn(f64) -> f64,
) {
    for (x, y) in series.pieces().into_iter().flatten() {
        let (left, right) = (across(x - 0.4), across(x + 0.4));
        let (zero, at) = (down(0.0), down(y));
        bar(
            out,
            (left, zero.min(at)),
            (right - left, (zero - at).abs()),
            colour,
        );
    }
}

fn bar(out: &mut String, (x, y): (f64, f64), (width, height): (f64, f64), colour: &str) {
    let (x, y, width, height) = (place(x), place(y), place(width), place(height));
    add!(
        out,
        "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" fill=\"{colour}\"/>"
    );
}

/// A line for each bar: its name, the bar, its number.
fn draw_bars(out: &mut String, bars: &[(&str, f64)], top: f64) -> f64 {
    let longest = bars.iter().map(|(name, _)| name.chars().count()).max();
    let left = (20.0 + 7.0 * longest.unwrap_or(0) as f64).clamp(LEFT, WIDTH / 3.0);
    let numbers = || bars.iter().map(|(_, number)| *number);
    let (low, high) = (numbers().fold(0.0, f64::min), numbers().fold(0.0, f64::max));
    let axis = Axis::numbers((low, high), 2);
    let across = |number: f64| left + axis.share(number) * (WIDTH - RIGHT - 60.0 - left);
    for ((name, number), at) in bars.iter().zip(0u32..) {
        let y = top + 10.0 + f64::from(at) * LINE_HEIGHT;
        text(out, left - 8.0, y + 13.0, "end", name);
        let (zero, end) = (across(0.0), across(*number));
        bar(
            out,
            (zero.min(end), y),
            ((end - zero).abs(), LINE_HEIGHT - 6.0),
            colour(0),
        );
        text(
            out,
            zero.max(end) + 6.0,
            y + 13.0,
            "start",
            &short_number(*number),
        );
    }
    20.0 + bars.len() as f64 * LINE_HEIGHT
}

/// The parts of a whole as those of a circle, with their names and how much they are.
fn draw_parts(out: &mut String, parts: &[(&str, f64)], top: f64) -> f64 {
    let largest = parts.iter().map(|(_, number)| *number).fold(0.0, f64::max);
    let scale = if largest > 0.0 { largest } else { 1.0 };
    let whole: f64 = parts.iter().map(|(_, number)| number / scale).sum();
    let height = (20.0 + parts.len() as f64 * LINE_HEIGHT).max(PIE_HEIGHT);
    let (x, y, radius) = (150.0, top + height / 2.0, 110.0);
    let on_circle = |share: f64| {
        let angle = share * TAU;
        (
            place(x + radius * angle.sin()),
            place(y - radius * angle.cos()),
        )
    };
    let mut from = 0.0;
    for ((name, number), at) in parts.iter().zip(0..) {
        let share = if whole > 0.0 {
            number / scale / whole
        } else {
            0.0
        };
        let to = from + share;
        if share > 0.999_999 {
            add!(
                out,
                "<circle cx=\"{x}\" cy=\"{y}\" r=\"{radius}\" fill=\"{}\"/>",
                colour(at)
            );
        } else if share > 0.0 {
            let ((x1, y1), (x2, y2)) = (on_circle(from), on_circle(to));
            let large = u8::from(share > 0.5);
            add!(
                out,
                "<path d=\"M{x},{y} L{x1},{y1} A{radius},{radius} 0 {large} 1 {x2},{y2} Z\" \
                 fill=\"{}\" stroke=\"white\"/>",
                colour(at)
            );
        }
        from = to;
        let line = top + 20.0 + at as f64 * LINE_HEIGHT;
        bar(out, (300.0, line), (12.0, 12.0), colour(at));
        let legend = format!("{name}  {:.1} %", share * 100.0);
        text(out, 320.0, line + 11.0, "start", &legend);
    }
    height
}
