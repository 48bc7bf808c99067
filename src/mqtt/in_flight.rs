//! What has been sent and waits for an answer: publications at QoS 1 and 2, subscriptions. Packet
//! identifiers are given out in order, so that a ring finds each answer's question at once.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;

use super::options::Qos;
use super::outbox::UnsubscribeReply;
use super::wire::{self, Head};

/// How many packet identifiers there are: 1 to 65535 (MQTT section 2.2.1).
const IDS: u32 = 65_535;

/// What a publication takes beside its topic, its properties and its payload, in bytes, about.
const OVERHEAD: usize = 64;

/// A publication on its way.
#[derive(Debug, Clone)]
pub struct Outgoing {
    /// The account that it is counted in, see [`Outbox`](super::outbox::Outbox).
    pub account: u32,
    pub head: Arc<Head>,
    pub payload: Bytes,
    /// Its number in the journal; 0 where there is none.
    pub record: u64,
    /// How many connections in a row fell while it alone was on its way.
    pub falls: u8,
}

impl Outgoing {
    /// What it takes in memory, in bytes.
    pub fn size(&self) -> usize {
        let properties = wire::properties_size(self.head.properties.as_ref());
        OVERHEAD + self.head.topic.len() + properties + self.payload.len()
    }
}

/// Something that waits for an answer.
#[derive(Debug)]
pub enum Unanswered {
    /// Answered already, but something before it is not.
    Done,
    /// `released`: the broker has taken it (PUBREC) and waits for PUBREL or sends PUBCOMP.
    Publish { message: Outgoing, released: bool },
    /// A subscription to the filter of that number.
    Subscribe(u32),
    /// Somebody may wait for its reply.
    Unsubscribe(Option<Arc<UnsubscribeReply>>),
}

impl Unanswered {
    fn is_control(&self) -> bool {
        matches!(self, Unanswered::Subscribe(_) | Unanswered::Unsubscribe(_))
    }
}

/// What an answer means.
#[derive(Debug)]
pub enum Answered {
    /// The publication is settled.
    Settled(Outgoing),
    /// The publication goes into its second step: PUBREL is to be sent.
    Release,
    /// It answers nothing that waits. After a reconnection that is ordinary.
    Unknown,
    /// It is the wrong kind of answer.
    Violation,
}

/// The ring of packets that wait for an answer.
#[derive(Debug)]
pub struct InFlight {
    slots: VecDeque<Unanswered>,
    /// The packet identifier of the first slot.
    first: u16,
    publishing: usize,
    /// Of these, at QoS 2.
    exactly_once: usize,
    /// What the publications take, in bytes.
    bytes: usize,
}

impl Default for InFlight {
    fn default() -> InFlight {
        InFlight {
            slots: VecDeque::new(),
            first: 1,
            publishing: 0,
            exactly_once: 0,
            bytes: 0,
        }
    }
}

impl InFlight {
    /// How many publications wait.
    pub fn publishing(&self) -> usize {
        self.publishing
    }

    /// How many of them are at QoS 2.
    pub fn exactly_once(&self) -> usize {
        self.exactly_once
    }

    /// What the publications take, in bytes.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// How many subscriptions wait, to be made or given up.
    pub fn controls(&self) -> usize {
        let controls = self.slots.iter().filter(|slot| slot.is_control());
        controls.count()
    }

    /// The publication with that identifier, and whether the broker has it (PUBREC).
    pub fn publication(&mut self, id: u16) -> Option<(&mut Outgoing, bool)> {
        match self.slot(id)? {
            Unanswered::Publish { message, released } => Some((message, *released)),
            _ => None,
        }
    }

    /// How many packet identifiers are free. A few are kept for subscriptions.
    pub fn room(&self) -> usize {
        (IDS as usize - 1000).saturating_sub(self.slots.len())
    }

    /// Puts something in; gives its packet identifier. There must be room.
    pub fn push(&mut self, slot: Unanswered) -> u16 {
        debug_assert!(self.slots.len() < IDS as usize);
        let id = self.id(self.slots.len());
        if let Unanswered::Publish { message, .. } = &slot {
            self.publishing += 1;
            self.bytes += message.size();
            self.exactly_once += usize::from(message.head.qos == Qos::ExactlyOnce);
        }
        self.slots.push_back(slot);
        id
    }

    /// Puts something in under an identifier that was given to it in an earlier process. `false`
    /// if that identifier does not come after the ones in use.
    pub fn push_as(&mut self, id: u16, slot: Unanswered) -> bool {
        if self.slots.is_empty() {
            self.first = id.max(1);
        }
        let gap = (u32::from(id.max(1)) + IDS - u32::from(self.first)) % IDS;
        if (gap as usize) < self.slots.len() || gap >= IDS {
            return false;
        }
        while self.slots.len() < gap as usize {
            self.slots.push_back(Unanswered::Done);
        }
        self.push(slot);
        true
    }

