//! `format(pattern, value, …)`: values in the places that a pattern marks, as Python writes them.

use std::iter::repeat_n;

use super::text;
use crate::model::{Args, Cx, Value, size};
use crate::text::diagnostic::{Error, Result};

/// The widest field, and the most decimals: more is a slip.
const MOST: usize = 1000;

pub fn format(cx: &Cx, args: Args) -> Result<Option<Value>> {
    let pattern = args.str(0)?;
    let looks = cx.token.looks();
    let (mut out, mut rest, mut next) = (String::new(), pattern, 1);
    while let Some(at) = rest.find(['{', '}']) {
        out.push_str(&rest[..at]);
        let sign = &rest[at..=at];
        rest = &rest[at + 1..];
        if let Some(behind) = rest.strip_prefix(sign) {
            out.push_str(sign);
            rest = behind;
            continue;
        }
        let (field, behind) = match rest.split_once('}') {
            Some(parts) if sign == "{" => parts,
            _ => return Err(alone(sign, pattern)),
        };
        rest = behind;
        let (position, style) = field.split_once(':').unwrap_or((field, ""));
        let position = match position {
            "" => next,
            written => number_of(written, field)?,
        };
        next = position + 1;
        if position >= args.len() {
            return Err(too_few(position, args.len() - 1));
        }
        looks.step()?;
        out.push_str(&Style::read(style, field)?.write(args.value(position), cx)?);
        size::check_bytes(out.len(), "a string")?;
    }
    out.push_str(rest);
    size::check_bytes(out.len(), "a string")?;
    Ok(Some(Value::str(out)))
}

fn alone(sign: &str, pattern: &str) -> Error {
    Error::run(format!(
        "{sign} stands alone in the pattern {}",
        Value::str(pattern)
    ))
    .help(format!("a bracket itself is written {sign}{sign}"))
}

fn number_of(written: &str, field: &str) -> Result<usize> {
    match written.parse() {
        Ok(0) => Err(Error::run("the first value is {1}: positions count from 1")),
        Ok(number) => Ok(number),
        Err(_) => Err(Error::run(format!("{{{field}}} names no value"))
            .help("values have positions: format('{1} is {2}', a, b), or just {}")
            .help(format!(
                "for a variable or an expression: format('{{}}', {written})"
            ))),
    }
}

fn too_few(position: usize, given: usize) -> Error {
    let values = if given == 1 {
        "is one value"
    } else {
        "are values"
    };
    let error = match given {
        1 => Error::run(format!(
            "the pattern asks for value {position}, and there {values}"
        )),
        _ => Error::run(format!("the pattern asks for value {position} of {given}")),
    };
    error.help("a bracket itself is written {{ or }}")
}

#[derive(Clone, Copy, PartialEq)]
enum Side {
    Left,
    Middle,
    Right,
}

/// How a value is written: `[[fill]<^>][+][0][width][,][.decimals][kind]`.
#[derive(Default)]
struct Style {
    fill: Option<char>,
    side: Option<Side>,
    plus: bool,
    width: usize,
    grouped: bool,
    decimals: Option<usize>,
    kind: Option<char>,
}

impl Style {
    fn read(written: &str, field: &str) -> Result<Style> {
        let mut style = Style::default();
        let mut chars: Vec<char> = written.chars().collect();
        chars.reverse();
        if let [.., side, fill] = chars[..]
            && let Some(side) = side_of(side)
        {
            (style.fill, style.side) = (Some(fill), Some(side));
            chars.truncate(chars.len() - 2);
        } else if let Some(side) = chars.last().copied().and_then(side_of) {
            style.side = Some(side);
            chars.pop();
        }
        style.plus = chars.pop_if(|c| *c == '+').is_some();
        if chars.pop_if(|c| *c == '0').is_some() {
            style.fill = style.fill.or(Some('0'));
        }
        style.width = digits(&mut chars).unwrap_or(0);
        style.grouped = chars.pop_if(|c| *c == ',').is_some();
        if chars.pop_if(|c| *c == '.').is_some() {
            let decimals = digits(&mut chars);
            style.decimals = Some(decimals.ok_or_else(|| unknown(field))?);
        }
        style.kind = chars.pop_if(|c| "sdfeExX%".contains(*c));
        match chars.is_empty() && style.width.max(style.decimals.unwrap_or(0)) <= MOST {
            true => Ok(style),
            false => Err(unknown(field)),
        }
    }

