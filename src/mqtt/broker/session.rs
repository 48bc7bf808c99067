//! One client's session: its subscriptions, what waits for it, and what is on its way to it. It may
//! outlive a connection (MQTT 5, section 4.1).

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use rumqttc_v5::mqttbytes::v5::{PubRel, Publish, PublishProperties, SubscribeFilter};
use tokio::sync::Notify;

use super::held::{Budget, Held, HeldBytes};
use super::packets::{self, Packet, QoS, Reason};
use crate::mqtt::options::Version;

/// About what a message takes beside its topic and payload, in bytes.
const OVERHEAD: usize = 256;

/// About what one message takes in the line of one client, beside the message itself.
const PLACE: usize = 128;

/// About what a session takes beside what is in it.
pub const SESSION: usize = 512;

/// About what a subscription takes beside its filter.
const SUBSCRIPTION: usize = 128;

/// After so many bytes the rest waits for the next turn of the connection.
const CHUNK: usize = 64 << 10;

/// A message that was published. It owns its bytes, so that it does not keep the buffer that it was
/// read into.
pub struct BrokerMessage {
    pub topic: Bytes,
    pub payload: Bytes,
    pub qos: QoS,
    pub retain: bool,
    pub properties: Option<PublishProperties>,
    expires: Option<Instant>,
    held: Held,
}

impl BrokerMessage {
    /// `properties` are the publisher's; those that concern its own connection only are left out. The
    /// message counts among `held`.
    pub fn new(
        topic: &[u8],
        payload: &[u8],
        (qos, retain): (QoS, bool),
        properties: Option<PublishProperties>,
        held: &HeldBytes,
    ) -> BrokerMessage {
        let properties = properties.map(|properties| PublishProperties {
            topic_alias: None,
            subscription_identifiers: Vec::new(),
            ..properties
        });
        let expires = properties
            .as_ref()
            .and_then(|properties| properties.message_expiry_interval)
            .and_then(|seconds| Instant::now().checked_add(Duration::from_secs(seconds.into())));
        let size = OVERHEAD + topic.len() + payload.len();
        BrokerMessage {
            topic: Bytes::copy_from_slice(topic),
            payload: Bytes::copy_from_slice(payload),
            qos,
            retain,
            expires,
            held: held.hold(size + properties.as_ref().map_or(0, properties_size)),
            properties,
        }
    }

    /// The bytes of memory that it takes, about.
    pub fn size(&self) -> usize {
        self.held.bytes()
    }

    pub fn has_expired(&self) -> bool {
        self.expires
            .is_some_and(|expires| expires <= Instant::now())
    }
}

fn properties_size(properties: &PublishProperties) -> usize {
    let text = |text: &Option<String>| text.as_ref().map_or(0, String::len);
    let pairs = properties.user_properties.iter();
    text(&properties.content_type)
        + text(&properties.response_topic)
        + properties.correlation_data.as_ref().map_or(0, Bytes::len)
        + pairs
            .map(|(key, value)| 48 + key.len() + value.len())
            .sum::<usize>()
}

/// A subscription, under the filter as the client wrote it.
pub struct BrokerSubscription {
    pub filter: SubscribeFilter,
    _held: Held,
    /// The MQTT 5 subscription identifier.
    pub number: Option<usize>,
    /// When a shared subscription last got a message, as a count: the one that waits longest is next.
    pub served: u64,
}

impl BrokerSubscription {
    /// It counts among `held`.
    pub fn new(
        filter: SubscribeFilter,
        number: Option<usize>,
        held: &HeldBytes,
    ) -> BrokerSubscription {
        BrokerSubscription {
            _held: held.hold(BrokerSubscription::size(&filter)),
            filter,
            number,
            served: 0,
        }
    }

    /// The bytes of memory that one with that filter takes, about.
    pub fn size(filter: &SubscribeFilter) -> usize {
        SUBSCRIPTION + filter.path.len()
    }
}

/// A message for one client.
pub struct Delivery {
    pub message: Arc<BrokerMessage>,
    pub qos: QoS,
    pub retain: bool,
    /// The identifiers of the subscriptions that it is for.
    pub numbers: Vec<usize>,
}

