//! The protocol's state of one client, across its connections: what is in flight, what was received
//! and is not acknowledged. It never waits; the [`link`](super::link) moves the bytes.

use std::collections::VecDeque;
use std::sync::Arc;
use std::thread::Thread;

use super::client::Shared;
use super::connection::PacketWriter;
use super::in_flight::{Answered, InFlight, Outgoing, SendQuota, Unanswered};
use super::inbox::{FilterState, Receipt};
use super::incoming::{Arrival, IncomingMessages};
use super::journal::{Left, NOBODY};
use super::lost::Lost;
use super::options::Qos;
use super::outbox::{Command, Outbox};
use super::wire::{ConnAck, IncomingPacket, OutgoingPacket, Publish};
use crate::text::wait::lock;

/// Messages that are taken from the queue at a time.
const BATCH: usize = 1024;

/// From so many messages in one batch on, the next is held together for a moment.
const BURST: usize = 16;

/// Queue lengths at which a connection that holds a burst together wants to be woken early.
const WAKE_MESSAGES: usize = 512;
const WAKE_COMMANDS: usize = 8;

/// What a look at the outbox came to.
pub struct OutboxWork {
    /// There was more than is taken at a time.
    pub more: bool,
    /// More will follow shortly: wait a moment, so that it goes out together.
    pub linger: bool,
    /// The user wants to end, and everything is done or may be given up.
    pub over: bool,
}

/// The state of one client, owned by the task of its connection.
pub struct Engine {
    pub shared: Arc<Shared>,
    /// How often a connection was made.
    pub connections: u64,
    in_flight: InFlight,
    /// To be sent before anything else: what an earlier session or process left.
    again: VecDeque<Outgoing>,
    /// Messages at QoS 0 with the position at which each ends in what the connection has encoded:
    /// until that is written, they can be sent again on another connection.
    unwritten: VecDeque<(u64, Outgoing)>,
    incoming: IncomingMessages,
    /// Counts the broker's sessions; acknowledgements of an older one are void.
    epoch: u32,
    /// How many publications the broker takes at a time (MQTT 5, section 3.3.4).
    receive_maximum: usize,
    subscription_ids: bool,
    /// What the current batch of packets settled, and whom it woke.
    settled: Vec<(Outgoing, Option<String>)>,
    /// Notes for the journal.
    sent: Vec<(u64, u16, bool)>,
    received: u64,
    woken: Vec<Thread>,
}

impl Engine {
    pub fn new(shared: Arc<Shared>, left: Vec<Left>) -> Engine {
        let mut engine = Engine {
            connections: 0,
            in_flight: InFlight::default(),
            again: VecDeque::new(),
            unwritten: VecDeque::new(),
            incoming: IncomingMessages::default(),
            epoch: 0,
            receive_maximum: usize::from(u16::MAX),
            subscription_ids: false,
            settled: Vec::new(),
            sent: Vec::new(),
            received: 0,
            woken: Vec::new(),
            shared,
        };
        engine.restore(left);
        engine
    }

    /// Takes over what an earlier process left: what it had sent goes back into its place in the
    /// packets in flight, as the broker may have kept the session, the rest waits to be sent.
    fn restore(&mut self, left: Vec<Left>) {
        if left.is_empty() {
            return;
        }
        lock(&self.shared.outbox).counts.owed += left.len() as u64;
        self.shared.say(format!(
            "sends {} message{} that an earlier run left",
            left.len(),
            if left.len() == 1 { "" } else { "s" }
        ));
        for Left { message, sent } in left {
            match sent {
                Some((id, released)) if self.again.is_empty() => {
                    let slot = Unanswered::Publish {
                        message: message.clone(),
                        released,
                    };
                    if !self.in_flight.push_as(id, slot) {
                        self.again.push_back(message);
                    }
                }
                _ => self.again.push_back(message),
            }
        }
    }

    /// A connection was made: sends again what was not acknowledged, and subscribes.
    pub fn begin(&mut self, writer: &mut PacketWriter, ack: &ConnAck) -> Result<(), Lost> {
        let options = &self.shared.options;
        self.connections += 1;
        self.receive_maximum = usize::from(ack.receive_maximum.unwrap_or(u16::MAX));
        self.subscription_ids =
            options.version == super::options::Version::V5 && ack.subscription_ids;
        self.in_flight.forget_controls();
        let resent = self.in_flight.publishing() as u64;
        if ack.session_present {
            self.resend(writer)?;
        } else {
            self.epoch += 1;
            self.incoming.clear();
            let mut old: VecDeque<_> = self.in_flight.take().into();
            old.append(&mut self.again);
            self.again = old;
        }
        lock(&self.shared.outbox).counts.resent += resent;
        let filters = {
            let mut inbox = lock(&self.shared.inbox);
            inbox.subscription_ids = self.subscription_ids;
            inbox.wanted(!ack.session_present)
        };
        // Commands from before are answered by subscribing to all that is wanted.
        lock(&self.shared.outbox).commands.retain(|c| match c {
            Command::Subscribe(_) => false,
            Command::Unsubscribe(_) => ack.session_present,
            Command::Acknowledge { .. } => true,
        });
        for number in filters {
            self.subscribe(number, writer)?;
        }
        Ok(())
    }

