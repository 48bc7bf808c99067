//! The prompt: what a person types, and what helps them to.

mod assist;
mod complete;
mod entry;
mod highlight;
pub mod notices;

use std::fs;
use std::io;
use std::path::PathBuf;

use rustyline::config::{BellStyle, Configurer};
use rustyline::error::ReadlineError;
use rustyline::history::FileHistory;
use rustyline::{ColorMode, CompletionType, Editor};

use assist::Assistant;
use entry::PromptEntry;
use notices::Notices;

use super::home;
use super::runner::Runner;
use crate::text::diagnostic::Error;

const PROMPT: &str = "osql> ";

/// Statements that are remembered from one start to the next.
const REMEMBERED: usize = 10_000;

const HELP: &str = "\
A statement may take several lines and ends with ;
  apropos('word');   functions that have to do with a word
  doc('function');   what a function does
  Tab                completes names
  Ctrl-R             searches the history
  Ctrl-C             stops the query, or clears the line
  quit; or Ctrl-D    leaves
";

type Prompt = Editor<Assistant, FileHistory>;

/// Runs what a person types until they leave.
pub fn run(runner: &mut Runner, notices: &Notices) {
    runner.signals.at_prompt();
    let mut prompt = match editor(runner, notices) {
        Ok(prompt) => prompt,
        Err(error) => {
            runner.fail(&Error::run(format!("cannot open the prompt: {error}")));
            return;
        }
    };
    let history = open_history(&mut prompt);
    runner.console().notice(&format!(
        "osql {}. Type help for help, quit or Ctrl-D to leave.\n",
        env!("CARGO_PKG_VERSION")
    ));
    while runner.goes_on() {
        notices.enter_prompt();
        let line = prompt.readline(PROMPT);
        notices.leave_prompt();
        // Shows what was printed while the line was typed.
        let _ = runner.console().flush();
        match line {
            Ok(text) => {
                remember(&mut prompt, history.as_ref(), &text);
                run_text(runner, &text);
                if let Some(helper) = prompt.helper_mut() {
                    helper.learn(runner.session());
                }
            }
            // Ctrl-C drops the line. A signal that ends the program arrives here too; `goes_on` ends the
            // loop then.
            Err(ReadlineError::Interrupted) => {}
            Err(_) => return,
        }
    }
}

fn editor(runner: &Runner, notices: &Notices) -> rustyline::Result<Prompt> {
    let colour = super::colour_wanted();
    let config = rustyline::Config::builder()
        .max_history_size(REMEMBERED)?
        .history_ignore_space(true)
        .completion_type(CompletionType::List)
        .bell_style(BellStyle::None)
        .build();
    let mut prompt = Prompt::with_config(config)?;
    prompt.set_color_mode(if colour {
        ColorMode::Enabled
    } else {
        ColorMode::Disabled
    });
    prompt.set_helper(Some(Assistant::new(runner.session(), colour)));
    // A terminal without line editing has no line that could be disturbed.
    if let Ok(printer) = prompt.create_external_printer() {
        notices.print_with(printer)?;
    }
    Ok(prompt)
}

/// The history of earlier starts; `None` where it cannot be kept.
fn open_history(prompt: &mut Prompt) -> Option<PathBuf> {
    let folder = home::xdg_folder("XDG_STATE_HOME", ".local/state");
    fs::create_dir_all(&folder).ok()?;
    let file = folder.join("history");
    match prompt.load_history(&file) {
        Ok(()) => Some(file),
        Err(ReadlineError::Io(e)) if e.kind() == io::ErrorKind::NotFound => Some(file),
        Err(_) => None,
    }
}

/// Adds what was typed to the history, and at once to its file: the program may be killed, and
/// others may run beside it.
fn remember(prompt: &mut Prompt, file: Option<&PathBuf>, text: &str) {
    let entry = text.trim_end();
    let added = prompt.add_history_entry(entry).unwrap_or(false);
    if let (true, Some(file)) = (added, file) {
        // An error, such as a full disk, must not keep anybody from working.
        let _ = prompt.append_history(file);
    }
}

/// Runs the statements of one entry, up to the first that fails.
fn run_text(runner: &mut Runner, text: &str) {
    match entry::read(text) {
        PromptEntry::Help => runner.console().notice(HELP),
        PromptEntry::Leave => runner.leave(),
        PromptEntry::Statements(statements) => {
            for statement in statements {
                if !runner.run(&statement) || !runner.goes_on() {
                    return;
                }
            }
        }
    }
}
