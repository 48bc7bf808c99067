//! The prompt: what a person types, and what helps them to.
//!
//! A line is read at a time, as psql does it: a statement that is not finished goes on behind a prompt that
//! says what is open. What was typed or pasted ahead is kept for the next line.

mod assist;
mod command;
mod complete;
mod editor;
mod entry;
mod help;
mod highlight;
mod history;
pub mod notices;
mod paste;
mod place;

use std::io;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rustyline::config::{BellStyle, Configurer};
use rustyline::error::ReadlineError;
use rustyline::history::FileHistory;
use rustyline::{
    Cmd, ColorMode, CompletionType, ConditionalEventHandler, Editor, Event, EventContext,
    EventHandler, KeyCode, KeyEvent, Modifiers, RepeatCount,
};

use super::args::ScriptInput;
use super::runner::Runner;
use super::script;
use super::window_width;
use crate::text::diagnostic::{Error, Result, SourceText};
use crate::text::wait::Token;
use assist::Assistant;
use command::PromptCommand;
use complete::KnownNames;
use entry::PromptEntry;
use history::History;
use notices::Notices;
use paste::PasteWatch;

const PROMPT: &str = "osql> ";

/// Statements that are remembered from one start to the next.
const REMEMBERED: usize = 10_000;

type Prompt = Editor<Assistant, FileHistory>;

/// Runs what a person types until they leave, which `ends_jobs` that run in the background, or does not.
pub fn run(runner: &mut Runner, notices: &Notices, ends_jobs: bool) {
    runner.enter_prompt();
    let mut reader = match Reader::open(runner, notices) {
        Ok(reader) => reader,
        Err(error) => {
            runner.fail(&Error::run(format!("cannot open the prompt: {error}")));
            return;
        }
    };
    runner.console().notice(&format!(
        "osql {}. Type help for help, quit or Ctrl-D to leave.\n",
        env!("CARGO_PKG_VERSION")
    ));
    let mut state = State::default();
    while runner.goes_on() {
        match reader.entry(runner, notices) {
            Ok(text) => {
                state.take(&mut reader, runner, text);
            }
            // Ctrl-C drops what was typed. A signal that ends the program arrives here too; `goes_on`
            // ends the loop then.
            Err(ReadlineError::Interrupted) => continue,
            Err(ReadlineError::Eof) => runner.leave(),
            Err(ReadlineError::Io(error)) if error.kind() == io::ErrorKind::InvalidData => {
                let message = "what was typed is not UTF-8 text, and has been dropped";
                runner.fail(&Error::syntax(message));
            }
            Err(_) => return,
        }
        state.asks_to_leave = match (runner.leaves(), state.asks_to_leave) {
            (true, false) if ends_jobs && asked_of_jobs(runner) => {
                runner.stay();
                true
            }
            _ => false,
        };
    }
}

/// Whether a person who leaves has been told that jobs would end by that.
fn asked_of_jobs(runner: &Runner) -> bool {
    let text = match runner.session().world().host.jobs.all().len() {
        0 => return false,
        1 => "1 job runs; quit again to end it\n".to_owned(),
        jobs => format!("{jobs} jobs run; quit again to end them\n"),
    };
    runner.console().notice(&text);
    true
}

/// The line editor, and what is to be edited next.
struct Reader {
    prompt: Prompt,
    history: History,
    /// Whether Ctrl-X Ctrl-E has ended the line.
    for_editor: Arc<AtomicBool>,
    /// Whether Ctrl-C has.
    dropped: Arc<AtomicBool>,
    paste: PasteWatch,
    /// What stands in the next entry from the beginning.
    initial: Option<String>,
}

