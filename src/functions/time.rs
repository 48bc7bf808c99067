//! Time: points in time, to the microsecond, and values stamped with them.

mod columns;

use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan, Zoned};

use crate::host::Host;
use crate::model::native::{BatchForm, Native, Natives, Stamp};
use crate::model::{Args, Cx, Timeval, Value};
use crate::syntax::time as calendar;
use crate::text::diagnostic::{Error, Result};
use crate::text::wait;

pub const NATIVES: Natives = &[
    Native::new("now", |_, _| Ok(Some(time(Timeval::now())))).volatile(),
    Native::new("rnow", |_, _| {
        Ok(Some(Value::Real(seconds(Timeval::now().micros))))
    })
    .volatile(),
    Native::new("clock", |cx, _| {
        Ok(Some(Value::Real(
            Host::of(cx).started.elapsed().as_secs_f64(),
        )))
    })
    .volatile(),
    Native::new("sleep", sleep).acting(),
    Native::new("from_seconds", |_, a| {
        Ok(Some(time(Timeval::at(micros(a.value(0))?))))
    }),
    Native::new("from_vector", from_vector),
    Native::new("to_vector", to_vector),
    Native::new("parse", parse),
    Native::new("real", |_, a| {
        Ok(Some(Value::Real(seconds(a.time(0)?.micros))))
    }),
    Native::new("sec", |_, a| {
        Ok(Some(Value::Int(a.time(0)?.micros.div_euclid(1_000_000))))
    }),
    Native::new("usec", |_, a| {
        Ok(Some(Value::Int(a.time(0)?.micros.rem_euclid(1_000_000))))
    }),
    Native::new("plus", |_, a| {
        shifted(a.time(0)?, micros(a.value(1))?).map(Some)
    })
    .batch(BatchForm::Column(columns::plus)),
    Native::new("minus", |_, a| {
        shifted(a.time(0)?, -micros(a.value(1))?).map(Some)
    }),
    Native::new("difference", |_, a| {
        let micros = i128::from(a.time(0)?.micros) - i128::from(a.time(1)?.micros);
        Ok(Some(Value::Real(micros as f64 / 1e6)))
    }),
    Native::new("stamp_now", |_, a| {
        Ok(Some(time(Timeval::now().stamp(a.value(0).clone()))))
    })
    .volatile(),
    Native::new("stamp", |_, a| {
        Ok(Some(time(
            Timeval::at(a.time(0)?.micros).stamp(a.value(1).clone()),
        )))
    })
    .batch(BatchForm::Column(columns::stamp)),
    Native::new("timestamp", |_, a| {
        Ok(Some(time(Timeval::at(a.time(0)?.micros))))
    })
    .giving_stamp(Stamp::Time),
    Native::new("value", |_, a| Ok(a.time(0)?.value.clone()))
        .batch(BatchForm::Column(columns::value))
        .giving_stamp(Stamp::Value),
    Native::new("utc_time", |_, a| {
        Ok(Some(given_or_now(a)?.iso_digits(3).into()))
    })
    .volatile(),
    Native::new("local_time", |_, a| local(a, "%Y-%m-%dT%H:%M:%S%.3f")).volatile(),
    Native::new("local_utc_time", |_, a| {
        local(a, "%Y-%m-%dT%H:%M:%S%.3f%:z")
    })
    .volatile(),
    Native::new("time_zone", |_, _| {
        Ok(Some(Value::Int(standard_offset(&Zoned::now()))))
    }),
    Native::new("utc_offset", |_, _| {
        Ok(Some(Value::Int(west(&Zoned::now()))))
    }),
];

fn time(time: Timeval) -> Value {
    Value::Time(time.into())
}

fn seconds(micros: i64) -> f64 {
    micros as f64 / 1e6
}

/// A number of seconds in microseconds.
fn micros(seconds: &Value) -> Result<i64> {
    let micros = match seconds {
        Value::Int(i) => i.checked_mul(1_000_000),
        other => other
            .as_real()
            .and_then(|r| crate::model::number::whole((r * 1e6).round())),
    };
    // So that the opposite exists too.
    micros
        .filter(|m| *m > i64::MIN)
        .ok_or_else(|| Error::run(format!("{seconds} seconds are beyond all times")))
}

fn shifted(from: &Timeval, micros: i64) -> Result<Value> {
    let shifted = from.micros.checked_add(micros);
    let micros = shifted.ok_or_else(|| Error::run("the time is beyond all times"))?;
    Ok(time(Timeval {
        micros,
        value: from.value.clone(),
    }))
}

fn sleep(cx: &Cx, args: Args) -> Result<Option<Value>> {
    let duration = wait::seconds(args.real(0)?).ok_or_else(|| {
        Error::run(format!(
            "it is not possible to sleep for {} seconds",
            args.value(0)
        ))
    })?;
    cx.token.sleep(duration)?;
    Ok(Some(args.value(0).clone()))
}

fn from_vector(_: &Cx, args: Args) -> Result<Option<Value>> {
    let vector = args.vector(0)?;
    let given: Option<Vec<i64>> = vector.iter().map(Value::as_int).collect();
    let found = given.filter(|given| (3..=6).contains(&given.len()));
    let found = found.and_then(|given| {
        let mut parts = [0; 6];
        parts[..given.len()].copy_from_slice(&given);
        calendar::of_parts(parts)
    });
    match found {
        Some(micros) => Ok(Some(time(Timeval::at(micros)))),
        None => Err(Error::run(format!("{} is not a time", args.value(0)))
            .help("a time is [year,month,day,hour,minute,microsecond]")),
    }
}

