//! Points in time at and beyond the ends of the calendar.

use crate::support::session::Db;

#[test]
fn a_time_prints_as_what_can_be_typed() {
    for time in [
        "|9999-12-31T23:59:59.000Z|",
        "|9999-12-31T23:59:59.999999Z|",
        "|0000-01-01T00:00:00.000Z|",
        "|-000001-12-31T23:59:59.000Z|",
        "|+010000-01-01T00:00:00.000Z|",
        "|+294247-01-10T04:00:54.775807Z|",
        "|-290308-12-21T19:59:06.224192Z|",
    ] {
        Db::new().gives(&format!("{time};"), time);
        let date = &time[..time.find('.').expect("a fraction")];
        Db::new().gives(
            &format!("parse_iso_timestamp(utc_time({date}Z|));"),
            &format!("{date}.000Z|"),
        );
    }
    let mut db = Db::new();
    db.gives(
        "|9999-12-31T23:59:59Z| + 1;",
        "|+010000-01-01T00:00:00.000Z|",
    );
    db.gives("|-0001-02-03T00:00:00Z|;", "|-000001-02-03T00:00:00.000Z|");
    db.gives(
        "|+010000-01-01T00:30:00+01:00|;",
        "|9999-12-31T23:30:00.000Z|",
    );
}

#[test]
fn what_leaves_the_range_of_times_is_an_error() {
    let mut db = Db::new();
    for beyond in [
        "|+294247-01-10T04:00:54.775807Z| + 1",
        "|-290308-12-21T19:59:05.224192Z| - 1",
    ] {
        db.fails(&format!("{beyond};"), &["the time is beyond all times"]);
    }
    for no_time in [
        "|+294248-01-01T00:00:00Z|",
        "|+999999999999-01-01T00:00:00Z|",
        "|2023-02-29T00:00:00Z|",
    ] {
        db.fails(&format!("{no_time};"), &["is not a time"]);
    }
}

#[test]
fn times_beyond_the_calendar_have_parts() {
    let mut db = Db::new();
    db.gives(
        "timeval([12345,2,28,23,59,59999999]) + 0.000001;",
        "|+012345-03-01T00:00:00.000Z|",
    );
}
