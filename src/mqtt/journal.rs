//! Unacknowledged publications on disk, so that even a killed process loses none: the option
//! `persistence`.
//!
//! One file per client identifier, only ever appended to: a publication is written before `publish`
//! takes the next one, its end when it is acknowledged. A write reaches the operating system before
//! the call returns; that survives the end of the process, not that of the machine. When nothing is
//! open any more the file is emptied.

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;

use super::in_flight::Outgoing;
use super::options::{ClientOptions, Qos};
use super::wire::Head;
use crate::text::diagnostic::{Error, Result};

const HEADER: &[u8] = b"osql mqtt journal 1\n";

/// An empty file is left alone up to this size; beyond it, it is cut.
const CUT_FROM: u64 = 1 << 20;

/// A file of this size of which less than half is still open is written anew.
const COMPACT_FROM: u64 = 64 << 20;

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
    file: File,
    path: PathBuf,
    next: u64,
    length: u64,
    /// The open publications' numbers and sizes.
    open: HashMap<u64, u64>,
    open_bytes: u64,
    buffer: Vec<u8>,
}

/// Opens the client's journal if the options want one, and reads what an earlier process left.
pub fn open(options: &ClientOptions) -> Result<(Option<PublicationJournal>, Vec<Left>)> {
    let Some(folder) = &options.persistence else {
        return Ok((None, Vec::new()));
    };
    let path = folder.join(file_name(&options.client_id));
    PublicationJournal::open(folder, path).map(|(journal, left)| (Some(journal), left))
}

/// A file name that is safe for any client identifier.
fn file_name(client_id: &str) -> String {
    let mut name = String::new();
    for byte in client_id.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' => name.push(byte as char),
            other => name.push_str(&format!("%{other:02x}")),
        }
    }
    name.truncate(200);
    name + ".mqtt"
}

fn fault(path: &Path, what: &str, error: std::io::Error) -> Error {
    Error::run(format!(
        "option persistence: cannot {what} {}: {error}",
        path.display()
    ))
}

impl PublicationJournal {
    fn open(folder: &Path, path: PathBuf) -> Result<(PublicationJournal, Vec<Left>)> {
        fs::create_dir_all(folder).map_err(|e| fault(folder, "make the folder", e))?;
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(|e| fault(&path, "open", e))?;
        if file.try_lock().is_err() {
            return Err(Error::run(format!(
                "option persistence: {} is in use by another process or client",
                path.display()
            ))
            .help("every client needs a clientid of its own"));
        }
        let mut content = Vec::new();
        file.read_to_end(&mut content)
            .map_err(|e| fault(&path, "read", e))?;
        if !content.is_empty() && !content.starts_with(HEADER) {
            return Err(Error::run(format!(
                "option persistence: {} is not a journal of this program",
                path.display()
            )));
        }
        let left = replay(&content);
        let mut journal = PublicationJournal {
            file,
            path,
            next: left.keys().next_back().map_or(1, |last| last + 1),
            length: 0,
            open: HashMap::new(),
            open_bytes: 0,
            buffer: Vec::new(),
        };
        journal.rewrite(&left)?;
        Ok((journal, left.into_values().collect()))
    }

    /// Writes a publication down; gives its number.
    pub fn publication(&mut self, head: &Head, payload: &[u8]) -> Result<u64> {
        let number = self.next;
        self.buffer.clear();
        push_publication(&mut self.buffer, number, head, payload);
        self.append()?;
        self.next += 1;
        self.open.insert(number, self.buffer.len() as u64);
        self.open_bytes += self.buffer.len() as u64;
        Ok(number)
    }

    /// Notes that publications were sent under packet identifiers; `true`: the broker has it.
    pub fn sent(&mut self, sent: &[(u64, u16, bool)]) -> Result<()> {
        self.buffer.clear();
        for (number, id, released) in sent {
            self.buffer.push(if *released { b'R' } else { b'S' });
            self.buffer.extend(number.to_le_bytes());
            self.buffer.extend(id.to_le_bytes());
        }
        self.append()
    }

    /// Notes that publications are settled.
    pub fn done(&mut self, numbers: &[u64]) -> Result<()> {
        self.buffer.clear();
        for number in numbers {
            self.open_bytes -= self.open.remove(number).unwrap_or(0);
            self.buffer.push(b'D');
            self.buffer.extend(number.to_le_bytes());
        }
        self.append()?;
        if self.open.is_empty() && self.length > CUT_FROM {
            return self.rewrite(&BTreeMap::new());
        }
        if self.length > COMPACT_FROM && self.open_bytes < self.length / 2 {
            return self.compact();
        }
        Ok(())
    }

