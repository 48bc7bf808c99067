//! Tests that groups in windows of time are the same in batches and row by row.

use std::sync::Arc;

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};

use super::batches::{plan, results};
use crate::functions::testing::cx;
use crate::plan::Query;

/// The query whose rows do not come in batches; whether they do in the query itself.
fn by_rows(plan: &Arc<Query>) -> (Arc<Query>, bool) {
    let mut query = (**plan).clone();
    let mut batches = false;
    if let Some(group) = &mut query.group
        && let Some(window) = &mut group.window
    {
        batches = window.rows.query.batch.is_some();
        window.rows.query = Arc::new(Query {
            batch: None,
            ..(*window.rows.query).clone()
        });
    }
    (Arc::new(query), batches)
}

/// Rows from Integer i, with a time that goes forward on the whole.
fn rows(random: &mut StdRng) -> String {
    let count = random.random_range(1..3000);
    let pace = [1, 7, 100, 3000].choose(random).expect("a pace");
    let jitter = [1, 1, 3, 40].choose(random).expect("a jitter");
    let time = format!("i / {pace} + mod(i * 7919, {jitter})");
    let time = match random.random_range(0..8) {
        // One element has no time: what was over before is given all the same.
        0 => format!(
            "case when i = {} then 'noon' else {time} end",
            random.random_range(1..count + 1)
        ),
        1 => format!("ts({time}, i)"),
        _ => time,
    };
    // What a reading lacks it does not contribute.
    let reading = [
        "{'t': i, 'k': mod(i, 3)}",
        "case when mod(i, 3) = 0 then {'t': i / 2} when mod(i, 3) = 1 then {'k': 'x'} else {'t': 'y'} end",
        "case when odd(i) then {'t': i} else {'t': null} end",
    ]
    .choose(random)
    .expect("a reading");
    format!(
        "i in iota(1, {count}) and time = {time} and r = {reading} and mod(i, {}) > 0",
        random.random_range(2..50)
    )
}

fn windows(random: &mut StdRng) -> String {
    if random.random_range(0..4) == 0 {
        return format!("window_gap_on(time, {})", random.random_range(1..9));
    }
    let (size, stride) = (random.random_range(1..30), random.random_range(1..30));
    let lateness = random.random_range(0..5);
    format!("window_on(time, {size}, {stride}, {lateness})")
}

#[test]
fn random_windows_hold_the_same_in_batches_and_row_by_row() {
    let cx = cx();
    let mut random = StdRng::seed_from_u64(5);
    let (mut in_batches, mut with_results) = (0, 0);
    for case in 0..120 {
        let random = &mut random;
        let key = ["mod(i, 5)", "ntoa(mod(i, 7))", "odd(i)", "i / 500"]
            .choose(random)
            .expect("a key");
        let aggregate = [
            "count(r['t'])",
            "sum(r['t'])",
            "max(i)",
            "median(r['t'])",
            "count(r)",
        ]
        .choose(random)
        .expect("an aggregate");
        let text = format!(
            "select {key}, window_start(), window_end(), count(i), {aggregate} \
             from Integer i, Object time, Record r where {} group by {key}, {}",
            rows(random),
            windows(random)
        );
        let plan = plan(&text, &cx);
        let (by_rows, batches) = by_rows(&plan);
        in_batches += usize::from(batches);
        let (expected, _) = results(&by_rows, &cx, false);
        with_results += usize::from(expected.len() > 1);
        let (made, _) = results(&plan, &cx, false);
        assert_eq!(made, expected, "case {case}: {text}");
    }
    assert!(
        in_batches > 80 && with_results > 80,
        "{in_batches}, {with_results}"
    );
}
