//! Cuts running text into statements.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::diagnostic::Source;

/// Cuts text that arrives in pieces into statements, at the semicolons that close them.
///
/// A semicolon inside a string, a comment, a time stamp or braces closes nothing. Every byte is
/// looked at once, however the text is cut up; leading blanks and comments are no part of a
/// statement.
pub struct Splitter {
    name: String,
    /// Text that no statement has been made of yet.
    text: String,
    /// How far into `text` the scan has come.
    at: usize,
    /// Where the statement begins, once its first token is there.
    start: Option<usize>,
    state: State,
    /// Open braces.
    depth: usize,
    /// Number of the line that `text` begins on, from 1.
    line: usize,
    ready: VecDeque<Arc<Source>>,
}

/// What the scan is in the middle of.
#[derive(Clone, Copy, PartialEq)]
enum State {
    Between,
    Single,
    Double,
    LineComment,
    BlockComment,
}

impl Splitter {
    /// A splitter for text that messages call `name`.
    pub fn new(name: &str) -> Splitter {
        Splitter {
            name: name.to_owned(),
            text: String::new(),
            at: 0,
            start: None,
            state: State::Between,
            depth: 0,
            line: 1,
            ready: VecDeque::new(),
        }
    }

    /// Takes more text.
    pub fn push(&mut self, text: &str) {
        self.text.push_str(text);
        self.scan(false);
        self.forget();
    }

    /// The next whole statement, with its semicolon, if the text so far holds one.
    pub fn next_statement(&mut self) -> Option<Arc<Source>> {
        self.ready.pop_front()
    }

    /// Whatever is left at the end of the text, as a statement that needs no semicolon.
    pub fn finish(&mut self) -> Option<Arc<Source>> {
        self.scan(true);
        if let Some(start) = self.start.take() {
            self.cut(start, self.text.len());
        }
        self.state = State::Between;
        self.depth = 0;
        self.at = self.text.len();
        self.forget();
        self.ready.pop_front()
    }

    /// Whether a statement has been begun and not closed yet.
    pub fn is_pending(&self) -> bool {
        self.start.is_some() || self.state == State::BlockComment
    }

    /// Reads on from where the last scan stopped; `last` if no text will follow.
    fn scan(&mut self, last: bool) {
        while self.at < self.text.len() {
            let rest = &self.text.as_bytes()[self.at..];
            // A mark of two bytes may be cut in two.
            if rest.len() == 1 && !last && matches!(rest[0], b'/' | b'*' | b'\\') {
                return;
            }
            let step = self.step(self.at);
            self.at += step;
        }
    }

    /// Looks at the byte `at` and those that belong to it; gives their number.
    fn step(&mut self, at: usize) -> usize {
        let bytes = &self.text.as_bytes()[at..];
        let next = bytes.get(1).copied();
        match (self.state, bytes[0]) {
            (State::Between, b'/') if next == Some(b'/') => self.enter(State::LineComment, 2),
            (State::Between, b'/') if next == Some(b'*') => self.enter(State::BlockComment, 2),
            (State::Between, byte) => {
                self.token(at, byte);
                1
            }
            (State::LineComment, b'\n') => self.enter(State::Between, 1),
            (State::BlockComment, b'*') if next == Some(b'/') => self.enter(State::Between, 2),
            (State::Single, b'\'') | (State::Double, b'"') => self.enter(State::Between, 1),
            (State::Double, b'\\') => 2.min(bytes.len()),
            _ => 1,
        }
    }

    fn enter(&mut self, state: State, step: usize) -> usize {
        self.state = state;
        step
    }

    /// A byte outside strings and comments.
    fn token(&mut self, at: usize, byte: u8) {
        match byte {
            b' ' | b'\t' | b'\r' | b'\n' => return,
            b'\'' => self.state = State::Single,
            b'"' => self.state = State::Double,
            b'{' => self.depth += 1,
            b'}' => self.depth = self.depth.saturating_sub(1),
            b';' if self.depth == 0 => {
                if let Some(start) = self.start.take() {
                    self.cut(start, at + 1);
                }
                return;
            }
            _ => {}
        }
        self.start.get_or_insert(at);
    }

    /// Makes a statement of `start..end`.
    fn cut(&mut self, start: usize, end: usize) {
        let line = self.line + self.text[..start].matches('\n').count();
        let source = Source::at_line(&self.name, &self.text[start..end], line);
        self.ready.push_back(source);
    }

    /// Drops the text that is done with.
    fn forget(&mut self) {
        let done = self.start.unwrap_or(self.at);
        self.line += self.text[..done].matches('\n').count();
        self.text.drain(..done);
        self.at -= done;
        if self.start.is_some() {
            self.start = Some(0);
        }
    }
}
