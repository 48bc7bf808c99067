//! What is too long, too large, too deep or too far away is an error, and what takes long can be
//! stopped.

use std::time::{Duration, Instant};

use crate::support::session::Db;

#[test]
fn spans_of_time_saturate() {
    let mut db = Db::new();
    for limit in ["9223372036854775807", "1e19", "1e300"] {
        db.gives(&format!("timeout(siota(1,3),{limit});"), "1\n2\n3");
        db.gives(&format!("first_n(heartbeat({limit}),1);"), "0.0");
        db.gives(
            &format!("streams:time_section(siota(1,3),0,{limit});"),
            "1\n2\n3",
        );
        db.gives(
            &format!("streams:debounce(siota(1,3),0,{limit});"),
            "1\n2\n3",
        );
    }
    for none in ["-1", "exp(1000)-exp(1000)"] {
        db.fails(
            &format!("timeout(siota(1,3),{none});"),
            &["number of seconds"],
        );
    }
    Db::with_timeout(Some(Duration::MAX)).gives("siota(1,2);", "1\n2");
}

#[test]
fn a_stream_of_integers_begins_with_one() {
    let mut db = Db::new();
    db.fails(
        "siota(-1e300,5);",
        &["a whole number of 64 bits is wanted here, not -1e300"],
    );
    db.gives("first_n(siota(1,1e300),2);", "1\n2");
}

#[test]
fn rounding_reaches_the_smallest_numbers() {
    let mut db = Db::new();
    db.gives(
        "roundto(1e-300,310); roundto(1e-300,299); roundto(1.26e300,-299); roundto(5e-324,400);
         roundto(2.675,2); roundto(1e300,-301);",
        "1e-300\n0.0\n1.3e300\n5e-324\n2.68\n0.0",
    );
}

#[test]
fn a_deviation_has_no_limit_of_size() {
    let mut db = Db::new();
    db.gives("stdev(bag(1e200,2e200,3e200));", "1e200");
    db.gives("stdev([1e-200,2e-200,3e-200]);", "1e-200");
    db.gives(
        "winagg(streamof(bag(1e200,2.0,4.0,6.0)),3,1);",
        "[1e200,2.0,4.0]\n[2.0,4.0,6.0]",
    );
}

#[test]
fn sizes_are_checked_before_memory_is_taken() {
    let mut db = Db::new();
    for large in ["9223372036854775807", "10000000000", "16777217"] {
        db.fails(
            &format!("histogram(bag(1,2),0,1,{large});"),
            &["cannot have"],
        );
    }
    db.fails(
        "vectorof(siota(1,1000000000000));",
        &["cannot have more than 16777216 elements"],
    );
    db.fails(
        "create function twice(Charstring s) -> Charstring as
           { declare Charstring t, Integer i; set t = s; set i = 0;
             while i < 64 do set t = t + t; set i = i + 1; end while; return t; };
         twice('abcdefgh');",
        &["a string cannot have more than 268435456 bytes"],
    );
}

/// The function `deep(n)`: a vector in a vector and so on, made step by step.
const DEEP: &str = "
    create function deep(Integer n) -> Object as
      { declare Object v, Integer i; set v = 1; set i = 0;
        while i < n do set v = [v]; set i = i + 1; end while; return v; };
    create function around(Object v) -> Object as [v];
    create function around(Object v, Object x) -> Object as [v];";

#[test]
fn values_have_a_depth_that_everything_can_walk() {
    let mut db = Db::of(DEEP);
    let too_deep = &["a value cannot be nested deeper than 1000"];
    for statement in [
        "deep(2000000);",
        "set :v = [deep(1000)];",
        "aggregate(siota(1,2000000), 1, #'object.object.around->object');",
        "iterate(#'object.around->object', 2000000, 1);",
        "count(tclose(#'object.around->object', 1));",
        "create function kept(Integer i) -> Object as stored; set kept(1) = [deep(1000)];",
    ] {
        db.fails(statement, too_deep);
    }
    db.does("set :v = deep(1000);");
    for statement in [
        "count(bag(roundto(:v,1)));",
        "count(bag(substv(1,2,:v)));",
        "count(bag(:v + :v));",
        "count(bag(:v .* :v));",
        "count(bag(stringify(:v)));",
        "count(bag(sha256(stringify(:v))));",
        "count(unique(bag(:v,:v)));",
        "count(bag(pp(:v)));",
    ] {
        db.gives(statement, "1");
    }
    db.gives(":v = :v;", "true");
    db.fails("vmean(bag(:v));", &["error: "]);
    db.fails("transpose(:v);", &["error: "]);
}

#[test]
fn subscripts_in_a_row_are_counted() {
    let mut db = Db::of("set :x = [[1]];");
    db.gives(":x[1][1];", "1");
    let many = "[1]".repeat(1_000_000);
    db.fails(
        &format!(":x{many};"),
        &["more than 1000 operators or subscripts"],
    );
    db.fails(
        &format!("f(1){many};"),
        &["more than 1000 operators or subscripts"],
    );
}

#[test]
fn what_functions_print_as_reads_back() {
    let mut db = Db::new();
    db.gives("unstringify(stringify(#'sin')) = #'sin';", "true");
    db.gives(
        "unstringify(stringify([#'number.number.plus->number']));",
        "[#'number.number.plus->number']",
    );
    db.fails(
        "unstringify(\"#'nowhere'\");",
        &["there is no function 'nowhere'"],
    );
}

#[test]
fn an_aggregate_of_columns_gives_one_value_of_each() {
    let mut db = Db::new();
    db.gives("aggv(bag([1,2],[3,4]), #'bag.sum->number');", "[4,6]");
    db.fails(
        "aggv(bag([1,2],[3,4]), #'sin');",
        &["aggv wants one value of each column, and 'sin' gives several"],
    );
}

#[test]
fn a_long_vector_is_printed_prettily_in_linear_memory() {
    let mut db = Db::of(DEEP);
    let started = Instant::now();
    db.gives("dim(pp(vectorof(siota(1,200000)))) > 200000;", "true");
    assert!(started.elapsed() < Duration::from_secs(30));
}

#[test]
fn a_product_of_matrices_is_right_and_can_be_stopped() {
    let mut db = Db::new();
    db.gives("[[1,2],[3,4]] * [[5,6],[7,8]];", "[[19,22],[43,50]]");
    db.gives(
        "[[1.0,2.0],[3.0,4.0]] * [[5.0,6.0],[7.0,8.0]];",
        "[[19.0,22.0],[43.0,50.0]]",
    );
    db.gives("[[1,2.0]] * [[5],[7]];", "[[19.0]]");
    db.fails("[[4611686018427387904]] * [[4]];", &["integer overflow"]);
    db.does(
        "set :m = vectorof(select vectorof(siota(1,600)) from Integer i where i in siota(1,600));",
    );
    let statement = "count(bag(:m * :m * :m * :m * :m * :m * :m * :m));";
    let stopper = db.stop_when_it_runs(statement);
    db.fails(statement, &["stopped by the test"]);
    stopper.join().expect("it was running");
}
