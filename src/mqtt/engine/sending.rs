//! What goes out: publications from queries, those of an earlier connection again, and which of them a
//! broker cannot stand.
//!
//! A broker may close the connection over a publication: one that is too large in MQTT 3.1.1, one that
//! it does not allow. Sent again with everything else it would end every connection that follows. So
//! when connections in a row, [`FRUITLESS`] of them, have seen no publication to its end, they go out
//! one by one for a while; one that
//! is on its way alone when the connection falls, [`FALLS`] times in a row, is set aside as its
//! sender's error, and the rest goes on.

use std::collections::VecDeque;

use super::super::connection::PacketWriter;
use super::super::in_flight::{Answered, Outgoing, SendQuota, Unanswered};
use super::super::lost::Lost;
use super::super::options::Qos;
use super::super::outbox::{Outbox, Settled};
use super::super::wire::{self, OutgoingPacket};
use super::{Engine, OutboxWork};
use crate::text::wait::lock;

/// Messages that are taken from the queue at a time.
const BATCH: usize = 1024;

/// The same in bytes.
const BATCH_BYTES: usize = 256 * 1024;

/// From so many messages in one batch on, the next is held together for a moment.
const BURST: usize = 16;

/// Queue lengths at which a connection that holds a burst together wants to be woken early.
const WAKE_MESSAGES: usize = 512;
const WAKE_COMMANDS: usize = 8;

/// Bytes of publications that may wait for the broker's answer, beside the number that `inflight`
/// allows. One of any size may always.
const IN_FLIGHT_BYTES: usize = 64 << 20;

/// After so many connections in a row on which no publication was seen to its end, they go one by one.
const FRUITLESS: u8 = 2;

/// So many connections in a row may fall over one publication.
const FALLS: u8 = 3;

impl Engine {
    /// Takes what queries have handed over and encodes it.
    pub fn take_work(&mut self, writer: &mut PacketWriter) -> Result<OutboxWork, Lost> {
        let shared = self.shared.clone();
        let mut commands = Vec::new();
        let mut batch = Vec::new();
        let work = {
            let mut out = lock(&shared.outbox);
            commands.append(&mut out.commands);
            let more = self.unsent.is_empty() && self.take_messages(&mut out, &mut batch);
            self.plan(&mut out, batch.len(), more, commands.is_empty())
        };
        // The batch has left the queue: it is in flight whatever becomes of the rest.
        let commanded = commands
            .into_iter()
            .try_for_each(|c| self.command(c, writer));
        self.send_again(writer);
        for message in batch {
            self.publish(message, writer);
        }
        commanded?;
        self.note_sent();
        if !self.settled.is_empty() {
            // What could not be sent: whoever waits for it would wait for the broker's next packet.
            self.settle();
        }
        Ok(work)
    }

    /// Too much waits to be written: only an end by force is of interest.
    pub fn hold(&mut self) -> OutboxWork {
        let mut out = lock(&self.shared.outbox);
        out.wake_at = usize::MAX;
        out.wake_at_commands = usize::MAX;
        OutboxWork {
            more: false,
            linger: false,
            over: out.abandon,
        }
    }

    /// Moves messages into `batch`, as many as may go out now; `true` if more could have followed.
    fn take_messages(&mut self, out: &mut Outbox, batch: &mut Vec<Outgoing>) -> bool {
        let mut room = self.room();
        let mut bytes = 0;
        while batch.len() < BATCH && bytes < BATCH_BYTES && self.may_send(batch.len()) {
            let next = self.again.front().or(out.queue.front());
            let Some((qos, size)) = next.map(|m| (m.head.qos, m.size())) else {
                break;
            };
            if !room.take(qos, size) {
                break;
            }
            let message = match self.again.pop_front() {
                Some(message) => Some(message),
                None => out.pop(),
            };
            bytes += size;
            batch.extend(message);
        }
        if batch.len() >= BATCH || bytes >= BATCH_BYTES {
            return true;
        }
        // Whoever waits for room is woken when there is some to work with.
        if out.queue.len() <= self.shared.options.max_buffered / 2 {
            out.wake_waiting();
        }
        false
    }

