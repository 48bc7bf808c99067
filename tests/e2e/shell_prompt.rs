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
            "   -> from Integer i where i in iota(1,2);",
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
    terminal.wait_until(|screen| screen.ends_with("21;\ndone\nosql>"));
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

#[test]
fn the_prompt_says_what_is_open() {
    for columns in [120, 80, 40] {
        let state = state();
        let terminal = Terminal::start("", columns, 24, state.path());
        terminal.wait_prompt();
        let entry = [
            "pp([",
            "{'a':",
            "1}, 'it",
            "is' /* a",
            "note */, (",
            "2)",
            "]);",
        ];
        entry.iter().for_each(|line| terminal.enter(line));
        let screen = terminal.wait_prompt();
        let lines = screen.lines().skip_while(|line| !line.contains("pp("));
        assert_eq!(
            lines.take(7).collect::<Vec<_>>(),
            [
                "osql> pp([",
                "   [> {'a':",
                "   {> 1}, 'it",
                "   '> is' /* a",
                "   *> note */, (",
                "   (> 2)",
                "   [> ]);",
            ]
        );
        // What was begun is dropped as a whole.
        terminal.enter("select (");
        terminal.press("C-c");
        terminal.enter("6 * 7;");
        terminal.wait_for("\n42\n");
    }
}

#[test]
fn what_is_pasted_ahead_is_not_lost() {
    let state = state();
    let terminal = Terminal::start("", 80, 24, state.path());
    terminal.wait_prompt();
    let lines: String = (0..200).map(|_| "set :n = :n +\n1;\n").collect();
    terminal.paste(&format!("set :n = 0;\n{lines}'counted ' + ntoa(:n);\n"));
    terminal.wait_for("\"counted 200\"");
}

#[test]
fn commands_with_a_backslash_act() {
    let state = state();
    let file = |name: &str| state.path().join(name).display().to_string();
    let terminal = Terminal::start("", 120, 40, state.path());
    terminal.wait_prompt();
    terminal.enter("create function twice(Integer n) -> Integer as 2 * n;");
    terminal.wait_prompt();
    terminal.enter("\\d");
    terminal.wait_for("\"twice(Integer n)->Integer\"");
    terminal.enter("\\d twice");
    terminal.wait_for("create function twice(Integer n) -> Integer as 2 * n");
    terminal.enter("\\timing");
    terminal.wait_for("timing is on");
    terminal.enter("twice(21);");
    terminal.wait_until(|screen| {
        let mut lines = screen.lines().skip_while(|line| *line != "42").skip(1);
        lines
            .next()
            .is_some_and(|line| line.starts_with("took 0.") && line.ends_with(" s"))
    });
    terminal.enter("\\timing off");
    terminal.wait_for("timing is off");
    terminal.enter(&format!("\\o {}", file("out")));
    terminal.wait_prompt();
    terminal.enter("twice(50);");
    terminal.wait_prompt();
    terminal.enter("\\o");
    terminal.wait_prompt();
    assert_eq!(
        std::fs::read_to_string(file("out")).expect("written"),
        "100\n"
    );
    std::fs::write(file("in.osql"), "twice(300); twice(350)").expect("written");
    terminal.enter(&format!("\\i {}", file("in.osql")));
    terminal.wait_for("\n600\n700\n");
    terminal.enter("\\! echo from the $((1+1))nd shell");
    terminal.wait_for("from the 2nd shell");
    terminal.enter("\\nothing");
    terminal.wait_for("there is no command \\nothing");
    terminal.enter("clear");
    terminal.wait_until(|screen| screen.trim() == "osql>");
    terminal.enter("\\?");
    terminal.wait_for("\\watch [SECONDS]");
    terminal.enter("exit()");
    terminal.wait_for("[exit 1]");
}

