//! What is likely wrong, though it has a meaning: noted while a statement is compiled, and said when it
//! begins to run.

use std::sync::Mutex;

use crate::text::diagnostic::{Error, Span};
use crate::text::wait::lock;

/// The notes about the statement that is compiled.
#[derive(Default)]
pub struct Notes(Mutex<Vec<Error>>);

impl Notes {
    /// Notes something about a place that the user wrote; each place is noted once.
    pub fn add(&self, span: &Span, message: &str, helps: &[&str]) {
        let mut notes = lock(&self.0);
        let is_noted = |note: &Error| note.span() == Some(span);
        if span.is_built_in() || notes.iter().any(is_noted) {
            return;
        }
        let note = Error::compile(message).at(span);
        notes.push(helps.iter().fold(note, |note, help| note.help(*help)));
    }

    /// Takes them, in the order in which they were noted.
    pub fn take(&self) -> Vec<Error> {
        std::mem::take(&mut *lock(&self.0))
    }
}