/// The point in time for the time zones of this machine, whose calendar is shorter.
fn zoned(time: &Timeval) -> Result<Timestamp> {
    Timestamp::from_microsecond(time.micros).map_err(|_| {
        Error::run(format!(
            "{} is beyond the calendar of time zones",
            Timeval::at(time.micros)
        ))
    })
}

fn to_vector(_: &Cx, args: Args) -> Result<Option<Value>> {
    let parts = calendar::parts(args.time(0)?.micros);
    Ok(Some(Value::vector(parts.into_iter().map(Value::Int))))
}

fn parse(_: &Cx, args: Args) -> Result<Option<Value>> {
    match Timeval::parse(args.str(0)?) {
        Some(t) => Ok(Some(time(t))),
        None => Err(
            Error::run(format!("{} is not an ISO 8601 time", args.value(0)))
                .help("a time looks like 2026-01-31T12:00:00.000Z"),
        ),
    }
}

fn given_or_now(args: Args) -> Result<Timeval> {
    if args.is_empty() {
        Ok(Timeval::now())
    } else {
        args.time(0).cloned()
    }
}

fn local(args: Args, format: &str) -> Result<Option<Value>> {
    let zoned = zoned(&given_or_now(args)?)?.to_zoned(TimeZone::system());
    Ok(Some(zoned.strftime(format).to_string().into()))
}

/// How many seconds the clocks of that place and time are behind UTC.
fn west(zoned: &Zoned) -> i64 {
    -i64::from(zoned.offset().seconds())
}

/// As [`west`], without daylight saving: of the two halves of the year, the one further behind.
fn standard_offset(zoned: &Zoned) -> i64 {
    let half_a_year_on = zoned.checked_add(6.months());
    half_a_year_on.map_or(west(zoned), |other| west(zoned).max(west(&other)))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{call, cx, printed, vector};
    use super::*;

    fn at(text: &str) -> Value {
        time(Timeval::parse(text).expect("a time"))
    }

    #[test]
    fn times_are_shifted_and_compared() {
        let t = at("2024-12-31T23:59:59.5Z");
        assert_eq!(
            printed("time:plus", &[t.clone(), 0.5.into()]),
            "|2025-01-01T00:00:00.000Z|"
        );
        assert_eq!(
            printed("time:minus", &[t.clone(), 60.into()]),
            "|2024-12-31T23:58:59.500Z|"
        );
        assert_eq!(
            printed("time:difference", &[at("2025-01-01T00:00:00Z"), t.clone()]),
            "0.5"
        );
        for too_far in [
            Value::Int(i64::MAX),
            Value::Real(1e300),
            Value::Real(f64::NAN),
        ] {
            assert!(printed("time:plus", &[t.clone(), too_far]).ends_with("beyond all times"));
        }
        let stamped = printed(
            "time:plus",
            &[time(Timeval::at(0).stamp(7.into())), 1.into()],
        );
        assert_eq!(stamped, "ts(|1970-01-01T00:00:01.000Z|,7)");
    }

    #[test]
    fn before_1970_the_parts_still_fit() {
        let t = at("1969-12-31T23:59:58.25Z");
        assert_eq!(printed("time:sec", std::slice::from_ref(&t)), "-2");
        assert_eq!(printed("time:usec", &[t]), "250000");
    }

    #[test]
    fn vectors_become_times_and_come_back() {
        let v = vector(&[2024, 2, 29, 12, 30, 1_500_000]);
        let t = call("time:from_vector", std::slice::from_ref(&v))
            .expect("a time")
            .expect("a time");
        assert_eq!(t.to_string(), "|2024-02-29T12:30:01.500Z|");
        assert_eq!(call("time:to_vector", &[t]).expect("a vector"), Some(v));
        assert_eq!(
            printed("time:from_vector", &[vector(&[2024, 1, 1])]),
            "|2024-01-01T00:00:00.000Z|"
        );
        for wrong in [
            vec![2023, 2, 29],
            vec![2024],
            vec![999_999, 1, 1],
            vec![2024, 1, 1, 0, 0, -1],
        ] {
            let wrong = vector(&wrong);
            assert_eq!(
                printed("time:from_vector", std::slice::from_ref(&wrong)),
                format!("error: {wrong} is not a time")
            );
        }
    }

    #[test]
    fn local_time_differs_by_the_offset() {
        let t = Timeval::now();
        let zoned = zoned(&t).expect("a date").to_zoned(TimeZone::system());
        let shown = printed("time:local_time", &[time(t.clone())]);
        let utc = printed("time:utc_time", &[time(shifted_by(&t, -west(&zoned)))]);
        assert_eq!(
            shown.trim_matches('"'),
            utc.trim_matches('"').trim_end_matches('Z')
        );
    }

    fn shifted_by(t: &Timeval, seconds: i64) -> Timeval {
        Timeval::at(t.micros + seconds * 1_000_000)
    }

    #[test]
    fn standard_time_is_the_same_all_year() {
        for date in [
            "2024-01-15T12:00[Europe/Stockholm]",
            "2024-07-15T12:00[Europe/Stockholm]",
        ] {
            assert_eq!(standard_offset(&date.parse().expect("a date")), -3600);
        }
    }

    #[test]
    fn a_stop_ends_a_sleep() {
        let cx = cx();
        cx.token.stop("enough");
        let error = sleep(&cx, Args(&[Value::Real(1e30)])).expect_err("stopped");
        assert_eq!(error.message(), "enough");
        let error = sleep(&cx, Args(&[600.into()])).expect_err("stopped");
        assert_eq!(error.message(), "enough");
        assert!(printed("time:sleep", &[(-1).into()]).starts_with("error: it is not possible"));
    }
}
