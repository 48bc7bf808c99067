//! A bad message is not the end: what fails in a query over a live stream is set aside, said, counted
//! and acknowledged, and the rest goes on.

use crate::support::mosquitto::Mosquitto;
use crate::support::osql::{Osql, Output, osql};
use crate::support::session::Db;
use crate::support::subscriber::Subscriber;
use crate::support::table::each_row;

/// The statement that registers the broker as `m`.
fn register(broker: &Mosquitto, options: &str) -> String {
    let at = broker.url("tcp");
    format!("set :m = mqtt:register_client('m',{{'connection':'{at}', 'qos': 1{options}}});\n")
}

/// Publishes these payloads on the topic `t`, one after the other.
fn send(broker: &Mosquitto, payloads: &[&str]) {
    let lines = payloads.iter().map(|p| format!("{p}\n")).collect();
    broker.publish_lines("t", 1, lines);
}

/// What comes of a script that subscribes to `m:t`, where these payloads are sent then.
fn fed(osql: Osql, script: &str, payloads: &[&str]) -> Output {
    let broker = Mosquitto::start("log_type debug");
    let script = register(&broker, "") + script;
    let mut osql = osql.statements(&script).spawn();
    broker.wait_for_subscriptions(1);
    send(&broker, payloads);
    osql.wait()
}

/// The numbers that are sent as JSON.
const NUMBERS: &str = "json:unstringify(charstring(subscribe('m:t')))";

#[test]
fn every_kind_of_live_query_goes_on_after_a_bad_message() {
    let rows = [
        // A condition of a select.
        (
            "select n*2 from Number n, Binary b where b in subscribe('m:t')
               and n = json:unstringify(charstring(b)) limit 3"
                .to_owned(),
            "2\n4\n8\n",
        ),
        // The result of a select, and one that is taken apart.
        (
            "first_n((select stream of 10/(x-2) from Number x where x in
               bag_of_numbers(subscribe('m:t'))), 2)"
                .to_owned(),
            "-10.0\n5.0\n",
        ),
        // A function applied to each element.
        (format!("first_n({NUMBERS},3)"), "1\n2\n4\n"),
        // A stream whose elements are declared.
        ("first_n(numbers(),3)".to_owned(), "1\n2\n4\n"),
        // An operator over the stream.
        (
            format!("first_n(winagg({NUMBERS},1,1),3)"),
            "[1]\n[2]\n[4]\n",
        ),
        // Streams that run on threads of their own.
        (
            format!("first_n(merge({NUMBERS},streamof(bag())),3)"),
            "1\n2\n4\n",
        ),
        (
            format!(
                "first_n((select stream of 4/(x-2) from Number x where x in merge({NUMBERS},streamof(bag()))),2)"
            ),
            "-4.0\n2.0\n",
        ),
        // Rows that are sorted and grouped once all have come.
        (
            format!("select x from Number x where x in first_n({NUMBERS},3) order by 4/(x-2) desc"),
            "4\n1\n",
        ),
        (
            format!(
                "select g, count(x) from Number x, Number g where x in first_n({NUMBERS},3)
                   and g = 4/(x-2) group by g order by g"
            ),
            "[-4.0,1]\n[2.0,1]\n",
        ),
    ];
    each_row(rows, |(query, expected)| {
        let defined = "create function numbers() -> Stream of Number
              as json:unstringify(charstring(subscribe('m:t')));
            create function bag_of_numbers(Stream s) -> Stream of Number
              as select stream of n from Number n, Binary b where b in s
                  and n = json:unstringify(charstring(b));\n";
        let script = format!("{defined}{query}; mqtt:status('m')['failed-elements'] > 1;");
        let output = fed(osql(), &script, &["1", "{bad", "2", "\"", "4", "5"]);
        assert_eq!(output.stdout, format!("{expected}true\n"), "{output:?}");
        assert_eq!(output.code, 0, "{output:?}");
        let said = "warning: an element is set aside: ";
        assert_eq!(output.stderr.matches(said).count(), 1, "{output:?}");
    });
}