#[test]
fn watch_runs_an_entry_again_and_again() {
    let state = state();
    let terminal = Terminal::start("", 80, 40, state.path());
    terminal.wait_prompt();
    terminal.enter("\\watch");
    terminal.wait_for("no entry yet");
    terminal.enter("set :n = 0;");
    terminal.wait_prompt();
    terminal.enter("set :n = :n + 1; 'round ' + ntoa(:n);");
    terminal.wait_for("\"round 1\"");
    terminal.enter("\\watch 0.05");
    terminal.wait_for("\"round 4\"");
    terminal.press("C-c");
    terminal.wait_for("stopped");
    terminal.enter("'still ' + 'here';");
    terminal.wait_for("\"still here\"");
}

#[test]
fn the_editor_changes_an_entry_that_enter_runs() {
    let state = state();
    let editor = "VISUAL=\"sed -i s/apples/pears/\"";
    let terminal = Terminal::start_with(editor, "", 80, 24, state.path());
    terminal.wait_prompt();
    terminal.enter("'apples and ' + 'oranges';");
    terminal.wait_for("\"apples and oranges\"");
    terminal.enter("\\e");
    terminal.wait_until(|screen| screen.ends_with("osql> 'pears and ' + 'oranges';"));
    terminal.press("Enter");
    terminal.wait_for("\"pears and oranges\"");
    // The line that is being typed.
    terminal.type_text("'more apples' + '!';");
    terminal.wait_for("more apples");
    terminal.press("C-x");
    terminal.press("C-e");
    terminal.wait_until(|screen| screen.ends_with("osql> 'more pears' + '!';"));
    terminal.press("Enter");
    terminal.wait_for("\"more pears!\"");
}

#[test]
fn a_query_that_shows_nothing_says_that_it_waits() {
    for columns in [120, 40] {
        let state = state();
        let terminal = Terminal::start("", columns, 24, state.path());
        terminal.wait_prompt();
        terminal.enter("select x from Real x where x in heartbeat(0.1) and x > 2;");
        // What dropped the rows is said where it fits.
        terminal.wait_until(|screen| match columns {
            40 => screen.contains("\nwaiting: 1 s; Ctrl-C stops"),
            _ => screen.contains(" dropped by x > 2, 1 s; Ctrl-C stops"),
        });
        // What comes takes the line away.
        let screen = terminal.wait_until(|screen| screen.contains("\n2.2\n"));
        assert!(!screen.contains("waiting"), "{screen}");
        terminal.press("C-c");
        let screen = terminal.wait_until(|screen| screen.ends_with("\nosql>"));
        assert!(screen.contains("\nstopped: "), "{screen}");
        let unwrapped = screen.replace('\n', "");
        assert!(
            unwrapped.contains(" given, 21 dropped by x > 2osql>"),
            "{screen}"
        );
        // So does the end.
        terminal.enter("select x from Real x where x in heartbeat(0.1) and x < 0;");
        terminal.wait_for(" 1 s; Ctrl-C stops");
        terminal.press("C-c");
        let stopped = "\nstopped: ";
        terminal.wait_until(|screen| {
            let said = screen.rsplit_once(stopped).map(|(_, said)| said);
            said.is_some_and(|said| said.ends_with(" dropped by x < 0\nosql>"))
        });
        assert!(!terminal.screen().contains("waiting"));
    }
}

#[test]
fn the_users_own_statements_come_before_the_prompt() {
    let state = state();
    let folder = state.path().join("osql");
    std::fs::create_dir_all(&folder).expect("a folder");
    let own = "create function twice(Integer n) -> Integer as 2 * n; 'own ' + 'statements';";
    std::fs::write(folder.join("init.osql"), own).expect("written");
    let config = format!("XDG_CONFIG_HOME='{}'", state.path().display());
    let terminal = Terminal::start_with(&config, "", 80, 24, state.path());
    terminal.wait_for("\"own statements\"");
    terminal.wait_prompt();
    terminal.enter("twice(21);");
    terminal.wait_for("\n42\n");
    drop(terminal);
    let without = Terminal::start_with(&config, "--no-init", 80, 24, state.path());
    let screen = without.wait_prompt();
    assert!(!screen.contains("own statements"), "{screen}");
}
