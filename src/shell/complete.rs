//! Completion of names, and the signature of the function being typed.

use std::collections::{BTreeMap, BTreeSet};

use rustyline::Result;
use rustyline::completion::{FilenameCompleter, Pair};

use super::highlight::{self, Kind, is_word};
use crate::functions::table::BUILT_INS;
use crate::session::Session;

/// Words of the language, in lower case and sorted.
const KEYWORDS: &[&str] = &[
    "add",
    "and",
    "as",
    "asc",
    "bag",
    "begin",
    "by",
    "case",
    "check",
    "commit",
    "create",
    "declare",
    "delete",
    "desc",
    "distinct",
    "do",
    "each",
    "else",
    "end",
    "exit",
    "false",
    "for",
    "foreign",
    "from",
    "function",
    "group",
    "if",
    "in",
    "instances",
    "into",
    "inverse",
    "key",
    "leave",
    "limit",
    "loop",
    "not",
    "null",
    "of",
    "or",
    "order",
    "quit",
    "remove",
    "return",
    "rollback",
    "select",
    "set",
    "some",
    "stored",
    "stream",
    "then",
    "true",
    "type",
    "under",
    "validate",
    "vector",
    "when",
    "where",
    "while",
];

/// Whether `word` is one of the language's own, in any case.
pub fn is_keyword(word: &str) -> bool {
    KEYWORDS
        .binary_search(&word.to_lowercase().as_str())
        .is_ok()
}

/// The names that can be completed.
#[derive(Default)]
pub struct Words {
    /// Session variables, with their colons.
    variables: BTreeSet<String>,
    /// The signatures of the functions that the user has defined, by name.
    defined: BTreeMap<String, Vec<String>>,
    files: FilenameCompleter,
}

impl Words {
    /// Takes up what the session knows by now.
    pub fn learn(&mut self, session: &Session) {
        let world = session.world();
        let variables = world.catalog.variables.names();
        self.variables = variables.iter().map(|name| format!(":{name}")).collect();
        self.defined.clear();
        for function in world.catalog.functions.user_functions() {
            let signatures = self.defined.entry(function.name().to_string());
            signatures.or_default().push(function.signature.to_string());
        }
    }

    /// What the word before `at` may become: where it starts, and the candidates.
    pub fn complete(&self, line: &str, at: usize) -> Result<(usize, Vec<Pair>)> {
        let before = line.get(..at).unwrap_or(line);
        match highlight::pieces(before).last().map(|p| p.kind) {
            Some(Kind::Text { closed: false }) => return self.files.complete_path(line, at),
            Some(Kind::Comment) => return Ok((at, Vec::new())),
            _ => {}
        }
        let start = before
            .char_indices()
            .rev()
            .take_while(|(_, c)| is_word(*c))
            .last()
            .map_or(at, |(start, _)| start);
        let word = before[start..].to_lowercase();
        if word.is_empty() {
            return Ok((at, Vec::new()));
        }
        let candidates = self
            .names()
            .into_iter()
            .filter(|name| name.to_lowercase().starts_with(&word))
            .map(|name| Pair {
                display: name.clone(),
                replacement: name,
            })
            .collect();
        Ok((start, candidates))
    }

    fn names(&self) -> BTreeSet<String> {
        let keywords = KEYWORDS.iter().map(|k| (*k).to_owned());
        let functions = BUILT_INS.declarations.iter().map(|f| f.name.to_owned());
        keywords
            .chain(functions)
            .chain(self.defined.keys().cloned())
            .chain(self.variables.iter().cloned())
            .collect()
    }

    /// The signature of the function whose arguments are being typed at the end of `line`.
    pub fn signature_at(&self, line: &str) -> Option<String> {
        let name = open_call(line)?.to_lowercase();
        let built_in = BUILT_INS.declared(&name).iter().map(|f| signature(f.text));
        let defined = self.defined.get(&name).into_iter().flatten().cloned();
        let mut signatures = defined.chain(built_in);
        let first = signatures.next()?;
        Some(match signatures.count() {
            0 => first,
            others => format!("{first}  and {others} more"),
        })
    }
}

/// The signature in a declaration: what stands before its documentation and its body.
fn signature(declaration: &str) -> String {
    let head = declaration
        .split_once("/*")
        .map_or(declaration, |(head, _)| head);
    let head = head.split_once(" as ").map_or(head, |(head, _)| head);
    let words: Vec<_> = head.split_whitespace().skip(2).collect();
    words.join(" ")
}

/// The name of the innermost call that is still open at the end of `line`.
fn open_call(line: &str) -> Option<&str> {
    let mut open: Vec<Option<&str>> = Vec::new();
    let mut last_word = None;
    for piece in highlight::pieces(line) {
        match (piece.kind, piece.text) {
            (Kind::Word, word) => {
                last_word = Some(word);
                continue;
            }
            (Kind::Plain, "(") => open.push(last_word),
            (Kind::Plain, "[" | "{") => open.push(None),
            (Kind::Plain, ")" | "]" | "}") => {
                open.pop();
            }
            (Kind::Text { closed: false }, _) | (Kind::Comment, _) => return None,
            _ => {}
        }
        last_word = None;
    }
    open.last().copied().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keywords_are_sorted() {
        assert!(KEYWORDS.is_sorted());
        assert!(is_keyword("Select"));
        assert!(!is_keyword("selector"));
    }

    #[test]
    fn a_signature_is_a_declaration_without_the_rest() {
        let declaration = "create function upper(Charstring s)\n  -> Charstring\n /* as said */ as foreign 'string:upper'";
        assert_eq!(signature(declaration), "upper(Charstring s) -> Charstring");
    }

    #[test]
    fn the_innermost_open_call_counts() {
        assert_eq!(open_call("publish(streamof("), Some("streamof"));
        assert_eq!(open_call("publish(streamof(1), "), Some("publish"));
        assert_eq!(open_call("publish(1);"), None);
        assert_eq!(open_call("f('(', [1, "), None);
    }
}
