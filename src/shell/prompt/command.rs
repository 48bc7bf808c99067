//! What the prompt understands besides statements: commands that begin with a backslash, as in psql, and
//! the words by which users of other shells ask for the same. They take one line and no semicolon.

use std::path::PathBuf;
use std::time::Duration;

use clap::ValueEnum;

use crate::shell::args::Format;
use crate::text::wait;

/// Something to do that is no statement.
#[derive(Debug, PartialEq)]
pub enum PromptCommand {
    /// The commands and chapters, or what is known of a word.
    Help(Option<String>),
    Leave,
    ClearScreen,
    /// What the user has defined, or what is known of a name.
    Describe(Option<String>),
    /// Whether to say how long statements take; the other way round if it is not said.
    Timing(Option<bool>),
    /// How results are written from now on.
    Format(Format),
    /// Whether each value of a row has a line of its own; the other way round if it is not said.
    Expanded(Option<bool>),
    /// Whether times in tables are in UTC; the other way round if it is not said.
    Utc(Option<bool>),
    /// Whether long tables go to the pager; the other way round if it is not said.
    Pager(Option<bool>),
    /// Runs the last entry again and again, with so long a rest in between.
    Watch(Duration),
    /// Writes results to a file from now on, or to the screen again.
    OutputTo(Option<PathBuf>),
    /// Edits a file, or the last entry, with the user's editor.
    Edit(Option<PathBuf>),
    /// Runs a file.
    Include(PathBuf),
    /// Gives a line to the system's shell.
    Shell(String),
    /// It is wrong, and how.
    Wrong(String),
}

/// What `\?` shows.
pub const HELP: &str = r"A statement may take several lines and ends with ;

  help WORD          a chapter of the guide, a function, or where a word is found; also \h WORD
  apropos('word');   functions that have to do with a word
  doc('function');   what a function does

  \?                 shows this, as help does
  \q                 leaves, as quit and Ctrl-D do
  \d [NAME]          what you have defined, or what is known of a name
  \i FILE            runs a file
  \o [FILE]          writes results to a file from now on, or to the screen again
  \e [FILE]          edits the last entry, or a file, with $VISUAL or $EDITOR
  \watch [SECONDS]   runs the last entry every 2 seconds, or as often as is said, until Ctrl-C
  \timing [on|off]   says how long statements take
  \format [FORMAT]   how results are written: table, text, raw, json, csv, markdown or svg
  \x [on|off]        whether each value of a row has a line of its own
  \pager [on|off]    whether tables longer than the window go to $PAGER, or less
  \utc [on|off]      whether tables show times in UTC instead of local time
  \! COMMAND         gives a line to the system's shell
  clear              clears the screen

  Tab                completes names, fields, topics, options; twice lists them
  Right, End         take what is suggested from the history; Alt-Right takes a word
  Ctrl-R             searches the history
  Ctrl-X Ctrl-E      edits the line with $VISUAL or $EDITOR
  Ctrl-C             stops the query, or drops what was typed
";

/// How long `\watch` rests if that is not said.
const WATCH: Duration = Duration::from_secs(2);

/// The command that a whole entry is; `None` for statements.
pub fn read(entry: &str) -> Option<PromptCommand> {
    let entry = entry.trim();
    if entry.contains('\n') {
        return None;
    }
    let word = entry.strip_suffix(';').unwrap_or(entry).trim_end();
    let command = match word {
        "help" | "help()" | "?" | ".help" => PromptCommand::Help(None),
        "quit" | "exit" | "quit()" | "exit()" | ".quit" | ".exit" | ":q" => PromptCommand::Leave,
        "clear" | "cls" => PromptCommand::ClearScreen,
        ".tables" | ".schema" | "show tables" => PromptCommand::Describe(None),
        _ if is_help(word) => PromptCommand::Help(asked_of(&word[4..])),
        _ => return backslash(entry.strip_prefix('\\')?),
    };
    Some(command)
}

/// Whether help is asked for, by words that are no statement.
fn is_help(entry: &str) -> bool {
    entry
        .strip_prefix("help")
        .is_some_and(|rest| rest.starts_with([' ', '\t', '(']))
}

/// The word that help is asked for, without quotes and parentheses around it.
fn asked_of(text: &str) -> Option<String> {
    let around = |c: char| c.is_whitespace() || "'\"`()".contains(c);
    let word = text.trim_matches(around);
    (!word.is_empty()).then(|| word.to_owned())
}

