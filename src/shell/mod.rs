//! The program around the language: flags, prompt, scripts, output, and how it ends.
//!
//! [`args`] says what to run, [`script`] and [`prompt`] feed statements to a [`runner`], which
//! shows what comes of them through [`output`], or as a picture of [`plot`]. [`signals`] turns Ctrl-C and
//! SIGTERM into the end of a query or of the program.

pub mod args;
pub mod guide;
mod home;
mod input;
mod one_line;
mod output;
mod plot;
mod prompt;
mod reference;
mod runner;
mod script;
mod seen;
mod signals;
mod tests;
mod waiting;

use std::io::{self, IsTerminal, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::{self, ExitCode};
use std::thread;
use std::time::Duration;

use crate::host::machine;
use crate::model::Value;
use crate::model::context::STACK_SIZE;
use crate::model::memory::MemoryLimit;
use crate::run::constant;
use crate::session::{Config, Session};
use crate::text::console::Console;
use crate::text::diagnostic::{Error, Result};
use crate::text::wait::Token;
use args::{Format, ProgramOptions, ScriptInput};
use output::OutputStyle;
use prompt::notices::Notices;
use reference::ReferenceFormat;
use runner::Runner;
use signals::Signals;

/// How long the end of the program waits for acknowledgements of what was published.
pub const CLOSE_LIMIT: Duration = Duration::from_secs(10);

/// The exit status of a run in which something failed.
const FAILURE: u8 = 1;

/// Runs the program with the arguments of the process; gives its exit status, or ends the process with it.
///
/// Statements run on a thread of their own, for its large stack; the first thread listens for signals
/// until the process ends.
pub fn main() -> ExitCode {
    let options = args::parse();
    if let Some(text) = &options.shown {
        return match io::stdout().write_all(text.as_bytes()) {
            // Who stops reading, as `head` does, has what they want.
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                eprintln!("error: cannot write: {error}");
                ExitCode::FAILURE
            }
            _ => ExitCode::SUCCESS,
        };
    }
    let notices = Notices::new();
    let started = Signals::install(notices.clone()).and_then(|(signals, listener)| {
        thread::Builder::new()
            .name("osql".to_owned())
            .stack_size(STACK_SIZE)
            .spawn(move || {
                let run = AssertUnwindSafe(|| run(options, &notices, signals));
                // A panic has printed its message already.
                let status = catch_unwind(run).unwrap_or(FAILURE);
                process::exit(status.into())
            })?;
        Ok(listener)
    });
    match started {
        Ok(listener) => listener.listen(),
        Err(error) => eprintln!("error: cannot start: {error}"),
    }
    ExitCode::FAILURE
}

/// Runs the program; gives its exit status.
fn run(options: ProgramOptions, notices: &Notices, signals: Signals) -> u8 {
    let prompt = options.interactive;
    let console = Console::new(Box::new(notices.stdout()), Box::new(notices.stderr()));
    let home = match home::folder(options.home.as_deref()) {
        Ok(home) => home,
        Err(error) => {
            console.report(&error, colour_errors());
            return FAILURE;
        }
    };
    let session = Session::new(Config {
        home,
        timeout: options.timeout,
        console,
        bail: options.bail,
        memory: options.memory.map_or(
            MemoryLimit::FoundBy(machine::half_of_memory),
            MemoryLimit::Bytes,
        ),
    });
    let host = &session.world().host;
    host.clients.set_verbose(options.verbose);
    host.console.set_notes(!options.quiet, colour_errors());
    if let Some(format) = options.functions {
        return write_reference(&session, format);
    }
    if let Err(error) = set_variables(&session, &options) {
        session.world().host.console.report(&error, colour_errors());
        return FAILURE;
    }
    let style = OutputStyle {
        format: options.format.unwrap_or_else(default_format),
        expanded: false,
        topics: options.topics,
        header: options.header,
        on_terminal: io::stdout().is_terminal(),
        utc: false,
        paged: false,
    };
    let mut runner = Runner::new(session, signals, notices.clone(), style);
    let went = script::run(&mut runner, &options.inputs, options.bail);
    if !options.tests.is_empty() && (went || !options.bail) {
        tests::run(&mut runner, &options.tests, options.bail);
    }
    if prompt && runner.goes_on() {
        if options.init {
            script::run(&mut runner, &home::init_file(), false);
        }
        prompt::run(&mut runner, notices, !options.wait);
    }
    if options.wait && runner.goes_on() {
        runner.wait_for_jobs();
    }
    runner.close(CLOSE_LIMIT)
}

/// `--set`, and the words for scripts. A value that reads as a constant is one, else it is its text.
fn set_variables(session: &Session, options: &ProgramOptions) -> Result<()> {
    let catalog = &session.world().catalog;
    let token = Token::new();
    for (name, text) in &options.variables {
        let read = constant::read(catalog, text, &token.looks());
        let value = read.unwrap_or_else(|_| Value::str(text));
        catalog.variables.set(name, value, None)?;
    }
    let words = options.words.iter().map(Value::str);
    catalog.variables.set("args", Value::vector(words), None)
}

/// `--functions`
fn write_reference(session: &Session, format: ReferenceFormat) -> u8 {
    let world = session.world();
    let console = &world.host.console;
    let written = reference::reference(&world.catalog, format).and_then(|text| {
        console
            .write(&text)
            .and_then(|()| console.finish())
            .map_err(|e| Error::run(format!("cannot write the reference: {e}")))
    });
    match written {
        Ok(()) => 0,
        Err(_) if console.is_closed() => 0,
        Err(error) => {
            console.report(&error, colour_errors());
            FAILURE
        }
    }
}

/// How results are written if nobody says so.
fn default_format() -> Format {
    match io::stdout().is_terminal() {
        true => Format::Table,
        false => Format::Text,
    }
}

/// Characters in a line of the terminal.
fn window_width() -> usize {
    window_size().map_or(80, |(width, _)| width)
}

/// Columns and lines of the terminal.
fn window_size() -> Option<(usize, usize)> {
    let (width, height) = terminal_size::terminal_size()?;
    Some((width.0.into(), height.0.into()))
}

/// Lines of the terminal.
fn window_height() -> usize {
    terminal_size::terminal_size().map_or(24, |(_, height)| usize::from(height.0))
}

/// Whether messages on standard error may be coloured.
fn colour_errors() -> bool {
    colour_wanted() && io::stderr().is_terminal()
}

/// Whether the user wants colour, as far as the environment says (<https://no-color.org>).
fn colour_wanted() -> bool {
    let no_color = std::env::var_os("NO_COLOR").is_some_and(|v| !v.is_empty());
    !no_color && !is_dumb_terminal()
}

/// Whether the terminal, as far as the environment says, obeys no escapes.
fn is_dumb_terminal() -> bool {
    std::env::var_os("TERM").is_none_or(|terminal| terminal == "dumb")
}

impl ScriptInput {
    /// What messages call the input.
    fn name(&self) -> String {
        match self {
            ScriptInput::Statements(_) => "<-o>".to_owned(),
            ScriptInput::File(path) => path.display().to_string(),
            ScriptInput::Stdin => "<stdin>".to_owned(),
        }
    }
}
