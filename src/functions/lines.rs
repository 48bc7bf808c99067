//! Text files as streams of lines or pieces, and back.

use std::io::{BufRead, BufReader, Read};

use super::file::output::Output;
use super::string;
use crate::host::file_input::{self, FileInput, read_error};
use crate::model::native::{Native, Natives};
use crate::model::{Args, Cx, Source, Value, size};
use crate::text::diagnostic::{Error, Result};

pub const NATIVES: Natives = &[
    // Guesses, as of files that are read by people: 40 bytes in a line.
    Native::new("readlines", readlines)
        .reads_files()
        .rows(|of| of.of_file(0, 40.0)),
    Native::new("read_parts", read_parts).reads_files(),
    Native::new("read_chunks", read_chunks).reads_files(),
    Native::new("writelines", writelines).only_acting(),
];

/// A file being read in parts that end with a delimiter.
struct Parts {
    path: String,
    file: BufReader<FileInput>,
    delimiter: Vec<u8>,
    count: u64,
}

impl Parts {
    fn open(path: &str, delimiter: &str, cx: &Cx) -> Result<Parts> {
        Ok(Parts {
            path: path.to_owned(),
            file: BufReader::new(file_input::open_text(path, cx)?),
            delimiter: delimiter.as_bytes().to_vec(),
            count: 0,
        })
    }

    fn next(&mut self, cx: &Cx) -> Result<Option<String>> {
        cx.token.check()?;
        let mut part = Vec::new();
        let last = self.delimiter.last().copied().unwrap_or(b'\n');
        while !part.ends_with(&self.delimiter) {
            let mut piece = (&mut self.file).take(size::MAX_BYTES as u64 + 1);
            let read = piece.read_until(last, &mut part);
            size::check_bytes(part.len(), "a part of a file")?;
            if read.map_err(|e| read_error(&self.path, &e, cx))? == 0 {
                break;
            }
        }
        if part.is_empty() {
            return Ok(None);
        }
        self.count += 1;
        if part.ends_with(&self.delimiter) {
            part.truncate(part.len() - self.delimiter.len());
        }
        let text = String::from_utf8(part).map_err(|_| {
            Error::run(format!(
                "cannot read {}: line {} is not UTF-8 text",
                self.path, self.count
            ))
            .help("read_file_chunked reads a file of any bytes")
        })?;
        Ok(Some(text))
    }
}

fn readlines(_: &Cx, args: Args) -> Result<Option<Value>> {
    let path = args.str(0)?.to_owned();
    Ok(Some(Value::stream_from(move |cx| {
        Ok(Box::new(Lines(Parts::open(&path, "\n", cx)?)))
    })))
}

struct Lines(Parts);

impl Source for Lines {
    fn next(&mut self, cx: &Cx) -> Result<Option<Value>> {
        let line = self.0.next(cx)?;
        Ok(line.map(|line| Value::str(line.strip_suffix('\r').unwrap_or(&line))))
    }
}

fn read_parts(_: &Cx, args: Args) -> Result<Option<Value>> {
    let (path, delimiter) = (args.str(0)?.to_owned(), args.str(1)?.to_owned());
    let chunk = pieces(args, 2, "parts")?;
    if delimiter.is_empty() {
        return Err(Error::run(
            "what divides the parts of a file cannot be empty",
        ));
    }
    Ok(Some(Value::stream_from(move |cx| {
        let parts = Parts::open(&path, &delimiter, cx)?;
        Ok(Box::new(Chunked { parts, chunk }))
    })))
}

fn pieces(args: Args, i: usize, unit: &str) -> Result<usize> {
    match args.value(i).as_int() {
        Some(size) if size >= 1 => size::elements(size, "a piece of a file", unit),
        _ => Err(Error::run(format!(
            "a piece of a file has from 1 up {unit}, not {}",
            args.value(i)
        ))),
    }
}

struct Chunked {
    parts: Parts,
    chunk: usize,
}

impl Source for Chunked {
    fn next(&mut self, cx: &Cx) -> Result<Option<Value>> {
        let mut chunk = Vec::new();
        while chunk.len() < self.chunk {
            match self.parts.next(cx)? {
                Some(part) => chunk.push(Value::from(part)),
                None => break,
            }
        }
        Ok((!chunk.is_empty()).then(|| Value::vector(chunk)))
    }
}

fn read_chunks(_: &Cx, args: Args) -> Result<Option<Value>> {
    let (path, chunk) = (args.str(0)?.to_owned(), pieces(args, 1, "bytes")?);
    Ok(Some(Value::stream_from(move |cx| {
        let file = BufReader::new(file_input::open(&path, cx)?);
        Ok(Box::new(Bytes {
            path: path.clone(),
            file,
            chunk,
        }))
    })))
}

struct Bytes {
    path: String,
    file: BufReader<FileInput>,
    chunk: usize,
}

impl Source for Bytes {
    fn next(&mut self, cx: &Cx) -> Result<Option<Value>> {
        cx.token.check()?;
        let mut bytes = Vec::new();
        let mut piece = (&mut self.file).take(self.chunk as u64);
        piece
            .read_to_end(&mut bytes)
            .map_err(|e| read_error(&self.path, &e, cx))?;
        Ok((!bytes.is_empty()).then(|| Value::binary(bytes)))
    }
}

fn writelines(cx: &Cx, args: Args) -> Result<Option<Value>> {
    let mut source = args.open(0, cx)?;
    let path = args.str(1)?;
    let mut file = Output::create(path, cx)?;
    while let Some(value) = source.next(cx)? {
        let line = string::text(&value, cx)?;
        file.write(format!("{line}\n").as_bytes())?;
    }
    file.finish()?;
    Ok(Some(args.value(1).clone()))
}