impl Delivery {
    fn packet(&self, id: u16, dup: bool) -> Packet {
        let message = &self.message;
        let mut properties = message.properties.clone();
        if !self.numbers.is_empty() {
            properties
                .get_or_insert_default()
                .subscription_identifiers
                .clone_from(&self.numbers);
        }
        // A subscriber is told how much of a message's life is left (section 3.3.2.3.3).
        if let (Some(expires), Some(properties)) = (message.expires, &mut properties) {
            let left = expires.saturating_duration_since(Instant::now());
            properties.message_expiry_interval = Some(left.as_secs() as u32);
        }
        Packet::Publish(Publish {
            dup,
            qos: self.qos,
            retain: self.retain,
            topic: message.topic.clone(),
            pkid: id,
            payload: message.payload.clone(),
            properties,
        })
    }
}

/// A message in a client's line.
struct InLine {
    delivery: Delivery,
    /// The bytes that it takes of what may wait for the client.
    size: usize,
    /// Its place in the line, without the message, which other clients may have before them as well.
    _held: Held,
}

/// A message at QoS 1 or 2 that was sent and is not acknowledged.
struct InFlight {
    id: u16,
    /// `None` once the client has said PUBREC: it has the message, and PUBREL is what goes out again.
    message: Option<InLine>,
    /// Whether it has gone out over the connection that there is now.
    sent: bool,
}

impl InFlight {
    fn size(&self) -> usize {
        self.message.as_ref().map_or(0, |next| next.size)
    }
}

/// What the reader and the writer of one connection tell each other.
#[derive(Default)]
pub struct ConnectionSignals {
    /// There is something to write, or the connection ends.
    pub wake: Notify,
    /// Answers have been written.
    pub drained: Notify,
}

/// The connection that a session has.
pub struct SessionConnection {
    /// Tells this connection from those that the same client had before.
    pub number: u64,
    pub version: Version,
    pub signals: Arc<ConnectionSignals>,
    /// How many messages at QoS 1 and 2 the client takes without having acknowledged them.
    pub receive_maximum: usize,
    /// The longest packet that the client takes.
    pub longest: usize,
    /// Answers that are to be written, encoded.
    pub answers: BytesMut,
    /// Why the broker ends it, if it does.
    pub end: Option<Reason>,
}

/// What the broker publishes when the client vanishes.
pub struct BrokerWill {
    pub message: BrokerMessage,
    pub delay: Duration,
}

/// A client's session.
pub struct BrokerSession {
    /// Counts its name.
    _held: Held,
    pub connection: Option<SessionConnection>,
    /// Since when it has no connection.
    pub left: Instant,
    /// Seconds that it is kept without one; `u32::MAX` is for ever.
    pub expiry: u32,
    pub will: Option<BrokerWill>,
    pub subscriptions: Vec<BrokerSubscription>,
    /// The packet identifiers of messages at QoS 2 that have come and are not released.
    pub received: HashSet<u16>,
    waiting: VecDeque<InLine>,
    in_flight: VecDeque<InFlight>,
    /// How many of `in_flight` have not gone out over this connection.
    unsent: usize,
    /// The bytes of `waiting` and `in_flight`.
    bytes: usize,
    last_id: u16,
}

impl BrokerSession {
    /// The session of a client whose name has so many bytes.
    pub fn new(name: usize, budget: &Budget) -> BrokerSession {
        BrokerSession {
            _held: budget.sessions.hold(SESSION + name),
            connection: None,
            left: Instant::now(),
            expiry: 0,
            will: None,
            subscriptions: Vec::new(),
            received: HashSet::new(),
            waiting: VecDeque::new(),
            in_flight: VecDeque::new(),
            unsent: 0,
            bytes: 0,
            last_id: 0,
        }
    }

    /// Gives the session a connection. What was on its way over the last one goes out again first.
    pub fn attach(&mut self, connection: SessionConnection) {
        self.connection = Some(connection);
        for message in &mut self.in_flight {
            message.sent = false;
        }
        self.unsent = self.in_flight.len();
    }

    /// The connection is gone. Messages at QoS 0 are not kept.
    pub fn detach(&mut self) {
        self.connection = None;
        self.left = Instant::now();
        self.waiting.retain(|next| {
            let kept = next.delivery.qos != QoS::AtMostOnce;
            self.bytes -= if kept { 0 } else { next.size };
            kept
        });
    }

    /// Until when the session is kept without a connection; `None` is for ever.
    pub fn end(&self) -> Option<Instant> {
        match self.expiry {
            u32::MAX => None,
            seconds => self.left.checked_add(Duration::from_secs(seconds.into())),
        }
    }

