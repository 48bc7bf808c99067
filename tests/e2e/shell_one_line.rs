//! `osql sub` and `osql pub`, beside mosquitto's own programs.

use std::process::Command;

use crate::support::mosquitto::Mosquitto;
use crate::support::osql::osql;
use crate::support::tmux::Terminal;

/// What mosquitto_sub prints of one retained message.
fn mosquitto_sub(broker: &Mosquitto, topic: &str) -> String {
    let output = Command::new("mosquitto_sub")
        .args(["-h", "localhost", "-p", &broker.port.to_string()])
        .args(["-t", topic, "-v", "-C", "1", "-W", "30"])
        .output()
        .expect("mosquitto_sub is installed; tests/run does that");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn a_message_is_published_and_printed_in_one_line_each() {
    let broker = Mosquitto::start("");
    let url = broker.url("mqtt");
    let text = "it's \"21\" °C";
    let published = osql()
        .args(["pub", &url, "home/hall", text, "--retain"])
        .run();
    published.expect_ok("");
    assert_eq!(
        mosquitto_sub(&broker, "home/#"),
        format!("home/hall {text}\n")
    );
    let printed = osql().args(["sub", &url, "home/#", "-C", "1"]).run();
    printed.expect_ok(&format!("home/hall {text}\n"));
    let payload = osql()
        .args(["sub", &url, "home/+", "-C", "1", "--payload-only"])
        .run();
    payload.expect_ok(&format!("{text}\n"));
}

#[test]
fn each_line_of_standard_input_is_a_message() {
    let broker = Mosquitto::start("");
    let url = broker.url("mqtt");
    let mut reader = osql().args(["sub", &url, "lines/#", "-C", "4"]).spawn();
    // The reader may still be on its way: what it needs to end is sent until it has come.
    let sent = osql()
        .args(["pub", &url, "lines/first", "begin", "-r"])
        .run();
    sent.expect_ok("");
    reader.stdout.wait_line("begin");
    osql()
        .args(["pub", &url, "lines/all", "-"])
        .stdin("one\ntwo\nthree\n")
        .run()
        .expect_ok("");
    let output = reader.wait();
    assert_eq!(
        (output.stdout.as_str(), output.code),
        (
            "lines/first begin\nlines/all one\nlines/all two\nlines/all three\n",
            0
        )
    );
}

#[test]
fn the_statements_can_be_seen_and_run() {
    let broker = Mosquitto::start("");
    let url = broker.url("mqtt");
    let shown = osql()
        .args([
            "pub",
            &url,
            "t/1",
            "7",
            "-r",
            "--qos",
            "2",
            "--option",
            "clientid=me",
            "--show",
        ])
        .run();
    shown.expect_ok(&format!(
        "set :broker = mqtt:register_client(\"broker\", {{\"connection\": \"{url}\", \"clientid\": \"me\"}});\n\
         set :published = count(publish(streamof(\"7\"), \"broker:t/1\", {{\"qos\": 2, \"retained\": true}}));\n"
    ));
    osql().statements(&shown.stdout).run().expect_ok("");
    assert_eq!(mosquitto_sub(&broker, "t/1"), "t/1 7\n");
    let secret = osql()
        .args([
            "pub",
            &url,
            "t/1",
            "7",
            "--option",
            "password=s3cret",
            "--show",
        ])
        .run();
    assert!(!secret.stdout.contains("s3cret"), "{}", secret.stdout);
    let shown = osql().args(["sub", &url, "t/#", "-C", "1", "--show"]).run();
    osql()
        .args(["--format", "raw", "-o", &shown.stdout])
        .run()
        .expect_ok("t/1 7\n");
}

#[test]
fn what_goes_wrong_is_said() {
    let refused = osql().args(["pub", "mqtt://localhost:1", "t", "x"]).run();
    assert_eq!((refused.stdout.as_str(), refused.code), ("", 1));
    assert!(refused.stderr.contains("error:"), "{}", refused.stderr);
    osql()
        .args(["pub", "mqtt://localhost", "t", "x", "--qos", "3"])
        .run()
        .expect_error(2, "0..=2");
    osql()
        .args(["sub", "mqtt://localhost"])
        .run()
        .expect_error(2, "FILTER");
    osql()
        .args(["sub", "mqtt://localhost", "t", "--option", "cafile"])
        .run()
        .expect_error(2, "NAME=VALUE");
}

#[test]
fn a_terminal_gets_no_characters_that_it_would_obey() {
    let broker = Mosquitto::start("");
    let url = broker.url("mqtt");
    osql()
        .args(["pub", &url, "t", "a\u{1b}[2Jb", "-r"])
        .run()
        .expect_ok("");
    let state = tempfile::TempDir::new().expect("a folder");
    let terminal = Terminal::start(&format!("sub {url} t -C 1"), 80, 10, state.path());
    let screen = terminal.wait_for("[exit 0]");
    assert!(screen.contains("t a␛[2Jb"), "{screen}");
}
