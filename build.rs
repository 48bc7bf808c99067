//! Gathers the declarations of the built-in functions, `src/functions/*.osql`, into a table sorted by
//! name, so that a program start parses none of them. Nothing is parsed here either: a file is cut at
//! the semicolons that close statements, and each statement is filed under the name that it defines.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::{env, fs, process};

const FOLDER: &str = "src/functions";

struct Declaration {
    name: String,
    topic: String,
    file: String,
    line: usize,
    text: String,
}

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed={FOLDER}");
    let mut declarations = Vec::new();
    let mut natives = String::new();
    for path in osql_files() {
        println!("cargo:rerun-if-changed={}", path.display());
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        if path.with_extension("rs").exists() {
            let _ = writeln!(natives, "    ({stem:?}, super::{stem}::NATIVES),");
        }
        match declared_in(&path) {
            Ok(found) => declarations.extend(found),
            Err(message) => {
                eprintln!("{}:{message}", path.display());
                process::exit(1);
            }
        }
    }
    // Stable: the overloads of a name keep the order in which they are declared.
    declarations.sort_by(|a, b| a.name.cmp(&b.name));
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    fs::write(out.join("functions.rs"), table(&declarations, &natives))
        .expect("OUT_DIR can be written");
}

fn osql_files() -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(FOLDER)
        .expect("the folder of the functions can be read")
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|e| e == "osql"))
        .collect();
    files.sort();
    files
}

/// The declarations of one file, whose first line names the topic: `// Topic: Math`.
fn declared_in(path: &Path) -> Result<Vec<Declaration>, String> {
    let text = fs::read_to_string(path).map_err(|e| format!(" {e}"))?;
    let topic = text
        .lines()
        .next()
        .and_then(|line| line.strip_prefix("// Topic: "))
        .ok_or("1: the first line must be `// Topic: NAME`")?
        .trim();
    let mut found = Vec::new();
    let mut at = 0;
    loop {
        at += blank(&text[at..]);
        if at == text.len() {
            return Ok(found);
        }
        let line = text[..at].matches('\n').count() + 1;
        let length = statement(&text[at..]).ok_or(format!("{line}: a `;` is missing"))?;
        let statement = &text[at..at + length];
        let name = defined(statement).ok_or(format!("{line}: not a `create function NAME(`"))?;
        found.push(Declaration {
            name,
            topic: topic.to_owned(),
            file: path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned(),
            line,
            text: statement.trim_end().to_owned(),
        });
        at += length + 1;
    }
}

/// The bytes of white space and comments at the start of `text`.
fn blank(text: &str) -> usize {
    let mut at = 0;
    loop {
        let rest = &text[at..];
        let spaces = rest.len() - rest.trim_start().len();
        let skipped = spaces + comment(&rest[spaces..]);
        if skipped == 0 {
            return at;
        }
        at += skipped;
    }
}

/// The bytes of the comment that `text` starts with, 0 if it does not.
fn comment(text: &str) -> usize {
    let close = match text.get(..2) {
        Some("//") => "\n",
        Some("/*") => "*/",
        _ => return 0,
    };
    text[2..]
        .find(close)
        .map_or(text.len(), |i| 2 + i + close.len())
}

/// The bytes of the string constant that `text` starts with, 0 if it does not. Only one between
/// double quotes knows escapes.
fn string(text: &str) -> usize {
    let Some(quote) = text.chars().next().filter(|c| matches!(c, '"' | '\'')) else {
        return 0;
    };
    let mut escaped = false;
    for (i, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' if quote == '"' => escaped = true,
            c if c == quote => return i + 1,
            _ => {}
        }
    }
    text.len()
}

/// The bytes of `text` before the semicolon that closes its first statement; those within a block
/// do not.
fn statement(text: &str) -> Option<usize> {
    let mut at = 0;
    let mut depth = 0;
    while let Some(c) = text[at..].chars().next() {
        let skipped = comment(&text[at..]) + string(&text[at..]);
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ';' if depth == 0 => return Some(at),
            _ => {}
        }
        at += skipped.max(c.len_utf8());
    }
    None
}

/// The name, in lower case, that `create function NAME(…` defines.
fn defined(statement: &str) -> Option<String> {
    let rest = statement.strip_prefix("create function")?;
    let name = rest[..rest.find('(')?].trim().to_lowercase();
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | ':');
    (!name.is_empty() && name.chars().all(plain)).then_some(name)
}

fn table(declarations: &[Declaration], natives: &str) -> String {
    let mut out = String::from("static DECLARATIONS: &[Declaration] = &[\n");
    for Declaration {
        name,
        topic,
        file,
        line,
        text,
    } in declarations
    {
        let _ = writeln!(
            out,
            "    Declaration {{ name: {name:?}, topic: {topic:?}, file: {file:?}, line: {line}, text: {text:?} }},"
        );
    }
    let _ = write!(
        out,
        "];\n\nstatic TOPICS: &[(&str, Natives)] = &[\n{natives}];\n"
    );
    out
}
