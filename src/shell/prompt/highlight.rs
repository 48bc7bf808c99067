//! Light colour for the statement being typed.

use crate::syntax::keywords::keyword;
use crate::syntax::lexer::{LexemeKind, lexemes};

/// A line with ANSI colours; of the same width on the screen. `earlier` is what stands before it in the same
/// statement, which may be unfinished.
pub fn coloured(earlier: &str, line: &str) -> String {
    let text = format!("{earlier}{line}");
    let mut out = String::new();
    for lexeme in lexemes(&text) {
        let from = lexeme.start.max(earlier.len());
        if from < lexeme.end {
            out += &coloured_lexeme(lexeme.kind, &text[from..lexeme.end]);
        }
    }
    out
}

fn coloured_lexeme(kind: LexemeKind, text: &str) -> String {
    match kind {
        LexemeKind::Word if keyword(text).is_some() => paint("36", text),
        LexemeKind::String | LexemeKind::OpenString => paint("32", text),
        LexemeKind::LineComment | LexemeKind::BlockComment | LexemeKind::OpenComment => faint(text),
        _ => text.to_owned(),
    }
}

/// Text in a faint colour.
pub fn faint(text: &str) -> String {
    paint("2", text)
}

fn paint(code: &str, text: &str) -> String {
    format!("\x1b[{code}m{text}\x1b[0m")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::syntax::keywords::KEYWORDS;

    /// `text` without what sets colours.
    fn plain(text: &str) -> String {
        let mut parts = text.split("\x1b[");
        let first = parts.next().unwrap_or("").to_owned();
        let rest = parts.map(|part| part.split_once('m').map_or(part, |(_, text)| text));
        first + &rest.collect::<String>()
    }

    proptest! {
        #[test]
        fn colour_changes_no_text(line in crate::syntax::text_of_pieces()) {
            prop_assert_eq!(plain(&coloured("", &line)), line);
        }
    }

    #[test]
    fn keywords_and_strings_have_colour() {
        assert_eq!(
            coloured("", "SELECT x, 'select';"),
            "\x1b[36mSELECT\x1b[0m x, \x1b[32m'select'\x1b[0m;"
        );
        assert_eq!(
            coloured("", "// a\n1 /* 'b"),
            "\x1b[2m// a\x1b[0m\n1 \x1b[2m/* 'b\x1b[0m"
        );
        assert_eq!(coloured("", "\"a\\\"b"), "\x1b[32m\"a\\\"b\x1b[0m");
    }

    #[test]
    fn every_keyword_has_colour_and_no_other_word() {
        for keyword in &KEYWORDS {
            assert_eq!(coloured("", keyword.text), paint("36", keyword.text));
        }
        for word in ["begin", "some", "set:x", ":set", "Integer"] {
            assert_eq!(coloured("", word), word);
        }
    }
}