    /// The broker kept the session: everything in flight goes out again under its identifier
    /// (MQTT section 4.4).
    fn resend(&mut self, writer: &mut PacketWriter) -> Result<(), Lost> {
        for (id, slot) in self.in_flight.iter() {
            let send = match slot {
                Unanswered::Publish { released: true, .. } => OutgoingPacket::PubRel(id),
                Unanswered::Publish { message, .. } => OutgoingPacket::Publish {
                    head: &message.head,
                    payload: message.payload.clone(),
                    id,
                    dup: true,
                },
                _ => continue,
            };
            writer.push(&self.shared, send).map_err(Lost::plain)?;
        }
        Ok(())
    }

    fn subscribe(&mut self, number: u32, writer: &mut PacketWriter) -> Result<(), Lost> {
        let text = match lock(&self.shared.inbox).filter(number) {
            Some(filter) => filter.text.clone(),
            // Given up before it was asked for.
            None => return Ok(()),
        };
        let qos = self.shared.options.subscribe_qos;
        let id = self.in_flight.push(Unanswered::Subscribe(number));
        let send = OutgoingPacket::Subscribe {
            id,
            filter: &text,
            qos,
            number: self.subscription_ids.then_some(number),
        };
        writer.push(&self.shared, send).map_err(Lost::plain)
    }

    /// Takes what queries have handed over and encodes it.
    pub fn take_work(&mut self, writer: &mut PacketWriter) -> Result<OutboxWork, Lost> {
        let shared = self.shared.clone();
        let mut commands = Vec::new();
        let mut batch = Vec::new();
        let work = {
            let mut out = lock(&shared.outbox);
            commands.append(&mut out.commands);
            let more = self.take_messages(&mut out, &mut batch);
            self.plan(&mut out, batch.len(), more, commands.is_empty())
        };
        // The batch has left the queue: it is in flight whatever becomes of the rest.
        let commanded = commands
            .into_iter()
            .try_for_each(|c| self.command(c, writer));
        for message in batch {
            self.publish(message, writer);
        }
        commanded?;
        self.note_sent()?;
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
        while batch.len() < BATCH && bytes < 256 * 1024 {
            let next = self.again.front().or(out.queue.front());
            let Some(qos) = next.map(|m| m.head.qos) else {
                break;
            };
            if !room.take(qos) {
                break;
            }
            let message = match self.again.pop_front() {
                Some(message) => Some(message),
                None => out.pop(),
            };
            bytes += message.as_ref().map_or(0, |m| m.payload.len());
            batch.extend(message);
        }
        if batch.len() >= BATCH || bytes >= 256 * 1024 {
            return true;
        }
        // Whoever waits for room is woken when there is some to work with.
        if out.queue.len() <= shared_half(&self.shared) {
            out.wake_waiting();
        }
        false
    }

