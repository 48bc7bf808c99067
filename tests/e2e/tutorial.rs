//! The tutorial, word for word, against a real mosquitto that stands in for test.mosquitto.org: plain
//! on port 1883, and on 8883 with a certificate of version 1, as the real one has.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::support::osql::{Captured, Osql, osql, osql_by};
use crate::support::sandbox::Sandbox;
use crate::support::subscriber::Subscriber;
use crate::support::tmux::Terminal;
use crate::support::wait::{wait_for, wait_until};
use tempfile::TempDir;

/// The five statements of the page about TLS, as a user pastes them.
const SECURE: &str = r#"loadsystem(startup_dir()+"../extenders/sa.mqtt","mqtt.osql");
set :mqtt_connect_opts = {
    "qos": 1,
    "connection": "ssl://test.mosquitto.org:8883",
    "cafile": sa_home() + "models/mqtt-tutorial/mosquitto.org.crt",
    "clientid": "client" + sha256(ntoa(rand(10e16)))
};
mqtt:register_client("mqtt",:mqtt_connect_opts);
doc("mqtt:register_client");
publish(streamof("My first secure message!"), "mqtt:my/experimental");
"#;

/// test.mosquitto.org in a sandbox, with a home folder whose certificate file is its authority.
struct Broker {
    mosquitto: Child,
    folder: TempDir,
    sandbox: Sandbox,
}

impl Broker {
    fn start() -> Broker {
        let folder = TempDir::new().expect("a folder");
        let tutorial = folder.path().join("models/mqtt-tutorial");
        fs::create_dir_all(&tutorial).expect("can be made");
        make_certificates(folder.path());
        let authority = folder.path().join("ca.crt");
        fs::copy(authority, tutorial.join("mosquitto.org.crt")).expect("can be copied");
        let at = folder.path().display();
        let config = format!(
            "user root\nallow_anonymous true\nlistener 1883\n\
             listener 8883\ncertfile {at}/server.crt\nkeyfile {at}/server.key\n"
        );
        let file = folder.path().join("mosquitto.conf");
        fs::write(&file, config).expect("can be written");
        let sandbox = Sandbox::new();
        let mosquitto = sandbox
            .command("mosquitto")
            .arg("-c")
            .arg(file)
            .stderr(Stdio::null())
            .spawn()
            .expect("mosquitto is installed; tests/run does that");
        let broker = Broker {
            mosquitto,
            folder,
            sandbox,
        };
        broker.wait_until_up();
        broker
    }

    fn wait_until_up(&self) {
        wait_until("mosquitto starts", || {
            let up = self
                .client("mosquitto_pub")
                .args(["-t", "up", "-n"])
                .output();
            up.expect("is installed").status.success()
        });
    }

    fn client(&self, program: &str) -> Command {
        let mut command = self.sandbox.command(program);
        command.args(["-h", "test.mosquitto.org"]);
        command
    }

    fn subscriber(&self) -> Subscriber {
        let arguments = ["-h", "test.mosquitto.org", "-t", "my/experimental"];
        Subscriber::by(self.sandbox.command("stdbuf"), &arguments)
    }

    fn publish(&self, message: &str) {
        let status = self
            .client("mosquitto_pub")
            .args(["-q", "1", "-t", "my/experimental", "-m", message])
            .status();
        assert!(status.expect("is installed").success());
    }

    /// Publishes again and again, as the other side may not listen yet, until `output` holds `line`.
    fn publish_until_seen(&self, message: &str, output: &Captured, line: &str) {
        wait_for(|| {
            let so_far = output.text();
            if so_far.contains(line) {
                return Ok(());
            }
            self.publish(message);
            Err(format!("no {line:?} in {so_far}"))
        });
    }

    /// A prompt; all of the same broker share a history.
    fn terminal(&self) -> Terminal {
        let home = self.folder.path();
        let before = format!("SA_HOME='{}' {}", home.display(), self.sandbox.prefix());
        Terminal::start_with(&before, "", 100, 40, home)
    }

    fn osql(&self) -> Osql {
        osql_by(self.sandbox.command(env!("CARGO_BIN_EXE_osql"))).home(self.folder.path())
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        let _ = self.mosquitto.kill();
        let _ = self.mosquitto.wait();
    }
}

/// An authority, and a certificate of version 1 that it has signed for test.mosquitto.org.
fn make_certificates(folder: &Path) {
    let commands = [
        "req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.crt -days 3 -subj /CN=Authority",
        "req -newkey rsa:2048 -nodes -keyout server.key -out server.csr -subj /CN=test.mosquitto.org",
        "x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 3 -out server.crt",
        "x509 -in server.crt -noout -text",
    ];
    for arguments in commands {
        let output = Command::new("openssl")
            .args(arguments.split(' '))
            .current_dir(folder)
            .output()
            .expect("openssl is installed");
        assert!(output.status.success(), "{output:?}");
        if arguments.ends_with("-text") {
            let text = String::from_utf8_lossy(&output.stdout);
            assert!(text.contains("Version: 1 (0x0)"), "{text}");
        }
    }
}

