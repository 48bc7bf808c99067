//! Aggregates and groups over the local database, which run in batches, are what they are row by row.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use crate::support::session::Db;

/// A thing: `a` and `b` may have no value, and `b` is not always an integer.
#[derive(Debug, Clone)]
struct Thing {
    a: Option<i64>,
    b: Option<Number>,
    links: Vec<usize>,
}

#[derive(Debug, Clone, Copy)]
enum Number {
    Int(i64),
    Half(i64),
}

impl Number {
    fn text(self) -> String {
        match self {
            Number::Int(i) => i.to_string(),
            Number::Half(i) => format!("{:?}", i as f64 / 2.0),
        }
    }
}

fn thing() -> impl Strategy<Value = Thing> {
    let number = prop_oneof![
        4 => (-9..9_i64).prop_map(Number::Int),
        1 => (-9..9_i64).prop_map(Number::Half),
    ];
    (
        option::weighted(0.8, -3..3_i64),
        option::weighted(0.9, number),
        vec(0..40_usize, 0..4),
    )
        .prop_map(|(a, b, links)| Thing { a, b, links })
}

fn script(things: &[Thing]) -> String {
    let mut script = String::from(
        "create type Thing; create type Special under Thing;
         create function nr(Thing) -> Integer key as stored;
         create function a(Thing) -> Integer as stored;
         create function b(Thing) -> Number as stored;
         create function links(Thing) -> Bag of Thing as stored;
         create function name(Thing) -> Charstring as stored;
         create function rank(Charstring) -> Integer as stored;
         create function square(Integer) -> Integer as stored;
         set rank('a') = 10; set rank('b') = 20; set rank('d') = 40;",
    );
    for k in -3..2 {
        script.push_str(&format!("set square({k}) = {};", k * k));
    }
    for (i, thing) in things.iter().enumerate() {
        let ty = if i % 3 == 0 { "Special" } else { "Thing" };
        script.push_str(&format!("create {ty}(nr) instances :t{i} ({i});"));
        if let Some(a) = thing.a {
            script.push_str(&format!("set a(:t{i}) = {a};"));
            let name = ["a", "b", "c", "d"][i % 4];
            script.push_str(&format!("set name(:t{i}) = '{name}';"));
        }
        if let Some(b) = thing.b {
            script.push_str(&format!("set b(:t{i}) = {};", b.text()));
        }
    }
    for (i, thing) in things.iter().enumerate() {
        for link in thing.links.iter().filter(|link| **link < things.len()) {
            script.push_str(&format!("add links(:t{i}) = :t{link};"));
        }
    }
    script
}

