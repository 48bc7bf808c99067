//! An axis: from where to where it goes, and what stands at which of its places. Numbers stand at round
//! ones, times at full seconds, minutes, hours and days of the local clock.

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// Numbers beyond are drawn as if they were this: distances between larger ones are infinite.
const LARGEST: f64 = 2e307;

/// Seconds from 1970 that no time is further away.
const FURTHEST: f64 = 1e13;

/// A place on an axis, and what stands there.
#[derive(Clone, Debug, PartialEq)]
pub struct Tick {
    pub at: f64,
    pub text: String,
}

/// An axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    pub low: f64,
    pub high: f64,
    pub ticks: Vec<Tick>,
}

impl Axis {
    /// An axis that begins and ends with a tick, and has some `most` of them.
    pub fn whole((low, high): (f64, f64), most: usize) -> Axis {
        let (low, high) = apart(low, high);
        let step = round_step((high - low) / most.saturating_sub(1).max(1) as f64);
        let first = (low / step).floor();
        let last = (high / step).ceil();
        let ticks = numbered(first, last, step);
        Axis {
            low: first * step,
            high: last * step,
            ticks,
        }
    }

    /// An axis of exactly that extent.
    pub fn numbers((low, high): (f64, f64), most: usize) -> Axis {
        let (low, high) = apart(low, high);
        let step = round_step((high - low) / most.max(1) as f64);
        let ticks = numbered((low / step).ceil(), (high / step).floor(), step);
        Axis { low, high, ticks }
    }

    /// The same, of the numbers of elements, which are whole.
    pub fn counts((low, high): (f64, f64), most: usize) -> Axis {
        let (low, high) = apart(low, high);
        let step = round_step((high - low) / most.max(1) as f64).max(1.0);
        let ticks = numbered((low / step).ceil(), (high / step).floor(), step);
        Axis { low, high, ticks }
    }

    /// An axis of seconds since 1970, with the times of the clocks in that zone.
    pub fn times((low, high): (f64, f64), most: usize, zone: &TimeZone) -> Axis {
        let within = |seconds: f64| seconds.clamp(-FURTHEST, FURTHEST);
        let (low, high) = match within(low) < within(high) {
            true => (within(low), within(high)),
            false => (within(low) - 0.5, within(high) + 0.5),
        };
        let step = time_step((high - low) / most.max(1) as f64);
        let offset = at(low).map_or(0, |time| zone.to_offset(time).seconds());
        // Full hours and days are those of the local clock.
        let offset = f64::from(offset);
        let first = ((low + offset) / step).ceil();
        let last = ((high + offset) / step).floor();
        let count = (last - first).clamp(-1.0, 1000.0) as i64 + 1;
        let ticks = (0..count).map(|i| {
            let at = (first + i as f64) * step - offset;
            Tick {
                at,
                text: time_text(at, step, zone),
            }
        });
        Axis {
            low,
            high,
            ticks: ticks.collect(),
        }
    }

    /// Where a number stands between the two ends: 0 is the low one, 1 the high one.
    pub fn share(&self, number: f64) -> f64 {
        (number.clamp(-LARGEST, LARGEST) - self.low) / (self.high - self.low)
    }
}

/// Two ends with a distance between them.
fn apart(low: f64, high: f64) -> (f64, f64) {
    let (low, high) = (low.clamp(-LARGEST, LARGEST), high.clamp(-LARGEST, LARGEST));
    let least = low.abs().max(high.abs()) * 1e-12;
    if high - low > least {
        return (low, high);
    }
    let around = match low.abs() * 0.1 {
        0.0 => 1.0,
        around => around,
    };
    (low - around, high + around)
}

