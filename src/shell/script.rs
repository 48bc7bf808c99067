//! Files, `-o` statements and standard input, run without a person.

use std::sync::Arc;

use super::args::ScriptInput;
use super::input::InputText;
use super::runner::Runner;
use crate::syntax::split::Splitter;
use crate::text::diagnostic::{Result, SourceText};

/// Runs the inputs in their order, going on after errors unless `bail`; whether all went well.
pub fn run(runner: &mut Runner, inputs: &[ScriptInput], bail: bool) -> bool {
    let mut all_went = true;
    for input in inputs {
        if !runner.goes_on() {
            return all_went;
        }
        let went = match feed(runner, input, bail) {
            Ok(went) => went,
            Err(error) => runner.fail(&error),
        };
        all_went &= went;
        if bail && !went {
            return false;
        }
    }
    all_went
}

/// Runs one input, each statement as soon as it is complete; `false` if any failed. An error is
/// about the input itself.
fn feed(runner: &mut Runner, input: &ScriptInput, bail: bool) -> Result<bool> {
    let name = input.name();
    let world = runner.session().world().clone();
    // What a file loads is found beside it.
    let _executing = match input {
        ScriptInput::File(path) => Some(world.host.loads.execute(path)),
        _ => None,
    };
    let mut splitter = Splitter::new(&name);
    let mut went = true;
    let mut run = |runner: &mut Runner, statement: Arc<SourceText>| {
        went &= runner.run(&statement);
        runner.goes_on() && (went || !bail)
    };
    let text = match input {
        ScriptInput::Statements(text) => {
            splitter.push(text);
            None
        }
        ScriptInput::File(path) => Some(InputText::open(path, &name)?),
        ScriptInput::Stdin => Some(InputText::stdin(&name)?),
    };
    if !drain(&mut splitter, runner, &mut run) {
        return Ok(went);
    }
    if let Some(mut text) = text {
        let mut first = true;
        while let Some(mut piece) = text.next(runner.signals.input_token())? {
            if std::mem::take(&mut first) {
                prepare_first(&mut piece);
            }
            splitter.push(&piece);
            if !drain(&mut splitter, runner, &mut run) {
                return Ok(went);
            }
        }
    }
    if let Some(statement) = splitter.finish() {
        run(runner, statement);
    }
    Ok(went)
}

/// Makes the start of a text OSQL: drops a byte order mark, and turns the line that names an
/// interpreter into a comment of the same width.
fn prepare_first(piece: &mut String) {
    if piece.starts_with('\u{feff}') {
        piece.drain(..'\u{feff}'.len_utf8());
    }
    if piece.starts_with("#!") {
        piece.replace_range(..2, "//");
    }
}

/// Runs the statements that are complete, as long as `run` says to go on.
fn drain(
    splitter: &mut Splitter,
    runner: &mut Runner,
    run: &mut impl FnMut(&mut Runner, Arc<SourceText>) -> bool,
) -> bool {
    while let Some(statement) = splitter.next_statement() {
        if !run(runner, statement) {
            return false;
        }
    }
    true
}
