//! The protocol's state of one client, across its connections: what is in flight, what was received
//! and is not acknowledged. It never waits; the [`link`](super::link) moves the bytes.

mod sending;

use std::collections::VecDeque;
use std::sync::Arc;
use std::thread::Thread;
use std::time::{Duration, Instant};

use super::client::Shared;
use super::connection::PacketWriter;
use super::in_flight::{Answered, InFlight, Outgoing, Unanswered};
use super::inbox::FilterState;
use super::incoming::{Arrival, IncomingMessages};
use super::journal::{Left, Note};
use super::lost::Lost;
use super::options::Qos;
use super::outbox::{Command, Settled};
use super::receipt::Receipt;
use super::wire::{
    self, ConnAck, EndReason, IncomingPacket, OutgoingPacket, Oversized, Publish, Violation,
};
use crate::text::diagnostic::Error;
use crate::text::wait::lock;

/// What a look at the outbox came to.
pub struct OutboxWork {
    /// There was more than is taken at a time.
    pub more: bool,
    /// More will follow shortly: wait a moment, so that it goes out together.
    pub linger: bool,
    /// The user wants to end, and everything is done or may be given up.
    pub over: bool,
}

/// How long queries may take nothing of what holds up an answer of the broker.
const PATIENCE: Duration = Duration::from_secs(10);

/// The error of those who wait for such an answer.
fn held_up(name: &str) -> Error {
    Error::run(format!(
        "the broker's answer to mqtt client {name} does not come: it is behind the messages that queries \
         have before them, 128 MB, and they take none"
    ))
    .help("use a client of its own for publishing, or a broker that sends fewer messages at a time")
}

fn violation(text: impl Into<String>) -> Lost {
    Lost::violation(Violation::protocol(text))
}

/// The state of one client, owned by the task of its connection.
pub struct Engine {
    pub shared: Arc<Shared>,
    /// How often a connection was made.
    pub connections: u64,
    in_flight: InFlight,
    /// To be sent before anything else: what an earlier session or process left.
    again: VecDeque<Outgoing>,
    /// Packet identifiers of what is in flight and has not been sent again on this connection.
    unsent: VecDeque<u16>,
    /// So many publications go out one by one, because there may be one among them that the broker
    /// closes the connection over.
    one_by_one: usize,
    /// So many connections in a row fell before a publication was settled on them.
    fruitless: u8,
    /// Messages at QoS 0 with the position at which each ends in what the connection has encoded:
    /// until that is written, they can be sent again on another connection.
    unwritten: VecDeque<(u64, Outgoing)>,
    incoming: IncomingMessages,
    /// Counts the broker's sessions; acknowledgements of an older one are void.
    epoch: u32,
    /// How many publications the broker takes at a time (MQTT 5, section 3.3.4).
    receive_maximum: usize,
    /// The largest packet that the broker takes (section 3.2.2.3.6), or that there can be (section
    /// 2.1.4), in bytes.
    maximum_packet: usize,
    subscription_ids: bool,
    /// What the current batch of packets settled, and whom it woke.
    settled: Vec<Settled>,
    /// Notes for the journal, and where their packets begin in what the connection has encoded.
    sent: Vec<(u64, u16, bool)>,
    sent_from: Option<u64>,
    /// Where packets begin that must not be written before the note of that number is.
    unnoted: VecDeque<(u64, u64)>,
    received: u64,
    woken: Vec<Thread>,
    /// Since when nothing goes on, and how many messages queries had taken by then.
    stalled: Option<(Instant, u64)>,
}

