//! What is in a journal, byte by byte.
//!
//! ```text
//! file   = "osql mqtt journal 3\n"  marker  marker  marker  entry*
//! entry  = marker  length  checksum of the length  checksum of the body  body
//! body   = 'P'  number  ordinal  flags  topic  properties  payload    a publication
//!        | 'S'  (number  packet identifier  released)*                sent under an identifier
//!        | 'D'  number*                                               settled
//! ```
//!
//! The marker is eight bytes that are drawn for each file: no message holds them, so that the next
//! entry behind a damaged one is found. The checksums are CRC-32. The length has one
//! of its own, so that an entry whose end was never written is told from one whose length was damaged.
//! Ordinals count the publications of a file from 0: a gap tells how many are missing. Numbers are
//! little-endian.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use bytes::Bytes;

use super::properties;
use super::{Left, NOBODY};
use crate::mqtt::in_flight::Outgoing;
use crate::mqtt::options::Qos;
use crate::mqtt::wire::Head;

const HEADER: &[u8] = b"osql mqtt journal 3\n";

/// What tells entries apart in one file.
pub type Marker = [u8; 8];

/// How long the part before the first entry is.
pub const START: usize = HEADER.len() + 3 * size_of::<Marker>();

/// Bytes of an entry before its body.
const LEAD: usize = size_of::<Marker>() + 3 * 4;

/// Bytes of the smallest publication's entry: without topic, properties and payload.
const SMALLEST: usize = LEAD + 1 + 8 + 8 + 1 + 3 * 4;

/// Begins a file.
pub fn push_start(out: &mut Vec<u8>, marker: Marker) {
    out.extend(HEADER);
    for _ in 0..3 {
        out.extend(marker);
    }
}

/// Appends an entry whose body `write` makes.
fn push(out: &mut Vec<u8>, marker: Marker, write: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend(marker);
    out.extend([0; LEAD - size_of::<Marker>()]);
    write(out);
    let body = &out[start + LEAD..];
    let length = (body.len() as u32).to_le_bytes();
    let checksums = [crc32fast::hash(&length), crc32fast::hash(body)].map(u32::to_le_bytes);
    let lead = [length, checksums[0], checksums[1]].concat();
    out[start + size_of::<Marker>()..start + LEAD].copy_from_slice(&lead);
}

pub fn push_publication(
    out: &mut Vec<u8>,
    marker: Marker,
    (number, ordinal): (u64, u64),
    head: &Head,
    payload: &[u8],
) {
    push(out, marker, |out| {
        out.push(b'P');
        out.extend(number.to_le_bytes());
        out.extend(ordinal.to_le_bytes());
        out.push(head.qos.number() as u8 | u8::from(head.retain) << 2);
        push_bytes(out, &head.topic);
        push_bytes(out, &properties::write(head));
        push_bytes(out, payload);
    });
}

/// Appends what was `sent`: numbers, packet identifiers, and whether the broker has it.
pub fn push_sent(out: &mut Vec<u8>, marker: Marker, sent: &[(u64, u16, bool)]) {
    push(out, marker, |out| {
        out.push(b'S');
        for (number, id, released) in sent {
            out.extend(number.to_le_bytes());
            out.extend(id.to_le_bytes());
            out.push(u8::from(*released));
        }
    });
}

pub fn push_done(out: &mut Vec<u8>, marker: Marker, numbers: &[u64]) {
    push(out, marker, |out| {
        out.push(b'D');
        numbers
            .iter()
            .for_each(|number| out.extend(number.to_le_bytes()));
    });
}

fn push_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend((bytes.len() as u32).to_le_bytes());
    out.extend(bytes);
}

/// What cannot be read in a journal.
#[derive(Debug, Default, PartialEq)]
pub struct Damage {
    pub places: usize,
    pub bytes: usize,
    /// Publications that are missing, at most.
    pub lost: u64,
    /// Whether all of it is one entry that ends too early, as after a kill in the middle of a write.
    pub cut: bool,
}

/// What a journal comes to.
pub struct Replayed {
    /// What is open at its end, by number.
    pub left: BTreeMap<u64, Left>,
    pub damage: Damage,
}

/// Reads a journal, as far as it can be read; `None` if it is none.
pub fn replay(content: &[u8]) -> Option<Replayed> {
    let (marker, intact) = start(content)?;
    let mut replay = Replay::default();
    if !intact {
        replay.damage.places = 1;
    }
    let mut at = START;
    while at < content.len() {
        if let Some((entry, size)) = entry(&content[at..], marker) {
            replay.take(entry);
            at += size;
            continue;
        }
        let next = next_entry(content, at + 1, marker);
        replay.damage.places += 1;
        replay.damage.bytes += next - at;
        replay.unread += next - at;
        if next == content.len() && replay.damage.places == 1 && is_cut(&content[at..], marker) {
            replay.damage.cut = true;
            replay.unread = 0;
        }
        at = next;
    }
    if !content.starts_with(HEADER) && replay.entries == 0 {
        return None;
    }
    Some(replay.end())
}

/// The marker, and whether all before the first entry is as it was written. One damaged byte there
/// costs nothing.
fn start(content: &[u8]) -> Option<(Marker, bool)> {
    let (before, _) = content.split_at_checked(START)?;
    let (header, markers) = before.split_at(HEADER.len());
    let (markers, _) = markers.as_chunks();
    let [a, b, c]: [Marker; 3] = markers.try_into().ok()?;
    let marker = if a == b || a == c { a } else { b };
    let agree = [a, b, c].iter().filter(|m| **m == marker).count();
    (agree >= 2).then_some((marker, agree == 3 && header == HEADER))
}

