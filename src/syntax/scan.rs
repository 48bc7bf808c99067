//! A rough reading of a statement as a row of tokens, for what a grammar cannot do: bounding the
//! nesting before it is parsed, and finding what a person forgot to close.

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Word,
    Number,
    /// A string; `false` if its closing quote is missing.
    Text(bool),
    /// `/* …` without an end.
    OpenComment,
    Open,
    Close,
    Comma,
    Semicolon,
    /// Anything else, as many characters as belong to one operator.
    Sign,
}

/// A token at bytes `start..end` of the text.
#[derive(Clone, Copy, Debug)]
pub struct Token {
    pub kind: Kind,
    pub start: usize,
    pub end: usize,
}

/// The tokens of `text` from byte `at` on, without blanks and comments.
pub fn tokens(text: &str, at: usize) -> Tokens<'_> {
    Tokens { text, at }
}

pub struct Tokens<'t> {
    text: &'t str,
    at: usize,
}

/// Signs of several characters; longer ones first.
const SIGNS: [&str; 18] = [
    ".+", ".-", ".*", "./", ".^", "<=", ">=", "!=", "<>", "==", "=>", "->", "&&", "||", ":=", "**",
    "=<", "!<",
];

impl Tokens<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    /// Skips blanks and comments; `false` if a comment has no end.
    fn skip(&mut self) -> bool {
        loop {
            let rest = self.rest();
            let trimmed = rest.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
            let blanks = rest.len() - trimmed.len();
            let comment = if trimmed.starts_with("//") {
                trimmed.find('\n').or(Some(trimmed.len()))
            } else if trimmed.starts_with("/*") {
                trimmed[2..].find("*/").map(|n| n + 4)
            } else {
                Some(0)
            };
            self.at += blanks;
            match comment {
                None => return false,
                Some(0) => return true,
                Some(length) => self.at += length,
            }
        }
    }

    /// Kind and length of the token at the start of what is left, which begins with `first`.
    fn measure(&self, first: char) -> (Kind, usize) {
        let rest = self.rest();
        let is_letter = |c: char| c.is_alphanumeric() || c == '_';
        match first {
            '(' | '[' | '{' => (Kind::Open, 1),
            ')' | ']' | '}' => (Kind::Close, 1),
            ',' => (Kind::Comma, 1),
            ';' => (Kind::Semicolon, 1),
            '\'' | '"' => quoted(rest),
            '0'..='9' => (Kind::Number, number_length(rest)),
            '.' if rest[1..].starts_with(|c: char| c.is_ascii_digit()) => {
                (Kind::Number, number_length(rest))
            }
            c if is_letter(c) => {
                let length = rest.find(|c| !is_letter(c)).unwrap_or(rest.len());
                (Kind::Word, length)
            }
            c => {
                let sign = SIGNS.iter().find(|sign| rest.starts_with(**sign));
                (Kind::Sign, sign.map_or(c.len_utf8(), |sign| sign.len()))
            }
        }
    }
}

impl Iterator for Tokens<'_> {
    type Item = Token;

    fn next(&mut self) -> Option<Token> {
        let closed = self.skip();
        let start = self.at;
        let first = self.rest().chars().next()?;
        let (kind, length) = match closed {
            true => self.measure(first),
            false => (Kind::OpenComment, self.rest().len()),
        };
        self.at += length;
        Some(Token {
            kind,
            start,
            end: self.at,
        })
    }
}

/// A string at the start of `rest`.
fn quoted(rest: &str) -> (Kind, usize) {
    let bytes = rest.as_bytes();
    let quote = bytes[0];
    let mut at = 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' if quote == b'"' => at += 1,
            b if b == quote => return (Kind::Text(true), at + 1),
            _ => {}
        }
        at += 1;
    }
    (Kind::Text(false), rest.len())
}

/// How long the number at the start of `rest` is, by the grammar's rule `number`.
fn number_length(rest: &str) -> usize {
    let bytes = rest.as_bytes();
    let digits = |from: usize| {
        let tail = bytes.get(from..).unwrap_or_default();
        tail.iter().take_while(|b| b.is_ascii_digit()).count()
    };
    let mut at = digits(0);
    if bytes.get(at) == Some(&b'.')
        && !matches!(bytes.get(at + 1), Some(b'+' | b'-' | b'*' | b'/' | b'^'))
    {
        at += 1 + digits(at + 1);
    }
    if matches!(bytes.get(at), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(at + 1), Some(b'+' | b'-')));
        let exponent = digits(at + 1 + sign);
        if exponent > 0 {
            at += 1 + sign + exponent;
        }
    }
    at
}
