//! What is likely wrong is noted before it runs, or refused: nobody waits for what cannot come.

use crate::support::osql::osql;
use crate::support::session::Db;

/// Runs statements; gives what they print, and what is noted.
fn run(statements: &str) -> (String, String) {
    let output = osql().statements(statements).run();
    (output.stdout, output.stderr)
}

#[test]
fn an_aggregate_of_one_value_is_noted() {
    let (printed, noted) = run("select count(i) from Integer i where i in iota(1,3);");
    assert_eq!(printed, "1\n1\n1\n");
    assert!(
        noted.contains("note: count(i) is about one value"),
        "{noted}"
    );
    assert!(noted.contains("count(select i from …)"), "{noted}");
    for meant in [
        "count(select i from Integer i where i in iota(1,3));",
        "select mod(i,2), count(i) from Integer i where i in iota(1,3) group by mod(i,2);",
        "select sum(w) from Vector w where w in bag([1,2],[3,4]);",
        "create function total(Bag of Integer b) -> Integer as sum(b); total(iota(1,3));",
        "create function one(Integer i) -> Integer as sum(i); one(3);",
    ] {
        assert_eq!(run(meant).1, "", "{meant}");
    }
    let quiet = osql()
        .args([
            "--quiet",
            "-o",
            "select count(i) from Integer i where i in iota(1,2);",
        ])
        .run();
    assert_eq!(
        (quiet.stdout.as_str(), quiet.stderr.as_str()),
        ("1\n1\n", "")
    );
}

#[test]
fn a_string_beside_a_number_is_noted() {
    let text = "select s from Charstring s where s in bag('1','20') and s < 3;";
    let (printed, noted) = run(text);
    assert_eq!(printed, "");
    assert!(noted.contains("every number is less"), "{noted}");
    assert!(noted.contains("aton(s)"), "{noted}");
    assert_eq!(
        run("select s from Charstring s where s in bag('1','20') and aton(s) < 3;").1,
        ""
    );
    // Once, however many there are, and in whatever way the query runs.
    for text in [
        "select x from Object x where x in bag('1',2,'3','4') and x < 3;",
        "select r['v'] from Record r where r in bag({'v':'1'},{'v':2},{'v':'3'}) and r['v'] < 3;",
        "create function texts() -> Bag of Object as select ntoa(i) from Integer i where i in iota(1,3000);
         count(select x from Object x where x in texts() and x < 3);",
    ] {
        let noted = run(text).1;
        assert_eq!(noted.matches("is compared with the number 3").count(), 1, "{text}: {noted}");
    }
    for text in [
        "select x from Object x where x in bag('1','2') and x < '3';",
        "select x from Object x where x in bag('1',2) and x = 2;",
        "select x from Object x where x in bag('1',2) order by x;",
    ] {
        assert_eq!(run(text).1, "", "{text}");
    }
}

#[test]
fn what_waits_for_the_end_of_an_endless_stream_is_noted() {
    for (text, what) in [
        ("mean(heartbeat(0.01));", "an aggregate"),
        (
            "count(select x from Number x where x in heartbeat(0.01));",
            "an aggregate",
        ),
        (
            "select x from Number x where x in heartbeat(0.01) order by x;",
            "order by",
        ),
        (
            "select mod(x,2), count(x) from Number x where x in heartbeat(0.01) group by mod(x,2);",
            "group by",
        ),
    ] {
        let output = osql().args(["--timeout", "0.2", "-o", text]).run();
        let expected = format!("note: {what} needs all of a stream that never ends");
        assert!(
            output.stderr.contains(&expected),
            "{text}: {}",
            output.stderr
        );
    }
    for text in [
        "mean(first_n(heartbeat(0.01),3));",
        "count(timeout(heartbeat(0.01),0.05)) > 0;",
        "count(select x from Number x where x in heartbeat(0.01) limit 2);",
        "select x from Number x where x in siota(1,3) order by x;",
    ] {
        assert_eq!(run(text).1, "", "{text}");
    }
}

#[test]
fn a_topic_without_a_client_is_refused() {
    let mut db = Db::new();
    for text in [
        "subscribe('home/#');",
        "publish(siota(1,3),'home/a');",
        "subscribe('+');",
    ] {
        db.fails(text, &["looks like an MQTT topic", "'client:"]);
    }
}

#[test]
fn words_of_other_languages_are_answered() {
    let mut db = Db::of("set :t = 5;");
    for (text, words) in [
        (
            "select t from Integer i where i in iota(1,3);",
            "session variables have a colon: ':t'",
        ),
        ("t;", "session variables have a colon: ':t'"),
        ("print 'hello';", "print(x)"),
        ("def f(x): return x;", "create function"),
        ("import json;", "load_osql('file')"),
        ("for i in range(3): print(i);", "for each"),
        ("show tables;", "userfunctions()"),
        ("describe t;", "doc('name')"),
        ("select temp from sensors;", "from Record r where r in"),
        ("!true;", "written not"),
    ] {
        db.fails(text, &[words]);
    }
}
