//! Two inputs that meet in a condition give what nested loops give: the same rows, as often, in the same
//! order, and the same errors.

use crate::support::random::{Random, cases, generator};
use crate::support::session::Db;

/// The plan of a query, its lines without the estimated rows.
fn plan(db: &mut Db, query: &str) -> Vec<String> {
    let text = db.run(&format!("explain({query});"));
    let unquoted = |line: &str| {
        let line = line[1..line.len() - 1].replace("\\\"", "\"");
        line.split("  ~").next().unwrap_or_default().to_owned()
    };
    text.lines().map(unquoted).collect()
}

fn is_joined(db: &mut Db, query: &str) -> bool {
    plan(db, query).iter().any(|line| line.contains("join"))
}

#[test]
fn plans_say_what_is_joined_and_how() {
    let mut db = Db::new();
    let from = "select i, j from Integer i, Integer j where i in range(9) and j in range(9)";
    for (condition, lines) in [
        (
            "i = j + 1",
            "hash join on i = (j + 1) with\n  for each j in range(9)",
        ),
        (
            "i < j",
            "join by comparison on i < j with\n  for each j in range(9)",
        ),
        (
            "mod(i,2) = mod(j,3) and i < j and j - 1 = i - 2",
            "hash join on mod(i,2) = mod(j,3) and (j - 1) = (i - 2) with\n  \
             for each j in range(9)\nfilter i < j",
        ),
        (
            "i != j",
            "join with\n  for each j in range(9)\nfilter i != j",
        ),
        (
            "j > 3 and i + j > 4",
            "join with\n  for each j in range(9)\n  filter j > 3\nfilter (i + j) > 4",
        ),
    ] {
        let expected = format!("for each i in range(9)\n{lines}\ngive i, j in batches");
        let query = format!("{from} and {condition}");
        assert_eq!(plan(&mut db, &query).join("\n"), expected, "{condition}");
    }
    let membership = format!("{from} and i = j");
    assert_eq!(
        plan(&mut db, &membership)[2..].join("\n"),
        "let _2 = j\nhash join on _2 = _3 with\n  for each _3 in range(9)\ngive i, j in batches"
    );
}

#[test]
fn what_may_differ_from_time_to_time_is_not_kept() {
    let mut db = Db::of(
        "create function chance(Integer n) -> Integer as rand(n);
         create function meeting(Bag of Integer a) -> Bag of Integer
           as select j from Integer i, Integer j where i in range(200) and j in a and j < i + 1000000;",
    );
    for inputs in [
        "i in range(9) and j in (select rand(9) from Integer k where k in range(9))",
        "i in range(9) and j in (select chance(k) from Integer k where k in range(9))",
        "i in siota(1,9) and j in siota(1,9)",
        "i in range(9) and j in extract(first_n(heartbeat(0.001),2))",
    ] {
        let query =
            format!("select i, j from Integer i, Number j where {inputs} and i + 1 = 2 * j");
        assert!(!is_joined(&mut db, &query), "{inputs}");
    }
    for condition in ["i + j = rand(9)", "rand(2) = 1 and i = j + 1"] {
        let query = format!(
            "select i, j from Integer i, Integer j where i in range(9) and j in range(9) and {condition}"
        );
        assert!(!is_joined(&mut db, &query), "{condition}");
    }
    // Each outer row meets numbers of its own, where the bag that is given makes them anew.
    let distinct =
        "count(unique(meeting((select rand(1000000) from Integer k where k in range(3)))));";
    let count = db.first(distinct).as_int().expect("a count");
    assert!(count > 100, "{count}");
    db.gives("count(unique(meeting(range(3))));", "3");
    db.gives(
        "count(unique(meeting((select k from Integer k where k in range(3)))));",
        "3",
    );
    db.gives("count(meeting(bag(1,2,2)));", "600");
}

