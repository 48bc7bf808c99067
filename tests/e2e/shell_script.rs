//! Scripts: errors and where they are, going on, leaving, and being stopped.

use std::process::Command;
use std::time::{Duration, Instant};

use crate::support::osql::{file, osql, osql_by};
use crate::support::table::each_row;
use tempfile::TempDir;

#[test]
fn an_error_shows_its_place_and_the_script_goes_on() {
    let folder = TempDir::new().expect("a folder");
    file(folder.path(), "wrong.osql", "1;\n\n2 + :nowhere;\n3;\n");
    let output = osql().current_dir(folder.path()).arg("wrong.osql").run();
    assert_eq!((output.stdout.as_str(), output.code), ("1\n3\n", 1));
    assert!(
        output.stderr.contains("wrong.osql:3:6"),
        "{}",
        output.stderr
    );
    assert!(
        output.stderr.contains("3 │ 2 + :nowhere;"),
        "{}",
        output.stderr
    );
    assert!(!output.stderr.contains('\x1b'), "no colour in a pipe");
}

#[test]
fn bail_stops_at_the_first_error() {
    let output = osql()
        .args(["--bail", "-o", "1; :nowhere; 2;", "-o", "3;"])
        .run();
    assert_eq!((output.stdout.as_str(), output.code), ("1\n", 1));
}

#[test]
fn quit_leaves_everything_behind_it() {
    each_row(["quit;", "exit;", "QUIT"], |word| {
        let output = osql()
            .statements(&format!("1; {word}"))
            .statements("2;")
            .run();
        output.expect_ok("1\n");
    });
    let failed = osql().stdin(":nowhere; quit; 2;").run();
    assert_eq!((failed.stdout.as_str(), failed.code), ("", 1));
}

#[test]
fn a_statement_needs_no_semicolon_at_the_end_of_its_input() {
    osql().stdin("1;\n2").run().expect_ok("1\n2\n");
    osql().stdin("1; // a comment").run().expect_ok("1\n");
    osql().stdin("").run().expect_ok("");
}

#[test]
fn each_statement_runs_as_soon_as_it_is_complete() {
    let mut running = osql().spawn();
    running.send("1+1;\n'two ");
    running.stdout.wait_line("2");
    running.send("parts'; 3");
    running.stdout.wait_line("\"two parts\"");
    running.finish().expect_ok("2\n\"two parts\"\n3\n");
}

#[test]
fn input_that_is_not_text_is_an_error() {
    let output = osql().stdin(b"1;\n\xff;\n2;").run();
    assert_eq!(output.stderr, "error: <stdin>: byte 4 is not UTF-8 text\n");
    assert_eq!((output.stdout.as_str(), output.code), ("1\n", 1));
}

#[test]
fn an_error_comes_after_the_results_before_it() {
    let folder = TempDir::new().expect("a folder");
    let log = folder.path().join("both");
    let command = format!(
        "'{}' -o '1; :nowhere;' >'{log}' 2>&1",
        env!("CARGO_BIN_EXE_osql"),
        log = log.display(),
    );
    let status = std::process::Command::new("sh")
        .args(["-c", &command])
        .status();
    assert_eq!(status.expect("sh runs").code(), Some(1));
    let both = std::fs::read_to_string(&log).expect("is there");
    assert!(both.starts_with("1\nerror"), "{both}");
}

#[test]
fn ctrl_c_stops_a_query_and_the_script() {
    let mut running = osql()
        .args(["-o", "heartbeat(0.05); 'not reached';"])
        .spawn();
    running.stdout.wait_lines(2);
    running.signal("INT");
    let output = running.wait();
    output.expect_error(130, "stopped");
    assert!(!output.stdout.contains("not reached"));
}

#[test]
fn ctrl_c_stops_a_computation() {
    let mut running = osql()
        .args([
            "-o",
            "'begun'; count(select i from Integer i where i in iota(1,1000000000000) and i > 5);",
        ])
        .spawn();
    running.stdout.wait_line("begun");
    running.signal("INT");
    assert_eq!(running.wait().code, 130);
}

#[test]
fn signals_end_the_wait_for_input() {
    each_row(
        [("INT", 130), ("TERM", 143), ("HUP", 129)],
        |(signal, code)| {
            let mut running = osql().spawn();
            running.send("1;\n");
            running.stdout.wait_line("1");
            running.signal(signal);
            assert_eq!(running.wait().code, code, "{signal}");
        },
    );
}

#[test]
fn a_hangup_that_is_ignored_ends_nothing() {
    // As nohup starts a program.
    let program = env!("CARGO_BIN_EXE_osql");
    let mut shell = Command::new("sh");
    shell.args(["-c", "trap '' HUP; exec \"$0\" \"$@\"", program]);
    let mut running = osql_by(shell).spawn();
    running.send("1;\n");
    running.stdout.wait_line("1");
    running.signal("HUP");
    running.send("2;\n");
    running.stdout.wait_line("2");
    running.signal("TERM");
    assert_eq!(running.wait().code, 143);
}

#[test]
fn many_statements_take_no_time_each() {
    let begun = Instant::now();
    let output = osql().stdin("1;\n".repeat(20_000)).run();
    assert_eq!(output.lines().len(), 20_000);
    assert!(begun.elapsed() < Duration::from_secs(20));
}