impl Reader {
    fn open(runner: &Runner, notices: &Notices) -> rustyline::Result<Reader> {
        let paste = PasteWatch::default();
        let mut prompt = line_editor(runner, notices, &paste)?;
        let for_editor = ending_key(&mut prompt, vec![KeyEvent::ctrl('X'), KeyEvent::ctrl('E')]);
        let dropped = ending_key(&mut prompt, vec![KeyEvent::ctrl('C')]);
        let others = OtherKeys {
            paste: paste.clone(),
            ending: [Arc::clone(&for_editor), Arc::clone(&dropped)],
        };
        prompt.bind_sequence(Event::Any, EventHandler::Conditional(Box::new(others)));
        bind_suggestion_keys(&mut prompt);
        let (history, notice) = History::open(&mut prompt);
        if let Some(notice) = notice {
            runner.console().notice(&notice);
        }
        Ok(Reader {
            prompt,
            history,
            for_editor,
            dropped,
            paste,
            initial: None,
        })
    }

    /// Reads lines up to the one that finishes what was begun, and remembers them.
    fn entry(&mut self, runner: &mut Runner, notices: &Notices) -> rustyline::Result<String> {
        let mut entry = PromptEntry::new();
        loop {
            let prompt = match entry.text() {
                "" => PROMPT.to_owned(),
                _ => format!("   {}> ", entry.open_mark()),
            };
            if let Some(helper) = self.prompt.helper_mut() {
                helper.begin_line(entry.earlier());
            }
            notices.enter_prompt();
            let line = match self.initial.take() {
                Some(initial) => self.prompt.readline_with_initial(&prompt, (&initial, "")),
                None => self.prompt.readline(&prompt),
            };
            notices.leave_prompt();
            // Shows what was printed while the line was typed.
            let _ = runner.console().flush();
            let line = line?;
            if let Some(carried) = self.paste.take_carried() {
                entry.push_piece(&line);
                self.initial = Some(carried.to_string());
                continue;
            }
            entry.push(&line);
            if self.dropped.swap(false, Ordering::Relaxed) {
                return Err(ReadlineError::Interrupted);
            }
            if self.for_editor.swap(false, Ordering::Relaxed) {
                let mut text = std::mem::replace(&mut entry, PromptEntry::new()).into_text();
                match editor::edit_text(&text) {
                    Ok(edited) => text = edited,
                    Err(error) => {
                        runner.fail(&error);
                    }
                }
                // Enter runs it, when it has been seen.
                self.initial = Some(text.trim_end().to_owned());
                continue;
            }
            if entry.is_finished() {
                self.history.add(&mut self.prompt, entry.text());
                return Ok(entry.into_text());
            }
        }
    }
}

fn line_editor(
    runner: &Runner,
    notices: &Notices,
    paste: &PasteWatch,
) -> rustyline::Result<Prompt> {
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
    let names = KnownNames::new(runner.session().world(), runner.seen_fields());
    prompt.set_helper(Some(Assistant::new(names, colour, paste.clone())));
    // A terminal without line editing has no line that could be disturbed.
    if let Ok(printer) = prompt.create_external_printer() {
        notices.print_with(printer)?;
    }
    Ok(prompt)
}

/// The keys that move behind the line take what is suggested there; those that move by a word take a word.
fn bind_suggestion_keys(prompt: &mut Prompt) {
    let whole = [
        KeyEvent(KeyCode::End, Modifiers::NONE),
        KeyEvent::ctrl('E'),
        KeyEvent::ctrl('F'),
    ];
    let word = [
        KeyEvent(KeyCode::Right, Modifiers::ALT),
        KeyEvent(KeyCode::Right, Modifiers::CTRL),
        KeyEvent::alt('f'),
    ];
    let whole = whole.map(|key| (key, SuggestionKey { takes_word: false }));
    let word = word.map(|key| (key, SuggestionKey { takes_word: true }));
    for (key, handler) in whole.into_iter().chain(word) {
        prompt.bind_sequence(key, EventHandler::Conditional(Box::new(handler)));
    }
}

/// Takes what is suggested behind the cursor; without a suggestion the key does what it does.
struct SuggestionKey {
    takes_word: bool,
}

