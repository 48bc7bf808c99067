//! `osql topics`: the topics of a broker, and what has come on each.

use std::process::Command;
use std::thread;
use std::time::Duration;

use crate::support::mosquitto::Mosquitto;
use crate::support::osql::{Osql, osql};
use crate::support::tmux::Terminal;
use crate::support::wait::wait_for;

/// Publishes one message, which the broker keeps.
#[track_caller]
fn keep(broker: &Mosquitto, topic: &str, payload: &str) {
    publish(broker, topic, payload, &["-r"]);
}

#[track_caller]
fn publish(broker: &Mosquitto, topic: &str, payload: &str, more: &[&str]) {
    let output = Command::new("mosquitto_pub")
        .args(["-h", "localhost", "-p", &broker.port.to_string(), "-q", "1"])
        .args(["-t", topic, "-m", payload])
        .args(more)
        .output()
        .expect("mosquitto_pub is installed; tests/run does that");
    assert!(output.status.success(), "{output:?}");
}

/// A broker with a message of each kind.
fn home() -> Mosquitto {
    let broker = Mosquitto::start("");
    keep(&broker, "home/hall/temp", "21.5");
    keep(&broker, "home/hall/state", r#"{"on": true}"#);
    keep(&broker, "home/attic", "it's, \"cold\"");
    broker
}

fn topics(broker: &Mosquitto, more: &[&str]) -> Osql {
    osql().args(["topics", &broker.url("mqtt")]).args(more)
}

#[test]
fn a_pipe_gets_the_table_once() {
    let broker = home();
    topics(&broker, &["--timeout", "1"]).run().expect_ok(
        "topic            count  rate  size  bytes  kind    last\n\
         home/attic           1   0.0    12     12  text    it's, \"cold\"\n\
         home/hall/state      1   0.0    12     12  object  {\"on\": true}\n\
         home/hall/temp       1   0.0     4      4  number  21.5\n",
    );
    let filtered = ["home/+", "--timeout", "1", "--format"];
    topics(&broker, &[&filtered[..], &["json"]].concat())
        .run()
        .expect_ok(
            r#"{"topic":"home/attic","count":1,"rate":0.0,"size":12,"bytes":12,"kind":"text","last":"it's, \"cold\""}
"#,
        );
    topics(&broker, &[&filtered[..], &["csv"]].concat())
        .run()
        .expect_ok(
            "topic,count,rate,size,bytes,kind,last\n\
             home/attic,1,0.0,12,12,text,\"it's, \"\"cold\"\"\"\n",
        );
    topics(&broker, &["none/#", "--timeout", "0.1"])
        .run()
        .expect_ok("");
}

#[test]
fn a_signal_ends_it_with_what_has_come() {
    let broker = home();
    // What it has seen cannot be seen from outside: it is given more time until it has.
    let mut pause = Duration::from_millis(400);
    let output = wait_for(|| {
        let running = topics(&broker, &["home/attic"]).spawn();
        thread::sleep(pause);
        pause *= 2;
        running.signal("INT");
        let output = running.finish();
        match output.stdout.contains("\nhome/attic ") {
            true => Ok(output),
            false => Err(format!("{output:?}")),
        }
    });
    assert_eq!((output.code, output.stderr.as_str()), (130, "stopped\n"));
}

#[test]
fn the_statements_can_be_seen_and_run() {
    let broker = home();
    let shown = topics(&broker, &["home/+", "--timeout", "0.5", "--show"]).run();
    let url = broker.url("mqtt");
    shown.expect_ok(&format!(
        "set :broker = mqtt:register_client(\"broker\", {{\"connection\": \"{url}\"}});\n\
         mqtt:topics(timeout(subscribe:topic(\"broker:home/+\"), 0.5), 0.25);\n"
    ));
    let run = osql().statements(&shown.stdout).run();
    let last = run.lines().pop().map(str::to_owned).unwrap_or_default();
    assert!(
        last.starts_with(r#"[{"topic":"home/attic","count":1,"rate":0.0,"size":12"#),
        "{run:?}"
    );
    osql()
        .statements(&format!(
            "set :broker = mqtt:register_client('broker', {{'connection': '{url}'}});
             select t['topic'] from Record t
              where t in mqtt:topics(timeout(subscribe:topic('broker:#'), 0.5)) and t['kind'] = 'number';"
        ))
        .run()
        .expect_ok("\"home/hall/temp\"\n");
}

#[test]
fn what_never_answers_is_noted() {
    let broker = home();
    let output = osql()
        .statements(&format!(
            "set :broker = mqtt:register_client('broker', {{'connection': '{}'}});
             first_n(mqtt:topics(subscribe:topic('broker:#')), 1);",
            broker.url("mqtt")
        ))
        .args(["--timeout", "0.2"])
        .run();
    assert!(
        output
            .stderr
            .contains("this function needs all of a stream"),
        "{output:?}"
    );
    osql()
        .statements("mqtt:topics(siota(1,2)); mqtt:topics(siota(1,2),0);")
        .run()
        .expect_error(1, "mqtt:topics counts messages, not 1");
}

#[test]
fn a_terminal_shows_the_tree_in_place() {
    let broker = home();
    let state = tempfile::TempDir::new().expect("a folder");
    let url = broker.url("mqtt");
    let terminal = Terminal::start(&format!("topics {url}"), 80, 24, state.path());
    let screen = terminal.wait_for("3 topics, 3 messages, 0.00/s;");
    let lines: Vec<_> = screen.lines().map(str::trim_end).collect();
    assert_eq!(
        lines[..lines.len() - 1],
        [
            "topic      count    rate  size  kind    last",
            "home/",
            "  attic        1  0.00/s  12 B  text    it's, \"cold\"",
            "  hall/",
            "    state      1  0.00/s  12 B  object  {\"on\": true}",
            "    temp       1  0.00/s   4 B  number  21.5",
        ]
    );
    publish(&broker, "home/hall/temp", "22", &[]);
    publish(&broker, "a\u{202e}b", "x\u{1b}[2J\u{1b}[31m", &[]);
    let screen = terminal.wait_for("4 topics, 5 messages");
    assert!(screen.contains("    temp       2"), "{screen}");
    assert!(screen.contains("a\u{fffd}b"), "{screen}");
    assert!(screen.contains("x␛[2J␛[31m"), "{screen}");
    assert_eq!(screen.matches("topic ").count(), 1, "{screen}");
    terminal.press("C-c");
    let screen = terminal.wait_for("[exit 130]");
    assert!(screen.contains("    temp       2"), "{screen}");
    assert!(screen.contains("stopped"), "{screen}");
}

#[test]
fn the_picture_follows_the_window() {
    let broker = home();
    for number in 0..30 {
        keep(&broker, &format!("many/t{number:02}"), "x");
    }
    let state = tempfile::TempDir::new().expect("a folder");
    let url = broker.url("mqtt");
    let terminal = Terminal::start(&format!("topics {url}"), 80, 10, state.path());
    let screen = terminal.wait_for("33 topics, 33 messages");
    assert!(
        screen.contains("many/         30  0.00/s                (30 topics below)"),
        "{screen}"
    );
    assert!(screen.contains("    temp"), "{screen}");
    terminal.resize(40, 6);
    let screen = terminal
        .wait_until(|screen| screen.contains("home/") && screen.contains("(3 topics below)"));
    assert_eq!(screen.matches("many/").count(), 1, "{screen}");
    terminal.resize(80, 50);
    let screen = terminal.wait_for("  t29 ");
    assert_eq!(screen.matches("33 topics").count(), 1, "{screen}");
    // A broker that goes away is said above the picture.
    drop(broker);
    let screen = terminal.wait_for("connection");
    assert!(
        screen
            .trim_end()
            .lines()
            .last()
            .is_some_and(|line| line.starts_with("33 topics")),
        "{screen}"
    );
}

#[test]
fn a_terminal_that_cannot_move_the_cursor_gets_the_table_at_the_end() {
    let broker = home();
    let state = tempfile::TempDir::new().expect("a folder");
    let url = broker.url("mqtt");
    let arguments = format!("topics {url} home/attic --timeout 0.5");
    let terminal = Terminal::start_with("TERM=dumb", &arguments, 80, 24, state.path());
    let screen = terminal.wait_for("[exit 0]");
    assert!(screen.contains("│ home/attic ┆     1 ┆"), "{screen}");
}
