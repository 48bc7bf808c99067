//! The planner's answers are those of nested loops that try every row, and as often: a row counts as
//! often as all its conditions together hold.

use std::collections::{BTreeMap, BTreeSet};

use proptest::collection::{btree_map, btree_set, vec};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use crate::support::session::Db;

/// The variables range over 0 up to this.
const LAST: i64 = 4;
const NAMES: [&str; 3] = ["x", "y", "z"];

/// A small database: `f` has one value at most, `g` several, some more than once, `r` is a predicate.
#[derive(Debug, Clone)]
struct Data {
    f: BTreeMap<i64, i64>,
    g: BTreeMap<i64, Vec<i64>>,
    r: BTreeSet<(i64, i64)>,
}

/// A condition over variables by their numbers.
#[derive(Debug, Clone)]
enum Condition {
    F(usize, usize),
    FF(usize, usize),
    FIs(usize, i64),
    G(usize, usize),
    GCount(usize, i64),
    NoG(usize),
    R(usize, usize),
    Less(usize, usize),
    Next(usize, usize),
    Is(usize, i64),
    Pair(usize, usize),
    Listed(usize),
    SomeG(usize, usize),
    GLess(usize, usize),
    SumIs(usize, usize, i64),
    Either(Box<Condition>, Box<Condition>),
}

use Condition::*;

impl Condition {
    fn text(&self) -> String {
        let n = |i: &usize| NAMES[*i];
        match self {
            F(a, b) => format!("f({}) = {}", n(a), n(b)),
            FF(a, b) => format!("{} = f(f({}))", n(b), n(a)),
            FIs(a, k) => format!("f({}) = {k}", n(a)),
            G(a, b) => format!("{} in g({})", n(b), n(a)),
            GCount(a, k) => format!("count(g({})) = {k}", n(a)),
            NoG(a) => format!("notany(g({}))", n(a)),
            R(a, b) => format!("r({},{})", n(a), n(b)),
            Less(a, b) => format!("{} < {}", n(a), n(b)),
            Next(a, b) => format!("{} + 1 = {}", n(a), n(b)),
            Is(a, k) => format!("{} = {k}", n(a)),
            Pair(a, b) => format!("[{},{}] in bag([0,1],[1,2],[3,3],[0,1])", n(a), n(b)),
            Listed(a) => format!("{} in [1,1,2]", n(a)),
            SomeG(a, b) => format!("some({} in g({}))", n(b), n(a)),
            GLess(a, b) => format!("g({}) < {}", n(a), n(b)),
            SumIs(a, b, k) => format!("{k} = {} + {}", n(a), n(b)),
            Either(a, b) => format!("({} or {})", a.text(), b.text()),
        }
    }

    /// How often the condition holds.
    fn times(&self, d: &Data, v: &[i64; 3]) -> usize {
        let f = |x: &i64| d.f.get(x).copied();
        let g = |x: i64| d.g.get(&x).cloned().unwrap_or_default();
        let among = |list: &[i64], x: i64| list.iter().filter(|y| **y == x).count();
        let once = usize::from;
        match self {
            F(a, b) => once(f(&v[*a]) == Some(v[*b])),
            FF(a, b) => once(f(&v[*a]).and_then(|y| f(&y)) == Some(v[*b])),
            FIs(a, k) => once(f(&v[*a]) == Some(*k)),
            G(a, b) => among(&g(v[*a]), v[*b]),
            GCount(a, k) => once(g(v[*a]).len() as i64 == *k),
            NoG(a) => once(g(v[*a]).is_empty()),
            R(a, b) => once(d.r.contains(&(v[*a], v[*b]))),
            Less(a, b) => once(v[*a] < v[*b]),
            Next(a, b) => once(v[*a] + 1 == v[*b]),
            Is(a, k) => once(v[*a] == *k),
            Pair(a, b) => {
                let pairs = [(0, 1), (1, 2), (3, 3), (0, 1)];
                pairs.iter().filter(|p| **p == (v[*a], v[*b])).count()
            }
            Listed(a) => among(&[1, 1, 2], v[*a]),
            SomeG(a, b) => once(g(v[*a]).contains(&v[*b])),
            GLess(a, b) => g(v[*a]).iter().filter(|y| **y < v[*b]).count(),
            SumIs(a, b, k) => once(v[*a] + v[*b] == *k),
            Either(a, b) => a.times(d, v).max(b.times(d, v)),
        }
    }
}

