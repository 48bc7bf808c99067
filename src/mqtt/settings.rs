//! What this room takes as options and gives as status: plain values with names. It knows no value of
//! the language; whoever has those turns them into settings and back.

use std::fmt;
use std::time::Duration;

use super::options::{Qos, SECRET_OPTIONS, Version};
use super::topic;
use crate::text::diagnostic::{Error, Result, nearest};

/// A plain value.
#[derive(Clone, Debug, PartialEq)]
pub enum Setting {
    /// As if it was not given, or is not known.
    Nothing,
    Bool(bool),
    Integer(i64),
    Real(f64),
    Text(String),
    Bytes(Vec<u8>),
    List(Vec<Setting>),
    Group(Settings),
    /// A value of a kind that no option takes, as an error shows it.
    Other(String),
}

impl Setting {
    pub fn text(text: impl Into<String>) -> Setting {
        Setting::Text(text.into())
    }

    /// The number as an integer; a real that is whole passes.
    pub fn as_integer(&self) -> Option<i64> {
        // The first real beyond all 64-bit integers.
        const BEYOND: f64 = 9_223_372_036_854_775_808.0;
        match self {
            Setting::Integer(i) => Some(*i),
            Setting::Real(r) if r.fract() == 0.0 && (-BEYOND..BEYOND).contains(r) => {
                Some(*r as i64)
            }
            _ => None,
        }
    }

    /// The number as a real.
    pub fn as_real(&self) -> Option<f64> {
        match self {
            Setting::Integer(i) => Some(*i as f64),
            Setting::Real(r) => Some(*r),
            _ => None,
        }
    }
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Setting::Nothing => f.write_str("null"),
            Setting::Bool(flag) => write!(f, "{flag}"),
            Setting::Integer(i) => write!(f, "{i}"),
            Setting::Real(r) => write!(f, "{r:?}"),
            Setting::Text(text) => write!(f, "{text:?}"),
            Setting::Bytes(bytes) => write!(f, "a binary of {} bytes", bytes.len()),
            Setting::List(_) => f.write_str("a vector"),
            Setting::Group(_) => f.write_str("a record"),
            Setting::Other(shown) => f.write_str(shown),
        }
    }
}

macro_rules! from {
    ($($from:ty => $kind:ident,)*) => {$(
        impl From<$from> for Setting {
            fn from(value: $from) -> Setting {
                Setting::$kind(value.into())
            }
        }
    )*};
}

from! {
    bool => Bool,
    i32 => Integer,
    i64 => Integer,
    f64 => Real,
    &str => Text,
    String => Text,
}

impl<T: Into<Setting>> From<Option<T>> for Setting {
    fn from(value: Option<T>) -> Setting {
        value.map_or(Setting::Nothing, Into::into)
    }
}

/// Plain values with names, in an order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settings(Vec<(String, Setting)>);

impl Settings {
    /// Sets `name`; one that is there keeps its place.
    pub fn put(&mut self, name: impl Into<String>, setting: Setting) {
        let name = name.into();
        match self.0.iter_mut().find(|(known, _)| *known == name) {
            Some((_, old)) => *old = setting,
            None => self.0.push((name, setting)),
        }
    }

    pub fn get(&self, name: &str) -> Option<&Setting> {
        let found = self.0.iter().find(|(known, _)| known == name);
        found.map(|(_, setting)| setting)
    }

    /// Names and values in their order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Setting)> {
        self.0.iter().map(|(name, setting)| (&**name, setting))
    }
}

impl<K: Into<String>> FromIterator<(K, Setting)> for Settings {
    fn from_iter<I: IntoIterator<Item = (K, Setting)>>(settings: I) -> Settings {
        let mut all = Settings::default();
        for (name, setting) in settings {
            all.put(name, setting);
        }
        all
    }
}

/// Takes typed options out of [`Settings`]. [`Setting::Nothing`] counts as not given.
pub struct SettingsReader<'a>(pub &'a Settings);

