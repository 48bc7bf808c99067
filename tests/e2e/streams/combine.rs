//! Several streams in one.

use std::time::{Duration, Instant};

use crate::support::session::Db;

#[test]
fn merging_keeps_the_order_within_each_stream() {
    let mut db = Db::new();
    db.gives("count(merge(siota(1,3000),siota(1,2000)));", "5000");
    // What one stream gives stays in order among the elements of the other.
    db.gives(
        "set :m = vectorof(merge(siota(1,5000), 0-siota(1,5000)));
         set :up = (select Vector of x from Number x where x in :m and x > 0);
         set :down = (select Vector of 0-x from Number x where x in :m and x < 0);
         :up = :down; :up = vectorof(siota(1,5000));",
        "true\ntrue",
    );
    db.gives("vectorof(merge([siota(1,3)]));", "[1,2,3]");
}

#[test]
fn a_silent_stream_does_not_hold_up_the_others() {
    let began = Instant::now();
    Db::new().gives_bag(
        "first_n(merge(siota(1,2), merge([heartbeat(3600), subscribe('nobody')])), 3);",
        "1\n2\n0.0",
    );
    assert!(began.elapsed() < Duration::from_secs(30));
}

#[test]
fn an_input_that_blocks_inside_is_one_input() {
    // The first input gives nothing before its own inner stream has ended.
    Db::new().gives_bag(
        "first_n(merge(streamof(sink(diota(0.01,1,20))), siota(1,2)), 3);",
        "1\n2\ntrue",
    );
}

#[test]
fn the_error_of_an_input_ends_all_and_names_it() {
    let mut db = Db::new();
    db.fails(
        "merge(heartbeat(3600), streamof(select 1/(2-x) from Integer x where x in diota(0.001,1,9)));",
        &[
            "error: input 2 of merge: element 2 of diota(0.001,1,9): division by zero",
            "1/(2-x)",
        ],
    );
    db.fails(
        "streams:zip([siota(1,9), streamof(select sqrt(charstring(x)) from Integer x where x in siota(1,2))]);",
        &["error: "],
    );
    // What came before the error has been given.
    let printed = db.run("merge([streamof(select 6/(3-x) from Integer x where x in siota(1,9))]);");
    assert!(
        printed.starts_with("3.0\n6.0\nerror: input 1 of merge"),
        "{printed}"
    );
}

#[test]
fn pivot_has_the_latest_of_each() {
    let mut db = Db::new();
    db.gives(
        "select v from Stream of Number s1, Stream of Number s2, Vector v
          where s1 = heartbeat(0.1) and s2 = heartbeat(0.1) and v in streams:pivot([s1,s2]) limit 2;",
        "[0.0,null]\n[0.0,0.0]",
    );
    db.gives(
        "pivot_streams([siota(1,2), streamof(bag())], [0,'none']);",
        "[1,\"none\"]\n[2,\"none\"]",
    );
    db.gives("dim(first(pivot_streams(select Vector of sin(i/3 + 3*heartbeat(.03)) from Integer i where i in iota(0,29) order by i)));", "30");
    db.fails(
        "streams:pivot([siota(1,2)],[1,2]);",
        &["1 streams cannot begin as a vector of 2"],
    );
}

#[test]
fn zip_takes_one_of_each() {
    let mut db = Db::new();
    db.gives(
        "streams:zip([siota(1,3), diota(0.005,11,13), 10*siota(1,1000000)]);",
        "[1,11,10]\n[2,12,20]\n[3,13,30]",
    );
    db.gives(
        "vectorof(streams:zip([siota(1,3), streamof(bag())]));",
        "[]",
    );
    // The third is not waited for.
    db.gives(
        "streams:zip([siota(1,2), siota(3,4), subscribe('nobody')], [1,2]);",
        "[1,3,null]\n[2,4,null]",
    );
    db.fails(
        "streams:zip([siota(1,2)],[2]);",
        &["there is no stream 2: there are 1"],
    );
    db.fails(
        "streams:zip([siota(1,2)],[]);",
        &["needs a stream to go by"],
    );
}

#[test]
fn events_are_pivoted_by_key() {
    let mut db = Db::new();
    db.gives(
        "pivot_events(['a','b'], streamof(bag([|2024-01-01T00:00:00Z|,'b',1],
            [|2024-01-01T00:00:01Z|,'c',9], [|2024-01-01T00:00:02Z|,'a',2])));",
        "ts(|2024-01-01T00:00:00.000Z|,[null,1])\nts(|2024-01-01T00:00:02.000Z|,[2,1])",
    );
    db.fails(
        "pivot_events(['a'], streamof(bag([|2024-01-01T00:00:00Z|,'a',1], ['a',2])));",
        &[
            "element 2 of streamof(bag(",
            "an event is [time, key, value], not [\"a\",2]",
        ],
    );
}

#[test]
fn sampling_repeats_the_latest() {
    let mut db = Db::new();
    db.gives("vectorof(sample_every(siota(1,3),0.01));", "[1,3]");
    db.gives(
        "vectorof(first_n(sample_every(heartbeat(3600),0.002),4));",
        "[0.0,0.0,0.0,0.0]",
    );
    db.fails("sample_every(siota(1,3),0);", &["a pace above 0"]);
}

#[test]
fn a_plan_says_which_streams_are_live() {
    let mut db = Db::new();
    for (query, step) in [
        (
            "select x from Number x where x in heartbeat(0.5)",
            "for each x in live stream heartbeat(0.5)",
        ),
        (
            "select x from Object x where x in subscribe('flow')",
            "for each x in live stream subscribe(",
        ),
        (
            "select x from Number x where x in siota(1,3)",
            "for each x in stream siota(1, 3)",
        ),
        (
            "select x from Number x where x in iota(1,3)",
            "for each x in iota(1, 3)",
        ),
    ] {
        let plan = db.run(&format!("explain({query});"));
        assert!(plan.contains(step), "{query}: {plan}");
    }
}
