//! Results as tables: in a terminal by default, elsewhere where it is asked for.

use tempfile::TempDir;

use crate::support::osql::osql;
use crate::support::tmux::Terminal;

const ROWS: &str =
    "select i as n, ntoa(i) + ' in words' as words, i / 4 from Integer i where i in iota(1,2);";

/// The screen below the line with `from`, to the next prompt.
fn below(screen: &str, from: &str) -> Vec<String> {
    let lines = screen
        .lines()
        .skip_while(|line| !line.contains(from))
        .skip(1);
    lines
        .take_while(|line| !line.starts_with("osql>"))
        .map(str::to_owned)
        .collect()
}

#[test]
fn rows_with_names_are_a_box_in_the_window() {
    for columns in [120, 80, 40] {
        let state = TempDir::new().expect("a folder");
        let terminal = Terminal::start("", columns, 40, state.path());
        terminal.wait_prompt();
        terminal.enter(ROWS);
        terminal.wait_for("(2 rows)");
        let screen = terminal.wait_prompt();
        let last_typed = if columns == 40 {
            "(1,2);"
        } else {
            "iota(1,2);"
        };
        assert_eq!(
            below(&screen, last_typed),
            [
                "┌───┬────────────┬───────┐",
                "│ n ┆ words      ┆ i / 4 │",
                "╞═══╪════════════╪═══════╡",
                "│ 1 ┆ 1 in words ┆  0.25 │",
                "│ 2 ┆ 2 in words ┆   0.5 │",
                "└───┴────────────┴───────┘",
                "(2 rows)"
            ]
        );
    }
}

#[test]
fn rows_too_wide_for_the_window_have_a_line_for_each_column() {
    let state = TempDir::new().expect("a folder");
    let terminal = Terminal::start("", 20, 40, state.path());
    terminal.wait_prompt();
    terminal.enter(ROWS);
    terminal.wait_for("(2 rows)");
    let screen = terminal.wait_prompt();
    let lines = below(&screen, "(1,2);");
    assert_eq!(
        lines,
        [
            "─ 1 ────────────────",
            "n     │ 1",
            "words │ 1 in words",
            "i / 4 │ 0.25",
            "─ 2 ────────────────",
            "n     │ 2",
            "words │ 2 in words",
            "i / 4 │ 0.5",
            "(2 rows)"
        ]
    );
}

#[test]
fn the_prompt_answers_every_statement() {
    let state = TempDir::new().expect("a folder");
    let terminal = Terminal::start("", 80, 60, state.path());
    terminal.wait_prompt();
    terminal.enter("set :x = 1;");
    terminal.wait_for("\ndone\n");
    terminal.enter("select i from Integer i where i in iota(1,0);");
    terminal.wait_for("\n(no rows)\n");
    terminal.enter("select i, i from Integer i where i in iota(1,1);");
    terminal.wait_for("\n(1 row)\n");
    terminal.enter("select i, i from Integer i where i in iota(1,1234567);");
    terminal.wait_for("\n(40 of 1,234,567 rows; \\format text shows all)\n");
    terminal.enter("\\x");
    terminal.wait_for("a line of its own");
    terminal.enter("select \"a\\nb\" as text, {'k': 1} as record from Integer i where i = 1;");
    terminal.wait_for("\ntext   │ a\\nb\nrecord │ {\"k\":1}\n(1 row)\n");
    terminal.enter("\\format json");
    terminal.wait_prompt();
    terminal.enter("select i as n, i from Integer i where i in iota(7,7);");
    terminal.wait_for("\n[7,7]\n");
}

#[test]
fn what_arrives_over_time_comes_row_by_row_under_one_header() {
    let state = TempDir::new().expect("a folder");
    let terminal = Terminal::start("", 60, 40, state.path());
    terminal.wait_prompt();
    terminal.enter("select x as beat, 'no ' + ntoa(x) as t from Real x where x in heartbeat(0.2);");
    let screen = terminal.wait_until(|screen| screen.contains("│ no 0.6"));
    let lines = below(&screen, "(0.2);");
    assert_eq!(lines[0], "beat │ t");
    assert!(lines[1].starts_with("─────┼──"), "{screen}");
    assert_eq!(
        lines[2..6],
        [
            " 0.0 │ no 0.0",
            " 0.2 │ no 0.2",
            " 0.4 │ no 0.4",
            " 0.6 │ no 0.6"
        ]
    );
    terminal.press("C-c");
    terminal.wait_for("stopped");
}

#[test]
fn tables_and_markdown_where_they_are_asked_for() {
    let rows = "select i as n, 'a|b' from Integer i where i in iota(9,10); 'alone'; select i from Integer i where i in iota(1,2);";
    osql()
        .args(["--format", "markdown", "-o", rows])
        .run()
        .expect_ok(
            "| n  | 'a|b' |\n|----|-------|\n|  9 | a\\|b  |\n| 10 | a\\|b  |\n\"alone\"\n1\n2\n",
        );
    osql().args(["--format", "table", "-o", rows]).run().expect_ok(
        "┌────┬───────┐\n│ n  ┆ 'a|b' │\n╞════╪═══════╡\n│  9 ┆ a|b   │\n│ 10 ┆ a|b   │\n└────┴───────┘\n(2 rows)\n\"alone\"\n1\n2\n",
    );
    // In a pipe text is what it always was.
    osql()
        .args(["-o", rows])
        .run()
        .expect_ok("[9,\"a|b\"]\n[10,\"a|b\"]\n\"alone\"\n1\n2\n");
}

