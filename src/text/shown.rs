//! What may be shown of text that others wrote. Everything that goes to standard error passes here:
//! the message and the excerpt of an error ([`Error::render`](super::diagnostic::Error::render)), and
//! every notice ([`Console`](super::console::Console)).
//!
//! Two things never reach a terminal: control characters, which it would obey, and secrets. A secret
//! is known by what stands before it: the name of an option or parameter that holds one, or a URL.

use std::borrow::Cow;
use std::ops::Range;

/// Stands for a secret in a message.
const HIDDEN: &str = "…";

/// Words that the names of secrets hold, in lower case.
const SECRET_WORDS: [&str; 12] = [
    "password",
    "passwd",
    "keypass",
    "passphrase",
    "secret",
    "token",
    "credential",
    "authorization",
    "auth-data",
    "api-key",
    "api_key",
    "apikey",
];

/// Names that hold secrets as a whole; as a part of others they mean nothing.
const SECRET_NAMES: [&str; 3] = ["psk", "pwd", "pass"];

/// `text` as it may be shown: without secrets, and with control characters made visible. Lines and
/// tabs stay.
pub fn shown(text: &str) -> String {
    printable(&hidden(text)).into_owned()
}

/// The same on one line: the ends of lines are made visible, too.
pub fn shown_on_a_line(text: &str) -> String {
    shown(text).replace('\n', "\\n")
}

/// `text` with `…` in the place of secrets.
fn hidden(text: &str) -> Cow<'_, str> {
    let secrets = secrets(text);
    if secrets.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut out = String::new();
    let mut at = 0;
    for secret in secrets {
        out += &text[at..secret.start];
        out += HIDDEN;
        at = secret.end;
    }
    Cow::Owned(out + &text[at..])
}

/// `text` with stars in the place of secrets. Places in it stay what they were, in bytes and lines.
pub fn masked(text: &str) -> Cow<'_, str> {
    let secrets = secrets(text);
    if secrets.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for secret in secrets {
        out += &text[at..secret.start];
        for c in text[secret.clone()].chars() {
            match c {
                '\n' => out.push('\n'),
                c => out.extend(std::iter::repeat_n('*', c.len_utf8())),
            }
        }
        at = secret.end;
    }
    Cow::Owned(out + &text[at..])
}

/// `text` with the pictures of control characters instead of these, and without characters that turn
/// the direction of writing. One character stands for one.
pub fn printable(text: &str) -> Cow<'_, str> {
    if !text.chars().any(|c| picture(c).is_some()) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().map(|c| picture(c).unwrap_or(c)).collect())
}

fn picture(c: char) -> Option<char> {
    match c {
        '\n' | '\t' => None,
        '\0'..='\x1f' => char::from_u32(0x2400 + c as u32),
        '\x7f' => Some('\u{2421}'),
        // Marks and overrides of the direction, ends of lines that are none, invisible ones.
        '\u{80}'..='\u{9f}'
        | '\u{200e}'
        | '\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2066}'..='\u{2069}'
        | '\u{feff}' => Some('\u{fffd}'),
        _ => None,
    }
}

/// Where the secrets of `text` are, in their order.
fn secrets(text: &str) -> Vec<Range<usize>> {
    let mut found = in_urls(text);
    found.extend(after_names(text));
    found.sort_by_key(|range| range.start);
    found.dedup_by(|next, before| {
        let overlaps = next.start < before.end;
        if overlaps {
            before.end = before.end.max(next.end);
        }
        overlaps
    });
    found.retain(|range| !range.is_empty());
    found
}

/// Logins and queries of URLs: `scheme://login@host/path?query`.
fn in_urls(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    for (at, mark) in text.match_indices("://") {
        let start = at + mark.len();
        let end = end_of(text, start, |c| {
            c.is_whitespace() || matches!(c, '"' | '\'' | '`' | '\\' | '<' | '>')
        });
        let url = &text[start..end];
        let authority = url.find(['/', '?']).unwrap_or(url.len());
        // A password may hold a slash, though it should not.
        let login = match url[..authority].rfind('@') {
            Some(login) => Some(login),
            None => url.find('?').map_or(url, |query| &url[..query]).rfind('@'),
        };
        found.extend(login.map(|login| start..start + login));
        if let Some(query) = url.find(['?', '#']) {
            // The quotation of a statement may end with more than the URL.
            let rest = url[query + 1..].trim_end_matches([',', ')', ';', ':', '.']);
            found.push(start + query + 1..start + query + 1 + rest.len());
        }
    }
    found
}

/// Values behind the names of secrets: `"password": …`, `:token = "…"`, `["password"] = …`,
/// `password=…` and their like.
fn after_names(text: &str) -> Vec<Range<usize>> {
    let lower = text.to_ascii_lowercase();
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(start) = lower[at..].find(is_in_name).map(|n| at + n) {
        let end = end_of(text, start, |c| !is_in_name(c));
        at = end;
        let name = &lower[start..end];
        if name == "connection" {
            // A login belongs nowhere into an address, but people put it there.
            let login = value_after(text, start, end)
                .and_then(|range| Some(range.start..range.start + text[range].rfind('@')?));
            found.extend(login);
        } else if SECRET_NAMES.contains(&name)
            || SECRET_WORDS.iter().any(|word| name.contains(word))
        {
            let secret = value_after(text, start, end);
            // What is within a value is no name.
            at = secret.as_ref().map_or(end, |range| range.end.max(end));
            found.extend(secret);
        }
    }
    found
}

fn is_in_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-')
}

