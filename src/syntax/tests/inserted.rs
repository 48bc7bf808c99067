//! Insertions of literals read as the grammar reads them.

use proptest::prelude::*;

use crate::syntax::inserted::inserted_literals;
use crate::syntax::parse::by_grammar;
use crate::text::diagnostic::SourceText;

/// Asserts that the grammar makes the same of what is understood without it; whether it was.
fn same(text: &str) -> bool {
    let source = SourceText::new("test", text);
    let Some(read) = inserted_literals(&source) else {
        return false;
    };
    let parsed = by_grammar(&source).unwrap_or_else(|e| panic!("{text}: {}", e.render(false)));
    assert_eq!(format!("{:?}", Some(read)), format!("{parsed:?}"), "{text}");
    true
}

#[test]
fn rows_of_literals_are_understood() {
    for text in [
        "insert into t values (1)",
        " INSERT  into Plant_2 (A, b) Values (1, 'x'), (-2.5e3, \"a\\nb\") ; ;",
        "insert into t values (null, TRUE, False, inf, -NaN, 0x7F, .5, 2.);",
        "insert into t -- a comment\n values (|2022-05-12T00:00:00Z|, /* b */ 'it')",
    ] {
        assert!(same(text), "{text}");
    }
}

#[test]
fn the_rest_is_left_to_the_grammar() {
    for text in [
        "insert into t values (1 + 2)",
        "insert into t values (- 1)",
        "insert into t values (-1^2)",
        "insert into t values (99999999999999999999)",
        "insert into t values (1",
        "insert into t values ()",
        "insert into t values (1) 2",
        "insert into t select 1",
        "insert into select values (1)",
        "insert into plant.t values (1)",
        "insert into t values (x)",
        "insert into t values (:x)",
        "insert into t values (1);;x",
        "inserted",
        "insert",
        "",
        "ins",
        "é",
    ] {
        assert!(!same(text), "{text}");
    }
}

const LITERALS: &[&str] = &[
    "1",
    "-1",
    "0",
    "2.5",
    "-.5",
    "1e9",
    "0xff",
    "'a'",
    "'it; --'",
    "\"q\\\"\"",
    "null",
    "true",
    "NULL",
    "inf",
    "-inf",
    "nan",
    "|2022-05-12|",
    "|2022-05-12T01:02:03.5Z|",
];

const OTHERS: &[&str] = &[
    "t", "key", "select", "values", "- 1", "1+1", "(2)", "f(1)", ":x", "x", "'open", "1 2", ".",
    "-", "()", "[1]", "{}", "/*", "-- c\n", "/* c */", "\n", "a:b", "t.u", "--", "2.e", "^2",
];

proptest! {
    #[test]
    fn random_insertions_read_as_by_the_grammar(
        columns in prop::option::of(prop::collection::vec("[a-z]{1,6}", 1..4)),
        rows in prop::collection::vec(
            prop::collection::vec(prop::sample::select(LITERALS), 1..5), 1..4),
        blank in prop::sample::select(&["", " ", "\n", "/* c */", "-- c\n"][..]),
        odd in prop::option::of((0_usize..40, prop::sample::select(OTHERS))),
    ) {
        let mut pieces: Vec<String> = ["insert ", "into ", "t "].map(str::to_owned).into();
        if let Some(columns) = columns {
            pieces.push(format!("({})", columns.join(",")));
        }
        pieces.push(" values ".to_owned());
        for (number, row) in rows.iter().enumerate() {
            pieces.push(if number == 0 { "(" } else { ",(" }.to_owned());
            for (number, literal) in row.iter().enumerate() {
                let comma = if number == 0 { "" } else { "," };
                pieces.push(format!("{comma}{blank}{literal}"));
            }
            pieces.push(")".to_owned());
        }
        pieces.push(";".to_owned());
        let is_odd = odd.is_some();
        if let Some((at, other)) = odd {
            let at = at % (pieces.len() + 1);
            pieces.insert(at, other.to_owned());
        }
        let text = pieces.concat();
        let understood = same(&text);
        // Columns of random letters may be keywords.
        prop_assert!(understood || is_odd || text.contains("t ("), "{}", text);
    }
}
