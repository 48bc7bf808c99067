//! Executes all statements of a text.

use std::path::Path;

use super::{Outcome, execute};
use crate::host::Host;
use crate::model::Cx;
use crate::syntax::Splitter;
use crate::text::diagnostic::{Error, Kind, Result};

/// What comes after a statement that fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AfterError {
    /// Nothing: its error is that of the whole.
    Stop,
    /// The next statement; the error is reported.
    GoOn,
}

/// Executes a file, which is looked for beside the file that is being executed first. `show` prints
/// results. Gives how many statements have failed.
pub fn load(cx: &Cx, file: &Path, show: bool, after_error: AfterError) -> Result<usize> {
    let file = Host::of(cx).loads.find(file);
    let name = file.display().to_string();
    let text = std::fs::read_to_string(&file)
        .map_err(|error| Error::run(format!("{name} cannot be read: {error}")))?;
    let _executing = Host::of(cx).loads.execute(&file);
    load_text(cx, &name, &text, show, after_error)
}

/// Executes a text, which messages call `name`.
pub fn load_text(
    cx: &Cx,
    name: &str,
    text: &str,
    show: bool,
    after_error: AfterError,
) -> Result<usize> {
    let _depth = cx.enter()?;
    let mut failed = 0;
    let mut splitter = Splitter::new(name);
    splitter.push(text);
    while let Some(next) = splitter.next_statement().or_else(|| splitter.finish()) {
        match execute(cx, &next).and_then(|outcome| finish(cx, outcome, show)) {
            Ok(true) => {}
            Ok(false) => break,
            Err(error) if after_error == AfterError::Stop || error.kind() == Kind::Stopped => {
                return Err(error);
            }
            Err(error) => {
                failed += 1;
                Host::of(cx).console.report(&error, false);
            }
        }
    }
    Ok(failed)
}

/// Runs a statement to its end; whether another may follow.
fn finish(cx: &Cx, outcome: Outcome, show: bool) -> Result<bool> {
    match outcome {
        Outcome::Results(rows) => {
            let show = show && !rows.only_acts();
            for row in rows {
                let row = row?;
                if show {
                    Host::of(cx).print(&format!("{row}\n"))?;
                }
            }
            Ok(true)
        }
        Outcome::Done | Outcome::NextPlot(_) => Ok(true),
        Outcome::Quit => Ok(false),
    }
}
