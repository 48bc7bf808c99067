//! The flags of the program, and what they ask for.

use std::collections::HashSet;
use std::ffi::OsString;
use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::time::Duration;

use clap::error::ErrorKind;
use clap::{ArgMatches, CommandFactory, FromArgMatches, Parser, ValueEnum};

use super::one_line::OneLine;
use super::reference::ReferenceFormat;
use crate::host::machine;
use crate::text::shown::shown;
use crate::text::wait;

/// What the program has been asked to do.
#[derive(Debug)]
pub struct ProgramOptions {
    /// What to run first, in the order in which it was given.
    pub inputs: Vec<ScriptInput>,
    /// Session variables that are set before, and what their values are made of.
    pub variables: Vec<(String, String)>,
    /// The words for the script: its variable `:args`.
    pub words: Vec<String>,
    /// What is printed instead of running anything.
    pub shown: Option<String>,
    /// The models and files whose validations are run after it.
    pub tests: Vec<String>,
    /// Whether a prompt follows.
    pub interactive: bool,
    /// Whether the user's own statements are run before the prompt.
    pub init: bool,
    pub home: Option<PathBuf>,
    pub timeout: Option<Duration>,
    /// How many bytes a query may hold.
    pub memory: Option<u64>,
    pub bail: bool,
    /// Whether the end waits for background jobs instead of stopping them.
    pub wait: bool,
    /// Whether notes about what is likely wrong are left out.
    pub quiet: bool,
    pub verbose: bool,
    /// How results are written, if it is said.
    pub format: Option<Format>,
    /// Whether the results are states of topics, of which the latest counts.
    pub topics: bool,
    /// Whether the names of columns stand above rows of CSV.
    pub header: bool,
    /// Whether to write the reference of all functions, and nothing else.
    pub functions: Option<ReferenceFormat>,
}

impl ProgramOptions {
    /// Runs the statements of a command in one line, and stops at the first that fails.
    fn of_one_line(one_line: &OneLine) -> ProgramOptions {
        let statements = one_line.statements();
        if one_line.is_shown() {
            // A password among the options stays one.
            return ProgramOptions::of_text(shown(&statements));
        }
        ProgramOptions {
            inputs: vec![ScriptInput::Statements(statements)],
            shown: None,
            format: one_line.format(),
            topics: matches!(one_line, OneLine::Topics(_)),
            ..ProgramOptions::of_text(String::new())
        }
    }

    /// Prints a text, and runs nothing.
    fn of_text(text: String) -> ProgramOptions {
        ProgramOptions {
            inputs: vec![],
            variables: vec![],
            words: vec![],
            shown: Some(text),
            tests: vec![],
            interactive: false,
            init: false,
            home: None,
            timeout: None,
            memory: None,
            bail: true,
            wait: false,
            quiet: false,
            verbose: false,
            format: None,
            topics: false,
            header: true,
            functions: None,
        }
    }
}

/// Where statements come from.
#[derive(Debug, PartialEq, Eq)]
pub enum ScriptInput {
    /// `-o 'statements'`
    Statements(String),
    /// A file, by argument or by `-O file`.
    File(PathBuf),
    /// `-`, or a standard input that is not a terminal when nothing else is given.
    Stdin,
}

/// How results are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Rows of columns with names as a table, everything else as text
    Table,
    /// As they are typed in OSQL, one on each line
    Text,
    /// As text, but strings and payloads as they are, without quotes
    Raw,
    /// As JSON, one on each line
    Json,
    /// As CSV under the names of columns: one line each, the elements of a vector or record are its fields
    Csv,
    /// Rows of columns with names as a table of Markdown, everything else as text
    Markdown,
    /// As a picture of SVG for each query, at its end
    Svg,
}

/// An interactive shell for OSQL, the stream query language, and a secure MQTT client.
///
/// Runs files and statements in the order in which they are given, then exits. With nothing to run
/// it shows a prompt, or runs standard input if that is not a terminal.
#[derive(Parser, Debug)]
#[command(name = "osql", version, after_help = AFTER_HELP, args_conflicts_with_subcommands = true)]
struct Flags {
    #[command(subcommand)]
    one_line: Option<OneLine>,

    /// Files to run; `-` is standard input
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,

    /// Words for the scripts: the vector :args
    #[arg(last = true, value_name = "WORD")]
    words: Vec<String>,

