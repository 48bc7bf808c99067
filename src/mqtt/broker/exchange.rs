//! Where messages change hands: all sessions and all retained messages of an embedded broker. Nothing
//! here waits or touches a socket; connections call it under a lock that is held for moments.

use std::collections::{BTreeMap, HashMap};
use std::str;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use rumqttc_v5::mqttbytes::v5::{
    ConnAck, ConnAckProperties, Connect, LastWill, PubAck, PubComp, PubRec, PubRecReason, Publish,
    PublishProperties, RetainForwardRule, SubAck, Subscribe, SubscribeFilter, SubscribeReasonCode,
    UnsubAck, UnsubAckReason, Unsubscribe,
};

use super::held::{Budget, HeldBytes};
use super::packets::{ConnectCode, LONGEST, Packet, QoS, Reason, higher, lower};
use super::session::{
    BrokerMessage, BrokerSession, BrokerSubscription, BrokerWill, ConnectionSignals, Delivery,
    SESSION, SessionConnection,
};
use crate::mqtt::options::Version;
use crate::mqtt::topic::{check_filter, check_topic, matches};

/// The most sessions, with a connection or without, that a broker has.
const MOST_SESSIONS: usize = 10_000;

/// The most subscriptions of one client.
const MOST_SUBSCRIPTIONS: usize = 1_000;

/// How many messages at QoS 1 and 2 a client gets before it has acknowledged one of them.
const MOST_IN_FLIGHT: u16 = 1_000;

/// All sessions of a broker.
#[derive(Default)]
pub struct Exchange {
    sessions: HashMap<Arc<str>, BrokerSession>,
    retained: BTreeMap<String, Arc<BrokerMessage>>,
    /// The bytes of the retained messages.
    retained_bytes: usize,
    /// How many connections there have been.
    connections: u64,
    /// How many messages went to shared subscriptions.
    served: u64,
    budget: Budget,
}

/// Which connection of which client.
#[derive(Clone)]
pub struct Caller {
    pub client: Arc<str>,
    pub number: u64,
}

/// What a connection is to write next.
pub enum Next {
    Bytes(BytesMut),
    /// Nothing now.
    Wait,
    /// The broker ends the connection.
    End(Reason),
}

impl Exchange {
    /// Opens a session for a client that sent CONNECT, and puts CONNACK in line. A connection that the
    /// same client has already ends.
    pub fn connect(
        &mut self,
        version: Version,
        connect: Connect,
        will: Option<LastWill>,
        signals: Arc<ConnectionSignals>,
    ) -> Result<Caller, ConnectCode> {
        let properties = connect.properties.clone().unwrap_or_default();
        if properties.authentication_method.is_some() {
            return Err(ConnectCode::BadAuthenticationMethod);
        }
        let expiry = properties.session_expiry_interval.unwrap_or(0);
        let will = will
            .map(|will| read_will(will, &self.budget.sessions))
            .transpose()?;
        let assigned = connect.client_id.is_empty();
        // In MQTT 3.1.1 a session that is to be kept needs a name to find it again.
        if assigned && version == Version::V4 && !connect.clean_start {
            return Err(ConnectCode::ClientIdentifierNotValid);
        }
        let client: Arc<str> = match assigned {
            true => format!("auto-{:016x}", rand::random::<u64>()).into(),
            false => connect.client_id.as_str().into(),
        };
        if self.sessions.len() >= MOST_SESSIONS && !self.sessions.contains_key(&client) {
            return Err(ConnectCode::ServerBusy);
        }
        // The will is counted by now.
        let name = match self.sessions.contains_key(&client) {
            true => 0,
            false => SESSION + client.len(),
        };
        let adds = name > 0 || will.is_some();
        if adds && self.budget.sessions.all() + name > self.budget.limits.sessions {
            return Err(ConnectCode::QuotaExceeded);
        }
        self.take_over(&client, connect.clean_start);
        let present = self.sessions.contains_key(&client);
        self.connections += 1;
        let caller = Caller {
            client: client.clone(),
            number: self.connections,
        };
        let name = client.len();
        let session = self
            .sessions
            .entry(client)
            .or_insert_with(|| BrokerSession::new(name, &self.budget));
        session.expiry = expiry;
        session.will = will;
        session.attach(SessionConnection {
            number: caller.number,
            version,
            signals,
            receive_maximum: properties
                .receive_maximum
                .map_or(MOST_IN_FLIGHT, |most| most.min(MOST_IN_FLIGHT))
                .into(),
            longest: properties
                .max_packet_size
                .map_or(usize::MAX, |most| most as usize),
            answers: BytesMut::new(),
            end: None,
        });
        session.answer(accepted(present, assigned.then_some(&caller.client)));
        Ok(caller)
    }

