//! Publishing to one topic: pipelined, bounded, and accounted for to the last message.

use std::sync::Arc;
use std::thread;
use std::time::Instant;

use bytes::Bytes;
use rumqttc_v5::mqttbytes::v5::PublishProperties;

use super::client::Shared;
use super::in_flight::Outgoing;
use super::options::{ClientOptions, Qos, Version};
use super::outbox::{Outbox, Phase};
use super::settings::{Setting, Settings, SettingsReader, sendable};
use super::topic;
use super::wire::{self, Head};
use crate::text::diagnostic::{Error, Result};
use crate::text::wait::{Token, lock};

/// How a stream is published: what differs from the client's own options.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PublishOptions {
    pub qos: Option<Qos>,
    pub retained: Option<bool>,
    /// Seconds that the broker keeps the message (MQTT 5).
    pub message_expiry: Option<u32>,
    pub content_type: Option<String>,
    pub response_topic: Option<String>,
    /// What an answer is to carry, so that it can be told whose it is.
    pub correlation_data: Option<Vec<u8>>,
    pub user_properties: Vec<(String, String)>,
}

impl PublishOptions {
    /// Every option there is. Those behind the first two are of MQTT 5.
    pub const NAMES: [&str; 7] = [
        "qos",
        "retained",
        "message-expiry",
        "content-type",
        "response-topic",
        "correlation-data",
        "user-properties",
    ];

    /// Reads and checks the options of `publish(stream, flow, options)`, for a client that speaks
    /// `version`.
    pub fn read(settings: &Settings, version: Version) -> Result<PublishOptions> {
        let reader = SettingsReader(settings);
        reader.refuse_unknown(&Self::NAMES, "publish")?;
        for name in &Self::NAMES[2..] {
            reader.only_v5(name, version)?;
        }
        let response_topic = reader.text("response-topic")?;
        if let Some(topic) = &response_topic {
            topic::check_topic(topic).map_err(|e| e.context("option response-topic"))?;
        }
        Ok(PublishOptions {
            qos: reader
                .has("qos")
                .then(|| reader.qos("qos", Qos::default()))
                .transpose()?,
            retained: reader
                .has("retained")
                .then(|| reader.flag("retained", false))
                .transpose()?,
            message_expiry: reader
                .integer("message-expiry", 0..=u64::from(u32::MAX))?
                .map(|n| n as u32),
            content_type: reader.text("content-type")?,
            response_topic,
            correlation_data: correlation_data(&reader)?,
            user_properties: user_properties(&reader)?,
        })
    }

    fn head(&self, topic: &str, client: &ClientOptions) -> Head {
        let message_expiry_interval = self.message_expiry.or(client.message_expiry);
        let properties = PublishProperties {
            message_expiry_interval,
            content_type: self.content_type.clone(),
            response_topic: self.response_topic.clone(),
            correlation_data: self.correlation_data.clone().map(Bytes::from),
            user_properties: self.user_properties.clone(),
            ..PublishProperties::default()
        };
        let used = properties != PublishProperties::default();
        Head {
            topic: Bytes::copy_from_slice(topic.as_bytes()),
            qos: self.qos.unwrap_or(client.qos),
            retain: self.retained.unwrap_or(client.retained),
            properties: (used && client.version == Version::V5).then_some(properties),
        }
    }
}

fn correlation_data(reader: &SettingsReader) -> Result<Option<Vec<u8>>> {
    match reader.bytes("correlation-data")? {
        Some(data) if data.len() > 65_535 => Err(Error::run(
            "option correlation-data: at most 65535 bytes are possible",
        )),
        data => Ok(data),
    }
}

fn user_properties(reader: &SettingsReader) -> Result<Vec<(String, String)>> {
    let wrong = || Error::run("option user-properties: a record of strings is wanted");
    match reader.value("user-properties") {
        None => Ok(Vec::new()),
        Some(Setting::Group(pairs)) => pairs
            .iter()
            .map(|(key, value)| match value {
                Setting::Text(text) => Ok((
                    sendable("user-properties", key)?,
                    sendable("user-properties", text)?,
                )),
                _ => Err(wrong()),
            })
            .collect(),
        Some(_) => Err(wrong()),
    }
}

