//! MQTT 3.1.1 and 5: clients that keep the promises of delivery.
//!
//! A [`Client`] has two sides. Queries are synchronous: a [`TopicPublisher`] hands messages over, a
//! [`TopicSubscription`] takes them. One task per client on a shared tokio runtime owns the connection
//! and the protocol's state. Between the two stand the outbox and the inbox, each behind one lock
//! that is held for moments, so that many messages change hands per wake-up.
//!
//! ```text
//! TopicPublisher ──▶ outbox ──▶ engine ──▶ pump ──▶ broker
//! TopicSubscription ◀── inbox ◀── engine ◀── pump ◀── broker
//! ```
//!
//! [`in_flight`] knows what was sent and is not answered, [`incoming`] what has come and is not
//! acknowledged; both are bounded. The [`pump`] moves packets over a [`connection`]; in a flood it rests
//! between two reads ([`read_pace`]), so that a wake-up serves many messages. The [`link`] makes
//! connections again when they are lost.
//!
//! All clients share one thread ([`runtime`]). Nothing on it may block: no sleep, no screen, no lock that
//! is held for long. The room uses `text`, and takes and gives plain [`Settings`]: it knows no value of
//! the language.
//!
//! Packets are read and written by rumqttc. Its event loop is not used, for two reasons: it hands
//! over message by message, through a channel and a notice each, where a stream of messages wants
//! batches; and it fails what was in flight when the broker lost its session, where `publish`
//! promises to send it again, in order, at every quality of service, for both versions alike.

mod address;
mod awaited;
#[cfg(feature = "broker")]
pub mod broker;
mod client;
mod connection;
mod engine;
mod filter_reader;
mod filters;
mod handshake;
mod in_flight;
mod in_hand;
mod inbox;
mod incoming;
mod journal;
mod link;
mod lost;
mod net;
mod options;
mod outbox;
mod pings;
mod publisher;
mod pump;
mod read_pace;
mod receipt;
mod receipt_hold;
mod request;
mod runtime;
mod seen;
mod settings;
mod socket;
mod subscription;
mod tls;
mod topic;
mod web_socket;
mod wire;

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

pub use address::{Address, Transport};
pub use client::Client;
pub use in_hand::MessagesInHand;
pub use inbox::{Message, Unread};
pub use options::{ClientOptions, FILE_OPTIONS, Qos, SECRET_OPTIONS, Version};
pub use publisher::{PublishOptions, TopicPublisher};
pub use receipt_hold::ReceiptHold;
pub use seen::SeenTopic;
pub use settings::{Setting, Settings, SettingsReader};
pub use subscription::{MessagesGiven, TopicSubscription};
pub use topic::{check_filter, check_topic};

use client::ClientSurroundings;

use crate::text::diagnostic::{Error, Kind, Result, nearest};
use crate::text::wait::{Token, lock};

/// How long a client that is replaced or unregistered may take to deliver what it has accepted.
const FLUSH: Duration = Duration::from_secs(30);

/// The clients of a session, by name.
pub struct Clients {
    clients: Mutex<Vec<Arc<Client>>>,
    surroundings: ClientSurroundings,
    /// The brokers that were started here. They end after the clients.
    #[cfg(feature = "broker")]
    pub brokers: broker::Brokers,
}

impl Default for Clients {
    /// Clients whose notices nobody reads.
    fn default() -> Clients {
        Clients::new(|_| {})
    }
}

impl Clients {
    /// No clients yet. `notice` gets one line at a time, without its newline, that the user should
    /// see: a connection lost, and back again.
    pub fn new(notice: impl Fn(&str) + Send + Sync + 'static) -> Clients {
        Clients {
            clients: Mutex::default(),
            surroundings: ClientSurroundings {
                notice: Arc::new(notice),
                verbose: Arc::default(),
                remembers_topics: Arc::default(),
                receipts: Arc::default(),
            },
            #[cfg(feature = "broker")]
            brokers: broker::Brokers::default(),
        }
    }

    /// Where acknowledgements wait for a commit.
    pub fn receipts(&self) -> &Arc<ReceiptHold> {
        &self.surroundings.receipts
    }