    /// Ends what the client had before: its connection, and with `clean_start` its session. A will is
    /// published unless its delay gives the client the time to come back (MQTT 5, section 3.1.3.2.2).
    fn take_over(&mut self, client: &Arc<str>, clean_start: bool) {
        let Some(session) = self.sessions.get_mut(client) else {
            return;
        };
        let will = session.will.take();
        let ended = session.end().filter(|_| session.connection.is_none());
        let over = clean_start || ended.is_some_and(|end| end <= Instant::now());
        if let Some(connection) = session.connection.take() {
            // It finds that the session is another connection's.
            connection.signals.wake.notify_one();
        }
        session.detach();
        if over {
            self.sessions.remove(client);
        }
        if let Some(will) = will
            && (over || will.delay.is_zero())
        {
            self.publish(client, will.message);
        }
    }

    /// Does what a packet of the caller asks for. `Ok(true)` is that the caller says goodbye; the error
    /// is why its connection must end.
    pub fn handle(&mut self, caller: &Caller, packet: Packet) -> Result<bool, Reason> {
        let session = self.session(caller)?;
        match packet {
            Packet::Publish(publish) => self.take(caller, publish)?,
            Packet::PubAck(ack) => session.done(ack.pkid),
            Packet::PubRec(rec) => match rec.reason {
                PubRecReason::Success | PubRecReason::NoMatchingSubscribers => {
                    session.has_received(rec.pkid);
                }
                _ => session.done(rec.pkid),
            },
            Packet::PubRel(rel) => {
                session.received.remove(&rel.pkid);
                session.answer(Packet::PubComp(PubComp::new(rel.pkid, None)));
            }
            Packet::PubComp(comp) => session.done(comp.pkid),
            Packet::Subscribe(subscribe) => self.subscribe(caller, subscribe)?,
            Packet::Unsubscribe(unsubscribe) => unsubscribe_from(session, unsubscribe),
            Packet::PingReq => session.answer(Packet::PingResp),
            Packet::Disconnect(end) => {
                let expiry = end.properties.and_then(|p| p.session_expiry_interval);
                match expiry {
                    // Section 3.14.2.2.2.
                    Some(1..) if session.expiry == 0 => return Err(Reason::ProtocolError),
                    Some(seconds) => session.expiry = seconds,
                    None => {}
                }
                if end.reason_code == Reason::NormalDisconnection {
                    session.will = None;
                }
                return Ok(true);
            }
            _ => return Err(Reason::ProtocolError),
        }
        Ok(false)
    }

    fn session(&mut self, caller: &Caller) -> Result<&mut BrokerSession, Reason> {
        connected(&mut self.sessions, caller)
    }

    /// Takes a message from a client and answers for it.
    fn take(&mut self, caller: &Caller, publish: Publish) -> Result<(), Reason> {
        let topic = str::from_utf8(&publish.topic).map_err(|_| Reason::MalformedPacket)?;
        let properties = publish.properties.as_ref();
        if properties.is_some_and(|properties| properties.topic_alias.is_some()) {
            return Err(Reason::TopicAliasInvalid);
        }
        check_topic(topic).map_err(|_| Reason::TopicNameInvalid)?;
        let session = self.session(caller)?;
        let id = publish.pkid;
        let (answer, known) = match publish.qos {
            QoS::AtMostOnce => (None, false),
            QoS::AtLeastOnce => (Some(Packet::PubAck(PubAck::new(id, None))), false),
            // A message at QoS 2 whose identifier is not released yet is the same one again.
            QoS::ExactlyOnce => (
                Some(Packet::PubRec(PubRec::new(id, None))),
                !session.received.insert(id),
            ),
        };
        if let Some(answer) = answer {
            session.answer(answer);
        }
        if !known {
            let message = BrokerMessage::new(
                &publish.topic,
                &publish.payload,
                (publish.qos, publish.retain),
                publish.properties,
                &self.budget.messages,
            );
            self.publish(&caller.client, message);
        }
        Ok(())
    }

