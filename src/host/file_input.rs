//! Files as they are read. What may keep its reader waiting, a pipe or a device, is read on a thread of
//! its own, so that a stop ends the wait at once.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read};
use std::path::Path;
use std::thread;

use crate::model::Cx;
use crate::model::context::Puller;
use crate::text::diagnostic::{Error, Result};
use crate::text::wait::{Received, Receiver, Sender, Token, queue};

/// A file that is open for reading.
pub type FileInput = Box<dyn Read + Send>;

/// Opens a file, whose reads end when whoever pulls what is read from it is stopped.
pub fn open(path: &str, cx: &Cx) -> Result<FileInput> {
    let metadata = fs::metadata(path).map_err(|e| file_error("read", path, &e))?;
    if metadata.is_file() || metadata.is_dir() {
        let file = File::open(path).map_err(|e| file_error("read", path, &e))?;
        let puller = cx.puller();
        return Ok(Box::new(Stoppable { file, puller }));
    }
    let (sender, receiver) = queue(PIECES);
    let owned = path.to_owned();
    // Nobody can wake it while it waits for the file, not even to end it: nobody waits for it.
    thread::Builder::new()
        .name("reader".to_owned())
        .spawn(move || forward(&owned, &sender))
        .map_err(|e| file_error("read", path, &e))?;
    Ok(Box::new(Piped {
        receiver,
        puller: cx.puller(),
        piece: Vec::new(),
        at: 0,
    }))
}

/// A file whose reads end when its reader is stopped: one value of it may take long to read.
struct Stoppable {
    file: File,
    puller: Puller,
}

impl Read for Stoppable {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.puller
            .token()
            .check()
            .map_err(|stopped| io::Error::other(stopped.to_string()))?;
        self.file.read(into)
    }
}

/// Opens a file of text, as [`open`] does. A byte order mark at its beginning, as editors on
/// Windows write it, is no part of the text.
pub fn open_text(path: &str, cx: &Cx) -> Result<FileInput> {
    Ok(Box::new(WithoutMark {
        file: open(path, cx)?,
        held: 0,
        begun: false,
    }))
}

/// U+FEFF in UTF-8.
const BYTE_ORDER_MARK: [u8; 3] = [0xef, 0xbb, 0xbf];

/// A file without the byte order mark at its beginning.
struct WithoutMark {
    file: FileInput,
    /// So many bytes of the mark have been read, and it is not known yet whether the rest follows: the
    /// file may still grow.
    held: usize,
    /// Whether what the file begins with has been looked at.
    begun: bool,
}

impl Read for WithoutMark {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.begun || into.len() < BYTE_ORDER_MARK.len() {
            return self.file.read(into);
        }
        while self.held < BYTE_ORDER_MARK.len() {
            let mut next = [0];
            let read = self.file.read(&mut next)?;
            if read == 1 && next[0] == BYTE_ORDER_MARK[self.held] {
                self.held += 1;
                continue;
            }
            if read == 0 && self.held == 0 {
                return Ok(0);
            }
            // No mark: what has been read of one is text.
            self.begun = true;
            into[..self.held].copy_from_slice(&BYTE_ORDER_MARK[..self.held]);
            into[self.held] = if read == 1 { next[0] } else { 0 };
            return Ok(self.held + read);
        }
        self.begun = true;
        self.file.read(into)
    }
}

/// So many bytes are asked for at a time: a system call costs little beside them, and they stay in the
/// processor's second cache.
const BLOCK: usize = 1 << 16;

/// A file that is read in large blocks, and what has been read of it and not been taken yet.
pub struct FileBlocks {
    path: String,
    file: FileInput,
    /// Whether reading may have to wait for others: a pipe, a device.
    may_wait: bool,
    buffer: Vec<u8>,
    /// What has been read and not been taken lies between these.
    start: usize,
    end: usize,
}

impl FileBlocks {
    /// Opens a file of text, see [`open_text`].
    pub fn open(path: &str, cx: &Cx) -> Result<FileBlocks> {
        Ok(FileBlocks {
            path: path.to_owned(),
            file: open_text(path, cx)?,
            may_wait: !fs::metadata(path).is_ok_and(|metadata| metadata.is_file()),
            buffer: vec![0; BLOCK],
            start: 0,
            end: 0,
        })
    }