    fn write(&self, value: &Value, cx: &Cx) -> Result<String> {
        let number = value.as_real();
        let text = match (self.kind, number) {
            (None | Some('s'), None) => {
                let text = text(value, cx)?;
                match self.decimals {
                    Some(most) => text.chars().take(most).collect(),
                    None => text.to_string(),
                }
            }
            (_, Some(number)) => self.number(value, number, cx)?,
            (Some(kind), None) => {
                return Err(Error::run(format!(
                    "{{:{kind}}} writes a number, not {value}"
                )));
            }
        };
        Ok(self.padded(text, number.is_some()))
    }

    fn number(&self, value: &Value, number: f64, cx: &Cx) -> Result<String> {
        let whole = value.as_int();
        let mut text = match (self.kind, whole, self.decimals) {
            (Some('x'), Some(whole), _) => format!("{}{:x}", minus(whole), whole.unsigned_abs()),
            (Some('X'), Some(whole), _) => format!("{}{:X}", minus(whole), whole.unsigned_abs()),
            (Some('d'), Some(whole), _) => whole.to_string(),
            (Some(kind @ ('x' | 'X' | 'd')), None, _) => {
                return Err(
                    Error::run(format!("{{:{kind}}} writes an integer, not {value}"))
                        .help("round(x) makes one; {:.0f} writes a real without decimals"),
                );
            }
            (Some('e'), _, decimals) => with_exponent(number, decimals.unwrap_or(6)),
            (Some('E'), _, decimals) => with_exponent(number, decimals.unwrap_or(6)).to_uppercase(),
            (Some('%'), _, decimals) => format!("{:.*}%", decimals.unwrap_or(6), number * 100.0),
            (Some('f'), _, decimals) => format!("{number:.*}", decimals.unwrap_or(6)),
            (_, _, Some(decimals)) => format!("{number:.decimals$}"),
            (..) => text(value, cx)?.to_string(),
        };
        if self.grouped {
            text = grouped(&text);
        }
        if self.plus && !text.starts_with('-') {
            text.insert(0, '+');
        }
        Ok(text)
    }

    fn padded(&self, text: String, is_number: bool) -> String {
        let length = text.chars().count();
        let missing = self.width.saturating_sub(length);
        if missing == 0 {
            return text;
        }
        let fill = self.fill.unwrap_or(' ');
        let fills = |count| repeat_n(fill, count).collect::<String>();
        // Zeros stand between the sign and the digits.
        if fill == '0' && self.side.is_none() && is_number {
            let digits = text.trim_start_matches(['-', '+']);
            let sign = &text[..text.len() - digits.len()];
            return format!("{sign}{}{digits}", fills(missing));
        }
        let side = self
            .side
            .unwrap_or(if is_number { Side::Right } else { Side::Left });
        let before = match side {
            Side::Left => 0,
            Side::Middle => missing / 2,
            Side::Right => missing,
        };
        fills(before) + &text + &fills(missing - before)
    }
}

fn side_of(sign: char) -> Option<Side> {
    match sign {
        '<' => Some(Side::Left),
        '^' => Some(Side::Middle),
        '>' => Some(Side::Right),
        _ => None,
    }
}

/// The number that stands at the end of what is in reverse.
fn digits(chars: &mut Vec<char>) -> Option<usize> {
    let mut written = String::new();
    while let Some(digit) = chars.pop_if(|c| c.is_ascii_digit()) {
        written.push(digit);
    }
    match written.is_empty() {
        true => None,
        // Too long a number is too large as well.
        false => Some(written.parse().unwrap_or(usize::MAX)),
    }
}

