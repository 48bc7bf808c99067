//! Reads lexemes one after the other, for what is understood without the grammar.

use std::sync::Arc;

use super::ast::Name;
use super::lexer::{Lexeme, LexemeKind, significant};
use crate::text::diagnostic::{SourceText, Span};

/// The lexemes of a statement, and how far they have been read.
pub struct LexemeReader<'s> {
    pub source: &'s Arc<SourceText>,
    /// Without blanks and comments.
    lexemes: Vec<Lexeme>,
    /// The lexeme that is read next.
    at: usize,
}

impl<'s> LexemeReader<'s> {
    pub fn new(source: &'s Arc<SourceText>) -> LexemeReader<'s> {
        LexemeReader {
            source,
            lexemes: significant(&source.text).collect(),
            at: 0,
        }
    }

    /// The next lexeme.
    pub fn next(&self) -> Option<Lexeme> {
        self.lexemes.get(self.at).copied()
    }

    /// The lexeme behind the next one.
    pub fn following(&self) -> Option<Lexeme> {
        self.lexemes.get(self.at + 1).copied()
    }

    /// Reads so many lexemes.
    pub fn skip(&mut self, count: usize) {
        self.at += count;
    }

    /// Whether the next lexeme is `text`, in any case.
    pub fn is(&self, text: &str) -> bool {
        self.next()
            .is_some_and(|lexeme| self.text(lexeme).eq_ignore_ascii_case(text))
    }

    /// Reads the next lexeme if it is `text`, in any case.
    pub fn taken(&mut self, text: &str) -> Option<()> {
        self.is(text).then(|| self.at += 1)
    }

    /// Reads the next lexeme if it is what is wanted.
    pub fn next_if(&mut self, is_wanted: impl Fn(&Lexeme) -> bool) -> Option<Lexeme> {
        let next = self.next().filter(is_wanted)?;
        self.at += 1;
        Some(next)
    }

    /// Reads a word as a name.
    pub fn name(&mut self) -> Option<Name> {
        let word = self.next_if(|lexeme| lexeme.kind == LexemeKind::Word)?;
        Some(Name {
            text: self.text(word).to_lowercase().into(),
            span: self.since(word.start),
        })
    }

    pub fn text(&self, lexeme: Lexeme) -> &'s str {
        lexeme.text(&self.source.text)
    }

    /// From the byte `start` to the end of the lexeme that was read last.
    pub fn since(&self, start: usize) -> Span {
        let end = self.lexemes[..self.at]
            .last()
            .map_or(start, |last| last.end);
        Span::new(self.source, start, end)
    }
}