    fn append(&mut self) -> Result<()> {
        if let Err(error) = self.file.write_all(&self.buffer) {
            // Half an entry would hide all that follow it.
            let _ = self.file.set_len(self.length);
            let _ = self.file.seek(SeekFrom::Start(self.length));
            return Err(fault(&self.path, "write", error));
        }
        self.length += self.buffer.len() as u64;
        Ok(())
    }

    fn compact(&mut self) -> Result<()> {
        let mut content = Vec::new();
        self.file
            .seek(SeekFrom::Start(0))
            .and_then(|_| self.file.read_to_end(&mut content))
            .map_err(|e| fault(&self.path, "read", e))?;
        let left = replay(&content);
        self.rewrite(&left)
    }

    /// Replaces the file by one that holds only `left`. It is renamed into place, so that a crash
    /// leaves either the old or the new one.
    fn rewrite(&mut self, left: &BTreeMap<u64, Left>) -> Result<()> {
        self.buffer.clear();
        self.buffer.extend(HEADER);
        self.open.clear();
        self.open_bytes = 0;
        for (number, entry) in left {
            let start = self.buffer.len();
            push_publication(
                &mut self.buffer,
                *number,
                &entry.message.head,
                &entry.message.payload,
            );
            let size = (self.buffer.len() - start) as u64;
            self.open.insert(*number, size);
            self.open_bytes += size;
            if let Some((id, released)) = entry.sent {
                self.buffer.push(if released { b'R' } else { b'S' });
                self.buffer.extend(number.to_le_bytes());
                self.buffer.extend(id.to_le_bytes());
            }
        }
        let fresh = self.path.with_extension("new");
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .open(&fresh)
            .map_err(|e| fault(&fresh, "open", e))?;
        // The lock goes with the file that will carry the name.
        let _ = file.try_lock();
        file.write_all(&self.buffer)
            .map_err(|e| fault(&fresh, "write", e))?;
        fs::rename(&fresh, &self.path).map_err(|e| fault(&self.path, "replace", e))?;
        self.file = file;
        self.length = self.buffer.len() as u64;
        self.buffer = Vec::new();
        Ok(())
    }
}

fn push_publication(out: &mut Vec<u8>, number: u64, head: &Head, payload: &[u8]) {
    out.push(b'P');
    out.extend(number.to_le_bytes());
    out.push(head.qos.number() as u8 | u8::from(head.retain) << 2);
    push_bytes(out, &head.topic);
    push_bytes(out, &properties::write(head));
    push_bytes(out, payload);
}

fn push_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend((bytes.len() as u32).to_le_bytes());
    out.extend(bytes);
}

/// What is open at the end of a journal, by number. A process may have been killed while it wrote
/// the last entry, which does not count then.
fn replay(content: &[u8]) -> BTreeMap<u64, Left> {
    let mut left = BTreeMap::new();
    let mut input = EntryReader(content.get(HEADER.len()..).unwrap_or_default());
    // Publishers share heads; messages that are alike share them again.
    let mut last: Option<Arc<Head>> = None;
    while entry(&mut input, &mut left, &mut last).is_some() {}
    left
}

fn entry(
    input: &mut EntryReader,
    left: &mut BTreeMap<u64, Left>,
    last: &mut Option<Arc<Head>>,
) -> Option<()> {
    let kind = input.take(1)?[0];
    let number = u64::from_le_bytes(input.take(8)?.try_into().ok()?);
    match kind {
        b'P' => {
            let flags = input.take(1)?[0];
            let topic = input.bytes()?;
            let properties = properties::read(input.bytes()?);
            let payload = input.bytes()?;
            let head = Head {
                topic: Bytes::copy_from_slice(topic),
                qos: Qos::from_number(i64::from(flags & 3))?,
                retain: flags & 4 != 0,
                properties,
            };
            let head = match last {
                Some(same) if **same == head => same.clone(),
                _ => last.insert(Arc::new(head)).clone(),
            };
            let message = Outgoing {
                account: NOBODY,
                head,
                payload: Bytes::copy_from_slice(payload),
                record: number,
                falls: 0,
            };
            left.insert(
                number,
                Left {
                    message,
                    sent: None,
                },
            );
        }
        b'S' | b'R' => {
            let id = u16::from_le_bytes(input.take(2)?.try_into().ok()?);
            if let Some(entry) = left.get_mut(&number) {
                entry.sent = Some((id, kind == b'R'));
            }
        }
        b'D' => {
            left.remove(&number);
        }
        _ => return None,
    }
    Some(())
}

