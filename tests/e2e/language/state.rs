//! What has state is evaluated for each row, whatever way it is called.

use crate::support::session::Db;

const OBJECTS: &str = "create type Thing;
    create function number(Thing) -> Integer as stored;
    for each Integer i where i in iota(1,200) create Thing(number) instances (i);
    create function chance(Integer n) -> Integer as rand(n);
    create function twice(Function f, Integer n) -> Integer as call(f, n);
    create function thrice(Function f, Integer n) -> Integer as twice(f, n);
    create function listed(Function f, Integer n) -> Vector as mapvector(f, [n]);";

#[test]
fn a_condition_with_chance_holds_for_some_rows() {
    let mut db = Db::of(OBJECTS);
    db.run("rand_seed(1);");
    let conditions = [
        "rand(2) = 1",
        "chance(2) = 1",
        "call(#'integer.rand->integer', 2) = 1",
        "callv(#'integer.rand->integer', [2]) = 1",
        "apply(#'integer.rand->integer', [2]) = [1]",
        "mapvector(#'integer.rand->integer', [2]) = [1]",
        "mapvector('chance', [2]) = [1]",
        "mapvector(#'chance', [2]) = [1]",
        "twice(#'chance', 2) = 1",
        "thrice(#'chance', 2) = 1",
        "thrice(functionnamed('chance'), 2) = 1",
        "listed(#'chance', 2) = [1]",
    ];
    let mut wrong = Vec::new();
    for condition in conditions {
        let count = db.first(&format!("count(select t from Thing t where {condition});"));
        let count = count.as_int().expect("a count is an integer");
        // That all of 200 agree by chance cannot be seen.
        if !(1..200).contains(&count) {
            wrong.push(format!("{condition}: {count} of 200"));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn state_comes_from_what_a_definition_calls() {
    let mut db = Db::of(OBJECTS);
    db.does(
        "create function roots(Vector v) -> Vector as mapvector(#'sqrt', v);
        create function chances(Vector v) -> Vector as mapvector(#'chance', v);
        create function roots_through(Vector v) -> Vector as listed(#'sqrt', v[1]);
        create function chances_through(Vector v) -> Vector as listed(#'chance', v[1]);
        create function whatever(Function f) -> Object as call(f, 1);
        create function told(Function f) -> Charstring as name(f);",
    );
    let mut wrong = Vec::new();
    for (function, expected) in [
        ("roots", false),
        ("chances", true),
        ("roots_through", false),
        ("chances_through", true),
        ("told", false),
        ("chance", true),
    ] {
        let stateful = db.run(&format!("stateful(#'{function}');"));
        if stateful.trim() != if expected { "true" } else { "" } {
            wrong.push(format!("{function}: {stateful}"));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}
