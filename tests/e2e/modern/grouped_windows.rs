//! Windows of time in a group by: exact on recorded data, live for shape and timing.

use std::time::{Duration, Instant};

use proptest::prelude::*;

use crate::support::osql::osql;
use crate::support::session::Db;

/// Readings of two rooms, one of them silent for a while.
const READINGS: &str = r#"create function readings() -> Stream of Record as stream
    {"room": "hall", "t": 10, "time": "2024-01-01T00:00:05Z"},
    {"room": "attic", "t": 20, "time": "2024-01-01T00:00:10Z"},
    {"room": "hall", "t": 14, "time": "2024-01-01T00:00:50Z"},
    {"room": "hall", "t": 16, "time": "2024-01-01T00:01:10Z"},
    {"room": "hall", "t": 18, "time": "2024-01-01T00:03:00Z"},
    {"room": "attic", "t": 30, "time": "2024-01-01T00:03:59.999Z"};"#;

#[test]
fn the_mean_of_each_room_in_each_minute() {
    Db::of(READINGS).gives(
        r#"select r["room"], mean(r["t"]) from Record r where r in readings() group by r["room"], window(60);"#,
        r#"["attic",20.0]
           ["hall",12.0]
           ["hall",16.0]
           ["attic",30.0]
           ["hall",18.0]"#,
    );
}

#[test]
fn windows_say_when_they_are() {
    let mut db = Db::of(READINGS);
    db.gives(
        r#"select window(60), window_end(), count(r), sum(r["t"]) from Record r where r in readings() group by window(60);"#,
        "[|2024-01-01T00:00:00.000Z|,|2024-01-01T00:01:00.000Z|,3,44]
         [|2024-01-01T00:01:00.000Z|,|2024-01-01T00:02:00.000Z|,1,16]
         [|2024-01-01T00:03:00.000Z|,|2024-01-01T00:04:00.000Z|,2,48]",
    );
    db.gives(
        r#"select window_start(), max(r["t"]) from Record r where r in readings() and r["room"] = "hall" group by window(120, 60) limit 3;"#,
        "[|2023-12-31T23:59:00.000Z|,14]
         [|2024-01-01T00:00:00.000Z|,16]
         [|2024-01-01T00:01:00.000Z|,16]",
    );
    // Aggregates of every kind, what is computed of them, an order within each window.
    db.gives(
        r#"select r["room"], median(r["t"]), 2 * count(r) from Record r where r in readings() group by r["room"], window(60) order by count(r) desc, r["room"];"#,
        r#"["hall",12.0,4]
           ["attic",20,2]
           ["hall",16,2]
           ["attic",30,2]
           ["hall",18,2]"#,
    );
}