/// Queries of one number for each row.
const NUMBERS: &[&str] = &[
    "select a(t) from Thing t",
    "select b(t) from Thing t",
    "select a(t) * b(t) - 1 from Thing t where a(t) > -2",
    "select nr(t) from Special t where a(t) != 0 and b(t) <= 3",
    "select nr(t) from Thing t where a(t) > 1 or b(t) < 0",
    "select 12 / a(t) from Thing t",
    "select square(a(t)) from Thing t",
    "select square(x) + x from Integer x where x in iota(-5,5) and square(x) < 5",
    "select nr(u) - a(t) from Thing t, Thing u where u in links(t)",
    "select nr(t) from Thing t, Thing u where nr(u) = a(t)",
    "select nr(t) * nr(u) from Thing t, Thing u where a(t) = a(u) and nr(t) < nr(u)",
    "select nr(t) from Thing t where a(t) = nr(t)",
    "select x from Integer x, Integer y where square(x) = y and y > x",
    "select nr(t) from Thing t where name(t) > 'b'",
    "select nr(t) from Thing t where name(t) != 'b' and b(t) != a(t)",
    "select rank(name(t)) from Thing t",
    "select nr(t) + nr(u) from Thing t, Thing u where name(u) = name(t) and b(t) < b(u)",
    "select v from Thing t, Number v where v = a(t) + 1 and v != nr(t)",
    "select v / 2 from Thing t, Real v where v = b(t) and v > nr(t) - 3",
    "select v from Thing t, Integer v where v = b(t) * 2 and v >= 0",
    "select v from Thing t, Integer v where v + nr(t) = 3 * a(t)",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(30))]
    #[test]
    fn as_row_by_row(things in vec(thing(), 0..40)) {
        let mut db = Db::of(&script(&things));
        for query in NUMBERS {
            for aggregate in ["count", "sum", "mean", "min", "max"] {
                let batches = db.run(&format!("{aggregate}({query});"));
                let vector = query.replacen("select", "select vector of", 1);
                let rows = db.run(&format!("{aggregate}(in({vector}));"));
                // An error is marked at a place of its own in each.
                let message = |text: &str| text.lines().next().unwrap_or_default().to_owned();
                let message = |text: &str| message(text.split(" at `").next().unwrap_or_default());
                prop_assert_eq!(message(&batches), message(&rows), "{}({})", aggregate, query);
            }
        }
    }

    #[test]
    fn groups_have_all_their_rows(things in vec(thing(), 0..40)) {
        let mut db = Db::of(&script(&things));
        let mut groups: BTreeMap<i64, (i64, Vec<Number>)> = BTreeMap::new();
        for (i, thing) in things.iter().enumerate() {
            if let Some(a) = thing.a {
                let group = groups.entry(a).or_default();
                group.0 += i as i64;
                group.1.extend(thing.b);
            }
        }
        let line = |(a, (sum, numbers)): (&i64, &(i64, Vec<Number>))| {
            format!("[{a},{sum},{}]", numbers.len())
        };
        let expected: Vec<String> = groups.iter().map(line).collect();
        let names = "select name(t), count(t), max(name(t)) from Thing t group by name(t) \
                     order by name(t);";
        let mut by_name: BTreeMap<&str, usize> = BTreeMap::new();
        for (i, _) in things.iter().enumerate().filter(|(_, thing)| thing.a.is_some()) {
            *by_name.entry(["a", "b", "c", "d"][i % 4]).or_default() += 1;
        }
        let line = |(name, count): (&&str, &usize)| format!("[\"{name}\",{count},\"{name}\"]");
        let expected_names: Vec<String> = by_name.iter().map(line).collect();
        let printed = db.run(names);
        prop_assert_eq!(printed.trim_end(), expected_names.join("\n"));
        let query = "select a(t), sum(nr(t)), count(b(t)) from Thing t group by a(t) order by a(t);";
        let printed = db.run(query);
        prop_assert_eq!(printed.trim_end(), expected.join("\n"));
    }
}

/// A function's value for whatever it has a value for: each argument once, however many values it has.
#[test]
fn a_scan_for_arguments_gives_each_of_them_once() {
    let mut db = Db::of(
        "create function amount(Integer o) -> Integer as stored;
         create function tags(Integer o) -> Bag of Charstring as stored;
         create function at(Integer row, Integer column) -> Integer as stored;
         set amount(1) = 7; set amount(2) = 7; set tags(1) = bag('a','b'); set tags(2) = bag('c');
         set at(1,1) = 5; set at(1,2) = 5; set at(2,1) = 6;",
    );
    db.gives_bag("select amount(o) from Integer o;", "7\n7");
    db.gives_bag(
        "select o, tags(o) from Integer o;",
        "[1,\"a\"]\n[1,\"b\"]\n[2,\"c\"]",
    );
    db.gives_bag(
        "select c, at(r,c) from Integer r, Integer c;",
        "[1,5]\n[2,5]\n[1,6]",
    );
    db.gives_bag("select count(tags(o)) from Integer o;", "2\n1");
    // Nothing need be remembered for that where an argument has one value.
    db.gives(
        "explain(sum(select amount(o) from Integer o));",
        "\"give sum({\"\n\
         \"    scan amount(o) -> * (2 rows)  ~2 rows\"\n\
         \"    give amount(o) in batches  ~2 rows })\"",
    );
}

