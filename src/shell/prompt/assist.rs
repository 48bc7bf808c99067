//! What helps a person at the prompt: completion, hints, colour.

use std::borrow::Cow;
use std::cell::Cell;

use rustyline::completion::{Completer, Pair};
use rustyline::highlight::{CmdKind, Highlighter};
use rustyline::hint::{Hint, Hinter};
use rustyline::history::SearchDirection;
use rustyline::validate::Validator;
use rustyline::{Context, Helper, Result};

use super::complete::KnownNames;
use super::highlight::{self, TypedLine};
use super::paste::PasteWatch;
use crate::text::shown::shown;

/// Longer lines are neither coloured nor have hints: they were pasted.
const LONGEST_TYPED: usize = 10_000;

/// Longer entries are not suggested.
const LONGEST_SUGGESTED: usize = 2000;

/// The line editor's helper.
pub struct Assistant {
    names: KnownNames,
    /// What stands before the line in the same statement.
    earlier: String,
    /// Hints stand beside what is typed, and only their colour tells them apart.
    hints: bool,
    paste: PasteWatch,
    /// Whether the line is still typed, so that the cursor means something.
    typing: Cell<bool>,
}

impl Assistant {
    /// `hints`: whether the terminal can show them in a colour of their own.
    pub fn new(names: KnownNames, hints: bool, paste: PasteWatch) -> Assistant {
        Assistant {
            names,
            earlier: String::new(),
            hints,
            paste,
            typing: Cell::new(true),
        }
    }

    /// Whether the line was pasted: it would take long to look at it at each key.
    fn is_pasted(&self, line: &str) -> bool {
        line.len() > LONGEST_TYPED || self.paste.is_pasted()
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

/// What is shown faintly behind the line.
pub enum PromptHint {
    /// The rest of an earlier entry, which can be taken.
    Suggestion(String),
    /// The signature of the function being typed, which is shown and never inserted.
    Signature(String),
}

impl Hint for PromptHint {
    fn display(&self) -> &str {
        match self {
            PromptHint::Suggestion(text) | PromptHint::Signature(text) => text,
        }
    }

    fn completion(&self) -> Option<&str> {
        match self {
            PromptHint::Suggestion(text) => Some(text),
            PromptHint::Signature(_) => None,
        }
    }
}

impl Hinter for Assistant {
    type Hint = PromptHint;

    fn hint(&self, line: &str, at: usize, context: &Context<'_>) -> Option<PromptHint> {
        if !self.hints || at < line.len() || line.is_empty() || self.is_pasted(line) {
            return None;
        }
        let statement = format!("{}{line}", self.earlier);
        if let Some(rest) = suggestion(&statement, context) {
            return Some(PromptHint::Suggestion(rest));
        }
        let signature = self.names.signature_at(&statement)?;
        Some(PromptHint::Signature(format!("   {signature}")))
    }
}

/// The rest of the newest entry that begins like this. Not while the history is gone through, and none that
/// would show a secret to whoever looks at the screen.
fn suggestion(statement: &str, context: &Context<'_>) -> Option<String> {
    let history = context.history();
    if context.history_index() < history.len() {
        return None;
    }
    let mut from = history.len().checked_sub(1)?;
    loop {
        let found = history.starts_with(statement, from, SearchDirection::Reverse);
        let found = found.ok().flatten()?;
        let wanted = statement.len() + 1..=LONGEST_SUGGESTED;
        if wanted.contains(&found.entry.len()) && shown(&found.entry) == *found.entry {
            return Some(found.entry[statement.len()..].to_owned());
        }
        from = found.idx.checked_sub(1)?;
    }
}

impl Highlighter for Assistant {
    fn highlight<'l>(&self, line: &'l str, at: usize) -> Cow<'l, str> {
        if self.is_pasted(line) {
            return Cow::Borrowed(line);
        }
        let typed = TypedLine {
            earlier: &self.earlier,
            line,
            cursor: self.typing.get().then_some(at),
        };
        Cow::Owned(highlight::coloured(typed, |name| {
            self.names.is_user_type(name)
        }))
    }

    fn highlight_hint<'h>(&self, hint: &'h str) -> Cow<'h, str> {
        Cow::Owned(highlight::faint(hint))
    }

    /// The last time, the line is shown as it stays.
    fn highlight_char(&self, line: &str, at: usize, kind: CmdKind) -> bool {
        self.typing.set(kind != CmdKind::ForcedRefresh);
        if self.is_pasted(line) {
            return false;
        }
        match kind {
            CmdKind::MoveCursor => {
                let text = format!("{}{line}", self.earlier);
                highlight::partner(&text, self.earlier.len() + at).is_some()
            }
            _ => true,
        }
    }
}
