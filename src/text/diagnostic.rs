//! Every error that a user can see: what is wrong, where in the source, and what to do about it.
//!
//! An [`Error`] is made where the fault is found, with as much of the three as is known there.
//! Whoever knows the place better adds it on the way out ([`Error::at`]); the shell renders it.

use std::fmt;
use std::sync::Arc;

use codespan_reporting::diagnostic::{Diagnostic, Label, Severity};
use codespan_reporting::term::{self, termcolor};

use super::excerpt::Excerpt;
use super::shown::{shown, shown_on_a_line};

/// Shorthand for results whose error a user can see.
pub type Result<T> = std::result::Result<T, Error>;

/// A piece of text that statements come from: a file, standard input, one entry at the prompt.
#[derive(Debug, PartialEq, Eq)]
pub struct SourceText {
    /// What a message calls it: a file name, or `<stdin>`, `<prompt>`, `<-o>`.
    pub name: String,
    pub text: String,
    /// Number of the first line of `text` within what `name` stands for; counts from 1.
    pub first_line: usize,
    /// Where `text` begins in that line, in characters; counts from 1.
    pub first_column: usize,
    /// Whether it declares a built-in function, which is not the user's.
    pub is_built_in: bool,
}

impl SourceText {
    /// A source that starts at line 1.
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Arc<SourceText> {
        SourceText::at_line(name, text, 1)
    }

    /// A source cut out of a larger one, at the beginning of its line `first_line` (from 1).
    pub fn at_line(
        name: impl Into<String>,
        text: impl Into<String>,
        first_line: usize,
    ) -> Arc<SourceText> {
        SourceText::at_place(name, text, (first_line, 1))
    }

    /// A source cut out of a larger one, where it starts at a line and a column (both from 1).
    pub fn at_place(
        name: impl Into<String>,
        text: impl Into<String>,
        (first_line, first_column): (usize, usize),
    ) -> Arc<SourceText> {
        Arc::new(SourceText {
            name: name.into(),
            text: text.into(),
            first_line,
            first_column,
            is_built_in: false,
        })
    }

    /// The declaration of a built-in function, at the line `first_line` (from 1) of the file `file`.
    pub fn built_in(file: &str, text: &str, first_line: usize) -> Arc<SourceText> {
        Arc::new(SourceText {
            name: format!("built-in {file}"),
            text: text.to_owned(),
            first_line,
            first_column: 1,
            is_built_in: true,
        })
    }
}

/// A place in a source: bytes `start..end` of its text.
#[derive(Clone, PartialEq, Eq)]
pub struct Span {
    pub source: Arc<SourceText>,
    pub start: u32,
    pub end: u32,
}

impl Span {
    /// The bytes `start..end` of `source`.
    pub fn new(source: &Arc<SourceText>, start: usize, end: usize) -> Span {
        Span {
            source: source.clone(),
            start: start as u32,
            end: end as u32,
        }
    }

    /// The text that the span covers.
    pub fn text(&self) -> &str {
        self.source
            .text
            .get(self.start as usize..self.end as usize)
            .unwrap_or("")
    }

    /// Whether it is in the declarations of the built-in functions, which are not the user's.
    pub fn is_built_in(&self) -> bool {
        self.source.is_built_in
    }

    /// From the start of `self` to the end of `other`, both of one source.
    pub fn to(&self, other: &Span) -> Span {
        Span {
            source: self.source.clone(),
            start: self.start,
            end: other.end,
        }
    }
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}..{}", self.start, self.end)
    }
}

/// What kind of fault an [`Error`] reports; decides how it is announced and who may swallow it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The text is not OSQL.
    Syntax,
    /// The text is OSQL, but cannot be given a meaning: unknown names, wrong types, unbound variables.
    Compile,
    /// Something went wrong while running.
    Run,
    /// The language knows it, this program does not run it yet.
    Unsupported,
    /// The user, a limit of time, or a consumer that went away stopped the query.
    Stopped,
}

/// An error that a user can see.
#[derive(Clone)]
pub struct Error(Box<Inner>);

#[derive(Clone, Debug)]
struct Inner {
    kind: Kind,
    message: String,
    span: Option<Span>,
    /// What stands beside the marked place, if more than the mark is needed.
    label: Option<String>,
    help: Vec<String>,
    no_element: bool,
    at_limit: bool,
    of_memory: bool,
}

