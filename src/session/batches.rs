//! Tests that queries give the same in batches and row by row.

use std::sync::Arc;

use crate::catalog::Catalog;
use crate::compile;
use crate::functions::testing::cx;
use crate::model::{Cx, Value};
use crate::plan::Query;
use crate::run::query;
use crate::syntax::ast::StatementKind;
use crate::syntax::statement;

pub fn plan(text: &str, cx: &Cx) -> Arc<Query> {
    let source = crate::text::diagnostic::SourceText::new("test", text);
    let parsed = statement(&source).expect("parses").expect("a statement");
    let StatementKind::Query(expr) = parsed.kind else {
        panic!("{text} is a query")
    };
    Arc::new(compile::query(Catalog::of(cx), &expr).expect("compiles"))
}

/// All results, or the error, made in batches where that is asked for; and how many were.
pub fn results(plan: &Arc<Query>, cx: &Cx, batches: bool) -> (Vec<String>, usize) {
    let mut source = query::open(plan, vec![], cx).expect("opens");
    let mut results = Vec::new();
    let mut batched = 0;
    while batches {
        match source.numbers(cx) {
            Ok(Some(batch)) => {
                batched += batch.len();
                results.extend(batch.values().iter().map(Value::to_string));
            }
            Ok(None) => break,
            Err(error) => {
                results.push(error.to_string());
                return (results, batched);
            }
        }
    }
    loop {
        match source.next(cx) {
            Ok(Some(value)) => results.push(value.to_string()),
            Ok(None) => return (results, batched),
            Err(error) => {
                results.push(error.to_string());
                return (results, batched);
            }
        }
    }
}

#[test]
fn batches_and_rows_agree() {
    let cx = cx();
    // The number of results that come in batches shows that they are tried at all. Those of a batch that
    // has to be run row by row are among them, up to the one that fails.
    for (text, expected) in [
        ("select x from Integer x where x in iota(1,3000)", 3000),
        (
            "select sqrt(x) from Integer x where x in iota(1,3000) and odd(x)",
            1500,
        ),
        (
            "select x*2-1 from Number x where x in iota(-5,5) and x/2 > -1 and x != 3",
            6,
        ),
        (
            "select x+0.5 from Real x where x in iota(1,10) and (x < 3 or x >= 9)",
            4,
        ),
        (
            "select sin(x)*real(x) from Integer x where x in siota(1,2000)",
            2000,
        ),
        (
            "select x*9100000000000000 from Integer x where x in iota(1,2000)",
            1013,
        ),
        (
            "select 1/(x-1500) from Integer x where x in iota(1,2000)",
            1499,
        ),
        (
            "select sqrt(1500-x) from Integer x where x in iota(1,2000)",
            1500,
        ),
        // Not all of these are reals: which are has to be seen one by one, and those come in a batch.
        (
            "select x from Real x where x in iota(9007199254740990,9007199254740999)",
            6,
        ),
        (
            "select x from Integer x where x in iota(1,10) and x < 9.5e18",
            10,
        ),
        ("select 7 from Integer x where x in iota(1,3)", 3),
        ("mean(winagg(siota(1,3000),100,1))", 2901),
        (
            "select sum(w)*2-mean(w) from Vector w where w in winagg(siota(1,3000),7,2)",
            1497,
        ),
        (
            "mean(winagg((select stream of x/4 from Integer x where x in siota(1,2000)),9,1))",
            1992,
        ),
        ("stdev(winagg(siota(1,20),1,1))", 0),
        (
            "sum(winagg((select stream of x*4000000000000000 from Integer x \
             where x in siota(1,2000)),3,1))",
            767,
        ),
        ("sum(winagg(siota(1,9),20,1))", 0),
        ("stdev(winagg(siota(1,3000),5,3))", 999),
        ("dim(winagg(siota(1,3000),2000,7))", 143),
        (
            "sum(winagg((select stream of sin(x) from Integer x where x in siota(1,2000)),1500,1))",
            501,
        ),
        // Windows go on over what is left to the evaluator.
        (
            "mean(winagg((select stream of x*9000000000000000 from Integer x \
             where x in siota(1,2000)),3,1))",
            1022,
        ),
    ] {
        let plan = plan(text, &cx);
        let (rows, _) = results(&plan, &cx, false);
        let (both, batched) = results(&plan, &cx, true);
        assert_eq!(both, rows, "{text}");
        assert_eq!(batched, expected, "{text}");
    }
}
