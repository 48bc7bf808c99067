//! What helps a person at the prompt: completion, hints, colour.

use std::borrow::Cow;

use rustyline::completion::{Completer, Pair};
use rustyline::highlight::{CmdKind, Highlighter};
use rustyline::hint::{Hint, Hinter};
use rustyline::validate::Validator;
use rustyline::{Context, Helper, Result};

use super::complete::KnownNames;
use super::highlight;

/// The line editor's helper.
pub struct Assistant {
    names: KnownNames,
    /// What stands before the line in the same statement.
    earlier: String,
    /// Hints stand beside what is typed, and only their colour tells them apart.
    hints: bool,
}

impl Assistant {
    /// `hints`: whether the terminal can show them in a colour of their own.
    pub fn new(names: KnownNames, hints: bool) -> Assistant {
        Assistant {
            names,
            earlier: String::new(),
            hints,
        }
    }

    /// A line is to be typed behind this part of its statement.
    pub fn begin_line(&mut self, earlier: String) {
        self.earlier = earlier;
    }
}

impl Helper for Assistant {}

/// Each line is taken as it is; whether the entry goes on says whoever reads lines.
impl Validator for Assistant {}

impl Completer for Assistant {
    type Candidate = Pair;

    fn complete(&self, line: &str, at: usize, _: &Context<'_>) -> Result<(usize, Vec<Pair>)> {
        self.names.complete(&self.earlier, line, at)
    }
}

/// The signature of the function being typed, as a hint that is shown and never inserted.
pub struct SignatureHint(String);

impl Hint for SignatureHint {
    fn display(&self) -> &str {
        &self.0
    }

    fn completion(&self) -> Option<&str> {
        None
    }
}

impl Hinter for Assistant {
    type Hint = SignatureHint;

    fn hint(&self, line: &str, at: usize, _: &Context<'_>) -> Option<SignatureHint> {
        if !self.hints || at < line.len() {
            return None;
        }
        let statement = format!("{}{line}", self.earlier);
        let signature = self.names.signature_at(&statement)?;
        Some(SignatureHint(format!("   {signature}")))
    }
}

impl Highlighter for Assistant {
    fn highlight<'l>(&self, line: &'l str, _: usize) -> Cow<'l, str> {
        Cow::Owned(highlight::coloured(&self.earlier, line))
    }

    fn highlight_hint<'h>(&self, hint: &'h str) -> Cow<'h, str> {
        Cow::Owned(highlight::faint(hint))
    }

    fn highlight_char(&self, _: &str, _: usize, kind: CmdKind) -> bool {
        kind != CmdKind::MoveCursor
    }
}