    /// How many publications may still go out before others are acknowledged.
    fn room(&self) -> SendQuota {
        let under_way = self.under_way();
        let of = |qos| self.receive_maximum.min(self.shared.options.inflight(qos));
        SendQuota {
            ids: self.in_flight.room(),
            at_least_once: of(Qos::AtLeastOnce).saturating_sub(under_way),
            exactly_once: of(Qos::ExactlyOnce).saturating_sub(self.in_flight.exactly_once()),
            all: self.receive_maximum.saturating_sub(under_way),
            bytes: IN_FLIGHT_BYTES.saturating_sub(self.in_flight.bytes()),
            first: under_way == 0,
        }
    }

    /// How many publications have gone out on this connection and are not answered.
    fn under_way(&self) -> usize {
        self.in_flight.publishing() - self.unsent.len()
    }

    /// Whether another publication may go out behind `more` that are about to: while they go one by
    /// one, it waits for the answer to everything before it.
    fn may_send(&self, more: usize) -> bool {
        let alone = || {
            self.under_way() + more == 0
                && self.unwritten.is_empty()
                && self.in_flight.controls() == 0
        };
        self.one_by_one == 0 || alone()
    }

    /// The broker kept the session: what was in flight goes out again under its identifiers (MQTT
    /// section 4.4), as much of it as the broker takes at a time. First what it only has to release,
    /// because that counts as taken.
    pub(super) fn plan_to_send_again(&mut self) {
        let (mut released, mut others) = (VecDeque::new(), VecDeque::new());
        for (id, slot) in self.in_flight.iter() {
            match slot {
                Unanswered::Publish { released: true, .. } => released.push_back(id),
                Unanswered::Publish { .. } => others.push_back(id),
                _ => {}
            }
        }
        released.append(&mut others);
        self.unsent = released;
    }

    /// Sends of that what may go out now.
    fn send_again(&mut self, writer: &mut PacketWriter) {
        while let Some(id) = self.unsent.front().copied() {
            let under_way = self.under_way();
            let may_send = self.may_send(0) && under_way < self.receive_maximum;
            let limit = self.maximum_packet;
            let version = self.shared.options.version;
            let Some((message, released)) = self.in_flight.publication(id) else {
                self.unsent.pop_front();
                continue;
            };
            if writer.is_full() || !(released || may_send) {
                return;
            }
            let head = message.head.clone();
            let send = match released {
                true => OutgoingPacket::PubRel(id),
                false => OutgoingPacket::Publish {
                    head: &head,
                    payload: message.payload.clone(),
                    id,
                    dup: true,
                },
            };
            let size = wire::publish_size(version, &head, message.payload.len());
            let pushed = match !released && size > limit {
                true => Err(too_large_for_broker(size, limit)),
                false => writer.push(&self.shared, send).map_err(not_sent),
            };
            self.unsent.pop_front();
            if let Err(fault) = pushed {
                self.give_up(id, head.qos, fault);
            }
        }
    }

    /// The publication under that identifier will not be sent any more.
    fn give_up(&mut self, id: u16, qos: Qos, fault: String) {
        if let Answered::Settled(message) = self.in_flight.acknowledge(id, qos) {
            self.settled.push(Settled::new(message, Some(fault)));
        }
    }

    /// Says when this connection wants to be woken, and what is to be done now.
    fn plan(&self, out: &mut Outbox, taken: usize, more: bool, quiet: bool) -> OutboxWork {
        let in_flight = self.in_flight.publishing() + taken;
        out.counts.in_flight = self.in_flight.publishing();
        let idle = out.queue.is_empty() && self.again.is_empty() && taken == 0 && quiet;
        let over =
            out.abandon || (out.closing && idle && in_flight == 0 && self.unwritten.is_empty());
        let linger = !more && taken >= BURST && out.queue.is_empty() && !out.closing;
        let most = self.shared.options.max_buffered;
        out.wake_at = match (linger, out.queue.is_empty()) {
            (true, _) => WAKE_MESSAGES.min(most.div_ceil(2)),
            (false, true) => 1,
            // As much is in flight as may be: an answer from the broker comes first.
            (false, false) => usize::MAX,
        };
        out.wake_at_commands = if linger { WAKE_COMMANDS } else { 1 };
        OutboxWork { more, linger, over }
    }

