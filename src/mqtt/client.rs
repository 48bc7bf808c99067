//! A registered client, as queries see it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use rustls::ClientConfig;
use tokio::sync::Notify;

use super::awaited::{Awaited, AwaitedByThread};
use super::inbox::{FilterState, Inbox, Unread, Wanted};
use super::journal::{JournalKeeper, PublicationJournal};
use super::net::Agreed;
use super::options::ClientOptions;
use super::outbox::{Command, Outbox, Phase, Settled, UnsubscribeReply};
use super::publisher::{PublishOptions, TopicPublisher};
use super::receipt_hold::ReceiptHold;
use super::seen::SeenTopic;
use super::settings::{Setting, Settings};
use super::subscription::TopicSubscription;
use super::{journal, link, runtime, tls, topic};
use crate::text::diagnostic::{Error, Result};
use crate::text::shown::shown_on_a_line;
use crate::text::wait::{Token, lock};

/// Says one line to the user.
pub type Notice = Arc<dyn Fn(&str) + Send + Sync>;

/// What all clients of a session share.
#[derive(Clone)]
pub struct ClientSurroundings {
    pub notice: Notice,
    pub verbose: Arc<AtomicBool>,
    /// Whether new clients remember the topics that they see.
    pub remembers_topics: Arc<AtomicBool>,
    pub receipts: Arc<ReceiptHold>,
}

/// What the queries' side and the connection's side of a client have in common.
pub struct Shared {
    pub name: String,
    pub options: ClientOptions,
    pub tls: Option<Arc<ClientConfig>>,
    pub notice: Notice,
    pub verbose: Arc<AtomicBool>,
    pub outbox: Mutex<Outbox>,
    pub inbox: Mutex<Inbox>,
    /// Wakes the connection.
    pub wake: Notify,
    pub connected: Mutex<Connected>,
    /// Keeps publications on disk, with the option `persistence`.
    pub keeper: Option<Arc<JournalKeeper>>,
    /// Who waits for the broker.
    pub awaited: Awaited,
    /// How many of its messages failed in a query, and were set aside.
    pub failed_elements: Arc<AtomicU64>,
    /// Where acknowledgements wait for a commit.
    pub receipts: Arc<ReceiptHold>,
}

/// What the broker said when the connection was made.
#[derive(Clone, Default)]
pub struct Connected {
    pub tls: Option<Agreed>,
    pub assigned_id: Option<String>,
    /// The largest packet that the broker takes, in bytes (MQTT 5).
    pub maximum_packet: Option<u32>,
    pub maximum_qos: Option<u8>,
    pub no_retain: bool,
}

impl Shared {
    pub fn new(
        name: &str,
        options: ClientOptions,
        tls: Option<Arc<ClientConfig>>,
        ClientSurroundings {
            notice,
            verbose,
            remembers_topics,
            receipts,
        }: ClientSurroundings,
        journal: Option<PublicationJournal>,
    ) -> Arc<Shared> {
        Arc::new(Shared {
            name: name.to_owned(),
            options,
            tls,
            notice,
            verbose,
            outbox: Mutex::default(),
            inbox: Mutex::new(Inbox::new(remembers_topics.load(Ordering::Relaxed))),
            wake: Notify::new(),
            connected: Mutex::default(),
            keeper: journal.map(JournalKeeper::new),
            awaited: Awaited::default(),
            failed_elements: Arc::default(),
            receipts,
        })
    }

    /// Gives the connection something to do.
    pub fn command(&self, command: Command) {
        let mut out = lock(&self.outbox);
        if matches!(out.phase, Phase::Failed(_) | Phase::Closed) {
            return;
        }
        out.commands.push(command);
        let wake = out.commands.len() >= out.wake_at_commands;
        drop(out);
        if wake {
            self.wake.notify_one();
        }
    }

