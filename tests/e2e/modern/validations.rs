//! `validate`: what holds, what does not, and how differences are shown.

use crate::support::osql::osql;
use crate::support::session::Db;

#[test]
fn null_is_no_result() {
    let mut db = Db::new();
    db.gives(
        "validate 'nothing' check null => null check select i from Integer i where i in range(0) => null
           check null => values null check notany(bag(true)) => null;",
        "[Testing nothing ... OK]",
    );
    db.fails(
        "validate 'something' check 1 => null;",
        &["1 of 1 checks", "expected nothing"],
    );
}

#[test]
fn reals_may_differ_by_rounding() {
    let mut db = Db::new();
    db.gives(
        "validate 'near' check 0.1+0.2 => 0.3 check [0.1+0.2,{'a':[0.1+0.2]}] => [0.3,{'a':[0.3]}]
           check ts(|2024-01-01T00:00:00Z|,0.1+0.2) => ts(|2024-01-01T00:00:00Z|,0.3)
           check array('f32',[0.1]) * 3 => array('f32',[0.3]) check 4 => 4.0
           check bag(0.1+0.2,1) => bag(1,0.3);",
        "[Testing near ... OK]",
    );
    db.fails("validate 'far' check 0.3001 => 0.3;", &["expected 0.3"]);
    db.fails(
        "validate 'far' check 1000000000000001 => 1000000000000002;",
        &["expected 1000000000000002"],
    );
    db.fails(
        "validate 'stamp' check ts(|2024-01-01T00:00:00Z|,1) => ts(|2024-01-01T00:00:01Z|,1);",
        &["1 of 1"],
    );
}

#[test]
fn an_error_is_a_result_that_can_be_expected() {
    let mut db = Db::new();
    db.gives(
        "validate 'errors' check 1/0 => ['*error*','division by zero in 1 / 0',null]
           check 1/0 => ['*error*',null,null] check nosuch(1) => ['*error*',\"unknown function 'nosuch'\",null];",
        "[Testing errors ... OK]",
    );
    db.fails(
        "validate 'goes on' check 1/0 => 1 check 2 => 3 check 4 => 4;",
        &[
            "2 of 3 checks of 'goes on' failed",
            "expected 1",
            "2 gives 2, expected 3",
        ],
    );
}

#[test]
fn bags_are_compared_in_any_order_and_shown_side_by_side() {
    let mut db = Db::new();
    db.gives(
        "validate 'order' check range(3) => values 3,1,2 check range(3) => bag(3,2,1);",
        "[Testing order ... OK]",
    );
    db.fails(
        "validate 'rows' check bag(1,2,'only here',4) => bag(4,2,10,1,11);",
        &["what differs, side by side:\n  gives       | expected\n  \"only here\" | 10\n              | 11\n"],
    );
    db.fails(
        "validate 'count' check bag(1,1) => bag(1,1,1);",
        &["1 of 1 checks", "expected 1"],
    );
}

#[test]
fn the_program_shows_where_a_check_failed() {
    let run = osql().statements("validate 'v' check 1+1 => 3;").run();
    assert_eq!(run.stdout, "[Testing v ... FAILED]\n");
    assert!(
        run.stderr.contains("gives 2") && run.stderr.contains("expected 3"),
        "{}",
        run.stderr
    );
    assert_eq!(run.code, 1);
}
