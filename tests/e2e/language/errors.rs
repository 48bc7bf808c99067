//! Errors that are found before anything runs, and what they say.

use crate::support::session::Db;
use crate::support::table::each_row;

fn people() -> Db {
    Db::of(
        "create type Person; create function name(Person) -> Charstring as stored;
        create function age(Person) -> Integer as stored;
        create Person(name, age) instances :ada ('Ada', 61), :bo ('Bo', 60);",
    )
}

#[test]
fn unknown_names_name_the_nearest() {
    let mut db = people();
    db.fails(
        "agee(:ada);",
        &["unknown function 'agee' at `agee`", "did you mean 'age'?"],
    );
    db.fails(
        "age(:adda);",
        &["':adda' has no value", "did you mean ':ada'?"],
    );
    db.fails(
        "select nme from Person name;",
        &["unknown variable 'nme' at `nme`", "did you mean 'name'?"],
    );
    db.fails(
        "select p from Persson p;",
        &[
            "unknown type 'Persson' at `Persson`",
            "did you mean 'Person'?",
        ],
    );
    db.fails(
        "ada;",
        &[
            "unknown variable 'ada'",
            "session variables have a colon: ':ada'",
        ],
    );
}

#[test]
fn wrong_calls_show_the_signatures() {
    let mut db = people();
    db.fails(
        "age();",
        &[
            "'age' does not take 0 arguments",
            "it is age(Person)->Integer",
        ],
    );
    db.fails(
        "age(1);",
        &[
            "'age' does not take (Integer)",
            "it is age(Person)->Integer",
        ],
    );
    db.fails(
        "sin('a');",
        &[
            "'sin' does not take (Charstring)",
            "it is sin(Real x)->Real",
        ],
    );
    db.fails(
        "select age(p) + name(p) * 2 from Person p;",
        &["'times' does not take (Charstring, Integer)"],
    );
}

#[test]
fn unbound_variables_are_named_and_pointed_at() {
    let mut db = people();
    db.fails(
        "select x from Integer x;",
        &["nothing gives 'x' a value at `x`"],
    );
    db.fails(
        "select x + y from Integer x, Integer y where x = 1;",
        &["nothing gives 'y' a value"],
    );
    db.fails(
        "select x from Integer x where x > 3;",
        &["nothing gives 'x' a value", "x in …"],
    );
    db.fails(
        "create function f(Integer a) -> Integer as select b from Integer b where b > a;",
        &["nothing gives 'b' a value"],
    );
}

#[test]
fn a_failed_definition_defines_nothing() {
    let mut db = people();
    db.fails(
        "create function f(Integer x) -> Integer as g(x);",
        &["unknown function 'g'"],
    );
    db.fails("f(1);", &["unknown function 'f'"]);
    db.does("create function f(Integer x) -> Integer as x + 1;");
    db.fails(
        "create function f(Integer x) -> Integer as h(x);",
        &["unknown function 'h'"],
    );
    db.gives("f(1);", "2");
    db.fails(
        "create function f(Integer x) -> Integer as { set y = 1; return x; };",
        &["unknown variable 'y'"],
    );
    db.gives("f(1);", "2");
}

#[test]
fn a_definition_that_breaks_its_callers_is_refused() {
    let mut db = Db::of(
        "create function f(Integer x) -> Integer as x; create function g(Integer x) -> Integer as f(x);",
    );
    db.does("create function f(Charstring s) -> Integer as 1;");
    db.gives("g(3);", "3");
}

#[test]
fn duplicates_are_refused() {
    let mut db = people();
    db.fails("create type Person;", &["there is a type 'Person' already"]);
    db.fails(
        "select p from Person p, Person p;",
        &["'p' is declared twice"],
    );
    db.fails(
        "create function f(Integer x, Integer x) -> Integer as x;",
        &["'x' is declared twice"],
    );
}

#[test]
fn results_must_be_what_is_declared() {
    let mut db = people();
    db.fails(
        "create function f(Person p) -> Integer as name(p);",
        &["f is declared to give Integer, but its query gives Charstring"],
    );
    db.fails(
        "create function g(Person p) -> (Integer, Charstring) as age(p);",
        &["declared to give"],
    );
}

#[test]
fn stored_functions_have_single_arguments() {
    let mut db = people();
    db.fails(
        "create function f(Bag of Integer b) -> Integer as stored;",
        &["cannot have an argument of type Bag"],
    );
    db.fails(
        "create function f(Integer b) -> Stream of Integer as stored;",
        &["cannot give a stream", "Bag of"],
    );
    db.fails(
        "create function sqrt(Real x) -> Real as x;",
        &["sqrt", "built in"],
    );
}

#[test]
fn a_wrong_part_of_a_type_mismatch_is_marked() {
    let mut db = people();
    db.fails(
        "select s from Charstring s where s in range(3);",
        &[
            "'s' is declared Charstring, but its values are Integer",
            "declare it Integer",
        ],
    );
    db.fails(
        "select x from Integer x where x in 5;",
        &["Integer has no elements"],
    );
}

#[test]
fn a_script_goes_on_after_an_error() {
    people().gives("1; oops(; 2;", "1\nerror: missing ')' at `(`\n2");
}

#[test]
fn a_misspelt_select_is_told() {
    let mut db = Db::new();
    let rows = [
        "selct 1;",
        "selct (1);",
        "selct [1];",
        "slect;",
        "selct i from Integer i;",
    ];
    each_row(rows, |text| {
        db.fails(text, &["did you mean 'select'?"]);
    });
}

#[test]
fn a_stop_between_two_statements_reaches_the_next() {
    let mut db = Db::new();
    db.gives("1;", "1");
    let interrupt = db.interrupt();
    interrupt.stop("stopped by the test");
    db.fails("sum(natural_numbers());", &["stopped by the test"]);
    db.fails("sum(natural_numbers());", &["stopped by the test"]);
    interrupt.resume();
    db.gives("sum(iota(1,3));", "6");
}
