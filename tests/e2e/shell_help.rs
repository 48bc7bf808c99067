//! The prompt's help, in a real terminal.

use crate::support::tmux::Terminal;
use tempfile::TempDir;

/// A prompt in a window of so many columns.
fn prompt(columns: u16) -> (Terminal, TempDir) {
    let state = TempDir::new().expect("a folder");
    let terminal = Terminal::start("", columns, 200, state.path());
    terminal.wait_prompt();
    (terminal, state)
}

/// What an entry shows.
fn shown(terminal: &Terminal, entry: &str) -> String {
    terminal.enter(entry);
    let screen = terminal.wait_prompt();
    terminal.enter("clear");
    terminal.wait_until(|screen| screen == "osql>");
    screen
}

/// The lines of a screen that no line of code stands in.
fn prose(screen: &str) -> Vec<&str> {
    let lines = screen.lines().filter(|line| !line.starts_with("  "));
    lines.collect()
}

#[test]
fn help_lists_the_chapters_and_shows_them() {
    let (terminal, _state) = prompt(80);
    let overview = shown(&terminal, "help");
    assert!(overview.contains("\\watch [SECONDS]"), "{overview}");
    assert!(overview.contains("\n   6  Windows\n"), "{overview}");

    let chapter = shown(&terminal, "help streams");
    assert!(
        chapter.contains("\nStreams and bags\n════════════════\n\nOSQL has three"),
        "{chapter}"
    );
    assert!(
        chapter.contains("\n  osql> vectorof(siota(1, 3));\n  [1,2,3]\n"),
        "{chapter}"
    );
    assert!(
        chapter.contains("What can never answer\n─────"),
        "{chapter}"
    );
    // The head of a table and its rows, side by side.
    assert!(chapter.contains("\n bag     no"), "{chapter}");

    let section = shown(&terminal, "help select");
    assert!(
        section.contains("\nselect\n──────\n\nselect gives results"),
        "{section}"
    );
    assert!(
        !section.contains("Expressions"),
        "only the section: {section}"
    );
    assert!(
        section.contains("See also:\n  help select over a stream\n"),
        "{section}"
    );

    assert!(shown(&terminal, "\\h 7").contains("\nTime\n════\n"));
    let chapter = shown(&terminal, "help group by;");
    assert!(
        chapter.contains("\nAggregates and group by\n═══"),
        "{chapter}"
    );
}

#[test]
fn help_shows_functions_and_searches() {
    let (terminal, _state) = prompt(80);
    let function = shown(&terminal, "\\h sign");
    assert!(
        function.contains("\nsign(Number x)->Integer\n"),
        "{function}"
    );
    assert!(function.contains("Example: sign("), "{function}");

    terminal.enter("create function halved(Number x) -> Number /* Half of it. */ as x/2;");
    terminal.wait_prompt();
    let own = shown(&terminal, "help halved");
    assert!(
        own.contains("\nhalved(Number x)->Number\nHalf of it.\n"),
        "{own}"
    );

    let found = shown(&terminal, "help hysteresis");
    assert!(
        found.contains("There is nothing about hysteresis;"),
        "{found}"
    );
    let found = shown(&terminal, "help wildcard");
    assert!(!found.contains("There is nothing"), "{found}");
    let found = shown(&terminal, "help retained");
    assert!(
        found.contains("The guide has it; help and the title shows:\n"),
        "{found}"
    );
    assert!(
        found.contains("\n  Publish\n      osql> publish("),
        "{found}"
    );
    assert!(
        found.contains("Functions; help and the name shows:\n  mqtt:register_client("),
        "{found}"
    );
}

#[test]
fn help_fits_into_a_narrow_window() {
    let (terminal, _state) = prompt(40);
    let chapter = shown(&terminal, "help errors");
    assert!(chapter.contains("\nErrors\n══════\n"), "{chapter}");
    // A word is never cut at the window's edge: the next line does not go on within it.
    assert!(
        chapter.contains(
            "\nAn error has a message, the place, and\nhelp. It ends the statement, not the\n"
        ),
        "{chapter}"
    );
    let table = shown(&terminal, "help one to the other");
    assert!(
        table.contains("See also") || table.contains("vectorof(b)"),
        "{table}"
    );
    let found = shown(&terminal, "help retained");
    assert!(
        prose(&found).iter().all(|line| line.chars().count() <= 40),
        "{found}"
    );
    assert!(found.contains("…\n"), "long lines are cut: {found}");
}

#[test]
fn functions_are_shown_by_their_signatures() {
    let (terminal, _state) = prompt(80);
    let screen = shown(&terminal, "apropos('sqr');");
    assert!(
        screen.contains("osql> apropos('sqr');\nsqrt(Array a)->Array\n    The square root of each"),
        "{screen}"
    );
    assert!(screen.contains("…\n"), "long lines are cut: {screen}");
    assert!(
        screen.contains("sqrt(Real x)->Real\n    The square root that is not negative."),
        "{screen}"
    );
    let screen = shown(&terminal, "count(apropos('square root')) > 1;");
    assert!(screen.ends_with("\ntrue\nosql>"), "{screen}");
}
