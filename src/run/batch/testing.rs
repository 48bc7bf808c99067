//! Random batches for tests.

use std::ops::Range;

use proptest::prelude::*;

use crate::model::column::Texts;
use crate::model::{BatchColumn, Value};

/// A batch, and whether a test is to take it row by row.
#[derive(Clone)]
pub struct TestBatch {
    pub columns: Vec<BatchColumn>,
    pub rows: usize,
    pub by_rows: bool,
}

impl std::fmt::Debug for TestBatch {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        write!(f, "{:?} by rows: {}", self.values(), self.by_rows)
    }
}

impl TestBatch {
    /// The rows.
    pub fn values(&self) -> Vec<Vec<Value>> {
        let columns = self.columns.iter();
        let row = |row: usize| columns.clone().filter_map(|c| c.value(row)).collect();
        (0..self.rows).map(row).collect()
    }
}

/// Few different integers, so that they meet, and the extremes.
fn int() -> impl Strategy<Value = i64> {
    prop_oneof![
        8 => -5..5i64,
        1 => Just(i64::MIN),
        1 => Just(i64::MAX),
        1 => Just((1 << 53) + 1),
        1 => any::<i64>(),
    ]
}

/// Reals, many of which are equal to these integers.
fn real() -> impl Strategy<Value = f64> {
    prop_oneof![
        6 => (-10..10i64).prop_map(|i| i as f64 / 2.0),
        1 => Just(-0.0),
        1 => Just(f64::NAN),
        1 => Just(-f64::NAN),
        1 => Just(f64::INFINITY),
        1 => Just(f64::NEG_INFINITY),
        1 => Just(-(i64::MIN as f64)),
        1 => Just(9007199254740992.0),
        1 => Just(1e-300),
        1 => proptest::num::f64::ANY,
    ]
}

const TEXTS: [&str; 8] = [
    "",
    "a",
    "b",
    "ab",
    "abcdefgh",
    "abcdefghi",
    "abcdefgh\0",
    "ö",
];

fn string() -> impl Strategy<Value = Value> {
    proptest::sample::select(&TEXTS[..]).prop_map(Value::str)
}

/// Any value that a column may hold.
pub fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        3 => int().prop_map(Value::Int),
        3 => real().prop_map(Value::Real),
        3 => string(),
        1 => Just(Value::Null),
        1 => any::<bool>().prop_map(Value::Bool),
        1 => prop::collection::vec(int().prop_map(Value::Int), 0..3).prop_map(Value::vector),
    ]
}

fn texts(values: Vec<Value>) -> BatchColumn {
    let mut texts = Texts::default();
    values
        .iter()
        .filter_map(Value::as_str)
        .for_each(|text| texts.push(text));
    BatchColumn::Texts(texts)
}

fn column(rows: usize) -> impl Strategy<Value = BatchColumn> {
    use prop::collection::vec;
    prop_oneof![
        4 => vec(int(), rows).prop_map(BatchColumn::Ints),
        3 => vec(real(), rows).prop_map(BatchColumn::Reals),
        3 => vec(string(), rows).prop_map(BatchColumn::Values),
        2 => vec(string(), rows).prop_map(texts),
        2 => vec(value(), rows).prop_map(BatchColumn::Values),
        1 => int().prop_map(BatchColumn::Int),
        1 => real().prop_map(BatchColumn::Real),
        1 => value().prop_map(BatchColumn::Value),
    ]
}

fn batch(width: usize) -> impl Strategy<Value = TestBatch> {
    (0..40usize, prop::bool::weighted(0.2)).prop_flat_map(move |(rows, by_rows)| {
        let columns = prop::collection::vec(column(rows), width);
        columns.prop_map(move |columns| TestBatch {
            columns,
            rows,
            by_rows,
        })
    })
}

/// Some batches of as many columns each.
pub fn batches(width: Range<usize>) -> impl Strategy<Value = Vec<TestBatch>> {
    width.prop_flat_map(|width| prop::collection::vec(batch(width), 1..6))
}

/// Whether values are the same, in their types and signs as well.
pub fn same(a: &[Value], b: &[Value]) -> bool {
    let one = |(a, b): (&Value, &Value)| match (a, b) {
        (Value::Real(a), Value::Real(b)) => a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan(),
        (a, b) => a.type_of() == b.type_of() && a == b,
    };
    a.len() == b.len() && a.iter().zip(b).all(one)
}
