//! Statements that are nested deep are planned in a time that grows with their length, not with the
//! number of ways through them.

use std::time::Instant;

use crate::support::session::Db;

/// So many levels, each a text around that of the level below.
fn nested(innermost: &str, levels: usize, around: impl Fn(usize, &str) -> String) -> String {
    (0..levels).fold(innermost.to_owned(), |inner, level| around(level, &inner))
}

/// The kinds of nesting: what is nested, how many levels are allowed, and the query of so many.
type Kind = (&'static str, usize, fn(usize) -> String);

const KINDS: &[Kind] = &[
    ("in a condition", 96, |levels| {
        nested("bag(1,2)", levels, |i, inner| {
            format!("(select x{i} from Integer x{i} where x{i} in {inner})")
        })
    }),
    ("with a variable of the level above", 49, |levels| {
        nested("bag(1,2)", levels, |i, inner| {
            format!(
                "(select x{i} from Integer x{i} where x{i} in bag(1,2) and x{i} in \
                 (select y from Integer y where y = x{i} and y in {inner}))"
            )
        })
    }),
    ("in 'or'", 96, |levels| {
        nested("bag(1,2)", levels, |i, inner| {
            format!("(select x{i} from Integer x{i} where x{i} in {inner} or x{i} = 7)")
        })
    }),
    ("in an equation", 96, |levels| {
        nested("1", levels, |i, inner| {
            format!("(select x{i} from Integer x{i} where x{i} = {inner} and x{i} > 0)")
        })
    }),
    ("in the results", 96, |levels| {
        nested("1", levels, |i, inner| {
            format!("(select {inner} from Integer x{i} where x{i} in bag(1,2))")
        })
    }),
    ("without variables", 96, |levels| {
        nested("1", levels, |_, inner| format!("(select {inner})"))
    }),
    ("in an argument", 49, |levels| {
        nested("1", levels, |_, inner| format!("(select count({inner}))"))
    }),
    (
        "in an argument that is computed when a stream runs",
        32,
        |levels| {
            nested("1", levels, |_, inner| {
                format!("(select first(winagg(rand(9)+{inner},1,1)))")
            })
        },
    ),
    ("in the arms of a case", 49, |levels| {
        nested("1", levels, |i, inner| {
            format!(
                "(select case when x{i} = 1 then {inner} else 2 end from Integer x{i} \
                 where x{i} in bag(1,2))"
            )
        })
    }),
    ("in an aggregate of groups", 49, |levels| {
        nested("1", levels, |i, inner| {
            format!(
                "(select sum(x{i}+{inner}) from Integer x{i} where x{i} in bag(1,2) group by x{i})"
            )
        })
    }),
];

/// Plans the query, and says how long that took. Where the work doubles with each level, fifty levels
/// would take longer than there are seconds since the earth was formed: that it ends is the test.
fn plan(db: &mut Db, name: &str, levels: usize, query: &str) {
    let statement = format!("explain(select {query});");
    let began = Instant::now();
    let printed = db.run(&statement);
    println!("{name}: {levels} levels planned in {:?}", began.elapsed());
    assert!(!printed.contains("error: "), "{statement} gives {printed}");
}

#[test]
fn nested_selects_are_planned_once_each() {
    let mut db = Db::new();
    for (name, most, query) in KINDS {
        for levels in [8, most / 2, most / 2 * 2] {
            plan(&mut db, name, levels, &query(levels));
        }
    }
}

#[test]
fn functions_that_call_each_other_are_planned_once_each() {
    for functions in [8, 50, 100] {
        let mut script = String::from("create function f0(Integer x) -> Integer as x+1;");
        for i in 1..functions {
            script.push_str(&format!(
                "create function f{i}(Integer x) -> Integer as \
                 select f{0}(x) + f{0}(x) where f{0}(x) > 1000;",
                i - 1
            ));
        }
        let began = Instant::now();
        // The innermost condition does not hold, so there is no result.
        Db::of(&script).gives(&format!("f{}(1);", functions - 1), "");
        println!("{functions} functions: {:?}", began.elapsed());
    }
}

#[test]
fn a_select_inside_is_not_mixed_up_with_one_of_another_variable() {
    // `in (select … x …)` is planned for each branch, in which `x` is bound in another way.
    let mut db = Db::new();
    db.gives_bag(
        "select x from Number x where
           (x in bag(1,2,3) or x = 2.5) and x in (select y from Number y where y in bag(2,2.5) and y = x);",
        "2\n2.5",
    );
    db.gives_bag(
        "select x, z from Integer x, Integer z where x in bag(1,2) and
           z in (select y from Integer y where y in iota(1,x) and
                 y in (select w from Integer w where w in iota(1,x)));",
        "[1,1]\n[2,1]\n[2,2]",
    );
}