fn data() -> impl Strategy<Value = Data> {
    let number = || 0..=LAST;
    (
        btree_map(number(), number(), 0..5),
        btree_map(number(), vec(number(), 1..5), 0..5),
        btree_set((number(), number()), 0..8),
    )
        .prop_map(|(f, g, r)| Data { f, g, r })
}

fn condition() -> impl Strategy<Value = Condition> {
    let one = || 0..3_usize;
    let pair = || {
        subsequence(vec![0, 1, 2], 2)
            .prop_shuffle()
            .prop_map(|v| (v[0], v[1]))
    };
    let simple = prop_oneof![
        pair().prop_map(|(a, b)| F(a, b)),
        pair().prop_map(|(a, b)| FF(a, b)),
        (one(), 0..=LAST).prop_map(|(a, k)| FIs(a, k)),
        pair().prop_map(|(a, b)| G(a, b)),
        (one(), 0..3_i64).prop_map(|(a, k)| GCount(a, k)),
        one().prop_map(NoG),
        pair().prop_map(|(a, b)| R(a, b)),
        pair().prop_map(|(a, b)| Less(a, b)),
        pair().prop_map(|(a, b)| Next(a, b)),
        (one(), 0..=LAST).prop_map(|(a, k)| Is(a, k)),
        pair().prop_map(|(a, b)| Pair(a, b)),
        one().prop_map(Listed),
        pair().prop_map(|(a, b)| SomeG(a, b)),
        pair().prop_map(|(a, b)| GLess(a, b)),
        (pair(), 0..=2 * LAST).prop_map(|((a, b), k)| SumIs(a, b, k)),
    ];
    simple.prop_recursive(2, 4, 2, |inner| {
        (inner.clone(), inner).prop_map(|(a, b)| Either(Box::new(a), Box::new(b)))
    })
}

fn script(d: &Data) -> String {
    let mut script = String::from(
        "create function f(Integer) -> Integer as stored;
         create function g(Integer) -> Bag of Integer as stored;
         create function r(Integer, Integer) -> Boolean as stored;",
    );
    for (x, y) in &d.f {
        script.push_str(&format!("set f({x}) = {y};"));
    }
    for (x, y) in
        d.g.iter()
            .flat_map(|(x, ys)| ys.iter().map(move |y| (x, y)))
    {
        script.push_str(&format!("add g({x}) = {y};"));
    }
    for (x, y) in &d.r {
        script.push_str(&format!("set r({x},{y}) = true;"));
    }
    script
}

/// Every row of the variables as often as all conditions together hold, as printed.
fn nested_loops(d: &Data, conditions: &[Condition]) -> Vec<String> {
    let all = || 0..=LAST;
    let rows = all().flat_map(|x| all().flat_map(move |y| all().map(move |z| [x, y, z])));
    let times = |row: &[i64; 3]| conditions.iter().map(|c| c.times(d, row)).product();
    let counted = rows.flat_map(|row| std::iter::repeat_n(row, times(&row)));
    counted.map(|[x, y, z]| format!("[{x},{y},{z}]")).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn the_planner_answers_as_nested_loops_do(
        d in data(),
        queries in vec((vec(condition(), 0..5), select(vec![0, 1, 2, 3, 7])), 8),
    ) {
        let mut db = Db::of(&script(&d));
        for (conditions, turn) in queries {
            let ranges = NAMES.iter().map(|n| format!("{n} in range(0,{LAST})"));
            let mut texts: Vec<String> = ranges.chain(conditions.iter().map(Condition::text)).collect();
            let middle = turn % texts.len();
            texts.rotate_left(middle);
            let query = format!(
                "select x, y, z from Integer x, Integer y, Integer z where {};",
                texts.join(" and ")
            );
            let printed = db.run(&query);
            let mut got: Vec<&str> = printed.lines().collect();
            got.sort_unstable();
            let wanted = nested_loops(&d, &conditions);
            prop_assert_eq!(got, wanted.iter().map(String::as_str).collect::<Vec<_>>(), "{}", query);
        }
    }
}