    /// This thread waits for an answer of the broker until what is given is dropped.
    pub fn await_broker(&self) -> AwaitedByThread<'_> {
        self.awaited.by_this_thread(&self.wake)
    }

    /// Books what has become of publications.
    pub fn book(&self, settled: impl IntoIterator<Item = Settled>) {
        let orphans = lock(&self.outbox).book(settled);
        // Nobody will ask about these: it is said here.
        for (head, fault) in orphans {
            let topic = String::from_utf8_lossy(&head.topic);
            self.say(format!("a message to `{topic}` was {fault}"));
        }
    }

    /// Says a line about this client.
    pub fn say(&self, text: impl AsRef<str>) {
        let line = format!("mqtt client {}: {}", self.name, text.as_ref());
        // What a broker says must not look like a line of its own.
        (self.notice)(&shown_on_a_line(&line));
    }

    /// Says a line if the user wants to see the protocol.
    pub fn trace(&self, text: impl FnOnce() -> String) {
        if self.verbose.load(Ordering::Relaxed) {
            self.say(text());
        }
    }

    /// An error if the client can do no more.
    pub fn check(&self, out: &Outbox) -> Result<()> {
        match &out.phase {
            Phase::Failed(error) => Err(error.clone()),
            Phase::Closed => Err(self.unregistered()),
            _ => Ok(()),
        }
    }

    /// The same, and an error if the client takes no more because it is about to end.
    pub fn check_open(&self, out: &Outbox) -> Result<()> {
        self.check(out)?;
        match out.closing {
            true => Err(self.unregistered()),
            false => Ok(()),
        }
    }

    fn unregistered(&self) -> Error {
        Error::run(format!("mqtt client {} was unregistered", self.name))
            .help("register it again with mqtt:register_client")
    }
}

/// A client that is connected, or was.
pub struct Client(Arc<Shared>);

impl Client {
    /// Connects and waits for the broker's answer.
    pub(super) fn connect(
        name: &str,
        options: &Settings,
        surroundings: ClientSurroundings,
        token: &Token,
    ) -> Result<Client> {
        let options = ClientOptions::read(options)?;
        let tls = match options.address.transport.is_tls() {
            true => Some(tls::configure(&options.tls)?),
            false => None,
        };
        let journal::Opened {
            journal,
            left,
            damage,
        } = journal::open(&options)?;
        let shared = Shared::new(name, options, tls, surroundings, journal);
        if let Some(damage) = damage {
            shared.say(damage);
        }
        if let Some(keeper) = &shared.keeper {
            keeper.start(&shared)?;
        }
        runtime::spawn(link::run(shared.clone(), left))?;
        let client = Client(shared);
        client
            .wait_until_up(token)
            .map_err(|e| e.context(format!("mqtt client {name}")))?;
        Ok(client)
    }

    fn wait_until_up(&self, token: &Token) -> Result<()> {
        let up = token.wait(None, || {
            let mut out = lock(&self.0.outbox);
            match &out.phase {
                Phase::Connecting => {
                    out.waiting.push(thread::current());
                    None
                }
                Phase::Failed(error) => Some(Err(error.clone())),
                _ => Some(Ok(())),
            }
        });
        match up {
            Ok(result) => result.unwrap_or(Ok(())),
            Err(stopped) => {
                self.abandon();
                Err(stopped)
            }
        }
    }

    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// How many of its messages failed in a query, and were set aside. The queries count.
    pub fn failed_elements(&self) -> &Arc<AtomicU64> {
        &self.0.failed_elements
    }