#[test]
fn changes_are_seen_by_the_next_outer_row() {
    let mut db = Db::of(
        "create function g(Integer) -> Integer as stored;
         set g(1) = 1;
         create function grow(Integer i) -> Integer
           as { set g(i + 1) = i + 1; return i; };",
    );
    // The second condition changes what the third goes through.
    db.gives(
        "select i, v from Integer i, Integer x, Integer k, Integer v
         where i in range(3) and x = grow(i) and g(k) = v and mod(v,1) = mod(x,1);",
        "[1,1]\n[1,2]\n[2,1]\n[2,2]\n[2,3]\n[3,1]\n[3,2]\n[3,3]\n[3,4]",
    );
    db.does(
        "create function h(Integer) -> Integer as stored;
         set h(1) = 1;
         create function seen(Integer) -> Bag of Integer as stored;
         for each Integer s, Integer k, Integer v
           where s in siota(1,3) and h(k) = v and v < s + 10
           { add seen(s) = v; set h(s + 1) = s + 1; };",
    );
    db.gives_bag(
        "select s, v from Integer s, Integer v where v in seen(s);",
        "[1,1]\n[2,1]\n[2,2]\n[3,1]\n[3,2]\n[3,3]",
    );
}

#[test]
fn errors_come_where_nested_loops_have_them() {
    let mut db = Db::new();
    let query = |inner: &str, condition: &str| {
        format!(
            "select i, j from Integer i, Integer j \
             where i in range(3) and j in {inner} and {condition};"
        )
    };
    // Nothing is evaluated for an empty side.
    db.gives(&query("bag()", "i / 0 = 2 * j"), "");
    db.gives(&query("range(0)", "1 / (i - 2) = 2 * j"), "");
    // What is left out otherwise does not fail.
    db.gives(
        &query("bag(0,1,2)", "j != i - i and 2 / j = i"),
        "[1,2]\n[2,1]",
    );
    db.gives(&query("bag(0,1)", "notany(j) and 1 / j = i"), "");
    // Up to the row that fails there are results.
    db.gives(
        &query("bag(2,1,0)", "2 / j = i"),
        "[1,2]\nerror: division by zero in 2 / 0 at `2 / j`",
    );
    db.gives(
        &query("bag(1,2)", "1 / (i - 2) = -j"),
        "[1,1]\nerror: division by zero in 1 / 0 at `1 / (i - 2)`",
    );
    db.gives(&query("bag(2,1,0)", "2 / j = i limit 1"), "[1,2]");
}

#[test]
fn a_limit_ends_the_inner_side_early() {
    let endless = "iota(1,9223372036854775807)";
    let mut db = Db::new();
    db.gives(
        &format!(
            "select i, j from Integer i, Integer j \
             where i in range(3) and j in {endless} and j - 1 = i limit 1;"
        ),
        "[1,2]",
    );
    db.gives(
        &format!(
            "first_n((select i + j from Integer i, Integer j \
             where i in range(3) and j in {endless} and j > 2 * i), 2);"
        ),
        "4\n5",
    );
}

#[test]
fn joins_stand_in_branches_functions_and_further_joins() {
    let mut db = Db::of(
        "create function near(Integer i) -> Bag of Integer
           as select j from Integer j, Integer k where j in range(5) and k in range(5) and j - k = i;",
    );
    db.gives(
        "select i, j from Integer i, Integer j
         where i in range(3) and (j in range(4) and j = i or j in bag(2,3,3) and j - 1 = i);",
        "[1,1]\n[1,2]\n[2,2]\n[2,3]\n[2,3]\n[3,3]",
    );
    db.gives(
        "select i, j, k from Integer i, Integer j, Integer k
         where i in range(4) and j in range(4) and k in range(4) and i - 1 = j - 2 and k * 2 = j + i + 1;",
        "[1,2,2]\n[2,3,3]\n[3,4,4]",
    );
    db.gives(
        "select i, (select j from Integer j, Integer k
                    where j in range(3) and k in range(3) and j + k = i + 1)
         from Integer i where i in range(2);",
        "[1,1]\n[2,1]\n[2,2]",
    );
    db.gives(
        "select i, near(i) from Integer i where i in bag(3,4,3);",
        "[3,4]\n[3,5]\n[4,5]\n[3,4]\n[3,5]",
    );
    db.gives(
        "select i, j from Integer i, Integer j
         where i in range(2) and [j,i] in bag([1,2],[7,1],[8,2],[7,1]);",
        "[1,7]\n[1,7]\n[2,1]\n[2,8]",
    );
}

