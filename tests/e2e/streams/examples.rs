//! The examples in the documentation of streams, windows and flows print what they say.

use crate::support::examples::examples;
use crate::support::session::Db;
use crate::support::table::each_row;

#[test]
fn the_documented_examples_hold() {
    let mut db = Db::new();
    let mut count = 0;
    let topics = ["Stream", "Windowing", "Dataflow"];
    let of_streams = examples().filter(|example| topics.contains(&example.topic));
    each_row(of_streams, |example| {
        count += 1;
        let (printed, expected) = (
            db.run(&format!("{};", example.expression)),
            db.run(&format!("{};", example.result)),
        );
        assert_eq!(printed, expected);
    });
    assert!(count > 40, "only {count} examples");
}