/// Where the next entry that can be read begins, from `at` on; the end if there is none.
fn next_entry(content: &[u8], mut at: usize, marker: Marker) -> usize {
    while let Some(found) = content
        .get(at..)
        .and_then(|rest| rest.windows(marker.len()).position(|w| w == marker))
    {
        if entry(&content[at + found..], marker).is_some() {
            return at + found;
        }
        at += found + 1;
    }
    content.len()
}

/// Whether the rest of a file is the beginning of an entry.
fn is_cut(rest: &[u8], marker: Marker) -> bool {
    let known = rest.len().min(marker.len());
    if rest[..known] != marker[..known] {
        return false;
    }
    if rest.len() < LEAD {
        return true;
    }
    lead(rest, marker).is_some_and(|lead| lead.length > lead.rest.len())
}

/// What an entry begins with, and all that stands behind it.
struct Lead<'a> {
    length: usize,
    /// The checksum of the body.
    checksum: u32,
    rest: &'a [u8],
}

/// The lead that `input` begins with; `None` if there is none or it is damaged.
fn lead(input: &[u8], marker: Marker) -> Option<Lead<'_>> {
    let mut input = Input(input.strip_prefix(&marker)?);
    let length: [u8; 4] = input.array()?;
    let [of_length, checksum] = [input.array()?, input.array()?].map(u32::from_le_bytes);
    (crc32fast::hash(&length) == of_length).then_some(Lead {
        length: u32::from_le_bytes(length) as usize,
        checksum,
        rest: input.0,
    })
}

enum Entry<'a> {
    Publication {
        number: u64,
        ordinal: u64,
        head: Head,
        payload: &'a [u8],
    },
    Sent(Vec<(u64, u16, bool)>),
    Done(Vec<u64>),
}

/// The entry that `input` begins with, and its size.
fn entry(input: &[u8], marker: Marker) -> Option<(Entry<'_>, usize)> {
    let lead = lead(input, marker)?;
    let body = lead.rest.get(..lead.length)?;
    if crc32fast::hash(body) != lead.checksum {
        return None;
    }
    Some((read(body)?, LEAD + lead.length))
}

fn read(body: &[u8]) -> Option<Entry<'_>> {
    let mut input = Input(body);
    let [kind] = input.array()?;
    match kind {
        b'P' => {
            let number = u64::from_le_bytes(input.array()?);
            let ordinal = u64::from_le_bytes(input.array()?);
            let [flags] = input.array()?;
            let head = Head {
                topic: Bytes::copy_from_slice(input.bytes()?),
                qos: Qos::from_number(i64::from(flags & 3))?,
                retain: flags & 4 != 0,
                properties: properties::read(input.bytes()?),
            };
            let payload = input.bytes()?;
            input.0.is_empty().then_some(Entry::Publication {
                number,
                ordinal,
                head,
                payload,
            })
        }
        b'S' => {
            let mut sent = Vec::new();
            while !input.0.is_empty() {
                let number = u64::from_le_bytes(input.array()?);
                let id = u16::from_le_bytes(input.array()?);
                let [released] = input.array()?;
                sent.push((number, id, released != 0));
            }
            Some(Entry::Sent(sent))
        }
        b'D' => {
            let (numbers, rest) = input.0.as_chunks();
            let numbers = numbers.iter().map(|n| u64::from_le_bytes(*n)).collect();
            rest.is_empty().then_some(Entry::Done(numbers))
        }
        _ => None,
    }
}

struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn take(&mut self, n: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(n)?;
        self.0 = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = u32::from_le_bytes(self.array()?);
        self.take(length as usize)
    }
}

/// The state of reading a journal.
#[derive(Default)]
struct Replay {
    left: BTreeMap<u64, Left>,
    damage: Damage,
    entries: usize,
    /// The ordinal of the publication that comes next, if none is missing.
    ordinal: u64,
    /// Bytes that could not be read behind the last publication.
    unread: usize,
    /// Publications whose entries were read, and those that were settled though theirs was not.
    known: HashSet<u64>,
    settled_unseen: u64,
    /// Publishers share heads; messages that are alike share them again.
    head: Option<Arc<Head>>,
}

impl Replay {
    fn take(&mut self, entry: Entry) {
        self.entries += 1;
        match entry {
            Entry::Publication {
                number,
                ordinal,
                head,
                payload,
            } => {
                self.damage.lost += ordinal.saturating_sub(self.ordinal);
                self.ordinal = ordinal.saturating_add(1);
                self.unread = 0;
                self.known.insert(number);
                let left = Left {
                    message: Outgoing {
                        account: NOBODY,
                        head: self.shared(head),
                        payload: Bytes::copy_from_slice(payload),
                        record: number,
                        falls: 0,
                    },
                    sent: None,
                };
                self.left.insert(number, left);
            }
            Entry::Sent(sent) => {
                for (number, id, released) in sent {
                    if let Some(left) = self.left.get_mut(&number) {
                        left.sent = Some((id, released));
                    }
                }
            }
            Entry::Done(numbers) => {
                for number in numbers {
                    self.left.remove(&number);
                    self.settled_unseen += u64::from(!self.known.remove(&number));
                }
            }
        }
    }

    fn shared(&mut self, head: Head) -> Arc<Head> {
        match &self.head {
            Some(same) if **same == head => same.clone(),
            _ => self.head.insert(Arc::new(head)).clone(),
        }
    }

    fn end(mut self) -> Replayed {
        // No ordinal behind them tells how many they were.
        self.damage.lost += self.unread.div_ceil(SMALLEST) as u64;
        self.damage.lost = self.damage.lost.saturating_sub(self.settled_unseen);
        Replayed {
            left: self.left,
            damage: self.damage,
        }
    }
}
