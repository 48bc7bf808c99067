//! Keeping a connection alive (MQTT sections 3.1.2.10 and 3.12).

use std::time::Duration;

use tokio::time::Instant;

use super::client::Shared;
use super::connection::PacketWriter;
use super::lost::Lost;
use super::wire::{ConnAck, OutgoingPacket};

/// When to ask whether the broker is still there. It is asked after half of the keep-alive time
/// without a word from it, and has the other half to answer.
pub struct Pings {
    half: Option<Duration>,
    heard: Instant,
    spoke: Instant,
    asked: Option<Instant>,
}

impl Pings {
    pub fn new(shared: &Shared, ack: &ConnAck) -> Pings {
        let keepalive = match ack.keepalive {
            Some(seconds) => Duration::from_secs(u64::from(seconds)),
            None => shared.options.keepalive,
        };
        let now = Instant::now();
        Pings {
            half: Some(keepalive / 2).filter(|half| !half.is_zero()),
            heard: now,
            spoke: now,
            asked: None,
        }
    }

    /// The broker sent something.
    pub fn heard(&mut self) {
        self.heard = Instant::now();
        self.asked = None;
    }

    /// Something was written.
    pub fn spoke(&mut self) {
        self.spoke = Instant::now();
    }

    /// When something is due.
    pub fn next(&self) -> Instant {
        let far = Duration::from_secs(86_400 * 365);
        match (self.half, self.asked) {
            (None, _) => Instant::now() + far,
            (Some(half), Some(asked)) => asked + half,
            (Some(half), None) => self.heard.min(self.spoke) + half,
        }
    }

    /// Asks when it is time to; an error if the broker has not answered in time.
    pub fn keep(&mut self, shared: &Shared, writer: &mut PacketWriter) -> Result<(), Lost> {
        if self.half.is_none() || Instant::now() < self.next() {
            return Ok(());
        }
        if self.asked.is_some() {
            return Err(Lost::plain(
                "the broker does not answer within the keep-alive time",
            ));
        }
        writer
            .push(shared, OutgoingPacket::Ping)
            .map_err(Lost::plain)?;
        self.asked = Some(Instant::now());
        Ok(())
    }
}
