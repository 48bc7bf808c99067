//! Where in a statement the cursor stands, as far as completion wants to know it.

use crate::syntax::keywords::keyword;
use crate::syntax::lexer::{Lexeme, LexemeKind, lexemes, significant};

/// What can be completed at the end of a text.
#[derive(Debug, PartialEq)]
pub enum CursorPlace<'t> {
    /// A name, its namespace or its colon included, that starts here.
    Name(usize),
    /// What stands in a string behind its quote, which is before this place.
    Text(usize, StringPlace<'t>),
    Nothing,
}

/// What a string is.
#[derive(Debug, PartialEq)]
pub enum StringPlace<'t> {
    /// The key of a field: `r["`.
    Field,
    /// The key in a record that is this argument of a function; counts from 0.
    KeyOfArgument(&'t str, usize),
    /// An argument of a function, or an element of the vector that is one.
    Argument(&'t str, usize),
    Other,
}

/// A bracket that is open.
struct OpenBracket<'t> {
    sign: &'t str,
    /// The word before it.
    word: Option<&'t str>,
    /// Whether it follows something that it may belong to: `r[`, `f(1)[`.
    follows_operand: bool,
    /// The commas behind it.
    commas: usize,
}

/// Reads a text up to its end.
#[derive(Default)]
struct Reader<'t> {
    open: Vec<OpenBracket<'t>>,
    /// The kind and the text of the last lexeme that means something.
    last: Option<(LexemeKind, &'t str)>,
}

/// The place at the end of the text.
pub fn place(before: &str) -> CursorPlace<'_> {
    let mut reader = Reader::default();
    let mut name = None;
    let mut last = None;
    for lexeme in lexemes(before) {
        let text = lexeme.text(before);
        name = match (lexeme.kind, last) {
            // What is being typed: `mqtt:`
            (_, Some(LexemeKind::Word)) if text == ":" => name,
            (LexemeKind::Word | LexemeKind::SessionVariable, _) => Some(lexeme.start),
            (LexemeKind::OpenString, _) => return reader.string(lexeme),
            _ if text == ":" => Some(lexeme.start),
            _ => None,
        };
        last = Some(lexeme.kind);
        if !lexeme.is_trivia() {
            reader.take(lexeme.kind, text);
        }
    }
    name.map_or(CursorPlace::Nothing, CursorPlace::Name)
}

impl<'t> Reader<'t> {
    fn take(&mut self, kind: LexemeKind, text: &'t str) {
        use LexemeKind::{
            CloseBracket, Comma, Number, OpenBracket as Opens, Semicolon, SessionVariable, String,
            Word,
        };
        match kind {
            Opens => {
                let last = self.last;
                self.open.push(OpenBracket {
                    sign: text,
                    word: last.and_then(|(kind, word)| (kind == Word).then_some(word)),
                    follows_operand: last.is_some_and(|(kind, word)| match kind {
                        SessionVariable | CloseBracket | String | Number => true,
                        Word => keyword(word).is_none(),
                        _ => false,
                    }),
                    commas: 0,
                });
            }
            CloseBracket => drop(self.open.pop()),
            Comma => {
                if let Some(bracket) = self.open.last_mut() {
                    bracket.commas += 1;
                }
            }
            // A bracket that was forgotten does not reach into the next statement.
            Semicolon => self.open.retain(|bracket| bracket.sign == "{"),
            _ => {}
        }
        self.last = Some((kind, text));
    }

    /// What the string is that begins here and is not closed.
    fn string(&self, lexeme: Lexeme) -> CursorPlace<'t> {
        let is_first = matches!(
            self.last,
            Some((LexemeKind::OpenBracket | LexemeKind::Comma, _))
        );
        let what = match self.open.as_slice() {
            _ if !is_first => StringPlace::Other,
            [.., bracket] if bracket.sign == "[" && bracket.follows_operand => {
                match bracket.commas {
                    0 => StringPlace::Field,
                    _ => StringPlace::Other,
                }
            }
            [.., call, bracket] if bracket.sign == "{" && call.function().is_some() => {
                StringPlace::KeyOfArgument(call.function().unwrap_or_default(), call.commas)
            }
            [.., bracket] if bracket.sign == "{" => StringPlace::Field,
            [.., call, bracket] if bracket.sign == "[" && call.function().is_some() => {
                StringPlace::Argument(call.function().unwrap_or_default(), call.commas)
            }
            [.., call] => match call.function() {
                Some(function) => StringPlace::Argument(function, call.commas),
                None => StringPlace::Other,
            },
            [] => StringPlace::Other,
        };
        CursorPlace::Text(lexeme.start + 1, what)
    }
}

impl<'t> OpenBracket<'t> {
    /// The function whose arguments stand behind it.
    fn function(&self) -> Option<&'t str> {
        self.word.filter(|_| self.sign == "(")
    }
}

