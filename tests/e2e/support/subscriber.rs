//! A foreign subscriber: mosquitto_sub, which listens until it is dropped.

use std::process::{Child, Command, Stdio};

use super::mosquitto::Mosquitto;
use super::osql::Captured;

/// A running mosquitto_sub.
pub struct Subscriber {
    child: Child,
    pub output: Captured,
}

impl Subscriber {
    /// Listens to `topic` on `broker`, from now on.
    #[track_caller]
    pub fn start(broker: &Mosquitto, topic: &str) -> Subscriber {
        let port = broker.port.to_string();
        Subscriber::by(Command::new("stdbuf"), &["-p", &port, "-t", topic])
    }

    /// The same with mosquitto_sub's own arguments; `stdbuf` is the command that runs stdbuf(1).
    #[track_caller]
    pub fn by(mut stdbuf: Command, arguments: &[&str]) -> Subscriber {
        // Into a pipe it would keep its lines to itself for long; stdbuf sees to that, and becomes
        // mosquitto_sub.
        let mut child = stdbuf
            .args(["-oL", "mosquitto_sub", "-q", "1", "-d"])
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("mosquitto-clients are installed; tests/run does that");
        let output = Captured::new(child.stdout.take().expect("is piped"));
        let subscriber = Subscriber { child, output };
        subscriber.output.wait_line("Subscribed");
        subscriber
    }

    /// Waits until `count` messages have come, and gives all that have.
    #[track_caller]
    pub fn messages(&self, count: usize) -> Vec<String> {
        self.messages_until(|messages| messages.len() >= count)
    }

    /// Waits until the messages so far are `enough`, and gives them.
    #[track_caller]
    pub fn messages_until(&self, enough: impl Fn(&[String]) -> bool) -> Vec<String> {
        messages(&self.output.wait_until(|text| enough(&messages(text))))
    }
}

/// The lines that are messages: not what -d makes it say, and no half of a line.
fn messages(text: &str) -> Vec<String> {
    text.split_inclusive('\n')
        .filter_map(|line| line.strip_suffix('\n'))
        .filter(|line| !line.starts_with("Client ") && !line.starts_with("Subscribed"))
        .map(str::to_owned)
        .collect()
}

impl Drop for Subscriber {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
