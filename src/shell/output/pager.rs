//! Shows what is longer than the screen in the user's pager.

use std::env;
use std::io::{self, Write};
use std::process::{Command, Stdio};

use crate::text::diagnostic::{Error, Result};

/// Lets the user look at a text with `$PAGER`, or `less`. The variable names a program with its arguments, as
/// it does everywhere.
pub fn page(text: &str) -> Result<()> {
    let wanted = env::var("PAGER").ok();
    let wanted = wanted.filter(|pager| !pager.trim().is_empty());
    let pager = wanted.unwrap_or_else(|| "less".to_owned());
    let failed = |why: String| {
        Error::run(format!("the pager '{pager}' {why}"))
            .help("PAGER in the environment says which one to use, and \\pager off does without")
    };
    let mut command = Command::new("sh");
    command.args(["-c", &pager]).stdin(Stdio::piped());
    if env::var_os("LESS").is_none() {
        // Boxes stay whole where the window becomes narrower.
        command.env("LESS", "-RS");
    }
    let mut child = command
        .spawn()
        .map_err(|error| failed(format!("cannot be started: {error}")))?;
    let written = child
        .stdin
        .take()
        .map_or(Ok(()), |mut input| input.write_all(text.as_bytes()));
    let status = child
        .wait()
        .map_err(|error| failed(format!("cannot be waited for: {error}")))?;
    match written {
        // Who has seen enough leaves before the end.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(failed(format!("cannot be written to: {error}")))
        }
        _ if status.success() => Ok(()),
        _ => Err(failed(format!("failed: {status}"))),
    }
}
