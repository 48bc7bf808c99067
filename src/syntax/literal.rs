//! What literals and documentation comments mean.

use super::ast::Literal;
use super::lexer::{LexemeKind, lexemes};
use super::time::microseconds;
use crate::text::diagnostic::{Error, Result};

/// A number as it is written, perhaps with a minus before it.
pub fn number(text: &str) -> Result<Literal> {
    if let Some((sign, digits)) = text.split_once(['x', 'X']) {
        let signed = sign.replace('0', "") + digits;
        return i64::from_str_radix(&signed, 16)
            .map(Literal::Int)
            .map_err(|_| Error::syntax(format!("{text} does not fit into 64 bits")));
    }
    // The real numbers beyond all others, and the one that is none, as they are printed.
    let is_word = text.ends_with(|c: char| c.is_ascii_alphabetic());
    if !is_word && !text.contains(['.', 'e', 'E']) {
        return text.parse().map(Literal::Int).map_err(|_| {
            Error::syntax(format!("{text} does not fit into 64 bits"))
                .help("integers go from -9223372036854775808 to 9223372036854775807")
                .help(format!(
                    "write {text}.0 for a real number of about that size"
                ))
        });
    }
    text.parse()
        .map(Literal::Real)
        .map_err(|_| Error::syntax(format!("{text} is not a number")))
}

/// `true`, `false` or `null`, in any case.
pub fn constant(text: &str) -> Literal {
    match text.to_ascii_lowercase().as_str() {
        "true" => Literal::Bool(true),
        "false" => Literal::Bool(false),
        _ => Literal::Null,
    }
}

/// `|2022-05-12T00:00:00.3Z|`
pub fn time(text: &str) -> Result<Literal> {
    microseconds(text.trim_matches('|'))
        .map(Literal::Time)
        .ok_or_else(|| {
            Error::syntax(format!("{text} is not a time"))
                .help("write a time as |2022-05-12T00:00:00.3Z|")
        })
}

/// What is wrong with a string, at bytes `start..end` of its text.
pub struct StringFault {
    pub message: String,
    pub start: usize,
    pub end: usize,
}

/// The text of a string constant, which comes with its quotes.
///
/// Between single quotes every character stands for itself. Between double quotes a backslash makes
/// the next character stand for itself, save those that JSON gives a meaning: `\n \t \r \b \f \uXXXX`.
pub fn string(quoted: &str) -> std::result::Result<String, StringFault> {
    let inner = &quoted[1..quoted.len() - 1];
    if quoted.starts_with('\'') || !inner.contains('\\') {
        return Ok(inner.to_owned());
    }
    let mut text = String::with_capacity(inner.len());
    let mut rest = inner;
    while let Some(at) = rest.find('\\') {
        text.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let place = quoted.len() - 1 - rest.len();
        rest = unescape(rest, &mut text).map_err(|message| StringFault {
            message,
            start: place - 1,
            end: place + 5,
        })?;
    }
    text.push_str(rest);
    Ok(text)
}

/// Appends what the escape at the start of `rest` (behind its backslash) means; gives what follows.
fn unescape<'a>(rest: &'a str, text: &mut String) -> std::result::Result<&'a str, String> {
    let Some(first) = rest.chars().next() else {
        return Ok(rest);
    };
    let behind = &rest[first.len_utf8()..];
    text.push(match first {
        'n' => '\n',
        't' => '\t',
        'r' => '\r',
        'b' => '\u{8}',
        'f' => '\u{c}',
        'u' => match hex4(behind) {
            Some(unit) => return code_point(unit, &behind[4..], text),
            None => 'u',
        },
        other => other,
    });
    Ok(behind)
}

/// Appends the character whose first UTF-16 unit is `unit`; gives what follows its escapes.
fn code_point<'a>(
    unit: u32,
    behind: &'a str,
    text: &mut String,
) -> std::result::Result<&'a str, String> {
    if let Some(c) = char::from_u32(unit) {
        text.push(c);
        return Ok(behind);
    }
    let low = behind
        .strip_prefix("\\u")
        .and_then(hex4)
        .filter(|low| unit < 0xDC00 && (0xDC00..0xE000).contains(low));
    match low.and_then(|low| char::from_u32(0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00))) {
        Some(c) => {
            text.push(c);
            Ok(&behind[6..])
        }
        None => Err(format!(
            "\\u{unit:04x} is half a character; its other half is missing"
        )),
    }
}

fn hex4(text: &str) -> Option<u32> {
    let digits = text.get(..4)?;
    digits
        .bytes()
        .all(|b| b.is_ascii_hexdigit())
        .then(|| u32::from_str_radix(digits, 16).ok())?
}

/// The text of the `/* … */` comments in `gap`, without their marks and common indentation; `None`
/// if there are none. `gap` holds blanks and comments only.
pub fn comment(gap: &str) -> Option<String> {
    let texts: Vec<String> = lexemes(gap)
        .filter(|lexeme| lexeme.kind == LexemeKind::BlockComment)
        .map(|lexeme| dedent(&gap[lexeme.start + 2..lexeme.end - 2]))
        .collect();
    (!texts.is_empty()).then(|| texts.join("\n"))
}

/// `text` without blank lines around it and without the indentation that all lines but the first share.
fn dedent(text: &str) -> String {
    let indentation = |line: &str| line.len() - line.trim_start().len();
    let common = text
        .lines()
        .skip(1)
        .filter(|line| !line.trim().is_empty())
        .map(indentation)
        .min()
        .unwrap_or(0);
    let lines: Vec<&str> = text
        .lines()
        .enumerate()
        .map(|(i, line)| match i {
            0 => line.trim(),
            _ => line.get(common..).unwrap_or("").trim_end(),
        })
        .collect();
    lines.join("\n").trim_matches('\n').trim_end().to_owned()
}
