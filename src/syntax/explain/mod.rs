//! Says in words where and why a text is not OSQL.

mod expected;
mod foreign;
mod slips;

use std::sync::Arc;

use pest::error::{Error as PestError, ErrorVariant, InputLocation};

use super::grammar::Rule;
use super::lexer::{Lexeme, LexemeKind, significant};
use crate::text::diagnostic::{Error, SourceText, Span};

/// The error that a person should see for `fault`.
pub fn explain(source: &Arc<SourceText>, fault: &PestError<Rule>) -> Error {
    let (InputLocation::Pos(at) | InputLocation::Span((at, _))) = fault.location;
    let rules = match &fault.variant {
        ErrorVariant::ParsingError { positives, .. } => positives.as_slice(),
        ErrorVariant::CustomError { .. } => &[],
    };
    let mut scene = Scene::new(source, at);
    scene.is_complete = rules.iter().any(expected::is_end);
    slips::find(&scene).unwrap_or_else(|| scene.plain(rules))
}

/// The place of the fault and its surroundings.
struct Scene<'s> {
    source: &'s Arc<SourceText>,
    /// The lexemes before the fault.
    before: Vec<Lexeme>,
    /// The lexeme that does not fit, `None` at the end of the text.
    found: Option<Lexeme>,
    /// Whether the part of the statement before the fault could end there.
    is_complete: bool,
}

impl<'s> Scene<'s> {
    fn new(source: &'s Arc<SourceText>, at: usize) -> Scene<'s> {
        let mut before = Vec::new();
        let mut found = None;
        for lexeme in significant(&source.text) {
            if lexeme.end > at {
                found = Some(lexeme);
                break;
            }
            before.push(lexeme);
        }
        Scene {
            source,
            before,
            found,
            is_complete: false,
        }
    }

    fn text(&self, lexeme: Lexeme) -> &'s str {
        lexeme.text(&self.source.text)
    }

    /// The text of the lexeme that does not fit; empty at the end.
    fn found_text(&self) -> &'s str {
        self.found.map_or("", |lexeme| self.text(lexeme))
    }

    fn span(&self, lexeme: Lexeme) -> Span {
        Span::new(self.source, lexeme.start, lexeme.end)
    }

    /// Where the fault is: the lexeme that does not fit, or the end of the text.
    fn place(&self) -> Span {
        match (self.found, self.before.last()) {
            (Some(lexeme), _) => self.span(lexeme),
            (None, Some(last)) if last.kind == LexemeKind::Semicolon => self.span(*last),
            (None, last) => {
                let end = last.map_or(0, |lexeme| lexeme.end);
                Span::new(self.source, end, end)
            }
        }
    }

    /// Whether the fault is at the end of the statement: something is missing.
    fn is_at_end(&self) -> bool {
        self.found
            .is_none_or(|lexeme| lexeme.kind == LexemeKind::Semicolon)
    }

    /// Whether `lexeme` is the first on its line.
    fn begins_line(&self, lexeme: Lexeme) -> bool {
        self.before
            .last()
            .is_some_and(|last| self.source.text[last.end..lexeme.start].contains('\n'))
    }

    /// The lexemes behind the one that does not fit.
    fn behind(&self) -> impl Iterator<Item = Lexeme> {
        let end = self.found.map_or(self.source.text.len(), |found| found.end);
        significant(&self.source.text[end..]).map(move |lexeme| Lexeme {
            start: lexeme.start + end,
            end: lexeme.end + end,
            ..lexeme
        })
    }

    /// An error that only says what could have stood there.
    fn plain(&self, rules: &[Rule]) -> Error {
        let expected = expected::words(rules, &self.before, |lexeme| self.text(lexeme));
        let mut error = Error::syntax(format!("expected {}", expected::list(&expected)))
            .at(&self.place())
            .label(match self.found {
                Some(lexeme) if !self.is_at_end() => format!("not {}", shorten(self.text(lexeme))),
                _ => "the statement ends here".to_owned(),
            });
        if let Some(keyword) = expected::nearest(self.found_text(), &expected) {
            error = error.help(format!("did you mean {keyword}?"));
        }
        error
    }
}

/// `text` between quotes, cut off where it is long.
fn shorten(text: &str) -> String {
    let line = text.lines().next().unwrap_or("");
    match line.char_indices().nth(30) {
        Some((cut, _)) => format!("{}…", &line[..cut]),
        None if line.contains('\'') => line.to_owned(),
        None => format!("'{line}'"),
    }
}
