//! Results as plots: drawn on the terminal, in place as long as results come, or as a picture of SVG.
//!
//! A request says what is wanted: `model::plot`. [`element`] finds the numbers in a result, [`data`] keeps
//! those that are shown, [`panel`] says of which parts the picture consists, with its [`axis`]; [`drawn`]
//! and [`svg`] draw them. [`picture`] keeps the one on the terminal up to date.

mod axis;
mod data;
mod drawn;
mod element;
mod panel;
mod picture;
mod svg;
#[cfg(test)]
mod tests;

use jiff::tz::TimeZone;

use super::output::{Ended, RowWriter};
use super::prompt::notices::Notices;
use crate::model::plot::PlotRequest;
use crate::model::{Value, print};
use crate::run::statement::Results;
use crate::text::console::Console;
use crate::text::diagnostic::Error;
use crate::text::wait::Token;
use data::PlotData;
pub use drawn::PictureLine;
use picture::Picture;

/// Where a plot is drawn.
pub enum Canvas<'n> {
    /// On a terminal that can take back what it shows.
    Terminal { notices: &'n Notices, colour: bool },
    /// Once, when all results are there, with nothing but characters.
    Text,
    /// As a document of SVG, when all results are there.
    Svg,
}

/// Shows the results as the plots that are asked for; as rows, if the first suits none of them.
pub fn show(
    mut rows: Results,
    request: &PlotRequest,
    canvas: Canvas,
    console: &Console,
    show_rows: impl FnOnce(Results) -> Ended,
) -> Ended {
    let first = match rows.next() {
        None => return Ended::Whole(0),
        Some(Err(error)) => return Ended::Failed(error, 0),
        Some(Ok(first)) => first,
    };
    let columns = rows.columns();
    let plots = request.plots.iter();
    let plots = plots.filter_map(|spec| PlotData::new(spec, columns, &first, rows.is_live()));
    let mut plots: Vec<_> = plots.collect();
    if plots.is_empty() {
        if matches!(canvas, Canvas::Svg) {
            if !matches!(first, Value::Bool(_)) {
                let shown = print::beginning(&first, 100);
                console.note(&Error::run(format!("there is nothing to plot in {shown}")));
            }
            return rest(rows, 1);
        }
        rows.put_back(first);
        return show_rows(rows);
    }
    plots.iter_mut().for_each(|plot| plot.take(&first));
    let picture = Picture::start(plots, canvas);
    let mut shown = 1;
    let mut failed = None;
    for row in &mut rows {
        match row {
            Ok(row) => picture.take(&row),
            Err(error) => {
                failed = Some(error);
                break;
            }
        }
        shown += 1;
    }
    drop(rows);
    let (text, remarks) = picture.finish();
    // Whatever has stopped the query, the picture is to be seen.
    let mut writer = RowWriter::stopped_by(Token::new(), console);
    if let Err(ended) = writer.write(&text, 0) {
        return ended;
    }
    let written = writer.finish();
    for remark in remarks {
        console.note(&Error::run(remark));
    }
    match (failed, written) {
        (Some(error), _) => Ended::Failed(error, shown),
        (None, Ended::Whole(_)) => Ended::Whole(shown),
        (None, ended) => ended,
    }
}

/// Reads the results to their end, and shows none.
fn rest(rows: Results, mut count: u64) -> Ended {
    for row in rows {
        match row {
            Ok(_) => count += 1,
            Err(error) => return Ended::Failed(error, count),
        }
    }
    Ended::Whole(count)
}

/// The zone of the clock here: that of the variable TZ, or of the system.
fn zone() -> TimeZone {
    TimeZone::system()
}
