//! Short forms for tests that speak to brokers through the library.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use osql::mqtt::{Client, Clients, Message, TopicSubscription};
use osql::mqtt::{Setting, Settings};
use osql::text::diagnostic::Error;
use osql::text::wait::Token;

/// Options from names and values.
pub fn options<const N: usize>(fields: [(&str, Setting); N]) -> Settings {
    fields.into_iter().collect()
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

/// A client named `m`.
pub fn connect(options: &Settings) -> Result<(Clients, Arc<Client>), Error> {
    let clients = Clients::default();
    clients.register("m", options, &patience(30))?;
    let client = clients.get("m")?;
    Ok((clients, client))
}

/// The next message's payload as text.
pub fn text(subscription: &mut TopicSubscription) -> String {
    let message = subscription
        .recv(&patience(20))
        .expect("a message")
        .expect("not the end");
    payload(&message)
}

pub fn payload(message: &Message) -> String {
    String::from_utf8_lossy(&message.payload).into_owned()
}

/// A number of the client's status.
pub fn status(client: &Client, name: &str) -> i64 {
    client
        .status()
        .get(name)
        .and_then(Setting::as_integer)
        .expect(name)
}

/// Waits until `done` holds.
pub fn eventually(what: &str, mut done: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(30);
    while !done() {
        assert!(Instant::now() < end, "{what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}