    fn id(&self, index: usize) -> u16 {
        ((u32::from(self.first) - 1 + index as u32) % IDS + 1) as u16
    }

    fn slot(&mut self, id: u16) -> Option<&mut Unanswered> {
        if id == 0 {
            return None;
        }
        let index = (u32::from(id) + IDS - u32::from(self.first)) % IDS;
        self.slots.get_mut(index as usize)
    }

    /// PUBACK, or an answer that ends a publication at QoS 2 early because it `failed`.
    pub fn acknowledge(&mut self, id: u16, level: Qos) -> Answered {
        let Some(slot) = self.slot(id) else {
            return Answered::Unknown;
        };
        match slot {
            Unanswered::Publish { message, .. } if message.head.qos != level => Answered::Violation,
            Unanswered::Publish { .. } => self.settle(id),
            Unanswered::Done => Answered::Unknown,
            Unanswered::Subscribe(_) | Unanswered::Unsubscribe(_) => Answered::Violation,
        }
    }

    /// PUBREC.
    pub fn receive(&mut self, id: u16) -> Answered {
        match self.slot(id) {
            Some(Unanswered::Publish { message, released })
                if message.head.qos == Qos::ExactlyOnce =>
            {
                *released = true;
                Answered::Release
            }
            Some(Unanswered::Done) | None => Answered::Unknown,
            Some(_) => Answered::Violation,
        }
    }

    /// The number in the journal of the publication with that identifier, if it has one.
    pub fn record(&mut self, id: u16) -> Option<u64> {
        match self.slot(id)? {
            Unanswered::Publish { message, .. } => {
                Some(message.record).filter(|record| *record != 0)
            }
            _ => None,
        }
    }

    fn settle(&mut self, id: u16) -> Answered {
        let Some(slot) = self.slot(id) else {
            return Answered::Unknown;
        };
        match std::mem::replace(slot, Unanswered::Done) {
            Unanswered::Publish { message, .. } => {
                self.publishing -= 1;
                self.bytes -= message.size();
                self.exactly_once -= usize::from(message.head.qos == Qos::ExactlyOnce);
                self.trim();
                Answered::Settled(message)
            }
            other => {
                *slot = other;
                Answered::Unknown
            }
        }
    }

    /// SUBACK: the number of the filter.
    pub fn subscribed(&mut self, id: u16) -> Option<u32> {
        let slot = self.slot(id)?;
        let Unanswered::Subscribe(filter) = *slot else {
            return None;
        };
        *slot = Unanswered::Done;
        self.trim();
        Some(filter)
    }

    /// UNSUBACK: who waits for it.
    pub fn unsubscribed(&mut self, id: u16) -> Option<Arc<UnsubscribeReply>> {
        let slot = self.slot(id)?;
        let Unanswered::Unsubscribe(reply) = slot else {
            return None;
        };
        let reply = reply.take();
        *slot = Unanswered::Done;
        self.trim();
        reply
    }

    fn trim(&mut self) {
        while let Some(Unanswered::Done) = self.slots.front() {
            self.slots.pop_front();
            self.first = if self.first == u16::MAX {
                1
            } else {
                self.first + 1
            };
        }
    }

    /// Gives up what waits for answers to subscriptions: those are made anew on each connection.
    pub fn forget_controls(&mut self) {
        for slot in &mut self.slots {
            if let Unanswered::Unsubscribe(Some(reply)) = slot {
                reply.give(Err("the connection was lost meanwhile".to_owned()));
            }
            if slot.is_control() {
                *slot = Unanswered::Done;
            }
        }
        self.trim();
    }

    /// What waits, in the order in which it was sent, with its packet identifiers.
    pub fn iter(&self) -> impl Iterator<Item = (u16, &Unanswered)> {
        self.slots
            .iter()
            .enumerate()
            .map(|(i, slot)| (self.id(i), slot))
    }

    /// Takes out all publications, in order.
    pub fn take(&mut self) -> Vec<Outgoing> {
        let slots = std::mem::take(self).slots;
        slots
            .into_iter()
            .filter_map(|slot| match slot {
                Unanswered::Publish { message, .. } => Some(message),
                _ => None,
            })
            .collect()
    }
}

/// How many publications may still go out before others are acknowledged.
pub struct SendQuota {
    /// Packet identifiers.
    pub ids: usize,
    /// Publications of any level.
    pub all: usize,
    pub at_least_once: usize,
    pub exactly_once: usize,
    /// Bytes that may still be in flight. The first publication may have any size.
    pub bytes: usize,
    pub first: bool,
}

