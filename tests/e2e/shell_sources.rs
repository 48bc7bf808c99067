//! What a script is called, and how it ends, makes no difference to its errors.

use crate::support::osql::{file, osql};
use tempfile::TempDir;

const SCRIPT: &str = "\
create function half(Number x) -> Number as
  x / 0;
half(3);
1 + 2 + [1,2][1][2];
{'a': 1 / 0};
select n from Integer n where n in bag(1,2) and n = 1 / 0;
";

/// The places of the errors of `SCRIPT` as a file called `name`.
fn places(name: &str) -> Vec<String> {
    let folder = TempDir::new().expect("a folder");
    file(folder.path(), name, SCRIPT);
    let output = osql().current_dir(folder.path()).arg(name).run();
    let mark = format!("┌─ {name}:");
    let after_mark = |line: &str| line.split_once(&mark).map(|(_, place)| place.to_owned());
    output.stderr.lines().filter_map(after_mark).collect()
}

#[test]
fn errors_have_the_same_places_whatever_a_script_is_called() {
    let expected = places("script.osql");
    assert_eq!(expected.len(), 4, "{expected:?}");
    assert_eq!(places("built-in script.osql"), expected);
}

#[test]
fn a_comment_that_is_never_closed_is_an_error() {
    let output = osql().stdin("1; /* one\n2;\n").run();
    assert_eq!((output.stdout.as_str(), output.code), ("1\n", 1));
    for part in ["this comment is never closed", "<stdin>:1:4"] {
        assert!(output.stderr.contains(part), "{}", output.stderr);
    }
}