/// A script of the tutorial as it is in the repository.
fn script(name: &str) -> String {
    format!("{}/models/mqtt-tutorial/{name}", env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn the_secure_page_piped_in() {
    let broker = Broker::start();
    let subscriber = broker.subscriber();
    let output = broker.osql().stdin(SECURE).run();
    assert_eq!((output.code, output.stderr.as_str()), (0, ""));
    assert!(
        output.stdout.contains("cafile"),
        "the documentation: {output:?}"
    );
    assert_eq!(subscriber.messages(1), ["My first secure message!"]);
}

#[test]
fn the_secure_page_as_a_file() {
    let broker = Broker::start();
    let subscriber = broker.subscriber();
    let output = broker.osql().arg(script("secure-mqtt.osql")).run();
    assert_eq!((output.code, output.stderr.as_str()), (0, ""));
    assert_eq!(subscriber.messages(1), ["My first secure message!"]);
}

/// The same by hand: statements over several lines, Ctrl-C in a subscription, and the history in the
/// next start.
#[test]
fn the_pages_typed_at_the_prompt() {
    let broker = Broker::start();
    let subscriber = broker.subscriber();
    let first = broker.terminal();
    first.wait_prompt();
    let statements = SECURE.split_inclusive(";\n");
    for statement in statements.filter(|s| !s.starts_with("doc")) {
        statement.lines().for_each(|line| first.enter(line));
        first.wait_prompt();
    }
    assert_eq!(subscriber.messages(1), ["My first secure message!"]);

    first.enter("select charstring(b) from binary b");
    first.enter("where b in subscribe(\"mqtt:my/experimental\");");
    wait_for(|| {
        let screen = first.screen();
        if screen.contains("\n\"typed elsewhere\"") {
            return Ok(());
        }
        broker.publish("typed elsewhere");
        Err(screen)
    });
    first.press("C-c");
    first.wait_for("stopped");
    first.wait_prompt();
    first.press("C-d");
    first.wait_for("[exit 0]");

    let second = broker.terminal();
    second.wait_prompt();
    second.press("Up");
    second.wait_for("where b in subscribe(\"mqtt:my/experimental\");");
}

#[test]
fn the_simple_page_both_ways() {
    let broker = Broker::start();
    let subscriber = broker.subscriber();
    let running = broker
        .osql()
        .args(["--timeout", "3"])
        .arg(script("simple.osql"))
        .spawn();
    // Each of the two subscriptions listens until its time is up.
    broker.publish_until_seen("Hello, osql!", &running.stdout, "\"Hello, osql!\"\n");
    subscriber.output.wait_line("My first message!");
    subscriber
        .output
        .wait_line("{\"message\":\"My first JSON message!\"}");
    broker.publish_until_seen(
        "{\"message\": \"Here comes JSON!\"}",
        &running.stdout,
        "{\"message\":\"Here comes JSON!\"}\n",
    );
    let output = running.finish();
    assert_eq!((output.code, output.stderr.as_str()), (0, ""));
}

#[test]
fn messages_as_the_result_of_a_query() {
    let broker = Broker::start();
    let subscriber = broker.subscriber();
    let output = broker
        .osql()
        .args(["--timeout", "3"])
        .arg(script("query-msg.osql"))
        .run();
    assert_eq!((output.code, output.stderr.as_str()), (0, ""));
    let messages = subscriber.messages_until(|all| {
        let first = all.iter().any(|m| m.contains("sa_value"));
        first && all.iter().any(|m| m.contains("my_value"))
    });
    for message in messages {
        let time = if message.contains("sa_value") {
            "{\"sa_time\":\"20"
        } else {
            ",\"my_time\":\"20"
        };
        assert!(message.contains(time), "{message}");
        assert!(!message.contains("value\":-"), "{message}");
    }
}

#[test]
fn what_is_published_last_still_arrives() {
    let broker = Broker::start();
    let subscriber = broker.subscriber();
    let connect = SECURE.split_inclusive(";\n").take(3).collect::<String>();
    let publish = "publish(siota(1,1000), \"mqtt:my/experimental\"); quit;";
    let output = broker.osql().stdin(connect + publish).run();
    assert_eq!((output.code, output.stderr.as_str()), (0, ""));
    let expected: Vec<_> = (1..=1000).map(|i| i.to_string()).collect();
    assert_eq!(subscriber.messages(1000), expected);
}

#[test]
fn the_demo_needs_nothing_but_osql() {
    let output = osql().arg(script("demo.osql")).run();
    assert_eq!((output.code, output.stderr.as_str()), (0, ""));
    assert_eq!(output.lines().last(), Some(&"\"My first secure message!\""));
}
