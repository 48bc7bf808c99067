//! What is said about text that is not OSQL, and where.

use crate::syntax::statement;
use crate::text::diagnostic::{Error, SourceText};

fn error(text: &str) -> Error {
    match statement(&SourceText::new("test", text)) {
        Ok(tree) => panic!("{text} is {tree:?}"),
        Err(error) => error,
    }
}

#[test]
fn errors_say_what_and_where() {
    for (text, message, marked) in [
        (
            "selct name(p) from Person p;",
            "'selct' begins no statement",
            "selct",
        ),
        ("selct 1;", "'selct' begins no statement", "selct"),
        ("creat type P;", "'creat' begins no statement", "creat"),
        ("1 + ;", "expected an expression", ";"),
        ("f(1,);", "expected an expression", ")"),
        ("f(1 2);", "expected ',' or ')'", "2"),
        ("[1 2];", "expected ',' or ']'", "2"),
        ("f(1, 2;", "missing ')'", "("),
        ("select name(p from Person p;", "missing ')'", "("),
        ("set :r = {'a': [1,2};", "missing ']'", "["),
        ("1);", "there is no '(' for this ')'", ")"),
        (
            "while :i < 3 do set :i = 4;",
            "missing 'end while'",
            "while",
        ),
        (
            "{ loop case when f() then leave; end; };",
            "missing 'end loop'",
            "loop",
        ),
        (
            "for each Integer i where i in f() while g(i) do h(i);",
            "missing 'end while'",
            "while",
        ),
        (
            "case when 1 = 1 then print(1);",
            "expected 'else', 'end' or 'when'",
            ";",
        ),
        ("print(\"abc);", "this string is never closed", "\""),
        ("1 /* abc", "this comment is never closed", "/*"),
        ("select a from T a where a == 1;", "unexpected '=='", "=="),
        ("a && b;", "unexpected '&&'", "&&"),
        (
            "select a from T full join S;",
            "a full join has a condition",
            "full join",
        ),
        (
            "select a from T natural join S using (a);",
            "a natural join has its condition in the names of the columns",
            "(a)",
        ),
        (
            "select a from T right join S;",
            "a right join has a condition",
            "right join",
        ),
        (
            "select a from T left join S;",
            "a left join has a condition",
            "left join",
        ),
        ("1 +* 2;", "expected an expression", "*"),
        (
            "insert into T;",
            "expected '(', 'values' or an expression",
            ";",
        ),
        ("drop key i;", "expected 'index', 'table' or 'view'", "key"),
        (
            "set :x = 1\nselect :x;",
            "missing ';' before 'select'",
            "select",
        ),
        (
            "mqtt:clients;",
            "'mqtt:clients' is the name of a function",
            "mqtt:clients",
        ),
        ("1 < x < 3;", "comparisons cannot be chained", "<"),
        (
            "9223372036854775808;",
            "9223372036854775808 does not fit into 64 bits",
            "9223372036854775808",
        ),
        ("|tomorrow|;", "|tomorrow| is not a time", "|tomorrow|"),
        (
            "create function f(Integer x) -> as x;",
            "expected a type",
            "as",
        ),
        ("create type 5;", "expected the name of a type", "5"),
        ("set :x 5;", "expected '='", "5"),
        (
            "case when 1 then 2;",
            "expected 'else', 'end' or 'when'",
            ";",
        ),
        (
            "select a from T a whre a > 1;",
            "expected 'where', 'group by', 'order by', 'limit' or the end of the statement",
            "whre",
        ),
    ] {
        let error = error(text);
        let place = error.span().map_or("", |span| span.text());
        assert_eq!((error.message(), place), (message, marked), "{text}");
    }
}

#[test]
fn errors_say_what_to_do() {
    for (text, help) in [
        ("selct name(p) from P p;", "did you mean 'select'?"),
        ("select a frm T a;", "did you mean 'from'?"),
        ("a == b;", "equality is written =, as in x = 1"),
        (
            "select a from T a where x = 1 from T b;",
            "the order is: select … into … from … where … group by … having … order by … limit …",
        ),
    ] {
        assert_eq!(error(text).helps(), [help], "{text}");
    }
}
