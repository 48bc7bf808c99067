//! Gathers the declarations of the built-in functions, `src/functions/*.osql`, into a table sorted by
//! name, so that a program start parses none of them. Nothing is parsed here either: a file is cut at
//! the semicolons that close statements, and each statement is filed under the name that it defines.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::{env, fs, process};

use lexer::{Lexeme, LexemeKind, significant};

// What only the program needs of it is not used here.
#[allow(dead_code)]
#[path = "src/syntax/lexer.rs"]
mod lexer;

const FOLDER: &str = "src/functions";

/// The chapters of the guide, in the order of their names.
const GUIDE: &str = "models/guide";

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
    for path in sorted_files(Path::new(FOLDER), "osql") {
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
    fs::write(out.join("guide.rs"), chapters()).expect("OUT_DIR can be written");
}

/// The list of the guide's chapters: the files whose names begin with a number.
fn chapters() -> String {
    println!("cargo:rerun-if-changed={GUIDE}");
    let mut out =
        String::from("/// The chapters in order.\npub static CHAPTERS: &[Chapter] = &[\n");
    let folder = fs::canonicalize(GUIDE).expect("the guide is there");
    for path in sorted_files(&folder, "md") {
        let file = path.file_name().unwrap_or_default().to_string_lossy();
        if file.starts_with(|c: char| c.is_ascii_digit()) {
            let _ = writeln!(
                out,
                "    Chapter {{ file: {file:?}, text: include_str!({path:?}) }},"
            );
        }
    }
    out + "];\n"
}

/// The files of a folder whose names end with `.extension`.
fn sorted_files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .expect("the folder can be read")
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|e| e == extension))
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
    let file = path.file_name().unwrap_or_default().to_string_lossy();
    let mut found = Vec::new();
    let mut lexemes = significant(&text).peekable();
    while let Some(first) = lexemes.peek() {
        let start = first.start;
        let line = text[..start].matches('\n').count() + 1;
        let statement =
            statement(&mut lexemes, &text).ok_or(format!("{line}: a `;` is missing"))?;
        let name =
            defined(&statement, &text).ok_or(format!("{line}: not a `create function NAME(`"))?;
        let end = statement.last().map_or(start, |lexeme| lexeme.end);
        found.push(Declaration {
            name,
            topic: topic.to_owned(),
            file: file.clone().into_owned(),
            line,
            text: text[start..end].to_owned(),
        });
    }
    Ok(found)
}

/// The lexemes up to the semicolon that closes the next statement, which is taken too; those within
/// a block do not close it.
fn statement(lexemes: &mut impl Iterator<Item = Lexeme>, text: &str) -> Option<Vec<Lexeme>> {
    let mut found = Vec::new();
    let mut depth = 0;
    for lexeme in lexemes {
        match lexeme.text(text) {
            "{" => depth += 1,
            "}" => depth -= 1,
            ";" if depth == 0 => return Some(found),
            _ => {}
        }
        found.push(lexeme);
    }
    None
}

/// The name, in lower case, that `create function NAME(…` defines.
fn defined(statement: &[Lexeme], text: &str) -> Option<String> {
    let [create, function, name, open, ..] = statement else {
        return None;
    };
    let is_definition = create.text(text) == "create"
        && function.text(text) == "function"
        && name.kind == LexemeKind::Word
        && open.text(text) == "(";
    is_definition.then(|| name.text(text).to_lowercase())
}

fn table(declarations: &[Declaration], natives: &str) -> String {
    let mut out = String::from("static DECLARATIONS: &[BuiltInDeclaration] = &[\n");
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
            "    BuiltInDeclaration {{ name: {name:?}, topic: {topic:?}, file: {file:?}, line: {line}, text: {text:?} }},"
        );
    }
    let _ = write!(
        out,
        "];\n\nstatic TOPICS: &[(&str, Natives)] = &[\n{natives}];\n"
    );
    out
}