impl SendQuota {
    /// Takes room for one publication of `size` bytes; `false` if there is none.
    pub fn take(&mut self, qos: Qos, size: usize) -> bool {
        let own = match qos {
            Qos::AtMostOnce => return true,
            Qos::AtLeastOnce => &mut self.at_least_once,
            Qos::ExactlyOnce => &mut self.exactly_once,
        };
        if *own == 0 || self.all == 0 || self.ids == 0 || (size > self.bytes && !self.first) {
            return false;
        }
        self.bytes = self.bytes.saturating_sub(size);
        self.first = false;
        *own -= 1;
        self.all -= 1;
        self.ids -= 1;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(qos: Qos, number: u8) -> Unanswered {
        let head = Head {
            topic: Bytes::from_static(b"t"),
            qos,
            retain: false,
            properties: None,
        };
        let message = Outgoing {
            account: 0,
            head: Arc::new(head),
            payload: Bytes::copy_from_slice(&[number]),
            record: 0,
            falls: 0,
        };
        Unanswered::Publish {
            message,
            released: false,
        }
    }

    #[test]
    fn answers_in_any_order_find_their_publication() {
        let mut in_flight = InFlight::default();
        let ids: Vec<_> = (0..5)
            .map(|i| in_flight.push(message(Qos::AtLeastOnce, i)))
            .collect();
        assert_eq!(ids, [1, 2, 3, 4, 5]);
        for (id, number) in [(3, 2), (1, 0), (2, 1), (5, 4), (4, 3)] {
            match in_flight.acknowledge(id, Qos::AtLeastOnce) {
                Answered::Settled(m) => assert_eq!(m.payload[0], number),
                other => panic!("{other:?}"),
            }
            let again = in_flight.acknowledge(id, Qos::AtLeastOnce);
            assert!(matches!(again, Answered::Unknown), "{again:?}");
        }
        assert_eq!(in_flight.iter().count(), 0);
        assert_eq!(in_flight.push(Unanswered::Unsubscribe(None)), 6);
    }

    #[test]
    fn identifiers_go_round_and_never_collide() {
        let mut in_flight = InFlight::default();
        for _ in 0..200_000u32 {
            let id = in_flight.push(message(Qos::AtLeastOnce, 0));
            assert_ne!(id, 0);
            assert!(matches!(
                in_flight.acknowledge(id, Qos::AtLeastOnce),
                Answered::Settled(_)
            ));
        }
        for _ in 0..65_535 {
            in_flight.push(Unanswered::Unsubscribe(None));
        }
        let mut ids: Vec<_> = in_flight.iter().map(|(id, _)| id).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), 65_535);
    }

    #[test]
    fn exactly_once_takes_two_steps() {
        let mut in_flight = InFlight::default();
        let id = in_flight.push(message(Qos::ExactlyOnce, 7));
        assert!(matches!(
            in_flight.acknowledge(id, Qos::AtLeastOnce),
            Answered::Violation
        ));
        assert!(matches!(in_flight.receive(id), Answered::Release));
        assert!(matches!(in_flight.receive(id), Answered::Release));
        assert_eq!(in_flight.publishing(), 1);
        assert!(matches!(
            in_flight.acknowledge(id, Qos::ExactlyOnce),
            Answered::Settled(_)
        ));
        assert!(matches!(in_flight.receive(id), Answered::Unknown));
    }

    #[test]
    fn a_lost_session_gives_its_publications_back_in_order() {
        let mut in_flight = InFlight::default();
        in_flight.push(message(Qos::AtLeastOnce, 0));
        in_flight.push(Unanswered::Subscribe(1));
        in_flight.push(message(Qos::ExactlyOnce, 1));
        let numbers: Vec<_> = in_flight.take().iter().map(|m| m.payload[0]).collect();
        assert_eq!(numbers, [0, 1]);
        assert_eq!(in_flight.iter().count(), 0);
    }

    #[test]
    fn identifiers_of_an_earlier_process_are_kept() {
        let mut in_flight = InFlight::default();
        assert!(in_flight.push_as(65_534, message(Qos::AtLeastOnce, 0)));
        assert!(in_flight.push_as(2, message(Qos::ExactlyOnce, 1)));
        assert!(!in_flight.push_as(1, message(Qos::ExactlyOnce, 2)));
        let ids: Vec<_> = in_flight
            .iter()
            .filter(|(_, slot)| matches!(slot, Unanswered::Publish { .. }))
            .map(|(id, _)| id)
            .collect();
        assert_eq!(ids, [65_534, 2]);
    }
}
