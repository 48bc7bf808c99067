//! A file of JSON values, one after the other, as it is read: values that lie whole in a block are read
//! where they lie; the few across the end of one, and whatever is wrong, byte by byte.

use std::io::{self, Read};

use crate::host::file_input::FileBlocks;
use crate::model::json::{self, TextPlace};
use crate::model::json_fields::FieldScanner;
use crate::model::{Cx, Value};
use crate::text::diagnostic::{Error, Result};

pub struct JsonFile {
    blocks: FileBlocks,
    /// Where in the whole file the rest of the block begins.
    place: TextPlace,
    /// Whether nothing can be read behind an error.
    ended: bool,
}

/// An object of which some fields are wanted.
pub enum Scanned {
    /// The scanner has found them in the block; so many bytes are to be taken with [`JsonFile::take`].
    Object(usize),
    /// The library has read the whole value.
    Value(Value),
}

impl JsonFile {
    pub fn open(path: &str, cx: &Cx) -> Result<JsonFile> {
        Ok(JsonFile {
            blocks: FileBlocks::open(path, cx)?,
            place: TextPlace::default(),
            ended: false,
        })
    }

    /// The next value.
    pub fn next(&mut self, cx: &Cx) -> Result<Option<Value>> {
        if !self.reach_value(cx)? {
            return Ok(None);
        }
        if let Some((value, length)) = self.in_block(cx, json::prefix)? {
            self.take(length);
            return Ok(Some(value));
        }
        self.byte_by_byte(cx)
    }

    /// The wanted fields of the next value.
    pub fn scan(&mut self, fields: &mut FieldScanner, cx: &Cx) -> Result<Option<Scanned>> {
        if !self.reach_value(cx)? {
            return Ok(None);
        }
        if let Some(length) = self.in_block(cx, |text| fields.object(text))? {
            return Ok(Some(Scanned::Object(length)));
        }
        Ok(self.byte_by_byte(cx)?.map(Scanned::Value))
    }

    /// Whether the next value is likely to be there without a wait for others.
    pub fn is_at_hand(&self) -> bool {
        let rest = self.blocks.rest().trim_ascii_start();
        !self.blocks.may_wait() || !rest.is_empty() && memchr::memchr(b'\n', rest).is_some()
    }

    /// What has been read and not been taken. It begins with the object that was found last.
    pub fn rest(&self) -> &[u8] {
        self.blocks.rest()
    }

    /// Goes on behind so many bytes.
    pub fn take(&mut self, length: usize) {
        self.place = self.place.behind(&self.blocks.rest()[..length]);
        self.blocks.take(length);
    }

    /// Goes on to where a value begins; `false` at the end.
    fn reach_value(&mut self, cx: &Cx) -> Result<bool> {
        loop {
            if self.ended {
                return Ok(false);
            }
            let rest = self.blocks.rest();
            let is_space = |byte: &u8| matches!(byte, b' ' | b'\n' | b'\r' | b'\t');
            let space = rest.iter().take_while(|byte| is_space(byte)).count();
            let reached = space < rest.len();
            self.take(space);
            if reached {
                return Ok(true);
            }
            if !self.blocks.read_more(cx)? {
                return Ok(false);
            }
        }
    }

    /// Reads what the block begins with; `None` if it does not lie whole in it, or `read` leaves it.
    fn in_block<T>(
        &mut self,
        cx: &Cx,
        mut read: impl FnMut(&[u8]) -> Option<T>,
    ) -> Result<Option<T>> {
        let before = self.blocks.rest().len();
        if let Some(found) = read(self.blocks.rest()) {
            return Ok(Some(found));
        }
        // It may only be that the block ends within it. What has grown little is not looked at again, as
        // a value may come in many pieces.
        if self.blocks.may_read_ahead()
            && self.blocks.read_more(cx)?
            && self.blocks.rest().len() >= 2 * before
        {
            return Ok(read(self.blocks.rest()));
        }
        Ok(None)
    }

    /// The next value, however long it is, or what is wrong with it.
    fn byte_by_byte(&mut self, cx: &Cx) -> Result<Option<Value>> {
        let mut bytes = Bytes {
            blocks: &mut self.blocks,
            cx,
            given: 0,
            dropped: 0,
            place: self.place,
            fault: None,
        };
        let (read, value) = json::next_of(&mut bytes, self.place);
        let Bytes {
            dropped,
            place,
            fault,
            ..
        } = bytes;
        if let Some(fault) = fault {
            self.ended = true;
            return Err(fault);
        }
        self.place = place;
        match value {
            Some(Err(error)) => {
                self.ended = true;
                // It may be that the wait for more was stopped.
                cx.token.check()?;
                Err(error.context(self.blocks.path()))
            }
            value => {
                self.take(read - dropped);
                value.transpose()
            }
        }
    }
}

/// What is left of a file, byte by byte. The last byte that was given stays, as the reader may have
/// looked at it only.
struct Bytes<'f> {
    blocks: &'f mut FileBlocks,
    cx: &'f Cx,
    /// So many bytes of the block have been given.
    given: usize,
    /// So many bytes have been taken off the file.
    dropped: usize,
    /// Where in the file the block begins.
    place: TextPlace,
    fault: Option<Error>,
}

impl Read for Bytes<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.given == self.blocks.rest().len() {
            let done = self.given.saturating_sub(1);
            self.place = self.place.behind(&self.blocks.rest()[..done]);
            self.blocks.take(done);
            self.dropped += done;
            self.given -= done;
            match self.blocks.read_more(self.cx) {
                Ok(true) => {}
                Ok(false) => return Ok(0),
                Err(error) => {
                    let said = io::Error::other(error.to_string());
                    self.fault = Some(error);
                    return Err(said);
                }
            }
        }
        let rest = &self.blocks.rest()[self.given..];
        let length = rest.len().min(into.len());
        into[..length].copy_from_slice(&rest[..length]);
        self.given += length;
        Ok(length)
    }
}