impl ConditionalEventHandler for SuggestionKey {
    fn handle(&self, _: &Event, _: RepeatCount, _: bool, context: &EventContext) -> Option<Cmd> {
        let suggested = context.hint_text()?;
        if context.pos() < context.line().len() {
            return None;
        }
        if !self.takes_word {
            return Some(Cmd::CompleteHint);
        }
        let blanks = suggested.len() - suggested.trim_start().len();
        let word = suggested[blanks..].find(char::is_whitespace);
        let end = word.map_or(suggested.len(), |length| blanks + length);
        Some(Cmd::Insert(1, suggested[..end].to_owned()))
    }
}

/// Binds keys that end the line as Enter does, so that nothing faint stays behind it; gives what tells that
/// they have.
fn ending_key(prompt: &mut Prompt, keys: Vec<KeyEvent>) -> Arc<AtomicBool> {
    let pressed = Arc::new(AtomicBool::new(false));
    let handler = EndingKey(pressed.clone());
    prompt.bind_sequence(
        Event::KeySeq(keys),
        EventHandler::Conditional(Box::new(handler)),
    );
    pressed
}

/// A key that ends the line and says that it was this one.
struct EndingKey(Arc<AtomicBool>);

impl ConditionalEventHandler for EndingKey {
    fn handle(&self, _: &Event, _: RepeatCount, _: bool, _: &EventContext) -> Option<Cmd> {
        self.0.store(true, Ordering::Relaxed);
        Some(Cmd::AcceptLine)
    }
}

/// All other keys.
struct OtherKeys {
    paste: PasteWatch,
    /// What tells of the keys that end a line.
    ending: [Arc<AtomicBool>; 2],
}

impl ConditionalEventHandler for OtherKeys {
    fn handle(
        &self,
        event: &Event,
        n: RepeatCount,
        positive: bool,
        at: &EventContext,
    ) -> Option<Cmd> {
        // A key that ends lines did not where another follows, as in a long list of candidates.
        for pressed in &self.ending {
            pressed.store(false, Ordering::Relaxed);
        }
        self.paste.handle(event, n, positive, at)
    }
}

/// What lasts from one entry to the next.
#[derive(Default)]
struct State {
    timing: bool,
    /// The latest entry that was no command.
    last: String,
    /// Whether the latest entry was to leave, and was not obeyed.
    asks_to_leave: bool,
}

impl State {
    /// Does what an entry asks for.
    fn take(&mut self, reader: &mut Reader, runner: &mut Runner, text: String) {
        runner.signals.next_entry();
        let Some(command) = command::read(&text) else {
            self.run(runner, &text);
            self.last = text;
            return;
        };
        let done = match command {
            PromptCommand::Help(word) => show_help(runner, word.as_deref()),
            PromptCommand::Leave => {
                runner.leave();
                Ok(())
            }
            PromptCommand::ClearScreen => {
                // A terminal that cannot be cleared stays as it is.
                let _ = reader.prompt.clear_screen();
                Ok(())
            }
            PromptCommand::Describe(name) => {
                self.run(runner, &description(name.as_deref()));
                Ok(())
            }
            PromptCommand::Timing(wanted) => {
                self.timing = wanted.unwrap_or(!self.timing);
                let how = if self.timing { "on" } else { "off" };
                runner.console().notice(&format!("timing is {how}\n"));
                Ok(())
            }
            PromptCommand::Format(format) => {
                runner.style.format = format;
                Ok(())
            }
            PromptCommand::Expanded(wanted) => {
                let expanded = wanted.unwrap_or(!runner.style.expanded);
                runner.style.expanded = expanded;
                let how = if expanded { "a line" } else { "a column" };
                let text = format!("each value of a row has {how} of its own\n");
                runner.console().notice(&text);
                Ok(())
            }
            PromptCommand::Utc(wanted) => {
                let utc = wanted.unwrap_or(!runner.style.utc);
                runner.style.utc = utc;
                let how = if utc { "in UTC" } else { "local" };
                runner
                    .console()
                    .notice(&format!("times in tables are {how}\n"));
                Ok(())
            }
            PromptCommand::Pager(wanted) => {
                let paged = wanted.unwrap_or(!runner.style.paged);
                runner.style.paged = paged;
                let how = if paged { "go to the pager" } else { "are cut" };
                runner.console().notice(&format!("long tables {how}\n"));
                Ok(())
            }
            PromptCommand::Watch(rest) => self.watch(runner, rest),
            PromptCommand::OutputTo(path) => runner.write_results_to(path.as_deref()),
            PromptCommand::Edit(path) => self.edit(reader, path.as_deref()),
            PromptCommand::Include(path) => {
                script::run(runner, &[ScriptInput::File(path)], false);
                Ok(())
            }
            PromptCommand::Shell(line) => in_shell(&line),
            PromptCommand::Wrong(message) => Err(Error::run(message)),
        };
        if let Err(error) = done {
            runner.fail(&error);
        }
    }

