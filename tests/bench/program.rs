//! The osql that is measured.

use std::process::Command;

/// A command that starts osql: the one that was built with the benchmark, or the file that the
/// variable `OSQL` names, so that two builds can be compared by one benchmark.
pub fn osql() -> Command {
    let built = env!("CARGO_BIN_EXE_osql");
    Command::new(std::env::var("OSQL").unwrap_or_else(|_| built.to_owned()))
}
