//! An element that fails inside a pipeline: the error says which element of which stream, however the
//! stream is made and whoever takes from it.

use crate::support::mosquitto::Mosquitto;
use crate::support::osql::osql;
use crate::support::session::Db;
use crate::support::table::each_row;

/// Functions that fail on some elements, streams with such elements, and stores.
const WORLD: &str = "
    create function inverse(Number x) -> Number as 1/(3-x);
    create function steps(Number n) -> Stream as siota(1,n);
    create function mixed() -> Stream as streamof(in([1,2,'three',4]));
    create function stamped() -> Stream as streamof(bag(ts(timeval(5),1), ts(timeval(6),2), ts(timeval(4),3)));
    create function never(Timeval tv) -> Boolean as value(tv) / 0 > 1;
    create function neither(Vector w, Object p) -> Boolean as w[1]/(3-w[1]) > 100;
    create function latest() -> Integer as stored;
    create function each(Number n) -> Number as
      { declare Number y; for each Number x where x in siota(1,n) { set y = inverse(x); }; return y; };
    set :mixed = mixed();";

#[test]
fn an_error_names_the_element_and_its_stream() {
    let mut db = Db::of(WORLD);
    let rows = [
        // A select over a stream: its condition, its result, what it is sorted by.
        (
            "select 1/(3-x) from Number x where x in siota(1,9);",
            "element 3 of siota(1,9): division by zero",
        ),
        (
            "select x from Number x where x in siota(1,9) and 1/(2-x) < 7;",
            "element 2 of siota(1,9): division by zero",
        ),
        (
            "select Vector of x from Number x where x in siota(1,9) order by 1/(4-x);",
            "element 4 of siota(1,9): division by zero",
        ),
        (
            "select x, count(y) from Number x, Number y where x in siota(1,9) and y in iota(1,2) and 1/(5-x) < 7 group by x;",
            "element 5 of siota(1,9): division by zero",
        ),
        // Its number counts what came in, not what passed.
        (
            "select 1/(8-x) from Number x where x in siota(1,9) and x > 6;",
            "element 8 of siota(1,9): division by zero",
        ),
        // Two streams: the element of each.
        (
            "select 1/(x-y) from Number x, Number y where x in siota(2,9) and y in steps(3) and y > 1;",
            "element 1 of siota(2,9): element 2 of steps(3): division by zero",
        ),
        (
            "select x[1]/x[2] from Vector x, Stream s where s = winagg(siota(-3,9),2,1) and x in s;",
            "element 3 of s: division by zero",
        ),
        // Functions over each element.
        (
            "inverse(siota(1,9));",
            "element 3 of siota(1,9): division by zero",
        ),
        (
            "sqrt(1-siota(1,9));",
            "element 2 of siota(1,9): sqrt(-1.0) is not defined",
        ),
        (
            "1/(5-siota(1,9));",
            "element 5 of siota(1,9): division by zero",
        ),
        ("each(9);", "element 3 of siota(1,n): division by zero"),
        // In batches and after them.
        (
            "sum(select 1/(5000-x) from Number x where x in siota(1,9000));",
            "element 5000 of siota(1,9000): division by zero",
        ),
        // Operators.
        (
            "rsum(mixed());",
            "element 3 of mixed(): rsum wants numbers, not \"three\"",
        ),
        (
            "ravg(:mixed);",
            "element 3 of the stream of ravg: ravg wants numbers, not \"three\"",
        ),
        (
            "histogram(mixed(),0,9,3);",
            "element 3 of mixed(): histogram wants numbers, not \"three\"",
        ),
        (
            "histogram(streamof(in([[1,2],[1]])),[[0,4,2],[0,6,3]]);",
            "element 2 of streamof(in([[1,2],[1]])): histogram wants vectors of 2, not [1]",
        ),
        (
            "changed(streamof(in([[1,2],[1,3],7])),[1]);",
            "element 3 of streamof(in([[1,2],[1,3],7])): changed compares vectors at positions, not 7",
        ),
        (
            "twinagg(stamped(),1,1);",
            "element 3 of stamped(): time goes backwards in the stream of twinagg",
        ),
        (
            "twinagg(stamped(),1,#'never');",
            "element 1 of stamped(): division by zero",
        ),
        (
            "predwin(siota(1,9),1,0,#'neither',#'neither');",
            "element 3 of siota(1,9): division by zero",
        ),
        (
            "mean(winagg(mixed(),2,1));",
            "element 3 of mixed(): a vector of numbers is wanted here",
        ),
        (
            "median(winagg(mixed(),2,2));",
            "element 2 of winagg(mixed(),2,2): \"three\" is not a number",
        ),
        (
            "playback(streamof(in([[1,1],[1,2],['soon',3]])));",
            "element 3 of streamof(in([[1,1],[1,2],['soon',3]])): playback wants elements with a time stamp",
        ),
        (
            "pivot_events(['a'],streamof(in([[1,'a',1],[2]])));",
            "element 2 of streamof(in([[1,'a',1],[2]])): an event is [time, key, value], not [2]",
        ),
        (
            "save_last_element(:mixed,#'latest');",
            "element 3 of the stream of save_last_element: ",
        ),
        // Through operators that take whatever comes, the failing element is that of the source.
        (
            "first_n(skip(concat(siota(1,2),rsum(mixed())),1),9);",
            "element 3 of mixed(): rsum wants numbers",
        ),
        (
            "winagg(inverse(siota(1,9)),2,1);",
            "element 3 of siota(1,9): division by zero",
        ),
        (
            "timeout(inverse(siota(1,9)),60);",
            "element 3 of siota(1,9): division by zero",
        ),
        (
            "publish(inverse(siota(1,9)),'f');",
            "element 3 of siota(1,9): division by zero",
        ),
        // Streams on threads of their own: which input, too.
        (
            "merge(heartbeat(3600),inverse(siota(1,9)));",
            "input 2 of merge: element 3 of siota(1,9): division by zero",
        ),
        (
            "streams:pivot([inverse(siota(1,9)),heartbeat(3600)]);",
            "input 1 of pivot: element 3 of siota(1,9): division by zero",
        ),
        (
            "streams:zip([siota(1,9),rsum(mixed())]);",
            "input 2 of zip: element 3 of mixed(): rsum wants numbers",
        ),
        (
            "sample_every(inverse(diota(0.001,1,9)),60);",
            "input 1 of sample_every: element 3 of diota(0.001,1,9): division by zero",
        ),
        // What takes a stream to its end.
        (
            "sink(rsum(mixed()));",
            "element 3 of mixed(): rsum wants numbers",
        ),
        (
            "count(rsum(mixed()));",
            "element 3 of mixed(): rsum wants numbers",
        ),
        (
            "vectorof(inverse(siota(1,9)));",
            "element 3 of siota(1,9): division by zero",
        ),
    ];
    each_row(rows, |(pipeline, says)| {
        let printed = db.run(pipeline);
        let error = printed.lines().find(|line| line.starts_with("error: "));
        assert!(
            error.is_some_and(|error| error[7..].starts_with(says)),
            "{pipeline}\n  wanted {says}\n  printed {printed}"
        );
    });
}