/// Publishes to one topic.
pub struct TopicPublisher {
    shared: Arc<Shared>,
    head: Arc<Head>,
    account: u32,
}

impl TopicPublisher {
    pub(super) fn new(
        shared: Arc<Shared>,
        topic: &str,
        options: PublishOptions,
    ) -> Result<TopicPublisher> {
        topic::check_topic(topic)?;
        let head = Arc::new(options.head(topic, &shared.options));
        let account = {
            let mut out = lock(&shared.outbox);
            shared.check_open(&out)?;
            out.open_account()
        };
        let publisher = TopicPublisher {
            shared,
            head,
            account,
        };
        publisher.check_broker()?;
        Ok(publisher)
    }

    /// What an MQTT 5 broker said that it cannot do (section 3.2.2.3).
    fn check_broker(&self) -> Result<()> {
        let connected = lock(&self.shared.connected).clone();
        if let Some(most) = connected.maximum_qos
            && self.head.qos.number() > i64::from(most)
        {
            return Err(Error::run(format!(
                "the broker of mqtt client {} takes messages at QoS {most} at most, not at {}",
                self.shared.name,
                self.head.qos.number()
            ))
            .help("set the option qos"));
        }
        if connected.no_retain && self.head.retain {
            return Err(Error::run(format!(
                "the broker of mqtt client {} does not keep messages: it refuses `retained`",
                self.shared.name
            )));
        }
        Ok(())
    }

    /// Hands a message over. Waits while too many wait to be sent. Fails if an earlier message of
    /// this publisher was refused, or the client can do no more.
    pub fn send(&mut self, payload: impl Into<Bytes>, token: &Token) -> Result<()> {
        let message = Some(Outgoing {
            account: self.account,
            head: self.head.clone(),
            payload: payload.into(),
            record: 0,
            falls: 0,
        });
        self.check_size(&message)?;
        // What goes wrong from here on may be about messages sent long before.
        self.hand_over(message, token)
            .map_err(Error::about_no_element)
    }

    fn hand_over(&mut self, mut message: Option<Outgoing>, token: &Token) -> Result<()> {
        if self.offer(&mut message)? {
            return Ok(());
        }
        let _awaited = self.shared.await_broker();
        let until = self.timeout();
        let sent = token.wait(until, || match self.offer(&mut message) {
            Ok(true) => Some(Ok(())),
            Ok(false) => None,
            Err(error) => Some(Err(error)),
        })?;
        sent.unwrap_or_else(|| Err(self.timed_out(1)))
    }

    /// Puts the message into the queue if there is room, and takes it out of the option. Otherwise
    /// this thread is unparked when there is.
    fn offer(&self, message: &mut Option<Outgoing>) -> Result<bool> {
        let size = message.as_ref().map_or(0, Outgoing::size);
        let mut out = lock(&self.shared.outbox);
        if !self.has_room(&mut out, size)? {
            return Ok(false);
        }
        let Some(mut message) = message.take() else {
            return Ok(true);
        };
        if message.head.qos > Qos::AtMostOnce
            && let Some(keeper) = &self.shared.keeper
        {
            // A disk may be slow, and the connection wants the lock. Meanwhile others may take the room:
            // as many messages too many as there are threads that publish.
            drop(out);
            let number = keeper.publication(&message.head, &message.payload)?;
            message.record = number.unwrap_or(0);
            out = lock(&self.shared.outbox);
            if let Err(error) = self.shared.check_open(&out) {
                drop(out);
                keeper.take_back(message.record);
                return Err(error);
            }
        }
        if message.head.qos > Qos::AtMostOnce {
            out.counts.owed += 1;
        }
        if let Some(account) = out.account(self.account) {
            account.sent += 1;
        }
        out.push(message);
        let wake = out.queue.len() >= out.wake_at;
        if wake {
            out.wake_at = usize::MAX;
        }
        drop(out);
        if wake {
            self.shared.wake.notify_one();
        }
        Ok(true)
    }

