//! Every example in the documentation of the built-in functions is true.

use super::session::Db;
use osql::functions::table;

/// The checks in a declaration's comment: `Example: a => b`.
fn examples(declaration: &str) -> impl Iterator<Item = (&str, &str)> {
    let comment = declaration
        .split("/*")
        .nth(1)
        .and_then(|rest| rest.split("*/").next());
    let examples = comment.unwrap_or("").split("Example:").skip(1);
    examples.filter_map(|example| example.split_once("=>"))
}

#[test]
fn examples_are_true() {
    let mut db = Db::new();
    let mut wrong = Vec::new();
    let mut tried = 0;
    for declaration in table::BUILT_INS.declarations {
        for (expression, result) in examples(declaration.text) {
            tried += 1;
            let (expression, result) = (expression.trim(), result.trim());
            let printed = db.run(&format!("validate 'e' check {expression} => {result};"));
            if !printed.ends_with("[Testing e ... OK]\n") {
                wrong.push(format!(
                    "{} => {}\n{printed}",
                    expression.trim(),
                    result.trim()
                ));
            }
        }
    }
    assert!(tried > 300, "only {tried} examples");
    assert!(
        wrong.is_empty(),
        "{} of {tried}:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}
