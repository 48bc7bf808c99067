//! What a person types at the prompt before a final Enter: a word of the prompt's own, or statements.

use std::sync::Arc;

use crate::syntax::Splitter;
use crate::text::diagnostic::SourceText;

/// What an entry asks for.
pub enum PromptEntry {
    Help,
    Leave,
    Statements(Vec<Arc<SourceText>>),
}

/// Reads a whole entry.
pub fn read(text: &str) -> PromptEntry {
    if let Some(entry) = own_word(text) {
        return entry;
    }
    let mut splitter = splitter(text);
    let mut statements: Vec<_> = std::iter::from_fn(|| splitter.next_statement()).collect();
    statements.extend(splitter.finish());
    PromptEntry::Statements(statements)
}

/// Whether Enter ends the entry: it holds whole statements only.
pub fn is_finished(text: &str) -> bool {
    own_word(text).is_some() || !splitter(text).is_pending()
}

/// Words that the prompt understands without a semicolon.
fn own_word(text: &str) -> Option<PromptEntry> {
    match text.trim() {
        "help" | "help;" | "?" => Some(PromptEntry::Help),
        "quit" | "exit" => Some(PromptEntry::Leave),
        _ => None,
    }
}

fn splitter(text: &str) -> Splitter {
    let mut splitter = Splitter::new("<prompt>");
    splitter.push(text);
    splitter
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_ends_with_its_last_statement() {
        for (text, finished) in [
            ("", true),
            ("quit", true),
            ("help", true),
            ("1;", true),
            ("1; // done", true),
            ("1", false),
            ("1; 2", false),
            ("1; /* and", false),
            ("'a;", false),
            ("{ f();", false),
        ] {
            assert_eq!(is_finished(text), finished, "{text}");
        }
    }
}
