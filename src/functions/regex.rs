//! Regular expressions. Matching takes time in proportion to the text, whatever the pattern.

use std::cell::RefCell;
use std::rc::Rc;
use std::thread;

use regex::{Captures, Regex, RegexBuilder};

use crate::model::column::Texts;
use crate::model::native::{BatchArgs, BatchForm, Native, Natives};
use crate::model::{Args, BatchColumn, Cx, Value, size};
use crate::text::diagnostic::{Error, Result};
use crate::text::stoppable::Looks;
use crate::text::wait::{Received, queue};

pub const NATIVES: Natives = &[
    Native::new("match", |cx, a| {
        search(cx, a, |regex, text, _, _| {
            Ok(Some(Value::Bool(regex.is_match(text))))
        })
    })
    .batch(BatchForm::Condition(matches)),
    Native::new("replace", |cx, a| {
        search(cx, a, |regex, text, replacement, looks| {
            let replacement = Replacement::read(replacement, regex)?;
            let mut out = String::new();
            replacement.replace(regex, text, &mut out, looks)?;
            Ok(Some(Value::str(out)))
        })
    })
    .batch(BatchForm::Column(replaced)),
    Native::new("groups", |cx, a| {
        search(cx, a, |regex, text, _, _| {
            Ok(regex.captures(text).map(|found| groups(&found)))
        })
    }),
    Native::new("all_groups", |cx, a| search(cx, a, all_groups)),
];

/// What a compiled pattern takes at the most, so that a match of a short text never takes long.
const MOST_BYTES_OF_PATTERN: usize = 1 << 18;

/// Patterns that are kept compiled on each thread.
const KEPT: usize = 8;

/// A longer text is searched on a thread of its own: the library searches it at once, and a stop must not
/// wait for that.
const LONG_TEXT: usize = 1 << 16;

/// A column of strings with more bytes is left to the evaluator, which has one of them at a time.
const MOST_BYTES: usize = 1 << 24;

/// How many bytes are dealt with in a step, see [`crate::text::stoppable`].
const BYTES_IN_STEP: usize = 16;

thread_local! {
    /// Patterns with what they were compiled to, the latest at the end.
    static COMPILED: RefCell<Vec<(String, Rc<Regex>)>> = const { RefCell::new(Vec::new()) };
}

fn compiled(pattern: &str) -> Result<Rc<Regex>> {
    COMPILED.with_borrow_mut(|kept| {
        if let Some(at) = kept.iter().rposition(|(known, _)| known == pattern) {
            if at + 1 < kept.len() {
                let found = kept.remove(at);
                kept.push(found);
            }
            return Ok(kept[kept.len() - 1].1.clone());
        }
        let regex = RegexBuilder::new(pattern)
            .size_limit(MOST_BYTES_OF_PATTERN)
            .dfa_size_limit(MOST_BYTES_OF_PATTERN)
            .build()
            .map_err(|fault| unreadable(pattern, &fault))?;
        if kept.len() == KEPT {
            kept.remove(0);
        }
        let regex = Rc::new(regex);
        kept.push((pattern.to_owned(), regex.clone()));
        Ok(regex)
    })
}

fn unreadable(pattern: &str, fault: &regex::Error) -> Error {
    let shown = Value::str(pattern);
    if let regex::Error::CompiledTooBig(_) = fault {
        return Error::run(format!("the regular expression {shown} is too large"))
            .help("repetitions such as {1000} within each other multiply");
    }
    // The library shows the pattern with a mark below it, and then says what is wrong.
    let said = fault.to_string();
    let reason = said.lines().last().unwrap_or("").trim();
    let reason = reason.strip_prefix("error: ").unwrap_or(reason);
    let error = Error::run(format!("{shown} is no regular expression: {reason}"));
    match pattern.starts_with(['*', '?', '+']) || pattern.contains("**") {
        true => {
            error.help("any characters are .* in a regular expression; like(s,'*part*') takes *")
        }
        false => error.help("a backslash takes the sign behind it as it is: '\\(' is a bracket"),
    }
}