/// The command whose text stands behind the backslash.
fn backslash(text: &str) -> Option<PromptCommand> {
    if let Some(line) = text.strip_prefix('!') {
        return Some(PromptCommand::Shell(line.trim().to_owned()));
    }
    let (name, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let rest = rest.trim();
    // Who is used to it closes commands with a semicolon too.
    let (name, rest) = match rest {
        "" => (name.trim_end_matches(';'), rest),
        _ => (name, rest.strip_suffix(';').unwrap_or(rest).trim_end()),
    };
    let argument = (!rest.is_empty()).then_some(rest);
    Some(match name {
        "?" | "h" | "help" => PromptCommand::Help(argument.and_then(asked_of)),
        "q" | "quit" => PromptCommand::Leave,
        "d" | "dt" | "df" => PromptCommand::Describe(argument.map(str::to_owned)),
        "timing" => switch(name, argument, PromptCommand::Timing),
        "x" => switch(name, argument, PromptCommand::Expanded),
        "utc" => switch(name, argument, PromptCommand::Utc),
        "pager" => switch(name, argument, PromptCommand::Pager),
        "format" => format(argument),
        "watch" => watch(argument),
        "o" => PromptCommand::OutputTo(argument.map(PathBuf::from)),
        "e" | "edit" => PromptCommand::Edit(argument.map(PathBuf::from)),
        "i" | "include" => match argument {
            Some(path) => PromptCommand::Include(path.into()),
            None => PromptCommand::Wrong("\\i needs the name of a file".to_owned()),
        },
        other => PromptCommand::Wrong(format!("there is no command \\{other}; \\? lists them")),
    })
}

/// A command that is on or off.
fn switch(
    name: &str,
    argument: Option<&str>,
    command: fn(Option<bool>) -> PromptCommand,
) -> PromptCommand {
    match argument {
        None => command(None),
        Some("on") => command(Some(true)),
        Some("off") => command(Some(false)),
        Some(other) => PromptCommand::Wrong(format!("\\{name} is on or off, not {other}")),
    }
}

fn format(argument: Option<&str>) -> PromptCommand {
    let wanted = argument.and_then(|name| Format::from_str(name, true).ok());
    let names = || {
        let formats = Format::value_variants().iter();
        let names =
            formats.filter_map(|format| Some(format.to_possible_value()?.get_name().to_owned()));
        names.collect::<Vec<_>>().join(", ")
    };
    match wanted {
        Some(format) => PromptCommand::Format(format),
        None => PromptCommand::Wrong(format!("\\format takes one of {}", names())),
    }
}

fn watch(argument: Option<&str>) -> PromptCommand {
    let Some(text) = argument else {
        return PromptCommand::Watch(WATCH);
    };
    let seconds = text.parse().ok().and_then(wait::seconds);
    match seconds.filter(|rest| !rest.is_zero()) {
        Some(rest) => PromptCommand::Watch(rest),
        None => PromptCommand::Wrong(format!(
            "\\watch takes a number of seconds above 0, not {text}"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_of_other_shells_are_understood() {
        for (text, command) in [
            ("\\q", PromptCommand::Leave),
            ("exit()", PromptCommand::Leave),
            ("quit;", PromptCommand::Leave),
            (".exit", PromptCommand::Leave),
            (" ? ", PromptCommand::Help(None)),
            ("help;", PromptCommand::Help(None)),
            ("\\?", PromptCommand::Help(None)),
            (
                "help('group by');",
                PromptCommand::Help(Some("group by".to_owned())),
            ),
            ("help =", PromptCommand::Help(Some("=".to_owned()))),
            ("\\h sqrt;", PromptCommand::Help(Some("sqrt".to_owned()))),
            (".tables", PromptCommand::Describe(None)),
            ("\\d pump", PromptCommand::Describe(Some("pump".to_owned()))),
            (
                "\\d pump;",
                PromptCommand::Describe(Some("pump".to_owned())),
            ),
            ("\\timing", PromptCommand::Timing(None)),
            ("\\timing off", PromptCommand::Timing(Some(false))),
            (
                "\\watch 0.5",
                PromptCommand::Watch(Duration::from_millis(500)),
            ),
            ("\\watch;", PromptCommand::Watch(WATCH)),
            ("\\x", PromptCommand::Expanded(None)),
            ("\\utc on", PromptCommand::Utc(Some(true))),
            ("\\pager;", PromptCommand::Pager(None)),
            ("\\format JSON", PromptCommand::Format(Format::Json)),
            ("\\o", PromptCommand::OutputTo(None)),
            ("\\i a b.osql", PromptCommand::Include("a b.osql".into())),
            ("\\! ls ;", PromptCommand::Shell("ls ;".to_owned())),
        ] {
            assert_eq!(read(text), Some(command), "{text}");
        }
        for text in [
            "\\watch -1",
            "\\watch soon",
            "\\i",
            "\\timing maybe",
            "\\zz",
            "\\",
        ] {
            let wrong = matches!(read(text), Some(PromptCommand::Wrong(_)));
            assert!(wrong, "{text}");
        }
        for text in ["1;", "helper();", "quit(1);", "select 1;\n\\q", "'\\q';"] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
