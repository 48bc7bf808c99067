//! What a query holds in memory is counted in bytes; too much is an error that says who holds it.

use crate::support::osql::osql;
use crate::support::session::Db;

/// The most memory that the process ever held, in megabytes; asked for at the end of a script.
const PEAK: &str = "select l from Charstring l where l in readlines('/proc/self/status') \
                    and like(l, 'VmHWM:*');";

/// Queries that hold far more than 50 MB, and the operator that holds it.
const LARGE: &[(&str, &str)] = &[
    (
        "count(select distinct i from Integer i where i in iota(1,100000000));",
        "distinct ",
    ),
    (
        "count(select i from Integer i where i in union(iota(1,100000000), iota(1,5)));",
        "unique ",
    ),
    (
        "first(select i, -i from Integer i where i in iota(1,100000000) order by -i);",
        "'order by' ",
    ),
    (
        "first(select i, count(i) from Integer i where i in iota(1,100000000) group by i);",
        "'group by' ",
    ),
    (
        "first(select mod(i,3), median(i) from Integer i where i in iota(1,100000000) \
         group by mod(i,3));",
        "'group by' ",
    ),
    (
        "count(select i from Integer i, Integer j where i in iota(1,10000000) \
         and j in iota(1,10000000) and i * 2 = j * 3);",
        "the inner side of a hash join ",
    ),
    (
        "dim(select vector of i from Integer i where i in iota(1,100000000));",
        "a vector ",
    ),
    (
        "dim(vectorof(siota(1,100000000)));",
        "a bag that is collected ",
    ),
    ("median(iota(1,100000000));", "median "),
    (
        "count(select i from Integer i where i in iota(1,100000000) or i in iota(5,100000000));",
        "one side of an 'or' ",
    ),
    (
        "first(select i from Integer i, Charstring s where i in iota(1,100000000) \
         and s = 'a longer text that is one of its own: ' + ntoa(i) order by s);",
        "'order by' ",
    ),
    ("winagg(siota(1,100000000),90000000,1);", "winagg "),
    (
        "create function each_one() -> Bag of Integer as \
         { for each Integer i where i in iota(1,100000000) return i; }; count(each_one());",
        "'for each' ",
    ),
    (
        "create function f(Integer i) -> Integer as stored; \
         for each Integer i where i in iota(1,100000000) set f(i) = i;",
        "'for each' ",
    ),
];

#[test]
fn what_is_too_much_is_an_error_that_says_who_holds_it() {
    let mut script = String::new();
    for (query, _) in LARGE {
        script.push_str(query);
        script.push('\n');
    }
    script.push_str("1 + 1;\n");
    script.push_str(PEAK);
    let output = osql().args(["--memory", "50MB"]).stdin(&script).run();
    let errors: Vec<&str> = output
        .stderr
        .split("error: ")
        .filter(|error| !error.is_empty())
        .collect();
    assert_eq!(errors.len(), LARGE.len(), "{}", output.stderr);
    for ((query, operator), error) in LARGE.iter().zip(&errors) {
        let expected = format!("the query would hold more than 50 MB in memory: {operator}");
        assert!(error.starts_with(&expected), "{query}\n{error}");
        assert!(error.contains("<stdin>:"), "a place: {query}\n{error}");
        assert!(
            error.contains("osql --memory SIZE allows more"),
            "{query}\n{error}"
        );
    }
    // The session goes on, and memory has stayed near the limit.
    let lines = output.lines();
    assert_eq!(lines[0], "2");
    let digits: String = lines[1].chars().filter(char::is_ascii_digit).collect();
    let kilobytes: u64 = digits.parse().expect("a number");
    assert!(kilobytes < 100_000, "{kilobytes} kB");
    assert_eq!(output.code, 1);
}

#[test]
fn what_fits_runs() {
    let mut db = Db::with_memory(50_000_000);
    db.gives(
        "count(select distinct i from Integer i where i in iota(1,1000000));
         median(iota(1,1000000));
         count(select i from Integer i, Integer j where i in iota(1,300000) \
               and j in iota(1,300000) and i * 2 = j * 3);
         select i from Integer i where i in iota(1,9000000) order by -i limit 2;",
        "1000000\n500000.5\n100000\n9000000\n8999999",
    );
}

/// One outer row alone needs no more than one row of the inner side at a time.
#[test]
fn an_inner_side_of_any_length_is_gone_through_for_one_outer_row() {
    let mut db = Db::with_memory(5_000_000);
    let query = "select j from Integer i, Integer j where i in :few and j in iota(1,2000000) \
                 and j = i + 1;";
    db.gives(&format!("set :few = bag(1700000); {query}"), "1700001");
    db.does("set :few = bag(1700000,2);");
    db.fails(
        query,
        &["more than 5 MB in memory: the inner side of a hash join "],
    );
}

#[test]
fn jobs_and_threads_are_counted_as_well() {
    let mut db = Db::with_memory(20_000_000);
    db.fails(
        "merge(bag(streamof(select distinct i from Integer i where i in iota(1,10000000))));",
        &["the query would hold more than 20 MB in memory: distinct "],
    );
}

#[test]
fn an_operator_gives_back_what_it_held() {
    let mut db = Db::with_memory(30_000_000);
    let one = "count(select distinct j from Integer j where j in iota(1,400000))";
    db.gives(
        &format!("sum(select {one} from Integer i where i in iota(1,20));"),
        "8000000",
    );
}

#[test]
fn a_size_is_a_number_with_a_unit() {
    for wrong in ["5 apples", "0", "-1", "MB"] {
        let output = osql().args([format!("--memory={wrong}")]).run();
        assert_eq!(output.code, 2, "{wrong}: {}", output.stderr);
    }
    osql()
        .args(["--memory", "1.5GiB", "-o", "1;"])
        .run()
        .expect_ok("1\n");
}