    /// How many messages all clients have received together.
    pub fn received(&self) -> u64 {
        lock(&self.clients)
            .iter()
            .map(|client| client.received())
            .sum()
    }

    /// Whether protocol events are said as well. Passwords and keys never are.
    pub fn set_verbose(&self, verbose: bool) {
        self.surroundings.verbose.store(verbose, Ordering::Relaxed);
    }

    /// The clients that are registered from now on remember the topics that they see.
    pub fn remember_topics(&self) {
        let remembers = &self.surroundings.remembers_topics;
        remembers.store(true, Ordering::Relaxed);
    }

    /// Every client's name with the topics that it remembers.
    pub fn seen_topics(&self) -> Vec<(String, Vec<SeenTopic>)> {
        let clients = lock(&self.clients).clone();
        let seen = clients
            .iter()
            .map(|client| (client.name().to_owned(), client.seen_topics()));
        seen.collect()
    }

    /// Connects a client and waits for the broker's answer. A client of that name is replaced,
    /// after what it has accepted is delivered.
    pub fn register(&self, name: &str, options: &Settings, token: &Token) -> Result<()> {
        check_name(name)?;
        // What is wrong with the options should not cost the old client.
        ClientOptions::read(options)?;
        if self.find(name).is_some()
            && let Err(error) = self.unregister(name, token)
        {
            if error.kind() == Kind::Stopped {
                return Err(error);
            }
            // The new client is wanted all the same.
            (self.surroundings.notice)(error.message());
        }
        let client = Client::connect(name, options, self.surroundings.clone(), token)?;
        lock(&self.clients).push(Arc::new(client));
        Ok(())
    }

    /// The client of that name.
    pub fn get(&self, name: &str) -> Result<Arc<Client>> {
        self.find(name).ok_or_else(|| {
            let names = self.names();
            let error = Error::run(format!("there is no mqtt client named `{name}`"));
            let error = match nearest(name, names.iter().map(String::as_str)) {
                Some(near) => error.help(format!("did you mean `{near}`?")),
                None => error,
            };
            error.help(format!(
                "register it with mqtt:register_client(\"{name}\", {{…}})"
            ))
        })
    }

    fn find(&self, name: &str) -> Option<Arc<Client>> {
        lock(&self.clients)
            .iter()
            .find(|c| c.name() == name)
            .cloned()
    }

    /// Disconnects a client after what it has accepted is delivered, and forgets it. The error
    /// counts what was not delivered; the client is forgotten all the same.
    pub fn unregister(&self, name: &str, token: &Token) -> Result<()> {
        let client = self.get(name)?;
        client.begin_close();
        let result = client.finish_close(Instant::now() + FLUSH, token);
        lock(&self.clients).retain(|c| !Arc::ptr_eq(c, &client));
        result
    }

    /// The names of all clients, in the order of their registration.
    pub fn names(&self) -> Vec<String> {
        lock(&self.clients)
            .iter()
            .map(|c| c.name().to_owned())
            .collect()
    }

    /// Ends all clients: waits until everything at QoS 1 and 2 is acknowledged, at most `limit`,
    /// and disconnects properly, so that no will is sent. The error counts what was not delivered.
    pub fn close(&self, limit: Duration) -> Result<()> {
        let clients = std::mem::take(&mut *lock(&self.clients));
        clients.iter().for_each(|client| client.begin_close());
        let deadline = Instant::now() + limit;
        let token = Token::new();
        let mut result = Ok(());
        for client in clients {
            let closed = client.finish_close(deadline, &token);
            result = match (result, closed) {
                (Err(first), Err(next)) => Err(first.help(next.message())),
                (Err(error), _) | (_, Err(error)) => Err(error),
                _ => Ok(()),
            };
        }
        result
    }
}

/// The name stands before a colon in `publish` and `subscribe`.
fn check_name(name: &str) -> Result<()> {
    if name.is_empty() || name.contains(':') {
        return Err(Error::run(format!(
            "`{name}` cannot be the name of an mqtt client: it must not be empty or contain a colon"
        )));
    }
    Ok(())
}