    /// Retains a message if it asks for that, and gives it to all who have subscribed to it. Its topic
    /// must be legal.
    fn publish(&mut self, from: &Arc<str>, message: BrokerMessage) {
        let message = Arc::new(message);
        let Ok(topic) = str::from_utf8(&message.topic) else {
            return;
        };
        if message.retain {
            self.retain(topic, &message);
        }
        let share = self.budget.share(self.sessions.len());
        // Of a shared subscription the member that is connected and waits longest.
        let mut shared: HashMap<String, (bool, u64, Arc<str>)> = HashMap::new();
        for (client, session) in &mut self.sessions {
            let mut own = None;
            for subscription in &session.subscriptions {
                let filter = &subscription.filter;
                if !matches(&filter.path, topic) || (filter.nolocal && client == from) {
                    continue;
                }
                if filter.path.starts_with("$share/") {
                    let away = session.connection.is_none();
                    let candidate = (away, subscription.served, client.clone());
                    shared
                        .entry(filter.path.clone())
                        .and_modify(|best| {
                            if candidate < *best {
                                *best = candidate.clone();
                            }
                        })
                        .or_insert(candidate);
                } else {
                    widen(&mut own, &message, subscription);
                }
            }
            if let Some(delivery) = own {
                session.deliver(delivery, &self.budget, share);
            }
        }
        for (filter, (_, _, client)) in shared {
            self.served += 1;
            let served = self.served;
            if let Some(session) = self.sessions.get_mut(&client) {
                let mut own = None;
                for subscription in &mut session.subscriptions {
                    if subscription.filter.path == filter {
                        subscription.served = served;
                        widen(&mut own, &message, subscription);
                    }
                }
                if let Some(delivery) = own {
                    session.deliver(delivery, &self.budget, share);
                }
            }
        }
    }

    /// Keeps the last message of a topic; an empty one takes it away. What does not fit is not kept.
    fn retain(&mut self, topic: &str, message: &Arc<BrokerMessage>) {
        if let Some(old) = self.retained.remove(topic) {
            self.retained_bytes -= old.size();
        }
        let size = message.size();
        if !message.payload.is_empty() && self.retained_bytes + size <= self.budget.limits.retained
        {
            self.retained_bytes += size;
            self.retained.insert(topic.to_owned(), message.clone());
        }
    }

    fn subscribe(&mut self, caller: &Caller, subscribe: Subscribe) -> Result<(), Reason> {
        let number = subscribe.properties.and_then(|properties| properties.id);
        let Exchange {
            sessions, budget, ..
        } = self;
        let session = connected(sessions, caller)?;
        let mut codes = Vec::new();
        let mut wanted = Vec::new();
        for filter in subscribe.filters {
            let code = match check_filter(&filter.path) {
                Err(_) => SubscribeReasonCode::TopicFilterInvalid,
                // Section 3.8.3.1.
                Ok(()) if filter.nolocal && filter.path.starts_with("$share/") => {
                    return Err(Reason::ProtocolError);
                }
                Ok(()) => match add(session, &filter, number, budget) {
                    Some(new) => {
                        let code = SubscribeReasonCode::Success(filter.qos);
                        wanted.extend(wants_retained(&filter, new).then_some(filter));
                        code
                    }
                    None => SubscribeReasonCode::QuotaExceeded,
                },
            };
            codes.push(code);
        }
        session.answer(Packet::SubAck(SubAck {
            pkid: subscribe.pkid,
            return_codes: codes,
            properties: None,
        }));
        for filter in wanted {
            self.send_retained(caller, &filter, number)?;
        }
        Ok(())
    }

