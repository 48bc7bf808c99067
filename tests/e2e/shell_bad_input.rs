//! What a terminal, an environment or a paste may do to the shell.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;

use crate::support::osql::osql;
use crate::support::tmux::Terminal;

fn state() -> TempDir {
    TempDir::new().expect("a folder")
}

/// A file of that content in the folder.
fn file(folder: &TempDir, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
    let path = folder.path().join(name);
    fs::write(&path, content).expect("written");
    path
}

#[test]
fn a_window_of_20_columns_is_enough() {
    let state = state();
    let terminal = Terminal::start("", 20, 40, state.path());
    terminal.wait_prompt();
    terminal.enter("select 'a longer text' as text, 2 as n from Integer i where i = 1;");
    terminal.wait_for("(1 row)");
    let screen = terminal.wait_prompt();
    assert!(screen.contains("… ┆ 2 │\n"), "{screen}");
    terminal.enter(":nowhere;");
    terminal.wait_for("error");
    terminal.wait_prompt();
    // The list of candidates is cut, and what is typed goes on below it.
    terminal.type_text("json:un");
    terminal.press("Tab");
    terminal.press("Tab");
    terminal.wait_until(|screen| screen.ends_with("osql> json:unstringi\nfy"));
    terminal.type_text("('[1,2]');");
    terminal.press("Enter");
    terminal.wait_for("\n[1,2]\n");
    terminal.enter("select x from Real x where x in heartbeat(0.1) and x < 0;");
    terminal.wait_for("\nwaiting: 1 s; Ctrl");
    terminal.press("C-c");
    terminal.wait_until(|screen| screen.contains("\nstopped: ") && screen.ends_with("\nosql>"));
}

#[test]
fn a_dumb_terminal_gets_plain_lines() {
    let state = state();
    let terminal = Terminal::start_with("TERM=dumb", "", 80, 24, state.path());
    terminal.wait_prompt();
    terminal.enter("select 1 as a,");
    terminal.wait_until(|screen| screen.ends_with("->"));
    terminal.enter("2 as b;");
    terminal.wait_for("│ 1 ┆ 2 │");
    terminal.wait_prompt();
    terminal.enter("heartbeat(0.05);");
    terminal.wait_for("\n0.1\n");
    terminal.press("C-c");
    terminal.wait_for("stopped");
    terminal.enter(":nowhere;");
    terminal.wait_for("error");
    terminal.wait_prompt();
    assert!(!terminal.coloured_screen().contains('\x1b'));
    terminal.press("C-d");
    terminal.wait_for("[exit 1]");
}

#[test]
fn nobody_needs_a_home() {
    let folder = state();
    let without = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_osql"));
        command.env_clear().current_dir(folder.path());
        command
    };
    let output = without().args(["-o", "1 + 1;"]).output().expect("runs");
    assert_eq!(output.stdout, b"2\n");
    // An empty or a relative one is none.
    for home in ["", "somewhere"] {
        let mut command = without();
        command.env("HOME", home).args(["-o", "1 + 1;"]);
        let output = command.output().expect("runs");
        assert_eq!(output.stdout, b"2\n");
        let made = fs::read_dir(folder.path()).expect("a folder").count();
        assert_eq!(made, 0, "nothing is written where the program was started");
    }
}

#[test]
fn a_history_that_cannot_be_written_is_said_once() {
    let state = state();
    fs::create_dir_all(state.path().join("osql/history")).expect("a folder");
    let terminal = Terminal::start("", 120, 24, state.path());
    terminal.wait_for("the history is not kept: ");
    terminal.wait_prompt();
    terminal.enter("'one ' + 'entry';");
    terminal.wait_for("\"one entry\"");
    let screen = terminal.wait_prompt();
    assert_eq!(screen.matches("history").count(), 2, "{screen}");
    // It lasts as long as the program.
    terminal.press("Up");
    terminal.wait_until(|screen| screen.ends_with("osql> 'one ' + 'entry';"));
}

