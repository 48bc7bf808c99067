//! The table of the built-in functions: their declarations as text, by name, and their natives.
//!
//! The build script makes it from `*.osql`. A declaration is parsed when its name is first looked up.

use crate::catalog::declaration::{BuiltInDeclaration, BuiltIns};
use crate::model::native::{Native, Natives};

include!(concat!(env!("OUT_DIR"), "/functions.rs"));

/// The built-in functions, as the catalog reads them.
pub static BUILT_INS: BuiltIns = BuiltIns {
    declarations: DECLARATIONS,
    native,
};

/// The function that a declaration calls `'topic:name'` in its `foreign` clause.
pub fn native(key: &str) -> Option<&'static Native> {
    let (topic, name) = key.split_once(':')?;
    let natives = TOPICS.iter().find(|t| t.0 == topic)?.1;
    natives.iter().find(|n| n.name == name)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::syntax;
    use crate::syntax::ast::{Body, StatementKind};
    use crate::text::diagnostic::SourceText;

    fn foreign(declaration: &BuiltInDeclaration) -> Option<&'static str> {
        let (_, rest) = declaration.text.rsplit_once("as foreign")?;
        Some(rest.trim().trim_matches('\''))
    }

    #[test]
    fn names_are_sorted_and_found() {
        assert!(BUILT_INS.declarations.is_sorted_by_key(|d| d.name));
        let upper = BUILT_INS.declared("upper");
        assert_eq!(upper.len(), 1);
        assert!(
            upper[0]
                .text
                .starts_with("create function upper(Charstring")
        );
        assert_eq!(upper[0].topic, "String");
        assert!(BUILT_INS.declared("rand").len() == 2 && BUILT_INS.declared("no such").is_empty());
    }

    #[test]
    fn every_foreign_declaration_has_its_native() {
        let missing: Vec<_> = BUILT_INS
            .declarations
            .iter()
            .filter_map(foreign)
            .filter(|key| native(key).is_none())
            .collect();
        assert_eq!(missing, [""; 0]);
    }

    #[test]
    fn every_native_is_declared() {
        let declared: BTreeSet<_> = BUILT_INS
            .declarations
            .iter()
            .filter_map(foreign)
            .map(str::to_owned)
            .collect();
        let natives: BTreeSet<_> = TOPICS
            .iter()
            .flat_map(|(topic, natives)| natives.iter().map(move |n| format!("{topic}:{}", n.name)))
            .collect();
        let undeclared: Vec<_> = natives.difference(&declared).collect();
        assert!(undeclared.is_empty(), "{undeclared:?}");
    }

    #[test]
    fn foreign_declarations_read_as_by_the_grammar() {
        for declaration in BUILT_INS.declarations {
            let source = SourceText::at_line(declaration.file, declaration.text, declaration.line);
            let read = syntax::foreign_function(&source);
            let parsed = syntax::statement(&source).ok().flatten();
            let Some(StatementKind::CreateFunction(parsed)) = parsed.map(|s| s.kind) else {
                panic!("{}", declaration.text)
            };
            match parsed.body {
                Body::Foreign(_) => assert_eq!(format!("{read:?}"), format!("Some({parsed:?})")),
                _ => assert!(read.is_none(), "{}", declaration.text),
            }
        }
    }

    #[test]
    fn every_declaration_is_the_function_that_it_is_filed_under() {
        for declaration in BUILT_INS.declarations {
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
