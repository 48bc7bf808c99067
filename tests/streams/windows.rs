//! Windows by count, by time, by predicate, and aggregates that slide over them.

use super::session::Db;

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

#[test]
fn windows_need_a_size_and_a_stride() {
    let mut db = Db::new();
    for (size, stride, says) in [
        (
            "0",
            "1",
            "the size of a window is a whole number of elements from 1 up, not 0",
        ),
        ("-3", "1", "from 1 up, not -3"),
        ("2.5", "1", "from 1 up, not 2.5"),
        (
            "3",
            "0",
            "the stride of a window is a whole number of elements from 1 up, not 0",
        ),
        ("1e12", "1", "a window cannot have 1000000000000 elements"),
    ] {
        db.fails(
            &format!("winagg(siota(1,9),{size},{stride});"),
            &[says, "winagg"],
        );
        db.fails(
            &format!("mean(winagg(siota(1,9),{size},{stride}));"),
            &[says],
        );
    }
    db.fails("winagg(siota(1,9),'three',1);", &["winagg"]);
    db.fails("first_n(winagg(siota(1,9),heartbeat(1),1),1);", &["error"]);
    db.fails(
        "twinagg(ts(siota(1,9)),0,1);",
        &["the size of a time window is a number of seconds above 0, not 0"],
    );
    db.fails(
        "twinagg(ts(siota(1,9)),1,-1);",
        &["the stride of a time window"],
    );
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
    for (size, stride) in [(2, 1), (7, 1), (100, 1), (10, 3), (3, 10), (400, 1)] {
        let printed = db.run(&format!(
            "vectorize(slid(:numbers,{size},{stride})) = vectorize(made(:numbers,{size},{stride}));
             count(slid(:numbers,{size},{stride})) > 0;"
        ));
        assert_eq!(printed, "true\ntrue\n", "size {size}, stride {stride}");
    }
}

#[test]
fn a_query_that_only_aggregates_windows_does_not_make_them() {
    let mut db = Db::new();
    db.gives(
        "explain('mean(winagg(siota(1,9),3,1))');",
        r#""for each [mean] in stream sliding(siota(1,9),3,1,[\"mean\"])"
"give mean""#,
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
