//! Reads text from a file or a pipe, in pieces as they arrive.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::thread;

use crate::text::diagnostic::{Error, Result};
use crate::text::wait::{Received, Receiver, Token, queue};

/// Bytes that one read takes at most.
const PIECE: usize = 64 * 1024;

/// Pieces that are read ahead of what runs.
const AHEAD: usize = 4;

/// Text that is being read. A thread of its own reads, so that a stop ends the wait for more.
pub struct InputText {
    pieces: Receiver<io::Result<Vec<u8>>>,
    /// What messages call the input.
    name: String,
    /// The beginning of a character whose rest is still to come.
    rest: Vec<u8>,
    /// How many bytes have been given out.
    given: u64,
}

impl InputText {
    /// The text of a file, which may be a pipe with a name.
    pub fn open(path: &Path, name: &str) -> Result<InputText> {
        let file = File::open(path).map_err(|e| unreadable(name, &e))?;
        InputText::read(file, name)
    }

    /// The text on standard input.
    pub fn stdin(name: &str) -> Result<InputText> {
        InputText::read(io::stdin(), name)
    }

    fn read(mut from: impl Read + Send + 'static, name: &str) -> Result<InputText> {
        let (sender, pieces) = queue(AHEAD);
        let forever = Token::new();
        let reader = move || {
            loop {
                let mut piece = vec![0; PIECE];
                let read = match from.read(&mut piece) {
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                    read => read,
                };
                let end = !matches!(read, Ok(n) if n > 0);
                let wanted = match read {
                    Ok(0) => break,
                    read => sender.send(
                        read.map(|length| {
                            piece.truncate(length);
                            piece
                        }),
                        &forever,
                    ),
                };
                if end || !matches!(wanted, Ok(true)) {
                    break;
                }
            }
        };
        thread::Builder::new()
            .name("input".to_owned())
            .spawn(reader)
            .map_err(|e| unreadable(name, &e))?;
        Ok(InputText {
            pieces,
            name: name.to_owned(),
            rest: Vec::new(),
            given: 0,
        })
    }

    /// The next piece, as soon as there is one; `None` at the end. An error if the text cannot be
    /// read or is not UTF-8, or `token` stops.
    pub fn next(&mut self, token: &Token) -> Result<Option<String>> {
        loop {
            match self.pieces.recv(None, token)? {
                Received::Item(Ok(piece)) => self.rest.extend(piece),
                Received::Item(Err(error)) => return Err(unreadable(&self.name, &error)),
                Received::End | Received::Late if self.rest.is_empty() => return Ok(None),
                Received::End | Received::Late => return Err(self.not_utf8(0)),
            }
            let text = self.whole_characters()?;
            if !text.is_empty() {
                self.given += text.len() as u64;
                return Ok(Some(text));
            }
        }
    }

    fn whole_characters(&mut self) -> Result<String> {
        let valid = match std::str::from_utf8(&self.rest) {
            Ok(text) => text.len(),
            Err(error) if error.error_len().is_none() => error.valid_up_to(),
            // The text before the fault is still run.
            Err(error) if error.valid_up_to() > 0 => error.valid_up_to(),
            Err(_) => return Err(self.not_utf8(0)),
        };
        let rest = self.rest.split_off(valid);
        let text = String::from_utf8(std::mem::replace(&mut self.rest, rest));
        text.map_err(|error| self.not_utf8(error.utf8_error().valid_up_to()))
    }

    fn not_utf8(&self, at: usize) -> Error {
        let byte = self.given + at as u64 + 1;
        Error::syntax(format!("{}: byte {byte} is not UTF-8 text", self.name))
    }
}

fn unreadable(name: &str, error: &io::Error) -> Error {
    Error::run(format!("cannot read {name}: {}", reason(error)))
}

/// What went wrong, without the number that the system gives it.
fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    match text.find(" (os error") {
        Some(at) => text[..at].to_owned(),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives its pieces one by one.
    struct Pieces(Vec<&'static [u8]>);

    impl Read for Pieces {
        fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
            if self.0.is_empty() {
                return Ok(0);
            }
            let piece = self.0.remove(0);
            to[..piece.len()].copy_from_slice(piece);
            Ok(piece.len())
        }
    }

    fn all(pieces: &[&'static [u8]]) -> (Vec<String>, Option<String>) {
        let mut text = InputText::read(Pieces(pieces.to_vec()), "x").expect("starts");
        let mut seen = Vec::new();
        loop {
            match text.next(&Token::new()) {
                Ok(Some(piece)) => seen.push(piece),
                Ok(None) => return (seen, None),
                Err(error) => return (seen, Some(error.message().to_owned())),
            }
        }
    }

    #[test]
    fn a_character_may_come_in_two_pieces() {
        let (seen, error) = all(&[b"caf\xc3", b"\xa9;"]);
        assert_eq!((seen.concat().as_str(), error), ("café;", None));
    }

    #[test]
    fn what_is_not_utf8_is_an_error_after_what_is() {
        let (seen, error) = all(&[b"1;\xff2;"]);
        assert_eq!(seen, ["1;"]);
        assert_eq!(error.as_deref(), Some("x: byte 3 is not UTF-8 text"));
        let (_, error) = all(&[b"caf\xc3"]);
        assert_eq!(error.as_deref(), Some("x: byte 4 is not UTF-8 text"));
    }

    #[test]
    fn a_stop_ends_the_wait() {
        let (reader, _writer) = io::pipe().expect("a pipe");
        let mut text = InputText::read(reader, "x").expect("starts");
        let token = Token::new();
        token.stop("enough");
        assert_eq!(text.next(&token).expect_err("stopped").message(), "enough");
    }
}