/// The value of the name at `start..end`, if one follows.
fn value_after(text: &str, start: usize, end: usize) -> Option<Range<usize>> {
    let quoted = text[..start].ends_with(['"', '\'']);
    let mut rest = text[end..].trim_start_matches('\\');
    if quoted {
        rest = rest.strip_prefix(['"', '\''])?;
    }
    let rest = rest.trim_start();
    let rest = rest.strip_prefix(']').unwrap_or(rest).trim_start();
    let is_argument = quoted && rest.starts_with(',');
    let value = rest.strip_prefix([':', '=', ','])?.trim_start();
    let from = text.len() - value.len();
    let literal = value.trim_start_matches('\\').starts_with(['"', '\'']);
    if is_argument && !literal {
        return None;
    }
    if literal && (is_argument || !quoted) {
        return Some(from..from + string_length(value));
    }
    if quoted {
        return Some(from..from + value_length(value));
    }
    // Without quotes around name and value it is a parameter only if nothing stands between them.
    let tight = text[end..].strip_prefix('=')? == value;
    let length = end_of(value, 0, |c| {
        c.is_whitespace() || matches!(c, '&' | '"' | '\'' | '`' | ',' | ')' | '}' | ';')
    });
    tight.then_some(from..from + length)
}

/// The length of the string that `text` begins with; of all where it does not end.
fn string_length(text: &str) -> usize {
    let escapes = text.len() - text.trim_start_matches('\\').len();
    let Some(quote) = text[escapes..].chars().next() else {
        return text.len();
    };
    let mut skip = false;
    for (at, c) in text.char_indices().skip(escapes + 1) {
        match c {
            // Within a string that is quoted itself, its end is an escaped quote.
            _ if skip => {
                skip = false;
                if escapes > 0 && c == quote {
                    return at + 1;
                }
            }
            '\\' => skip = true,
            c if c == quote => return at + usize::from(escapes == 0),
            _ => {}
        }
    }
    text.len()
}

/// The length of the value that `text` begins with, in a record: up to the comma or bracket behind it.
fn value_length(text: &str) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        match c {
            '"' | '\'' | '\\' => {
                at += string_length(&text[at..]).max(1);
                continue;
            }
            '{' | '[' | '(' => depth += 1,
            '}' | ']' | ')' | ',' | ';' if depth == 0 => return at,
            '}' | ']' | ')' => depth -= 1,
            _ => {}
        }
        at += c.len_utf8();
    }
    text.len()
}

/// Where the first character that is an `end` is, from `start` on; the end of the text without one.
fn end_of(text: &str, start: usize, end: impl Fn(char) -> bool) -> usize {
    text[start..].find(end).map_or(text.len(), |at| start + at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_hidden_and_nothing_else() {
        for (text, expected) in [
            (
                r#"{"password": "p1", "qos": 1}"#,
                r#"{"password": …, "qos": 1}"#,
            ),
            (r#"{'keypass':'p1'}"#, "{'keypass':…}"),
            (
                r#"{"password": "a\"p1", "b": 2}"#,
                r#"{"password": …, "b": 2}"#,
            ),
            (
                r#"{"password": "p1" + "p2", "b": 2}"#,
                r#"{"password": …, "b": 2}"#,
            ),
            (r#"{"password": 4711}"#, r#"{"password": …}"#),
            (
                r#"{"Auth-Data": :x["p1"], "b": 2}"#,
                r#"{"Auth-Data": …, "b": 2}"#,
            ),
            (r#"{"password": "p1"#, r#"{"password": …"#),
            (r#"{"password":"p1é"#, r#"{"password":…"#),
            (
                r#"json("{\"password\": \"p1\", \"b\": 1}")"#,
                r#"json("{\"password\": …, \"b\": 1}")"#,
            ),
            (
                r#"set :o["password"] = "p1";"#,
                r#"set :o["password"] = …;"#,
            ),
            (
                r#"put(:o, "password", "p1", 2)"#,
                r#"put(:o, "password", …, 2)"#,
            ),
            (r#"set :my_token = "p1";"#, "set :my_token = …;"),
            ("ws://h/mqtt?token=p1&x=p2 is lost", "ws://h/mqtt?… is lost"),
            ("`wss://h:1/mqtt?jwt=p1`: no", "`wss://h:1/mqtt?…`: no"),
            ("tcp://me:p1@h:1 and", "tcp://…@h:1 and"),
            ("tcp://me:p1/p2@h:1 and", "tcp://…@h:1 and"),
            (
                r#"{"connection": "me:p1@h", "b": "@"}"#,
                r#"{"connection": …@h", "b": "@"}"#,
            ),
            (
                "GET /mqtt?access_token=p1&b=2",
                "GET /mqtt?access_token=…&b=2",
            ),
            (
                "ssl://h/mqtt: the password is wrong",
                "ssl://h/mqtt: the password is wrong",
            ),
            (
                "check the options username and password",
                "check the options username and password",
            ),
            (
                "select token from t where token = 5",
                "select token from t where token = 5",
            ),
            (
                "option password: a string is wanted",
                "option password: a string is wanted",
            ),
            ("the tokens, all of them", "the tokens, all of them"),
        ] {
            assert_eq!(shown(text), expected);
            let masked = masked(text);
            assert_eq!(masked.len(), text.len(), "{masked}");
            assert!(!masked.contains("p1") && !masked.contains("p2"), "{masked}");
        }
    }

    #[test]
    fn control_characters_are_pictures() {
        assert_eq!(
            shown("a\x1b[31m\u{9b}b\r\x07\n\tc\u{202e}"),
            "a␛[31m\u{fffd}b␍␇\n\tc\u{fffd}"
        );
        assert_eq!(shown_on_a_line("a\nb"), "a\\nb");
    }
}
