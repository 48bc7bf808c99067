//! Completion of names, and the signature of the function being typed.

use std::collections::{BTreeMap, BTreeSet};

use rustyline::Result;
use rustyline::completion::{FilenameCompleter, Pair};

use crate::functions::table::BUILT_INS;
use crate::session::Session;
use crate::syntax::keywords::KEYWORDS;
use crate::syntax::lexer::{LexemeKind, lexemes, significant};

/// The names that can be completed.
#[derive(Default)]
pub struct KnownNames {
    /// Session variables, with their colons.
    variables: BTreeSet<String>,
    /// The signatures of the functions that the user has defined, by name.
    defined: BTreeMap<String, Vec<String>>,
    /// The columns of tables and views.
    columns: BTreeSet<String>,
    files: FilenameCompleter,
}

impl KnownNames {
    /// Takes the names from the session anew.
    pub fn learn(&mut self, session: &Session) {
        let world = session.world();
        let variables = world.catalog.variables.names();
        self.variables = variables.iter().map(|name| format!(":{name}")).collect();
        self.defined.clear();
        self.columns.clear();
        for function in world.catalog.functions.user_functions() {
            if function.arity() == 0 {
                let named = function
                    .signature
                    .columns
                    .iter()
                    .filter_map(|c| c.name.clone());
                self.columns.extend(named.map(|name| name.to_string()));
            }
            let signatures = self.defined.entry(function.name().to_string());
            signatures.or_default().push(function.signature.to_string());
        }
    }

    /// What the word before `at` may become: where it starts, and the candidates.
    pub fn complete(&self, line: &str, at: usize) -> Result<(usize, Vec<Pair>)> {
        let before = line.get(..at).unwrap_or(line);
        let start = match place(before) {
            Place::FileName => return self.files.complete_path(line, at),
            Place::Name(start) => start,
            Place::Nothing => return Ok((at, Vec::new())),
        };
        let word = before[start..].to_lowercase();
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
        let keywords = KEYWORDS.iter().map(|k| k.text.to_owned());
        let functions = BUILT_INS.declarations.iter().map(|f| f.name.to_owned());
        keywords
            .chain(functions)
            .chain(self.defined.keys().cloned())
            .chain(self.variables.iter().cloned())
            .chain(self.columns.iter().cloned())
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

/// What can be completed at the end of a line.
#[derive(Debug, PartialEq)]
enum Place {
    /// Within a string.
    FileName,
    /// A name, its namespace or its colon included, that starts here.
    Name(usize),
    Nothing,
}

fn place(before: &str) -> Place {
    let mut name = None;
    let mut last = None;
    for lexeme in lexemes(before) {
        let is_colon = lexeme.text(before) == ":";
        name = match (lexeme.kind, last) {
            // What is being typed: `mqtt:`
            (_, Some(LexemeKind::Word)) if is_colon => name,
            (LexemeKind::Word | LexemeKind::SessionVariable, _) => Some(lexeme.start),
            _ if is_colon => Some(lexeme.start),
            _ => None,
        };
        last = Some(lexeme.kind);
    }
    match (last, name) {
        (Some(LexemeKind::OpenString), _) => Place::FileName,
        (_, Some(start)) => Place::Name(start),
        _ => Place::Nothing,
    }
}

/// The signature in a declaration: what stands between `create function` and the body, without the
/// documentation.
fn signature(declaration: &str) -> String {
    let mut text = String::new();
    let mut end = 0;
    for lexeme in significant(declaration).skip(2) {
        let word = lexeme.text(declaration);
        if word.eq_ignore_ascii_case("as") {
            break;
        }
        if !text.is_empty() && lexeme.start > end {
            text.push(' ');
        }
        text += word;
        end = lexeme.end;
    }
    text
}

/// The name of the innermost call that is still open at the end of `line`.
fn open_call(line: &str) -> Option<&str> {
    let mut open: Vec<Option<&str>> = Vec::new();
    let mut last_word = None;
    for lexeme in lexemes(line) {
        use LexemeKind::*;
        let text = lexeme.text(line);
        match lexeme.kind {
            Word => {
                last_word = Some(text);
                continue;
            }
            OpenBracket => open.push(last_word.filter(|_| text == "(")),
            CloseBracket => drop(open.pop()),
            OpenString | LineComment | BlockComment | OpenComment => return None,
            _ => {}
        }
        last_word = None;
    }
    open.last().copied().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offered(line: &str) -> (usize, Vec<String>) {
        let (start, pairs) = KnownNames::default()
            .complete(line, line.len())
            .expect("no files are read");
        (start, pairs.into_iter().map(|p| p.replacement).collect())
    }

    #[test]
    fn every_keyword_is_offered_and_no_other_word() {
        for keyword in &KEYWORDS {
            let (_, words) = offered(keyword.text);
            assert!(words.iter().any(|w| w == keyword.text), "{}", keyword.text);
        }
        // Without any user's names, whatever is no keyword is a function.
        for name in KnownNames::default().names() {
            let is_keyword = KEYWORDS.iter().any(|k| k.text == name);
            assert!(
                is_keyword || !BUILT_INS.declared(&name).is_empty(),
                "{name}"
            );
        }
    }

    #[test]
    fn names_are_completed_where_they_stand() {
        for (line, place) in [
            ("f(sel", Place::Name(2)),
            ("f(mqtt:cl", Place::Name(2)),
            ("f(mqtt:", Place::Name(2)),
            ("set :", Place::Name(4)),
            ("set :ab", Place::Name(4)),
            ("{'a':na", Place::Name(5)),
            ("1 + ", Place::Nothing),
            ("12", Place::Nothing),
            ("'a'", Place::Nothing),
            ("f('dir/fi", Place::FileName),
            ("f(\"a\\\"b", Place::FileName),
            ("x // y", Place::Nothing),
            ("/* x", Place::Nothing),
        ] {
            assert_eq!(super::place(line), place, "{line}");
        }
        let (start, words) = offered("f(mqtt:regi");
        assert_eq!((start, words), (2, vec!["mqtt:register_client".to_owned()]));
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
        assert_eq!(open_call("f('(', "), Some("f"));
    }
}