    fn send_retained(
        &mut self,
        caller: &Caller,
        filter: &SubscribeFilter,
        number: Option<usize>,
    ) -> Result<(), Reason> {
        let found: Vec<_> = self
            .retained
            .iter()
            .filter(|(topic, message)| matches(&filter.path, topic) && !message.has_expired())
            .map(|(_, message)| message.clone())
            .collect();
        let share = self.budget.share(self.sessions.len());
        let session = connected(&mut self.sessions, caller)?;
        for message in found {
            let delivery = Delivery {
                qos: lower(message.qos, filter.qos),
                retain: true,
                numbers: Vec::from_iter(number),
                message,
            };
            session.deliver(delivery, &self.budget, share);
        }
        Ok(())
    }

    /// What the caller's connection is to write next.
    pub fn next(&mut self, caller: &Caller) -> Next {
        let Ok(session) = self.session(caller) else {
            return Next::End(Reason::SessionTakenOver);
        };
        let mut out = BytesMut::new();
        session.fill(&mut out);
        let end = session
            .connection
            .as_ref()
            .and_then(|connection| connection.end);
        match end {
            _ if !out.is_empty() => Next::Bytes(out),
            Some(reason) => Next::End(reason),
            None => Next::Wait,
        }
    }

    /// The bytes of answers that the caller's connection has not taken yet.
    pub fn unwritten(&mut self, caller: &Caller) -> usize {
        let session = self.session(caller).ok();
        session
            .and_then(|session| session.connection.as_ref())
            .map_or(0, |connection| connection.answers.len())
    }

    /// Has the caller's connection end for that reason, after what is to be written before.
    pub fn end(&mut self, caller: &Caller, reason: Reason) {
        if let Ok(session) = self.session(caller)
            && let Some(connection) = &mut session.connection
        {
            connection.end = Some(reason);
            connection.signals.wake.notify_one();
        }
    }

    /// Has all connections end, as the broker does.
    pub fn shut_down(&mut self) {
        for session in self.sessions.values_mut() {
            session.will = None;
            if let Some(connection) = &mut session.connection {
                connection.end = Some(Reason::ServerShuttingDown);
                connection.signals.wake.notify_one();
            }
        }
    }

    /// The caller's connection is gone. Its will is published unless it was withdrawn.
    pub fn leave(&mut self, caller: &Caller) {
        if let Ok(session) = self.session(caller) {
            session.detach();
            self.expire();
        }
    }

    /// Publishes the wills that are due and forgets the sessions whose time is over.
    pub fn expire(&mut self) {
        let now = Instant::now();
        let mut due = Vec::new();
        self.sessions.retain(|client, session| {
            if session.connection.is_some() {
                return true;
            }
            let kept = session.end().is_none_or(|end| end > now);
            let will = session
                .will
                .take_if(|will| !kept || session.left + will.delay <= now);
            due.extend(will.map(|will| (client.clone(), will.message)));
            kept
        });
        for (client, message) in due {
            self.publish(&client, message);
        }
    }
}

/// The session of a caller whose connection it still has.
fn connected<'a>(
    sessions: &'a mut HashMap<Arc<str>, BrokerSession>,
    caller: &Caller,
) -> Result<&'a mut BrokerSession, Reason> {
    let session = sessions.get_mut(&caller.client);
    session
        .filter(|session| {
            let connection = session.connection.as_ref();
            connection.is_some_and(|connection| connection.number == caller.number)
        })
        .ok_or(Reason::SessionTakenOver)
}

/// Adds one subscription to what a client gets of a message: it comes once, at the highest quality of
/// service, with the identifiers of all its subscriptions (section 3.3.4).
fn widen(
    own: &mut Option<Delivery>,
    message: &Arc<BrokerMessage>,
    subscription: &BrokerSubscription,
) {
    let delivery = own.get_or_insert_with(|| Delivery {
        message: message.clone(),
        qos: QoS::AtMostOnce,
        retain: false,
        numbers: Vec::new(),
    });
    let filter = &subscription.filter;
    delivery.qos = higher(delivery.qos, lower(filter.qos, message.qos));
    delivery.retain |= filter.preserve_retain && message.retain;
    delivery.numbers.extend(subscription.number);
}