#[test]
fn times_are_local_in_the_tables_of_a_terminal() {
    let state = TempDir::new().expect("a folder");
    let terminal = Terminal::start_with("TZ=CET-1", "", 80, 40, state.path());
    terminal.wait_prompt();
    let query = "select |2026-01-31T12:00:00.5Z| as t, binary('68616c6cc3a5') as b from Integer i where i = 1;";
    terminal.enter(query);
    terminal.wait_for("│ 2026-01-31 13:00:00.5+01:00 ┆ hallå │");
    terminal.wait_prompt();
    terminal.enter("\\utc");
    terminal.wait_for("times in tables are in UTC");
    terminal.enter(query);
    terminal.wait_for("│ |2026-01-31T12:00:00.500Z| ┆ hallå │");
    // A value of its own is as it is typed.
    terminal.enter("\\utc off");
    terminal.wait_for("times in tables are local");
    terminal.enter("|2026-01-31T12:00:00.5Z|;");
    terminal.wait_for("\n|2026-01-31T12:00:00.500Z|\n");
    // So is everything in a pipe.
    osql()
        .env("TZ", "CET-1")
        .args(["--format", "table", "-o", "select |2026-01-31T12:00:00Z| as t, i as n from Integer i where i = 1;"])
        .run()
        .expect_ok(
            "┌────────────────────────────┬───┐\n│ t                          ┆ n │\n╞════════════════════════════╪═══╡\n│ |2026-01-31T12:00:00.000Z| ┆ 1 │\n└────────────────────────────┴───┘\n(1 row)\n",
        );
}

#[test]
fn a_record_too_wide_for_the_window_has_a_line_for_each_field() {
    let state = TempDir::new().expect("a folder");
    let terminal = Terminal::start("", 40, 40, state.path());
    terminal.wait_prompt();
    terminal.enter("set :r = {'room': 'hall', 'celsius': 19.5, 'from': 'a sensor'};");
    terminal.wait_prompt();
    terminal.enter(":r;");
    let screen = terminal.wait_for("\n}\n");
    assert_eq!(
        below(&screen, "osql> :r;"),
        [
            "{",
            "  \"room\": \"hall\",",
            "  \"celsius\": 19.5,",
            "  \"from\": \"a sensor\"",
            "}"
        ]
    );
    terminal.wait_prompt();
    terminal.enter("select :r as r from Integer i where i in iota(1,1);");
    let screen = terminal.wait_for("(1 row)");
    assert_eq!(
        below(&screen, "iota(1,1);").last().map(String::as_str),
        Some("(1 row)"),
        "{screen}"
    );
    assert!(
        screen.contains("\nr │ {\n  │   \"room\": \"hall\",\n"),
        "{screen}"
    );
    drop(terminal);
    // Where there is room it stays on its line.
    let terminal = Terminal::start("", 120, 40, state.path());
    terminal.wait_prompt();
    terminal.enter("{'room': 'hall', 'celsius': 19.5, 'from': 'a sensor'};");
    terminal.wait_for("\n{\"room\":\"hall\",\"celsius\":19.5,\"from\":\"a sensor\"}\n");
}

#[test]
fn a_table_longer_than_the_window_goes_to_the_pager_if_that_is_wanted() {
    let state = TempDir::new().expect("a folder");
    let terminal = Terminal::start_with("PAGER=\"tail -n 3\"", "", 80, 24, state.path());
    terminal.wait_prompt();
    let query = "select i as n, i as m from Integer i where i in iota(1,200);";
    terminal.enter("\\pager");
    terminal.wait_for("long tables go to the pager");
    terminal.enter(query);
    let screen = terminal.wait_for("(200 rows)");
    assert_eq!(
        below(&screen, "iota(1,200);"),
        ["│ 200 ┆ 200 │", "└─────┴─────┘", "(200 rows)"]
    );
    terminal.wait_prompt();
    // One that fits does not.
    terminal.enter("select i as n, i as m from Integer i where i in iota(1,3);");
    terminal.wait_for("│ 1 ┆ 1 │");
    terminal.wait_prompt();
    terminal.enter("\\pager off");
    terminal.wait_for("long tables are cut");
    terminal.enter(query);
    terminal.wait_for("(40 of 200 rows; \\format text shows all)");
}

#[test]
fn a_pager_that_fails_is_an_error() {
    let state = TempDir::new().expect("a folder");
    let terminal = Terminal::start_with("PAGER=no-such-pager", "", 80, 24, state.path());
    terminal.wait_prompt();
    terminal.enter("\\pager on");
    terminal.wait_for("long tables go");
    terminal.enter("select i as n, i as m from Integer i where i in iota(1,200);");
    terminal.wait_for("the pager 'no-such-pager' failed");
    terminal.enter("'still ' + 'here';");
    terminal.wait_for("\"still here\"");
}