/// The smallest of 1, 2, 5, 10, 20, … that is not smaller.
fn round_step(step: f64) -> f64 {
    let power = 10f64.powi(step.log10().floor() as i32);
    let factor = [1.0, 2.0, 5.0]
        .into_iter()
        .find(|factor| factor * power >= step * (1.0 - 1e-9));
    let round = factor.unwrap_or(10.0) * power;
    // The smallest numbers have no power of ten.
    if round > 0.0 {
        round
    } else {
        f64::MIN_POSITIVE
    }
}

fn numbered(first: f64, last: f64, step: f64) -> Vec<Tick> {
    let count = (last - first).clamp(-1.0, 1000.0) as i64 + 1;
    let ticks = (0..count).map(|i| {
        let at = (first + i as f64) * step;
        Tick {
            at,
            text: number_text(at, step),
        }
    });
    ticks.collect()
}

/// A number with as many digits as the steps need.
pub fn number_text(number: f64, step: f64) -> String {
    if number == 0.0 {
        return "0".to_owned();
    }
    let largest = number.abs();
    let digits = -step.log10().floor();
    if largest >= 1e7 || digits > 6.0 {
        let digits = largest.log10().floor() - step.log10().floor();
        let digits = digits.clamp(0.0, 6.0) as usize;
        let text = format!("{number:.digits$e}");
        return match text.split_once('e') {
            Some((mantissa, exponent)) => format!("{}e{exponent}", trimmed(mantissa)),
            None => text,
        };
    }
    format!("{number:.*}", digits.max(0.0) as usize)
}

/// Decimals without zeros at their end.
fn trimmed(decimals: &str) -> &str {
    match decimals.contains('.') {
        true => decimals.trim_end_matches('0').trim_end_matches('.'),
        false => decimals,
    }
}

/// A number for a person: not more digits than say something.
pub fn short_number(number: f64) -> String {
    if number == number.trunc() && number.abs() < 1e7 {
        return format!("{number}");
    }
    let step = 10f64.powf(number.abs().log10().floor() - 3.0);
    let text = number_text(number, step);
    match text.contains('e') {
        true => text,
        false => trimmed(&text).to_owned(),
    }
}

const MINUTE: f64 = 60.0;
const HOUR: f64 = 60.0 * MINUTE;
const DAY: f64 = 24.0 * HOUR;

/// The smallest step of a clock that is not smaller, in seconds.
fn time_step(step: f64) -> f64 {
    if step < 1.0 {
        return round_step(step.max(1e-6));
    }
    let steps = [
        1.0,
        2.0,
        5.0,
        10.0,
        15.0,
        30.0,
        MINUTE,
        2.0 * MINUTE,
        5.0 * MINUTE,
        10.0 * MINUTE,
        15.0 * MINUTE,
        30.0 * MINUTE,
        HOUR,
        2.0 * HOUR,
        3.0 * HOUR,
        6.0 * HOUR,
        12.0 * HOUR,
        DAY,
        2.0 * DAY,
        7.0 * DAY,
    ];
    let found = steps.into_iter().find(|of_clock| *of_clock >= step);
    found.unwrap_or_else(|| round_step(step / DAY) * DAY)
}

/// The point in time, where the calendar has it.
fn at(seconds: f64) -> Option<Timestamp> {
    Timestamp::from_microsecond((seconds * 1e6).round() as i64).ok()
}

fn time_text(seconds: f64, step: f64, zone: &TimeZone) -> String {
    let Some(time) = at(seconds) else {
        return number_text(seconds, step);
    };
    let format = match step {
        step if step < 0.001 => "%H:%M:%S%.6f",
        step if step < 1.0 => "%H:%M:%S%.3f",
        step if step < MINUTE => "%H:%M:%S",
        step if step < DAY => "%H:%M",
        _ => "%Y-%m-%d",
    };
    time.to_zoned(zone.clone()).strftime(format).to_string()
}

