//! What a person types at the prompt up to the Enter that ends it: statements, in one line or several.

use std::sync::Arc;

use super::command;
use crate::syntax::Splitter;
use crate::syntax::lexer::{Lexeme, LexemeKind, significant};
use crate::text::diagnostic::SourceText;

/// The statements of a whole entry.
pub fn statements(text: &str) -> Vec<Arc<SourceText>> {
    let mut splitter = splitter(text);
    let mut statements: Vec<_> = std::iter::from_fn(|| splitter.next_statement()).collect();
    statements.extend(splitter.finish());
    statements
}

/// Whether Enter ends the entry: it is a command, or holds whole statements only.
pub fn is_finished(text: &str) -> bool {
    let mut splitter = splitter(text);
    // Enter ends a comment, too, which may belong to what follows.
    splitter.push("\n");
    command::read(text).is_some() || !splitter.is_pending()
}

/// What is open where an entry that is not finished goes on: a bracket, a string, a comment (`*`), or
/// nothing but the statement (`-`).
pub fn open_mark(text: &str) -> char {
    let mut brackets = Vec::new();
    for lexeme in significant(text) {
        match lexeme.kind {
            LexemeKind::OpenComment => return '*',
            LexemeKind::OpenString => return first(lexeme, text),
            LexemeKind::OpenBracket => brackets.push(first(lexeme, text)),
            LexemeKind::CloseBracket => {
                brackets.pop();
            }
            _ => {}
        }
    }
    brackets.pop().unwrap_or('-')
}

fn first(lexeme: Lexeme, text: &str) -> char {
    lexeme.text(text).chars().next().unwrap_or('-')
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
            ("\\d x", true),
            ("1;", true),
            ("1; // done", true),
            ("1", false),
            ("1; 2", false),
            ("1; /* and", false),
            ("//plot: Line plot", false),
            ("//plot: Line plot\n1;", true),
            ("'a;", false),
            ("{ f();", false),
        ] {
            assert_eq!(is_finished(text), finished, "{text}");
        }
    }

    #[test]
    fn what_is_open_has_a_mark() {
        for (text, mark) in [
            ("select x", '-'),
            ("f(1, [2, 3], ", '('),
            ("f([", '['),
            ("{ 'a': (1)", '{'),
            ("f('it is", '\''),
            ("f(\"it is", '"'),
            ("f( /* why", '*'),
            (")) x", '-'),
        ] {
            assert_eq!(open_mark(text), mark, "{text}");
        }
    }
}
