//! Windows by count, by time, by predicate, and aggregates that slide over them.

use crate::support::random::{Random, cases, generator};
use crate::support::session::Db;
use crate::support::table::each_row;

#[test]
fn count_windows() {
    let mut db = Db::new();
    db.gives("winagg(siota(1,7),3,3);", "[1,2,3]\n[4,5,6]");
    db.gives("winagg(siota(1,5),3,1);", "[1,2,3]\n[2,3,4]\n[3,4,5]");
    db.gives("winagg(siota(1,8),4,2);", "[1,2,3,4]\n[3,4,5,6]\n[5,6,7,8]");
    // The latest four at every sixth element.
    db.gives("winagg(siota(1,12),4,6);", "[3,4,5,6]\n[9,10,11,12]");
    db.gives("winagg(siota(1,30),1,10);", "[10]\n[20]\n[30]");
    db.gives("winagg(siota(1,2),3,1);", "");
    db.gives("first_n(dim(simwinstream(0.0001,50)),2);", "50\n50");
}

/// Streams and functions to make mistakes with.
const WORLD: &str = "
    set :numbers = siota(1,9);
    set :stamped = streamof(bag(ts(timeval(5),1), ts(timeval(6),2)));
    set :back = streamof(bag(ts(timeval(5),1), ts(timeval(6),2), ts(timeval(4),3)));
    set :rows = streamof(in([[1,2],[3,4]]));
    set :word = 'three';
    create function ever(Timeval tv) -> Boolean as true;
    create function anyway(Vector w, Object p) -> Boolean as true;";

