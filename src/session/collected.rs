//! Tests that what collects, groups, sorted rows and what is told apart, gives the same in columns as
//! row by row, and as aggregates of one group each.

use std::sync::Arc;

use indexmap::IndexMap;
use proptest::collection::vec;
use proptest::prelude::*;

use super::batches::{plan, results};
use crate::functions::testing::cx;
use crate::model::native::AggregateKind;
use crate::model::{Cx, Value};
use crate::plan::{PlanExpr, Query};
use crate::run::aggregate::Accumulator;
use crate::run::aggregate::grouped::GroupedAccumulator;
use crate::run::batch::RowDictionary;
use crate::run::batch::testing::{batches, same, value};
use crate::text::diagnostic::Result;

const KINDS: [AggregateKind; 6] = [
    AggregateKind::Count,
    AggregateKind::Sum,
    AggregateKind::Mean,
    AggregateKind::Stdev,
    AggregateKind::Min,
    AggregateKind::Max,
];

fn outcome(result: Result<Option<Value>>) -> std::result::Result<Vec<Value>, String> {
    match result {
        Ok(value) => Ok(value.into_iter().collect()),
        Err(error) => Err(error.to_string()),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Groups in columns beside an accumulator for each of them.
    #[test]
    fn groups_are_as_one_by_one(batches in batches(2..3)) {
        let cx = cx();
        let mut keys = RowDictionary::new(1);
        let mut columns = KINDS.map(GroupedAccumulator::new);
        let mut groups: IndexMap<Value, [Result<Accumulator>; 6]> = IndexMap::new();
        for batch in &batches {
            for row in batch.values() {
                let [key, value] = row.as_slice() else { panic!("two columns") };
                let fresh = || KINDS.map(|kind| Ok(Accumulator::new(kind)));
                for so_far in groups.entry(key.clone()).or_insert_with(fresh) {
                    if let Ok(accumulator) = so_far
                        && let Err(error) = accumulator.add(value.clone(), &cx)
                    {
                        *so_far = Err(error);
                    }
                }
            }
            if batch.by_rows {
                for row in batch.values() {
                    let number = keys.number(&row[..1]);
                    for column in &mut columns {
                        column.grow(keys.count());
                        column.add(number, &row[1], &cx);
                    }
                }
            } else {
                keys.number_all(&batch.columns[..1], batch.rows);
                for column in &mut columns {
                    column.grow(keys.count());
                    column.add_all(keys.numbers(), &batch.columns[1], &cx);
                }
            }
        }
        for (number, (_, accumulators)) in groups.into_iter().enumerate() {
            for (kind, (column, expected)) in KINDS.iter().zip(columns.iter_mut().zip(accumulators)) {
                let got = outcome(column.result(number as u32));
                let expected = outcome(expected.and_then(Accumulator::result));
                let agree = match (&got, &expected) {
                    (Ok(got), Ok(expected)) => same(got, expected),
                    (got, expected) => got == expected,
                };
                prop_assert!(agree, "{kind:?} {got:?} {expected:?}");
            }
        }
    }
}

/// The same plan without programs over batches.
fn row_by_row(plan: &Query) -> Query {
    let mut plan = plan.clone();
    plan.batch = None;
    for column in &mut plan.output.columns {
        if let PlanExpr::Sub(sub) | PlanExpr::Collect(sub) = column {
            sub.query = Arc::new(row_by_row(&sub.query));
        }
        if let PlanExpr::Call(call) = column {
            for arg in &mut call.args {
                if let PlanExpr::Sub(sub) = arg {
                    sub.query = Arc::new(row_by_row(&sub.query));
                }
            }
        }
    }
    plan
}

/// A bag: parts of integers, of reals and of anything, so that batches and rows take turns.
fn bag() -> impl Strategy<Value = String> {
    let int = prop_oneof![8 => -9..9i64, 1 => Just(i64::MAX), 1 => any::<i64>()];
    let real = prop_oneof![8 => (-9..9i64).prop_map(|i| i as f64 / 2.0), 1 => Just(-0.0), 1 => -1e300..1e300];
    let part = |value: BoxedStrategy<Value>| vec(value, 1..20);
    let parts = prop_oneof![
        4 => part(int.prop_map(Value::Int).boxed()),
        3 => part(real.prop_map(Value::Real).boxed()),
        1 => part(value().prop_filter("printable", |value| match value {
            Value::Real(real) => real.is_finite(),
            Value::Int(int) => *int > i64::MIN,
            Value::Vector(_) | Value::Str(_) => false,
            _ => true,
        }).boxed()),
    ];
    vec(parts, 1..6).prop_map(|parts| {
        let text = |part: &Vec<Value>| {
            let values: Vec<String> = part.iter().map(Value::to_string).collect();
            format!("bag({})", values.join(","))
        };
        format!(
            "bag({})",
            parts.iter().map(text).collect::<Vec<_>>().join(",")
        )
    })
}

/// Queries over the bag `$`.
const QUERIES: &[&str] = &[
    "select x from Number x where x in $ order by x",
    "select x from Integer x where x in $ order by x desc",
    "select x from Real x where x in $ order by x desc limit 4",
    "select x, -x from Number x where x in $ order by -x, x",
    "select x * 2 from Number x where x in $ and x > -3 order by x / 3 desc limit 2",
    "select x from Object x where x in $ order by x",
    "select distinct x from Number x where x in $",
    "select distinct x / 2, x > 0 from Number x where x in $",
    "select distinct x * 0, x from Number x where x in $ limit 3",
    "select distinct x from Number x where x in $ order by x limit 5",
    "select x + 1 from Number x where x in $ limit 3",
    "select x from Number x where x in $ limit 0",
    "select 12 / x from Number x where x in $ limit 5",
    "select x, count(x), sum(x), min(x), max(x) from Number x where x in $ group by x",
    "select x * 0, mean(x), stdev(x), median(x) from Number x where x in $ group by x * 0",
    "select x, x * 0, count(x) from Number x where x in $ group by x, x * 0 order by count(x) desc, x",
    "select x, count(x) from Integer x where x in $ group by x limit 3",
    "select 12 / x, count(x) from Number x where x in $ group by 12 / x",
    "select median(x) from Bag of Number x where x = $",
    "count(select distinct x from Number x where x in $)",
    "sum(select x from Number x where x in $ order by x limit 4)",
    "unique($)",
    "count(unique(select x from Number x where x in $))",
    "first_n((select x from Number x where x in $), 7)",
    "sum(section((select x from Number x where x in $), 3, 9))",
    "last(select x from Number x where x in $)",
    "median(select x from Number x where x in $)",
    "median(select x from Integer x where x in $ and x > 0)",
    "stdev(select x from Real x where x in $)",
    "vectorize(select x from Number x where x in $ order by x desc)",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn queries_are_as_row_by_row(bag in bag()) {
        let cx: Cx = cx();
        for text in QUERIES {
            let plan = plan(&text.replace('$', &bag), &cx);
            let naive = Arc::new(row_by_row(&plan));
            let (expected, _) = results(&naive, &cx, false);
            let (rows, _) = results(&plan, &cx, false);
            prop_assert_eq!(&rows, &expected, "{} over {}", text, bag);
            let (numbers, _) = results(&plan, &cx, true);
            prop_assert_eq!(&numbers, &expected, "numbers of {} over {}", text, bag);
        }
    }
}

/// Queries of more rows than are kept where only the first are wanted.
const MANY: &[&str] = &[
    "select mod(x * 7919, 1013) from Integer x where x in iota(1,6000) order by mod(x * 7919, 1013)",
    "select x from Integer x where x in iota(1,6000) order by mod(x * 7919, 1013) desc",
    "select x, sin(x) from Integer x where x in iota(1,6000) order by sin(x)",
    "select x from Integer x where x in iota(1,6000) order by mod(x, 3) desc, mod(x * 7919, 1013)",
    "select x from Integer x where x in iota(1,6000) order by ntoa(mod(x * 7919, 1013)) desc, -x",
    "select mod(x, 1500), count(x) from Integer x where x in iota(1,6000) group by mod(x, 1500)",
    "select mod(x * 7919, 2013), sum(x) from Integer x where x in iota(1,6000) \
     group by mod(x * 7919, 2013) order by sum(x) desc",
];

#[test]
fn the_first_are_those_of_all() {
    let cx = cx();
    for text in MANY {
        let all = plan(text, &cx);
        let (expected, _) = results(&Arc::new(row_by_row(&all)), &cx, false);
        let (batches, _) = results(&all, &cx, true);
        assert_eq!(batches, expected, "{text}");
        for limit in [0, 1, 7, 1500, 3000, 10_000] {
            let plan = plan(&format!("{text} limit {limit}"), &cx);
            let expected = &expected[..expected.len().min(limit)];
            let (rows, _) = results(&Arc::new(row_by_row(&plan)), &cx, false);
            assert_eq!(rows, expected, "{text} limit {limit}");
            let (batches, _) = results(&plan, &cx, true);
            assert_eq!(batches, expected, "{text} limit {limit}");
        }
    }
}
