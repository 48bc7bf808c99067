//! Strings. Positions count characters (Unicode scalar values), from 1.

use std::collections::HashSet;
use std::sync::Arc;

use crate::catalog::Catalog;
use crate::model::native::{BatchForm, Native, Natives};
use crate::model::{Args, Cx, Value, like, number, print, size};
use crate::run::constant;
use crate::text::diagnostic::{Error, Result};

mod columns;
mod format;

pub const NATIVES: Natives = &[
    Native::new("concat", concat).batch(BatchForm::Column(columns::concat)),
    Native::new("charstring", |cx, a| {
        Ok(Some(Value::Str(text(a.value(0), cx)?)))
    })
    .text_of_binary(),
    Native::new("dim", |_, a| {
        Ok(Some(Value::Int(a.str(0)?.chars().count() as i64)))
    })
    .batch(BatchForm::Column(columns::length)),
    Native::new("vref", |_, a| {
        Ok(size::position(a.int(1)?).and_then(|i| nth(a.str(0).ok()?, i)))
    }),
    Native::new("upper", |cx, a| {
        some(by_pieces(a.str(0)?, cx, str::to_uppercase)?)
    })
    .batch(BatchForm::Column(columns::upper)),
    Native::new("lower", |cx, a| {
        some(by_pieces(a.str(0)?, cx, str::to_lowercase)?)
    })
    .batch(BatchForm::Column(columns::lower)),
    Native::new("capitalize", |_, a| some(capitalize(a.str(0)?))),
    Native::new("section", |_, a| {
        some(section(a.str(0)?, a.int(1)?, a.int(2)?))
    })
    .positions(&[1, 2])
    .batch(BatchForm::Column(columns::sections)),
    Native::new("skip", |_, a| {
        some(section(a.str(0)?, a.int(1)?.saturating_add(1), i64::MAX))
    })
    .batch(BatchForm::Column(columns::skipped)),
    Native::new("locate", |_, a| {
        Ok(position_of(a.str(1)?, a.str(1)?.find(a.str(0)?)))
    }),
    Native::new("locate_right", |_, a| {
        Ok(position_of(a.str(1)?, a.str(1)?.rfind(a.str(0)?)))
    }),
    Native::new("like", |cx, a| {
        let looks = cx.token.looks();
        like::matches(a.str(0)?, a.str(1)?, &looks).map(|m| Some(Value::Bool(m)))
    })
    .batch(BatchForm::Condition(columns::like)),
    Native::new("sql_like", |cx, a| {
        let pattern = like::of_sql(a.str(1)?);
        like::matches(a.str(0)?, &pattern, &cx.token.looks()).map(|m| Some(Value::Bool(m)))
    })
    .batch(BatchForm::Condition(columns::sql_like)),
    Native::new("like_i", |cx, a| {
        let text = by_pieces(a.str(0)?, cx, str::to_lowercase)?;
        let pattern = by_pieces(a.str(1)?, cx, str::to_lowercase)?;
        like::matches(&text, &pattern, &cx.token.looks()).map(|m| Some(Value::Bool(m)))
    }),
    Native::new("replace", replace),
    Native::new("split", split),
    Native::new("trim", |_, a| {
        let chars: HashSet<char> = a.str(0)?.chars().collect();
        some(a.str(1)?.trim_matches(|c| chars.contains(&c)))
    }),
    Native::new("ltrim", |_, a| {
        let chars: HashSet<char> = a.str(0)?.chars().collect();
        some(a.str(1)?.trim_start_matches(|c| chars.contains(&c)))
    }),
    Native::new("rtrim", |_, a| {
        let chars: HashSet<char> = a.str(0)?.chars().collect();
        some(a.str(1)?.trim_end_matches(|c| chars.contains(&c)))
    }),
    Native::new("trim_space", |_, a| some(a.str(0)?.trim()))
        .batch(BatchForm::Column(columns::trimmed)),
    Native::new("ltrim_space", |_, a| some(a.str(0)?.trim_start())),
    Native::new("rtrim_space", |_, a| some(a.str(0)?.trim_end())),
    Native::new("format", format::format),
    Native::new("not_empty", |_, a| {
        Ok(Some(Value::Bool(!a.str(0)?.trim().is_empty())))
    })
    .batch(BatchForm::Condition(columns::not_empty)),
    Native::new("aton", |_, a| read_number(a.str(0)?).map(Some)),
    Native::new("ntoa", |cx, a| {
        some(print::text(a.value(0), &cx.token.looks())?)
    })
    .batch(BatchForm::Column(columns::printed)),
    Native::new("stringify", |cx, a| {
        some(print::text(a.value(0), &cx.token.looks())?)
    }),
    Native::new("unstringify", |cx, a| {
        constant::read(Catalog::of(cx), a.str(0)?, &cx.token.looks()).map(Some)
    }),
];

fn some(text: impl AsRef<str>) -> Result<Option<Value>> {
    Ok(Some(Value::str(text)))
}

/// `value` as a string: a string is itself, a binary is read as UTF-8, anything else is printed.
pub fn text(value: &Value, cx: &Cx) -> Result<Arc<str>> {
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
        other => print::text(other, &cx.token.looks()).map(Arc::from),
    }
}

/// What `f` makes of a string, piece by piece: `f` looks at each character by itself, or nearly so, as
/// the case of a Greek letter depends on whether a word ends there.
fn by_pieces(text: &str, cx: &Cx, f: fn(&str) -> String) -> Result<String> {
    /// The most of a string that is taken at once.
    const PIECE: usize = 1 << 20;
    if text.len() <= PIECE {
        return Ok(f(text));
    }
    let mut out = String::new();
    let mut rest = text;
    while !rest.is_empty() {
        cx.token.check()?;
        // Where a word ends, if one does.
        let most = rest.floor_char_boundary(PIECE);
        let end = rest[..most].rfind(' ').map_or(most, |at| at + 1);
        let (piece, behind) = rest.split_at(end);
        out.push_str(&f(piece));
        size::check_bytes(out.len(), "a string")?;
        rest = behind;
    }
    Ok(out)
}

/// The number that a string says, or an error that shows the string.
pub fn read_number(text: &str) -> Result<Value> {
    number::parse(text).ok_or_else(|| Error::run(format!("{} is not a number", Value::str(text))))
}

fn concat(cx: &Cx, args: Args) -> Result<Option<Value>> {
    let (head, tail) = (args.str(0)?, text(args.value(1), cx)?);
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
    text.chars().nth(i).map(Value::character)
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

fn replace(cx: &Cx, args: Args) -> Result<Option<Value>> {
    let looks = cx.token.looks();
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
        looks.steps(1 + from.len())?;
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

fn split(cx: &Cx, args: Args) -> Result<Option<Value>> {
    let text = args.str(0)?;
    let delimiter = if args.len() > 1 { args.str(1)? } else { "" };
    let looks = cx.token.looks();
    let mut parts = Vec::new();
    let mut push = |part: Value| {
        looks.steps(part.steps())?;
        parts.push(part);
        size::check_elements(parts.len(), "a vector")
    };
    if delimiter.is_empty() {
        text.chars().map(Value::character).try_for_each(&mut push)?;
    } else {
        text.split(delimiter)
            .map(Value::str)
            .try_for_each(&mut push)?;
    }
    Ok(Some(Value::vector(parts)))
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
