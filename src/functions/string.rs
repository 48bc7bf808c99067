//! Strings. Positions count characters (Unicode scalar values), from 1.

use std::sync::Arc;

use crate::catalog::Catalog;
use crate::model::native::{Native, Natives};
use crate::model::{Args, Cx, Value, like, number, size};
use crate::run::constant;
use crate::text::diagnostic::{Error, Result};

pub const NATIVES: Natives = &[
    Native::new("concat", concat),
    Native::new("charstring", |_, a| Ok(Some(Value::Str(text(a.value(0))?)))),
    Native::new("dim", |_, a| {
        Ok(Some(Value::Int(a.str(0)?.chars().count() as i64)))
    }),
    Native::new("vref", |_, a| {
        Ok(size::position(a.int(1)?).and_then(|i| nth(a.str(0).ok()?, i)))
    }),
    Native::new("upper", |_, a| some(a.str(0)?.to_uppercase())),
    Native::new("lower", |_, a| some(a.str(0)?.to_lowercase())),
    Native::new("capitalize", |_, a| some(capitalize(a.str(0)?))),
    Native::new("section", |_, a| {
        some(section(a.str(0)?, a.int(1)?, a.int(2)?))
    }),
    Native::new("skip", |_, a| {
        some(section(a.str(0)?, a.int(1)?.saturating_add(1), i64::MAX))
    }),
    Native::new("locate", |_, a| {
        Ok(position_of(a.str(1)?, a.str(1)?.find(a.str(0)?)))
    }),
    Native::new("locate_right", |_, a| {
        Ok(position_of(a.str(1)?, a.str(1)?.rfind(a.str(0)?)))
    }),
    Native::new("like", |_, a| {
        Ok(Some(Value::Bool(like::matches(a.str(0)?, a.str(1)?))))
    }),
    Native::new("like_i", |_, a| {
        let (text, pattern) = (a.str(0)?.to_lowercase(), a.str(1)?.to_lowercase());
        Ok(Some(Value::Bool(like::matches(&text, &pattern))))
    }),
    Native::new("replace", replace),
    Native::new("split", split),
    Native::new("trim", |_, a| {
        some(
            a.str(1)?
                .trim_matches(|c| a.str(0).is_ok_and(|s| s.contains(c))),
        )
    }),
    Native::new("ltrim", |_, a| {
        some(
            a.str(1)?
                .trim_start_matches(|c| a.str(0).is_ok_and(|s| s.contains(c))),
        )
    }),
    Native::new("rtrim", |_, a| {
        some(
            a.str(1)?
                .trim_end_matches(|c| a.str(0).is_ok_and(|s| s.contains(c))),
        )
    }),
    Native::new("not_empty", |_, a| {
        Ok(Some(Value::Bool(!a.str(0)?.trim().is_empty())))
    }),
    Native::new("aton", |_, a| read_number(a.str(0)?).map(Some)),
    Native::new("ntoa", |_, a| some(a.value(0).to_string())),
    Native::new("stringify", |_, a| some(a.value(0).to_string())),
    Native::new("unstringify", |cx, a| {
        constant::read(Catalog::of(cx), a.str(0)?).map(Some)
    }),
];

fn some(text: impl AsRef<str>) -> Result<Option<Value>> {
    Ok(Some(Value::str(text)))
}

/// `value` as a string: a string is itself, a binary is read as UTF-8, anything else is printed.
pub fn text(value: &Value) -> Result<Arc<str>> {
    match value {
        Value::Str(s) => Ok(s.clone()),
        Value::Binary(b) => std::str::from_utf8(b).map(Arc::from).map_err(|e| {
            let at = e.valid_up_to();
            Error::run(format!(
                "the binary is not UTF-8 text: byte {} is {:#04x}",
                at + 1,
                b[at]
            ))
            .help("hex(b) shows its bytes")
        }),
        other => Ok(other.to_string().into()),
    }
}

/// The number that a string says, or an error that shows the string.
pub fn read_number(text: &str) -> Result<Value> {
    number::parse(text).ok_or_else(|| Error::run(format!("{} is not a number", Value::str(text))))
}

fn concat(_: &Cx, args: Args) -> Result<Option<Value>> {
    let (head, tail) = (args.str(0)?, text(args.value(1))?);
    size::check_bytes(head.len() + tail.len(), "a string")?;
    Ok(Some(Value::Str([head, &tail].concat().into())))
}

fn capitalize(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().into_iter().flat_map(char::to_uppercase);
    first.collect::<String>() + chars.as_str()
}

/// Character `i` of `text`, counted from 0.
fn nth(text: &str, i: usize) -> Option<Value> {
    let c = text.chars().nth(i)?;
    Some(Value::str(c.encode_utf8(&mut [0; 4])))
}

/// Characters `from` to `to` of `text`, counted from 1; what lies outside the text is left out.
fn section(text: &str, from: i64, to: i64) -> &str {
    let (from, to) = (from.max(1), to.max(0));
    let offset = |chars: i64| {
        let chars = usize::try_from(chars).unwrap_or(usize::MAX);
        text.char_indices()
            .nth(chars)
            .map_or(text.len(), |(i, _)| i)
    };
    let (start, end) = (offset(from - 1), offset(to));
    if start < end { &text[start..end] } else { "" }
}

