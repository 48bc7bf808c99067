//! Cuts OSQL text into lexemes: the words, literals, signs, blanks and comments that it consists of.
//!
//! Everything that reads OSQL text without parsing it uses this lexer: the splitter, the bound on
//! nesting, the explanations of syntax errors, colour and completion at the prompt, and the build
//! script. The build script includes this file by its path, so it uses nothing else of the crate.
//! A test compares it with the grammar.

/// What a lexeme is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LexemeKind {
    Blank,
    /// `// …` or `-- …` up to the end of the line, which is not a part of it.
    LineComment,
    /// `/* … */`
    BlockComment,
    /// `/* …` without its end: reaches to the end of the text.
    OpenComment,
    /// A keyword or a name, namespaces included: `select`, `pump`, `mqtt:clients`.
    Word,
    /// `:x`
    SessionVariable,
    Number,
    /// A string, with its quotes.
    String,
    /// A string without its closing quote: reaches to the end of the text.
    OpenString,
    /// `|2022-05-12T00:00:00Z|`, whether or not it is a time.
    Time,
    /// `(`, `[` or `{`
    OpenBracket,
    /// `)`, `]` or `}`
    CloseBracket,
    Comma,
    Semicolon,
    /// An operator, or any other character.
    Sign,
}

/// A lexeme at bytes `start..end` of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lexeme {
    pub kind: LexemeKind,
    pub start: usize,
    pub end: usize,
}

impl Lexeme {
    /// The lexeme's own text, of the `text` that it was found in.
    pub fn text<'t>(&self, text: &'t str) -> &'t str {
        &text[self.start..self.end]
    }

    /// Whether it is blank space or a closed comment, which separates lexemes and means nothing.
    pub fn is_trivia(&self) -> bool {
        use LexemeKind::*;
        matches!(self.kind, Blank | LineComment | BlockComment)
    }
}

/// The lexemes of a whole text; together they are the text.
pub fn lexemes(text: &str) -> impl Iterator<Item = Lexeme> {
    let mut lexer = Lexer::default();
    std::iter::from_fn(move || lexer.next(text, true))
}

/// The lexemes of a whole text without blanks and closed comments.
pub fn significant(text: &str) -> impl Iterator<Item = Lexeme> {
    lexemes(text).filter(|lexeme| !lexeme.is_trivia())
}

/// Reads a text that may still be growing, each byte once.
#[derive(Default)]
pub struct Lexer {
    /// Where the lexeme that is being read begins.
    start: usize,
    /// How far it has been read.
    at: usize,
    state: State,
    /// Whether the last lexeme ends an operand that is no name. A colon after it belongs to a record
    /// and begins no session variable: `{'a':x}`.
    after_operand: bool,
}

/// What has been read of the lexeme.
#[derive(Clone, Copy, Default, PartialEq)]
enum State {
    #[default]
    Nothing,
    Word,
    SessionVariable,
    /// The digits before the point, behind it, of the exponent, and those behind `0x`.
    Integer,
    Fraction,
    Exponent,
    Hexadecimal,
    SingleQuoted,
    DoubleQuoted,
    Time,
    LineComment,
    BlockComment,
}

/// What the text says about the lexeme.
enum Step {
    /// So many more bytes are a part of it, after which this has been read.
    Read(usize, State),
    /// It ends after so many more bytes.
    End(usize, LexemeKind),
    /// It is no time stamp after all, but a single bar.
    Bar,
    /// So many more bytes are a part of it, and what follows must be seen.
    More(usize),
}

impl Lexer {
    /// The next lexeme of `text`, which begins as in the call before and may have grown since.
    ///
    /// `None` at the end of the text, and where the text that is still to come decides where the
    /// lexeme ends; `is_whole` says that no more will come.
    pub fn next(&mut self, text: &str, is_whole: bool) -> Option<Lexeme> {
        if self.start == text.len() {
            return None;
        }
        loop {
            let (length, kind) = match self.step(&text[self.at..], is_whole) {
                Step::Read(length, state) => {
                    self.at += length;
                    self.state = state;
                    continue;
                }
                Step::More(length) => {
                    self.at += length;
                    return None;
                }
                Step::End(length, kind) => (length, kind),
                Step::Bar => {
                    self.at = self.start;
                    (1, LexemeKind::Sign)
                }
            };
            self.at += length;
            return Some(self.finish(kind));
        }
    }

