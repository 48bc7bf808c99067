//! Cuts running text into statements.
use crate::diagnostic::Source;
use std::sync::Arc;

/// Cuts text that arrives in pieces into statements, at the semicolons that close them.
pub struct Splitter;

impl Splitter {
    /// A splitter for text that messages call `name`.
    pub fn new(name: &str) -> Splitter {
        let _ = name;
        Splitter
    }
    /// Takes more text.
    pub fn push(&mut self, text: &str) {
        let _ = text;
    }
    /// The next whole statement, with its semicolon, if the text so far holds one.
    pub fn next_statement(&mut self) -> Option<Arc<Source>> {
        None
    }
    /// Whatever is left at the end of the text, as a statement that needs no semicolon.
    pub fn finish(&mut self) -> Option<Arc<Source>> {
        None
    }
    /// Whether a statement has been begun and not closed yet.
    pub fn is_pending(&self) -> bool {
        false
    }
}