/// Which day it is at a point in time, and which zone's clocks are meant.
pub fn day(seconds: f64, zone: &TimeZone) -> String {
    let zoned = at(seconds).map(|time| time.to_zoned(zone.clone()));
    zoned.map_or(String::new(), |time| {
        time.strftime("%Y-%m-%d %Z").to_string()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(axis: &Axis) -> Vec<&str> {
        axis.ticks.iter().map(|tick| &*tick.text).collect()
    }

    #[test]
    fn numbers_stand_at_round_places() {
        let axis = Axis::whole((0.3, 9.8), 6);
        assert_eq!(texts(&axis), ["0", "2", "4", "6", "8", "10"]);
        assert_eq!((axis.low, axis.high), (0.0, 10.0));
        assert_eq!(
            texts(&Axis::whole((-0.02, 0.031), 4)),
            ["-0.02", "0", "0.02", "0.04"]
        );
        assert_eq!(
            texts(&Axis::numbers((3.0, 20.0), 4)),
            ["5", "10", "15", "20"]
        );
        assert_eq!(texts(&Axis::counts((1.0, 3.0), 10)), ["1", "2", "3"]);
        assert_eq!(texts(&Axis::whole((5.0, 5.0), 3)), ["4.5", "5.0", "5.5"]);
        assert_eq!(texts(&Axis::whole((0.0, 0.0), 3)), ["-1", "0", "1"]);
        assert_eq!(
            texts(&Axis::whole((0.0, 3e9), 4)),
            ["0", "1e9", "2e9", "3e9"]
        );
    }

    #[test]
    fn any_two_numbers_have_an_axis() {
        let ends = [
            0.0,
            1.0,
            -1.0,
            f64::MAX,
            f64::MIN,
            f64::MIN_POSITIVE,
            5e-324,
            1e-300,
            1e300,
            0.1,
            0.1 + 1e-17,
            1e15,
            1e15 + 1.0,
        ];
        for low in ends {
            for high in ends.into_iter().filter(|high| *high >= low) {
                let mut axes = vec![
                    Axis::whole((low, high), 5),
                    Axis::numbers((low, high), 5),
                    Axis::counts((low, high), 5),
                ];
                let times = Axis::times((low, high), 5, &TimeZone::UTC);
                assert!(times.low < times.high);
                if low.abs().max(high.abs()) < FURTHEST {
                    axes.push(times);
                }
                for axis in axes {
                    assert!(axis.low < axis.high, "{low} {high}: {axis:?}");
                    let shares = [axis.share(low), axis.share(high)];
                    let within = shares.iter().all(|share| (-0.01..=1.01).contains(share));
                    assert!(within, "{low} {high}: {shares:?} {axis:?}");
                }
            }
        }
    }

    #[test]
    fn times_stand_at_full_ones_of_the_local_clock() {
        let morning = 1_800_000_000.0; // 2027-01-15T08:00:00Z
        let axis = Axis::times((morning, morning + 20.0), 4, &TimeZone::UTC);
        assert_eq!(
            texts(&axis),
            ["08:00:00", "08:00:05", "08:00:10", "08:00:15", "08:00:20"]
        );
        let india = TimeZone::get("Asia/Kolkata").expect("is known");
        let axis = Axis::times((morning, morning + 4.0 * HOUR), 4, &india);
        assert_eq!(texts(&axis), ["14:00", "15:00", "16:00", "17:00"]);
        assert_eq!(day(morning, &TimeZone::UTC), "2027-01-15 UTC");
        let axis = Axis::times((morning, morning + 30.0 * DAY), 4, &TimeZone::UTC);
        assert_eq!(texts(&axis)[0], "2027-01-22");
    }

    #[test]
    fn numbers_for_a_person_are_short() {
        for (number, text) in [
            (21.5, "21.5"),
            (100.0, "100"),
            (1.0 / 3.0, "0.3333"),
            (-1234.567, "-1235"),
            (1.25e-9, "1.25e-9"),
            (1.23456e12, "1.235e12"),
            (0.0, "0"),
        ] {
            assert_eq!(short_number(number), text);
        }
    }
}