    /// Whether `text` ends within a lexeme that is no comment up to the end of its line.
    pub fn is_within_lexeme(&self, text: &str) -> bool {
        self.start < text.len() && self.state != State::LineComment
    }

    /// What has been read of the lexeme that is not complete yet.
    pub fn begun<'t>(&self, text: &'t str) -> &'t str {
        &text[self.start..]
    }

    /// The first `length` bytes of the text, which have been read, are no longer part of it.
    pub fn forget(&mut self, length: usize) {
        self.start -= length;
        self.at -= length;
    }

    fn finish(&mut self, kind: LexemeKind) -> Lexeme {
        use LexemeKind::*;
        let lexeme = Lexeme {
            kind,
            start: self.start,
            end: self.at,
        };
        self.start = self.at;
        self.state = State::Nothing;
        if !lexeme.is_trivia() {
            self.after_operand = matches!(
                kind,
                SessionVariable | Number | String | OpenString | Time | CloseBracket
            );
        }
        lexeme
    }

    fn step(&self, rest: &str, is_whole: bool) -> Step {
        match self.state {
            State::Nothing => self.first(rest, is_whole),
            State::Word => word(rest, is_whole),
            State::SessionVariable => run(rest, is_whole, is_letter, LexemeKind::SessionVariable),
            State::Integer => number(rest, is_whole, true),
            State::Fraction => number(rest, is_whole, false),
            State::Exponent => run(rest, is_whole, is_digit, LexemeKind::Number),
            State::Hexadecimal => run(rest, is_whole, is_hex_digit, LexemeKind::Number),
            State::SingleQuoted => single_quoted(rest, is_whole),
            State::DoubleQuoted => double_quoted(rest, is_whole),
            State::Time => time(rest, is_whole),
            State::LineComment => run(rest, is_whole, |c| c != '\n', LexemeKind::LineComment),
            State::BlockComment => block_comment(rest, is_whole),
        }
    }

    /// Looks at the beginning of a lexeme.
    fn first(&self, rest: &str, is_whole: bool) -> Step {
        let mut chars = rest.chars();
        let Some(first) = chars.next() else {
            return Step::More(0);
        };
        let width = first.len_utf8();
        // Its first character says what it is.
        match first {
            '(' | '[' | '{' => return Step::End(1, LexemeKind::OpenBracket),
            ')' | ']' | '}' => return Step::End(1, LexemeKind::CloseBracket),
            ',' => return Step::End(1, LexemeKind::Comma),
            ';' => return Step::End(1, LexemeKind::Semicolon),
            '\'' => return Step::Read(1, State::SingleQuoted),
            '"' => return Step::Read(1, State::DoubleQuoted),
            // Blank space that goes on in text still to come becomes several lexemes.
            c if is_blank(c) => return Step::End(prefix(rest, is_blank), LexemeKind::Blank),
            c if is_initial(c) => return Step::Read(width, State::Word),
            '1'..='9' => return Step::Read(1, State::Integer),
            _ => {}
        }
        // The second decides, or the third: `0x7f`.
        let second = chars.next();
        let third = chars.next();
        let is_hexadecimal = first == '0' && matches!(second, Some('x' | 'X'));
        if !is_whole && (second.is_none() || is_hexadecimal && third.is_none()) {
            return Step::More(0);
        }
        match (first, second) {
            ('0', _) if is_hexadecimal && third.is_some_and(is_hex_digit) => {
                Step::Read(2, State::Hexadecimal)
            }
            ('0', _) => Step::Read(1, State::Integer),
            ('/', Some('/')) | ('-', Some('-')) => Step::Read(2, State::LineComment),
            ('/', Some('*')) => Step::Read(2, State::BlockComment),
            ('.', Some(c)) if is_digit(c) => Step::Read(1, State::Fraction),
            (':', Some(c)) if is_initial(c) && !self.after_operand => {
                Step::Read(1, State::SessionVariable)
            }
            ('|', Some(c)) if c != '|' => Step::Read(1, State::Time),
            _ => {
                let is_double = rest.get(..2).is_some_and(|two| DOUBLE_SIGNS.contains(&two));
                Step::End(if is_double { 2 } else { width }, LexemeKind::Sign)
            }
        }
    }
}

/// Signs of two characters: those of OSQL, and of other languages that people write by mistake.
const DOUBLE_SIGNS: [&str; 18] = [
    ".+", ".-", ".*", "./", ".^", "<=", ">=", "!=", "<>", "==", "=>", "->", "&&", "||", ":=", "**",
    "=<", "!<",
];

