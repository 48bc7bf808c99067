//! The patterns of `like`: `*`, `?`, `[abc]`, `[a-z]`, `[^a]`, and `\` before a character meant as it
//! is. Glob libraries treat `/` and `{}` as paths need it; here they are characters like others.

use std::str::Chars;

use crate::text::diagnostic::Result;
use crate::text::stoppable::Looks;

/// Whether the whole of `text` matches `pattern`. An error if `looks` sees a stop.
pub fn matches(text: &str, pattern: &str, looks: &Looks) -> Result<bool> {
    let (mut text, mut pattern) = (text.chars(), pattern.chars());
    // Where to go on if a later part fails: behind the last `*`, with one more character for it.
    let mut retry: Option<(Chars, Chars)> = None;
    loop {
        looks.step()?;
        let mut rest = pattern.clone();
        if rest.next() == Some('*') {
            retry = Some((text.clone(), rest.clone()));
            pattern = rest;
            continue;
        }
        let mut following = text.clone();
        match following.next() {
            None if pattern.as_str().is_empty() => return Ok(true),
            // Nothing is left for this `*` or any other.
            None => return Ok(false),
            Some(c) if one(c, &mut pattern, looks)? => text = following,
            Some(_) => {
                let Some((from, behind)) = &mut retry else {
                    return Ok(false);
                };
                from.next();
                text = from.clone();
                pattern = behind.clone();
            }
        }
    }
}

/// A pattern of SQL's `like`, where `%` stands for any characters and `_` for one, as one of these.
pub fn of_sql(pattern: &str) -> String {
    let mut own = String::with_capacity(pattern.len());
    for c in pattern.chars() {
        match c {
            '%' => own.push('*'),
            '_' => own.push('?'),
            '*' | '?' | '[' | '\\' => own.extend(['\\', c]),
            c => own.push(c),
        }
    }
    own
}

/// Whether `c` matches the first item of `pattern`, which is taken off.
fn one(c: char, pattern: &mut Chars, looks: &Looks) -> Result<bool> {
    Ok(match pattern.next() {
        None => false,
        Some('?') => true,
        Some('\\') => pattern.next().unwrap_or('\\') == c,
        // A bracket that nothing closes is a character.
        Some('[') => in_set(c, pattern, looks)?.unwrap_or(c == '['),
        Some(p) => p == c,
    })
}

/// Whether `c` is in the set that `pattern` begins with, behind its `[`; the set is taken off. `None`
/// if the set has no end.
fn in_set(c: char, pattern: &mut Chars, looks: &Looks) -> Result<Option<bool>> {
    let mut rest = pattern.clone();
    let outside = rest.as_str().starts_with(['^', '!']);
    if outside {
        rest.next();
    }
    let (mut found, mut first) = (false, true);
    loop {
        looks.step()?;
        let low = match rest.next() {
            Some(']') if !first => break,
            Some('\\') => rest.next(),
            low => low,
        };
        let Some(low) = low else {
            return Ok(None);
        };
        first = false;
        let mut ahead = rest.clone();
        let high = match (ahead.next(), ahead.next()) {
            (Some('-'), Some(high)) if high != ']' => {
                rest = ahead;
                high
            }
            _ => low,
        };
        found |= (low..=high).contains(&c);
    }
    *pattern = rest;
    Ok(Some(found != outside))
}

#[cfg(test)]
mod tests {
    use crate::text::wait::Token;

    fn matches(text: &str, pattern: &str) -> bool {
        super::matches(text, pattern, &Token::new().looks()).expect("not stopped")
    }

    #[test]
    fn patterns() {
        for (text, pattern, expected) in [
            ("abc", "??c", true),
            ("ac", "a*c", true),
            ("ac", "a?c", false),
            ("abc", "a[bd][dc]", true),
            ("abc", "a[bd][de]", false),
            ("", "", true),
            ("", "**", true),
            ("a", "", false),
            ("å", "?", true),
            ("a/b{c}", "a*{c}", true),
            ("k7", "[a-m][0-9]", true),
            ("k7", "[^a-m][0-9]", false),
            ("x-", "x[a-]", true),
            ("a]", "a[]]", true),
            ("a*", r"a\*", true),
            ("ab", r"a\*", false),
            ("a[b", "a[b", true),
            ("mississippi", "*iss*ip*", true),
            ("mississippi", "*iss*ipx", false),
        ] {
            assert_eq!(
                matches(text, pattern),
                expected,
                "like({text:?},{pattern:?})"
            );
        }
    }

    #[test]
    fn many_stars_take_no_time() {
        assert!(!matches(&"a".repeat(10_000), &("*a".repeat(50) + "b")));
    }
}
