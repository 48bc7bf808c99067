//! What the README says of the program is so.

use crate::support::osql::osql;
use crate::support::table::each_row;

const README: &str = include_str!("../../README.md");

/// The words between backticks in a line.
fn quoted(line: &str) -> impl Iterator<Item = &str> {
    line.split('`').skip(1).step_by(2)
}

/// The rows of the table whose head begins with `head`.
fn table(head: &str) -> impl Iterator<Item = &'static str> {
    README
        .lines()
        .skip_while(move |line| !line.starts_with(head))
        .skip(2)
        .take_while(|line| line.starts_with('|'))
}

/// The first column of a table's row.
fn first_column(row: &str) -> &str {
    row.split('|').nth(1).unwrap_or("")
}

/// What is typed in the recorded session, and what is shown.
fn session() -> (String, String) {
    const PROMPT: &str = "osql> ";
    let mut lines = README
        .lines()
        .skip_while(|line| *line != "<!-- session -->")
        .skip(2)
        .take_while(|line| *line != "```");
    let (mut typed, mut shown) = (String::new(), String::new());
    while let Some(line) = lines.next() {
        let Some(statement) = line.strip_prefix(PROMPT) else {
            shown += &format!("{line}\n");
            continue;
        };
        typed += &format!("{statement}\n");
        while !typed.ends_with(";\n") {
            typed += &format!("{}\n", lines.next().expect("the statement ends"));
        }
    }
    (typed, shown)
}

#[test]
fn its_session_runs_as_recorded() {
    let (typed, shown) = session();
    assert!(typed.lines().count() > 10, "{typed}");
    osql().stdin(typed).run().expect_ok(&shown);
}

/// In the list of differences, what follows a statement in words that begin with "is" is its result.
#[test]
fn the_differences_are_so() {
    let list: Vec<_> = README
        .lines()
        .skip_while(|line| !line.starts_with("## Differences"))
        .skip(1)
        .take_while(|line| !line.starts_with("## "))
        .collect();
    let text = list.join("\n");
    let mut parts = text.split('`').skip(1);
    let mut checked = 0;
    while let (Some(code), Some(between)) = (parts.next(), parts.next()) {
        if !code.ends_with(';') {
            continue;
        }
        let output = osql().statements(code).run();
        if between == " is " {
            let result = parts.next().expect("a result");
            output.expect_ok(&format!("{result}\n"));
            parts.next();
        } else if between.starts_with(" is an error") {
            output.expect_error(1, "error: ");
        } else {
            output.expect_ok("null\n");
        }
        checked += 1;
    }
    assert_eq!(checked, 6);
}

#[test]
fn its_options_are_those_of_the_documentation() {
    let doc = osql().statements("doc('mqtt:register_client');").run();
    // Each line of the documentation that is indented by two begins with the options it is about.
    let mut documented: Vec<_> = doc
        .stdout
        .lines()
        .filter_map(|line| line.strip_prefix("  "))
        .filter(|line| !line.starts_with(' '))
        .flat_map(|line| line.split("  ").next().unwrap_or("").split(", "))
        .collect();
    let mut listed: Vec<_> = table("| option |")
        .flat_map(|row| quoted(first_column(row)))
        .collect();
    assert!(listed.len() > 30, "{listed:?}");
    documented.sort_unstable();
    listed.sort_unstable();
    assert_eq!(listed, documented);
}

#[test]
fn its_flags_are_those_of_the_help() {
    let help = osql().arg("--help").run().stdout;
    let listed: Vec<_> = table("| flag |")
        .flat_map(|row| quoted(first_column(row)))
        .filter_map(|flag| flag.split(' ').next())
        .filter(|flag| flag.starts_with('-') && flag.len() > 1)
        .collect();
    each_row(&listed, |flag| {
        assert!(help.contains(flag), "{flag} in {help}");
    });
    let flags = help
        .split_whitespace()
        .map(|word| word.trim_end_matches(','));
    each_row(flags.filter(|word| word.starts_with("--")), |flag| {
        assert!(listed.contains(&flag), "{flag} in {listed:?}");
    });
}
