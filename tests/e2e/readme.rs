//! What the README and the guide's pages of flags, options and differences say of the program is so.

use crate::support::osql::osql;
use crate::support::table::each_row;

const README: &str = include_str!("../../README.md");
const OPTIONS: &str = include_str!("../../models/guide/13-mqtt-options.md");
const FLAGS: &str = include_str!("../../models/guide/14-scripts-and-services.md");
const DIFFERENCES: &str = include_str!("../../models/guide/18-differences-from-sa-engine.md");

/// The words between backticks in a line.
fn quoted(line: &str) -> impl Iterator<Item = &str> {
    line.split('`').skip(1).step_by(2)
}

/// The rows of a page's table whose head begins with `head`.
fn table(page: &'static str, head: &str) -> impl Iterator<Item = &'static str> {
    page.lines()
        .skip_while(move |line| !line.starts_with(head))
        .skip(2)
        .take_while(|line| line.starts_with('|'))
}

/// The first column of a table's row.
fn first_column(row: &str) -> &str {
    row.split('|').nth(1).unwrap_or("")
}

#[test]
fn it_has_the_two_commands() {
    for command in [
        "    cargo run --release -- models/mqtt-tutorial/demo.osql\n",
        "    tests/run\n",
    ] {
        assert!(README.contains(command), "{command}");
    }
}

/// In the list of differences, what follows a statement in words that begin with "is" is its result.
#[test]
fn the_differences_are_so() {
    let mut parts = DIFFERENCES.split('`').skip(1);
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
    let mut listed: Vec<_> = table(OPTIONS, "| option |")
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
    let listed: Vec<_> = table(FLAGS, "| flag |")
        .flat_map(|row| quoted(first_column(row)))
        .filter_map(|flag| flag.split([' ', '=']).next())
        .filter(|flag| flag.starts_with('-') && flag.len() > 1)
        .collect();
    each_row(&listed, |flag| {
        assert!(help.contains(flag), "{flag} in {help}");
    });
    let flags = help
        .split_whitespace()
        .filter_map(|word| word.split([',', '[']).next());
    each_row(flags.filter(|word| word.starts_with("--")), |flag| {
        assert!(listed.contains(&flag), "{flag} in {listed:?}");
    });
}
