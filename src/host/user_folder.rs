//! osql's own folders among those of the user (XDG Base Directory Specification).

use std::env;
use std::path::PathBuf;

/// What the user has set up.
pub fn configuration() -> Option<PathBuf> {
    below("XDG_CONFIG_HOME", ".config")
}

/// What comes with the program.
pub fn data() -> Option<PathBuf> {
    below("XDG_DATA_HOME", ".local/share")
}

/// What is remembered from one start to the next.
pub fn state() -> Option<PathBuf> {
    below("XDG_STATE_HOME", ".local/state")
}

/// osql's own folder in a base folder of the user: the one that `variable` names, else `default`
/// below the home folder. A base that is not absolute does not count, says the specification. None if nothing
/// says where the user's files are.
fn below(variable: &str, default: &str) -> Option<PathBuf> {
    let named = env::var_os(variable).map(PathBuf::from);
    let base = named.filter(|base| base.is_absolute()).or_else(|| {
        let home = env::home_dir().filter(|home| home.is_absolute())?;
        Some(home.join(default))
    });
    base.map(|base| base.join("osql"))
}
