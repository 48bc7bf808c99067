//! Connection profiles: how brokers are reached, by names, out of `config.toml` in the user's folder.
//!
//! ```toml
//! [profiles.plant]
//! connection = "mqtts://broker.example"
//! username = "anna"
//! password-command = "pass show plant"
//! ```
//!
//! A profile has the options of `mqtt:register_client`. One that is a secret does not stand there: behind
//! `…-command` stands a command that writes it, behind `…-env` a variable of the environment.

use std::borrow::Cow;
use std::env;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::file_input::file_error;
use super::user_folder;
use crate::mqtt::{FILE_OPTIONS, SECRET_OPTIONS, Setting, Settings};
use crate::text::diagnostic::{Error, Result, SourceText, Span, nearest};
use crate::text::wait::{Received, Token, queue};

/// The table of `config.toml` in which the profiles are.
const PROFILES: &str = "profiles";

/// More than that is no secret.
const LONGEST_SECRET: u64 = 64 * 1024;

/// What the user has set up, as it stands in the file.
pub struct Profiles {
    file: PathBuf,
    source: Arc<SourceText>,
}

/// The profiles of a file that has been read.
type Tables<'t> = Vec<(&'t str, &'t Spanned<DeValue<'t>>)>;

impl Profiles {
    /// Reads the file; one that is not there has no profiles.
    pub fn read() -> Result<Profiles> {
        match user_folder::configuration() {
            Some(folder) => Profiles::read_file(folder.join("config.toml")),
            None => Ok(Profiles {
                file: PathBuf::from("config.toml"),
                source: SourceText::new("config.toml", ""),
            }),
        }
    }

    fn read_file(file: PathBuf) -> Result<Profiles> {
        let text = match fs::read_to_string(&file) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(file_error("read", &file, &error)),
        };
        Ok(Profiles {
            source: SourceText::new(file.display().to_string(), text),
            file,
        })
    }

    /// The names of the profiles.
    pub fn names(&self) -> Result<Vec<String>> {
        let document = self.document()?;
        let tables = self.tables(&document)?;
        Ok(tables.iter().map(|(name, _)| (*name).to_owned()).collect())
    }

    /// The options of `mqtt:register_client` that a profile has; secrets are fetched now, under `token`.
    pub fn options(&self, name: &str, token: &Token) -> Result<Settings> {
        let document = self.document()?;
        let tables = self.tables(&document)?;
        let Some((_, profile)) = tables.iter().find(|(known, _)| *known == name) else {
            return Err(self.unknown(name, &tables));
        };
        let DeValue::Table(options) = profile.get_ref() else {
            return Err(self.at(
                profile,
                &format!("the profile '{name}' is a table, [{PROFILES}.{name}]"),
            ));
        };
        let mut settings = Settings::default();
        for (option, value) in options {
            let (option, setting) = self.option(name, option, value, token)?;
            if settings.get(&option).is_some() {
                let message = format!("the profile '{name}' says twice what `{option}` is");
                return Err(self.at(value, &message));
            }
            settings.put(option, setting);
        }
        Ok(settings)
    }

    fn document(&self) -> Result<Spanned<DeTable<'_>>> {
        DeTable::parse(&self.source.text).map_err(|error| {
            let message = error.message().trim_end();
            let span = error.span().unwrap_or(0..0);
            Error::run(format!("not TOML: {message}")).at(&Span::new(
                &self.source,
                span.start,
                span.end,
            ))
        })
    }

    /// The profiles of the document by their names.
    fn tables<'t>(&self, document: &'t Spanned<DeTable<'t>>) -> Result<Tables<'t>> {
        let mut tables = Vec::new();
        for (key, value) in document.get_ref() {
            if key.get_ref() != PROFILES {
                let message = format!("there is no setting `{}`", key.get_ref());
                let error = self.at(key, &message);
                return Err(error.help(format!("a profile is a table [{PROFILES}.NAME]")));
            }
            let DeValue::Table(profiles) = value.get_ref() else {
                let message = format!("`{PROFILES}` is a table of profiles");
                return Err(self.at(value, &message));
            };
            tables.extend(profiles.iter().map(|(name, t)| (&**name.get_ref(), t)));
        }
        Ok(tables)
    }

    fn unknown(&self, name: &str, tables: &Tables) -> Error {
        let error = Error::run(format!("there is no profile '{name}'"));
        let file = self.file.display();
        if tables.is_empty() {
            return error.help(format!(
                "a profile is a table [{PROFILES}.{name}] in {file}"
            ));
        }
        let names: Vec<_> = tables.iter().map(|(name, _)| *name).collect();
        let error = match nearest(name, names.iter().copied()) {
            Some(near) => error.help(format!("did you mean '{near}'?")),
            None => error,
        };
        error.help(format!("{file} has {}", names.join(", ")))
    }

    /// The option that a line of a profile stands for, and its value.
    fn option(
        &self,
        profile: &str,
        key: &Spanned<Cow<str>>,
        value: &Spanned<DeValue>,
        token: &Token,
    ) -> Result<(String, Setting)> {
        let name = &**key.get_ref();
        if SECRET_OPTIONS.contains(&name) {
            return Err(self
                .at(
                    key,
                    &format!("`{name}` is a secret, and does not stand in a file"),
                )
                .help(format!(
                    "{name}-command = \"pass show {profile}\" is a command that writes it"
                ))
                .help(format!(
                    "{name}-env = \"{}_{}\" is a variable of the environment",
                    variable(profile),
                    variable(name)
                )));
        }
        for secret in SECRET_OPTIONS {
            let fetch = match name.strip_prefix(secret) {
                Some("-command") => written_by,
                Some("-env") => in_environment,
                _ => continue,
            };
            let DeValue::String(source) = value.get_ref() else {
                return Err(self.at(value, &format!("`{name}` is a string")));
            };
            let fetched = fetch(source, token).map_err(|error| {
                let error = error.context(format_args!("profile '{profile}', {name}"));
                error.at(&self.span(value))
            })?;
            return Ok((secret.to_owned(), Setting::Text(fetched)));
        }
        let setting = self.setting(value)?;
        Ok(match setting {
            Setting::Text(path) if FILE_OPTIONS.contains(&name) => {
                (name.to_owned(), Setting::Text(self.path(&path)))
            }
            setting => (name.to_owned(), setting),
        })
    }

    /// A path as the file means it: below its folder, or below the user's home.
    fn path(&self, path: &str) -> String {
        let path = match path.strip_prefix("~/") {
            Some(path) => env::home_dir().unwrap_or_default().join(path),
            None => self.file.parent().unwrap_or(Path::new("")).join(path),
        };
        path.to_string_lossy().into_owned()
    }

    fn setting(&self, value: &Spanned<DeValue>) -> Result<Setting> {
        Ok(match value.get_ref() {
            DeValue::String(text) => Setting::text(text.as_ref()),
            DeValue::Boolean(flag) => Setting::Bool(*flag),
            DeValue::Integer(digits) => {
                let number = i64::from_str_radix(&digits.as_str().replace('_', ""), digits.radix());
                let number = number.map_err(|_| self.at(value, "an integer beyond 64 bits"))?;
                Setting::Integer(number)
            }
            DeValue::Float(digits) => {
                let number = digits.as_str().replace('_', "").parse();
                Setting::Real(number.map_err(|_| self.at(value, "this is not a number"))?)
            }
            DeValue::Array(elements) => {
                let elements = elements.iter().map(|element| self.setting(element));
                Setting::List(elements.collect::<Result<_>>()?)
            }
            DeValue::Table(fields) => {
                let fields = fields
                    .iter()
                    .map(|(name, value)| Ok((name.get_ref().to_string(), self.setting(value)?)));
                Setting::Group(fields.collect::<Result<_>>()?)
            }
            DeValue::Datetime(_) => return Err(self.at(value, "no option is a time")),
        })
    }

    fn span<T>(&self, place: &Spanned<T>) -> Span {
        Span::new(&self.source, place.span().start, place.span().end)
    }

    fn at<T>(&self, place: &Spanned<T>, message: &str) -> Error {
        Error::run(message).at(&self.span(place))
    }
}

