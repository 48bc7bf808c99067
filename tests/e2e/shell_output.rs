//! Results on their way out: as they arrive, and until nobody reads them.

use std::process::{Command, Stdio};

use crate::support::osql::{osql, osql_by};
use crate::support::table::each_row;

#[test]
fn a_live_element_is_shown_while_the_query_runs() {
    let mut running = osql().args(["-o", "heartbeat(0.05);"]).spawn();
    let first = running.stdout.wait_lines(2);
    assert_eq!(first.len(), 2);
    running.signal("TERM");
    assert_eq!(running.wait().code, 143);
}

#[test]
fn a_closed_pipe_ends_quietly() {
    each_row(["iota(1, 100000000);", "heartbeat(0.01);"], |query| {
        let output = Command::new("bash")
            .args(["-c", "set -o pipefail; \"$0\" -o \"$1 1;\" | head -n 3"])
            .args([env!("CARGO_BIN_EXE_osql"), query])
            .stdin(Stdio::null())
            .output()
            .expect("bash runs");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{query}");
        assert_eq!(output.stdout.iter().filter(|b| **b == b'\n').count(), 3);
        assert_eq!(output.status.code(), Some(0), "{query}");
    });
}

#[test]
fn a_full_device_is_an_error() {
    let output = Command::new("sh")
        .args(["-c", "\"$0\" -o 'iota(1, 100000);' >/dev/full"])
        .arg(env!("CARGO_BIN_EXE_osql"))
        .stdin(Stdio::null())
        .output()
        .expect("sh runs");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.contains("cannot write the results"), "{stderr}");
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn printed_lines_and_results_keep_their_order() {
    let script = "1; print('two'); 3;";
    osql_by(Command::new("sh"))
        .args(["-c", "exec \"$0\" -o \"$1\" 2>&1"])
        .args([env!("CARGO_BIN_EXE_osql"), script])
        .run()
        .expect_ok("1\n\"two\"\n3\n");
    let apart = osql().statements(script).run();
    assert_eq!((&*apart.stdout, &*apart.stderr), ("1\n3\n", "\"two\"\n"));
}

#[test]
fn what_is_called_for_what_it_does_gives_a_pipe_nothing() {
    let script = "background(heartbeat(1)); sink(siota(1,3)); writelines(siota(1,2), 'x.txt');
                  publish(siota(1,2), 'numbers'); writelines(siota(1,2), 'x.txt') = 'x.txt';";
    let silent = osql();
    let folder = silent.own_folder();
    silent
        .current_dir(&folder)
        .statements(script)
        .run()
        .expect_ok("1\n2\ntrue\n");
    let told = osql();
    let folder = told.own_folder();
    let told = told
        .current_dir(&folder)
        .args(["--format", "table", "-o", script])
        .run();
    assert_eq!(
        (&*told.stdout, &*told.stderr),
        ("1\n2\ntrue\n", "1\ntrue\n\"x.txt\"\n")
    );
    osql()
        .statements("mqtt:register_client('m', {'connection': 'tcp://localhost:1'});")
        .run()
        .expect_error(1, "error: ");
}
