//! The prompt, in a real terminal.

use std::process::Command;

use crate::support::tmux::Terminal;
use tempfile::TempDir;

fn state() -> TempDir {
    TempDir::new().expect("a folder")
}

#[test]
fn a_statement_may_take_two_lines() {
    let state = state();
    let terminal = Terminal::start("", 80, 24, state.path());
    terminal.wait_prompt();
    terminal.enter("select i");
    terminal.enter("from Integer i where i in iota(1,2);");
    let screen = terminal.wait_prompt();
    let lines: Vec<_> = screen.lines().skip(1).collect();
    assert_eq!(
        lines,
        [
            "osql> select i",
            "from Integer i where i in iota(1,2);",
            "1",
            "2",
            "osql>"
        ]
    );
}

#[test]
fn ctrl_c_stops_the_query_and_clears_the_line() {
    let state = state();
    let terminal = Terminal::start("", 80, 24, state.path());
    terminal.wait_prompt();
    terminal.enter("heartbeat(0.05);");
    terminal.wait_until(|screen| screen.lines().count() > 5);
    terminal.press("C-c");
    terminal.wait_for("stopped");
    terminal.wait_prompt();
    terminal.type_text("never run");
    terminal.wait_for("never run");
    terminal.press("C-c");
    terminal.wait_prompt();
    terminal.enter("'still ' + 'here';");
    terminal.wait_for("\"still here\"");
}

#[test]
fn the_next_start_knows_the_history() {
    let state = state();
    let first = Terminal::start("", 80, 24, state.path());
    first.wait_prompt();
    first.enter("1 +");
    first.enter("41;");
    first.wait_for("42");
    first.enter(" 'kept out';");
    first.wait_for("\"kept out\"");
    first.wait_prompt();
    first.press("C-d");
    first.wait_for("[exit 0]");
    drop(first);

    let second = Terminal::start("", 80, 24, state.path());
    second.wait_prompt();
    second.press("Up");
    second.wait_until(|screen| screen.ends_with("osql> 1 +\n41;"));
    second.press("Enter");
    second.wait_for("42");
}

#[test]
fn a_narrow_window_wraps_and_stays_whole() {
    let state = state();
    let terminal = Terminal::start("", 40, 24, state.path());
    terminal.wait_prompt();
    terminal.type_text("'a rather long string that does not fit into one row';");
    terminal.wait_until(|screen| {
        screen.ends_with("osql> 'a rather long string that does no\nt fit into one row';")
    });
    terminal.press("Home");
    terminal.type_text("1;");
    terminal.wait_for("osql> 1;'a rather");
    terminal.press("Enter");
    terminal.wait_for("\n1\n\"a rather long");
}

#[test]
fn an_error_is_coloured_unless_that_is_unwanted() {
    let state = state();
    let terminal = Terminal::start("", 80, 24, state.path());
    terminal.wait_prompt();
    terminal.enter(":nowhere;");
    terminal.wait_for("error");
    terminal.wait_prompt();
    let errors = |t: &Terminal| {
        let screen = t.coloured_screen();
        let line = screen
            .lines()
            .find(|l| l.contains("error"))
            .map(str::to_owned);
        line.expect("there is an error")
    };
    assert!(errors(&terminal).contains('\x1b'));

    let plain = Terminal::start_with("NO_COLOR=1", "", 80, 24, state.path());
    plain.wait_prompt();
    plain.enter(":nowhere;");
    plain.wait_for("error");
    plain.wait_prompt();
    assert!(!plain.coloured_screen().contains('\x1b'));
}

#[test]
fn tab_completes_names() {
    let state = state();
    let terminal = Terminal::start("", 80, 24, state.path());
    terminal.wait_prompt();
    terminal.type_text("json:uns");
    terminal.press("Tab");
    terminal.wait_for("osql> json:unstringify");
    terminal.press("C-c");
    terminal.wait_prompt();
    terminal.enter("set :temperature = 21;");
    terminal.wait_until(|screen| screen.ends_with("21;\nosql>"));
    terminal.type_text(":temp");
    terminal.press("Tab");
    terminal.wait_for("osql> :temperature");
}

#[test]
fn a_prompt_after_a_script_when_asked_for() {
    let state = state();
    let terminal = Terminal::start("-i -o 'set :x = 7;'", 80, 24, state.path());
    terminal.wait_prompt();
    terminal.enter(":x + 1;");
    terminal.wait_for("\n8\n");
    terminal.enter("quit");
    terminal.wait_for("[exit 0]");
}

#[test]
fn a_terminal_that_is_told_to_end_is_left_in_order() {
    let state = state();
    let terminal = Terminal::start("", 80, 24, state.path());
    terminal.wait_prompt();
    terminal.type_text("half a line");
    terminal.wait_for("half a line");
    let pid = terminal.child_pid();
    let kill = Command::new("kill").arg(pid).status();
    assert!(kill.expect("kill runs").success());
    terminal.wait_for("[exit 143]");
}

#[test]
fn what_has_just_been_defined_is_completed() {
    let state = state();
    let terminal = Terminal::start("", 80, 24, state.path());
    terminal.wait_prompt();
    terminal.enter("create function fahrenheit(Number c) -> Number as c * 9 / 5 + 32;");
    terminal.wait_prompt();
    terminal.type_text("fahr");
    terminal.press("Tab");
    terminal.wait_for("osql> fahrenheit");
    terminal.enter("(100);");
    terminal.wait_for("212.0");
}