/// How a word is written in the name of a variable.
fn variable(word: &str) -> String {
    word.to_uppercase()
        .replace(|c: char| !c.is_ascii_alphanumeric(), "_")
}

fn in_environment(variable: &str, _: &Token) -> Result<String> {
    // Names that no variable can have make the system call panic.
    let possible = !(variable.is_empty() || variable.contains(['=', '\0']));
    match possible.then(|| env::var(variable)) {
        Some(Ok(value)) => Ok(value),
        Some(Err(env::VarError::NotUnicode(_))) => Err(Error::run(format!(
            "the environment variable {variable} is not UTF-8 text"
        ))),
        _ => Err(Error::run(format!(
            "the environment variable {variable} is not set"
        ))),
    }
}

/// The first line that a command of the system's shell writes. It is never shown.
fn written_by(line: &str, token: &Token) -> Result<String> {
    let mut child = Command::new("sh")
        .args(["-c", line])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| Error::run(format!("the command cannot be started: {error}")))?;
    let output = output_of(&mut child, token).inspect_err(|_| {
        // One that has ended meanwhile cannot be killed.
        let _ = child.kill();
        let _ = child.wait();
    })?;
    let status = child
        .wait()
        .map_err(|error| Error::run(format!("the command cannot be waited for: {error}")))?;
    if !status.success() {
        return Err(Error::run(format!("the command ended with {status}"))
            .help("what it has written is not shown, as it may be the secret"));
    }
    let text = String::from_utf8(output)
        .map_err(|_| Error::run("what the command writes is not UTF-8 text"))?;
    match text.lines().next() {
        Some(secret) if !secret.is_empty() => Ok(secret.to_owned()),
        _ => Err(Error::run("the command writes nothing")),
    }
}

