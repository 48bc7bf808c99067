//! The recipes of models/recipes, each with a real broker: messages in, messages out.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::support::mosquitto::Mosquitto;
use crate::support::osql::{Captured, Running, osql};

/// A recipe at work, with somebody who listens to what comes out.
struct Recipe {
    broker: Mosquitto,
    out: Captured,
    listener: Child,
    program: Running,
}

impl Recipe {
    /// Starts the recipe of that name, once its output is listened to; it subscribes to `inputs` topics.
    #[track_caller]
    fn start(name: &str, output: &str, inputs: usize) -> Recipe {
        let broker = Mosquitto::start("log_type all");
        let mut listener = Command::new("mosquitto_sub")
            .args(["-p", &broker.port.to_string(), "-t", output])
            .stdout(Stdio::piped())
            .spawn()
            .expect("mosquitto_sub is installed");
        let out = Captured::new(listener.stdout.take().expect("is piped"));
        broker.wait_for_subscriptions(1);
        let file = Path::new("models/recipes")
            .join(name)
            .with_extension("osql");
        let script = fs::read_to_string(file).expect("there is such a recipe");
        let here = script.replace("tcp://localhost:1883", &broker.url("tcp"));
        assert_ne!(script, here);
        let program = osql().stdin(here).spawn();
        broker.wait_for_subscriptions(1 + inputs);
        Recipe {
            broker,
            out,
            listener,
            program,
        }
    }

    fn send(&self, topic: &str, messages: &[&str]) {
        self.broker
            .publish_lines(topic, 1, messages.join("\n") + "\n");
    }

    /// The first messages that have come out are these.
    #[track_caller]
    fn gives(&self, messages: &[&str]) {
        assert_eq!(self.out.wait_lines(messages.len()), messages);
    }
}

impl Drop for Recipe {
    fn drop(&mut self) {
        let _ = self.listener.kill();
        let _ = self.listener.wait();
        if std::thread::panicking() {
            eprintln!(
                "{}{}",
                self.program.stdout.text(),
                self.program.stderr.text()
            );
        }
    }
}

#[test]
fn threshold() {
    let recipe = Recipe::start("threshold", "plant/alarm", 1);
    recipe.send(
        "plant/temperature",
        &["60", "79", "81", "75", "85", "69", "75", "90"],
    );
    recipe.gives(&["0", "1", "0", "1"]);
}

#[test]
fn moving_average() {
    let recipe = Recipe::start("moving_average", "plant/average", 1);
    recipe.send("plant/temperature", &["1", "2", "3", "4", "5", "6.5"]);
    recipe.gives(&["3.0", "4.1"]);
}

#[test]
fn rate_of_change() {
    let recipe = Recipe::start("rate_of_change", "plant/rate", 1);
    recipe.send(
        "plant/level",
        &[
            r#"{"time": 1, "level": 3}"#,
            r#"{"time": 3, "level": 4}"#,
            r#"{"time": 3.5, "level": 2}"#,
        ],
    );
    recipe.gives(&["0.5", "-4.0"]);
}

#[test]
fn debounce() {
    let recipe = Recipe::start("debounce", "plant/pressed", 1);
    recipe.send("plant/button", &["0"]);
    recipe.out.wait_lines(1);
    recipe.send("plant/button", &["1", "0", "1", "0", "1"]);
    recipe.gives(&["0", "1"]);
}

#[test]
fn dead_man() {
    let recipe = Recipe::start("dead_man", "plant/silent", 1);
    recipe.send("plant/alive", &["yes"]);
    // Once for each silence.
    let alarms = recipe.out.wait_lines(2);
    assert!(
        alarms[0] < alarms[1] && alarms[0].ends_with('Z'),
        "{alarms:?}"
    );
}

#[test]
fn join() {
    let recipe = Recipe::start("join", "plant/exceeded", 2);
    recipe.send(
        "plant/limits",
        &[
            r#"{"machine": "a", "limit": 50}"#,
            r#"{"machine": "b", "limit": 80}"#,
        ],
    );
    // The limits come on another topic: they are there when a reading exceeds one.
    let reading =
        |machine: &str, temp: u32| format!(r#"{{"machine": "{machine}", "temp": {temp}}}"#);
    while !recipe.out.text().contains("\"a\"") || !recipe.out.text().contains("\"b\"") {
        recipe.send(
            "plant/readings",
            &[&reading("a", 51), &reading("b", 81), &reading("c", 99)],
        );
    }
    recipe.send("plant/readings", &[&reading("b", 70), &reading("b", 90)]);
    let last = recipe.out.wait_line("90");
    assert_eq!(last, r#"{"machine":"b","temp":90,"limit":80}"#);
    let all = recipe.out.text();
    assert!(
        all.contains(r#"{"machine":"a","temp":51,"limit":50}"#)
            && !all.contains("70")
            && !all.contains("\"c\"")
    );
}

#[test]
fn downsample() {
    let recipe = Recipe::start("downsample", "plant/mean", 1);
    let reading = |second: u32, value: f64| {
        format!(r#"{{"time": "2024-05-01T12:00:{second:02}Z", "value": {value}}}"#)
    };
    let readings = [
        reading(0, 1.0),
        reading(4, 2.0),
        reading(9, 4.5),
        reading(10, 7.0),
        reading(31, 9.0),
    ];
    recipe.send("plant/raw", &readings.each_ref().map(String::as_str));
    recipe.gives(&[
        r#"{"until":"2024-05-01T12:00:10.000Z","mean":2.5}"#,
        r#"{"until":"2024-05-01T12:00:20.000Z","mean":7.0}"#,
    ]);
}

#[test]
fn anomaly() {
    let recipe = Recipe::start("anomaly", "plant/anomaly", 1);
    let mut readings = ["1", "3"].repeat(10);
    readings.extend(["2", "9", "3"]);
    recipe.send("plant/vibration", &readings);
    recipe.out.wait_until(|text| text.contains('\n'));
    let text = recipe.out.text();
    assert!(text.starts_with(r#"{"reading":9,"score":6."#), "{text}");
}

#[test]
fn json() {
    let recipe = Recipe::start("json", "plant/hot", 1);
    recipe.send(
        "plant/machines",
        &[
            r#"{"machine": "m1", "celsius": 90}"#,
            r#"{"machine": "m2", "celsius": 20}"#,
            r#"{"machine": "m3", "celsius": 100}"#,
        ],
    );
    recipe.gives(&[
        r#"{"machine":"m1","fahrenheit":194.0}"#,
        r#"{"machine":"m3","fahrenheit":212.0}"#,
    ]);
}