impl<'a> SettingsReader<'a> {
    /// An error for the first option that is not among `known`, with the nearest that is.
    pub fn refuse_unknown(&self, known: &[&'static str], of: &str) -> Result<()> {
        for (name, _) in self.0.iter() {
            if !known.contains(&name) {
                let error = Error::run(format!("`{name}` is not an option of {of}"));
                return Err(match nearest(name, known.iter().copied()) {
                    Some(near) => error.help(format!("did you mean `{near}`?")),
                    None => error.help(format!("the options are {}", known.join(", "))),
                });
            }
        }
        Ok(())
    }

    pub fn value(&self, name: &str) -> Option<&'a Setting> {
        self.0.get(name).filter(|value| **value != Setting::Nothing)
    }

    pub fn has(&self, name: &str) -> bool {
        self.value(name).is_some()
    }

    pub fn text(&self, name: &str) -> Result<Option<String>> {
        match self.value(name) {
            None => Ok(None),
            Some(Setting::Text(text)) => sendable(name, text).map(Some),
            Some(other) => Err(wrong(name, "a string", other)),
        }
    }

    /// A binary, or a string as its UTF-8 bytes.
    pub fn bytes(&self, name: &str) -> Result<Option<Vec<u8>>> {
        match self.value(name) {
            None => Ok(None),
            Some(Setting::Text(text)) => Ok(Some(text.as_bytes().to_vec())),
            Some(Setting::Bytes(bytes)) => Ok(Some(bytes.clone())),
            Some(other) => Err(wrong(name, "a string or a binary", other)),
        }
    }

    pub fn flag(&self, name: &str, default: bool) -> Result<bool> {
        match self.value(name) {
            None => Ok(default),
            Some(Setting::Bool(flag)) => Ok(*flag),
            Some(Setting::Integer(0)) => Ok(false),
            Some(Setting::Integer(1)) => Ok(true),
            Some(other) => Err(wrong(name, "true or false", other)),
        }
    }

    pub fn integer(&self, name: &str, range: std::ops::RangeInclusive<u64>) -> Result<Option<u64>> {
        let Some(value) = self.value(name) else {
            return Ok(None);
        };
        match value.as_integer().and_then(|i| u64::try_from(i).ok()) {
            Some(i) if range.contains(&i) => Ok(Some(i)),
            _ => {
                let wanted = format!("a whole number from {} to {}", range.start(), range.end());
                Err(wrong(name, &wanted, value))
            }
        }
    }

    pub fn qos(&self, name: &str, default: Qos) -> Result<Qos> {
        match self.value(name) {
            None => Ok(default),
            Some(value) => value
                .as_integer()
                .and_then(Qos::from_number)
                .ok_or_else(|| wrong(name, "0, 1 or 2", value)),
        }
    }

    /// A length of time given in seconds, whole or not; at most a year.
    pub fn seconds(&self, name: &str, default: f64) -> Result<Duration> {
        let Some(value) = self.value(name) else {
            return Ok(Duration::from_secs_f64(default));
        };
        match value.as_real() {
            Some(s) if (0.0..=31_536_000.0).contains(&s) => Ok(Duration::from_secs_f64(s)),
            _ => Err(wrong(name, "a number of seconds", value)),
        }
    }

    /// Refuses an option that MQTT 3.1.1 has no word for.
    pub fn only_v5(&self, name: &str, version: Version) -> Result<&Self> {
        if version == Version::V4 && self.has(name) {
            return Err(Error::run(format!(
                "option {name} exists in MQTT 5 only, and this client speaks MQTT 3.1.1"
            ))
            .help("register the client with version: 5"));
        }
        Ok(self)
    }
}

/// The text of an option, if MQTT has a form for it. It is not shown: it may be a secret.
pub fn sendable(name: &str, text: &str) -> Result<String> {
    match topic::unfit(text) {
        None => Ok(text.to_owned()),
        Some(fault) => Err(Error::run(format!(
            "option {name}: MQTT cannot carry the text: {fault}"
        ))),
    }
}

/// The error for an option of the wrong kind. A secret is not shown.
pub fn wrong(name: &str, wanted: &str, got: &Setting) -> Error {
    if SECRET_OPTIONS.contains(&name) {
        return Error::run(format!("option {name}: {wanted} is wanted"));
    }
    Error::run(format!("option {name}: {wanted} is wanted, not {got}"))
}
