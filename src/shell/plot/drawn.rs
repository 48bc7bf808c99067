//! Plots drawn with characters: a buffer of ratatui, as wide and high as there is room for.

use jiff::tz::TimeZone;
use ratatui_core::buffer::Buffer;
use ratatui_core::layout::Rect;
use ratatui_core::style::{Color, Modifier, Style};
use ratatui_core::symbols::Marker;
use ratatui_core::widgets::Widget;
use ratatui_widgets::canvas::{Canvas, Context, Line, Points};
use unicode_width::UnicodeWidthStr;

use super::axis::{Axis, short_number};
use super::data::PlotData;
use super::panel::{Chart, Form, Panel, Series, panels};
use crate::shell::output::cut;
use crate::text::shown::shown_on_a_line;

/// The colours of series.
const COLOURS: [Color; 6] = [
    Color::Cyan,
    Color::Yellow,
    Color::Green,
    Color::Magenta,
    Color::Blue,
    Color::Red,
];

/// What stands for the points of series where there are no colours.
const SIGNS: [char; 8] = ['•', '×', '+', 'o', '*', '#', '%', '@'];

/// Eighths of a character, from the left.
const EIGHTHS: [char; 7] = ['▏', '▎', '▍', '▌', '▋', '▊', '▉'];

/// How plots are drawn.
#[derive(Clone, Copy)]
pub struct Drawing<'z> {
    pub width: u16,
    pub height: u16,
    /// Whether series differ by colour; else each has a sign of its own.
    pub colour: bool,
    /// Whose clocks times are shown of.
    pub zone: &'z TimeZone,
}

/// All plots, one below the other.
pub fn draw(plots: &[PlotData], drawing: Drawing) -> Buffer {
    let area = Rect::new(0, 0, drawing.width, drawing.height);
    let mut buffer = Buffer::empty(area);
    let panels: Vec<_> = plots.iter().flat_map(panels).collect();
    let heights = heights(&panels, drawing.height);
    let mut y = 0;
    for (panel, height) in panels.iter().zip(heights) {
        let area = Rect::new(0, y, drawing.width, height);
        match panel {
            Panel::Chart(chart) => draw_chart(chart, area, drawing, &mut buffer),
            Panel::Bars(bars) => draw_bars(bars, false, area, drawing, &mut buffer),
            Panel::Parts(parts) => draw_bars(parts, true, area, drawing, &mut buffer),
            Panel::Text(text) => {
                put(
                    &mut buffer,
                    area,
                    0,
                    0,
                    &shown_on_a_line(text),
                    Style::new(),
                );
            }
        }
        y += height;
    }
    buffer
}

/// How high each panel is: a line for each bar, and the rest for the charts, so that the first ones have at
/// least what shows something.
fn heights(panels: &[Panel], height: u16) -> Vec<u16> {
    let wanted = |panel: &Panel| match panel {
        Panel::Chart(_) => None,
        Panel::Bars(bars) | Panel::Parts(bars) => Some(bars.len().clamp(1, 1000) as u16),
        Panel::Text(_) => Some(1),
    };
    let lines: u16 = panels
        .iter()
        .filter_map(wanted)
        .fold(0, u16::saturating_add);
    let charts = panels
        .iter()
        .filter(|panel| wanted(panel).is_none())
        .count();
    let least = 4 * charts.min(usize::from(height / 4)) as u16;
    let for_charts = height.saturating_sub(lines).max(least);
    let each = for_charts.checked_div(charts as u16).unwrap_or(0).max(4);
    let mut left = height;
    let of_panel = |panel: &Panel| {
        let given = wanted(panel).unwrap_or(each).min(left);
        left -= given;
        given
    };
    panels.iter().map(of_panel).collect()
}

/// Text at a place of an area, cut at its edge.
fn put(buffer: &mut Buffer, area: Rect, x: u16, y: u16, text: &str, style: Style) {
    if x < area.width && y < area.height {
        let room = area.width - x;
        buffer.set_stringn(area.x + x, area.y + y, text, room.into(), style);
    }
}

fn dim() -> Style {
    Style::new().fg(Color::DarkGray)
}

impl Drawing<'_> {
    fn style(&self, at: usize) -> Style {
        Style::new().fg(self.colour_of(at))
    }

    fn colour_of(&self, at: usize) -> Color {
        COLOURS[at % COLOURS.len()]
    }

    /// What the points of a series are drawn with, where `several` are to be told apart.
    fn marker(&self, form: Form, at: usize, several: bool) -> Marker {
        match form {
            Form::Columns => Marker::HalfBlock,
            _ if several && !self.colour => Marker::Custom(SIGNS[at % SIGNS.len()]),
            Form::Dots => Marker::Dot,
            Form::Lines => Marker::Braille,
        }
    }
}

