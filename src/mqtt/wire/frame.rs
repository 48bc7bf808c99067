//! Packets in a stream of bytes: where one ends, and what to do with one that is too large.

use bytes::{Buf, BytesMut};

use super::fields::FieldReader;
use super::violation::Violation;
use crate::mqtt::options::Qos;

/// The longest fixed header: a byte of kind and flags, and four of length.
const LONGEST_HEADER: usize = 5;

/// Splits what was read into packets.
#[derive(Debug)]
pub struct Framer {
    /// The largest packet that is taken, in bytes.
    limit: usize,
    /// Bytes of a message that is too large and that are still to come.
    skip: usize,
}

/// What comes next.
#[derive(Debug)]
pub enum FramedPacket {
    /// A whole packet: its first byte, where its length ends, and all its bytes.
    Packet { header: usize, bytes: BytesMut },
    /// A message that is passed over.
    TooLarge(Oversized),
    /// So many bytes are missing, at least.
    Missing(usize),
}

/// A message that is too large to be taken.
#[derive(Debug, PartialEq)]
pub struct Oversized {
    pub topic: String,
    pub qos: Qos,
    /// Its packet identifier, 0 at QoS 0.
    pub id: u16,
    /// The size of the packet in bytes.
    pub size: usize,
}

impl Framer {
    pub fn new(limit: usize) -> Framer {
        Framer { limit, skip: 0 }
    }

    /// The largest packet that is taken, in bytes.
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// Takes the next packet off `buffer`.
    pub fn next(&mut self, buffer: &mut BytesMut) -> Result<FramedPacket, Violation> {
        let skipped = self.skip.min(buffer.len());
        buffer.advance(skipped);
        self.skip -= skipped;
        if self.skip > 0 || buffer.is_empty() {
            return Ok(FramedPacket::Missing(1));
        }
        let Some((header, size)) = header(buffer)? else {
            return Ok(FramedPacket::Missing(1));
        };
        if size > self.limit {
            return self.pass_over(buffer, header, size);
        }
        match buffer.len() < size {
            true => Ok(FramedPacket::Missing(size - buffer.len())),
            false => Ok(FramedPacket::Packet {
                header,
                bytes: buffer.split_to(size),
            }),
        }
    }

    /// A message is passed over, and who sent it learns nothing; its beginning is needed to answer the
    /// broker. There is no way to go on without any other packet.
    fn pass_over(
        &mut self,
        buffer: &mut BytesMut,
        header: usize,
        size: usize,
    ) -> Result<FramedPacket, Violation> {
        if buffer[0] >> 4 != 3 {
            return Err(Violation::too_large(size, self.limit));
        }
        let flags = buffer[0] & 0x0f;
        let qos = Qos::from_number(i64::from(flags >> 1 & 3))
            .ok_or_else(|| Violation::malformed("a message at QoS 3"))?;
        let Some(length) = buffer.get(header..header + 2) else {
            return Ok(FramedPacket::Missing(header + 2 - buffer.len()));
        };
        let topic = usize::from(u16::from_be_bytes([length[0], length[1]]));
        let id = if qos > Qos::AtMostOnce { 2 } else { 0 };
        let needed = header + 2 + topic + id;
        if needed > size {
            return Err(Violation::malformed("a topic reaches beyond its packet"));
        }
        if buffer.len() < needed {
            return Ok(FramedPacket::Missing(needed - buffer.len()));
        }
        let mut input = FieldReader(&buffer[header..needed]);
        let oversized = Oversized {
            topic: input.text()?.to_owned(),
            qos,
            id: if id > 0 { input.id()? } else { 0 },
            size,
        };
        self.skip = size;
        Ok(FramedPacket::TooLarge(oversized))
    }
}

/// How long the fixed header is, and the packet with it. `None` if it is not complete.
fn header(buffer: &[u8]) -> Result<Option<(usize, usize)>, Violation> {
    let mut length = FieldReader(&buffer[1..buffer.len().min(LONGEST_HEADER)]);
    let before = length.0.len();
    match length.padded() {
        Ok(remaining) => {
            let header = 1 + before - length.0.len();
            Ok(Some((header, header + remaining)))
        }
        Err(_) if before < LONGEST_HEADER - 1 && buffer[1..].iter().all(|b| b & 0x80 != 0) => {
            Ok(None)
        }
        Err(violation) => Err(violation),
    }
}
