//! `trace(f)` prints every call of a function, however the call is written and however it is run.

use crate::support::session::Db;

/// Runs the query with calls of the function printed, and then without.
#[track_caller]
fn traced(function: &str, query: &str, lines: &str) {
    let mut db = Db::new();
    db.run(&format!("trace('{function}');"));
    db.gives(query, lines);
    db.run(&format!("untrace('{function}');"));
    let results: Vec<&str> = lines
        .lines()
        .map(str::trim)
        .filter(|line| !line.contains('(') && !line.contains("=>"))
        .collect();
    db.gives(query, &results.join("\n"));
}

#[test]
fn operators_are_calls() {
    traced("plus", "1+2;", "plus(1,2)\nplus => 3\n3");
    traced("plus", "1.5+2;", "plus(1.5,2)\nplus => 3.5\n3.5");
    traced("minus", "5-3;", "minus(5,3)\nminus => 2\n2");
    traced("times", "2*3;", "times(2,3)\ntimes => 6\n6");
    traced("div", "7.0/2;", "div(7.0,2)\ndiv => 3.5\n3.5");
    traced("power", "2^3;", "power(2.0,3.0)\npower => 8.0\n8.0");
    traced("uminus", "-(2);", "uminus(2)\numinus => -2\n-2");
    traced(
        "plus",
        "[1,2] .+ [3,4];",
        "plus([1,2],[3,4])\nplus => [4,6]\n[4,6]",
    );
    traced(
        "elemtimes",
        "[1,2] .* [3,4];",
        "elemtimes([1,2],[3,4])\nelemtimes => [3,8]\n[3,8]",
    );
}

#[test]
fn calls_in_batches_are_calls() {
    traced(
        "plus",
        "select x+1 from Integer x where x in iota(1,2);",
        "plus(1,1)\nplus => 2\n2\nplus(2,1)\nplus => 3\n3",
    );
    traced(
        "sqrt",
        "count(select sqrt(x) from Integer x where x in iota(4,4));",
        "sqrt(4.0)\nsqrt => 2.0\n1",
    );
    traced(
        "times",
        "select x, sum(2*x) from Integer x where x in iota(1,2) group by x;",
        "times(2,1)\ntimes => 2\ntimes(2,2)\ntimes => 4\n[1,2]\n[2,4]",
    );
}

#[test]
fn calls_in_the_bodies_of_functions_are_calls() {
    let mut db = Db::of("create function double(Integer x) -> Integer as x+x;");
    db.run("trace('plus');");
    db.gives("double(4);", "plus(4,4)\nplus => 8\n8");
    db.run("trace('double');");
    db.gives(
        "double(4);",
        "double(4)\nplus(4,4)\nplus => 8\ndouble => 8\n8",
    );
}

#[test]
fn aggregates_of_windows_and_groups_are_calls() {
    traced(
        "mean",
        "mean(winagg(siota(1,4),2,2));",
        "mean([1,2])\nmean => 1.5\n1.5\nmean([3,4])\nmean => 3.5\n3.5",
    );
    traced(
        "sum",
        "select sum(w)-max(w) from Vector w where w in winagg(siota(1,4),2,2);",
        "sum([1,2])\nsum => 3\n1\nsum([3,4])\nsum => 7\n3",
    );
    traced(
        "count",
        "select x, count(y) from Integer x, Integer y
         where x in iota(1,1) and y in bag(1,2) group by x;",
        "count(bag(1,2))\ncount => 2\n[1,2]",
    );
}