#[test]
fn a_group_that_has_no_mean_is_left_out() {
    let mut db = Db::of(
        "create function f(Integer) -> Integer as stored;
         create function g(Integer) -> Number as stored;
         for each Integer i where i in iota(1,20) set f(i) = mod(i,3);
         for each Integer i where i in iota(1,20) and mod(i,3) < 2 set g(i) = i / 2;",
    );
    db.gives(
        "select f(x), mean(g(x)) from Integer x where x in iota(1,20) group by f(x) order by f(x);",
        "[0,5.25]\n[1,5.0]",
    );
}

#[test]
fn an_aggregate_that_fails_says_where() {
    let mut db = Db::of(
        "create function f(Integer) -> Object as stored;
         for each Integer i where i in iota(1,20) set f(i) = 'text';",
    );
    let error = db
        .run("select mod(x,2), sum(f(x)) from Integer x where x in iota(1,20) group by mod(x,2);");
    assert!(
        error.starts_with("error: \"text\" is not a number at `sum(f(x))`"),
        "{error}"
    );
}

fn numbered_things() -> Db {
    Db::of(
        "create type Thing; create function nr(Thing) -> Integer as stored;
         create function copy(Integer) -> Integer as stored;
         for each Integer i where i in iota(1,3000) create Thing(nr) instances (i);",
    )
}

#[test]
fn only_as_many_rows_are_made_as_are_asked_for() {
    let mut db = numbered_things();
    // The sixth divides by zero.
    let query = "select 60 / (nr(t) - 6) from Thing t";
    db.gives(&format!("count(first_n(({query}), 5));"), "5");
    db.gives(&format!("some({query});"), "true");
    let error = db.run(&format!("sum({query});"));
    assert!(error.starts_with("error: division by zero"), "{error}");
    // Far enough for batches to have been made before.
    let late = db.run("sum(select 1 / (nr(t) - 2500) from Thing t);");
    assert!(late.starts_with("error: division by zero"), "{late}");
    db.gives("count(select t from Thing t where nr(t) > 2990);", "10");
}

#[test]
fn what_is_read_may_be_changed_meanwhile() {
    let mut db = numbered_things();
    db.does("for each Thing t where mod(nr(t), 2) = 0 delete t;");
    db.gives("count(select t from Thing t);", "1500");
    db.gives("sum(select nr(t) from Thing t);", "2250000");
    db.does("for each Integer i where i in iota(1,20) set copy(i) = i;");
    // Each row is read as it was: what is added is not added to again.
    db.does("for each Integer i, Integer j where copy(i) = j set copy(i + 100) = j;");
    db.gives(
        "count(select i from Integer i, Integer j where copy(i) = j);",
        "40",
    );
    db.does("rollback;");
    db.gives(
        "sum(select j from Integer i, Integer j where copy(i) = j);",
        "420",
    );
}

#[test]
fn traced_functions_are_called() {
    let mut db =
        Db::of("create function f(Integer) -> Integer as stored; set f(1) = 2; set f(2) = 4;");
    db.run("trace('f');");
    let printed = db.run("sum(select f(x) from Integer x where x in iota(1,2));");
    assert_eq!(printed, "f(1)\nf => 2\nf(2)\nf => 4\n6\n");
}

/// A procedure that counts its calls.
const COUNTED: &str = "create function calls() -> Integer as stored;
    set calls() = 0;
    create function counted(Number x) -> Number as {
        set calls() = calls() + 1;
        return x;
    };";