#[test]
fn a_window_that_cannot_be_says_why_and_where() {
    let mut db = Db::of(WORLD);
    let size = "the size of a window is a whole number of elements from 1 up, not ";
    let stride = "the stride of a window is a whole number of elements from 1 up, not ";
    let seconds = "the size of a time window is a number of seconds above 0, not ";
    let step = "the stride of a time window is a number of seconds above 0, not ";
    let rows = [
        // Sizes and strides by count.
        ("winagg(:numbers,0,1)", size, "0"),
        ("winagg(:numbers,-3,1)", size, "-3"),
        ("winagg(:numbers,2.5,1)", size, "2.5"),
        ("winagg(:numbers,3,0)", stride, "0"),
        ("winagg(:numbers,3,-1)", stride, "-1"),
        ("winagg(:numbers,3,0.1)", stride, "0.1"),
        (
            "winagg(:numbers,1e12,1)",
            "a window cannot have 1000000000000 elements",
            "",
        ),
        (
            "winagg(:numbers,'three',1)",
            "'winagg' does not take (",
            "Charstring, Integer)",
        ),
        (
            "winagg(:numbers,1,:word)",
            "'winagg' does not take (",
            "Charstring)",
        ),
        (
            "winagg(:numbers,[3],1)",
            "'winagg' does not take (",
            "Vector of Number, Integer)",
        ),
        (
            "winagg(:numbers,3)",
            "'winagg' does not take 2 arguments",
            "",
        ),
        ("mean(winagg(:numbers,0,1))", size, "0"),
        ("sliding(:numbers,0,1,['sum'])", size, "0"),
        ("sliding(:numbers,1,0,['sum'])", stride, "0"),
        (
            "sliding(:numbers,1,1,['middle'])",
            "\"middle\" is no aggregate of a window",
            "",
        ),
        ("predwin(:numbers,0,1,#'anyway',#'anyway')", size, "0"),
        (
            "predwin(:numbers,-1,1,#'anyway',#'anyway',true)",
            size,
            "-1",
        ),
        (
            "predwin(:numbers,1.5,1,#'anyway',#'anyway')",
            "'predwin' wants its argument 'c' to be Integer, not ",
            "1.5",
        ),
        (
            "predwin(:numbers,1,1,#'nope',#'anyway')",
            "there is no function 'nope'",
            "",
        ),
        ("simwinstream(0.001,0)", size, "0"),
        (
            "simwinstream(-1,5)",
            "a pace is a number of seconds from 0 up, not ",
            "-1",
        ),
        // A stream where a number must be known.
        (
            "winagg(:numbers,heartbeat(1),1)",
            "'winagg' must know its argument 'size' to begin: one number, not a stream",
            "",
        ),
        (
            "winagg(:numbers,3,:numbers)",
            "'winagg' must know its argument 'stride' to begin",
            "",
        ),
        (
            "first_n(:numbers,siota(1,3))",
            "'first_n' must know its argument 'n' to begin",
            "",
        ),
        (
            "twinagg(:stamped,heartbeat(1),1)",
            "'twinagg' must know its argument 'size' to begin",
            "",
        ),
        (
            "predwin(:numbers,:numbers,1,#'anyway',#'anyway')",
            "'predwin' must know its argument 'c' to begin",
            "",
        ),
        // Sizes and strides by time.
        ("twinagg(:stamped,0,1)", seconds, "0"),
        ("twinagg(:stamped,-0.5,1)", seconds, "-0.5"),
        ("twinagg(:stamped,1e300,1)", seconds, "1e300"),
        ("twinagg(:stamped,1,0)", step, "0"),
        ("twinagg(:stamped,1,-1)", step, "-1"),
        ("twinagg(:stamped,0,1,timeval(1))", seconds, "0"),
        ("twinagg(:stamped,0,#'ever')", seconds, "0"),
        ("twinagg(:stamped,-1,#'ever',[1])", seconds, "-1"),
        (
            "twinagg(:stamped,'long',1)",
            "'twinagg' does not take (",
            "",
        ),
        (
            "twinagg(:stamped,1,1,'2024-01-01')",
            "'twinagg' does not take (",
            "Charstring)",
        ),
        (
            "twinagg(:stamped,1,1,[1,2])",
            "'twinagg' does not take (",
            "Vector of Number)",
        ),
        (
            "twinagg(:stamped,1,#'nope')",
            "there is no function 'nope'",
            "",
        ),
        // Elements without a time stamp, and stamps that go back.
        (
            "twinagg(siota(1,9),1,1)",
            "'twinagg' does not take (Stream of Integer",
            "",
        ),
        (
            "twinagg(:rows,1,1)",
            "element 1 of the stream of twinagg: twinagg wants elements with a time stamp, not ",
            "[1,2]",
        ),
        (
            "twinagg(:rows,1,1,timeval(1))",
            "element 1 of the stream of twinagg: twinagg wants elements with a time stamp, not ",
            "[1,2]",
        ),
        (
            "twinagg(:rows,1,#'ever')",
            "element 1 of the stream of twinagg: twinagg wants elements with a time stamp, not ",
            "[1,2]",
        ),
        (
            "twinagg(:back,1,1)",
            "element 3 of the stream of twinagg: time goes backwards in the stream of twinagg: ",
            "1970-01-01T00:00:04.000Z comes after 1970-01-01T00:00:06.000Z",
        ),
        (
            "twinagg(:back,1,1,timeval(9))",
            "element 3 of the stream of twinagg: time goes backwards",
            "",
        ),
        (
            "twinagg(:back,1,#'ever')",
            "element 3 of the stream of twinagg: time goes backwards",
            "",
        ),
        (
            "playback(:back)",
            "element 3 of the stream of playback: time goes backwards",
            "",
        ),
        (
            "playback(:numbers)",
            "element 1 of the stream of playback: playback wants elements with a time stamp, not ",
            "1",
        ),
    ];
    each_row(rows, |(call, says, what)| {
        let printed = db.run(&format!("{call};"));
        let error = printed.lines().find(|line| line.starts_with("error: "));
        let error = error.unwrap_or_else(|| panic!("{call} gives {printed}"));
        let at = error.find(says).map(|at| &error[at + says.len()..]);
        let rest = at.unwrap_or_else(|| panic!("{call}: {error}"));
        // What it is follows at once, where it is a value.
        let follows = rest.starts_with(what) || says.ends_with('(') && rest.contains(what);
        assert!(follows, "{call}: {error}");
        // The place is the call, or the part of it that is wrong.
        let place = error
            .rsplit_once(" at `")
            .map(|(_, place)| place.trim_end_matches('`'));
        assert!(
            place.is_some_and(|place| call.contains(place)),
            "{call}: {error}"
        );
    });
}

/// Readings at uneven moments, as (tenths of a second, value).
const READINGS: &str = "create function readings() -> Stream of Timeval
    as select Stream of ts(|2024-03-01T00:00:00Z| + x[1]/10, x[2]) from Vector x
        where x in [[0,16],[3,4],[4,8],[5,2],[7,1],[8,7],[10,3],[11,6],[12,9],[13,5],[15,12],[16,11]];";