    fn publish(&mut self, message: Outgoing, writer: &mut PacketWriter) {
        let head = message.head.clone();
        let payload = message.payload.clone();
        let size = wire::publish_size(self.shared.options.version, &head, payload.len());
        if size > self.maximum_packet {
            let fault = too_large_for_broker(size, self.maximum_packet);
            self.settled.push(Settled::new(message, Some(fault)));
            return;
        }
        if head.qos == Qos::AtMostOnce {
            let send = OutgoingPacket::Publish {
                head: &head,
                payload,
                id: 0,
                dup: false,
            };
            match writer.push(&self.shared, send) {
                Ok(()) => self.unwritten.push_back((writer.encoded(), message)),
                Err(fault) => self
                    .settled
                    .push(Settled::new(message, Some(not_sent(fault)))),
            }
            return;
        }
        let record = message.record;
        let from = writer.encoded();
        let id = self.in_flight.push(Unanswered::Publish {
            message,
            released: false,
        });
        let send = OutgoingPacket::Publish {
            head: &head,
            payload,
            id,
            dup: false,
        };
        if let Err(fault) = writer.push(&self.shared, send) {
            self.give_up(id, head.qos, not_sent(fault));
            return;
        }
        if record != 0 {
            self.sent.push((record, id, false));
            self.sent_from.get_or_insert(from);
        }
    }

    /// The connection has written `position` bytes in all.
    pub fn written(&mut self, position: u64) {
        while let Some((end, _)) = self.unwritten.front() {
            if *end > position {
                break;
            }
            if let Some((_, message)) = self.unwritten.pop_front() {
                self.settled.push(Settled::new(message, None));
                self.one_by_one = self.one_by_one.saturating_sub(1);
            }
        }
        self.settle();
    }

    /// The connection is gone: what it had not written at QoS 0 goes back into the queue.
    pub fn lose(&mut self, lost: Option<&Lost>) {
        self.settle();
        if lost.is_some_and(|lost| lost.by_broker) {
            self.suspect();
            self.settle();
        }
        // The next connection begins with what has no note yet.
        if let Some((_, note)) = self.unnoted.pop_back() {
            self.unnoted = VecDeque::from([(0, note)]);
        }
        let unwritten = std::mem::take(&mut self.unwritten);
        let mut out = lock(&self.shared.outbox);
        out.put_back(unwritten.into_iter().map(|(_, message)| message));
        out.counts.in_flight = self.in_flight.publishing();
    }

    /// The broker closed the connection: looks for a publication that it did so for.
    fn suspect(&mut self) {
        let unsent = &self.unsent;
        let mut under_way = self.in_flight.iter().filter_map(|(id, slot)| match slot {
            Unanswered::Publish { message, .. } if !unsent.contains(&id) => {
                Some((id, message.head.qos))
            }
            _ => None,
        });
        let (first, second) = (under_way.next(), under_way.next());
        drop(under_way);
        let in_doubt = self.in_flight.publishing() + self.unwritten.len();
        match (first, second, self.unwritten.len()) {
            (None, None, 0) => {}
            // A subscription may be what the broker did not like.
            (Some((id, qos)), None, 0) if self.in_flight.controls() == 0 => {
                let fallen = self.in_flight.publication(id).map(|(m, _)| {
                    m.falls += 1;
                    m.falls
                });
                if fallen.is_some_and(|falls| falls >= FALLS) {
                    self.give_up(id, qos, displeasing());
                }
            }
            (None, None, 1) if self.in_flight.controls() == 0 => {
                if let Some((_, message)) = self.unwritten.front_mut() {
                    message.falls += 1;
                    if message.falls >= FALLS {
                        let fallen = self.unwritten.pop_front();
                        let fallen =
                            fallen.map(|(_, message)| Settled::new(message, Some(displeasing())));
                        self.settled.extend(fallen);
                    }
                }
            }
            _ => {
                self.fruitless = self.fruitless.saturating_add(1);
                if self.fruitless >= FRUITLESS {
                    self.one_by_one = in_doubt;
                }
            }
        }
    }
}

/// What became of a message that the broker closes the connection over.
fn displeasing() -> String {
    format!("set aside: the broker closed the connection {FALLS} times in a row when it was sent")
}

fn too_large_for_broker(size: usize, limit: usize) -> String {
    format!("not sent: its packet has {size} bytes, and the broker takes {limit}")
}

fn not_sent(fault: String) -> String {
    format!("not sent: {fault}")
}
