//! The table of the built-in functions: their declarations as text, by name, and their natives.
//!
//! The build script makes it from `*.osql`. A declaration is parsed when its name is first looked up.

use super::{Native, Natives};

/// A function as declared in a topic's `.osql` file.
#[derive(Debug)]
pub struct Declaration {
    /// The generic name, in lower case, with its namespace: `json:stringify`.
    pub name: &'static str,
    /// The topic that it is documented under: `Binary_data`.
    pub topic: &'static str,
    /// The file that declares it, for messages.
    pub file: &'static str,
    /// The line of that file where `text` begins; counts from 1.
    pub line: usize,
    /// The statement, `create function …`, without its semicolon.
    pub text: &'static str,
}

include!(concat!(env!("OUT_DIR"), "/functions.rs"));

/// All declarations, sorted by name; overloads in the order in which they are declared.
pub fn all() -> &'static [Declaration] {
    DECLARATIONS
}

/// The declarations of `name` (lower case): all its overloads.
pub fn declared(name: &str) -> &'static [Declaration] {
    let start = DECLARATIONS.partition_point(|d| d.name < name);
    let same = DECLARATIONS[start..].partition_point(|d| d.name == name);
    &DECLARATIONS[start..start + same]
}

/// The function that a declaration calls `'topic:name'` in its `foreign` clause.
pub fn native(key: &str) -> Option<Native> {
    let (topic, name) = key.split_once(':')?;
    let natives = TOPICS.iter().find(|t| t.0 == topic)?.1;
    natives.iter().find(|n| n.0 == name).map(|n| n.1)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::syntax::{self, ast::StatementKind};
    use crate::text::diagnostic::SourceText;

    fn foreign(declaration: &Declaration) -> Option<&'static str> {
        let (_, rest) = declaration.text.rsplit_once("as foreign")?;
        Some(rest.trim().trim_matches('\''))
    }

    #[test]
    fn names_are_sorted_and_found() {
        assert!(all().is_sorted_by_key(|d| d.name));
        let upper = declared("upper");
        assert_eq!(upper.len(), 1);
        assert!(
            upper[0]
                .text
                .starts_with("create function upper(Charstring")
        );
        assert_eq!(upper[0].topic, "String");
        assert!(declared("rand").len() == 2 && declared("no such").is_empty());
    }

    #[test]
    fn every_foreign_declaration_has_its_native() {
        let missing: Vec<_> = all()
            .iter()
            .filter_map(foreign)
            .filter(|key| native(key).is_none())
            .collect();
        assert_eq!(missing, [""; 0]);
    }

    #[test]
    fn every_native_is_declared() {
        let declared: BTreeSet<_> = all()
            .iter()
            .filter_map(foreign)
            .map(str::to_owned)
            .collect();
        let natives: BTreeSet<_> = TOPICS
            .iter()
            .flat_map(|(topic, natives)| natives.iter().map(move |n| format!("{topic}:{}", n.0)))
            .collect();
        let undeclared: Vec<_> = natives.difference(&declared).collect();
        assert!(undeclared.is_empty(), "{undeclared:?}");
    }

    #[test]
    fn every_declaration_is_the_function_that_it_is_filed_under() {
        for declaration in all() {
            let source = SourceText::at_line(declaration.file, declaration.text, declaration.line);
            let parsed =
                syntax::statement(&source).unwrap_or_else(|e| panic!("{}", e.render(false)));
            match parsed.map(|s| s.kind) {
                Some(StatementKind::CreateFunction(f)) => {
                    assert_eq!(&*f.name.text, declaration.name);
                    assert!(
                        f.comment.is_some(),
                        "{} has no documentation",
                        declaration.text
                    );
                }
                other => panic!("{}: {other:?}", declaration.text),
            }
        }
    }
}
