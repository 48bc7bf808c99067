//! Light colour for the statement being typed.

use super::complete::is_keyword;

/// What a stretch of a statement is, as far as colour goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Plain,
    /// A name or a keyword.
    Word,
    /// A string, closed or not.
    Text {
        closed: bool,
    },
    Comment,
}

/// A stretch of text of one kind.
#[derive(Debug, PartialEq, Eq)]
pub struct Piece<'a> {
    pub kind: Kind,
    pub text: &'a str,
}

/// Cuts a statement, which may be unfinished, into pieces that together are the whole.
pub fn pieces(line: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = line;
    while let Some(first) = rest.chars().next() {
        let (kind, length) = match first {
            '"' | '\'' => text(rest, first),
            '/' if rest.starts_with("//") => (Kind::Comment, rest.find('\n').unwrap_or(rest.len())),
            '/' if rest.starts_with("/*") => {
                let end = rest[2..].find("*/").map(|at| at + 4);
                (Kind::Comment, end.unwrap_or(rest.len()))
            }
            c if is_word(c) => {
                let end = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
                (Kind::Word, end)
            }
            c => (Kind::Plain, c.len_utf8()),
        };
        let (text, after) = rest.split_at(length);
        pieces.push(Piece { kind, text });
        rest = after;
    }
    pieces
}

/// Whether `c` can be part of a name, its namespace included.
pub fn is_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | ':')
}

fn text(rest: &str, quote: char) -> (Kind, usize) {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        if escaped {
            escaped = false;
        } else if c == '\\' && quote == '"' {
            escaped = true;
        } else if c == quote {
            return (Kind::Text { closed: true }, at + 1);
        }
    }
    (Kind::Text { closed: false }, rest.len())
}

/// The statement with ANSI colours; of the same width on the screen.
pub fn coloured(line: &str) -> String {
    pieces(line)
        .into_iter()
        .map(|piece| match piece.kind {
            Kind::Word if is_keyword(piece.text) => paint("36", piece.text),
            Kind::Text { .. } => paint("32", piece.text),
            Kind::Comment => faint(piece.text),
            Kind::Word | Kind::Plain => piece.text.to_owned(),
        })
        .collect()
}

/// Text that stands back.
pub fn faint(text: &str) -> String {
    paint("2", text)
}

fn paint(code: &str, text: &str) -> String {
    format!("\x1b[{code}m{text}\x1b[0m")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pieces_are_the_whole() {
        for line in [
            "select 'a' // b",
            "\"open \\\" é",
            "/* x */ y:z /* w",
            "a-1;\n'b",
        ] {
            let text: String = pieces(line).iter().map(|p| p.text).collect();
            assert_eq!(text, line);
        }
    }

    #[test]
    fn keywords_and_strings_have_colour() {
        assert_eq!(
            coloured("SELECT x, 'select';"),
            "\x1b[36mSELECT\x1b[0m x, \x1b[32m'select'\x1b[0m;"
        );
    }
}
