//! The picture of a plot: drawn again and again on a terminal as long as results come, at the end anyway.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use jiff::tz::TimeZone;

use super::data::PlotData;
use super::drawn::{Drawing, PictureLine, draw, lines_of};
use super::{Canvas, svg, zone};
use crate::model::Value;
use crate::shell::prompt::notices::Notices;
use crate::shell::window_size;
use crate::text::wait::lock;

/// The shortest time from one picture to the next.
const PACE: Duration = Duration::from_millis(100);

/// How wide and high a picture is where no window says it.
const WITHOUT_WINDOW: (usize, usize) = (72, 16);

/// A picture that is being made.
pub struct Picture {
    shared: Arc<Shared>,
    on: Surface,
}

enum Surface {
    Terminal {
        notices: Notices,
        colour: bool,
        painter: Option<JoinHandle<()>>,
    },
    Text,
    Svg,
}

struct Shared {
    state: Mutex<State>,
    news: Condvar,
    zone: TimeZone,
}

struct State {
    plots: Vec<PlotData>,
    /// Whether something has come since the last picture.
    is_new: bool,
    over: bool,
}

impl Picture {
    /// Begins to draw plots that have their first element.
    pub fn start(plots: Vec<PlotData>, canvas: Canvas) -> Picture {
        let shared = Arc::new(Shared {
            state: Mutex::new(State {
                plots,
                is_new: true,
                over: false,
            }),
            news: Condvar::new(),
            zone: zone(),
        });
        let on = match canvas {
            Canvas::Text => Surface::Text,
            Canvas::Svg => Surface::Svg,
            Canvas::Terminal { notices, colour } => {
                let (drawn, on) = (shared.clone(), notices.clone());
                let paint = move || drawn.paint(&on, colour);
                Surface::Terminal {
                    notices: notices.clone(),
                    colour,
                    // Should no thread start, the picture is drawn at the end.
                    painter: thread::Builder::new()
                        .name("plot".to_owned())
                        .spawn(paint)
                        .ok(),
                }
            }
        };
        Picture { shared, on }
    }

    /// Takes the next result.
    pub fn take(&self, element: &Value) {
        let mut state = lock(&self.shared.state);
        state.plots.iter_mut().for_each(|plot| plot.take(element));
        state.is_new = true;
    }

    /// Draws the last picture. Gives the text that is still to be written, and what cannot be seen.
    pub fn finish(self) -> (String, Vec<String>) {
        lock(&self.shared.state).over = true;
        self.shared.news.notify_all();
        let text = match self.on {
            Surface::Terminal {
                notices,
                colour,
                painter,
            } => {
                if let Some(painter) = painter {
                    // A painter that panicked has said so.
                    let _ = painter.join();
                }
                notices.keep_picture(&self.shared.lines(window_size(), colour));
                String::new()
            }
            Surface::Text => {
                let size = window_size().or(Some(WITHOUT_WINDOW));
                let lines = self.shared.lines(size, false);
                lines
                    .iter()
                    .map(|line| format!("{}\n", line.text))
                    .collect()
            }
            Surface::Svg => {
                let state = lock(&self.shared.state);
                svg::document(&state.plots, &self.shared.zone).unwrap_or_default()
            }
        };
        let state = lock(&self.shared.state);
        let mut remarks: Vec<_> = state.plots.iter().flat_map(PlotData::remarks).collect();
        remarks.dedup();
        (text, remarks)
    }
}

impl Shared {
    /// Draws what has come, until it is over.
    fn paint(&self, notices: &Notices, colour: bool) {
        let mut last_size = None;
        let mut pause = PACE;
        loop {
            let waited = self
                .news
                .wait_timeout_while(lock(&self.state), pause, |state| !state.over);
            let mut state = waited.unwrap_or_else(PoisonError::into_inner).0;
            if state.over {
                return;
            }
            let is_new = std::mem::take(&mut state.is_new);
            drop(state);
            let size = window_size();
            if is_new || size != last_size || !notices.is_picture_shown() {
                let begun = Instant::now();
                notices.show_picture(&self.lines(size, colour));
                // Drawing takes a fifth of the time at the most.
                pause = PACE.max(4 * begun.elapsed());
                last_size = size;
            }
        }
    }

    /// The picture for a window of so many columns and lines.
    fn lines(&self, size: Option<(usize, usize)>, colour: bool) -> Vec<PictureLine> {
        let (width, height) = size.unwrap_or(WITHOUT_WINDOW);
        let state = lock(&self.state);
        let plots = u16::try_from(state.plots.len()).unwrap_or(u16::MAX);
        let width = u16::try_from(width).unwrap_or(u16::MAX).clamp(1, 1000);
        // A line for what is typed next, and one for what is said below the picture.
        let most = u16::try_from(height).unwrap_or(u16::MAX).clamp(3, 300) - 2;
        let of_each = (width / 4).clamp(8, 20);
        let drawing = Drawing {
            width,
            height: plots.saturating_mul(of_each).min(most),
            colour,
            zone: &self.zone,
        };
        lines_of(&draw(&state.plots, drawing), colour)
    }
}