impl Error {
    fn new(kind: Kind, message: impl Into<String>) -> Error {
        Error(Box::new(Inner {
            kind,
            message: shortened(message.into(), LONGEST),
            span: None,
            label: None,
            help: Vec::new(),
            no_element: false,
            at_limit: false,
            of_memory: false,
        }))
    }

    /// The text is not OSQL.
    pub fn syntax(message: impl Into<String>) -> Error {
        Error::new(Kind::Syntax, message)
    }

    /// The text has no meaning: an unknown name, a wrong type, an unbound variable.
    pub fn compile(message: impl Into<String>) -> Error {
        Error::new(Kind::Compile, message)
    }

    /// Something went wrong while running.
    pub fn run(message: impl Into<String>) -> Error {
        Error::new(Kind::Run, message)
    }

    /// `what` parses but does not run yet.
    pub fn unsupported(what: impl fmt::Display) -> Error {
        Error::new(Kind::Unsupported, format!("{what} is not supported yet"))
    }

    /// The query was stopped: `why` says by whom or what.
    pub fn stopped(why: impl Into<String>) -> Error {
        Error::new(Kind::Stopped, why)
    }

    /// Marks the place, unless a more precise one is marked already. A place in what is built in is
    /// none that a user knows.
    pub fn at(mut self, span: &Span) -> Error {
        if self.0.span.as_ref().is_none_or(Span::is_built_in) {
            self.0.span = Some(span.clone());
        }
        self
    }

    /// The error came while an element was at work, but is not about it.
    pub fn about_no_element(mut self) -> Error {
        self.0.no_element = true;
        self
    }

    pub fn is_about_no_element(&self) -> bool {
        self.0.no_element
    }

    /// A limit of depth or size has been reached: nothing more is to be evaluated before it is reported,
    /// for that would take as much again.
    pub fn at_limit(mut self) -> Error {
        self.0.at_limit = true;
        self
    }

    /// The limit of memory has been reached by what does not know its place in the source.
    pub fn of_memory(mut self) -> Error {
        self.0.of_memory = true;
        self
    }

    /// Marks the place of what runs, where the limit of memory has been reached at an unknown one.
    pub fn of_memory_at(self, span: &Span) -> Error {
        match self.0.of_memory {
            true => self.at(span),
            false => self,
        }
    }

    /// Whether what is evaluated ends with it at once: a limit has been reached, or the query was stopped.
    pub fn ends_evaluation(&self) -> bool {
        self.0.at_limit || self.0.kind == Kind::Stopped
    }

    /// Says something at the marked place.
    pub fn label(mut self, label: impl Into<String>) -> Error {
        self.0.label = Some(label.into());
        self
    }

    /// Adds a line that says what to do.
    pub fn help(mut self, help: impl Into<String>) -> Error {
        self.0.help.push(shortened(help.into(), LONGEST));
        self
    }

    /// Puts `context` and a colon before the message.
    pub fn context(mut self, context: impl fmt::Display) -> Error {
        self.0.message = format!("{context}: {}", self.0.message);
        self
    }

    pub fn kind(&self) -> Kind {
        self.0.kind
    }

    pub fn message(&self) -> &str {
        &self.0.message
    }

    pub fn span(&self) -> Option<&Span> {
        self.0.span.as_ref()
    }

    /// The lines that say what to do.
    pub fn helps(&self) -> &[String] {
        &self.0.help
    }

    /// The whole error as text for a terminal or a log: message, place, help. Ends with a newline. It
    /// holds no secret and no control character, see [`shown`](super::shown).
    ///
    /// `colour` adds ANSI escapes.
    pub fn render(&self, colour: bool) -> String {
        self.render_as(Severity::Error, colour)
    }

    /// The same as a warning: what went wrong did not end what runs.
    pub fn render_warning(&self, colour: bool) -> String {
        self.render_as(Severity::Warning, colour)
    }

    /// The same as a note: it is likely wrong, and runs.
    pub fn render_note(&self, colour: bool) -> String {
        self.render_as(Severity::Note, colour)
    }

    fn render_as(&self, severity: Severity, colour: bool) -> String {
        match &self.0.span {
            Some(span) => self.render_at(span, severity, colour),
            None => self.render_plain(severity),
        }
    }

    fn render_plain(&self, severity: Severity) -> String {
        let word = match severity {
            Severity::Warning => "warning",
            Severity::Note => "note",
            _ => "error",
        };
        let mut text = format!("{word}: {}\n", shown_on_a_line(&self.0.message));
        for help in &self.0.help {
            text.push_str(&format!("  = help: {}\n", shown(help)));
        }
        text
    }

