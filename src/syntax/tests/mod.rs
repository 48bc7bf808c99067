//! Tests of the whole way from text to tree.

//! What the syntax as a whole does: trees of statements, errors, limits.

mod errors;
mod examples;
mod inserted;
mod lexemes;
mod limits;
mod trees;

use proptest::prelude::*;

/// Words and signs of the language, in any order.
fn piece() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "select",
        "from",
        "where",
        "case",
        "when",
        "then",
        "else",
        "end",
        "create",
        "function",
        "type",
        "set",
        "for",
        "each",
        "as",
        "in",
        "and",
        "or",
        "of",
        "bag",
        "vector",
        "key",
        "x",
        ":y",
        "Integer",
        "f",
        "1",
        "2.5",
        ".",
        "'a'",
        "\"b\"",
        "'",
        "\"",
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        ",",
        ";",
        ":",
        "=",
        "=>",
        "->",
        "+",
        "-",
        "*",
        "/",
        "^",
        ".*",
        "|",
        "#",
        "<",
        ">",
        "/*",
        "*/",
        "//",
        "--",
        "\n",
        "å",
        "\\",
        "declare",
        "while",
        "do",
        "loop",
        "group",
        "by",
        "limit",
        "return",
        "leave",
        "stored",
        "!",
        "|2022-05-12T00:00:00Z|",
        "\\ud800",
        "0x",
        "1e",
        "\\\"",
        "\u{c}",
        "²",
        "loop ",
        "while ",
        "end ",
        "case ",
    ])
}

/// Text of pieces of the language, with blanks between all of them or none.
pub fn text_of_pieces() -> impl Strategy<Value = String> {
    let pieces = prop::collection::vec(piece(), 0..40);
    (pieces, any::<bool>()).prop_map(|(pieces, apart)| pieces.join(if apart { " " } else { "" }))
}