#[test]
fn time_windows_follow_the_elements_own_time() {
    let mut db = Db::of(READINGS);
    db.gives(
        "value(twinagg(readings(),0.3,0.3));",
        "[16]\n[4,8,2]\n[1,7]\n[3,6]\n[9,5]",
    );
    db.gives(
        "first_n(twinagg(readings(),0.6,0.3),2);",
        "ts(|2024-03-01T00:00:00.600Z|,[16,4,8,2])\nts(|2024-03-01T00:00:00.900Z|,[4,8,2,1,7])",
    );
    // Half a second is in no window.
    db.gives("value(twinagg(readings(),0.3,0.8));", "[16]\n[7,3]");
    // A start in the past, between elements, and after the last.
    db.gives(
        "value(twinagg(readings(),0.5,0.5,|2024-02-29T23:59:59.8Z|));",
        "[16]\n[4,8,2,1]\n[7,3,6,9]",
    );
    db.gives(
        "value(twinagg(readings(),0.4,0.4,|2024-03-01T00:00:00.4Z|));",
        "[8,2,1]\n[7,3,6]\n[9,5,12]",
    );
    db.gives(
        "value(twinagg(readings(),0.4,0.4,|2024-03-01T01:00:00Z|));",
        "",
    );
}

#[test]
fn time_windows_without_elements_are_left_out() {
    let mut db = Db::of(
        "create function gap() -> Stream of Timeval
           as select Stream of ts(timeval(x), x) from Number x where x in [0, 1, 86400000, 86400003];",
    );
    db.gives(
        "twinagg(gap(),2,2);",
        "ts(|1970-01-01T00:00:02.000Z|,[0,1])\nts(|1972-09-27T00:00:02.000Z|,[86400000])",
    );
    db.gives("value(twinagg(gap(),0.001,0.001));", "[0]\n[1]\n[86400000]");
}

#[test]
fn time_must_be_there_and_go_on() {
    let mut db = Db::new();
    db.fails(
        "twinagg(streamof(bag(ts(timeval(2),'a'), ts(timeval(1),'b'))),1,1);",
        &[
            "error: element 2 of streamof(",
            "time goes backwards in the stream of twinagg: 1970-01-01T00:00:01.000Z comes after",
        ],
    );
    db.fails(
        "twinagg(streamof(bag(ts(timeval(2),'a'), [1,2])),1,1);",
        &[
            "error: element 2 of streamof(",
            "twinagg wants elements with a time stamp, not [1,2]",
            "ts(x) stamps x",
        ],
    );
    db.gives(
        "twinagg(streamof(bag(ts(timeval(2),'a'), ts(timeval(2),'b'), ts(timeval(4),'c'))),1,1);",
        "ts(|1970-01-01T00:00:03.000Z|,[\"a\",\"b\"])",
    );
}

#[test]
fn a_predicate_decides_which_time_windows_are_given() {
    let mut db = Db::of(READINGS);
    db.does(
        "create function high(Timeval of Number tn) -> Boolean as value(tn) > 8;
             create function above(Timeval of Number tn, Vector p) -> Boolean as value(tn) > p[1];",
    );
    // An element that is as old as the window is long is out.
    db.gives(
        "twinagg(readings(),0.2,#'high');",
        "ts(|2024-03-01T00:00:00.000Z|,[16])
         ts(|2024-03-01T00:00:01.200Z|,[6,9])
         ts(|2024-03-01T00:00:01.500Z|,[12])
         ts(|2024-03-01T00:00:01.600Z|,[12,11])",
    );
    db.gives("count(extract(twinagg(readings(),0.2,#'above',[7])));", "5");
    // The predicate is looked up when it is asked, with what it is given then.
    db.does("set :s = twinagg(readings(),0.2,#'high'); create function high(Timeval of Number tn) -> Boolean as value(tn) > 11;");
    db.gives("count(extract(:s));", "2");
    db.gives("select count(extract(twinagg(readings(),0.2,#'above',[n]))) from Integer n where n in bag(15,10);", "1\n3");
}