    /// Whether a message of `size` bytes may be put into the queue. Otherwise this thread is unparked
    /// when one may.
    fn has_room(&self, out: &mut Outbox, size: usize) -> Result<bool> {
        let options = &self.shared.options;
        self.shared.check_open(out)?;
        if let Some(account) = out.account(self.account)
            && account.refused > 0
        {
            let error = refused(&self.head, account.refused, account.fault.as_deref());
            account.refused = 0;
            return Err(error);
        }
        if !options.send_while_disconnected && !matches!(out.phase, Phase::Up) {
            return Err(Error::run(format!(
                "mqtt client {} is disconnected, and sendWhileDisconnected is false",
                self.shared.name
            )));
        }
        if !out.has_room(options.max_buffered, size) {
            out.check_answers()?;
            out.waiting.push(thread::current());
            return Ok(false);
        }
        Ok(true)
    }

    fn check_size(&self, message: &Option<Outgoing>) -> Result<()> {
        let payload = message.as_ref().map_or(0, |m| m.payload.len());
        let size = wire::publish_size(self.shared.options.version, &self.head, payload);
        let most = wire::maximum_packet(lock(&self.shared.connected).maximum_packet);
        if size <= most {
            return Ok(());
        }
        Err(Error::run(format!(
            "a message of {payload} bytes to `{}` is too large: its packet has {size} bytes, and the \
             broker takes {most}",
            self.topic()
        )))
    }

    /// Waits until everything sent is settled: acknowledged at QoS 1 and 2, written to the network
    /// at QoS 0. The error says how many messages were not, and why.
    pub fn finish(&mut self, token: &Token) -> Result<()> {
        let _awaited = self.shared.await_broker();
        loop {
            let before = self.settled();
            let done = token.wait(self.timeout(), || self.poll_finished())?;
            match done {
                Some(result) => return result,
                None if self.settled() > before => {}
                None => return Err(self.timed_out(0)),
            }
        }
    }

    fn settled(&self) -> u64 {
        let mut out = lock(&self.shared.outbox);
        out.account(self.account).map_or(0, |a| a.settled)
    }

    fn poll_finished(&self) -> Option<Result<()>> {
        let mut out = lock(&self.shared.outbox);
        let over = self.shared.check(&out).and(out.check_answers());
        let account = out.account(self.account)?;
        if account.refused > 0 {
            let error = refused(&self.head, account.refused, account.fault.as_deref());
            account.refused = 0;
            return Some(Err(error));
        }
        let open = account.sent - account.settled;
        if open == 0 {
            drop(out);
            let keeper = self.shared.keeper.as_ref();
            let keeper = keeper.filter(|_| self.head.qos > Qos::AtMostOnce);
            return Some(keeper.map_or(Ok(()), |keeper| keeper.check_ends()));
        }
        if let Err(error) = over {
            return Some(Err(error.context(format!(
                "{open} of {} messages to `{}` were not delivered",
                account.sent,
                self.topic()
            ))));
        }
        account.waiter = Some(thread::current());
        None
    }

    fn timeout(&self) -> Option<Instant> {
        self.shared
            .options
            .publish_timeout
            .map(|t| Instant::now() + t)
    }

    /// `more` messages are not even in the books.
    fn timed_out(&self, more: u64) -> Error {
        let open = {
            let mut out = lock(&self.shared.outbox);
            out.account(self.account).map_or(0, |a| a.sent - a.settled) + more
        };
        let timeout = self.shared.options.publish_timeout.unwrap_or_default();
        Error::run(format!(
            "publishing to `{}` through mqtt client {} made no progress for {} s: {open} message{} \
             not delivered",
            self.topic(),
            self.shared.name,
            timeout.as_secs_f64(),
            if open == 1 { " is" } else { "s are" }
        ))
        .help("the limit is the option publish-timeout")
    }

    fn topic(&self) -> &str {
        // It was made from a string.
        std::str::from_utf8(&self.head.topic).unwrap_or_default()
    }
}

fn refused(head: &Head, count: u64, fault: Option<&str>) -> Error {
    let topic = String::from_utf8_lossy(&head.topic);
    let fate = fault.unwrap_or("refused");
    Error::run(match count {
        1 => format!("a message to `{topic}` was {fate}"),
        n => format!("{n} messages to `{topic}` were {fate}"),
    })
}

impl Drop for TopicPublisher {
    fn drop(&mut self) {
        lock(&self.shared.outbox).abandon_account(self.account);
    }
}