struct EntryReader<'a>(&'a [u8]);

impl<'a> EntryReader<'a> {
    fn take(&mut self, n: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(n)?;
        self.0 = rest;
        Some(taken)
    }

    fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = u32::from_le_bytes(self.take(4)?.try_into().ok()?);
        self.take(length as usize)
    }
}

/// MQTT 5 properties as JSON.
mod properties {
    use rumqttc_v5::mqttbytes::v5::PublishProperties;
    use serde_json::{Value, json};

    use super::Head;

    pub fn write(head: &Head) -> Vec<u8> {
        match &head.properties {
            None => Vec::new(),
            Some(p) => json!({
                "expiry": p.message_expiry_interval,
                "type": p.content_type,
                "response": p.response_topic,
                "user": p.user_properties,
            })
            .to_string()
            .into_bytes(),
        }
    }

    pub fn read(text: &[u8]) -> Option<PublishProperties> {
        let json: Value = serde_json::from_slice(text).ok()?;
        let text = |name: &str| json[name].as_str().map(str::to_owned);
        let pair =
            |pair: &Value| Some((pair[0].as_str()?.to_owned(), pair[1].as_str()?.to_owned()));
        Some(PublishProperties {
            message_expiry_interval: json["expiry"].as_u64().map(|n| n as u32),
            content_type: text("type"),
            response_topic: text("response"),
            user_properties: json["user"].as_array()?.iter().filter_map(pair).collect(),
            ..PublishProperties::default()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head() -> Head {
        Head {
            topic: Bytes::from_static(b"t"),
            qos: Qos::ExactlyOnce,
            retain: true,
            properties: None,
        }
    }

    fn open(folder: &Path) -> (PublicationJournal, Vec<Left>) {
        PublicationJournal::open(folder, folder.join("c.mqtt")).expect("opened")
    }

    #[test]
    fn what_is_open_is_found_again_in_order_with_its_identifiers() {
        let folder = tempfile::TempDir::new().expect("a folder");
        let (mut journal, left) = open(folder.path());
        assert!(left.is_empty());
        let numbers: Vec<_> = [b"a", b"b", b"c"]
            .map(|payload| journal.publication(&head(), payload).expect("written"))
            .into();
        journal.sent(&[(numbers[0], 7, false)]).expect("written");
        journal.sent(&[(numbers[1], 8, true)]).expect("written");
        journal.done(&numbers[..1]).expect("written");
        drop(journal);
        let (_journal, left) = open(folder.path());
        let found: Vec<_> = left
            .iter()
            .map(|l| (&l.message.payload[..], l.sent))
            .collect();
        assert_eq!(found, [(&b"b"[..], Some((8, true))), (&b"c"[..], None)]);
        assert!(left.iter().all(|l| *l.message.head == head()));
    }

    #[test]
    fn an_entry_cut_short_at_any_byte_costs_no_other() {
        let folder = tempfile::TempDir::new().expect("a folder");
        let (mut journal, _) = open(folder.path());
        journal.publication(&head(), b"whole").expect("written");
        let whole = journal.length as usize;
        journal.publication(&head(), b"cut").expect("written");
        drop(journal);
        let path = folder.path().join("c.mqtt");
        let content = fs::read(&path).expect("there");
        for end in whole..content.len() {
            fs::write(&path, &content[..end]).expect("written");
            let (mut journal, left) = open(folder.path());
            assert_eq!(left.len(), 1, "cut at {end}");
            journal.publication(&head(), b"next").expect("written");
            drop(journal);
            assert_eq!(open(folder.path()).1.len(), 2, "cut at {end}");
        }
    }

    #[test]
    fn a_journal_in_use_or_of_another_kind_is_refused() {
        let folder = tempfile::TempDir::new().expect("a folder");
        let (journal, _) = open(folder.path());
        let path = folder.path().join("c.mqtt");
        let refused = || {
            PublicationJournal::open(folder.path(), path.clone())
                .err()
                .expect("refused")
        };
        assert!(refused().message().contains("in use"));
        drop(journal);
        fs::write(&path, "something else").expect("written");
        assert!(refused().message().contains("not a journal"));
    }
}
