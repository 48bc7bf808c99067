//! Keeps the order of the rooms: each room of `src` uses only rooms that stand before it.
//!
//! The order is read from the list in `src/lib.rs`, so that the page and the rule are one. What a file
//! uses is read from its text with strings and comments taken out: every path that begins with
//! `crate::`, in a `use` or in the code, and every `super::` that leads out of a room.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

/// A use of one room by another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Arrow {
    from: String,
    to: String,
    file: String,
    line: usize,
}

#[test]
fn each_room_uses_only_rooms_before_it() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let rooms = rooms(&fs::read_to_string(source.join("lib.rs")).expect("src/lib.rs is there"));
    let mut faults = unlisted(&source, &rooms);
    let mut arrows = Vec::new();
    for file in rust_files(&source) {
        let text = fs::read_to_string(&file).expect("a source file can be read");
        let name = file.strip_prefix(&source).expect("it lies below src");
        arrows.extend(uses(&name.display().to_string(), &text, &rooms));
    }
    for arrow in &arrows {
        if let Some(fault) = fault(arrow, &rooms) {
            faults.push(fault);
        }
    }
    print!("{}", summary(&rooms, &arrows));
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

/// The rooms in their order, read from the list in the page of `src/lib.rs`: lines of the form
/// `//! name/   what it is for`.
fn rooms(lib: &str) -> Vec<String> {
    let mut rooms = Vec::new();
    for line in lib.lines() {
        let Some(entry) = line.strip_prefix("//! ") else {
            continue;
        };
        if let Some((name, _)) = entry.split_once('/')
            && !name.is_empty()
            && name.chars().all(|c| c.is_ascii_lowercase())
        {
            rooms.push(name.to_owned());
        }
    }
    assert!(rooms.len() > 3, "src/lib.rs lists the rooms");
    rooms
}