impl Engine {
    pub fn new(shared: Arc<Shared>, left: Vec<Left>) -> Engine {
        let mut engine = Engine {
            connections: 0,
            in_flight: InFlight::default(),
            again: VecDeque::new(),
            unsent: VecDeque::new(),
            one_by_one: 0,
            fruitless: 0,
            unwritten: VecDeque::new(),
            incoming: IncomingMessages::default(),
            epoch: 0,
            receive_maximum: usize::from(u16::MAX),
            maximum_packet: wire::LONGEST_PACKET,
            subscription_ids: false,
            settled: Vec::new(),
            sent: Vec::new(),
            sent_from: None,
            unnoted: VecDeque::new(),
            received: 0,
            woken: Vec::new(),
            stalled: None,
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
        self.maximum_packet = wire::maximum_packet(ack.maximum_packet);
        self.unsent.clear();
        self.subscription_ids =
            options.version == super::options::Version::V5 && ack.subscription_ids;
        self.in_flight.forget_controls();
        let resent = self.in_flight.publishing() as u64;
        if ack.session_present {
            self.plan_to_send_again();
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
            Command::Unsubscribe { reply, .. } => {
                // A new session has nothing to give up.
                if !ack.session_present
                    && let Some(reply) = reply
                {
                    reply.give(Ok(()));
                }
                ack.session_present
            }
            Command::Acknowledge { .. } => true,
        });
        for number in filters {
            self.subscribe(number, writer)?;
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
        // Fixed header, identifier, properties, length and options of the filter, at most.
        let size = 5 + 2 + 6 + 2 + text.len() + 1;
        let fault = match size > self.maximum_packet {
            true => Some("it is longer than the broker's packets may be".to_owned()),
            false => writer.push(&self.shared, send).err(),
        };
        if let Some(fault) = fault {
            self.granted(id, Err(fault));
        }
        Ok(())
    }

    fn command(&mut self, command: Command, writer: &mut PacketWriter) -> Result<(), Lost> {
        match command {
            Command::Subscribe(number) => self.subscribe(number, writer),
            Command::Unsubscribe { filter, reply } => {
                let id = self.in_flight.push(Unanswered::Unsubscribe(reply));
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
            IncomingPacket::UnsubAck { id, fault } => {
                if let Some(reply) = self.in_flight.unsubscribed(id) {
                    reply.give(fault.map_or(Ok(()), Err));
                }
                Ok(())
            }
            IncomingPacket::TooLarge(message) => self.pass_over(&message, writer),
            IncomingPacket::PingResp => Ok(()),
            IncomingPacket::Disconnect { reason, kind } => {
                let reason = format!("the broker ended it: {reason}");
                Err(match kind {
                    EndReason::Final => Lost::fatal(reason),
                    EndReason::Sent => Lost::by_broker(reason),
                    EndReason::Passing => Lost::plain(reason),
                })
            }
            IncomingPacket::ConnAck(_) => Err(violation("the broker sent a second CONNACK")),
            IncomingPacket::Auth => {
                Err(violation("the broker sent AUTH, which nobody asked it for"))
            }
            IncomingPacket::Unexpected(name) => Err(violation(format!(
                "the broker sent {name}, which only clients may"
            ))),
        }
    }

    fn acknowledged(&mut self, id: u16, level: Qos, fault: Option<String>) -> Result<(), Lost> {
        self.answer_came(id);
        match self.in_flight.acknowledge(id, level) {
            Answered::Settled(message) => {
                let fault = fault.map(|fault| format!("refused by the broker: {fault}"));
                self.settled.push(Settled::new(message, fault));
                self.one_by_one = self.one_by_one.saturating_sub(1);
                self.fruitless = 0;
                Ok(())
            }
            Answered::Violation => Err(violation(format!(
                "the broker acknowledged packet {id} in the wrong way"
            ))),
            Answered::Release | Answered::Unknown => Ok(()),
        }
    }

    /// An answer to an earlier connection's packet may come before that is sent again.
    fn answer_came(&mut self, id: u16) {
        if let Some(at) = self.unsent.iter().position(|unsent| *unsent == id) {
            self.unsent.remove(at);
        }
    }

    fn released(&mut self, id: u16, writer: &mut PacketWriter) -> Result<(), Lost> {
        self.answer_came(id);
        match self.in_flight.receive(id) {
            Answered::Violation => {
                return Err(violation(format!(
                    "the broker acknowledged packet {id} in the wrong way"
                )));
            }
            Answered::Release => {
                if let Some(record) = self.in_flight.record(id) {
                    self.sent.push((record, id, true));
                    self.sent_from.get_or_insert(writer.encoded());
                }
            }
            // Told anyway: the broker waits for it.
            Answered::Settled(_) | Answered::Unknown => {}
        }
        writer
            .push(&self.shared, OutgoingPacket::PubRel(id))
            .map_err(Lost::plain)
    }

    /// A level below the one that was asked for is granted without an error.
    fn say_if_lower(&self, number: u32, granted: &Result<Qos, String>) {
        let wanted = self.shared.options.subscribe_qos;
        let Some(qos) = granted.as_ref().ok().filter(|qos| **qos < wanted) else {
            return;
        };
        let filter = lock(&self.shared.inbox)
            .filter(number)
            .map(|f| f.text.clone());
        self.shared.say(format!(
            "the broker grants the subscription to `{}` at QoS {} only, not at {}",
            filter.as_deref().unwrap_or_default(),
            qos.number(),
            wanted.number()
        ));
    }

    fn granted(&mut self, id: u16, granted: Result<Qos, String>) {
        let Some(number) = self.in_flight.subscribed(id) else {
            return;
        };
        self.say_if_lower(number, &granted);
        let state = match granted {
            Ok(_) => FilterState::Granted,
            Err(reason) => FilterState::Refused(reason),
        };
        let needless = lock(&self.shared.inbox).answer(number, state);
        for filter in needless {
            self.shared.command(Command::Unsubscribe {
                filter,
                reply: None,
            });
        }
    }

    /// Whether the broker keeps the session, and with it filters that no query reads.
    fn keeps(&self) -> bool {
        !self.shared.options.clean_session
    }

    /// Lets go of messages that no query wants; gives when there will be more to do.
    pub fn pass_by(&mut self) -> Option<Instant> {
        if !self.keeps() {
            return None;
        }
        let over_full = self.incoming.is_over_full();
        if !over_full && lock(&self.shared.outbox).closing {
            // The next run reads them.
            return None;
        }
        let mut inbox = lock(&self.shared.inbox);
        let next = inbox.unread_until(over_full)?;
        if next > Instant::now() {
            return Some(next);
        }
        let (messages, topic) = inbox.pass_by();
        let first = inbox.passed_by() == messages.len() as u64;
        drop(inbox);
        // Dropping them acknowledges them.
        drop(messages);
        if let Some(topic) = topic.filter(|_| first) {
            self.shared.say(format!(
                "messages come for filters of the kept session that no query reads, the first to \
                 `{topic}`: they are passed by and counted. mqtt:unread(\"{0}\") lists them, \
                 mqtt:unsubscribe(\"{0}\", filter) gives a filter up",
                self.shared.name
            ));
        }
        None
    }

    /// How many messages the broker has sent that are not acknowledged.
    pub fn unacknowledged(&self) -> usize {
        self.incoming.len()
    }

    /// Whether to read on. Not while queries have much before them that is to be acknowledged: so a
    /// slow query slows the broker down. But who waits for an answer of the broker gets it, as that may
    /// be the query that is slow; only not at any price.
    pub fn reads(&mut self) -> bool {
        !self.incoming.is_full()
            || (self.shared.awaited.by_somebody() && !self.incoming.is_over_full())
    }

    /// Lets those who wait for the broker's answers know when these cannot come: what is held for
    /// queries is as much as may be, and for a while they have taken nothing of it, perhaps because they
    /// are the ones who wait. Gives when to look again.
    pub fn look_for_deadlock(&mut self) -> Option<Instant> {
        let waits = self.incoming.is_over_full() && self.shared.awaited.by_somebody();
        let taken = self.incoming.taken();
        let since = match self.stalled {
            Some((since, before)) if waits && before == taken => since,
            _ => {
                if self.stalled.take().is_some() {
                    lock(&self.shared.outbox).answers_held_up = None;
                }
                if !waits {
                    return None;
                }
                self.stalled = Some((Instant::now(), taken));
                Instant::now()
            }
        };
        let until = since + PATIENCE;
        if until > Instant::now() {
            return Some(until);
        }
        let mut out = lock(&self.shared.outbox);
        if out.answers_held_up.is_none() {
            out.answers_held_up = Some(held_up(&self.shared.name));
            out.wake_all();
            drop(out);
            lock(&self.shared.inbox).wake_waiting();
        }
        None
    }

    /// How many publications wait for the broker's answer.
    pub fn in_flight(&self) -> usize {
        self.in_flight.publishing()
    }

    fn deliver(&mut self, publish: Publish, writer: &mut PacketWriter) -> Result<(), Lost> {
        self.received += 1;
        let mut receipt = None;
        if publish.qos > Qos::AtMostOnce {
            match self
                .incoming
                .arrive(publish.id, publish.size(), publish.dup, self.connections)
            {
                Arrival::New => {}
                Arrival::Held => return Ok(()),
                Arrival::Answered => {
                    return writer
                        .push(&self.shared, OutgoingPacket::PubRec(publish.id))
                        .map_err(Lost::plain);
                }
                Arrival::Violation => {
                    return Err(violation(format!(
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
        let keep = self.keeps();
        let dropping = lock(&self.shared.inbox).deliver(publish, receipt, keep, &mut self.woken);
        if let Some(filter) = dropping {
            self.shared.say(format!(
                "a query does not keep up with `{filter}`: its oldest messages at QoS 0 are dropped \
                 and counted in mqtt:status"
            ));
        }
        Ok(())
    }

    /// A message came that is larger than is taken. It is answered, or it would come again; its sender
    /// learns nothing, as with any message that nobody wants.
    fn pass_over(&mut self, message: &Oversized, writer: &mut PacketWriter) -> Result<(), Lost> {
        let first = {
            let mut out = lock(&self.shared.outbox);
            out.counts.too_large += 1;
            out.counts.too_large == 1
        };
        if first {
            self.shared.say(format!(
                "a message of {} bytes to `{}` is passed over: maxdatalen allows {}; more of them are \
                 only counted in mqtt:status",
                message.size, message.topic, self.shared.options.max_packet
            ));
        }
        let answer = match message.qos {
            Qos::AtMostOnce => return Ok(()),
            Qos::AtLeastOnce => OutgoingPacket::PubAck(message.id),
            Qos::ExactlyOnce => OutgoingPacket::PubRec(message.id),
        };
        writer.push(&self.shared, answer).map_err(Lost::plain)
    }

    /// Books what the packets since the last time settled, and wakes who waits for it.
    pub fn settle(&mut self) {
        for thread in self.woken.drain(..) {
            thread.unpark();
        }
        if self.received > 0 {
            lock(&self.shared.outbox).counts.received += std::mem::take(&mut self.received);
        }
        self.note_sent();
        let journaled = |settled: &Settled| settled.record().is_some();
        match &self.shared.keeper {
            // They are booked once their ends are noted.
            Some(keeper) if self.settled.iter().any(journaled) => {
                keeper.note(Note::Settled(std::mem::take(&mut self.settled)));
            }
            _ if self.settled.is_empty() => {}
            _ => self.shared.book(self.settled.drain(..)),
        }
    }

    /// Has the journal know under which identifiers publications go out.
    fn note_sent(&mut self) {
        let from = self.sent_from.take();
        if self.sent.is_empty() {
            return;
        }
        if let (Some(keeper), Some(from)) = (&self.shared.keeper, from) {
            let number = keeper.note(Note::Sent(std::mem::take(&mut self.sent)));
            self.unnoted.push_back((from, number));
        }
        self.sent.clear();
    }

    /// Holds back what must not be written before the journal has its notes.
    pub fn hold_unnoted(&mut self, writer: &mut PacketWriter) -> Result<(), Lost> {
        let Some(keeper) = &self.shared.keeper else {
            return Ok(());
        };
        let noted = keeper.noted();
        let all = *noted.as_ref().unwrap_or(&0);
        while self.unnoted.front().is_some_and(|(_, note)| *note <= all) {
            self.unnoted.pop_front();
        }
        writer.hold_from(self.unnoted.front().map(|(from, _)| *from));
        noted.map(drop).map_err(|e| Lost::fatal(e.to_string()))
    }
}