/// The name of the innermost call that is still open at the end of the text.
pub fn open_call(before: &str) -> Option<&str> {
    let mut reader = Reader::default();
    for lexeme in significant(before) {
        if matches!(
            lexeme.kind,
            LexemeKind::OpenString | LexemeKind::OpenComment
        ) {
            return None;
        }
        reader.take(lexeme.kind, lexeme.text(before));
    }
    let is_comment = lexemes(before).last().is_some_and(|last| {
        matches!(
            last.kind,
            LexemeKind::LineComment | LexemeKind::BlockComment
        )
    });
    reader.open.last()?.function().filter(|_| !is_comment)
}

/// The variables that the last statement of a text declares, each with what stands before it: its type, or
/// the table that it is a row of.
pub fn variables(text: &str) -> Vec<(&str, &str)> {
    let mut found: Vec<(&str, &str)> = Vec::new();
    let mut braces = 0_usize;
    let mut before: Option<(LexemeKind, &str)> = None;
    for lexeme in significant(text) {
        let word = lexeme.text(text);
        match (lexeme.kind, word) {
            (LexemeKind::OpenBracket, "{") => braces += 1,
            (LexemeKind::CloseBracket, "}") => braces = braces.saturating_sub(1),
            (LexemeKind::Semicolon, _) if braces == 0 => found.clear(),
            (LexemeKind::Word, _) if !word.contains(':') && keyword(word).is_none() => {
                if let Some((LexemeKind::Word, type_name)) = before
                    && (declares(type_name) || type_name.eq_ignore_ascii_case("as"))
                    && !found.iter().any(|(name, _)| *name == word)
                {
                    let of = if declares(type_name) { type_name } else { "" };
                    found.push((word, of));
                }
            }
            _ => {}
        }
        before = Some((lexeme.kind, word));
    }
    found
}

/// Whether a word before a name can be its type, or its table.
fn declares(word: &str) -> bool {
    const TYPES: [&str; 5] = ["array", "bag", "stream", "timeval", "vector"];
    keyword(word).is_none_or(|keyword| TYPES.contains(&keyword.text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_strings_are_known_by_where_they_stand() {
        use StringPlace::{Argument, Field, KeyOfArgument, Other};
        for (line, expected) in [
            ("f(sel", CursorPlace::Name(2)),
            ("f(mqtt:cl", CursorPlace::Name(2)),
            ("f(mqtt:", CursorPlace::Name(2)),
            ("set :", CursorPlace::Name(4)),
            ("set :ab", CursorPlace::Name(4)),
            ("{'a':na", CursorPlace::Name(5)),
            ("1 + ", CursorPlace::Nothing),
            ("12", CursorPlace::Nothing),
            ("'a'", CursorPlace::Nothing),
            ("x // y", CursorPlace::Nothing),
            ("/* x", CursorPlace::Nothing),
            ("f('dir/fi", CursorPlace::Text(3, Argument("f", 0))),
            ("f(\"a\\\"b", CursorPlace::Text(3, Argument("f", 0))),
            ("f(1, g(2, 3), 'x", CursorPlace::Text(15, Argument("f", 2))),
            ("f(1 + 'x", CursorPlace::Text(7, Other)),
            ("f(['a', 'x", CursorPlace::Text(9, Argument("f", 0))),
            ("['x", CursorPlace::Text(2, Other)),
            ("'x", CursorPlace::Text(1, Other)),
            ("r[\"te", CursorPlace::Text(3, Field)),
            (":r['a']['te", CursorPlace::Text(9, Field)),
            ("f(r)['te", CursorPlace::Text(6, Field)),
            ("in ['te", CursorPlace::Text(5, Other)),
            ("f('a', {'ho", CursorPlace::Text(9, KeyOfArgument("f", 1))),
            (
                "f({'a': 1, 'ho",
                CursorPlace::Text(12, KeyOfArgument("f", 0)),
            ),
            ("f({'a': 'ho", CursorPlace::Text(9, Other)),
            ("{'ho", CursorPlace::Text(2, Field)),
        ] {
            assert_eq!(place(line), expected, "{line}");
        }
    }

    #[test]
    fn the_innermost_open_call_counts() {
        assert_eq!(open_call("publish(streamof("), Some("streamof"));
        assert_eq!(open_call("publish(streamof(1), "), Some("publish"));
        assert_eq!(open_call("publish(1);"), None);
        assert_eq!(open_call("f('(', [1, "), None);
        assert_eq!(open_call("f('(', "), Some("f"));
        assert_eq!(open_call("f(1, // why"), None);
        assert_eq!(open_call("f(1, 'a"), None);
    }

    #[test]
    fn variables_stand_behind_their_types() {
        for (text, names) in [
            (
                "select te from Number temp, Bag of Charstring b, Vector v where te > 1",
                &["temp", "b", "v"][..],
            ),
            ("select s.a from sensors s join rooms as r on", &["s", "r"]),
            ("select 1 as one from Number n; select x", &[]),
            (
                "create function f(Real a) -> Real as { declare Real b; set c = ",
                &["a", "b"],
            ),
            ("select temp from where json:x y", &["y"]),
        ] {
            let found = variables(text);
            let found: Vec<_> = found.iter().map(|(name, _)| *name).collect();
            assert_eq!(found, names, "{text}");
        }
        assert_eq!(variables("from Number n"), [("n", "Number")]);
    }
}