fn is_blank(c: char) -> bool {
    matches!(
        c,
        ' ' | '\t' | '\r' | '\n' | '\u{c}' | '\u{a0}' | '\u{feff}'
    )
}

fn is_initial(c: char) -> bool {
    c.is_alphabetic() || c == '_'
}

fn is_letter(c: char) -> bool {
    is_initial(c) || c.is_ascii_digit()
}

fn is_digit(c: char) -> bool {
    c.is_ascii_digit()
}

fn is_hex_digit(c: char) -> bool {
    c.is_ascii_hexdigit()
}

/// The bytes at the start of `text` whose characters are all `wanted`.
fn prefix(text: &str, wanted: impl Fn(char) -> bool) -> usize {
    text.find(|c| !wanted(c)).unwrap_or(text.len())
}

/// A lexeme that goes on as long as its characters are `wanted`.
fn run(rest: &str, is_whole: bool, wanted: impl Fn(char) -> bool, kind: LexemeKind) -> Step {
    match prefix(rest, wanted) {
        length if length == rest.len() && !is_whole => Step::More(length),
        length => Step::End(length, kind),
    }
}

/// A colon between two names without blanks is a part of the name.
fn word(rest: &str, is_whole: bool) -> Step {
    let length = prefix(rest, is_letter);
    let behind = &rest[length..];
    if !is_whole && matches!(behind, "" | ":") {
        return Step::More(length);
    }
    match behind.strip_prefix(':') {
        Some(name) if name.starts_with(is_initial) => Step::Read(length + 1, State::Word),
        _ => Step::End(length, LexemeKind::Word),
    }
}

/// The digits of a number, and what may follow them: a point if there was none, an exponent.
fn number(rest: &str, is_whole: bool, may_have_point: bool) -> Step {
    let length = prefix(rest, is_digit);
    let behind = &rest.as_bytes()[length..];
    let is_open = matches!(
        behind,
        [] | [b'.'] | [b'e' | b'E'] | [b'e' | b'E', b'+' | b'-']
    );
    if is_open && !is_whole {
        return Step::More(length);
    }
    match behind {
        // In `2.*v` the point belongs to the operator.
        [b'.', b'+' | b'-' | b'*' | b'/' | b'^', ..] => Step::End(length, LexemeKind::Number),
        [b'.', ..] if may_have_point => Step::Read(length + 1, State::Fraction),
        [b'e' | b'E', b'0'..=b'9', ..] => Step::Read(length + 1, State::Exponent),
        [b'e' | b'E', b'+' | b'-', b'0'..=b'9', ..] => Step::Read(length + 2, State::Exponent),
        _ => Step::End(length, LexemeKind::Number),
    }
}

fn single_quoted(rest: &str, is_whole: bool) -> Step {
    match rest.find('\'') {
        Some(quote) => Step::End(quote + 1, LexemeKind::String),
        None if is_whole => Step::End(rest.len(), LexemeKind::OpenString),
        None => Step::More(rest.len()),
    }
}

/// Between double quotes a backslash makes the next character a part of the string.
fn double_quoted(rest: &str, is_whole: bool) -> Step {
    let Some(mark) = rest.find(['"', '\\']) else {
        return match is_whole {
            true => Step::End(rest.len(), LexemeKind::OpenString),
            false => Step::More(rest.len()),
        };
    };
    if rest[mark..].starts_with('"') {
        return Step::End(mark + 1, LexemeKind::String);
    }
    match rest[mark + 1..].chars().next() {
        Some(escaped) => Step::Read(mark + 1 + escaped.len_utf8(), State::DoubleQuoted),
        None if is_whole => Step::End(rest.len(), LexemeKind::OpenString),
        None => Step::More(mark),
    }
}

/// No time has a semicolon or a quote; a bar before one of them is a mistake, and must not hide it.
fn time(rest: &str, is_whole: bool) -> Step {
    match rest.find(['|', '\n', ';', '\'', '"']) {
        Some(end) if rest[end..].starts_with('|') => Step::End(end + 1, LexemeKind::Time),
        None if !is_whole => Step::More(rest.len()),
        _ => Step::Bar,
    }
}

fn block_comment(rest: &str, is_whole: bool) -> Step {
    match rest.find("*/") {
        Some(end) => Step::End(end + 2, LexemeKind::BlockComment),
        None if is_whole => Step::End(rest.len(), LexemeKind::OpenComment),
        None => Step::More(rest.len() - usize::from(rest.ends_with('*'))),
    }
}