#[test]
fn what_is_not_utf8_is_an_error_that_says_where() {
    let text = b"1;\n'a\xff';\n2;\n";
    let folder = state();
    let script = file(&folder, "script.osql", text);
    let piped = osql().stdin(text).run();
    assert_eq!(piped.stdout, "1\n");
    assert!(
        piped.stderr.contains("<stdin>: byte 6 is not UTF-8 text"),
        "{}",
        piped.stderr
    );
    let read = osql().args([script.as_os_str()]).run();
    assert_eq!(read.stdout, "1\n");
    assert!(
        read.stderr.contains("byte 6 is not UTF-8 text"),
        "{}",
        read.stderr
    );
    // At a prompt the line is dropped.
    for environment in ["", "TERM=dumb"] {
        let terminal = Terminal::start_with(environment, "", 80, 24, folder.path());
        terminal.wait_prompt();
        terminal.paste_file(&file(&folder, "pasted", b"'a\xffb';\n"), false);
        terminal.wait_for("what was typed is not UTF-8 text, and has been dropped");
        terminal.wait_prompt();
        terminal.enter("'still ' + 'here';");
        terminal.wait_for("\"still here\"");
    }
}

/// A statement of so many lines, whose value is their number.
fn long_vector(lines: usize) -> String {
    let line = "'a line of a statement that is pasted, with some eighty characters in it', 1,\n";
    format!("dim([\n{}1]);\n", line.repeat(lines))
}

#[test]
fn a_megabyte_is_pasted_and_nothing_is_lost() {
    let folder = state();
    let lines = 13_000;
    let pasted = file(&folder, "lines", long_vector(lines));
    assert!(fs::metadata(&pasted).expect("a file").len() > 1_000_000);
    for bracketed in [true, false] {
        let terminal = Terminal::start("", 80, 24, folder.path());
        terminal.wait_prompt();
        terminal.paste_file(&pasted, bracketed);
        if bracketed {
            terminal.wait_long_for("1]);");
            terminal.press("Enter");
        }
        terminal.wait_long_for(&format!("\n{}\n", 2 * lines + 1));
        terminal.wait_prompt();
        // Nobody wants to see it at the next start.
        let history = fs::read(folder.path().join("osql/history")).unwrap_or_default();
        assert!(history.len() < 1000, "{}", history.len());
    }
}

#[test]
fn a_long_line_is_pasted_and_nothing_is_lost() {
    let folder = state();
    let text = "0123456789".repeat(20_000);
    let pasted = file(&folder, "line", format!("dim('{text}');\n"));
    for bracketed in [true, false] {
        let terminal = Terminal::start("", 80, 24, folder.path());
        terminal.wait_prompt();
        terminal.paste_file(&pasted, bracketed);
        if bracketed {
            terminal.wait_long_for("');");
            terminal.press("Enter");
        }
        terminal.wait_long_for("\n200000\n");
        terminal.wait_prompt();
    }
}

#[test]
fn a_million_characters_on_a_line_are_cut_where_a_person_reads() {
    let long = "x".repeat(1_000_000);
    let folder = TempDir::new().expect("a folder");
    let script =
        format!("set :long = '{long}'; select :long as text, i as n from Integer i where i = 1;");
    let script = file(&folder, "long.osql", script);
    let table = osql()
        .args(["--format".as_ref(), "table".as_ref(), script.as_os_str()])
        .run();
    let widest = table.stdout.lines().map(|line| line.chars().count()).max();
    assert!(widest <= Some(80), "{widest:?}");
    assert!(table.stdout.ends_with("(1 row)\n"), "{}", table.stdout);
    // What is for programs is whole.
    osql()
        .args([
            "--format".as_ref(),
            "raw".as_ref(),
            "-o".as_ref(),
            format!("'{}';", &long[..100_000]).as_ref(),
        ] as [&std::ffi::OsStr; 4])
        .run()
        .expect_ok(&format!("{}\n", &long[..100_000]));
    // An error shows the place, not the line.
    let wrong = file(
        &folder,
        "wrong.osql",
        format!("set :long = '{long}' nowhere;"),
    );
    let error = osql().args([wrong.as_os_str()]).run();
    assert!(error.stderr.contains("not 'nowhere'"), "{}", error.stderr);
    assert!(error.stderr.len() < 1000, "{}", error.stderr.len());
}