#[test]
fn files_are_joined_like_other_data() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).display().to_string();
    let (left, right) = (path("left.csv"), path("right.csv"));
    std::fs::write(&left, "1,one\n2,two\n3,three\n2,zwei\n").expect("written");
    std::fs::write(&right, "2,b\n1,a\n2,bb\nx,y\n").expect("written");
    let mut db = Db::new();
    let query = format!(
        "select v[2], w[2] from Vector v, Vector w
         where v in csv:file_stream('{left}') and w in csv:file_stream('{right}') and v[1] = w[1]"
    );
    assert!(is_joined(&mut db, &query));
    db.gives(
        &format!("{query};"),
        "[\"one\",\"a\"]\n[\"two\",\"b\"]\n[\"two\",\"bb\"]\n[\"zwei\",\"b\"]\n[\"zwei\",\"bb\"]",
    );
    // An error is about an element of each.
    let query = format!(
        "select v[1] / (w[1] - 1) from Vector v, Vector w
         where v in csv:file_stream('{left}') and w in csv:file_stream('{right}') and v[1] = 3 - w[1];"
    );
    std::fs::write(&right, "2,b\n1,a\n2,bb\n").expect("written");
    let element = |path: &str| format!("element 2 of csv:file_stream('{path}'): ");
    db.fails(
        &query,
        &["division by zero", &element(&left), &element(&right)],
    );
    // What arrives over time sees that a file changes.
    let query = format!(
        "select t, v[2] from Number t, Vector v
         where t in heartbeat(0.001) and v in csv:file_stream('{right}') and t * 1000 < v[1] limit 1"
    );
    assert!(!is_joined(&mut db, &query));
}

#[test]
fn stopping_ends_a_join() {
    let mut db = Db::new();
    let statement = "count(select i from Integer i, Integer j, Integer k \
         where i in range(100000) and j in range(100000) and i < j and k in range(100000) and k > i + j);";
    let stopping = db.stop_when_it_runs(statement);
    db.fails(statement, &["stopped by the test"]);
    stopping.join().expect("it stopped");
}

/// Values of all types, numbers of both types that are equal or nearly so, and some that meet nothing.
const VALUES: &[&str] = &[
    "0",
    "1",
    "2",
    "3",
    "3",
    "1.0",
    "2.0",
    "2.5",
    "-0.0",
    "null",
    "true",
    "false",
    "9007199254740993",
    "9007199254740992",
    "9007199254740992.0",
    "9223372036854775807",
    "9223372036854775807.0",
    "exp(1000)",
    "exp(1000)-exp(1000)",
    "'a'",
    "'1'",
    "''",
    "[1,2]",
    "[1.0,2]",
    "[]",
    "[null]",
    "{'k':1}",
    "{'k':1.0,'l':2}",
    "{'l':2,'k':1}",
    "complex(1.0,0.0)",
    "complex(1.0,-0.0)",
    "complex(0.0,2.0)",
    "|2020-01-01T00:00:00Z|",
    ":o1",
    ":o2",
];

const INTEGERS: &[&str] = &["0", "1", "2", "3", "4", "5", "-1", "9223372036854775807"];

/// Conditions over `x` and `y`, whatever they are.
const ANY: &[&str] = &[
    "x = y",
    "y = x",
    "[x,1] = [y,1]",
    "x < y",
    "x >= y",
    "y > x",
    "x != y",
    "typename(typeof(x)) = typename(typeof(y))",
    "[x,y] != [1,1]",
    "x = y and y != 2",
    "x <= y and [x] = [y]",
    "(x = y or x < y)",
    "notany(x = y)",
];

/// Conditions over integers; some fail for some.
const OF_INTEGERS: &[&str] = &[
    "x + 1 = y",
    "x = y + 1",
    "mod(x,3) = mod(y,2)",
    "x * 2 = y * 3",
    "12 / x = y",
    "x = 12 / y",
    "x - y < 2",
    "x + 1 <= y",
    "x < y + 1",
    "x + y = 4",
    "x + 1 = y and y > 1",
    "mod(x,2) = mod(y,2) and x < y",
    "x != 0 and 6 / x = y",
    "x > y and y != 0 and 6 / y = x",
];