    /// How many publications may still go out before others are acknowledged.
    fn room(&self) -> SendQuota {
        let in_flight = self.in_flight.publishing();
        let of = |qos| self.receive_maximum.min(self.shared.options.inflight(qos));
        SendQuota {
            ids: self.in_flight.room(),
            at_least_once: of(Qos::AtLeastOnce).saturating_sub(in_flight),
            exactly_once: of(Qos::ExactlyOnce).saturating_sub(self.in_flight.exactly_once()),
            all: self.receive_maximum.saturating_sub(in_flight),
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

    fn command(&mut self, command: Command, writer: &mut PacketWriter) -> Result<(), Lost> {
        match command {
            Command::Subscribe(number) => self.subscribe(number, writer),
            Command::Unsubscribe(filter) => {
                let id = self.in_flight.push(Unanswered::Unsubscribe);
                let send = OutgoingPacket::Unsubscribe {
                    id,
                    filter: &filter,
                };
                writer.push(&self.shared, send).map_err(Lost::plain)
            }
            Command::Acknowledge { epoch, .. } if epoch != self.epoch => Ok(()),
            Command::Acknowledge {
                id, exactly_once, ..
            } => {
                let (level, send) = match exactly_once {
                    true => (Qos::ExactlyOnce, OutgoingPacket::PubRec(id)),
                    false => (Qos::AtLeastOnce, OutgoingPacket::PubAck(id)),
                };
                self.incoming.take(id, level);
                writer.push(&self.shared, send).map_err(Lost::plain)
            }
        }
    }

    fn publish(&mut self, message: Outgoing, writer: &mut PacketWriter) {
        let head = message.head.clone();
        let payload = message.payload.clone();
        if head.qos == Qos::AtMostOnce {
            let send = OutgoingPacket::Publish {
                head: &head,
                payload,
                id: 0,
                dup: false,
            };
            match writer.push(&self.shared, send) {
                Ok(()) => self.unwritten.push_back((writer.encoded(), message)),
                Err(fault) => self.settled.push((message, Some(fault))),
            }
            return;
        }
        let record = message.record;
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
            if let Answered::Settled(message) = self.in_flight.acknowledge(id, head.qos) {
                self.settled.push((message, Some(fault)));
            }
            return;
        }
        if record != 0 {
            self.sent.push((record, id, false));
        }
    }

    fn note_sent(&mut self) -> Result<(), Lost> {
        if !self.sent.is_empty() {
            let mut out = lock(&self.shared.outbox);
            if let Some(journal) = &mut out.journal {
                journal
                    .sent(&self.sent)
                    .map_err(|e| Lost::fatal(e.to_string()))?;
            }
            self.sent.clear();
        }
        Ok(())
    }

    /// The connection has written `position` bytes in all.
    pub fn written(&mut self, position: u64) {
        while let Some((end, _)) = self.unwritten.front() {
            if *end > position {
                break;
            }
            if let Some((_, message)) = self.unwritten.pop_front() {
                self.settled.push((message, None));
            }
        }
        self.settle();
    }

    /// A packet came.
    pub fn take(&mut self, packet: IncomingPacket, writer: &mut PacketWriter) -> Result<(), Lost> {
        self.shared.trace(|| format!("<- {packet}"));
        match packet {
            IncomingPacket::Publish(publish) => self.deliver(publish, writer),
            IncomingPacket::PubAck { id, fault } => self.acknowledged(id, Qos::AtLeastOnce, fault),
            IncomingPacket::PubComp { id, fault } => self.acknowledged(id, Qos::ExactlyOnce, fault),
            IncomingPacket::PubRec {
                id,
                fault: Some(fault),
            } => self.acknowledged(id, Qos::ExactlyOnce, Some(fault)),
            IncomingPacket::PubRec { id, fault: None } => self.released(id, writer),
            IncomingPacket::PubRel { id } => {
                self.incoming.release(id);
                writer
                    .push(&self.shared, OutgoingPacket::PubComp(id))
                    .map_err(Lost::plain)
            }
            IncomingPacket::SubAck { id, granted } => {
                self.granted(id, granted);
                Ok(())
            }
            IncomingPacket::UnsubAck { id } => {
                self.in_flight.unsubscribed(id);
                Ok(())
            }
            IncomingPacket::PingResp => Ok(()),
            IncomingPacket::Disconnect { reason, fatal } => {
                let reason = format!("the broker ended it: {reason}");
                Err(if fatal {
                    Lost::fatal(reason)
                } else {
                    Lost::plain(reason)
                })
            }
            IncomingPacket::ConnAck(_) => Err(Lost::violation("the broker sent a second CONNACK")),
            IncomingPacket::Auth => Err(Lost::violation(
                "the broker sent AUTH, which nobody asked it for",
            )),
            IncomingPacket::Unexpected(name) => Err(Lost::violation(format!(
                "the broker sent {name}, which only clients may"
            ))),
        }
    }

    fn acknowledged(&mut self, id: u16, level: Qos, fault: Option<String>) -> Result<(), Lost> {
        match self.in_flight.acknowledge(id, level) {
            Answered::Settled(message) => {
                self.settled.push((message, fault));
                Ok(())
            }
            Answered::Violation => Err(Lost::violation(format!(
                "the broker acknowledged packet {id} in the wrong way"
            ))),
            Answered::Release | Answered::Unknown => Ok(()),
        }
    }

    fn released(&mut self, id: u16, writer: &mut PacketWriter) -> Result<(), Lost> {
        match self.in_flight.receive(id) {
            Answered::Violation => {
                return Err(Lost::violation(format!(
                    "the broker acknowledged packet {id} in the wrong way"
                )));
            }
            Answered::Release => {
                if let Some(record) = self.in_flight.record(id) {
                    self.sent.push((record, id, true));
                }
            }
            // Told anyway: the broker waits for it.
            Answered::Settled(_) | Answered::Unknown => {}
        }
        writer
            .push(&self.shared, OutgoingPacket::PubRel(id))
            .map_err(Lost::plain)
    }

    fn granted(&mut self, id: u16, granted: Result<Qos, String>) {
        let Some(number) = self.in_flight.subscribed(id) else {
            return;
        };
        let state = match granted {
            Ok(_) => FilterState::Granted,
            Err(reason) => FilterState::Refused(reason),
        };
        let needless = lock(&self.shared.inbox).answer(number, state);
        for filter in needless {
            self.shared.command(Command::Unsubscribe(filter));
        }
    }

    /// How many messages the broker has sent that are not acknowledged.
    pub fn unacknowledged(&self) -> usize {
        self.incoming.len()
    }

    /// Whether to read on. Not while queries have much before them that is to be acknowledged: so a
    /// slow query slows the broker down. But answers of the broker must come, as the query that is
    /// slow may be waiting for them.
    pub fn reads(&mut self) -> bool {
        !self.incoming.is_full() || !self.in_flight.is_empty()
    }

    /// How many publications wait for the broker's answer.
    pub fn in_flight(&self) -> usize {
        self.in_flight.publishing()
    }

    fn deliver(&mut self, publish: Publish, writer: &mut PacketWriter) -> Result<(), Lost> {
        self.received += 1;
        let mut receipt = None;
        if publish.qos > Qos::AtMostOnce {
            match self.incoming.arrive(
                publish.id,
                publish.payload.len(),
                publish.dup,
                self.connections,
            ) {
                Arrival::New => {}
                Arrival::Held => return Ok(()),
                Arrival::Answered => {
                    return writer
                        .push(&self.shared, OutgoingPacket::PubRec(publish.id))
                        .map_err(Lost::plain);
                }
                Arrival::Violation => {
                    return Err(Lost::violation(format!(
                        "the broker sent two messages as packet {} without an answer between",
                        publish.id
                    )));
                }
            }
            let exactly_once = publish.qos == Qos::ExactlyOnce;
            receipt = Some(Receipt::new(
                &self.shared,
                publish.id,
                exactly_once,
                self.epoch,
            ));
        }
        let keep = !self.shared.options.clean_session;
        let dropping = lock(&self.shared.inbox).deliver(publish, receipt, keep, &mut self.woken);
        if let Some(filter) = dropping {
            self.shared.say(format!(
                "a query does not keep up with `{filter}`: its oldest messages at QoS 0 are dropped \
                 and counted in mqtt:status"
            ));
        }
        Ok(())
    }

    /// Books what the packets since the last time settled, and wakes who waits for it.
    pub fn settle(&mut self) {
        for thread in self.woken.drain(..) {
            thread.unpark();
        }
        if self.settled.is_empty() && self.received == 0 && self.sent.is_empty() {
            return;
        }
        let mut orphans = Vec::new();
        let shared = self.shared.clone();
        let mut out = lock(&shared.outbox);
        out.counts.received += std::mem::take(&mut self.received);
        self.settle_journal(&mut out);
        let mut run = (NOBODY, 0);
        for (message, fault) in self.settled.drain(..) {
            out.counts.sent += 1;
            if message.head.qos > Qos::AtMostOnce {
                out.counts.owed -= 1;
                out.counts.acknowledged += u64::from(fault.is_none());
            }
            if let Some(fault) = fault {
                out.counts.refused += 1;
                // Nobody will ask about it: it is said here.
                if out.account(message.account).is_none_or(|a| a.abandoned) {
                    orphans.push((message.head.clone(), fault.clone()));
                }
                out.settle(message.account, 1, Some(fault));
                continue;
            }
            if run.0 != message.account {
                out.settle(run.0, run.1, None);
                run = (message.account, 0);
            }
            run.1 += 1;
        }
        out.settle(run.0, run.1, None);
        drop(out);
        for (head, fault) in orphans {
            let topic = String::from_utf8_lossy(&head.topic);
            self.shared.say(format!(
                "a message to `{topic}` was refused by the broker: {fault}"
            ));
        }
    }

    fn settle_journal(&mut self, out: &mut Outbox) {
        let Some(journal) = &mut out.journal else {
            return;
        };
        let records: Vec<u64> = self
            .settled
            .iter()
            .map(|(m, _)| m.record)
            .filter(|record| *record != 0)
            .collect();
        if !self.sent.is_empty() {
            if let Err(error) = journal.sent(&self.sent) {
                out.counts.last_error = Some(error.to_string());
            }
            self.sent.clear();
        }
        if !records.is_empty() {
            out.note_settled(&records);
        }
    }

    /// The connection is gone: what it had not written at QoS 0 goes back into the queue.
    pub fn lose(&mut self) {
        self.settle();
        let unwritten = std::mem::take(&mut self.unwritten);
        let mut out = lock(&self.shared.outbox);
        out.put_back(unwritten.into_iter().map(|(_, message)| message));
        out.counts.in_flight = self.in_flight.publishing();
    }
}

/// The length of the queue from which on its senders may go on.
fn shared_half(shared: &Shared) -> usize {
    shared.options.max_buffered / 2
}
