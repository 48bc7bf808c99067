//! Text that is too deep, too long or no language at all.

use proptest::prelude::*;

use super::text_of_pieces;
use crate::syntax::statement;
use crate::text::diagnostic::SourceText;

fn message(text: String) -> String {
    match statement(&SourceText::new("test", text)) {
        Ok(_) => "fine".to_owned(),
        Err(error) => error.message().to_owned(),
    }
}

#[test]
fn deep_nesting_is_an_error() {
    for open in [
        "(",
        "[",
        "{",
        "{'a':",
        "f(",
        "case when ",
        "{{('",
        "for each T x ",
    ] {
        let said = message(open.repeat(10_000));
        assert!(said != "fine", "{open}");
    }
    for (open, close) in [("(", ")"), ("[", "]"), ("{'a':", "}"), ("f(", ")")] {
        let deep = |n| message(open.repeat(n) + "1" + &close.repeat(n));
        assert_eq!(deep(10_000), "nested deeper than 100");
        assert_eq!(deep(99), "fine");
    }
    for open in ["Bag of ", "while:x do ", "each:x "] {
        assert_eq!(message(open.repeat(10_000)), "nested deeper than 100");
    }
}

#[test]
fn long_chains_are_an_error_long_lists_are_not() {
    assert_eq!(
        message("1+".repeat(100_000) + "1"),
        "more than 1000 operators or subscripts in one expression"
    );
    assert_eq!(
        message("a and:b ".to_owned() + &"and:b ".repeat(100_000)),
        "more than 1000 operators or subscripts in one expression"
    );
    assert_eq!(message("2^".repeat(900) + "1"), "fine");
    assert_eq!(message("-".repeat(900) + "x"), "fine");
    assert_eq!(message(format!("[{}0]", "1,".repeat(50_000))), "fine");
}

proptest! {
    #[test]
    fn no_text_makes_the_parser_panic(text in text_of_pieces()) {
        if let Err(error) = statement(&SourceText::new("test", text)) {
            error.render(false);
            let span = error.span().expect("a place");
            prop_assert!(span.source.text.get(span.start as usize..span.end as usize).is_some());
        }
    }
}
