//! The words between which semicolons do not end a statement: `while … end while`,
//! `loop … end loop`, and `case … end` where a statement begins.

use super::lexer::{Lexeme, LexemeKind};

/// What a word opens or closes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum BlockMark {
    /// Begins statements, up to its `end`.
    OpensStatements,
    /// Begins a choice between values, up to its `end`; holds no semicolons.
    OpensChoice,
    Closes,
}

/// Follows the lexemes of a statement and tells which words open and close something.
#[derive(Default)]
pub struct BlockWords {
    /// The lexeme before, as far as it matters.
    previous: Previous,
    /// Whether the list of a `for each` is being read, after which a statement comes.
    in_for_each: bool,
}

#[derive(Default, PartialEq)]
enum Previous {
    /// None, `;` or `{`: a statement can begin.
    #[default]
    StatementStart,
    /// A word, in lower case.
    Word(String),
    /// `.` or `#`, which end at this byte: a word directly behind is a part of a name.
    NameSign(usize),
    Other,
}

impl BlockWords {
    /// Takes the next lexeme of `text` that is neither blank nor comment. What follows a word has to
    /// be in `text` already.
    pub fn take(&mut self, lexeme: Lexeme, text: &str) -> Option<BlockMark> {
        let written = lexeme.text(text);
        let current = match lexeme.kind {
            LexemeKind::Word => Previous::Word(written.to_ascii_lowercase()),
            LexemeKind::Sign if matches!(written, "." | "#") => Previous::NameSign(lexeme.end),
            _ if matches!(written, ";" | "{") => {
                self.in_for_each = false;
                Previous::StatementStart
            }
            _ => Previous::Other,
        };
        let mark = match &current {
            Previous::Word(word) if self.previous != Previous::NameSign(lexeme.start) => {
                self.mark(word, text.as_bytes().get(lexeme.end).copied())
            }
            _ => None,
        };
        self.previous = current;
        mark
    }

    /// What `word` means with the byte `next` directly behind it.
    fn mark(&mut self, word: &str, next: Option<u8>) -> Option<BlockMark> {
        // The key of a record: `{loop: 1}`.
        if next == Some(b':') {
            return None;
        }
        let before = match &self.previous {
            Previous::Word(word) => word.as_str(),
            _ => "",
        };
        let begins = self.previous == Previous::StatementStart
            || matches!(before, "do" | "then" | "else" | "loop");
        match word {
            "each" if before == "for" => {
                self.in_for_each = true;
                None
            }
            "while" | "loop" if before != "end" => {
                // `loop;` is no loop.
                let opens = (begins || self.in_for_each || before == "as") && next != Some(b';');
                self.in_for_each &= !opens;
                opens.then_some(BlockMark::OpensStatements)
            }
            // After `then` and `else` it is a statement only if the outer `case` is one; whichever it
            // is, both are closed by their `end`.
            "case" if begins && !matches!(before, "then" | "else") => {
                Some(BlockMark::OpensStatements)
            }
            "case" => Some(BlockMark::OpensChoice),
            "end" => Some(BlockMark::Closes),
            _ => None,
        }
    }
}
