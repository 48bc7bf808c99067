//! What a person types at the prompt up to the Enter that ends it: statements, in one line or several.

use std::sync::Arc;

use super::command;
use crate::syntax::Splitter;
use crate::syntax::lexer::{LexemeKind, Lexer};
use crate::text::diagnostic::SourceText;

/// Before a line of a longer statement nothing is looked at: it would take long at each key.
const LONGEST_EARLIER: usize = 1 << 16;

/// What has been typed since the last entry was run. Each line is read once, however many there are.
pub struct PromptEntry {
    text: String,
    splitter: Splitter,
    lexer: Lexer,
    /// The signs of the brackets that are open.
    brackets: Vec<char>,
    /// Whether the last line goes on.
    is_within_line: bool,
}

impl PromptEntry {
    pub fn new() -> PromptEntry {
        PromptEntry {
            text: String::new(),
            splitter: splitter(),
            lexer: Lexer::default(),
            brackets: Vec::new(),
            is_within_line: false,
        }
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    pub fn into_text(self) -> String {
        self.text
    }

    /// Takes the next line, without its end.
    pub fn push(&mut self, line: &str) {
        self.push_piece(line);
        self.is_within_line = false;
        // Enter ends a comment, too, which may belong to what follows.
        self.splitter.push("\n");
    }

    /// Takes the next piece of a line that goes on.
    pub fn push_piece(&mut self, piece: &str) {
        if !self.text.is_empty() && !self.is_within_line {
            self.text.push('\n');
        }
        self.is_within_line = true;
        self.text.push_str(piece);
        self.splitter.push(piece);
        while let Some(lexeme) = self.lexer.next(&self.text, false) {
            match lexeme.kind {
                LexemeKind::OpenBracket => {
                    self.brackets.extend(lexeme.text(&self.text).chars());
                }
                LexemeKind::CloseBracket => drop(self.brackets.pop()),
                _ => {}
            }
        }
    }

    /// Whether Enter ends the entry: it is a command, or holds whole statements only.
    pub fn is_finished(&self) -> bool {
        command::read(&self.text).is_some() || !self.splitter.is_pending()
    }

    /// What is open where an entry that is not finished goes on: a bracket, a string, a comment (`*`), or
    /// nothing but the statement (`-`).
    pub fn open_mark(&self) -> char {
        let begun = self.lexer.begun(&self.text);
        match begun.chars().next() {
            Some(quote @ ('\'' | '"')) => quote,
            _ if begun.starts_with("/*") => '*',
            _ => self.brackets.last().copied().unwrap_or('-'),
        }
    }

    /// What stands before the next line in the same statement, with the end of its last line.
    pub fn earlier(&self) -> String {
        match self.splitter.pending() {
            "" => String::new(),
            text if text.len() > LONGEST_EARLIER => String::new(),
            text => text.to_owned(),
        }
    }
}

/// The statements of a whole entry.
pub fn statements(text: &str) -> Vec<Arc<SourceText>> {
    let mut splitter = splitter();
    splitter.push(text);
    let mut statements: Vec<_> = std::iter::from_fn(|| splitter.next_statement()).collect();
    statements.extend(splitter.finish());
    statements
}

fn splitter() -> Splitter {
    Splitter::new("<prompt>")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(text: &str) -> PromptEntry {
        let mut entry = PromptEntry::new();
        text.split('\n').for_each(|line| entry.push(line));
        entry
    }

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
            ("1\n;", true),
            ("1; 2", false),
            ("1; /* and", false),
            ("1; /* and\n */", true),
            ("//plot: Line plot", false),
            ("//plot: Line plot\n1;", true),
            ("'a;", false),
            ("'a;\n';", true),
            ("{ f();", false),
        ] {
            assert_eq!(entry(text).is_finished(), finished, "{text}");
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
            ("f('it is\nnot", '\''),
            ("f('it\nis' + ", '('),
            ("f(\"it is", '"'),
            ("f( /* why", '*'),
            (")) x", '-'),
        ] {
            assert_eq!(entry(text).open_mark(), mark, "{text}");
        }
    }

    #[test]
    fn a_line_may_come_in_pieces() {
        let mut entry = PromptEntry::new();
        for piece in ["select 'it", "", " is"] {
            entry.push_piece(piece);
        }
        assert_eq!(
            (entry.open_mark(), &*entry.earlier()),
            ('\'', "select 'it is")
        );
        entry.push(" so'");
        entry.push(";");
        assert!(entry.is_finished());
        assert_eq!(entry.into_text(), "select 'it is so'\n;");
    }

    #[test]
    fn the_next_line_knows_what_its_statement_began_with() {
        assert_eq!(entry("1; select x\nfrom").earlier(), "select x\nfrom\n");
        assert_eq!(entry("1;").earlier(), "");
    }

    #[test]
    fn an_entry_of_many_lines_is_read_once() {
        let mut entry = PromptEntry::new();
        let begun = std::time::Instant::now();
        entry.push("f([");
        for _ in 0..100_000 {
            entry.push("1234567, 'a line of some length', 1234567,");
            assert!(!entry.is_finished());
            assert_eq!(entry.open_mark(), '[');
            assert!(entry.earlier().len() <= LONGEST_EARLIER);
        }
        entry.push("0]);");
        assert!(entry.is_finished());
        assert!(begun.elapsed().as_secs() < 60, "{:?}", begun.elapsed());
    }
}