fn unknown(field: &str) -> Error {
    Error::run(format!("{{{field}}} is no way to write a value")).help(
        "ways are {:.2f} {:e} {:x} {:d} {:%} {:,} {:8} {:<8} {:>8} {:^8} {:*>8} {:08.3f} {:+}",
    )
}

fn minus(number: i64) -> &'static str {
    if number < 0 { "-" } else { "" }
}

/// As Python does: the exponent has a sign and two digits.
fn with_exponent(number: f64, decimals: usize) -> String {
    let text = format!("{number:.decimals$e}");
    let Some((mantissa, exponent)) = text.split_once('e') else {
        return text;
    };
    let (sign, digits) = match exponent.strip_prefix('-') {
        Some(digits) => ('-', digits),
        None => ('+', exponent),
    };
    format!("{mantissa}e{sign}{digits:0>2}")
}

/// With a comma between each three digits before the point.
fn grouped(text: &str) -> String {
    let digits = text.trim_start_matches('-');
    let sign = &text[..text.len() - digits.len()];
    let end = digits
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(digits.len());
    let mut out = sign.to_owned();
    for (at, digit) in digits[..end].char_indices() {
        if at > 0 && (end - at) % 3 == 0 {
            out.push(',');
        }
        out.push(digit);
    }
    out + &digits[end..]
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::{call, printed};
    use super::*;

    fn written(pattern: &str, value: impl Into<Value>) -> String {
        let text = printed("string:format", &[pattern.into(), value.into()]);
        text.trim_matches('"').to_owned()
    }

    #[test]
    fn a_value_is_written_as_python_does() {
        // Each line is what `pattern.format(value)` of Python gives.
        for (pattern, value, expected) in [
            ("{:.2f}", Value::Real(1.005), "1.00"),
            ("{:.0f}", Value::Real(2.5), "2"),
            ("{:8.3f}|", Value::Real(-3.2468), "  -3.247|"),
            ("{:08.2f}", Value::Real(-3.2468), "-0003.25"),
            ("{:+.1f}", Value::Real(3.0), "+3.0"),
            ("{:e}", Value::Real(12345.678), "1.234568e+04"),
            ("{:.1E}", Value::Real(0.00012), "1.2E-04"),
            ("{:.1%}", Value::Real(0.256), "25.6%"),
            ("{:,}", Value::Int(-1_234_567), "-1,234,567"),
            ("{:,.2f}", Value::Real(1234.5), "1,234.50"),
            ("{:x}", Value::Int(-255), "-ff"),
            ("{:06d}", Value::Int(-42), "-00042"),
            ("{:5}|", Value::Int(42), "   42|"),
            ("{:5}|", "ab".into(), "ab   |"),
            ("{:^5}|", "ab".into(), " ab  |"),
            ("{:*^7}", "ab".into(), "**ab***"),
            ("{:.2}", "abcdef".into(), "ab"),
            ("{{{}}}", Value::Int(1), "{1}"),
        ] {
            assert_eq!(written(pattern, value), expected, "{pattern}");
        }
    }

    #[test]
    fn what_makes_no_sense_is_said() {
        for (pattern, expected) in [
            ("{", "{ stands alone"),
            ("a}", "} stands alone"),
            ("{0}", "positions count from 1"),
            ("{} {}", "asks for value 2"),
            ("{name}", "{name} names no value"),
            ("{:q}", "{:q} is no way to write a value"),
            ("{:99999}", "is no way to write"),
            ("{:d}", "writes an integer, not 1.5"),
        ] {
            let error = call("string:format", &[pattern.into(), Value::Real(1.5)]);
            let error = error.expect_err(pattern).to_string();
            assert!(error.contains(expected), "{pattern}: {error}");
        }
    }
}
