//! Short forms for tests that speak to brokers through the library.

use std::fmt::Display;
use std::ops::Deref;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use osql::mqtt::{
    Client, Clients, Message, PublishOptions, Setting, Settings, TopicPublisher, TopicSubscription,
};
use osql::text::diagnostic::Error;
use osql::text::wait::Token;

use super::mosquitto::Mosquitto;
use super::wait::wait_until;

/// Options from names and values.
pub fn options<const N: usize>(fields: [(&str, Setting); N]) -> Settings {
    fields.into_iter().collect()
}

/// The option that names the broker, and `more`.
pub fn options_for<const N: usize>(broker: &Mosquitto, more: [(&str, Setting); N]) -> Settings {
    let mut all = options([("connection", broker.url("tcp").into())]);
    for (name, value) in more {
        all.put(name, value);
    }
    all
}

/// A path as an option's value.
pub fn path(path: &Path) -> Setting {
    Setting::text(path.display().to_string())
}

/// A token that ends a test that hangs.
pub fn patience(seconds: u64) -> Token {
    Token::new().child_until(
        Instant::now() + Duration::from_secs(seconds),
        "the test takes too long",
    )
}

/// A connected client, and what keeps it alive.
pub struct Connection {
    pub clients: Clients,
    client: Arc<Client>,
}

impl Deref for Connection {
    type Target = Arc<Client>;

    fn deref(&self) -> &Arc<Client> {
        &self.client
    }
}

/// Connects a client with these options.
pub fn connect(options: &Settings) -> Result<Connection, Error> {
    connect_by(Clients::default(), options)
}

/// The same as one of these clients.
pub fn connect_by(clients: Clients, options: &Settings) -> Result<Connection, Error> {
    clients.register("m", options, &patience(30))?;
    let client = clients.get("m")?;
    Ok(Connection { clients, client })
}

impl Connection {
    /// Connects to `broker` with these options besides its address.
    #[track_caller]
    pub fn to<const N: usize>(broker: &Mosquitto, more: [(&str, Setting); N]) -> Connection {
        connect(&options_for(broker, more)).expect("connected")
    }

    #[track_caller]
    pub fn listen(&self, filter: &str) -> TopicSubscription {
        self.client
            .subscribe(filter, &patience(10))
            .expect("subscribed")
    }

    /// A publisher without options of its own.
    #[track_caller]
    pub fn sender(&self, topic: &str) -> TopicPublisher {
        self.client
            .publisher(topic, PublishOptions::default())
            .expect("a publisher")
    }

    /// Publishes all of these; they are acknowledged after that.
    #[track_caller]
    pub fn publish(&self, topic: &str, messages: impl IntoIterator<Item = impl Display>) {
        let mut publisher = self.sender(topic);
        send(&mut publisher, messages);
        publisher.finish(&patience(60)).expect("all acknowledged");
    }

    /// A number of the client's status.
    #[track_caller]
    pub fn number(&self, name: &str) -> i64 {
        let status = self.client.status();
        status.get(name).and_then(Setting::as_integer).expect(name)
    }

    pub fn state(&self) -> Option<Setting> {
        self.client.status().get("state").cloned()
    }

    #[track_caller]
    pub fn wait_for_state(&self, state: &str) {
        let wanted = Some(Setting::text(state));
        wait_until(state, || self.state() == wanted);
    }

    /// Disconnects, once all is delivered.
    #[track_caller]
    pub fn close(self) {
        self.close_within(Duration::from_secs(10)).expect("closed");
    }

    pub fn close_within(self, limit: Duration) -> Result<(), Error> {
        self.clients.close(limit)
    }
}

/// Hands all of these to the publisher.
#[track_caller]
pub fn send(publisher: &mut TopicPublisher, messages: impl IntoIterator<Item = impl Display>) {
    for message in messages {
        publisher
            .send(message.to_string().into_bytes(), &patience(60))
            .expect("sent, or kept to be sent");
    }
}

/// The next message.
#[track_caller]
pub fn next(subscription: &mut TopicSubscription) -> Message {
    let message = subscription.recv(&patience(60)).expect("a message");
    message.expect("not the end")
}

/// The next message's payload as text.
#[track_caller]
pub fn text(subscription: &mut TopicSubscription) -> String {
    payload(&next(subscription))
}

pub fn payload(message: &Message) -> String {
    String::from_utf8_lossy(&message.payload).into_owned()
}