/// Where the parts of a chart stand in its area.
struct Layout {
    /// Between the axes.
    inner: Rect,
    /// Whether the axes have room for what stands at their ticks.
    x_labels: bool,
    y_labels: bool,
}

fn draw_chart(chart: &Chart, area: Rect, drawing: Drawing, buffer: &mut Buffer) {
    let head = head(chart, area, drawing, buffer);
    let rest = Rect::new(area.x, area.y + head, area.width, area.height - head);
    let most_y = usize::from(rest.height.saturating_sub(2) / 2).clamp(4, 9);
    let Some([_, y]) = chart.axes([2, most_y], drawing.zone) else {
        let text = "nothing to plot yet";
        put(buffer, rest, 0, 0, text, dim());
        return;
    };
    let widest = y
        .ticks
        .iter()
        .map(|tick| tick.text.width())
        .max()
        .unwrap_or(0) as u16;
    let y_labels = rest.width >= 2 * widest + 8;
    let x_labels = rest.height >= 4;
    let left = if y_labels { widest + 2 } else { 1 };
    let below = if x_labels { 2 } else { 0 };
    if rest.width <= left + 1 || rest.height <= below {
        return;
    }
    let inner = Rect::new(
        rest.x + left,
        rest.y,
        rest.width - left,
        rest.height - below,
    );
    let label = if inner.width < 40 { 12 } else { 16 };
    let most_x = usize::from(inner.width / label).clamp(2, 9);
    let Some([x, y]) = chart.axes([most_x, most_y], drawing.zone) else {
        return;
    };
    let layout = Layout {
        inner,
        x_labels,
        y_labels,
    };
    draw_axes(&x, &y, &layout, buffer);
    let several = chart.series.len() > 1;
    for series in &chart.series {
        let marker = drawing.marker(chart.form, series.colour, several);
        let colour = drawing.colour_of(series.colour);
        let canvas = Canvas::default()
            .marker(marker)
            .x_bounds([0.0, 1.0])
            .y_bounds([0.0, 1.0])
            .paint(|context| match chart.form {
                Form::Lines => lines(series, [&x, &y], colour, context),
                Form::Dots => dots(series, [&x, &y], colour, context),
                Form::Columns => columns(series, [&x, &y], inner.width, colour, context),
            });
        overlay(canvas, inner, buffer);
    }
}

/// Draws a layer over what stands there; where it has nothing, that remains.
fn overlay(canvas: impl Widget, area: Rect, buffer: &mut Buffer) {
    let mut layer = Buffer::empty(area);
    canvas.render(area, &mut layer);
    for position in area.positions() {
        let (Some(drawn), Some(cell)) = (layer.cell(position), buffer.cell_mut(position)) else {
            continue;
        };
        if drawn.symbol() == " " || drawn.symbol() == "\u{2800}" {
            continue;
        }
        match (braille(cell.symbol()), braille(drawn.symbol())) {
            // The dots of two series share a character, in the colour of the later one.
            (Some(below), Some(above)) => {
                let both = char::from_u32(0x2800 | below | above).unwrap_or(' ');
                cell.set_char(both).set_fg(drawn.fg);
            }
            _ => *cell = drawn.clone(),
        }
    }
}

/// The dots of a character of Braille.
fn braille(symbol: &str) -> Option<u32> {
    let c = u32::from(symbol.chars().next()?);
    (0x2800..0x2900).contains(&c).then_some(c & 0xff)
}

/// The names of the series with their latest numbers, and the caption; gives how many lines they take.
fn head(chart: &Chart, area: Rect, drawing: Drawing, buffer: &mut Buffer) -> u16 {
    let caption = chart.caption(drawing.zone);
    let named: Vec<_> = chart
        .series
        .iter()
        .filter(|series| !series.name.is_empty())
        .collect();
    if (named.is_empty() && caption.is_empty()) || area.height < 4 {
        return 0;
    }
    let several = chart.series.len() > 1;
    let mut x = 0;
    let room = match caption.width() as u16 {
        0 => area.width,
        width if width + 12 > area.width => area.width,
        width => area.width - width - 2,
    };
    for series in named {
        let sign = match drawing.marker(chart.form, series.colour, several) {
            Marker::Custom(sign) => sign,
            Marker::Dot => '•',
            Marker::HalfBlock => '█',
            _ => '━',
        };
        let name = shown_on_a_line(series.name);
        let text = match series.latest() {
            Some(latest) if chart.form == Form::Lines => {
                format!("{sign} {name}: {}", short_number(latest))
            }
            _ => format!("{sign} {name}"),
        };
        if x + 2 >= room {
            break;
        }
        let text = cut(&text, usize::from(room - x));
        put(buffer, area, x, 0, &text, drawing.style(series.colour));
        x += text.width() as u16 + 2;
    }
    if x == 0 || room < area.width {
        let at = area.width.saturating_sub(caption.width() as u16);
        put(buffer, area, at, 0, &caption, dim());
    }
    1
}

