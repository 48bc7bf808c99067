//! The examples in the documentation of streams, windows and flows.

use osql::functions::table;

use super::session::Db;

#[test]
fn the_documented_examples_hold() {
    let mut db = Db::new();
    let mut count = 0;
    let topics = ["Stream", "Windowing", "Dataflow"];
    for declaration in table::BUILT_INS
        .declarations
        .iter()
        .filter(|d| topics.contains(&d.topic))
    {
        let Some((_, rest)) = declaration.text.split_once("/*") else {
            continue;
        };
        let doc = rest.split("*/").next().unwrap_or_default();
        for example in doc.split("Example:").skip(1) {
            let example = example.split_whitespace().collect::<Vec<_>>().join(" ");
            let (expression, result) = example.rsplit_once(" => ").expect("EXPR => RESULT");
            let (printed, expected) = (
                db.run(&format!("{expression};")),
                db.run(&format!("{result};")),
            );
            assert_eq!(printed, expected, "{expression} of {}", declaration.name);
            count += 1;
        }
    }
    assert!(count > 40, "only {count} examples");
}
