//! Points in time as they are written.
//!
//! A point in time is a number of microseconds since 1970-01-01T00:00:00Z, 64 bits of them: the years
//! from -290308 to 294247. The calendar of jiff has those from -9999 to 9999. The Gregorian calendar
//! repeats itself every 400 years, so a year beyond is computed as one of the years 2000 to 2399 and
//! moved by whole cycles.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// Years after which the Gregorian calendar repeats itself.
const CYCLE_YEARS: i64 = 400;

/// Microseconds of [`CYCLE_YEARS`] years, which are 146,097 days.
const CYCLE_MICROS: i64 = 146_097 * 86_400 * 1_000_000;

/// Microseconds from 1970-01-01 to 2000-01-01.
const MICROS_TO_2000: i64 = 946_684_800 * 1_000_000;

/// A year in whole cycles from the year 2000, and the year from 2000 to 2399 that is like it.
fn cycles(year: i64) -> (i64, i16) {
    let from_2000 = year - 2000;
    let like = 2000 + from_2000.rem_euclid(CYCLE_YEARS);
    (from_2000.div_euclid(CYCLE_YEARS), like as i16)
}

/// `micros` of a year from 2000 to 2399, so many cycles later.
fn moved(micros: i64, cycles: i64) -> Option<i64> {
    let moved = i128::from(cycles) * i128::from(CYCLE_MICROS) + i128::from(micros);
    moved.try_into().ok()
}

/// The microseconds from 1970-01-01T00:00:00Z to the ISO 8601 time `text`; one without an offset is
/// UTC. A year of more than four digits has a sign. `None` if it is no such time, or beyond 64 bits.
pub fn microseconds(text: &str) -> Option<i64> {
    let text = text.trim();
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let sign = &text[..text.len() - digits.len()];
    let length = digits.find(|c: char| !c.is_ascii_digit())?;
    let (year, rest) = digits.split_at(length);
    // Dates without separators, 20260131, are left to jiff.
    let is_year = match sign {
        "" => length == 4,
        _ => (4..=6).contains(&length),
    };
    if !is_year || !rest.starts_with('-') {
        return within_calendar(text);
    }
    let year: i64 = format!("{sign}{year}").parse().ok()?;
    let (cycles, like) = cycles(year);
    moved(within_calendar(&format!("{like}{rest}"))?, cycles)
}

fn within_calendar(text: &str) -> Option<i64> {
    let with_offset: Option<Timestamp> = text.parse().ok();
    let point = with_offset.or_else(|| format!("{text}Z").parse().ok());
    // A date alone is the beginning of its day.
    let point = point.or_else(|| match text.contains(['T', 't', ' ', ':']) {
        true => None,
        false => format!("{text}T00:00:00Z").parse().ok(),
    })?;
    Some(point.as_microsecond())
}

/// Year, month, day, hour and minute of a point in time, UTC, and the microseconds within the minute.
pub fn parts(micros: i64) -> [i64; 6] {
    let from_2000 = i128::from(micros) - i128::from(MICROS_TO_2000);
    let cycle = i128::from(CYCLE_MICROS);
    let within = from_2000.rem_euclid(cycle) as i64 + MICROS_TO_2000;
    // It is one: `within` lies in the years from 2000 to 2399.
    let stamp = Timestamp::from_microsecond(within).unwrap_or_default();
    let civil = TimeZone::UTC.to_datetime(stamp);
    [
        i64::from(civil.year()) + CYCLE_YEARS * from_2000.div_euclid(cycle) as i64,
        civil.month().into(),
        civil.day().into(),
        civil.hour().into(),
        civil.minute().into(),
        i64::from(civil.second()) * 1_000_000 + i64::from(civil.subsec_nanosecond()) / 1000,
    ]
}

/// The point in time with these parts, as [`parts`] gives them; more microseconds than a minute has
/// are added. `None` if there is none.
pub fn of_parts([year, month, day, hour, minute, micros]: [i64; 6]) -> Option<i64> {
    if !(0..=i64::MAX / 2).contains(&micros) || year.abs() > 1_000_000 {
        return None;
    }
    let (cycles, like) = cycles(year);
    let minute = DateTime::new(
        like,
        month.try_into().ok()?,
        day.try_into().ok()?,
        hour.try_into().ok()?,
        minute.try_into().ok()?,
        0,
        0,
    );
    let stamp = minute.ok()?.to_zoned(TimeZone::UTC).ok()?.timestamp();
    moved(stamp.as_microsecond().checked_add(micros)?, cycles)
}

/// The time in ISO 8601, UTC, with `digits` digits of the second's fraction, cut off after them. A
/// year that has not four digits has a sign and six.
pub fn iso(micros: i64, digits: usize) -> String {
    let [year, month, day, hour, minute, rest] = parts(micros);
    let year = match year {
        0..=9999 => format!("{year:04}"),
        _ => format!("{year:+07}"),
    };
    let (second, fraction) = (rest / 1_000_000, format!("{:06}", rest % 1_000_000));
    let fraction = &fraction[..digits.min(6)];
    format!("{year}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{fraction}Z")
}