/// Adds a subscription or replaces the one with the same filter. Gives whether it is new, or `None` if
/// there are too many.
fn add(
    session: &mut BrokerSession,
    filter: &SubscribeFilter,
    number: Option<usize>,
    budget: &Budget,
) -> Option<bool> {
    let all = &mut session.subscriptions;
    let old = all.iter_mut().find(|old| old.filter.path == filter.path);
    if let Some(old) = old {
        old.filter = filter.clone();
        old.number = number;
        return Some(false);
    }
    let held = &budget.sessions;
    let too_much = held.all() + BrokerSubscription::size(filter) > budget.limits.sessions;
    if all.len() >= MOST_SUBSCRIPTIONS || too_much {
        return None;
    }
    all.push(BrokerSubscription::new(filter.clone(), number, held));
    Some(true)
}

/// Whether retained messages are sent for a subscription (section 3.3.1.3); never for a shared one.
fn wants_retained(filter: &SubscribeFilter, new: bool) -> bool {
    let asked = match filter.retain_forward_rule {
        RetainForwardRule::OnEverySubscribe => true,
        RetainForwardRule::OnNewSubscribe => new,
        RetainForwardRule::Never => false,
    };
    asked && !filter.path.starts_with("$share/")
}

fn unsubscribe_from(session: &mut BrokerSession, unsubscribe: Unsubscribe) {
    let mut reasons = Vec::new();
    for filter in &unsubscribe.filters {
        let before = session.subscriptions.len();
        session
            .subscriptions
            .retain(|old| old.filter.path != *filter);
        reasons.push(match session.subscriptions.len() < before {
            true => UnsubAckReason::Success,
            false => UnsubAckReason::NoSubscriptionExisted,
        });
    }
    session.answer(Packet::UnsubAck(UnsubAck {
        pkid: unsubscribe.pkid,
        reasons,
        properties: None,
    }));
}

/// The will counts among `held`, as long as there is one.
fn read_will(will: LastWill, held: &HeldBytes) -> Result<BrokerWill, ConnectCode> {
    let topic = str::from_utf8(&will.topic).map_err(|_| ConnectCode::TopicNameInvalid)?;
    check_topic(topic).map_err(|_| ConnectCode::TopicNameInvalid)?;
    let delay = will.properties.as_ref().and_then(|p| p.delay_interval);
    let properties = will.properties.map(|properties| PublishProperties {
        payload_format_indicator: properties.payload_format_indicator,
        message_expiry_interval: properties.message_expiry_interval,
        response_topic: properties.response_topic,
        correlation_data: properties.correlation_data,
        user_properties: properties.user_properties,
        content_type: properties.content_type,
        ..PublishProperties::default()
    });
    Ok(BrokerWill {
        message: BrokerMessage::new(
            &will.topic,
            &will.message,
            (will.qos, will.retain),
            properties,
            held,
        ),
        delay: Duration::from_secs(delay.unwrap_or(0).into()),
    })
}

/// CONNACK for a client that is welcome.
fn accepted(present: bool, assigned: Option<&Arc<str>>) -> Packet {
    connack(
        ConnectCode::Success,
        present,
        Some(ConnAckProperties {
            session_expiry_interval: None,
            receive_max: None,
            max_qos: None,
            retain_available: None,
            max_packet_size: Some(LONGEST as u32),
            assigned_client_identifier: assigned.map(|id| id.to_string()),
            topic_alias_max: None,
            reason_string: None,
            user_properties: Vec::new(),
            wildcard_subscription_available: None,
            subscription_identifiers_available: None,
            shared_subscription_available: None,
            server_keep_alive: None,
            response_information: None,
            server_reference: None,
            authentication_method: None,
            authentication_data: None,
        }),
    )
}

/// CONNACK for a client that is not.
pub fn refused(code: ConnectCode) -> Packet {
    connack(code, false, None)
}

fn connack(code: ConnectCode, present: bool, properties: Option<ConnAckProperties>) -> Packet {
    Packet::ConnAck(ConnAck {
        session_present: present,
        code,
        properties,
    })
}

#[cfg(test)]
mod tests;
