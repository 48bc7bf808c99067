//! What the README says of the program is so.

mod support;

use support::osql::osql;

const README: &str = include_str!("../README.md");

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

#[test]
fn its_options_are_those_of_the_documentation() {
    let doc = osql().statements("doc('mqtt:register_client');").run();
    let options: Vec<_> = table("| option |")
        .flat_map(|row| quoted(first_column(row)))
        .collect();
    assert!(options.len() > 30, "{options:?}");
    for option in options {
        assert!(doc.stdout.contains(option), "{option} in {}", doc.stdout);
    }
}

#[test]
fn its_flags_are_those_of_the_help() {
    let help = osql().arg("--help").run().stdout;
    let flags: Vec<_> = table("| flag |")
        .flat_map(|row| quoted(first_column(row)))
        .collect();
    assert!(flags.len() > 10, "{flags:?}");
    for flag in flags {
        let name = flag.split(' ').next().unwrap_or(flag);
        let known = name.starts_with('-') || help.contains(name);
        assert!(known, "{name}");
        if name.starts_with("--") || (name.starts_with('-') && name.len() == 2) {
            assert!(help.contains(name), "{name} in {help}");
        }
    }
}
