//! The home folder: what `sa_home()` returns, and the models that come with the program.

use std::env;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::args::ScriptInput;
use crate::host::user_folder;
use crate::text::diagnostic::{Error, Result};

/// A model file with its content.
macro_rules! model {
    ($path:literal) => {
        ($path, include_bytes!(concat!("../../models/", $path)))
    };
}

/// The built-in models: path below `models/`, content.
const MODELS: &[(&str, &[u8])] = &[
    model!("mqtt-tutorial/README.md"),
    model!("mqtt-tutorial/demo.osql"),
    model!("mqtt-tutorial/mosquitto.org.crt"),
    model!("mqtt-tutorial/query-msg.osql"),
    model!("mqtt-tutorial/secure-mqtt.osql"),
    model!("mqtt-tutorial/simple.osql"),
];

/// The home folder, absolute and with a closing slash: the one asked for (`-f`), or `SA_HOME`, or the one
/// that `.sa_startup.json` in the working folder names, or the nearest folder above the executable that
/// has `models/`, or the user's data folder.
pub fn folder(asked: Option<&Path>) -> Result<PathBuf> {
    let given = asked.map(Path::to_owned).or_else(|| {
        env::var_os("SA_HOME")
            .filter(|v| !v.is_empty())
            .map(PathBuf::from)
    });
    let given = match given {
        Some(folder) => Some(folder),
        None => startup_folder(Path::new(STARTUP))?,
    };
    let folder = given.or_else(above_executable).unwrap_or_else(data_folder);
    let absolute = std::path::absolute(&folder).unwrap_or(folder);
    // Joining with nothing adds the slash, unless it is there already.
    Ok(absolute.join(""))
}

/// A file in the working folder that says what belongs to a project.
const STARTUP: &str = ".sa_startup.json";

/// The home folder that the file names, if it is there and names one: a string, or a list of one.
fn startup_folder(file: &Path) -> Result<Option<PathBuf>> {
    let fault = |what: String| {
        Error::run(format!("{}: {what}", file.display()))
            .help("it looks like {\"SA_HOME\": \"SA\"}, with the folder that has models/")
    };
    let text = match fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(fault(format!("it cannot be read: {error}"))),
    };
    let json: serde_json::Value =
        serde_json::from_str(&text).map_err(|error| fault(format!("not JSON: {error}")))?;
    let named = match json.get("SA_HOME") {
        None => return Ok(None),
        Some(serde_json::Value::Array(list)) if list.len() == 1 => list[0].as_str(),
        Some(named) => named.as_str(),
    };
    let Some(named) = named else {
        return Err(fault("SA_HOME is a string, or a list of one".to_owned()));
    };
    // Relative to the file.
    let folder = file.parent().unwrap_or(Path::new("")).join(named);
    match folder.is_dir() {
        true => Ok(Some(folder)),
        false => Err(fault(format!("there is no folder '{named}'"))),
    }
}

fn above_executable() -> Option<PathBuf> {
    let executable = env::current_exe().ok()?;
    executable
        .ancestors()
        .skip(1)
        .find(|folder| folder.join("models").is_dir())
        .map(Path::to_owned)
}

/// The user's data folder for osql (XDG Base Directory Specification), with the models in it; the working
/// folder if the user has none.
fn data_folder() -> PathBuf {
    let Some(folder) = user_folder::data() else {
        return PathBuf::new();
    };
    // If they cannot be written, the statement that reads one reports the missing file.
    let _ = write_models(&folder);
    folder
}

/// Writes the models that are not there yet; what the user has changed stays.
fn write_models(home: &Path) -> io::Result<()> {
    for (path, content) in MODELS {
        let file = home.join("models").join(path);
        if file.exists() {
            continue;
        }
        if let Some(folder) = file.parent() {
            fs::create_dir_all(folder)?;
        }
        match fs::File::create_new(&file) {
            Ok(mut file) => file.write_all(content)?,
            // Another osql has written it at the same time.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// The user's own statements to begin a prompt with, if there are such:
/// `~/.config/osql/init.osql`.
pub fn init_file() -> Vec<ScriptInput> {
    let folder = user_folder::configuration();
    let file = folder.map(|folder| folder.join("init.osql"));
    let file = file.filter(|file| file.is_file());
    file.map(ScriptInput::File).into_iter().collect()
}