#[test]
fn the_time_is_a_stamp_a_field_or_an_expression() {
    let mut db = Db::of(
        "set :s = stream ts(|2024-01-01T00:00:00Z|,1), ts(|2024-01-01T00:00:59Z|,2), ts(|2024-01-01T00:01:00Z|,3);",
    );
    db.gives(
        "select sum(value(tv)) from Timeval tv where tv in :s group by window(60);",
        "3\n3",
    );
    db.gives("select sum(v) from Timeval of Number tv, Number v where tv in :s and v = value(tv) group by window(60);", "3\n3");
    db.gives("select sum(v) from Real t, Number v where [t,v] in (stream [0,1], [59,2], [60,3]) group by window(60);", "3\n3");
    db.gives(r#"select sum(r["v"]) from Record r where r in (stream {"at": 0, "v": 1}, {"at": 61, "v": 2}) group by window_on(r["at"], 60);"#, "1\n2");
    db.gives(r#"select count(r) from Record r where r in (stream {"v": 1}, {"v": 2}) group by window_on(now(), 3600);"#, "2");
    db.fails(
        r#"select count(r) from Record r where r in (stream {"v": 1}) group by window(60);"#,
        &["there is no time in", "window_on(time,size)"],
    );
    db.fails("select count(i) from Integer i where i in siota(1,3) and i in range(9) group by window(60);", &["nothing says the time of a row"]);
    db.fails(
        "select count(tv) from Timeval tv where tv in :s group by window(0);",
        &["the size of a window is a number of seconds above 0"],
    );
    db.fails(
        "select window(60) from Timeval tv where tv in :s;",
        &["window() belongs to a select with windows"],
    );
    db.fails(
        "select window_end() from Timeval tv where tv in :s group by tv;",
        &["no windows"],
    );
    db.fails(
        "select count(tv) from Timeval tv where tv in :s group by window(60), window_gap(5);",
        &["one kind of windows"],
    );
    db.fails(
        "select count(tv) from Timeval tv where tv in :s group by window(real(tv));",
        &["the same for all rows"],
    );
}

#[test]
fn records_of_a_file_have_their_time_in_one_of_three_fields() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("readings.json");
    let fields = ["time", "timestamp", "ts"];
    let lines: String = (0..300)
        .map(|i| {
            format!(
                "{{\"{}\": {i}, \"time\": null, \"t\": {}}}\n",
                fields[1 + i % 2],
                i % 7
            )
        })
        .chain(["{\"time\": 300, \"ts\": 7, \"t\": 1}\n".to_owned()])
        .collect();
    std::fs::write(&path, lines).expect("a file");
    let query = format!(
        "select sec(window_start()), count(r), sum(r[\"t\"]) from Record r \
         where r in json:file_stream(\"{}\") group by window(100);",
        path.display()
    );
    let sum = |from: u64| (from..from + 100).map(|i| i % 7).sum::<u64>();
    let expected: Vec<String> = [0, 100, 200]
        .map(|start| format!("[{start},100,{}]", sum(start)))
        .into_iter()
        .chain(["[300,1,1]".to_owned()])
        .collect();
    Db::of("").gives(&query, &expected.join("\n"));
}

#[test]
fn what_is_late_is_left_out_and_said() {
    let late = "set :s = stream ts(|2024-01-01T00:00:10Z|,1), ts(|2024-01-01T00:01:05Z|,2), ts(|2024-01-01T00:00:50Z|,4), ts(|2024-01-01T00:02:00Z|,8);";
    let mut db = Db::of(late);
    db.gives(
        "select window_end(), sum(value(tv)) from Timeval tv where tv in :s group by window(60);",
        "[|2024-01-01T00:01:00.000Z|,1]
         warning: an element came after its window had been given, and is left out
         [|2024-01-01T00:02:00.000Z|,2]
         [|2024-01-01T00:03:00.000Z|,8]",
    );
    db.gives(
        "select window_end(), sum(value(tv)) from Timeval tv where tv in :s group by window(60,60,15);",
        "[|2024-01-01T00:01:00.000Z|,5]
         [|2024-01-01T00:02:00.000Z|,2]
         [|2024-01-01T00:03:00.000Z|,8]",
    );
}

#[test]
fn a_gap_ends_a_session() {
    Db::of(READINGS).gives(
        r#"select r["room"], window_start(), window_end(), sum(r["t"]) from Record r where r in readings() group by r["room"], window_gap(60);"#,
        r#"["attic",|2024-01-01T00:00:10.000Z|,|2024-01-01T00:01:10.000Z|,20]
           ["hall",|2024-01-01T00:00:05.000Z|,|2024-01-01T00:02:10.000Z|,40]
           ["hall",|2024-01-01T00:03:00.000Z|,|2024-01-01T00:04:00.000Z|,18]
           ["attic",|2024-01-01T00:03:59.999Z|,|2024-01-01T00:04:59.999Z|,30]"#,
    );
}

#[test]
fn windows_within_functions_and_other_queries() {
    let mut db = Db::of(READINGS);
    db.does(
        r#"create function means(Stream of Record s, Number size) -> Stream of Vector
             as select stream of r["room"], mean(r["t"]) from Record r where r in s group by r["room"], window(size);"#,
    );
    db.gives(
        "means(readings(),3600);",
        r#"["attic",25.0]
        ["hall",14.5]"#,
    );
    db.gives("first(means(readings(),60));", r#"["attic",20.0]"#);
    db.gives("count(means(readings(),60));", "5");
    let plan =
        db.run("explain(select count(r) from Record r where r in readings() group by window(60));");
    for step in [
        "for each r in stream readings()",
        "in windows by the size 60",
        "aggregating count(r)",
    ] {
        assert!(plan.contains(step), "{step} is not in {plan}");
    }
}

/// A stream of a minute that falls silent: its windows are given by the clock.
#[test]
fn a_silent_live_stream_gives_its_windows_by_the_clock() {
    let began = Instant::now();
    // The flow keeps its latest element, after which nothing comes.
    osql()
        .statements(
            "emit_on_flow(7,'f');
             select sum(i), window_end() - window_start() from Integer i where i in subscribe('f') group by window_on(now(),0.5) limit 1;",
        )
        .run()
        .expect_ok("7\n[7,0.5]\n");
    let took = began.elapsed();
    assert!(
        took >= Duration::from_millis(900) && took < Duration::from_secs(20),
        "{took:?}"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(30))]

    /// Groups by windows are groups by the number of the minute, when all comes in order.
    #[test]
    fn windows_are_groups_by_the_minute(
        gaps in prop::collection::vec(0_i64..90, 1..40),
        keys in prop::collection::vec(0_i64..3, 40),
    ) {
        let mut time = 1_700_000_000;
        let rows: Vec<String> = gaps.iter().zip(&keys).map(|(gap, key)| {
            time += gap;
            format!("[{time},{key}]")
        }).collect();
        let rows = rows.join(",");
        let mut db = Db::of(&format!("set :v = [{rows}];"));
        let windows = db.run("select sec(window_start()), k, count(t), sum(t) from Real t, Integer k where [t,k] in vstream(:v) group by window(60), k;");
        let groups = db.run("select floor(t/60)*60, k, count(t), sum(t) from Real t, Integer k where [t,k] in :v group by floor(t/60)*60, k;");
        prop_assert_eq!(windows, groups);
    }
}
