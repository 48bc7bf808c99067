//! Points in time, and values with a time stamp.

use std::fmt;

use jiff::Timestamp;

use crate::model::Value;
use crate::syntax::time;

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

    /// The seconds since the epoch.
    pub fn seconds(&self) -> f64 {
        self.micros as f64 / 1e6
    }

    /// Reads an ISO 8601 time; one without an offset is UTC.
    pub fn parse(text: &str) -> Option<Timeval> {
        time::microseconds(text).map(Timeval::at)
    }

    /// The point in time in microseconds that a value says: a time, an ISO 8601 string or a number of
    /// seconds.
    pub fn micros_of(value: &Value) -> Option<i64> {
        match value {
            Value::Time(time) => Some(time.micros),
            Value::Str(text) => Timeval::parse(text).map(|time| time.micros),
            number => {
                let micros = (number.as_real()? * 1e6).round();
                (micros.abs() < 9e18).then_some(micros as i64)
            }
        }
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
        time::iso(self.micros, digits)
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
    use proptest::prelude::*;

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

    proptest! {
        #[test]
        fn every_time_reads_back_from_what_it_prints(
            micros in prop_oneof![
                any::<i64>(),
                -1_000_000_000_000i64..1_000_000_000_000,
                Just(i64::MIN),
                Just(i64::MAX),
            ],
        ) {
            let time = Timeval::at(micros);
            let text = time.iso();
            prop_assert_eq!(Timeval::parse(&text), Some(time), "{}", text);
            prop_assert_eq!(time::of_parts(time::parts(micros)), Some(micros));
        }

        #[test]
        fn times_within_the_calendar_are_as_jiff_has_them(
            micros in -377_705_000_000_000_000i64..253_402_000_000_000_000,
        ) {
            let stamp = Timestamp::from_microsecond(micros).expect("within the calendar");
            prop_assert_eq!(Timeval::parse(&stamp.to_string()), Some(Timeval::at(micros)));
            let civil = jiff::tz::TimeZone::UTC.to_datetime(stamp);
            let [year, month, day, ..] = time::parts(micros);
            let date = (i64::from(civil.year()), i64::from(civil.month()), i64::from(civil.day()));
            prop_assert_eq!((year, month, day), date);
        }
    }
}