#[test]
fn the_first_is_reported_with_its_message_and_the_rest_are_counted() {
    let script = format!("first_n({NUMBERS},2);");
    let output = fed(
        osql(),
        &script,
        &["1", "{\"temp\": bl\u{1b}[31mue", "[", "2", "3"],
    );
    assert_eq!(output.stdout, "1\n2\n");
    let said = &output.stderr;
    assert!(said.contains("element 2 of"), "{said}");
    assert!(
        said.contains("on \"t\" with the payload \"{\\\"temp\\\": bl"),
        "{said}"
    );
    assert!(
        said.contains("warning: 2 elements failed and were set aside\n"),
        "{said}"
    );
    assert!(!said.contains('\u{1b}'), "{said:?}");
}

#[test]
fn bytes_that_are_no_text_and_an_empty_payload_are_set_aside() {
    let broker = Mosquitto::start("log_type debug");
    let script = register(&broker, "") + &format!("first_n({NUMBERS},2);");
    let mut osql = osql().statements(&script).spawn();
    broker.wait_for_subscriptions(1);
    broker.publish("t", "1", &[]);
    broker.publish("t", "", &["-r"]);
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), [0xff, 0xfe, 0x00]).expect("written");
    broker.publish_file("t", file.path(), &[]);
    broker.publish("t", "2", &[]);
    let output = osql.wait();
    assert_eq!(output.stdout, "1\n2\n", "{output:?}");
    assert!(output.stderr.contains("2 elements failed"), "{output:?}");
}

/// Many messages at once, of which fields are asked for: what fails among them is said with its own
/// message, however many there were together.
#[test]
fn what_fails_among_many_is_told_from_the_rest() {
    let rows = [
        ("select r['n'] from", "", "fields"),
        ("select r from", " and r['n'] >= 0", "records"),
        (
            "select r['n'], r['text'] from",
            " and r['n'] >= 0",
            "tuples",
        ),
    ];
    each_row(rows, |(select, condition, form)| {
        let query = format!(
            "{select} Record r, Binary b where b in subscribe('m:t')
               and r = json:unstringify(charstring(b)){condition} limit 1497;"
        );
        let mut payloads = Vec::new();
        let mut expected = String::new();
        for n in 0..1500 {
            let good = n % 500 != 333;
            payloads.push(match n {
                _ if good => format!("{{\"text\": \"grün\", \"n\": {n}}}"),
                333 => "[1,2]".to_owned(),
                833 => "{\"n\": 833, \"text\": \"}".to_owned(),
                _ => "{\"text\": \"x\", \"n\": \"never\"".to_owned(),
            });
            if good {
                expected += &match form {
                    "fields" => format!("{n}\n"),
                    "records" => format!("{{\"text\":\"grün\",\"n\":{n}}}\n"),
                    _ => format!("[{n},\"grün\"]\n"),
                };
            }
        }
        let payloads: Vec<&str> = payloads.iter().map(String::as_str).collect();
        let output = fed(osql(), &query, &payloads);
        assert_eq!(output.stdout, expected, "{form}");
        assert_eq!(output.code, 0, "{output:?}");
        let said = &output.stderr;
        // An array is no record, and passed over without a word.
        assert!(said.contains("element 834 of subscribe("), "{said}");
        assert!(said.contains("\\\"n\\\": 833"), "{said}");
        assert!(said.contains("2 elements failed"), "{said}");
    });
}

/// What a query has not come to is the next one's, where the session is kept.
#[test]
fn what_a_limit_leaves_of_many_is_there_for_the_next() {
    let broker =
        Mosquitto::start("log_type debug\nmax_queued_messages 0\nmax_inflight_messages 500");
    let kept = ", 'clientid': 'kept', 'cleansession': false";
    let read = |limit: usize| {
        register(&broker, kept)
            + &format!(
                "select r['n'] from Record r, Binary b where b in subscribe('m:t')
                   and r = json:unstringify(charstring(b)) and r['n'] >= 0 limit {limit};"
            )
    };
    let mut first = osql().statements(&read(3)).spawn();
    broker.wait_for_subscriptions(1);
    let payloads: Vec<String> = (0..100).map(|n| format!("{{\"n\":{n}}}")).collect();
    let payloads: Vec<&str> = payloads.iter().map(String::as_str).collect();
    send(&broker, &payloads);
    assert_eq!(first.wait().stdout, "0\n1\n2\n");
    let lines = |from: usize, to: usize| (from..to).map(|n| format!("{n}\n")).collect::<String>();
    osql().statements(&read(40)).run().expect_ok(&lines(3, 43));
    osql()
        .statements(&read(57))
        .run()
        .expect_ok(&lines(43, 100));
}

