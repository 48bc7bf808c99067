//! Tables of cases: every row is tried, and all that fail are reported.

use std::any::Any;
use std::fmt::Debug;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Checks each of `rows`; fails at the end with all the rows whose check failed, and why.
#[track_caller]
pub fn each_row<R: Debug>(rows: impl IntoIterator<Item = R>, mut check: impl FnMut(R)) {
    let mut failed = Vec::new();
    let mut count = 0;
    for row in rows {
        count += 1;
        let shown = format!("{row:?}");
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| check(row))) {
            failed.push(format!("row {count}, {shown}:\n{}", message(&*panic)));
        }
    }
    assert_ne!(count, 0, "a table without rows");
    assert!(
        failed.is_empty(),
        "{} of {count} rows failed:\n\n{}",
        failed.len(),
        failed.join("\n\n")
    );
}

/// What a panic said: a text, unless somebody threw something else.
fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("it panicked without a text")
}

#[test]
fn every_row_that_fails_is_reported() {
    let panic = catch_unwind(|| each_row([1, 2, 3], |row| assert_eq!(row % 2, 0, "{row} is odd")));
    let panic = panic.expect_err("two rows fail");
    let said = message(&*panic);
    assert!(said.starts_with("2 of 3 rows failed:"), "{said}");
    assert!(
        said.contains("row 1, 1:\n") && said.contains("1 is odd"),
        "{said}"
    );
    assert!(
        said.contains("row 3, 3:\n") && said.contains("3 is odd"),
        "{said}"
    );
}