    /// Runs the statements of one entry, up to the first that fails; `false` if one did.
    fn run(&self, runner: &mut Runner, text: &str) -> bool {
        for statement in entry::statements(text) {
            if !self.run_one(runner, &statement) || !runner.goes_on() {
                return false;
            }
            if runner.signals.stopped() {
                // Ctrl-C came too late for this statement, but not for what follows.
                runner.console().notice("stopped\n");
                return false;
            }
        }
        true
    }

    fn run_one(&self, runner: &mut Runner, statement: &Arc<SourceText>) -> bool {
        let begun = Instant::now();
        let went = runner.run(statement);
        if self.timing {
            let took = begun.elapsed().as_secs_f64();
            runner.console().notice(&format!("took {took:.3} s\n"));
        }
        went
    }

    fn watch(&self, runner: &mut Runner, rest: Duration) -> Result<()> {
        if self.last.is_empty() {
            return Err(Error::run("there is no entry yet that could be watched"));
        }
        while self.run(runner, &self.last) && runner.rest(rest) {}
        Ok(())
    }

    /// The file is run after it has been edited; the entry waits for Enter.
    fn edit(&self, reader: &mut Reader, path: Option<&Path>) -> Result<()> {
        match path {
            Some(path) => {
                editor::edit_file(path)?;
                reader.initial = Some(format!("\\i {}", path.display()));
            }
            None => {
                let edited = editor::edit_text(&self.last)?;
                reader.initial = Some(edited.trim_end().to_owned());
            }
        }
        Ok(())
    }
}

/// Shows the commands, or what is known of a word.
fn show_help(runner: &Runner, word: Option<&str>) -> Result<()> {
    let world = runner.session().world();
    let text = match word {
        None => help::overview(),
        Some(word) => {
            let token = Token::new();
            help::help(&world.catalog, word, window_width(), &token.looks())?
        }
    };
    let console = runner.console();
    console
        .write(&text)
        .and_then(|()| console.flush())
        .map_err(|e| Error::run(format!("cannot write the help: {e}")))
}

/// The statements that say what the user has defined, or what is known of a name.
fn description(name: Option<&str>) -> String {
    match name {
        None => {
            "select signature(f) from Function f where f in userfunctions() order by name(f);\n\
                 usertypes();"
                .to_owned()
        }
        Some(name) => {
            let name = name.replace('\'', "");
            format!("sourcecode('{name}'); doc('{name}');")
        }
    }
}

/// Gives a line to the system's shell, which has the terminal meanwhile.
fn in_shell(line: &str) -> Result<()> {
    let shell = std::env::var("SHELL").unwrap_or_else(|_| "sh".to_owned());
    let mut command = Command::new(&shell);
    if !line.is_empty() {
        command.args(["-c", line]);
    }
    let status = command
        .status()
        .map_err(|e: io::Error| Error::run(format!("cannot start '{shell}': {e}")))?;
    match status.success() {
        true => Ok(()),
        false => Err(Error::run(format!("the command ended with {status}"))),
    }
}
