//! Mutated statements: those of the documentation, the models and the tests, changed lexeme by lexeme.
//! None may do what none may do, whatever it says.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::{fs, thread};

use osql::syntax::Splitter;
use osql::syntax::lexer::{LexemeKind, lexemes};

use super::every_function::acting;
use super::values::{self, SCRIPT};
use crate::support::bounded::Trial;
use crate::support::examples::examples;
use crate::support::random::{Random, cases, generator};

/// Statements to begin with, each as its lexemes; blanks are part of what they follow.
struct Corpus(Vec<Vec<String>>);

impl Corpus {
    fn gather() -> Corpus {
        let mut texts: Vec<String> = examples()
            .flat_map(|e| [format!("{};", e.expression), format!("{};", e.result)])
            .collect();
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        for file in files(&root.join("models"), "osql") {
            texts.push(fs::read_to_string(file).expect("a model"));
        }
        for file in files(&root.join("tests/e2e"), "rs") {
            let rust = fs::read_to_string(file).expect("a test");
            texts.extend(strings(&rust));
        }
        texts.push(SCRIPT.to_owned());
        let mut statements: Vec<Vec<String>> = texts
            .iter()
            .flat_map(|text| split(text))
            .map(|statement| pieces(&statement))
            .filter(|pieces| pieces.len() > 2 && pieces.len() < 400)
            .collect();
        statements.sort();
        statements.dedup();
        Corpus(statements)
    }
}

fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(files(&path, extension));
        } else if path.extension().is_some_and(|e| e == extension) {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// The string literals of a Rust file that may be OSQL. Where they hold something else, that is a
/// statement with mistakes.
fn strings(rust: &str) -> Vec<String> {
    let mut found = Vec::new();
    for lexeme in lexemes(rust) {
        let text = lexeme.text(rust);
        if lexeme.kind == LexemeKind::String && text.starts_with('"') && text.contains(';') {
            found.push(
                text.trim_matches('"')
                    .replace("\\\"", "\"")
                    .replace("\\n", "\n"),
            );
        }
    }
    found
}

fn split(text: &str) -> Vec<String> {
    let mut splitter = Splitter::new("corpus");
    splitter.push(text);
    let next = || splitter.next_statement().map(|s| s.text.trim().to_owned());
    std::iter::from_fn(next).collect()
}

fn pieces(statement: &str) -> Vec<String> {
    let mut pieces: Vec<String> = Vec::new();
    for lexeme in lexemes(statement) {
        let text = lexeme.text(statement);
        match pieces.last_mut() {
            Some(last) if lexeme.is_trivia() => last.push_str(text),
            _ => pieces.push(text.to_owned()),
        }
    }
    pieces
}

/// Where the bracket at `at` is closed.
fn closed(pieces: &[String], at: usize) -> Option<usize> {
    let mut depth = 0;
    for (i, piece) in pieces.iter().enumerate().skip(at) {
        match piece.trim() {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => {
                depth -= 1;
                if depth == 0 {
                    return Some(i + 1);
                }
            }
            _ => {}
        }
    }
    None
}

/// A part of a statement: one lexeme, a bracket with what is in it, a call, or a few lexemes in a row.
fn part(random: &mut Random, pieces: &[String]) -> std::ops::Range<usize> {
    let at = random.below(pieces.len());
    let brackets = pieces[at..]
        .iter()
        .position(|p| matches!(p.trim(), "(" | "[" | "{"));
    if random.once_in(2)
        && let Some(open) = brackets
        && let Some(end) = closed(pieces, at + open)
    {
        let open = at + open;
        let is_call = open > 0 && pieces[open - 1].starts_with(|c: char| c.is_alphabetic());
        let start = if is_call && random.once_in(2) {
            open - 1
        } else {
            open
        };
        return start..end;
    }
    let length = if random.once_in(3) {
        1 + random.below(6)
    } else {
        1
    };
    at..pieces.len().min(at + length)
}

fn kind(piece: &str) -> Option<LexemeKind> {
    lexemes(piece).next().map(|lexeme| lexeme.kind)
}

/// One change.
fn mutate(random: &mut Random, corpus: &Corpus, pieces: &mut Vec<String>) {
    let here = part(random, pieces);
    match random.below(9) {
        0 => {
            pieces.drain(here);
        }
        1 => {
            let copy: Vec<_> = pieces[here.clone()].to_vec();
            pieces.splice(here.end..here.end, copy);
        }
        // Another lexeme of the same kind.
        2 | 3 => {
            let at = here.start;
            let wanted = kind(&pieces[at]);
            for _ in 0..20 {
                let other = random.of(&corpus.0);
                let other = random.of(other);
                if kind(other) == wanted && *other != pieces[at] {
                    pieces[at] = format!("{} ", other.trim_end());
                    break;
                }
            }
        }
        // A part of another statement, in place of this one or beside it.
        4 | 5 => {
            let other = random.of(&corpus.0);
            let there = part(random, other);
            let at = if random.once_in(3) {
                here.end..here.end
            } else {
                here
            };
            pieces.splice(at, other[there].iter().cloned());
        }
        6 => {
            let literals: Vec<usize> = (0..pieces.len())
                .filter(|i| {
                    use LexemeKind::*;
                    matches!(kind(&pieces[*i]), Some(Number | String | Time))
                })
                .collect();
            let extreme = values::extreme(random);
            match literals.as_slice() {
                [] => pieces.splice(here, [extreme]).for_each(drop),
                some => pieces[*random.of(some)] = extreme,
            }
        }
        7 => {
            let depth = *random.of(&[3, 30, 300, 3000, 30000]);
            let (open, close) = *random.of(&[
                ("(", ")"),
                ("[", "]"),
                ("bag(", ")"),
                ("{'a':", "}"),
                ("-", ""),
                ("not ", ""),
                ("(select ", ")"),
                ("1+", ""),
                ("", "[1]"),
                ("in(", ")"),
            ]);
            pieces[here.start].insert_str(0, &open.repeat(depth));
            pieces[here.end - 1].push_str(&close.repeat(depth));
        }
        _ => {
            let value = values::any(random);
            pieces.splice(here, [value]);
        }
    }
    if pieces.is_empty() {
        pieces.push("1".to_owned());
    }
}

/// Statements that may run on this machine.
struct Allowed {
    /// Functions that reach outside of the process.
    outside: BTreeSet<String>,
    /// Those that write into folders.
    writing: BTreeSet<String>,
}

impl Allowed {
    fn new() -> Allowed {
        let (mut outside, mut writing) = (BTreeSet::new(), BTreeSet::new());
        for name in acting() {
            let writes = ["write", "create_folder"]
                .iter()
                .any(|part| name.contains(part));
            let goes_out = ["mqtt:", "request", "cd", "pushd", "popd", "load"];
            if writes {
                writing.insert(name);
            } else if goes_out
                .iter()
                .any(|part| name.starts_with(part) || name.ends_with(part))
            {
                outside.insert(name);
            }
        }
        assert!(
            outside.len() > 5 && writing.len() > 5,
            "{outside:?} {writing:?}"
        );
        Allowed { outside, writing }
    }

    /// Files are written in the folder of the process only, and nothing goes over a network.
    fn allows(&self, statement: &str) -> bool {
        let text = statement.to_lowercase();
        let names = |names: &BTreeSet<String>| names.iter().any(|name| text.contains(&**name));
        let elsewhere = ["/", "..", "~", "folder", "home", "pwd", "dir", "getenv"];
        let leaves = elsewhere.iter().any(|part| text.contains(part));
        let forbidden = names(&self.outside) || names(&self.writing) && leaves;
        !forbidden && !text.contains("quit")
    }
}

/// A mutated statement. One that is not whole, or more than one, would change what the next ones mean.
fn statement(random: &mut Random, corpus: &Corpus, allowed: &Allowed) -> String {
    loop {
        let mut pieces = random.of(&corpus.0).clone();
        for _ in 0..1 + random.below(4) {
            mutate(random, corpus, &mut pieces);
        }
        let mut text = pieces.concat();
        if !text.trim_end().ends_with(';') {
            text.push(';');
        }
        let both = split(&format!("{text}\n'end';"));
        if allowed.allows(&text) && matches!(both.as_slice(), [_, end] if end == "'end';") {
            return text;
        }
    }
}

/// `CASES=1000000` makes it long.
#[test]
fn mutated_statements_keep_within_limits() {
    let corpus = Corpus::gather();
    assert!(corpus.0.len() > 2000, "only {} statements", corpus.0.len());
    let allowed = Allowed::new();
    let cases = cases(600);
    let trial = Trial::new();
    thread::scope(|scope| {
        for seed in [10, 20] {
            let (corpus, allowed, trial) = (&corpus, &allowed, &trial);
            scope.spawn(move || {
                let mut random = generator(seed);
                trial.run(cases / 2, SCRIPT, || {
                    statement(&mut random, corpus, allowed)
                });
            });
        }
    });
    trial.expect_none();
}
