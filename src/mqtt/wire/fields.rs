//! The fields that packets are made of (MQTT 5, section 1.5), read off the bytes of one packet.

use super::violation::Violation;

type Result<T> = std::result::Result<T, Violation>;

/// Reads fields one after the other. No field reaches beyond the bytes that it was given.
#[derive(Clone, Copy)]
pub struct FieldReader<'a>(pub &'a [u8]);

impl<'a> FieldReader<'a> {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn bytes(&mut self, count: usize) -> Result<&'a [u8]> {
        let (taken, rest) = self
            .0
            .split_at_checked(count)
            .ok_or_else(|| Violation::malformed("a field reaches beyond its packet"))?;
        self.0 = rest;
        Ok(taken)
    }

    pub fn u8(&mut self) -> Result<u8> {
        Ok(self.bytes(1)?[0])
    }

    pub fn u16(&mut self) -> Result<u16> {
        let bytes = self.bytes(2)?;
        Ok(u16::from_be_bytes([bytes[0], bytes[1]]))
    }

    pub fn u32(&mut self) -> Result<u32> {
        let bytes = self.bytes(4)?;
        Ok(u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
    }

    /// A number of one to four bytes, in as few as it needs.
    pub fn variable(&mut self) -> Result<usize> {
        let before = self.0;
        let number = self.padded()?;
        let length = before.len() - self.0.len();
        match length > 1 && before[length - 1] == 0 {
            true => Err(Violation::malformed("a number is longer than it need be")),
            false => Ok(number),
        }
    }

    /// A number of one to four bytes, perhaps more than it needs: so some write the length of a packet
    /// that they do not know yet, which MQTT 3.1.1 does not forbid.
    pub fn padded(&mut self) -> Result<usize> {
        let mut number = 0;
        for at in 0..4 {
            let byte = self.u8()?;
            number |= usize::from(byte & 0x7f) << (7 * at);
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(Violation::malformed("a number of more than four bytes"))
    }

    pub fn binary(&mut self) -> Result<&'a [u8]> {
        let length = self.u16()?;
        self.bytes(usize::from(length))
    }

    pub fn text(&mut self) -> Result<&'a str> {
        let text = std::str::from_utf8(self.binary()?)
            .map_err(|_| Violation::malformed("a text is not UTF-8"))?;
        match text.contains('\0') {
            true => Err(Violation::malformed("a text contains a null character")),
            false => Ok(text),
        }
    }

    /// A packet identifier, which is never 0.
    pub fn id(&mut self) -> Result<u16> {
        match self.u16()? {
            0 => Err(Violation::malformed("a packet identifier is 0")),
            id => Ok(id),
        }
    }
}
