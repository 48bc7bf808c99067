//! Colour for the statement being typed, and where the bracket at the cursor is closed or opened.

use crate::catalog::signature::BUILT_IN;
use crate::syntax::keywords::keyword;
use crate::syntax::lexer::{Lexeme, LexemeKind, lexemes};

use super::place::variables;

/// A line that is typed.
#[derive(Clone, Copy)]
pub struct TypedLine<'t> {
    /// What stands before it in the same statement.
    pub earlier: &'t str,
    pub line: &'t str,
    /// Where the cursor stands in the line, while it is typed.
    pub cursor: Option<usize>,
}

/// The line with ANSI colours; of the same width on the screen. It may be unfinished. `is_user_type` says
/// whether the user has made a type of that name.
pub fn coloured(typed: TypedLine, is_user_type: impl Fn(&str) -> bool) -> String {
    let text = format!("{}{}", typed.earlier, typed.line);
    let variables: Vec<_> = variables(&text).into_iter().map(|(name, _)| name).collect();
    let cursor = typed.cursor.map(|cursor| typed.earlier.len() + cursor);
    let partner = cursor.and_then(|cursor| partner(&text, cursor));
    let mut out = String::new();
    for lexeme in lexemes(&text) {
        let from = lexeme.start.max(typed.earlier.len());
        if from >= lexeme.end {
            continue;
        }
        let word = lexeme.text(&text);
        let code = match lexeme.kind {
            _ if partner == Some(lexeme.start) => REVERSED,
            LexemeKind::Word if variables.contains(&word) => VARIABLE,
            LexemeKind::Word if is_built_in_type(word) || is_user_type(word) => TYPE,
            kind => code(kind, word),
        };
        out += &paint(code, &text[from..lexeme.end]);
    }
    out
}

const KEYWORD: &str = "36";
const STRING: &str = "32";
const NUMBER: &str = "35";
const VARIABLE: &str = "33";
const TYPE: &str = "94";
const FAINT: &str = "2";
const REVERSED: &str = "7";

/// The colour of a lexeme that is no name; nothing for none.
fn code(kind: LexemeKind, word: &str) -> &'static str {
    match kind {
        LexemeKind::Word if keyword(word).is_some() => KEYWORD,
        LexemeKind::String | LexemeKind::OpenString => STRING,
        LexemeKind::Number | LexemeKind::Time => NUMBER,
        LexemeKind::SessionVariable => VARIABLE,
        LexemeKind::LineComment | LexemeKind::BlockComment | LexemeKind::OpenComment => FAINT,
        _ => "",
    }
}

fn is_built_in_type(word: &str) -> bool {
    BUILT_IN.contains(&&*word.to_ascii_lowercase())
}

/// Where the bracket stands that belongs to the one at the cursor or right before it.
pub fn partner(text: &str, cursor: usize) -> Option<usize> {
    let is_bracket = |lexeme: &Lexeme| {
        matches!(
            lexeme.kind,
            LexemeKind::OpenBracket | LexemeKind::CloseBracket
        )
    };
    let brackets: Vec<_> = lexemes(text).filter(is_bracket).collect();
    let is_there = |place: usize| brackets.iter().any(|bracket| bracket.start == place);
    let before = cursor.checked_sub(1);
    let wanted = Some(cursor).filter(|at| is_there(*at)).or(before)?;
    let mut open: Vec<usize> = Vec::new();
    for bracket in &brackets {
        if bracket.kind == LexemeKind::OpenBracket {
            open.push(bracket.start);
            continue;
        }
        let opener = open.pop();
        if bracket.start == wanted {
            return opener.filter(|at| belong(text, *at, bracket.start));
        }
        if opener == Some(wanted) {
            return Some(bracket.start).filter(|at| belong(text, wanted, *at));
        }
    }
    None
}

/// Whether these two brackets are of one kind.
fn belong(text: &str, opener: usize, closer: usize) -> bool {
    let pair = (text.as_bytes().get(opener), text.as_bytes().get(closer));
    matches!(
        pair,
        (Some(b'('), Some(b')')) | (Some(b'['), Some(b']')) | (Some(b'{'), Some(b'}'))
    )
}

/// Text in a faint colour.
pub fn faint(text: &str) -> String {
    paint(FAINT, text)
}

fn paint(code: &str, text: &str) -> String {
    match code {
        "" => text.to_owned(),
        _ => format!("\x1b[{code}m{text}\x1b[0m"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::syntax::keywords::KEYWORDS;

    /// A line of its own, without a cursor.
    fn alone(line: &str) -> String {
        let typed = TypedLine {
            earlier: "",
            line,
            cursor: None,
        };
        coloured(typed, |name| name == "Pump")
    }

    /// `text` without what sets colours.
    fn plain(text: &str) -> String {
        let mut parts = text.split("\x1b[");
        let first = parts.next().unwrap_or("").to_owned();
        let rest = parts.map(|part| part.split_once('m').map_or(part, |(_, text)| text));
        first + &rest.collect::<String>()
    }

    proptest! {
        #[test]
        fn colour_changes_no_text(
            earlier in crate::syntax::text_of_pieces(),
            line in crate::syntax::text_of_pieces(),
            cursor in 0..100_usize,
        ) {
            let typed = TypedLine { earlier: &earlier, line: &line, cursor: Some(cursor) };
            prop_assert_eq!(plain(&coloured(typed, |_| false)), line);
        }
    }

    #[test]
    fn each_kind_of_word_has_its_colour() {
        for (line, expected) in [
            ("SELECT x, 'select';", "<36>SELECT<> x, <32>'select'<>;"),
            ("// a\n1 /* 'b", "<2>// a<>\n<35>1<> <2>/* 'b<>"),
            ("\"a\\\"b", "<32>\"a\\\"b<>"),
            (":x + 1.5", "<33>:x<> + <35>1.5<>"),
            ("x from Number x", "<33>x<> <36>from<> <94>Number<> <33>x<>"),
            ("Pump p, y", "<94>Pump<> <33>p<>, y"),
        ] {
            let expected = expected.replace("<>", "\x1b[0m");
            let expected = expected.replace('<', "\x1b[").replace('>', "m");
            assert_eq!(alone(line), expected, "{line}");
        }
    }

    #[test]
    fn a_string_goes_on_in_the_next_line() {
        let typed = TypedLine {
            earlier: "select 'it\n",
            line: "is' x",
            cursor: None,
        };
        assert_eq!(coloured(typed, |_| false), "\x1b[32mis'\x1b[0m x");
    }

    #[test]
    fn every_keyword_has_colour_and_no_other_word() {
        for keyword in KEYWORDS
            .iter()
            .filter(|keyword| !is_built_in_type(keyword.text))
        {
            assert_eq!(alone(keyword.text), paint(KEYWORD, keyword.text));
        }
        for word in ["begin", "some", "set:x", "fahrenheit"] {
            assert_eq!(alone(word), word);
        }
    }

    #[test]
    fn the_bracket_at_the_cursor_has_its_partner() {
        for (text, cursor, expected) in [
            ("f(a, [1])", 1, Some(8)),
            ("f(a, [1])", 2, Some(8)),
            ("f(a, [1])", 9, Some(1)),
            ("f(a, [1])", 8, Some(1)),
            ("f(a, [1])", 5, Some(7)),
            ("f(a, [1])", 3, None),
            ("f(')')", 1, Some(5)),
            ("f(')')", 4, None),
            ("f(]", 3, None),
            ("f(", 2, None),
            (")", 1, None),
            ("", 0, None),
        ] {
            assert_eq!(partner(text, cursor), expected, "{text} {cursor}");
        }
    }
}