#[test]
fn windows_between_two_events() {
    let mut db = Db::of(
        "create function over(Vector cw, Number p) -> Boolean as cw[1] > p;
         create function under(Vector cw, Number p) -> Boolean as cw[1] <= p;
         create function jump(Vector cw, Number p) -> Boolean as abs(cw[2]-cw[1]) > p;
         create function signal() -> Stream as streamof(in([1,2,7,8,9,3,1,6,6,2,9]));",
    );
    db.gives("predwin(signal(),1,5,#'over',#'under');", "[7,8,9]\n[6,6]");
    // The first window is on from the start.
    db.gives(
        "predwin(signal(),1,5,#'over',#'under',true);",
        "[7,8,9]\n[6,6]",
    );
    db.gives(
        "predwin(streamof(in([7,8,1,9,1])),1,5,#'over',#'under',true);",
        "[7,8]\n[9]",
    );
    // Where leaving is entering, no element is lost between windows.
    db.gives(
        "predwin(signal(),2,3,#'jump',#'jump',true);",
        "[1,2]\n[7,8,9]\n[3,1]\n[6,6]\n[2]",
    );
    db.fails(
        "predwin(signal(),0,5,#'over',#'under');",
        &["the size of a window"],
    );
}

#[test]
fn aggregates_over_windows_are_those_of_their_elements() {
    // The windows themselves, and aggregates of them without making them: the same to the last digit.
    let mut db = Db::of(
        "set :numbers = (select Vector of 1000*sin(i*i) + i/3 from Integer i where i in iota(1,400));
         create function slid(Vector v, Number n, Number k) -> Bag of Vector
           as select sum(w), mean(w), stdev(w), min(w), max(w), dim(w)
                from Vector w where w in winagg(vstream(v), n, k);
         create function made(Vector v, Number n, Number k) -> Bag of Vector
           as select sum(w), mean(w), stdev(w), min(w), max(w), dim(w)
                from Vector w, Vector of Vector ws
               where ws = vectorof(winagg(vstream(v), n, k)) and w in ws;",
    );
    each_row(
        [(2, 1), (7, 1), (100, 1), (10, 3), (3, 10), (400, 1)],
        |(size, stride)| {
            let printed = db.run(&format!(
            "vectorize(slid(:numbers,{size},{stride})) = vectorize(made(:numbers,{size},{stride}));
             count(slid(:numbers,{size},{stride})) > 0;"
        ));
            assert_eq!(printed, "true\ntrue\n", "size {size}, stride {stride}");
        },
    );
}

#[test]
fn a_query_that_only_aggregates_windows_does_not_make_them() {
    let mut db = Db::new();
    db.gives(
        "explain('mean(winagg(siota(1,9),3,1))');",
        r#""for each [mean] in stream sliding(siota(1,9),3,1,[\"mean\"])  ~7 rows"
"give mean in batches  ~7 rows""#,
    );
    // The window itself is wanted.
    let explained =
        db.run("explain('select w, mean(w) from Vector w where w in winagg(siota(1,9),3,1)');");
    assert!(explained.contains("winagg"), "{explained}");
}

#[test]
fn windows_of_other_things_than_numbers() {
    let mut db = Db::new();
    db.gives(
        "max(winagg(streamof(in(['b','a','c'])),2,1));",
        "\"b\"\n\"c\"",
    );
    db.gives("sum(winagg(streamof(in([1,2,2.5])),2,1));", "3\n4.5");
    db.gives("stdev(winagg(siota(1,3),1,1));", "");
    db.gives(
        "select w[1], stdev(w) from Vector w where w in winagg(siota(1,3),2,1);",
        "[1,0.7071067811865476]\n[2,0.7071067811865476]",
    );
    db.fails(
        "mean(winagg(streamof(in([1,'two',3])),2,1));",
        &["a vector of numbers is wanted here, not [1,\"two\"]"],
    );
    db.fails(
        "sum(winagg(streamof(in([9223372036854775807,1])),2,1));",
        &["beyond 64 bits"],
    );
}

#[test]
fn sums_do_not_drift() {
    // After a large number has passed, nothing of it is left.
    let mut db = Db::new();
    db.gives(
        "sum(winagg(streamof(in([0.1,1e17,0.2,0.3,0.4])),2,1));",
        "1e17\n1e17\n0.5\n0.7",
    );
    db.gives(
        "sum(bag(0.1,0.2,0.3)); mean(bag(0.1,0.2,0.3)); sum([1e100,1,-1e100]);",
        "0.6\n0.19999999999999998\n1.0",
    );
}

