//! Files that rows are written to: buffered, begun anew or added to, and put aside when they are full.
//!
//! A row reaches the file whole: what is in the buffer is written in one go, and a row is never divided
//! between two of these. So a process that is killed leaves no part of a row behind.

use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use crate::host::file_input::file_error;
use crate::model::Cx;
use crate::mqtt::SettingsReader;
use crate::text::diagnostic::{Error, Result};
use crate::text::flushing::FlushTimer;
use crate::text::wait::{BeforeWaiting, lock};

/// The names of the options, for who takes them.
pub const OUTPUT_OPTIONS: [&str; 3] = ["append", "rotate", "keep"];

/// How a file is written.
#[derive(Clone, Default)]
pub struct OutputOptions {
    /// Whether what the file has stays.
    pub append: bool,
    /// The bytes after which the file is put aside and another begun.
    pub rotate: Option<u64>,
    /// How many files that were put aside are kept; all by default.
    pub keep: Option<u64>,
}

impl OutputOptions {
    pub fn read(reader: &SettingsReader) -> Result<OutputOptions> {
        let options = OutputOptions {
            append: reader.flag("append", false)?,
            rotate: reader.integer("rotate", 1..=u64::MAX)?,
            keep: reader.integer("keep", 0..=u64::MAX)?,
        };
        match options.keep.is_some() && options.rotate.is_none() {
            true => Err(
                Error::run("the option keep is about files that rotate puts aside")
                    .help("write {\"rotate\": 10000000, \"keep\": 5}"),
            ),
            false => Ok(options),
        }
    }
}

/// A file being written, buffered. What is in the buffer reaches the file before the query waits for
/// more to write; see [`crate::text::flushing`].
pub struct Output {
    path: PathBuf,
    file: Arc<Mutex<BufWriter<File>>>,
    /// Bytes in the file, those in the buffer among them.
    size: u64,
    options: OutputOptions,
    /// What each file begins with.
    header: String,
    timer: FlushTimer,
    _before_waiting: BeforeWaiting,
}

impl Output {
    /// Creates the file at `path`, or empties it.
    pub fn create(path: &str, cx: &Cx) -> Result<Output> {
        Output::open(path, OutputOptions::default(), cx)
    }

    pub fn open(path: &str, options: OutputOptions, cx: &Cx) -> Result<Output> {
        let opened = match options.append {
            true => appending(Path::new(path)),
            false => File::create(path).map(|file| (file, 0)),
        };
        let (file, size) = opened.map_err(|e| file_error("write", path, &e))?;
        let file = Arc::new(Mutex::new(BufWriter::new(file)));
        let buffer = Arc::downgrade(&file);
        let before_waiting = cx.token.before_waiting(move || {
            if let Some(file) = buffer.upgrade() {
                // What cannot be written stays in the buffer: the next write meets the error again.
                let _ = lock(&file).flush();
            }
        });
        Ok(Output {
            path: path.into(),
            file,
            size,
            options,
            header: String::new(),
            timer: FlushTimer::new(),
            _before_waiting: before_waiting,
        })
    }

    /// Each file begins with this. An error if there is one already that begins otherwise.
    pub fn begin_with(&mut self, header: String) -> Result<()> {
        if self.size > 0 {
            let mut there = vec![0; header.len()];
            let read = File::open(&self.path).and_then(|mut file| file.read_exact(&mut there));
            if read.is_err() || there != header.as_bytes() {
                let path = self.path.display();
                return Err(Error::run(format!(
                    "{path} has other columns than {}",
                    header.trim_end()
                ))
                .help("append to a file of the same columns, or write another"));
            }
        } else {
            self.put(header.as_bytes())?;
        }
        self.header = header;
        Ok(())
    }

    /// Writes a row, with its end.
    pub fn write(&mut self, row: &[u8]) -> Result<()> {
        let most = self.options.rotate.unwrap_or(u64::MAX);
        let has_rows = self.size > self.header.len() as u64;
        if has_rows && self.size.saturating_add(row.len() as u64) > most {
            self.rotate()
                .map_err(|e| file_error("put aside", &self.path, &e))?;
            self.put(self.header.clone().as_bytes())?;
        }
        self.put(row)
    }

    fn put(&mut self, bytes: &[u8]) -> Result<()> {
        let mut file = lock(&self.file);
        let mut written = file.write_all(bytes);
        if self.timer.is_due() {
            written = written.and_then(|()| file.flush());
        }
        self.size += bytes.len() as u64;
        written.map_err(|e| file_error("write", &self.path, &e))
    }

    /// Puts the file aside under the next number, and begins another.
    fn rotate(&mut self) -> io::Result<()> {
        let mut file = lock(&self.file);
        file.flush()?;
        let mut numbers = numbers_beside(&self.path)?;
        let next = numbers.last().map_or(1, |last| last + 1);
        fs::rename(&self.path, numbered(&self.path, next))?;
        numbers.push(next);
        *file = BufWriter::new(File::create(&self.path)?);
        self.size = 0;
        if let Some(keep) = self.options.keep {
            let kept = usize::try_from(keep).unwrap_or(usize::MAX);
            for old in &numbers[..numbers.len().saturating_sub(kept)] {
                fs::remove_file(numbered(&self.path, *old))?;
            }
        }
        Ok(())
    }

    /// Writes out what is still buffered.
    pub fn finish(self) -> Result<()> {
        lock(&self.file)
            .flush()
            .map_err(|e| file_error("write", &self.path, &e))
    }
}

/// The file to add to, and its size. A last line without its end gets one.
fn appending(path: &Path) -> io::Result<(File, u64)> {
    let mut file = File::options()
        .read(true)
        .append(true)
        .create(true)
        .open(path)?;
    let mut size = file.metadata()?.len();
    if size > 0 {
        let mut last = [0];
        file.seek(SeekFrom::End(-1))?;
        file.read_exact(&mut last)?;
        if !matches!(last, [b'\n' | b'\r']) {
            file.write_all(b"\n")?;
            size += 1;
        }
    }
    Ok((file, size))
}

fn numbered(path: &Path, number: u64) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{number}"));
    name.into()
}

/// The numbers of the files that were put aside, in order.
fn numbers_beside(path: &Path) -> io::Result<Vec<u64>> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let mut numbers = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?.file_name();
        let entry = entry.to_string_lossy();
        let number = entry
            .strip_prefix(&*name)
            .and_then(|rest| rest.strip_prefix('.'));
        numbers.extend(number.and_then(|number| number.parse::<u64>().ok()));
    }
    numbers.sort_unstable();
    Ok(numbers)
}