/// What is searched for: the pattern, the text, and the replacement where there is one.
type Search = fn(&Regex, &str, &str, &Looks) -> Result<Option<Value>>;

fn search(cx: &Cx, args: Args, work: Search) -> Result<Option<Value>> {
    let (text, regex) = (args.str(0)?, compiled(args.str(1)?)?);
    let replacement = if args.len() > 2 { args.str(2)? } else { "" };
    if text.len() <= LONG_TEXT {
        return work(&regex, text, replacement, &cx.token.looks());
    }
    let (text, replacement) = (args.value(0).clone(), replacement.to_owned());
    let (regex, token) = (Regex::clone(&regex), cx.token.clone());
    let (sender, receiver) = queue(1);
    let searching = move || {
        let text = text.as_str().unwrap_or_default();
        let found = work(&regex, text, &replacement, &token.looks());
        // Who has been stopped waits no longer.
        sender.send(found, &token).ok();
    };
    thread::Builder::new()
        .name("regex".to_owned())
        .spawn(searching)
        .map_err(|e| Error::run(format!("cannot search a long text: {e}")))?;
    match receiver.recv(None, &cx.token)? {
        Received::Item(found) => found,
        _ => Err(Error::run("the search of a long text ended early")),
    }
}

/// What the groups match, or the whole if there are none.
fn groups(found: &Captures) -> Value {
    let skipped = usize::from(found.len() > 1);
    let group = |group: Option<regex::Match>| match group {
        Some(group) => Value::str(group.as_str()),
        None => Value::Null,
    };
    Value::vector(found.iter().skip(skipped).map(group))
}

fn all_groups(regex: &Regex, text: &str, _: &str, looks: &Looks) -> Result<Option<Value>> {
    let mut all = Vec::new();
    for found in regex.captures_iter(text) {
        let groups = groups(&found);
        looks.steps(groups.steps())?;
        all.push(groups);
        size::check_elements(all.len(), "a vector")?;
    }
    Ok(Some(Value::vector(all)))
}

/// What stands in the place of a match.
struct Replacement<'r> {
    parts: Vec<Part<'r>>,
}

enum Part<'r> {
    Text(&'r str),
    Group(usize),
}