/// Random streams, and queries over windows of them with and without making the windows.
#[test]
fn aggregates_over_time_windows_are_those_of_their_elements() {
    let mut db = Db::of(
        "create function kept(Vector v) -> Vector as v;
         create function stamps(Vector ts, Vector vs) -> Stream of Timeval
           as select Stream of ts(timeval(ts[i]), vs[i]) from Integer i where i in siota(1,dim(ts));",
    );
    for case in 0..cases(40) {
        let mut random = generator(case as u64);
        let (mut time, mut times, mut values) = (0.0, vec![], vec![]);
        for _ in 0..random.below(200) {
            time += *random.of(&[0.0, 0.25, 1.0, 3.0, 100.0]);
            times.push(format!("{time}"));
            values.push(match random.below(40) {
                0 => "null".to_owned(),
                1 => "'text'".to_owned(),
                _ if case % 2 == 0 => (random.below(1000) as i64 - 500).to_string(),
                _ => format!("{:.2}", random.below(1000) as f64 / 7.0),
            });
        }
        let (size, stride) = (
            *random.of(&[0.5, 2.0, 7.0, 60.0]),
            *random.of(&[0.5, 2.0, 9.0]),
        );
        let start = *random.of(&["", ",timeval(3)", ",timeval(250)"]);
        db.does(&format!(
            "set :times = [{}]; set :values = [{}];",
            times.join(","),
            values.join(",")
        ));
        for aggregate in ["sum", "mean", "max", "min", "stdev", "dim"] {
            let query = |window: &str| {
                format!(
                    "select timestamp(w), {aggregate}({window}) from Timeval w, Vector v \
                     where w in twinagg(stamps(:times,:values),{size},{stride}{start}) \
                     and v = value(w)"
                )
            };
            let (slid, made) = (query("v"), query("kept(v)"));
            let plan = db.run(&format!("explain({slid});"));
            assert!(plan.contains("sliding_time"), "{plan}");
            assert!(
                !db.run(&format!("explain({made});"))
                    .contains("sliding_time")
            );
            let (slid, made) = (db.run(&format!("{slid};")), db.run(&format!("{made};")));
            assert_eq!(
                slid, made,
                "case {case}: {aggregate} {size} {stride} {start}"
            );
        }
    }
}

#[test]
fn aggregates_of_a_field_over_windows_are_those_of_the_records() {
    let mut db = Db::new();
    for case in 0..cases(40) {
        let mut random = generator(case as u64);
        let record = |random: &mut Random| match random.below(30) {
            0 => "7".to_owned(),
            1 => "{'n': 1}".to_owned(),
            2 => "{'t': null}".to_owned(),
            3 if case % 3 == 0 => "{'t': 'text'}".to_owned(),
            _ if case % 2 == 0 => format!("{{'t': {}, 'n': 2}}", random.below(100)),
            _ => format!("{{'t': {:.1}}}", random.below(100) as f64 / 4.0),
        };
        let records: Vec<String> = (0..random.below(120))
            .map(|_| record(&mut random))
            .collect();
        let (size, stride) = (1 + random.below(9), 1 + random.below(5));
        db.does(&format!("set :records = [{}];", records.join(",")));
        for aggregate in ["sum", "mean", "max", "min", "stdev"] {
            // A condition that always holds is none that a field is.
            let query = |condition: &str| {
                format!(
                    "select {aggregate}(select r['t'] from Record r where r in w{condition}) \
                     from Vector w where w in winagg(vstream(:records),{size},{stride})"
                )
            };
            let (slid, made) = (query(""), query(" and 1 < 2"));
            let plan = db.run(&format!("explain({slid});"));
            assert!(plan.contains("sliding"), "{plan}");
            assert!(!db.run(&format!("explain({made});")).contains("sliding"));
            let (slid, made) = (db.run(&format!("{slid};")), db.run(&format!("{made};")));
            assert_eq!(slid, made, "case {case}: {aggregate} {size} {stride}");
        }
    }
}

#[test]
fn what_else_is_done_with_windows_makes_them() {
    let mut db = Db::of(READINGS);
    let from = "from Timeval w, Vector v where w in twinagg(readings(),0.4,0.4) and v = value(w)";
    for (query, slides) in [
        (format!("select mean(v) {from}"), true),
        (format!("select timestamp(w), mean(v), max(v) {from}"), true),
        (
            format!("select timestamp(w), mean(v), max(v) {from} and min(v) > 3"),
            true,
        ),
        (format!("select w, mean(v) {from}"), false),
        (format!("select v, mean(v) {from}"), false),
        (format!("select timestamp(w), v[1] {from}"), false),
        (
            "select mean(value(w)) from Timeval w where w in twinagg(readings(),0.4,0.4)"
                .to_owned(),
            false,
        ),
    ] {
        let plan = db.run(&format!("explain({query});"));
        assert_eq!(plan.contains("sliding_time"), slides, "{plan}");
    }
}