#[test]
fn what_is_about_no_element_names_none() {
    let mut db = Db::of(WORLD);
    let rows = [
        // The stream itself does not begin, or is not what the function takes.
        (
            "rsum(readlines('/nowhere/at/all'));",
            "error: cannot read /nowhere/at/all",
        ),
        ("winagg(siota(1,9),0,1);", "error: the size of a window"),
        // Only the sum of all is too large.
        (
            "sum(extract(concat(siota(1,2),siota(9223372036854775807,9223372036854775807))));",
            "error: ",
        ),
        // A bag is none.
        ("inverse(iota(1,9));", "error: division by zero"),
    ];
    each_row(rows, |(pipeline, says)| {
        let printed = db.run(pipeline);
        let error = printed.lines().find(|line| line.starts_with(says));
        assert!(
            error.is_some_and(|e| !e.contains("element ")),
            "{pipeline}: {printed}"
        );
    });
    let mut hurried = Db::with_timeout(Some(std::time::Duration::from_millis(20)));
    let printed = hurried.run("select sleep(x) from Number x where x in siota(0,9);");
    assert!(!printed.contains("element"), "{printed}");
}

#[test]
fn the_place_is_where_the_stream_was_made() {
    let ran = osql()
        .stdin("set :s =\n  rsum(streamof(in([1,'x'])));\nselect x from Number x where x in :s;\n")
        .run();
    ran.expect_error(
        1,
        "error: element 2 of streamof(in([1,'x'])): rsum wants numbers",
    );
    assert!(ran.stderr.contains("<stdin>:2:3"), "{ran:?}");
    // Not a place within what is built in.
    let ran = osql().stdin("simstream(-1);\n").run();
    assert!(ran.stderr.contains("<stdin>:1:1"), "{ran:?}");
}

#[test]
fn elements_of_a_flow_and_of_a_topic() {
    let broker = Mosquitto::start("log_type all");
    let mut db = Db::bailing();
    db.does(&format!(
        "set :m = mqtt:register_client('m',{{'connection':'{}'}});",
        broker.url("tcp")
    ));
    // The merge of a stream with what reads it back: it fails in the reader, at its second message.
    let read = |flow: &str, parse: &str| {
        format!(
            "merge(streamof(sink(publish(sample_stream(streamof(in(['7','{{'])),0.01),'{flow}'))),
                   (select Stream of {parse} from Object x where x in subscribe('{flow}')));"
        )
    };
    db.fails(
        &read("f", "json:unstringify(x)"),
        &[
            "error: input 2 of merge: element ",
            " of subscribe('f'): not JSON",
        ],
    );
    db.fails(
        &read("m:t", "json:unstringify(charstring(x))"),
        &[
            "error: input 2 of merge: element ",
            " of subscribe('m:t'): not JSON",
        ],
    );
    // What cannot be sent is an element of what was to be published.
    db.fails(
        "publish(vstream([1,[siota(1,2)]]),'m:t');",
        &["error: element 2 of vstream([1,[siota(1,2)]]): a stream has no JSON form"],
    );
}