    /// This thread waits for a message until what is given is dropped, whatever other queries have
    /// before them.
    pub(super) fn await_broker(&self) -> AwaitedByThread<'_> {
        self.0.await_broker()
    }

    /// The options that it was registered with.
    pub fn options(&self) -> &ClientOptions {
        &self.0.options
    }

    /// Something that publishes to `topic`.
    pub fn publisher(&self, topic: &str, options: PublishOptions) -> Result<TopicPublisher> {
        TopicPublisher::new(self.0.clone(), topic, options)
    }

    /// Subscribes to `filter`; returns when the broker has agreed.
    pub fn subscribe(&self, filter: &str, token: &Token) -> Result<TopicSubscription> {
        topic::check_filter(filter)?;
        self.0.check_open(&lock(&self.0.outbox))?;
        let (wanted, reader) = lock(&self.0.inbox).add_reader(filter);
        let subscription = TopicSubscription::new(self.0.clone(), filter, reader);
        let number = match wanted {
            Wanted::Ask(number) => {
                self.0.command(Command::Subscribe(number));
                number
            }
            Wanted::Wait(number) => number,
        };
        let _awaited = self.0.await_broker();
        let state = token.wait(None, || {
            let out = lock(&self.0.outbox);
            if let Err(error) = self.0.check(&out).and(out.check_answers()) {
                return Some(Err(error));
            }
            drop(out);
            match lock(&self.0.inbox).state(number, thread::current()) {
                Some(FilterState::Asked) => None,
                Some(state) => Some(Ok(state)),
                None => Some(Ok(FilterState::Granted)),
            }
        })?;
        match state.unwrap_or(Ok(FilterState::Granted))? {
            FilterState::Refused(reason) => Err(Error::run(format!(
                "the broker of mqtt client {} refuses the subscription to `{filter}`: {reason}",
                self.0.name
            ))
            .help("check the topic filter, and what the broker allows this client")),
            _ => Ok(subscription),
        }
    }

    /// What a kept session has that no query reads.
    pub fn unread(&self) -> Unread {
        lock(&self.0.inbox).unread()
    }

    /// Gives a filter up that the broker has for this client, perhaps from an earlier process; returns
    /// when the broker has agreed. An error if a query reads it, or if the broker does not have it, which
    /// only MQTT 5 says.
    pub fn unsubscribe(&self, filter: &str, token: &Token) -> Result<()> {
        topic::check_filter(filter)?;
        self.0.check_open(&lock(&self.0.outbox))?;
        let Some(commands) = lock(&self.0.inbox).forget(filter) else {
            return Err(Error::run(format!(
                "a query reads `{filter}` of mqtt client {}",
                self.0.name
            ))
            .help("it is given up when the query ends"));
        };
        for command in commands {
            self.0.command(command);
        }
        let reply = UnsubscribeReply::awaited();
        self.0.command(Command::Unsubscribe {
            filter: filter.to_owned(),
            reply: Some(reply.clone()),
        });
        let _awaited = self.0.await_broker();
        let answered = token.wait(None, || {
            let mut out = lock(&self.0.outbox);
            out.waiting.push(thread::current());
            match self.0.check(&out).and(out.check_answers()) {
                Err(error) => Some(Err(error)),
                Ok(()) => reply.get().map(Ok),
            }
        })?;
        match answered.unwrap_or(Ok(Ok(())))? {
            Ok(()) => Ok(()),
            Err(reason) => Err(Error::run(format!(
                "the broker of mqtt client {} does not give up `{filter}`: {reason}",
                self.0.name
            ))),
        }
    }

    /// How many messages it has received.
    pub fn received(&self) -> u64 {
        lock(&self.0.outbox).counts.received
    }

    /// The topics that it remembers to have seen.
    pub fn seen_topics(&self) -> Vec<SeenTopic> {
        lock(&self.0.inbox).seen_topics()
    }

    /// The client as `mqtt:status` shows it. Never contains a secret.
    pub fn status(&self) -> Settings {
        let shared = &self.0;
        let (phase, counts, buffered) = {
            let out = lock(&shared.outbox);
            (out.phase.clone(), out.counts.clone(), out.queue.len())
        };
        let inbox = lock(&shared.inbox).summary();
        let connected = lock(&shared.connected).clone();
        let state = match phase {
            Phase::Connecting => "connecting",
            Phase::Up => "connected",
            Phase::Down => "reconnecting",
            Phase::Failed(_) => "failed",
            Phase::Closed => "closed",
        };
        let count = |n: u64| Setting::Integer(n as i64);
        let options = &shared.options;
        let client_id = connected.assigned_id.as_deref();
        let filters = inbox.filters.iter().map(|filter| Setting::text(&**filter));
        Settings::from_iter([
            ("name", Setting::text(&shared.name)),
            ("state", Setting::text(state)),
            ("broker", Setting::text(options.address.to_string())),
            ("version", Setting::Integer(options.version.number())),
            (
                "clientid",
                Setting::text(client_id.unwrap_or(&options.client_id)),
            ),
            (
                "tls-version",
                connected.tls.as_ref().map(|t| t.version.clone()).into(),
            ),
            (
                "tls-suite",
                connected.tls.as_ref().map(|t| t.suite.clone()).into(),
            ),
            ("sent", count(counts.sent)),
            ("acknowledged", count(counts.acknowledged)),
            ("refused", count(counts.refused)),
            ("in-flight", count(counts.in_flight as u64)),
            ("buffered", count(buffered as u64)),
            ("resent", count(counts.resent)),
            ("received", count(counts.received)),
            ("waiting", count(inbox.waiting as u64)),
            ("dropped", count(inbox.dropped)),
            ("too-large", count(counts.too_large)),
            ("passed-by", count(inbox.passed_by)),
            (
                "failed-elements",
                count(shared.failed_elements.load(Ordering::Relaxed)),
            ),
            ("reconnects", count(counts.reconnects)),
            ("subscriptions", Setting::List(filters.collect())),
            ("last-error", counts.last_error.into()),
        ])
    }

    /// Begins to end: what is accepted will be sent, then the connection is closed. No more is
    /// accepted.
    pub(super) fn begin_close(&self) {
        let mut out = lock(&self.0.outbox);
        out.closing = true;
        out.wake_waiting();
        drop(out);
        self.0.wake.notify_one();
    }

    fn abandon(&self) {
        lock(&self.0.outbox).abandon = true;
        self.0.wake.notify_one();
    }

    /// Waits until everything is delivered and the connection closed, at most until `deadline`.
    /// The error counts what was not delivered.
    pub(super) fn finish_close(&self, deadline: Instant, token: &Token) -> Result<()> {
        let ended = self.wait_for_end(deadline, token);
        let owed = lock(&self.0.outbox).undelivered();
        if !matches!(ended, Ok(true)) {
            self.abandon();
            // The farewell itself is short.
            let _ = self.wait_for_end(Instant::now() + Duration::from_secs(1), token);
        }
        ended?;
        if owed == 0 {
            let ends = self.0.keeper.as_ref().map_or(Ok(()), |k| k.check_ends());
            return ends.map_err(|fault| fault.context(format!("mqtt client {}", self.0.name)));
        }
        let why = match lock(&self.0.outbox).counts.last_error.clone() {
            Some(why) => format!(": {why}"),
            None => String::new(),
        };
        let kept = match self.0.options.persistence {
            Some(_) => "they are kept for the next run with this clientid",
            None => "they are lost; persistence: \"folder\" would keep them",
        };
        Err(Error::run(format!(
            "mqtt client {}: {owed} message{} not delivered{why}",
            self.0.name,
            if owed == 1 { " was" } else { "s were" }
        ))
        .help(kept))
    }

    /// `true` when the connection has ended, `false` at the deadline.
    fn wait_for_end(&self, deadline: Instant, token: &Token) -> Result<bool> {
        let _awaited = self.0.await_broker();
        let ended = token.wait(Some(deadline), || {
            let mut out = lock(&self.0.outbox);
            match out.phase {
                Phase::Failed(_) | Phase::Closed => Some(()),
                _ => {
                    out.waiting.push(thread::current());
                    None
                }
            }
        })?;
        Ok(ended.is_some())
    }
}
