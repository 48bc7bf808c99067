//! What `persistence` keeps, and what it says when it cannot.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::mosquitto::{Folder, Mosquitto};
use crate::support::osql::{Running, osql, osql_by};
use crate::support::wait::wait_until;

fn register(broker: &Mosquitto, folder: &Path, more: &str) -> String {
    format!(
        "mqtt:register_client('m', {{'connection': '{}', 'clientid': 'keeper', 'cleansession': false, \
         'persistence': '{}'{more}}});\n'm';\n",
        broker.url("tcp"),
        folder.display()
    )
}

fn journal(folder: &Path) -> PathBuf {
    folder.join("keeper.mqtt")
}

fn size(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |found| found.len())
}

/// A run that is killed with ten messages in its journal, which the broker, stopped, has not answered.
fn killed_with_ten(broker: &Mosquitto, folder: &Path, more: &str) {
    let mut run: Running = osql().spawn();
    run.send(&register(broker, folder, more));
    run.stdout.wait_line("m");
    broker.signal("STOP");
    let before = size(&journal(folder));
    run.send("publish(siota(1,10), 'm:t', {'qos': 1});\n");
    // The last payload, behind its length: the two bytes alone may stand in a marker or a checksum.
    let last = b"\x02\0\0\x0010";
    wait_until("all are in the journal", || {
        let content = fs::read(journal(folder)).unwrap_or_default();
        content[before as usize..]
            .windows(last.len())
            .any(|w| w == last)
    });
    run.signal("KILL");
    run.wait();
    broker.signal("CONT");
}

#[test]
fn a_killed_run_leaves_its_messages_to_the_next_durable_or_not() {
    for more in ["", ", 'durable': true"] {
        let broker = Mosquitto::start("");
        let folder = Folder::new();
        let own = folder.0.join("own");
        killed_with_ten(&broker, &own, more);
        let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
        assert_eq!((mode(&own), mode(&journal(&own))), (0o700, 0o600));
        let output = osql().stdin(register(&broker, &own, more)).run();
        assert_eq!(output.code, 0, "{output:?}");
        assert!(output.stderr.contains("sends 10 messages"), "{output:?}");
        let output = osql().stdin(register(&broker, &own, more)).run();
        output.expect_ok("\"m\"\n");
    }
}

#[test]
fn a_damaged_journal_is_told_and_the_rest_of_it_sent() {
    let broker = Mosquitto::start("");
    let folder = Folder::new();
    killed_with_ten(&broker, &folder.0, "");
    let path = journal(&folder.0);
    let mut content = fs::read(&path).expect("there");
    // The payload of the first publication, behind its topic and two empty lengths.
    let topic = content.windows(5).position(|w| w == [1, 0, 0, 0, b't']);
    content[topic.expect("there") + 5 + 4 + 4] ^= 1;
    fs::write(&path, &content).expect("written");
    let output = osql().stdin(register(&broker, &folder.0, "")).run();
    assert!(
        output.stderr.contains("one message may be lost"),
        "{output:?}"
    );
    assert!(output.stderr.contains("sends 9 messages"), "{output:?}");
    assert_eq!(
        fs::read(folder.0.join("keeper.damaged")).expect("kept"),
        content
    );
}

#[test]
fn two_processes_do_not_have_one_journal_and_a_link_is_not_followed() {
    let broker = Mosquitto::start("");
    let folder = Folder::new();
    let mut first = osql().spawn();
    first.send(&register(&broker, &folder.0, ""));
    first.stdout.wait_line("m");
    let second = osql().stdin(register(&broker, &folder.0, "")).run();
    second.expect_error(1, "is in use by another process or client");
    assert_eq!(first.finish().code, 0);
    fs::remove_file(journal(&folder.0)).expect("is there");
    let victim = folder.write("victim", "precious");
    symlink(&victim, journal(&folder.0)).expect("planted");
    let output = osql().stdin(register(&broker, &folder.0, "")).run();
    output.expect_error(1, "is not an ordinary file");
    assert_eq!(fs::read_to_string(victim).expect("there"), "precious");
}

#[test]
fn a_full_disk_when_an_end_is_noted_is_an_error() {
    let broker = Mosquitto::start("");
    let folder = Folder::new();
    let path = journal(&folder.0);
    let mut shell = Command::new("bash");
    // A limit on the file's size stands for the full disk; its signal is not wanted.
    shell.args([
        "-c",
        "trap '' XFSZ; exec \"$0\" \"$@\"",
        env!("CARGO_BIN_EXE_osql"),
    ]);
    let mut run = osql_by(shell).spawn();
    run.send(&register(&broker, &folder.0, ", 'qos': 1"));
    run.stdout.wait_line("m");
    broker.signal("STOP");
    let before = size(&path);
    run.send("publish(streamof('only'), 'm:t');\n");
    // The publication and the note that it was sent, each with 20 bytes before its body.
    let publication = 20 + 1 + 8 + 8 + 1 + (4 + 1) + 4 + (4 + 4);
    let sent = 20 + 1 + 11;
    wait_until("it is sent", || size(&path) == before + publication + sent);
    let limit = size(&path);
    let limited = Command::new("prlimit")
        .args([
            format!("--pid={}", run.pid()),
            format!("--fsize={limit}:{limit}"),
        ])
        .status();
    assert!(limited.expect("comes with util-linux").success());
    broker.signal("CONT");
    let output = run.finish();
    output.expect_error(1, "what was delivered cannot be noted in the journal");
    assert!(output.stderr.contains("sends it again"), "{output:?}");
}
