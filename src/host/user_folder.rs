//! osql's own folders among those of the user (XDG Base Directory Specification).

use std::env;
use std::path::PathBuf;

/// What the user has set up.
pub fn configuration() -> PathBuf {
    below("XDG_CONFIG_HOME", ".config")
}

/// What comes with the program.
pub fn data() -> PathBuf {
    below("XDG_DATA_HOME", ".local/share")
}

/// What is remembered from one start to the next.
pub fn state() -> PathBuf {
    below("XDG_STATE_HOME", ".local/state")
}

/// osql's own folder in a base folder of the user: the one that `variable` names, else `default` below the
/// home folder. A base that is not absolute does not count, says the specification.
fn below(variable: &str, default: &str) -> PathBuf {
    env::var_os(variable)
        .map(PathBuf::from)
        .filter(|base| base.is_absolute())
        .unwrap_or_else(|| env::home_dir().unwrap_or_default().join(default))
        .join("osql")
}