/// The character's position, from 1, that byte `offset` of `text` is at.
fn position_of(text: &str, offset: Option<usize>) -> Option<Value> {
    Some(Value::Int(text[..offset?].chars().count() as i64 + 1))
}

fn replace(_: &Cx, args: Args) -> Result<Option<Value>> {
    let (from, to) = (strings(args, 1)?, strings(args, 2)?);
    if from.len() != to.len() {
        return Err(Error::run(format!(
            "replace() needs a replacement for each string: {} to look for, {} to put",
            from.len(),
            to.len()
        )));
    }
    if from.contains(&"") {
        return Err(Error::run("replace() cannot look for the empty string"));
    }
    let mut out = String::new();
    let mut rest = args.str(0)?;
    while let Some(c) = rest.chars().next() {
        let skipped = match from.iter().position(|f| rest.starts_with(f)) {
            Some(i) => {
                out.push_str(to[i]);
                from[i].len()
            }
            None => {
                out.push(c);
                c.len_utf8()
            }
        };
        size::check_bytes(out.len(), "a string")?;
        rest = &rest[skipped..];
    }
    some(out)
}

fn strings<'a>(args: Args<'a>, i: usize) -> Result<Vec<&'a str>> {
    let vector: &'a [Value] = args.vector(i)?;
    vector
        .iter()
        .map(|v| {
            v.as_str()
                .ok_or_else(|| Error::run(format!("a string is wanted here, not {v}")))
        })
        .collect()
}

fn split(_: &Cx, args: Args) -> Result<Option<Value>> {
    let text = args.str(0)?;
    let delimiter = if args.len() > 1 { args.str(1)? } else { "" };
    Ok(Some(if delimiter.is_empty() {
        Value::vector(text.chars().map(|c| Value::str(c.encode_utf8(&mut [0; 4]))))
    } else {
        Value::vector(text.split(delimiter).map(Value::str))
    }))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{call, printed, vector};
    use super::*;

    #[test]
    fn positions_count_characters() {
        let s = Value::str("blåbär");
        assert_eq!(printed("string:vref", &[s.clone(), 3.into()]), "\"å\"");
        assert_eq!(printed("string:vref", &[s.clone(), 0.into()]), "");
        assert_eq!(
            printed("string:section", &[s.clone(), 3.into(), 5.into()]),
            "\"åbä\""
        );
        assert_eq!(
            printed("string:section", &[s.clone(), (-3).into(), 99.into()]),
            "\"blåbär\""
        );
        assert_eq!(
            printed("string:section", &[s.clone(), 4.into(), 2.into()]),
            "\"\""
        );
        assert_eq!(printed("string:skip", &[s.clone(), 4.into()]), "\"är\"");
        assert_eq!(printed("string:locate", &["är".into(), s.clone()]), "5");
        assert_eq!(printed("string:locate", &["x".into(), s]), "");
    }

    #[test]
    fn binaries_become_text_if_they_are() {
        assert_eq!(
            printed("string:charstring", &[Value::binary("hej å")]),
            "\"hej å\""
        );
        let error = call("string:charstring", &[Value::binary([b'a', 0xff])]).expect_err("no text");
        assert_eq!(
            error.message(),
            "the binary is not UTF-8 text: byte 2 is 0xff"
        );
        assert_eq!(error.helps(), ["hex(b) shows its bytes"]);
    }

    #[test]
    fn strings_take_anything_behind_them() {
        assert_eq!(
            printed("string:concat", &["ab".into(), 1.5.into()]),
            "\"ab1.5\""
        );
        assert_eq!(
            printed("string:concat", &["ab".into(), "cd".into()]),
            "\"abcd\""
        );
    }

    #[test]
    fn replacing_takes_the_first_that_matches() {
        let replaced = |s: &str, from: &[&str], to: &[&str]| {
            printed("string:replace", &[s.into(), vector(from), vector(to)])
        };
        assert_eq!(replaced("abcab", &["ab", "a"], &["x", "y"]), "\"xcx\"");
        assert_eq!(replaced("aab", &["ab", "a"], &["x", "aa"]), "\"aax\"");
        assert!(replaced("a", &["a"], &[]).starts_with("error: replace() needs"));
        assert!(replaced("a", &[""], &["x"]).starts_with("error: replace() cannot"));
    }

    #[test]
    fn what_is_no_number_is_an_error() {
        assert_eq!(
            printed("string:aton", &["12 °C".into()]),
            "error: \"12 °C\" is not a number"
        );
    }

    #[test]
    fn constants_read_back() {
        for text in [
            "null",
            "true",
            "-1.5",
            "-inf",
            "nan",
            "-7",
            "\"a\\\"\\n\"",
            "[1,[2.0,null],{\"a\":[]}]",
            "bag(1,2)",
            "[#'real.sin->real',#'number.number.plus->number']",
            "binary(\"00ff\")",
            "complex(1.0,-2.0)",
            "|2026-01-31T12:00:00.000Z|",
            "ts(|2026-01-31T12:00:00.000Z|,[1])",
        ] {
            assert_eq!(printed("string:unstringify", &[text.into()]), text);
        }
    }

    #[test]
    fn nothing_else_is_read() {
        for text in [
            "1+1",
            "x",
            "quit",
            "sleep(1)",
            "",
            "[1",
            "select 1",
            "binary(\"0\")",
        ] {
            let result = printed("string:unstringify", &[text.into()]);
            assert!(result.starts_with("error: "), "{text}: {result}");
        }
    }
}
