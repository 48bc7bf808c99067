//! What no one should write does no harm.

use std::time::{Duration, Instant};

use crate::support::session::Db;
use crate::support::table::each_row;

#[test]
fn ten_thousand_parentheses() {
    let mut db = Db::new();
    let nested = "(".repeat(10_000) + "1" + &")".repeat(10_000) + ";";
    db.fails(&nested, &["nested"]);
    db.fails(
        &("[".repeat(10_000) + ";"),
        &[
            "error: nested deeper than 100 at `[`",
            "give inner parts a name",
        ],
    );
    db.fails(
        &("- ".repeat(100_000) + "x;"),
        &["error: more than 1000 operators or subscripts in one expression at `-`"],
    );
    db.fails(
        &("sqrt(".repeat(10_000) + "2" + &")".repeat(10_000) + ";"),
        &["error: nested deeper than 100 at `(`"],
    );
    db.fails(
        &("while true do ".repeat(10_000) + "1; " + &"end while; ".repeat(10_000)),
        &["error: nested deeper than 100"],
    );
    db.gives("1;", "1");
}

#[test]
fn long_chains_of_operators() {
    let mut db = Db::new();
    let sum = "1".to_owned() + &"+1".repeat(5_000) + ";";
    let printed = db.run(&sum);
    assert!(
        printed == "5001\n" || printed.contains("error: "),
        "{printed}"
    );
}

#[test]
fn a_statement_of_ten_megabytes() {
    let mut db = Db::new();
    let text = format!("count('{}');", "a".repeat(10 << 20));
    db.gives(&text, "1");
    let list = vec!["1"; 1_000_000].join(",");
    db.gives(&format!("dim([{list}]);"), "1000000");
}

#[test]
fn a_function_that_never_ends() {
    let mut db = Db::of("create function f(Integer x) -> Integer as f(x + 1) + 1;
        create function p(Integer x) -> Integer as { return p(x + 1); };
        create function b(Integer x) -> Bag of Integer as select y + 1 from Integer y where y in b(x);");
    db.fails("f(1);", &["functions call each other more than"]);
    db.fails("p(1);", &["functions call each other more than"]);
    db.fails("count(b(1));", &["functions call each other more than"]);
    db.gives("1;", "1");
}

#[test]
fn a_function_that_never_ends_on_a_thread_of_its_own() {
    let mut db = Db::of("create function f(Integer x) -> Integer as f(x + 1) + 1;");
    db.fails(
        "merge([(select stream of f(x) from Integer x where x in siota(1,3)), siota(1,3)]);",
        &["functions call each other more than"],
    );
    db.gives("1;", "1");
}

#[test]
fn mutual_recursion_without_end() {
    let mut db = Db::of("create function g(Integer x) -> Integer as 1; create function f(Integer x) -> Integer as g(x);
        create function g(Integer x) -> Integer as f(x);");
    db.fails("f(1);", &["functions call each other more than"]);
}

#[test]
fn an_endless_aggregate_is_stopped() {
    let mut db = Db::new();
    let rows = [
        "count(natural_numbers());",
        "count(select i from Integer i where i in natural_numbers() and i < 0);",
        "while true do set :x = 1; end while;",
    ];
    each_row(rows, |endless| {
        let stopper = db.stop_when_it_runs(endless);
        db.fails(endless, &["error: stopped by the test"]);
        stopper.join().expect("it was running");
        db.interrupt().resume();
        db.gives("1;", "1");
    });
}

#[test]
fn a_timeout_stops_loops_and_endless_queries() {
    let mut db = Db::with_timeout(Some(Duration::from_millis(200)));
    let began = Instant::now();
    let rows = [
        "count(natural_numbers());",
        "sum(select i * j from Integer i, Integer j where i in natural_numbers() and j in range(10));",
        "{ declare Integer i; set i = 0; while true do set i = i + 1; end while; };",
        "vectorize(natural_numbers());",
        "select i from Integer i where i in natural_numbers() order by i;",
        "max(traverse(#'ceiling', 1.5));",
    ];
    each_row(rows, |endless| {
        db.fails(endless, &["ran longer than 0.2 seconds"]);
    });
    assert!(began.elapsed() < Duration::from_secs(60));
}

#[test]
fn numbers_and_names_without_end() {
    let mut db = Db::new();
    let nines = "9".repeat(100_000);
    // A message stays readable, whatever it is about.
    let cut = format!("error: {}… at `9", &nines[..1000]);
    db.fails(&format!("{nines};"), &[&cut, "integers go from"]);
    db.gives("1;", "1");
    db.fails(
        &format!("{};", "x".repeat(100_000)),
        &["error: unknown variable 'xxx", "xxx… at `xxx"],
    );
    db.gives("2;", "2");
    db.fails(
        "'never closed",
        &[
            "error: this string is never closed at `'`",
            "close it with another '",
        ],
    );
    db.gives("3;", "3");
    db.fails(
        "select select select;",
        &[
            "error: expected an expression, 'from', 'where'",
            "at `select`",
        ],
    );
    db.gives("4;", "4");
    db.fails("\0;", &["error: expected a statement at `\0`"]);
    db.gives("5;", "5");
}

#[test]
fn deep_recursion_that_ends_is_fine() {
    let mut db = Db::of(
        "create function depth(Integer n) -> Integer as case when n = 0 then 0 else 1 + depth(n - 1) end;",
    );
    db.gives("depth(1500);", "1500");
}

#[test]
fn a_section_up_to_the_largest_number() {
    let mut db = Db::new();
    db.gives("section(bag(1,2,3), 2, 9223372036854775807);", "2\n3");
    db.gives("section(bag(1,2,3), 2, 1e300);", "2\n3");
}

#[test]
fn histograms_refuse_what_memory_cannot_hold() {
    let mut db = Db::new();
    let all = [
        "histogram(iota(1,3),0,10,1000000000000000);",
        "histogram(iota(1,3),0,10,9223372036854775807);",
        "histogram(siota(1,3),0,10,1000000000000000);",
        "histogram(iota(1,3),[0,10,1000000000000000]);",
        "histogram(bag([1,2]),[[0,10,100000],[0,10,100000]]);",
    ];
    each_row(all, |histogram| {
        db.fails(histogram, &["a histogram cannot have", "bins"]);
    });
    let none = [
        "histogram(iota(1,3),0,10,0);",
        "histogram(iota(1,3),10,0,5);",
        "histogram(iota(1,3),nan,10,5);",
        "histogram(iota(1,3),0,inf,5);",
        "histogram(bag([1]),[[5,5,5]]);",
        "histogram(siota(1,3),0,nan,5);",
    ];
    each_row(none, |histogram| {
        db.fails(histogram, &["a histogram of", "bins from"]);
    });
    db.gives("histogram(iota(1,3),0,10,2);", "[3,0]");
}