/// Files and folders of `src` that are no listed room. `lib.rs` and `main.rs` stand above all rooms.
fn unlisted(source: &Path, rooms: &[String]) -> Vec<String> {
    let mut faults = Vec::new();
    for entry in fs::read_dir(source).expect("src can be read") {
        let path = entry.expect("an entry of src can be read").path();
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        let above = matches!(&*stem, "lib" | "main");
        if !above && !rooms.contains(&stem.into_owned()) {
            faults.push(format!("{}: no room of the list", path.display()));
        }
    }
    for room in rooms {
        if !source.join(room).is_dir() {
            faults.push(format!("src/{room}: listed, but there is no such folder"));
        }
    }
    faults
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder of src can be read") {
        let path = entry.expect("an entry can be read").path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|e| e == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

/// What the file `name` (below `src`) uses of other rooms.
fn uses(name: &str, text: &str, rooms: &[String]) -> Vec<Arrow> {
    let parts: Vec<&str> = name.trim_end_matches(".rs").split('/').collect();
    let from = parts[0];
    if matches!(from, "lib" | "main") {
        return Vec::new();
    }
    // How many `super::` lead from the file's own module to the crate.
    let own = parts.len() - usize::from(parts.last() == Some(&"mod"));
    let code = without_strings_and_comments(text);
    let mut arrows = Vec::new();
    let mut add = |to: &str, at: usize| {
        if to != from {
            arrows.push(Arrow {
                from: from.to_owned(),
                to: to.to_owned(),
                file: format!("src/{name}"),
                line: code[..at].matches('\n').count() + 1,
            });
        }
    };
    for (at, _) in code.match_indices("crate::") {
        if code[..at].ends_with(is_name) || code[..at].ends_with('$') {
            continue;
        }
        for room in first_names(&code[at + "crate::".len()..]) {
            add(room, at);
        }
    }
    let mut at = 0;
    while let Some(found) = code[at..].find("super::") {
        let start = at + found;
        let mut end = start;
        let mut count = 0;
        while code[end..].starts_with("super::") {
            end += "super::".len();
            count += 1;
        }
        // Inside a module that is written in the file itself, one more leads no further.
        if count >= own + inline_depth(&code, start) {
            for room in first_names(&code[end..]) {
                if rooms.iter().any(|known| known == room) {
                    add(room, start);
                }
            }
        }
        at = end;
    }
    arrows
}

/// The first names of a path, or of each path in a group: `model::{Cx, Value}` is of `model`,
/// `{model::Cx, text::wait}` of both.
fn first_names(path: &str) -> Vec<&str> {
    let path = path.trim_start();
    let Some(group) = path.strip_prefix('{') else {
        let end = path.find(|c| !is_name(c)).unwrap_or(path.len());
        return vec![&path[..end]];
    };
    let mut names = Vec::new();
    let mut depth = 1;
    let mut fresh = true;
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 1 => fresh = true,
            c if depth == 1 && fresh && is_name(c) => {
                let end = group[at..].find(|c| !is_name(c)).unwrap_or(0);
                names.push(&group[at..at + end]);
                fresh = false;
            }
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    names
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// How many modules written in the file itself are open at `at`: blocks behind `mod name {`.
fn inline_depth(code: &str, at: usize) -> usize {
    let mut open = Vec::new();
    let before = &code[..at];
    for (place, c) in before.char_indices() {
        match c {
            '{' => {
                let head = before[..place].trim_end();
                let line = head.rsplit(['\n', ';', '}', '{']).next().unwrap_or("");
                open.push(
                    line.trim_start()
                        .trim_start_matches("pub ")
                        .starts_with("mod "),
                );
            }
            '}' => {
                open.pop();
            }
            _ => {}
        }
    }
    open.iter().filter(|module| **module).count()
}

/// The code with every character of a comment or a string, save line ends, made blank.
fn without_strings_and_comments(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let length = token(rest);
        if length == 0 {
            out.push(c);
            rest = &rest[c.len_utf8()..];
            continue;
        }
        for c in rest[..length].chars() {
            out.push(if c == '\n' { '\n' } else { ' ' });
        }
        rest = &rest[length..];
    }
    out
}

/// The bytes of the comment, string or character that the text begins with; 0 where it does not.
fn token(text: &str) -> usize {
    let whole = text.len();
    if text.starts_with("//") {
        return text.find('\n').unwrap_or(whole);
    }
    if text.starts_with("/*") {
        return text.find("*/").map_or(whole, |end| end + 2);
    }
    if let Some(rest) = text.strip_prefix('r') {
        let hashes = rest.len() - rest.trim_start_matches('#').len();
        if rest[hashes..].starts_with('"') {
            let close = format!("\"{}", "#".repeat(hashes));
            let from = 1 + hashes + 1;
            return text[from..]
                .find(&close)
                .map_or(whole, |end| from + end + close.len());
        }
    }
    if text.starts_with('"') {
        return quoted(text, '"');
    }
    // A character: not a lifetime, which has no second quote.
    if let Some(rest) = text.strip_prefix('\'') {
        let mut chars = rest.char_indices();
        let first = chars.next().map(|c| c.1);
        if first == Some('\\') {
            return quoted(text, '\'');
        }
        if let Some((at, '\'')) = chars.next() {
            return 1 + at + 1;
        }
    }
    0
}

fn quoted(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// What is wrong with an arrow, if anything is.
fn fault(arrow: &Arrow, rooms: &[String]) -> Option<String> {
    let place = |name: &String| rooms.iter().position(|room| room == name);
    let at = format!("{}:{}", arrow.file, arrow.line);
    match (place(&arrow.from), place(&arrow.to)) {
        (Some(from), Some(to)) if to > from => Some(format!(
            "{at}: {} uses {}, which stands after it",
            arrow.from, arrow.to
        )),
        (_, None) => Some(format!("{at}: {} is no room of the list", arrow.to)),
        _ => None,
    }
}

/// Each room with the rooms that it uses, and how many arrows there are between rooms.
fn summary(rooms: &[String], arrows: &[Arrow]) -> String {
    let mut between: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for arrow in arrows {
        between.entry(&arrow.from).or_default().insert(&arrow.to);
    }
    let mut text = String::new();
    for room in rooms {
        let used = between.get(&**room);
        let ordered = rooms
            .iter()
            .filter(|r| used.is_some_and(|u| u.contains(&***r)));
        let names: Vec<&str> = ordered.map(|r| &**r).collect();
        let _ = writeln!(text, "{room:10} {}", names.join(" "));
    }
    let count: usize = between.values().map(BTreeSet::len).sum();
    let _ = writeln!(text, "{} rooms, {count} arrows between them", rooms.len());
    text
}

#[test]
fn a_wrong_use_is_found_and_named() {
    let rooms: Vec<String> = ["text", "model", "run"].map(str::to_owned).into();
    let cases = [
        ("model/a.rs", "use crate::run::eval;", Some(1)),
        ("model/a.rs", "\nuse crate::{text::wait, run::Cx};", Some(2)),
        ("model/a.rs", "fn f() -> crate::run::Cx {}", Some(1)),
        ("model/a.rs", "use super::super::run::Cx;", Some(1)),
        ("model/mod.rs", "use super::run::Cx;", Some(1)),
        (
            "model/a.rs",
            "mod tests { use super::super::super::run::Cx; }",
            Some(1),
        ),
        ("model/a.rs", "use crate::unknown::Cx;", Some(1)),
        (
            "model/a.rs",
            "use crate::text::wait;\nuse super::run::Cx;",
            None,
        ),
        (
            "model/a.rs",
            "mod tests { use super::super::run::Cx; }",
            None,
        ),
        (
            "model/a.rs",
            "// crate::run::Cx\nlet s = \"crate::run\";",
            None,
        ),
        (
            "model/a.rs",
            "let c = '\"'; /* crate::run */ let r = r#\"crate::run\"#;",
            None,
        ),
        ("run/a.rs", "use crate::model::Value;", None),
    ];
    let mut wrong = Vec::new();
    for (file, text, expected) in cases {
        let arrows = uses(file, text, &rooms);
        let found: Vec<usize> = arrows
            .iter()
            .filter(|arrow| fault(arrow, &rooms).is_some())
            .map(|arrow| arrow.line)
            .collect();
        if found != Vec::from_iter(expected) {
            wrong.push(format!(
                "{file}: {text:?}: {found:?} instead of {expected:?}"
            ));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}