/// The steps before it run in batches; it is called for the rows that somebody wants, one by one.
#[test]
fn what_acts_waits_until_its_row_is_wanted() {
    let mut db = Db::of(COUNTED);
    db.gives(
        "select counted(i) from Integer i where i in iota(1,2000) and mod(i,7) = 0 limit 2; calls();",
        "7\n14\n2",
    );
    let text = db.run(
        "select Stream of 100 / (x - 697) from Integer i, Number x
         where i in siota(1,2000) and mod(i,7) != 3 and x = counted(i) and x > 694;",
    );
    assert!(text.starts_with("-50.0\n"), "{text}");
    assert!(text.contains("element 697 of siota(1,2000)"), "{text}");
}

/// The lines of a plan, which are strings.
fn lines(plan: &str) -> String {
    let plan = plan.trim().trim_matches('"').replace("\"\n\"", "\n");
    // Without the estimates of rows.
    let lines = plan
        .lines()
        .map(|line| line.split("  ~").next().unwrap_or_default());
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn explain_says_which_step_runs_how() {
    let mut db = Db::of(COUNTED);
    let plan = db.run(
        "explain(select i, x from Integer i, Number x
         where i in iota(1,90) and mod(i,3) = 0 and x = counted(i) and x > 5);",
    );
    assert_eq!(
        lines(&plan),
        "for each i in iota(1,90), in batches\n\
         filter mod(i,3) = 0, in batches\n\
         let x = counted(i)\n\
         filter x > 5\n\
         give i, x row by row"
    );
    let plan = db.run(
        "explain(select j, count(i) from Integer i, Integer j
         where i in iota(1,90) and j in iota(1,i) and mod(j,3) = 0 group by j);",
    );
    assert_eq!(
        lines(&plan),
        "for each i in iota(1,90)\n\
         for each j in iota(1,i), row by row\n\
         filter mod(j,3) = 0\n\
         group by j in batches, aggregating count(i)\n\
         give group 2, group 4"
    );
}

/// A row comes as often as the side of an `or` that gives it more often.
#[test]
fn sides_of_an_or_are_counted_over_columns() {
    let mut db = Db::new();
    for (query, expected) in [
        (
            "select i from Integer i where i in iota(1,100) or i in iota(50,120)",
            "120",
        ),
        (
            "select i from Integer i where i in (select mod(j,3) from Integer j where j in iota(1,90)) \
             or i in (select mod(j,4) from Integer j where j in iota(1,100))",
            "115",
        ),
        (
            "select x from Number x where x in iota(1,100) or \
             x in (select j / 2 from Integer j where j in iota(1,300))",
            "300",
        ),
        (
            "select i from Integer i, Integer j where i in iota(1,100) and \
             (j = i or j = i + 1 or j in iota(1,3))",
            "495",
        ),
    ] {
        db.gives(&format!("count({query});"), expected);
    }
}

#[test]
fn nulls_and_mixed_numbers_are_computed_in_columns() {
    let mut db = Db::new();
    let rows = "from Integer i, Object r where i in iota(1,3000) and \
                r = case when mod(i,3) = 0 then {'k': i} when mod(i,3) = 1 then {'k': i + 0.5} \
                else {'l': 1} end";
    for (query, expected) in [
        (format!("sum(select r['k'] {rows});"), "3001500.0"),
        (format!("sum(select r['k'] * 2 {rows});"), "6003000.0"),
        (format!("count(select r['k'] {rows});"), "3000"),
        (format!("count(select r['k'] + 1 {rows});"), "2000"),
        (format!("count(select i {rows} and r['k'] > 1500);"), "1000"),
        (format!("count(select i {rows} and r['k'] = null);"), "1000"),
        (
            format!("select r['k'], i {rows} and i < 7 order by r['k'] desc, i;"),
            "[6,6]\n[4.5,4]\n[3,3]\n[1.5,1]\n[null,2]\n[null,5]",
        ),
    ] {
        db.gives(&query, expected);
    }
    // Integers that no real is stay what they are.
    db.gives(
        "max(select x from Number x where x in bag(9007199254740993,1,2,3,4,5,6,7,8,9,10,11,12,13,0.5,14,15));",
        "9007199254740993",
    );
}
