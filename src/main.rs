//! The `osql` program. Everything it does is in the library; see [`osql::shell`].

use std::process::ExitCode;

fn main() -> ExitCode {
    osql::shell::main()
}