fn draw_axes(x: &Axis, y: &Axis, layout: &Layout, buffer: &mut Buffer) {
    let inner = layout.inner;
    let left = inner.x - 1;
    for row in inner.rows() {
        buffer.set_string(left, row.y, "│", dim());
    }
    let mut last = None;
    for tick in &y.ticks {
        let up = (y.share(tick.at) * f64::from(inner.height - 1)).round() as u16;
        let row = inner.bottom() - 1 - up.min(inner.height - 1);
        if last.replace(row) == Some(row) {
            continue;
        }
        buffer.set_string(left, row, "┤", dim());
        if layout.y_labels {
            let at = left - 1 - tick.text.width() as u16;
            buffer.set_string(at, row, &tick.text, dim());
        }
    }
    if !layout.x_labels {
        return;
    }
    let line = inner.bottom();
    buffer.set_string(left, line, "└", dim());
    buffer.set_string(inner.x, line, "─".repeat(inner.width.into()), dim());
    // From where on the line below is free.
    let mut free = 0;
    for tick in &x.ticks {
        let share = x.share(tick.at);
        if !(0.0..=1.0).contains(&share) {
            continue;
        }
        let at = inner.x + (share * f64::from(inner.width - 1)).round() as u16;
        let width = tick.text.width() as u16;
        let begin = at
            .saturating_sub(width / 2)
            .min(inner.right().saturating_sub(width));
        buffer.set_string(at, line, "┬", dim());
        if begin >= free && begin + width <= inner.right() {
            buffer.set_string(begin, line + 1, &tick.text, dim());
            free = begin + width + 2;
        }
    }
}

fn lines(series: &Series, [x, y]: [&Axis; 2], colour: Color, context: &mut Context) {
    for piece in series.pieces() {
        let places: Vec<_> = piece
            .iter()
            .map(|point| (x.share(point.0), y.share(point.1)))
            .collect();
        context.draw(&Points::new(&places, colour));
        for ends in places.windows(2) {
            let [(x1, y1), (x2, y2)] = [ends[0], ends[1]];
            context.draw(&Line::new(x1, y1, x2, y2, colour));
        }
    }
}

fn dots(series: &Series, [x, y]: [&Axis; 2], colour: Color, context: &mut Context) {
    for piece in series.pieces() {
        let place = |point: &(f64, f64)| (x.share(point.0), y.share(point.1));
        let places: Vec<_> = piece.iter().map(place).collect();
        context.draw(&Points::new(&places, colour));
    }
}

/// Each number as a column of characters from zero on, as wide as there is room, with a gap between them
/// where they are wide enough.
fn columns(series: &Series, [x, y]: [&Axis; 2], width: u16, colour: Color, context: &mut Context) {
    let width = f64::from(width);
    let of_each = width / (x.high - x.low).max(1.0);
    let gap = if of_each >= 3.0 { 1.0 } else { 0.0 };
    let zero = y.share(0.0);
    for (at, number) in series.pieces().into_iter().flatten() {
        let begin = (x.share(at - 0.5) * width).round();
        let end = ((x.share(at + 0.5) * width).round() - gap).max(begin + 1.0);
        let mut column = begin;
        while column < end {
            let place = column / (width - 1.0).max(1.0);
            context.draw(&Line::new(place, zero, place, y.share(number), colour));
            column += 1.0;
        }
    }
}

