//! Refuses statements that are nested too deeply, before the parser or anything else recurses over
//! them.

use std::sync::Arc;

use super::lexer::{LexemeKind, significant};
use crate::text::diagnostic::{Error, Result, SourceText, Span};

/// How many brackets, and words that open something, may stand within each other.
pub const MAX_NESTING: usize = 100;

/// How high an expression's tree may become: levels of brackets and operators in a row.
pub const MAX_HEIGHT: usize = 1000;

/// What has been counted in one pair of brackets so far.
#[derive(Default)]
struct Level {
    /// How many `case`, `while` and `loop` have had no `end` yet.
    open: usize,
    /// How many `for each` and `create function` since the last semicolon: each contains the next
    /// statement.
    leading: usize,
    /// How many `of` since the last comma: `Bag of Bag of …`
    of: usize,
    /// How many operators since the last comma.
    operators: usize,
    /// The greatest height of what was in brackets since the last comma.
    inner: usize,
    /// The greatest height of the elements before the last comma.
    highest: usize,
}

impl Level {
    fn nesting(&self) -> usize {
        1 + self.open + self.leading + self.of
    }

    fn height(&self) -> usize {
        self.highest
            .max(self.operators + self.inner + self.nesting())
    }

    fn next_element(&mut self) {
        self.highest = self.height();
        (self.of, self.operators, self.inner) = (0, 0, 0);
    }
}

/// Refuses a statement that is nested so deeply that recursion over it could exhaust the stack.
pub fn check(source: &Arc<SourceText>) -> Result<()> {
    let text = &source.text;
    let mut levels = vec![Level::default()];
    // The nesting of all levels but the innermost.
    let mut outside = 0;
    let mut after_end = false;
    let mut after_bracket = false;
    for lexeme in significant(text) {
        let word = lexeme.text(text);
        if lexeme.kind == LexemeKind::OpenBracket {
            // `x[1][1]`: what is in front of a second subscript is a tree below it.
            if let Some(level) = levels.last_mut().filter(|_| after_bracket) {
                level.operators += 1;
            }
            outside += levels.last().map_or(0, Level::nesting);
            levels.push(Level::default());
        }
        if lexeme.kind == LexemeKind::CloseBracket && levels.len() > 1 {
            let closed = levels.pop().map_or(0, |level| level.height());
            if let Some(level) = levels.last_mut() {
                outside -= level.nesting();
                level.inner = level.inner.max(closed);
            }
        }
        let Some(level) = levels.last_mut() else {
            break;
        };
        match lexeme.kind {
            LexemeKind::Word => count_words(level, word, after_end),
            LexemeKind::Sign => level.operators += 1,
            LexemeKind::Comma => level.next_element(),
            LexemeKind::Semicolon => {
                level.next_element();
                level.leading = 0;
            }
            _ => {}
        }
        after_bracket = lexeme.kind == LexemeKind::CloseBracket;
        after_end = lexeme.kind == LexemeKind::Word && word.eq_ignore_ascii_case("end");
        let span = || Span::new(source, lexeme.start, lexeme.end);
        if outside + level.nesting() > MAX_NESTING {
            return Err(Error::syntax(format!("nested deeper than {MAX_NESTING}"))
                .at(&span())
                .help("give inner parts a name: a variable or a function of their own"));
        }
        if level.height() > MAX_HEIGHT {
            return Err(Error::syntax(format!(
                "more than {MAX_HEIGHT} operators or subscripts in one expression"
            ))
            .at(&span())
            .help("for many values, use a vector: sum([…]), x in […]"));
        }
    }
    Ok(())
}

/// Counts what `word` opens or closes. A keyword may be joined to a session variable, as in
/// `while:x do`, or to a key, as in `{k:case …}`, and look like a name.
fn count_words(level: &mut Level, word: &str, after_end: bool) {
    for part in word.split(':') {
        count_word(level, part, after_end);
    }
}

fn count_word(level: &mut Level, word: &str, after_end: bool) {
    let is = |keyword: &str| word.eq_ignore_ascii_case(keyword);
    if is("end") {
        level.open = level.open.saturating_sub(1);
    } else if is("case") || (!after_end && (is("while") || is("loop"))) {
        level.open += 1;
    } else if is("each") || is("function") {
        level.leading += 1;
    } else if is("of") {
        level.of += 1;
    } else if is("and") || is("or") || is("in") {
        level.operators += 1;
    }
}