    /// Set the variable :NAME before anything runs; to a string, unless VALUE is a number, true, false or
    /// another constant of OSQL
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = variable)]
    variables: Vec<(String, String)>,

    /// Run these statements
    #[arg(short = 'o', value_name = "STATEMENTS", allow_hyphen_values = true)]
    statements: Vec<String>,

    /// Run this file; the same as FILE alone
    #[arg(short = 'O', value_name = "FILE")]
    file_options: Vec<PathBuf>,

    /// Show a prompt after what was given to run
    #[arg(short, long)]
    interactive: bool,

    /// Do not run init.osql of the configuration folder before the prompt
    #[arg(long)]
    no_init: bool,

    /// Print completions for this shell, and run nothing
    #[arg(long, value_name = "SHELL", value_enum)]
    completions: Option<clap_complete::Shell>,

    /// Print the manual page, for man(1), and run nothing
    #[arg(long)]
    man: bool,

    /// What sa_home() returns: the folder that has models/ [env: SA_HOME]
    #[arg(short = 'f', long = "home", value_name = "FOLDER", value_parser = folder)]
    home: Option<PathBuf>,

    /// End each query after that long
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    timeout: Option<Duration>,

    /// How much a query may hold in memory, such as 500MB or 4GB; half of the machine's by default
    #[arg(long, value_name = "SIZE", value_parser = machine::size)]
    memory: Option<u64>,

    /// How results are written; as tables on a terminal by default, and as text elsewhere
    #[arg(long, value_enum)]
    format: Option<Format>,

    /// Leave out the names of columns above rows of CSV
    #[arg(long)]
    no_header: bool,

    /// Stop at the first error
    #[arg(short = 'x', long)]
    bail: bool,

    /// Run the tests of these models, or of files, and count their validations
    #[arg(long, value_name = "MODEL|FILE", num_args = 1..)]
    test: Vec<String>,

    /// Wait for background jobs at the end, instead of stopping them
    #[arg(long)]
    wait: bool,

    /// Write the reference of all functions, as text or Markdown, and exit
    #[arg(long, value_name = "FORMAT", value_enum, num_args = 0..=1, require_equals = true, default_missing_value = "text")]
    functions: Option<ReferenceFormat>,

    /// Say no notes about what is likely wrong
    #[arg(short, long)]
    quiet: bool,

    /// Say what happens on the network, on standard error
    #[arg(short, long)]
    verbose: bool,
}

const AFTER_HELP: &str = "\
Exit status: 0 when all went well, 1 after an error, 2 for wrong flags, 130 after Ctrl-C, 143 after \
SIGTERM. Before it exits, osql waits up to 10 seconds for the acknowledgement of published messages.";

/// The options that the process was started with. Exits for `--help`, `--version` and wrong flags.
pub fn parse() -> ProgramOptions {
    options_from(std::env::args_os(), io::stdin().is_terminal()).unwrap_or_else(|e| e.exit())
}

/// The options in `arguments`, the first of which is the program's name.
fn options_from(
    arguments: impl IntoIterator<Item = OsString>,
    terminal: bool,
) -> Result<ProgramOptions, clap::Error> {
    let matches = Flags::command().try_get_matches_from(arguments)?;
    let flags = Flags::from_arg_matches(&matches)?;
    if flags.interactive && !terminal {
        return Err(Flags::command().error(
            ErrorKind::ArgumentConflict,
            "-i shows a prompt, but standard input is not a terminal",
        ));
    }
    if let Some(one_line) = &flags.one_line {
        return Ok(ProgramOptions::of_one_line(one_line));
    }
    if let Some(shell) = flags.completions {
        return Ok(ProgramOptions::of_text(completions(shell)));
    }
    if flags.man {
        return man_page().map(ProgramOptions::of_text);
    }
    if let Some(name) = given_twice(&flags.variables) {
        let message = format!("--set {name}=… is given twice");
        return Err(Flags::command().error(ErrorKind::ArgumentConflict, message));
    }
    let mut inputs = in_order(&matches, &flags);
    let nothing = inputs.is_empty() && flags.test.is_empty() && flags.functions.is_none();
    if nothing && !terminal {
        inputs.push(ScriptInput::Stdin);
    }
    Ok(ProgramOptions {
        interactive: flags.interactive || (nothing && terminal),
        init: !flags.no_init,
        inputs,
        variables: flags.variables,
        words: flags.words,
        shown: None,
        tests: flags.test,
        home: flags.home,
        timeout: flags.timeout,
        memory: flags.memory,
        bail: flags.bail,
        wait: flags.wait,
        quiet: flags.quiet,
        verbose: flags.verbose,
        format: flags.format,
        topics: false,
        header: !flags.no_header,
        functions: flags.functions,
    })
}

/// What completes the flags and commands in a shell of the system.
fn completions(shell: clap_complete::Shell) -> String {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Flags::command(), "osql", &mut script);
    String::from_utf8_lossy(&script).into_owned()
}

/// The manual page, in the form that man(1) reads.
fn man_page() -> Result<String, clap::Error> {
    let mut page = Vec::new();
    clap_mangen::Man::new(Flags::command()).render(&mut page)?;
    Ok(String::from_utf8_lossy(&page).into_owned())
}