fn list(random: &mut Random, of: &[&str]) -> String {
    let length = *random.of(&[0, 1, 2, 3, 5, 8, 13, 40]);
    let values: Vec<&str> = (0..length).map(|_| *random.of(of)).collect();
    format!("bag({})", values.join(","))
}

/// What is told of a join: a query, and its nested loops.
struct Case {
    joined: String,
    nested: String,
    /// The nested loops, where a condition that fails does not hold.
    lenient: String,
    conditions: usize,
}

fn case(random: &mut Random) -> Case {
    let (ty, of, conditions) = if random.once_in(2) {
        ("Object", VALUES, ANY)
    } else {
        ("Integer", INTEGERS, OF_INTEGERS)
    };
    let (a, b) = (list(random, of), list(random, of));
    let mut all = random.of(conditions).to_string();
    if random.once_in(3) {
        all = format!("{all} and {}", random.of(conditions));
    }
    let end = random.of(&["", "", " limit 3"]);
    let query = |inner: &str, conditions: &str| {
        format!(
            "select x, y from {ty} x, {ty} y where x in {a} and y in {inner} and {conditions}{end};"
        )
    };
    // What depends on the row before cannot be joined with it.
    let dependent = format!("(select z from {ty} z where z in {b} and some(bag([x])))");
    let parts: Vec<&str> = all.split(" and ").collect();
    let tried = parts.iter().map(|part| format!("try({part}, false)"));
    let tried = tried.collect::<Vec<_>>().join(" and ");
    Case {
        joined: query(&b, &all),
        nested: query(&dependent, &all),
        lenient: query(&dependent, &tried),
        conditions: parts.len(),
    }
}

/// What is printed without the places of errors, which are others in each query.
fn without_place(printed: &str) -> &str {
    printed.split(" at `").next().unwrap_or_default()
}

#[test]
fn joins_are_what_nested_loops_are() {
    let mut db = Db::of("create type Thing; create Thing instances :o1, :o2;");
    for number in 0..cases(400) {
        let case = case(&mut generator(number as u64));
        let (joined, nested) = (db.run(&case.joined), db.run(&case.nested));
        let (joined, nested) = (without_place(&joined), without_place(&nested));
        if case.conditions == 1 || !nested.contains("error: ") {
            assert_eq!(joined, nested, "case {number}: {}", case.joined);
            continue;
        }
        // Which of several conditions is tested first is left open: one that fails for a pair may not be
        // asked because another does not hold.
        let lenient = db.run(&case.lenient);
        match joined.split_once("error: ") {
            Some((rows, _)) => assert!(lenient.starts_with(rows), "case {number}: {}", case.joined),
            None => assert_eq!(joined, lenient, "case {number}: {}", case.joined),
        }
    }
}

#[test]
fn aggregates_of_joins_are_what_they_are_of_nested_loops() {
    let mut db = Db::new();
    for case in 0..cases(200) {
        let mut random = generator(1_000_000 + case as u64);
        let (a, b) = (list(&mut random, INTEGERS), list(&mut random, INTEGERS));
        let condition = *random.of(OF_INTEGERS);
        let output = *random.of(&["x", "y", "x - y", "2 * x + y", "1"]);
        for aggregate in ["count", "sum", "max"] {
            let query = |inner: &str| {
                format!(
                    "{aggregate}(select {output} from Integer x, Integer y \
                     where x in {a} and y in {inner} and {condition});"
                )
            };
            let dependent = format!("(select z from Integer z where z in {b} and some(bag([x])))");
            let (got, wanted) = (db.run(&query(&b)), db.run(&query(&dependent)));
            let message = |text: &str| text.split(" at `").next().unwrap_or_default().to_owned();
            assert_eq!(
                message(&got),
                message(&wanted),
                "case {case}: {}",
                query(&b)
            );
        }
    }
}