impl<'r> Replacement<'r> {
    fn read(mut written: &'r str, regex: &Regex) -> Result<Replacement<'r>> {
        let mut parts = Vec::new();
        while let Some((before, behind)) = written.split_once('$') {
            parts.push(Part::Text(before));
            if let Some(rest) = behind.strip_prefix('$') {
                parts.push(Part::Text("$"));
                written = rest;
                continue;
            }
            let (name, rest) = match behind.strip_prefix('{') {
                Some(inner) => inner.split_once('}').unwrap_or((inner, "")),
                None => {
                    let is_digit = |c: char| c.is_ascii_digit();
                    behind.split_at(behind.find(|c| !is_digit(c)).unwrap_or(behind.len()))
                }
            };
            // A dollar without a group is one.
            if name.is_empty() {
                parts.push(Part::Text("$"));
                written = behind;
                continue;
            }
            parts.push(Part::Group(group_named(name, regex)?));
            written = rest;
        }
        parts.push(Part::Text(written));
        Ok(Replacement { parts })
    }

    /// Appends `text` with the replacement in the place of every match.
    fn replace(&self, regex: &Regex, text: &str, out: &mut String, looks: &Looks) -> Result<()> {
        let mut behind = 0;
        for found in regex.captures_iter(text) {
            let whole = found.get_match();
            out.push_str(&text[behind..whole.start()]);
            for part in &self.parts {
                out.push_str(match part {
                    Part::Text(text) => text,
                    Part::Group(group) => found.get(*group).map_or("", |group| group.as_str()),
                });
            }
            looks.steps(self.parts.len() + whole.len() / BYTES_IN_STEP)?;
            size::check_bytes(out.len(), "a string")?;
            behind = whole.end();
        }
        out.push_str(&text[behind..]);
        size::check_bytes(out.len(), "a string")
    }
}

fn group_named(name: &str, regex: &Regex) -> Result<usize> {
    let number = match name.parse() {
        Ok(number) => Some(number),
        Err(_) => regex.capture_names().position(|known| known == Some(name)),
    };
    number
        .filter(|number| *number < regex.captures_len())
        .ok_or_else(|| {
            let groups = regex.captures_len() - 1;
            Error::run(format!(
                "there is no group ${name} in the regular expression, which has {groups}"
            ))
            .help("a group stands in parentheses, (\\d+), or with a name, (?<year>\\d+); $$ is a dollar")
        })
}

fn matches(args: BatchArgs) -> Option<Vec<bool>> {
    let [texts, patterns] = args.columns else {
        return None;
    };
    let matches = |row| {
        let text = short(texts.text(row)?, args.looks)?;
        Some(compiled(patterns.text(row)?).ok()?.is_match(text))
    };
    (0..args.rows).map(matches).collect()
}

fn replaced(args: BatchArgs) -> Option<BatchColumn> {
    let [texts, patterns, replacements] = args.columns else {
        return None;
    };
    let mut made = Texts::with_capacity(args.rows);
    for row in 0..args.rows {
        let text = short(texts.text(row)?, args.looks)?;
        let regex = compiled(patterns.text(row)?).ok()?;
        let replacement = Replacement::read(replacements.text(row)?, &regex).ok()?;
        made.add(|out| replacement.replace(&regex, text, out, args.looks).ok())?;
        if made.bytes() > MOST_BYTES {
            return None;
        }
    }
    Some(BatchColumn::Texts(made))
}

/// A text that is searched at once.
fn short<'t>(text: &'t str, looks: &Looks) -> Option<&'t str> {
    looks.steps(1 + text.len() / BYTES_IN_STEP).ok()?;
    (text.len() <= LONG_TEXT).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{call, printed};
    use super::*;

    #[test]
    fn a_replacement_names_groups() {
        let replaced = |text: &str, pattern: &str, replacement: &str| {
            printed(
                "regex:replace",
                &[text.into(), pattern.into(), replacement.into()],
            )
        };
        assert_eq!(replaced("ab12", "([a-z]+)(\\d+)", "$2x$1"), "\"12xab\"");
        assert_eq!(replaced("a-b", "(?<l>a)-(b)", "${l}$$${2}$"), "\"a$b$\"");
        assert_eq!(replaced("abc", "", "-"), "\"-a-b-c-\"");
        assert_eq!(replaced("åäö", "ä|(x)", "[$1]"), "\"å[]ö\"");
    }

    #[test]
    fn a_wrong_pattern_or_group_is_said() {
        let fails = |args: &[Value]| {
            let name = if args.len() > 2 {
                "regex:replace"
            } else {
                "regex:match"
            };
            call(name, args).expect_err("is wrong").to_string()
        };
        assert_eq!(
            fails(&["a".into(), "(a".into()]),
            "\"(a\" is no regular expression: unclosed group"
        );
        let look_ahead = fails(&["a".into(), "(?=a)".into()]);
        assert!(look_ahead.contains("look-around"), "{look_ahead}");
        let large = fails(&["a".into(), "((a{1000}){1000}){1000}".into()]);
        assert!(large.ends_with("is too large"), "{large}");
        assert_eq!(
            fails(&["a".into(), "(a)".into(), "$2".into()]),
            "there is no group $2 in the regular expression, which has 1"
        );
    }

    #[test]
    fn a_long_text_is_searched_too() {
        let text = "ab".repeat(LONG_TEXT);
        let replaced = call(
            "regex:replace",
            &[text.as_str().into(), "b(a?)".into(), "$1".into()],
        );
        let replaced = replaced.expect("no error").expect("a string");
        assert_eq!(replaced.as_str(), Some("a".repeat(LONG_TEXT).as_str()));
    }
}