/// The first name that was given before.
fn given_twice(variables: &[(String, String)]) -> Option<&str> {
    let mut names = variables.iter().map(|(name, _)| name.as_str());
    let mut before = HashSet::new();
    names.find(|name| !before.insert(*name))
}

/// A variable's name, in lower case as variables are known, and its value.
fn variable(text: &str) -> Result<(String, String), String> {
    let Some((name, value)) = text.split_once('=') else {
        return Err("NAME=VALUE is wanted, such as limit=5".to_owned());
    };
    let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    match name.to_ascii_lowercase() {
        _ if !is_name => Err(format!(
            "'{name}' is no name of a variable: letters, digits and _, and no digit first"
        )),
        name if name == "args" => Err("the words behind -- are :args".to_owned()),
        name => Ok((name, value.to_owned())),
    }
}

/// Files and statements in the order of their appearance.
fn in_order(matches: &ArgMatches, flags: &Flags) -> Vec<ScriptInput> {
    let places = |id| matches.indices_of(id).into_iter().flatten();
    let files = flags.files.iter().map(|path| file(path));
    let file_options = flags.file_options.iter().map(|path| file(path));
    let statements = flags
        .statements
        .iter()
        .cloned()
        .map(ScriptInput::Statements);
    let mut inputs: Vec<(usize, ScriptInput)> = places("files")
        .zip(files)
        .chain(places("file_options").zip(file_options))
        .chain(places("statements").zip(statements))
        .collect();
    inputs.sort_by_key(|(place, _)| *place);
    inputs.into_iter().map(|(_, input)| input).collect()
}

fn file(path: &std::path::Path) -> ScriptInput {
    if path.as_os_str() == "-" {
        ScriptInput::Stdin
    } else {
        ScriptInput::File(path.to_owned())
    }
}

pub fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text
        .parse()
        .map_err(|_| "a number of seconds is wanted, such as 2.5".to_owned())?;
    match wait::seconds(seconds) {
        Some(duration) if !duration.is_zero() => Ok(duration),
        _ => Err("the number of seconds must be above 0".to_owned()),
    }
}

fn folder(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    if path.is_dir() {
        Ok(path)
    } else {
        Err("there is no such folder".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(arguments: &[&str], terminal: bool) -> Result<ProgramOptions, clap::Error> {
        let all = ["osql"].iter().chain(arguments).map(OsString::from);
        options_from(all, terminal)
    }

    #[test]
    fn inputs_keep_their_order() {
        let given = ["-o", "1;", "a.osql", "-O", "b.osql", "-", "-o", "-2;"];
        let options = options(&given, false).expect("right flags");
        let expected = [
            ScriptInput::Statements("1;".into()),
            ScriptInput::File("a.osql".into()),
            ScriptInput::File("b.osql".into()),
            ScriptInput::Stdin,
            ScriptInput::Statements("-2;".into()),
        ];
        assert_eq!(options.inputs, expected);
        assert!(!options.interactive);
    }

    #[test]
    fn nothing_to_run_means_a_prompt_or_standard_input() {
        let at_terminal = options(&[], true).expect("right flags");
        assert!(at_terminal.interactive && at_terminal.inputs.is_empty());
        let piped = options(&[], false).expect("right flags");
        assert!(!piped.interactive);
        assert_eq!(piped.inputs, [ScriptInput::Stdin]);
    }

    #[test]
    fn a_prompt_after_files_only_when_asked() {
        assert!(!options(&["a.osql"], true).expect("right").interactive);
        assert!(options(&["a.osql", "-i"], true).expect("right").interactive);
        assert!(options(&["-i"], false).is_err());
    }

    #[test]
    fn variables_have_names_and_each_one_value() {
        let given = [
            "--set", "Limit=5", "--set", "b==", "x.osql", "--", "-o", "w",
        ];
        let options = options(&given, false).expect("right flags");
        let pairs = options.variables.iter();
        let pairs: Vec<_> = pairs.map(|(name, value)| (&**name, &**value)).collect();
        assert_eq!(pairs, [("limit", "5"), ("b", "=")]);
        assert_eq!(options.words, ["-o", "w"]);
        for wrong in ["x", "=1", "1x=1", "a b=1", "args=1"] {
            assert!(self::options(&["--set", wrong], true).is_err(), "{wrong}");
        }
        let twice = self::options(&["--set", "a=1", "--set", "A=2"], true);
        assert!(twice.is_err_and(|e| e.to_string().contains("--set a=… is given twice")));
    }

    #[test]
    fn a_timeout_is_a_positive_number() {
        let timeout = |text| options(&["--timeout", text], false).map(|o| o.timeout);
        assert_eq!(
            timeout("2.5").expect("a number"),
            Some(Duration::from_millis(2500))
        );
        assert!(timeout("1e300").is_ok(), "a span of time saturates");
        for wrong in ["0", "-1", "NaN", "soon"] {
            assert!(timeout(wrong).is_err(), "{wrong}");
        }
    }
}
