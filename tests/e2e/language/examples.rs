//! Every example in the documentation of the built-in functions is true.

use crate::support::examples::examples;
use crate::support::session::Db;
use crate::support::table::each_row;

#[test]
fn examples_are_true() {
    let mut db = Db::new();
    let mut tried = 0;
    each_row(examples(), |example| {
        tried += 1;
        let (expression, result) = (example.expression, example.result);
        let printed = db.run(&format!("validate 'e' check {expression} => {result};"));
        assert!(printed.ends_with("[Testing e ... OK]\n"), "{printed}");
    });
    assert!(tried > 300, "only {tried} examples");
}