    fn render_at(&self, span: &Span, severity: Severity, colour: bool) -> String {
        let excerpt = Excerpt::new(span);
        let label = Label::primary((), excerpt.mark.clone())
            .with_message(shown(self.0.label.as_deref().unwrap_or_default()));
        let helps = self.0.help.iter().map(|h| format!("help: {}", shown(h)));
        let diagnostic = Diagnostic::new(severity)
            .with_message(shown_on_a_line(&self.0.message))
            .with_labels(vec![label])
            .with_notes(helps.collect());
        let config = term::Config::default();
        let mut out = if colour {
            termcolor::Buffer::ansi()
        } else {
            termcolor::Buffer::no_color()
        };
        match term::emit_to_write_style(&mut out, &config, &excerpt, &diagnostic) {
            Ok(()) => {
                String::from_utf8_lossy(out.as_slice())
                    .trim_end()
                    .to_owned()
                    + "\n"
            }
            Err(_) => self.render_plain(severity),
        }
    }
}

/// Characters of a message that a person can read, whatever long text it speaks of.
const LONGEST: usize = 1000;

/// `text`, cut after `most` characters if it has more; a `…` says so.
pub fn shortened(mut text: String, most: usize) -> String {
    if let Some((cut, _)) = text.char_indices().nth(most) {
        text.truncate(cut);
        text.push('…');
    }
    text
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl std::error::Error for Error {}

/// The candidate that `name` is most likely a misspelling of, if any is near enough.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    /// Nothing longer is a name that was mistyped.
    const LONGEST: usize = 200;
    if name.len() > LONGEST {
        return None;
    }
    let name = name.to_lowercase();
    candidates
        .into_iter()
        .filter(|c| c.len() <= LONGEST)
        .map(|c| (strsim::damerau_levenshtein(&name, &c.to_lowercase()), c))
        .filter(|(distance, c)| *distance <= 1 + c.len().min(name.len()) / 4)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, c)| c)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rendered(text: &str, first_line: usize, mark: std::ops::Range<usize>) -> String {
        let source = SourceText::at_line("x.osql", text, first_line);
        Error::run("it is so")
            .at(&Span::new(&source, mark.start, mark.end))
            .render(false)
    }

    #[test]
    fn the_place_is_marked_in_its_line() {
        assert_eq!(
            rendered("1;\n2 +* 3;\n", 41, 6..7),
            "error: it is so\n   ┌─ x.osql:42:4\n   │\n42 │ 2 +* 3;\n   │    ^\n"
        );
    }

    #[test]
    fn a_place_in_the_first_line_counts_what_stands_before_the_text() {
        let source = SourceText::at_place("x.osql", "2 +* 3 +\n4 4;", (7, 11));
        let place = |start| {
            let shown = Error::run("so")
                .at(&Span::new(&source, start, start + 1))
                .render(false);
            shown.lines().nth(1).unwrap_or("").trim().to_owned()
        };
        assert_eq!(place(3), "┌─ x.osql:7:14");
        assert_eq!(place(11), "┌─ x.osql:8:3");
    }

    #[test]
    fn the_end_of_the_text_can_be_marked() {
        let shown = rendered("1 +", 1, 3..3);
        assert!(shown.contains("x.osql:1:4"), "{shown}");
        assert!(shown.ends_with("1 │ 1 +\n  │    ^\n"), "{shown}");
    }

    #[test]
    fn of_a_long_line_the_place_is_shown_and_its_column_told() {
        let text = format!("{}é*{};", "é".repeat(1_000_000), "x".repeat(1_000_000));
        let shown = rendered(&text, 1, 2_000_002..2_000_003);
        assert!(shown.contains("x.osql:1:1000002\n"), "{shown}");
        assert!(shown.contains("éé*xx"), "{shown}");
        assert!(shown.len() < 1000, "{shown}");
    }

    #[test]
    fn of_many_lines_the_first_and_the_last_are_shown() {
        let text = format!("f(\n{}9);", "1,\n".repeat(100_000));
        let shown = rendered(&text, 1, 1..text.len() - 1);
        assert!(shown.contains("x.osql:1:2\n"), "{shown}");
        assert!(shown.contains("100002 │ │ 9);"), "{shown}");
        assert!(shown.lines().count() < 15, "{shown}");
    }
}
