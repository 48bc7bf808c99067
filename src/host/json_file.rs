//! A file of JSON values, one after the other, as it is read: values that lie whole in a block are read
//! where they lie; the few across the end of one, and whatever is wrong, byte by byte.

use std::io::{self, Read};

use crate::host::file_input::FileBlocks;
use crate::model::json::{self, TextPlace};
use crate::model::json_fields::{FieldScanner, space};
use crate::model::{Cx, Value};
use crate::text::diagnostic::{Error, Result};

pub struct JsonFile {
    blocks: FileBlocks,
    /// Where in the whole file what [`FileBlocks::taken`] gives begins.
    place: TextPlace,
    /// Whether nothing can be read behind an error.
    ended: bool,
}

/// The next value, of which some fields are wanted if it is an object.
pub enum Scanned<T> {
    /// What was made of the fields.
    Fields(T),
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
            self.blocks.take(length);
            return Ok(Some(value));
        }
        self.byte_by_byte(cx)
    }

    /// What `make` makes of the wanted fields of the next value, whose text it is given.
    pub fn scan<T>(
        &mut self,
        fields: &mut FieldScanner,
        mut make: impl FnMut(&FieldScanner, &str) -> Option<T>,
        cx: &Cx,
    ) -> Result<Option<Scanned<T>>> {
        if !self.reach_value(cx)? {
            return Ok(None);
        }
        let scan = |text: &[u8]| {
            let object = fields.object(text)?;
            Some((make(fields, object)?, object.len()))
        };
        if let Some((made, length)) = self.in_block(cx, scan)? {
            self.blocks.take(length);
            return Ok(Some(Scanned::Fields(made)));
        }
        Ok(self.next(cx)?.map(Scanned::Value))
    }

    /// Goes on over objects of which `take` takes the wanted fields, as long as it does and they lie whole
    /// in what has been read; gives how many there were, `most` at the most.
    pub fn scan_many(
        &mut self,
        fields: &mut FieldScanner,
        most: usize,
        mut take: impl FnMut(&FieldScanner, &str) -> Option<()>,
    ) -> usize {
        let text = self.blocks.text();
        let (mut at, mut objects) = (0, 0);
        while objects < most {
            at += space(&text.as_bytes()[at..]);
            let taken = fields
                .object_in(&text[at..])
                .filter(|object| take(fields, object).is_some());
            let Some(object) = taken else {
                break;
            };
            at += object.len();
            objects += 1;
        }
        self.blocks.take(at);
        objects
    }

    /// Whether the next value is likely to be there without a wait for others.
    pub fn is_at_hand(&self) -> bool {
        let rest = self.blocks.rest().trim_ascii_start();
        !self.blocks.may_wait() || !rest.is_empty() && memchr::memchr(b'\n', rest).is_some()
    }

    /// Goes on to where a value begins; `false` at the end.
    fn reach_value(&mut self, cx: &Cx) -> Result<bool> {
        loop {
            if self.ended {
                return Ok(false);
            }
            let space = space(self.blocks.rest());
            self.blocks.take(space);
            if !self.blocks.rest().is_empty() {
                return Ok(true);
            }
            if !self.read_more(cx)? {
                return Ok(false);
            }
        }
    }

    /// Where in the whole file the rest begins.
    fn place(&self) -> TextPlace {
        self.place.behind(self.blocks.taken())
    }

    fn read_more(&mut self, cx: &Cx) -> Result<bool> {
        self.place = self.place();
        self.blocks.read_more(cx)
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
            && self.read_more(cx)?
            && self.blocks.rest().len() >= 2 * before
        {
            return Ok(read(self.blocks.rest()));
        }
        Ok(None)
    }

    /// The next value, however long it is, or what is wrong with it.
    fn byte_by_byte(&mut self, cx: &Cx) -> Result<Option<Value>> {
        let place = self.place();
        let mut bytes = Bytes {
            file: self,
            cx,
            given: 0,
            dropped: 0,
            fault: None,
        };
        let (read, value) = json::next_of(&mut bytes, place);
        let Bytes { dropped, fault, .. } = bytes;
        if let Some(fault) = fault {
            self.ended = true;
            return Err(fault);
        }
        match value {
            Some(Err(error)) => {
                self.ended = true;
                // It may be that the wait for more was stopped.
                cx.token.check()?;
                Err(error.context(self.blocks.path()))
            }
            value => {
                self.blocks.take(read - dropped);
                value.transpose()
            }
        }
    }
}

/// What is left of a file, byte by byte. The last byte that was given stays, as the reader may have
/// looked at it only.
struct Bytes<'f> {
    file: &'f mut JsonFile,
    cx: &'f Cx,
    /// So many bytes of the block have been given.
    given: usize,
    /// So many bytes have been taken off the file.
    dropped: usize,
    fault: Option<Error>,
}

impl Read for Bytes<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.given == self.file.blocks.rest().len() {
            let done = self.given.saturating_sub(1);
            self.file.blocks.take(done);
            self.dropped += done;
            self.given -= done;
            match self.file.read_more(self.cx) {
                Ok(true) => {}
                Ok(false) => return Ok(0),
                Err(error) => {
                    let said = io::Error::other(error.to_string());
                    self.fault = Some(error);
                    return Err(said);
                }
            }
        }
        let rest = &self.file.blocks.rest()[self.given..];
        let length = rest.len().min(into.len());
        into[..length].copy_from_slice(&rest[..length]);
        self.given += length;
        Ok(length)
    }
}
