//! The lexer, by itself and against the grammar.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use pest::Parser;
use proptest::prelude::*;

use super::text_of_pieces;
use crate::syntax::grammar::{Grammar, Rule};
use crate::syntax::keywords::{KEYWORDS, begins_statement, keyword};
use crate::syntax::lexer::{Lexeme, LexemeKind, Lexer, lexemes};
use crate::syntax::{Splitter, statement};

const GRAMMAR: &str = include_str!("../../../grammar/osql.pest");

fn kinds(text: &str) -> Vec<(LexemeKind, &str)> {
    lexemes(text).map(|l| (l.kind, l.text(text))).collect()
}

#[test]
fn each_lexeme_is_of_its_kind() {
    use LexemeKind::*;
    for (text, expected) in [
        ("f(", vec![(Word, "f"), (OpenBracket, "(")]),
        ("a:b:c", vec![(Word, "a:b:c")]),
        (
            ":x:y",
            vec![(SessionVariable, ":x"), (Sign, ":"), (Word, "y")],
        ),
        ("'a':x", vec![(String, "'a'"), (Sign, ":"), (Word, "x")]),
        ("::x", vec![(Sign, ":"), (SessionVariable, ":x")]),
        ("2.*v", vec![(Number, "2"), (Sign, ".*"), (Word, "v")]),
        ("2.e", vec![(Number, "2."), (Word, "e")]),
        ("2.e-3", vec![(Number, "2.e-3")]),
        ("1e+", vec![(Number, "1"), (Word, "e"), (Sign, "+")]),
        ("0x", vec![(Number, "0"), (Word, "x")]),
        ("0x7Fg", vec![(Number, "0x7F"), (Word, "g")]),
        (".5.5", vec![(Number, ".5"), (Number, ".5")]),
        (r"'a\'b", vec![(String, r"'a\'"), (Word, "b")]),
        (r#""a\"b"#, vec![(OpenString, r#""a\"b"#)]),
        (r#""a\""#, vec![(OpenString, r#""a\""#)]),
        ("|now|x", vec![(Time, "|now|"), (Word, "x")]),
        ("||x", vec![(Sign, "||"), (Word, "x")]),
        ("|;|", vec![(Sign, "|"), (Semicolon, ";"), (Sign, "|")]),
        ("/*/ */1", vec![(BlockComment, "/*/ */"), (Number, "1")]),
        ("/* *", vec![(OpenComment, "/* *")]),
        (
            "1--2\n",
            vec![(Number, "1"), (LineComment, "--2"), (Blank, "\n")],
        ),
        ("//a\n", vec![(LineComment, "//a"), (Blank, "\n")]),
        ("å²", vec![(Word, "å"), (Sign, "²")]),
        ("\u{2003}", vec![(Sign, "\u{2003}")]),
    ] {
        assert_eq!(kinds(text), expected, "{text}");
    }
}

/// The lexemes of `text` that arrives in pieces which end at `cuts`; blanks cut in two are joined.
fn in_pieces(text: &str, cuts: &[usize]) -> Vec<Lexeme> {
    let mut lexer = Lexer::default();
    let mut found: Vec<Lexeme> = Vec::new();
    for cut in cuts.iter().copied().chain([text.len()]) {
        if !text.is_char_boundary(cut) {
            continue;
        }
        while let Some(lexeme) = lexer.next(&text[..cut], false) {
            match found.last_mut() {
                Some(last) if [last.kind, lexeme.kind] == [LexemeKind::Blank; 2] => {
                    last.end = lexeme.end;
                }
                _ => found.push(lexeme),
            }
        }
    }
    found.extend(std::iter::from_fn(|| lexer.next(text, true)));
    found
}

/// How much of the start of `text` the grammar reads by `rule`.
fn read_by(rule: Rule, text: &str) -> Option<usize> {
    let pairs = Grammar::parse(rule, text).ok()?;
    pairs.last().map(|pair| pair.as_span().end())
}

proptest! {
    #[test]
    fn together_they_are_the_text(text in text_of_pieces()) {
        let whole: String = lexemes(&text).map(|l| l.text(&text)).collect();
        prop_assert_eq!(whole, text);
    }

    #[test]
    fn it_does_not_matter_how_the_text_is_cut(
        text in text_of_pieces(),
        mut cuts in prop::collection::vec(0..150usize, 0..12),
    ) {
        cuts.sort_unstable();
        cuts.retain(|cut| *cut <= text.len());
        prop_assert_eq!(in_pieces(&text, &cuts), lexemes(&text).collect::<Vec<_>>());
    }

    /// Where the grammar could read a string, a number and so on, the lexer finds the same one.
    #[test]
    fn the_grammar_reads_the_same(text in text_of_pieces()) {
        use LexemeKind::*;
        let mut after_operand = false;
        for lexeme in lexemes(&text) {
            let rest = &text[lexeme.start..];
            let length = lexeme.end - lexeme.start;
            for (rule, kind) in [
                (Rule::string, String),
                (Rule::time, Time),
                (Rule::number, Number),
                (Rule::spaced_name, Word),
                (Rule::session_variable, SessionVariable),
            ] {
                // The names of real numbers are words; a colon after an operand is a record's.
                let is_other = match rule {
                    Rule::number => lexeme.kind == Word,
                    Rule::session_variable => after_operand,
                    _ => false,
                };
                let expected = (lexeme.kind == kind).then_some(length);
                prop_assert!(
                    is_other || read_by(rule, rest) == expected,
                    "{rule:?} in {rest:?}: {:?}, {lexeme:?}", read_by(rule, rest)
                );
            }
            if !lexeme.is_trivia() {
                after_operand = matches!(
                    lexeme.kind,
                    SessionVariable | Number | String | OpenString | Time | CloseBracket
                );
            }
        }
    }

    /// What the lexer takes for blanks and comments, the grammar skips.
    #[test]
    fn the_grammar_skips_the_same(text in text_of_pieces()) {
        for lexeme in lexemes(&text) {
            let source = crate::text::diagnostic::SourceText::new("test", lexeme.text(&text));
            let is_nothing = matches!(statement(&source), Ok(None));
            let skipped = lexeme.is_trivia() || lexeme.kind == LexemeKind::Semicolon;
            prop_assert_eq!(is_nothing, skipped, "{:?}", lexeme.text(&text));
        }
    }
}

#[test]
fn keywords_are_those_of_the_grammar() {
    let mut words = BTreeSet::new();
    let code = GRAMMAR
        .lines()
        .map(|line| line.split("//").next().unwrap_or(""));
    for line in code {
        for part in line.split("^\"").skip(1) {
            let word = part.split('"').next().unwrap_or("");
            // The others are the first letters of words, and the marks in numbers.
            if word.len() > 1 && word.chars().all(char::is_alphabetic) {
                words.insert(word);
            }
        }
    }
    let listed: Vec<&str> = KEYWORDS.iter().map(|k| k.text).collect();
    assert_eq!(listed, words.into_iter().collect::<Vec<_>>());
    assert!(keyword("Select").is_some() && keyword("selector").is_none());
    assert!(begins_statement("SET") && !begins_statement("from"));
}

/// All `.osql` files under `folder`.
fn osql_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(osql_files(&path));
        } else if path.extension().is_some_and(|e| e == "osql") {
            found.push(path);
        }
    }
    found
}

#[test]
fn all_statements_of_all_files_parse() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = osql_files(&root.join("models"));
    files.extend(osql_files(&root.join("src")));
    let mut faults = Vec::new();
    let mut count = 0;
    for file in files {
        let text = fs::read_to_string(&file).expect("text");
        let mut splitter = Splitter::new(&file.display().to_string());
        splitter.push(&text);
        while let Some(source) = splitter.next_statement() {
            count += 1;
            match statement(&source) {
                Ok(Some(_)) => {}
                Ok(None) => faults.push(format!("{}: empty", source.text)),
                Err(error) => faults.push(error.render(false)),
            }
        }
        if splitter.is_pending() {
            faults.push(format!("{}: the last statement is open", file.display()));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(count > 500, "only {count} statements");
}
