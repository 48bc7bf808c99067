//! Unacknowledged publications on disk, so that even a killed process loses none: the option
//! `persistence`.
//!
//! One file per client identifier, only ever appended to: a publication is written before `publish`
//! takes the next one, its end when it is acknowledged. A write reaches the operating system before
//! the call returns; that survives the end of the process. With the option `durable` a publication
//! reaches the disk as well, which survives the end of the machine. When nothing is open any more the
//! file is emptied.
//!
//! [`entries`] is what stands in a file, [`files`] how it is kept from others, and the [`JournalKeeper`]
//! writes for the connection.

mod entries;
mod files;
mod keeper;
mod properties;

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::in_flight::Outgoing;
use super::options::ClientOptions;
use super::wire::Head;
use crate::text::diagnostic::{Error, Result};
use entries::{Damage, Marker};
use files::fault;
pub use keeper::{JournalKeeper, Note};

/// An empty file is left alone up to this size; beyond it, it is cut.
const CUT_FROM: u64 = 1 << 20;

/// A file of this size of which less than half is still open is written anew.
const COMPACT_FROM: u64 = 64 << 20;

/// Bytes of a file name that an identifier may take; a longer one is told by its hash.
const LONGEST_NAME: usize = 180;

/// No account: the publication is left from an earlier process.
pub const NOBODY: u32 = u32::MAX;

/// A publication that an earlier process left.
pub struct Left {
    pub message: Outgoing,
    /// The packet identifier that it was sent under, if it was, and whether the broker has it.
    pub sent: Option<(u16, bool)>,
}

/// The journal of one client.
pub struct PublicationJournal {
    file: Arc<File>,
    path: PathBuf,
    marker: Marker,
    /// Whether what is written is to reach the disk.
    durable: bool,
    next: u64,
    /// How many publications the file has.
    ordinal: u64,
    length: u64,
    /// The open publications' numbers and sizes.
    open: HashMap<u64, u64>,
    open_bytes: u64,
    /// The length from which on the file is written anew.
    compact_from: u64,
    /// Publications whose end could not be written down.
    unnoted: Vec<u64>,
    buffer: Vec<u8>,
}

/// A journal, and what an earlier process left in it.
#[derive(Default)]
pub struct Opened {
    pub journal: Option<PublicationJournal>,
    pub left: Vec<Left>,
    /// What could not be read, in words.
    pub damage: Option<String>,
}

/// Opens the client's journal if the options want one.
///
/// # Errors
///
/// Another process has it, it is no journal, or the system does not allow it.
pub fn open(options: &ClientOptions) -> Result<Opened> {
    let Some(folder) = &options.persistence else {
        return Ok(Opened::default());
    };
    files::make_folder(folder)?;
    PublicationJournal::open(folder.join(file_name(&options.client_id)), options.durable)
}

/// A file name that is safe for any client identifier, and another one for each.
fn file_name(client_id: &str) -> String {
    let mut name = String::new();
    for byte in client_id.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' => name.push(byte as char),
            other => name.push_str(&format!("%{other:02x}")),
        }
    }
    if name.len() > LONGEST_NAME {
        // The plus sign stands in no other name.
        let hash = Sha256::digest(client_id.as_bytes());
        let hash: String = hash[..16].iter().map(|b| format!("{b:02x}")).collect();
        name.truncate(LONGEST_NAME - 1 - hash.len());
        name = format!("{name}+{hash}");
    }
    name + ".mqtt"
}

impl PublicationJournal {
    fn open(path: PathBuf, durable: bool) -> Result<Opened> {
        let mut file = files::claim(&path)?;
        let mut content = Vec::new();
        file.read_to_end(&mut content)
            .map_err(|e| fault(&path, "read", e))?;
        let (left, damage) = match entries::replay(&content) {
            Some(replayed) => (replayed.left, replayed.damage),
            None if content.is_empty() => Default::default(),
            None => return Err(no_journal(&path)),
        };
        let damage = match damage {
            Damage { places: 0, .. } => None,
            damage => Some(described(&damage, &path, &files::keep_damaged(&path)?)),
        };
        let mut journal = PublicationJournal {
            file: Arc::new(file),
            path,
            marker: rand::random(),
            durable,
            next: left
                .keys()
                .next_back()
                .map_or(1, |last| last.saturating_add(1)),
            ordinal: 0,
            length: 0,
            open: HashMap::new(),
            open_bytes: 0,
            compact_from: COMPACT_FROM,
            unnoted: Vec::new(),
            buffer: Vec::new(),
        };
        journal.rewrite(&left)?;
        Ok(Opened {
            journal: Some(journal),
            left: left.into_values().collect(),
            damage,
        })
    }

    /// Writes a publication down; gives its number.
    pub fn publication(&mut self, head: &Head, payload: &[u8]) -> Result<u64> {
        let number = self.next;
        let place = (number, self.ordinal);
        self.buffer.clear();
        entries::push_publication(&mut self.buffer, self.marker, place, head, payload);
        self.append()?;
        self.next += 1;
        self.ordinal += 1;
        self.open.insert(number, self.buffer.len() as u64);
        self.open_bytes += self.buffer.len() as u64;
        Ok(number)
    }

    /// What is to be brought to the disk before a publication counts as taken, with
    /// [`File::sync_data`]; `None` unless the journal is durable. It takes milliseconds: not to be
    /// done while others wait for a lock.
    pub fn to_sync(&self) -> Option<Arc<File>> {
        self.durable.then(|| self.file.clone())
    }

    /// The error of [`File::sync_data`].
    pub fn not_synced(error: std::io::Error) -> Error {
        Error::run(format!(
            "option durable: what was published cannot be brought to the disk: {error}"
        ))
    }

