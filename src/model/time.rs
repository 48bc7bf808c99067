//! Points in time, and values with a time stamp.

use std::fmt;

use jiff::Timestamp;

use crate::model::Value;
use crate::syntax::time::microseconds;

/// A point in time in microseconds since 1970-01-01T00:00:00Z, with or without a value that it
/// stamps.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timeval {
    pub micros: i64,
    pub value: Option<Value>,
}

impl Timeval {
    /// The wall clock's time now.
    pub fn now() -> Timeval {
        Timeval::at(Timestamp::now().as_microsecond())
    }

    /// The point in time `micros` microseconds after the epoch.
    pub fn at(micros: i64) -> Timeval {
        Timeval {
            micros,
            value: None,
        }
    }

    /// `value` stamped with this point in time.
    pub fn stamp(self, value: Value) -> Timeval {
        Timeval {
            value: Some(value),
            ..self
        }
    }

    /// Reads an ISO 8601 time; one without an offset is UTC.
    pub fn parse(text: &str) -> Option<Timeval> {
        microseconds(text).map(Timeval::at)
    }

    /// The time in ISO 8601, UTC, to the millisecond; to the microsecond where that is not exact.
    pub fn iso(&self) -> String {
        let digits = if self.micros.rem_euclid(1000) == 0 {
            3
        } else {
            6
        };
        self.iso_digits(digits)
    }

    /// The time in ISO 8601, UTC, with `digits` digits of the second's fraction, cut off after them.
    pub fn iso_digits(&self, digits: usize) -> String {
        match Timestamp::from_microsecond(self.micros) {
            Ok(stamp) => {
                let seconds = stamp.strftime("%Y-%m-%dT%H:%M:%S");
                let fraction = format!("{:06}", self.micros.rem_euclid(1_000_000));
                format!("{seconds}.{}Z", &fraction[..digits.min(6)])
            }
            // Beyond the calendar's years; the number still says when.
            Err(_) => format!("{}us", self.micros),
        }
    }
}

impl fmt::Display for Timeval {
    /// As it is written in the language: `|2026-01-31T12:00:00.000Z|`, or `ts(|…|,value)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.value {
            None => write!(f, "|{}|", self.iso()),
            Some(value) => write!(f, "ts(|{}|,{value})", self.iso()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_back_what_it_prints() {
        for text in ["2022-05-12T00:00:00.300Z", "1969-12-31T23:59:59.999999Z"] {
            assert_eq!(Timeval::parse(text).expect("a time").iso(), text);
        }
        assert_eq!(
            Timeval::parse("2022-05-12T02:00:00+02:00"),
            Timeval::parse("2022-05-12T00:00:00")
        );
        assert_eq!(Timeval::parse("yesterday"), None);
    }
}