    pub fn path(&self) -> &str {
        &self.path
    }

    /// What has been read and not been taken.
    pub fn rest(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    /// What has been taken since there was read on.
    pub fn taken(&self) -> &[u8] {
        &self.buffer[..self.start]
    }

    /// The text that what has been read and not been taken begins with, a block of it at the most. It
    /// ends before what is not UTF-8, and before a character that is not whole.
    pub fn text(&self) -> &str {
        let rest = self.rest();
        let block = &rest[..rest.len().min(BLOCK)];
        match std::str::from_utf8(block) {
            Ok(text) => text,
            Err(error) => {
                let text = std::str::from_utf8(&block[..error.valid_up_to()]);
                text.unwrap_or_default()
            }
        }
    }

    /// Whether reading on may have to wait for others.
    pub fn may_wait(&self) -> bool {
        self.may_wait
    }

    /// Whether it is good to read on before all that has been read is taken: most is, and nobody has to
    /// wait for what comes next.
    pub fn may_read_ahead(&self) -> bool {
        !self.may_wait && self.end - self.start < BLOCK / 2
    }

    /// Takes so many bytes off what has been read.
    pub fn take(&mut self, bytes: usize) {
        self.start += bytes;
        debug_assert!(self.start <= self.end, "more was taken than had been read");
    }

    /// Reads on; `false` at the end of the file, which may have grown by the next time.
    pub fn read_more(&mut self, cx: &Cx) -> Result<bool> {
        self.buffer.copy_within(self.start..self.end, 0);
        (self.start, self.end) = (0, self.end - self.start);
        if self.buffer.len() - self.end < BLOCK / 2 {
            self.buffer.resize(2 * self.buffer.len(), 0);
        }
        loop {
            cx.token.check()?;
            match self.file.read(&mut self.buffer[self.end..]) {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(read_error(&self.path, &error, cx)),
                Ok(read) => {
                    self.end += read;
                    return Ok(read > 0);
                }
            }
        }
    }
}

/// The error of a read: the stop that ended it, or what is wrong with the file.
pub fn read_error(path: &str, error: &io::Error, cx: &Cx) -> Error {
    match cx.token.check() {
        Err(stopped) => stopped,
        Ok(()) => file_error("read", path, error),
    }
}

/// How many pieces may wait to be taken.
const PIECES: usize = 16;

type Piece = io::Result<Vec<u8>>;

/// Reads the file to its end, or until nobody wants it.
fn forward(path: &str, sender: &Sender<Piece>) {
    let token = Token::new();
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) => {
            let _ = sender.send(Err(error), &token);
            return;
        }
    };
    loop {
        let mut piece = vec![0; 1 << 14];
        let read = file.read(&mut piece);
        let last = !matches!(read, Ok(1..));
        let sent = match read {
            Ok(0) => return,
            Ok(length) => {
                piece.truncate(length);
                sender.send(Ok(piece), &token)
            }
            Err(error) => sender.send(Err(error), &token),
        };
        if last || !matches!(sent, Ok(true)) {
            return;
        }
    }
}

/// What the thread that reads a file hands over.
struct Piped {
    receiver: Receiver<Piece>,
    puller: Puller,
    piece: Vec<u8>,
    /// How much of the piece has been read.
    at: usize,
}

impl Read for Piped {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.at == self.piece.len() {
            let received = self.receiver.recv(None, &self.puller.token());
            match received.map_err(|stopped| io::Error::other(stopped.to_string()))? {
                Received::Item(piece) => (self.piece, self.at) = (piece?, 0),
                Received::End | Received::Late => return Ok(0),
            }
        }
        let rest = &self.piece[self.at..];
        let length = rest.len().min(into.len());
        into[..length].copy_from_slice(&rest[..length]);
        self.at += length;
        Ok(length)
    }
}

/// The error of an operation on a file: `cannot read x.csv: No such file or directory`.
pub fn file_error(verb: &str, path: impl AsRef<Path>, error: &io::Error) -> Error {
    let reason = error.to_string();
    // The system's number says nothing to a person.
    let reason = reason.split(" (os error").next().unwrap_or_default();
    Error::run(format!(
        "cannot {verb} {}: {reason}",
        path.as_ref().display()
    ))
}