    /// Puts an answer in line.
    pub fn answer(&mut self, packet: Packet) {
        if let Some(connection) = &mut self.connection {
            packets::write(connection.version, packet, &mut connection.answers);
            connection.signals.wake.notify_one();
        }
    }

    /// Puts a message in line, or drops it if the client does not keep up: where more than `share` bytes
    /// wait for it already.
    pub fn deliver(&mut self, delivery: Delivery, budget: &Budget, share: usize) {
        let place = PLACE + delivery.numbers.len() * size_of::<usize>();
        let size = delivery.message.size() + place;
        let kept = self.connection.is_some() || delivery.qos != QoS::AtMostOnce;
        if !kept || self.bytes + size > share {
            return;
        }
        self.bytes += size;
        self.waiting.push_back(InLine {
            delivery,
            size,
            _held: budget.messages.hold(place),
        });
        if let Some(connection) = &self.connection {
            connection.signals.wake.notify_one();
        }
    }

    /// Appends to `out` what is to be written next.
    pub fn fill(&mut self, out: &mut BytesMut) {
        let Some(connection) = &mut self.connection else {
            return;
        };
        out.extend_from_slice(&connection.answers);
        connection.answers.clear();
        let (version, longest) = (connection.version, connection.longest);
        let receive_maximum = connection.receive_maximum;
        self.send_again(version, receive_maximum, out);
        while out.len() < CHUNK {
            let full = self.unsent > 0 || self.in_flight.len() >= receive_maximum;
            let Some(next) = self
                .waiting
                .pop_front_if(|next| next.delivery.qos == QoS::AtMostOnce || !full)
            else {
                break;
            };
            self.send(next, version, longest, out);
        }
    }

    /// Sends what an earlier connection may have lost, as much as the client takes at a time.
    fn send_again(&mut self, version: Version, receive_maximum: usize, out: &mut BytesMut) {
        let room = receive_maximum.saturating_sub(self.in_flight.len() - self.unsent);
        let unsent = self.in_flight.iter_mut().filter(|message| !message.sent);
        for message in unsent.take(room) {
            if out.len() >= CHUNK {
                break;
            }
            let packet = match &message.message {
                Some(next) => next.delivery.packet(message.id, true),
                None => Packet::PubRel(PubRel::new(message.id, None)),
            };
            packets::write(version, packet, out);
            message.sent = true;
            self.unsent -= 1;
        }
    }

    fn send(&mut self, next: InLine, version: Version, longest: usize, out: &mut BytesMut) {
        let id = match next.delivery.qos {
            QoS::AtMostOnce => 0,
            _ => self.free_id(),
        };
        let packet = next.delivery.packet(id, false);
        // What a client cannot take is as good as delivered (section 3.1.2.11.4).
        let dropped = next.delivery.message.has_expired() || packet.size() > longest;
        if !dropped {
            packets::write(version, packet, out);
        }
        if dropped || id == 0 {
            self.bytes -= next.size;
            return;
        }
        self.in_flight.push_back(InFlight {
            id,
            message: Some(next),
            sent: true,
        });
    }

    /// A packet identifier that is not in use. Far fewer messages are in flight than there are.
    fn free_id(&mut self) -> u16 {
        loop {
            self.last_id = self.last_id.checked_add(1).unwrap_or(1);
            if !self
                .in_flight
                .iter()
                .any(|message| message.id == self.last_id)
            {
                return self.last_id;
            }
        }
    }

    /// The client has the message and is done with it: PUBACK, PUBCOMP or a PUBREC that refuses.
    pub fn done(&mut self, id: u16) {
        if let Some(at) = self.in_flight.iter().position(|message| message.id == id)
            && let Some(message) = self.in_flight.remove(at)
        {
            self.bytes -= message.size();
            self.unsent -= usize::from(!message.sent);
        }
        self.wake();
    }

    /// PUBREC: the client has the message at QoS 2.
    pub fn has_received(&mut self, id: u16) {
        if let Some(message) = self.in_flight.iter_mut().find(|message| message.id == id) {
            self.bytes -= message.size();
            message.message = None;
        }
        self.answer(Packet::PubRel(PubRel::new(id, None)));
    }

    fn wake(&self) {
        if let Some(connection) = &self.connection {
            connection.signals.wake.notify_one();
        }
    }
}