/// What a command writes until it closes its output.
fn output_of(child: &mut Child, token: &Token) -> Result<Vec<u8>> {
    let Some(stdout) = child.stdout.take() else {
        return Ok(Vec::new());
    };
    let (sender, receiver) = queue(1);
    // On a thread of its own, so that a stop ends the wait.
    thread::Builder::new()
        .name("secret".to_owned())
        .spawn(move || {
            let mut output = Vec::new();
            let read = stdout.take(LONGEST_SECRET).read_to_end(&mut output);
            // Nobody waits any more after a stop.
            let _ = sender.send(read.map(|_| output), &Token::new());
        })
        .map_err(|error| Error::run(format!("no thread can be started: {error}")))?;
    match receiver.recv(None, token)? {
        Received::Item(read) => {
            read.map_err(|error| Error::run(format!("the command cannot be read: {error}")))
        }
        Received::End | Received::Late => Ok(Vec::new()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profiles(text: &str) -> Profiles {
        Profiles {
            file: PathBuf::from("/etc/osql/config.toml"),
            source: SourceText::new("config.toml", text),
        }
    }

    fn shown(result: Result<Settings>) -> String {
        match result {
            Ok(settings) => settings
                .iter()
                .map(|(name, value)| format!("{name}={value};"))
                .collect(),
            Err(error) => {
                let helps = error.helps().join("; ");
                let at = error.span().map(|span| span.text().to_owned());
                format!("{} | {} | {helps}", error.message(), at.unwrap_or_default())
            }
        }
    }

    #[test]
    fn a_profile_gives_the_options_of_a_client() {
        let profiles = profiles(
            "[profiles.plant]\nconnection = 'tcp://h'\nqos = 0x2\nwait = true\nkeepalive = 1.5\n\
             alpn = ['a', 'b']\ncafile = 'ca.crt'\npassword-command = 'printf \"p1\\nmore\"'\n\
             keypass-command = 'echo p2'\n[profiles.'other one']\n",
        );
        assert_eq!(profiles.names().expect("is TOML"), ["other one", "plant"]);
        assert_eq!(
            shown(profiles.options("plant", &Token::new())),
            "alpn=a vector;cafile=\"/etc/osql/ca.crt\";connection=\"tcp://h\";keepalive=1.5;\
             keypass=\"p2\";password=\"p1\";qos=2;wait=true;"
        );
        assert_eq!(shown(profiles.options("other one", &Token::new())), "");
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        for (text, expected) in [
            ("[profiles.p\n", "not TOML: "),
            (
                "[profile.p]\n",
                "there is no setting `profile` | profile | a profile is a table",
            ),
            ("profiles = 1\n", "`profiles` is a table of profiles | 1 | "),
            (
                "[profiles]\np = 1\n",
                "the profile 'p' is a table, [profiles.p] | 1 | ",
            ),
            (
                "[profiles.q]\n[profiles.pp]\n",
                "there is no profile 'p' |  | did you mean 'pp'?; /etc/osql/config.toml has pp, q",
            ),
            (
                "",
                "there is no profile 'p' |  | a profile is a table [profiles.p] in /etc/osql/config.toml",
            ),
            (
                "[profiles.p]\npassword = 's3cret'\n",
                "`password` is a secret, and does not stand in a file | password | \
                 password-command = \"pass show p\" is a command that writes it; \
                 password-env = \"P_PASSWORD\" is a variable of the environment",
            ),
            (
                "[profiles.p]\npassword-env = 'OSQL_NO_SUCH_VARIABLE'\n",
                "profile 'p', password-env: the environment variable OSQL_NO_SUCH_VARIABLE is not set",
            ),
            (
                "[profiles.p]\npassword-command = 'echo s3cret; exit 3'\n",
                "profile 'p', password-command: the command ended with exit status: 3 | \
                 'echo s3cret; exit 3' | what it has written is not shown",
            ),
            (
                "[profiles.p]\npassword-command = 'true'\n",
                "profile 'p', password-command: the command writes nothing",
            ),
            (
                "[profiles.p]\npassword-command = 'true'\npassword-env = 'HOME'\n",
                "profile 'p', password-command: the command writes nothing",
            ),
            (
                "[profiles.p]\npassword-command = 'echo x'\npassword-env = 'PATH'\n",
                "the profile 'p' says twice what `password` is | 'PATH' | ",
            ),
            (
                "[profiles.p]\nqos = 2026-01-01\n",
                "no option is a time | 2026-01-01 | ",
            ),
            (
                "[profiles.p]\nqos = 99999999999999999999\n",
                "an integer beyond 64 bits",
            ),
        ] {
            let result = shown(profiles(text).options("p", &Token::new()));
            assert!(result.starts_with(expected), "{text}: {result}");
        }
    }

    #[test]
    fn a_stop_ends_a_command() {
        let token = Token::new();
        token.stop("enough");
        let profiles = profiles("[profiles.p]\npassword-command = 'sleep 1000'\n");
        let error = profiles.options("p", &token).expect_err("is stopped");
        assert!(error.message().ends_with("enough"), "{}", error.message());
    }
}
