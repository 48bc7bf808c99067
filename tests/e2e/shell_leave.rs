//! Leaving the prompt while jobs run.

use tempfile::TempDir;

use crate::support::osql::osql;
use crate::support::tmux::Terminal;

fn prompt(arguments: &str) -> (Terminal, TempDir) {
    let state = TempDir::new().expect("a folder");
    let terminal = Terminal::start(arguments, 80, 24, state.path());
    terminal.wait_prompt();
    (terminal, state)
}

#[test]
fn jobs_that_run_are_asked_about_once() {
    let (terminal, _state) = prompt("");
    terminal.enter("background(heartbeat(1));");
    terminal.wait_until(|screen| screen.ends_with("1\nosql>"));
    terminal.enter("quit");
    let screen = terminal.wait_for("1 job runs; quit again to end it");
    assert!(!screen.contains("[exit"), "{screen}");
    // Whatever else is typed takes the word back.
    terminal.enter("background(heartbeat(1));");
    terminal.wait_until(|screen| screen.ends_with("2\nosql>"));
    terminal.press("C-d");
    terminal.wait_for("2 jobs run; quit again to end them");
    terminal.press("C-d");
    terminal.wait_for("[exit 0]");
}

#[test]
fn nobody_is_asked_where_no_job_ends() {
    let (terminal, _state) = prompt("");
    terminal.enter("background(siota(1,2));");
    terminal.wait_until(|screen| screen.ends_with("1\nosql>"));
    terminal.enter("count(jobs());");
    terminal.wait_until(|screen| screen.ends_with("0\nosql>"));
    terminal.press("C-d");
    terminal.wait_for("[exit 0]");
    osql()
        .stdin("background(heartbeat(1)); quit; 1;")
        .run()
        .expect_ok("");
}