    /// Notes that publications were sent under packet identifiers; `true`: the broker has it.
    pub fn sent(&mut self, sent: &[(u64, u16, bool)]) -> Result<()> {
        self.buffer.clear();
        entries::push_sent(&mut self.buffer, self.marker, sent);
        self.append()
    }

    /// Notes that publications are settled, and those that could not be noted before.
    ///
    /// # Errors
    ///
    /// It cannot be written; the next call tries again. If none comes, the next process sends them a
    /// second time.
    pub fn done(&mut self, numbers: &[u64]) -> Result<()> {
        for number in numbers {
            self.open_bytes -= self.open.remove(number).unwrap_or(0);
        }
        self.unnoted.extend(numbers);
        if self.unnoted.is_empty() {
            return Ok(());
        }
        self.buffer.clear();
        entries::push_done(&mut self.buffer, self.marker, &self.unnoted);
        self.append()?;
        self.unnoted.clear();
        if self.open.is_empty() && self.length > CUT_FROM {
            return self.empty();
        }
        if self.length > self.compact_from && self.open_bytes < self.length / 2 {
            // Where that fails the file is only longer than it need be.
            let compacted = self.compact();
            self.compact_from = match compacted {
                Ok(()) => COMPACT_FROM,
                Err(_) => self.length.saturating_mul(2),
            };
        }
        Ok(())
    }

    fn append(&mut self) -> Result<()> {
        if let Err(error) = (&*self.file).write_all(&self.buffer) {
            // Half an entry would look like damage.
            let _ = self.cut(self.length);
            return Err(fault(&self.path, "write", error));
        }
        self.length += self.buffer.len() as u64;
        Ok(())
    }

    /// Nothing is open: only the beginning of the file is left.
    fn empty(&mut self) -> Result<()> {
        self.cut(entries::START as u64)
            .map_err(|e| fault(&self.path, "empty", e))?;
        self.length = entries::START as u64;
        self.ordinal = 0;
        Ok(())
    }

    fn cut(&self, length: u64) -> std::io::Result<()> {
        self.file.set_len(length)?;
        (&*self.file).seek(SeekFrom::Start(length)).map(drop)
    }

    fn compact(&mut self) -> Result<()> {
        let mut content = Vec::new();
        let mut file = &*self.file;
        file.seek(SeekFrom::Start(0))
            .and_then(|_| file.read_to_end(&mut content))
            .map_err(|e| fault(&self.path, "read", e))?;
        match entries::replay(&content) {
            Some(replayed) if replayed.damage.places == 0 => self.rewrite(&replayed.left),
            // It stays as it is: the next process reports it.
            _ => Err(no_journal(&self.path)),
        }
    }

    /// Replaces the file by one that holds only `left`. It is renamed into place, so that a crash
    /// leaves either the old or the new one.
    fn rewrite(&mut self, left: &BTreeMap<u64, Left>) -> Result<()> {
        let marker = rand::random();
        let mut content = Vec::new();
        let mut open = HashMap::new();
        entries::push_start(&mut content, marker);
        for ((number, entry), ordinal) in left.iter().zip(0..) {
            let Outgoing { head, payload, .. } = &entry.message;
            let start = content.len();
            entries::push_publication(&mut content, marker, (*number, ordinal), head, payload);
            open.insert(*number, (content.len() - start) as u64);
            if let Some((id, released)) = entry.sent {
                entries::push_sent(&mut content, marker, &[(*number, id, released)]);
            }
        }
        let (fresh, mut file) = files::replacement(&self.path)?;
        file.write_all(&content)
            .and_then(|()| {
                if self.durable {
                    file.sync_all()
                } else {
                    Ok(())
                }
            })
            .map_err(|e| fault(&fresh, "write", e))?;
        fs::rename(&fresh, &self.path).map_err(|e| fault(&self.path, "replace", e))?;
        if self.durable {
            sync_name(&self.path).map_err(|e| fault(&self.path, "sync the folder of", e))?;
        }
        self.file = Arc::new(file);
        self.marker = marker;
        self.ordinal = left.len() as u64;
        self.length = content.len() as u64;
        self.open_bytes = open.values().sum();
        self.open = open;
        self.buffer = Vec::new();
        Ok(())
    }
}

/// Brings the name of a file to the disk.
fn sync_name(path: &Path) -> std::io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    // Only Unix has folders that can be opened.
    match cfg!(unix) {
        true => File::open(folder)?.sync_all(),
        false => Ok(()),
    }
}

fn no_journal(path: &Path) -> Error {
    Error::run(format!(
        "option persistence: {} is not a journal of this version of the program, or its beginning is \
         damaged",
        path.display()
    ))
    .help("move it away to go on without what is in it")
}

/// What is said about a damaged journal.
fn described(damage: &Damage, path: &Path, kept: &Path) -> String {
    let (path, kept) = (path.display(), kept.display());
    if damage.cut {
        return format!(
            "the last entry of {path} is incomplete, as after a kill in the middle of a write; what was \
             published before it is there. A copy is kept as {kept}"
        );
    }
    let places = match damage.places {
        1 => "one place".to_owned(),
        n => format!("{n} places"),
    };
    let lost = match damage.lost {
        0 => "no message is lost".to_owned(),
        1 => "one message may be lost".to_owned(),
        n => format!("up to {n} messages may be lost"),
    };
    format!(
        "{path} is damaged in {places} ({} bytes cannot be read): {lost}, and messages that had arrived \
         may be sent again. A copy is kept as {kept}",
        damage.bytes
    )
}

#[cfg(test)]
mod tests;