/// A line for each bar: its name, the bar, its number; of parts how much of the whole they are.
fn draw_bars(
    bars: &[(&str, f64)],
    are_parts: bool,
    area: Rect,
    drawing: Drawing,
    buffer: &mut Buffer,
) {
    if bars.is_empty() {
        put(buffer, area, 0, 0, "nothing to plot yet", dim());
        return;
    }
    // Halved and divided before they are added, so that large ones have a sum too.
    let largest = bars
        .iter()
        .map(|(_, number)| number.abs())
        .fold(0.0, f64::max);
    let scale = if largest > 0.0 { largest } else { 1.0 };
    let whole: f64 = bars.iter().map(|(_, number)| number / scale).sum();
    let number = |number: f64| match are_parts {
        true if whole > 0.0 => format!("{:.1} %", number / scale / whole * 100.0),
        true => "0.0 %".to_owned(),
        false => short_number(number),
    };
    let shown = bars.len().min(area.height.into());
    let shown = match shown < bars.len() {
        true => shown.saturating_sub(1),
        false => shown,
    };
    let names: Vec<_> = bars.iter().map(|(name, _)| shown_on_a_line(name)).collect();
    let texts: Vec<_> = bars.iter().map(|(_, n)| number(*n)).collect();
    let widest = |texts: &[String]| texts.iter().take(shown).map(|text| text.width()).max();
    let name_width = widest(&names).unwrap_or(0).min(usize::from(area.width) / 3);
    let number_width = widest(&texts).unwrap_or(0);
    let room = usize::from(area.width).saturating_sub(name_width + number_width + 3);
    let lowest = bars
        .iter()
        .map(|(_, number)| number / scale)
        .fold(0.0, f64::min);
    let highest = bars
        .iter()
        .map(|(_, number)| number / scale)
        .fold(0.0, f64::max);
    // Where zero is, in characters.
    let zero = match highest > lowest {
        true => (-lowest / (highest - lowest) * room as f64).round() as usize,
        false => 0,
    };
    for (at, (((_, value), name), text)) in
        bars.iter().zip(&names).zip(&texts).take(shown).enumerate()
    {
        let y = at as u16;
        let name = cut(name, name_width);
        put(buffer, area, 0, y, &name, Style::new());
        put(buffer, area, name_width as u16 + 1, y, "│", dim());
        let style = drawing.style(if are_parts { at } else { 0 });
        let value = value / scale;
        let begin = name_width + 2;
        let end = if value < 0.0 {
            let length = ((value / lowest) * zero as f64).round() as usize;
            let bar = "█".repeat(length);
            put(buffer, area, (begin + zero - length) as u16, y, &bar, style);
            begin + zero
        } else {
            let share = if highest > 0.0 { value / highest } else { 0.0 };
            let eighths = (share * (room - zero) as f64 * 8.0).round() as usize;
            let mut bar = "█".repeat(eighths / 8);
            bar.extend(
                eighths
                    .checked_rem(8)
                    .and_then(|rest| EIGHTHS.get(rest.wrapping_sub(1))),
            );
            put(buffer, area, (begin + zero) as u16, y, &bar, style);
            begin + zero + eighths.div_ceil(8)
        };
        put(buffer, area, end as u16 + 1, y, text, Style::new());
    }
    if shown < bars.len() && area.height > 0 {
        let text = format!("… {} more", bars.len() - shown);
        put(
            buffer,
            area,
            0,
            shown as u16,
            &text,
            dim().add_modifier(Modifier::DIM),
        );
    }
}

/// A line of a picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PictureLine {
    /// Without blanks at its end; with escapes if it is coloured.
    pub text: String,
    /// How many characters wide.
    pub width: usize,
}

/// The lines of what was drawn, up to the last that has something.
pub fn lines_of(buffer: &Buffer, colour: bool) -> Vec<PictureLine> {
    let mut lines: Vec<_> = buffer
        .area()
        .rows()
        .map(|row| line_of(buffer, row, colour))
        .collect();
    while lines.last().is_some_and(|line| line.width == 0) {
        lines.pop();
    }
    lines
}

fn line_of(buffer: &Buffer, row: Rect, colour: bool) -> PictureLine {
    let mut line = PictureLine {
        text: String::new(),
        width: 0,
    };
    let mut at = 0;
    let mut blanks = 0;
    let mut current = Color::Reset;
    while at < usize::from(row.width) {
        let Some(cell) = buffer.cell((row.x + at as u16, row.y)) else {
            break;
        };
        let width = cell.symbol().width().max(1);
        at += width;
        if cell.symbol() == " " || cell.symbol() == "\u{2800}" {
            blanks += 1;
            continue;
        }
        line.text.extend(std::iter::repeat_n(' ', blanks));
        blanks = 0;
        if colour && cell.fg != current {
            line.text.push_str(escape(cell.fg));
            current = cell.fg;
        }
        line.text.push_str(cell.symbol());
        line.width = at;
    }
    if current != Color::Reset {
        line.text.push_str(escape(Color::Reset));
    }
    line
}

/// What the colour of the characters that follow is set with.
fn escape(colour: Color) -> &'static str {
    match colour {
        Color::Cyan => "\x1b[36m",
        Color::Yellow => "\x1b[33m",
        Color::Green => "\x1b[32m",
        Color::Magenta => "\x1b[35m",
        Color::Blue => "\x1b[34m",
        Color::Red => "\x1b[31m",
        Color::DarkGray => "\x1b[90m",
        _ => "\x1b[0m",
    }
}