#[test]
fn under_bail_the_first_one_ends_the_query_and_the_script() {
    let script = format!("first_n({NUMBERS},2); 'not reached';");
    let output = fed(osql().arg("--bail"), &script, &["1", "{bad", "2", "3"]);
    assert_eq!(output.stdout, "1\n", "{output:?}");
    output.expect_error(1, "error: element 2 of ");
}

#[test]
fn a_background_job_lives_on() {
    let broker = Mosquitto::start("log_type debug");
    let passed_on = Subscriber::start(&broker, "out");
    let mut osql = osql().spawn();
    osql.send(&(register(&broker, "") + &format!("background(publish({NUMBERS}, 'm:out'));\n")));
    broker.wait_for_subscriptions(2);
    send(&broker, &["1", "{bad", "2", "nonsense", "3"]);
    assert_eq!(passed_on.messages(3), ["1", "2", "3"]);
    osql.stderr.wait_line("warning: an element is set aside: ");
    osql.send("select j['job'] from Record j where j in jobs();\n");
    assert_eq!(osql.stdout.wait_lines(1)[0], "1");
    assert_eq!(osql.finish().code, 0);
}

#[test]
fn what_is_set_aside_is_acknowledged() {
    let broker = Mosquitto::start("log_type debug");
    let kept = ", 'clientid': 'kept', 'cleansession': false";
    let script = register(&broker, kept) + &format!("first_n({NUMBERS},2);");
    let mut first = osql().statements(&script).spawn();
    broker.wait_for_subscriptions(1);
    send(&broker, &["1", "{bad", "2"]);
    assert_eq!(first.wait().stdout, "1\n2\n");
    send(&broker, &["3", "4"]);
    let second = osql().statements(&script).run();
    second.expect_ok("3\n4\n");
}

#[test]
fn over_finite_data_an_error_stays_an_error() {
    let mut db = Db::new();
    db.fails("json:unstringify(bag('1','{bad','2'));", &["json"]);
    db.fails(
        "select 1/(2-x) from Integer x where x in siota(1,3);",
        &["element 2 of siota(1,3): division by zero"],
    );
}

#[test]
fn try_stands_in_for_what_fails() {
    let mut db = Db::of("create function f(Number x) -> Bag of Number as bag(1, 2/x);");
    let rows = [
        ("try(1/0, -1);", "-1"),
        ("try(1/2, 1/0);", "0.5"),
        (
            "select try(10/x, 'none') from Number x where x in bag(0,5);",
            "\"none\"\n2.0",
        ),
        ("try(json:unstringify(bag('1','{bad')), null);", "1\nnull"),
        ("try(f(0), 7);", "7"),
        (
            "count(try(json:unstringify(bag('1','{bad')), bag(7,8)));",
            "3",
        ),
        ("first_n(try(1/(3-siota(1,3)), 9),3);", "0.5\n1.0\n9"),
        ("try(null, 1);", "null"),
        (
            "select x from Number x where x in bag(1,0,2) and try(1/x,5) > 0.7;",
            "1\n0",
        ),
        ("try(try(1/0, 2/0), 'b');", "\"b\""),
        ("call(#'try', 1, 2);", "1"),
    ];
    each_row(rows, |(script, lines)| {
        db.gives(script, lines);
    });
    db.fails("try(1/0, 1/0);", &["division by zero"]);
    // What is wrong however it runs is said before.
    db.fails("try(no_such_function(1), 2);", &["no_such_function"]);
}
