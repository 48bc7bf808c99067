//! Tests that queries give the same in batches and row by row.

use std::sync::Arc;

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};

use crate::catalog::Catalog;
use crate::compile;
use crate::functions::testing::cx;
use crate::model::{BatchColumn, Cx, Numbers, Source, Value};
use crate::plan::Query;
use crate::run::{query, statement as statements};
use crate::syntax::ast::StatementKind;
use crate::syntax::statement;
use crate::text::diagnostic::Result;

pub fn plan(text: &str, cx: &Cx) -> Arc<Query> {
    try_plan(text, cx).expect("compiles")
}

/// `None` where the text is a query that has no meaning.
fn try_plan(text: &str, cx: &Cx) -> Option<Arc<Query>> {
    let source = crate::text::diagnostic::SourceText::new("test", text);
    let parsed = statement(&source).expect("parses").expect("a statement");
    let StatementKind::Query(expr) = parsed.kind else {
        panic!("{text} is a query")
    };
    let compiled = compile::query(Catalog::of(cx), &expr);
    Some(Arc::new(compiled.ok()?))
}

/// How the results of a query are taken.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Taken {
    OneByOne,
    Numbers,
    Column,
    Columns,
}

impl Taken {
    /// The next results, where they come many at a time.
    fn many(self, source: &mut dyn Source, cx: &Cx) -> Result<Option<Vec<Value>>> {
        Ok(match self {
            Taken::OneByOne => None,
            Taken::Numbers => source.numbers(cx)?.map(Numbers::values),
            Taken::Column => source.column(cx)?.map(BatchColumn::values),
            Taken::Columns => source.columns(cx)?.map(|columns| {
                let rows = columns.first().map_or(0, BatchColumn::len);
                let row = |row: usize| {
                    let values = columns.iter().map(|column| column.value(row));
                    Value::vector(values.map(|value| value.expect("a value")))
                };
                (0..rows).map(row).collect()
            }),
        })
    }
}

/// All results, or the error, made in batches where that is asked for; and how many were.
pub fn results(plan: &Arc<Query>, cx: &Cx, batches: bool) -> (Vec<String>, usize) {
    let taken = if batches {
        Taken::Numbers
    } else {
        Taken::OneByOne
    };
    results_taken(plan, cx, taken)
}

fn results_taken(plan: &Arc<Query>, cx: &Cx, taken: Taken) -> (Vec<String>, usize) {
    let mut source = query::open(plan, vec![], cx).expect("opens");
    let mut results = Vec::new();
    let mut batched = 0;
    loop {
        match taken.many(&mut *source, cx) {
            Ok(Some(batch)) => {
                batched += batch.len();
                results.extend(batch.iter().map(Value::to_string));
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
            "select x*2-1 from Number x where x in iota(-50,50) and x/2 > -1 and x != 3",
            51,
        ),
        (
            "select x+0.5 from Real x where x in iota(1,100) and (x < 3 or x >= 99)",
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
            "select x from Real x where x in iota(9007199254740970,9007199254740999)",
            26,
        ),
        (
            "select x from Integer x where x in iota(1,100) and x < 9.5e18",
            100,
        ),
        ("select 7 from Integer x where x in iota(1,30)", 30),
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

/// Defines functions over data of all kinds, and functions of one's own.
fn define(cx: &Cx, random: &mut StdRng) {
    let mut text = String::from(
        "create function n(Integer i) -> Number as stored;
         create function s(Integer i) -> Charstring as stored;
         create function w(Integer i) -> Object as stored;
         create function twice(Number x) -> Number as x + x;
         create function half(Real x) -> Real as x / 2;
         create function whole(Integer x) -> Integer as x + 1;
         create function sign_of(Number x) -> Charstring as case when x < 0 then 'below' else 'above' end;
         create function far(Number x) -> Boolean as x > 5 or x < -5;
         create function mark(Charstring a) -> Charstring as a + '!' + a;
         create function ratio(Number x, Number y) -> Number as case when y = 0 then x else x / y end;
         create function small(Number x) -> Number as case when x < 50 then x end;
         create function either(Number x, Number y) -> Bag of Number as bag(x, y, x);
         create function counter() -> Integer as stored;
         create function seen(Object x) -> Integer as {
             set counter() = counter() + 1; return counter(); };",
    );
    let numbers = [
        "0",
        "1",
        "-3",
        "7",
        "2.5",
        "-0.5",
        "9007199254740993",
        "1e300",
        "9223372036854775807",
    ];
    let strings = ["''", "'a'", "'Åsa'", "'room 12'", "'xyz'"];
    let others = [
        "1",
        "1.0",
        "'a'",
        "[1,null]",
        "true",
        "{'k':1}",
        "2.5",
        "{'l':null}",
    ];
    for i in 1..=40 {
        // Some have no value, so that they are left out.
        for (function, values) in [("n", &numbers[..]), ("s", &strings), ("w", &others)] {
            if random.random_range(0..20) > 0 {
                let value = values.choose(random).expect("there are some");
                text += &format!("\nset {function}({i}) = {value};");
            }
        }
    }
    // A procedure has semicolons of its own.
    for one in text.split_inclusive(";\n") {
        execute(one, cx);
    }
}

fn execute(text: &str, cx: &Cx) {
    let source = crate::text::diagnostic::SourceText::new("test", text);
    statements::execute(cx, &source).unwrap_or_else(|error| panic!("{text}: {error}"));
}

/// A random number, string or condition over `i`, `x` and `t`, the deeper the longer.
fn number(random: &mut StdRng, depth: usize) -> String {
    let of = |random: &mut StdRng| number(random, depth - 1);
    match random.random_range(0..if depth == 0 { 4 } else { 21 }) {
        0 => "i".into(),
        1 | 2 => "x".into(),
        3 => random.random_range(-3..4).to_string(),
        4 => format!("({} + {})", of(random), of(random)),
        5 => format!("({} - {})", of(random), of(random)),
        6 => format!("({} * {})", of(random), of(random)),
        7 => format!("({} / {})", of(random), of(random)),
        8 => format!("mod({},{})", of(random), of(random)),
        9 => format!("abs({})", of(random)),
        10 => format!("floor({})", of(random)),
        11 => format!("twice({})", of(random)),
        12 => format!("half({})", of(random)),
        13 => format!("dim({})", string(random, depth - 1)),
        14 => format!(
            "case when {} then {} else {} end",
            condition(random, depth - 1),
            of(random),
            of(random)
        ),
        15 => format!("ratio({},{})", of(random), of(random)),
        16 => format!("small({})", of(random)),
        17 => format!(
            "case when {} then {} end",
            condition(random, depth - 1),
            of(random)
        ),
        18 => format!(
            "count(select j from Integer j where j in range(3) and j < {})",
            of(random)
        ),
        19 => format!("try({},{})", of(random), of(random)),
        _ => format!("w({})", of(random)),
    }
}

fn string(random: &mut StdRng, depth: usize) -> String {
    let of = |random: &mut StdRng| string(random, depth - 1);
    match random.random_range(0..if depth == 0 { 3 } else { 11 }) {
        0 | 1 => "t".into(),
        2 => "'b'".into(),
        3 => format!("({} + {})", of(random), of(random)),
        4 => format!("({} + {})", of(random), number(random, depth - 1)),
        5 => format!("upper({})", of(random)),
        6 => format!("ntoa({})", number(random, depth - 1)),
        7 => format!("section({},2,{})", of(random), random.random_range(0..5)),
        8 => format!("mark({})", of(random)),
        9 => format!("sign_of({})", number(random, depth - 1)),
        _ => format!("capitalize({})", of(random)),
    }
}

fn condition(random: &mut StdRng, depth: usize) -> String {
    let operator = *["<", "<=", "=", "!=", ">", ">="]
        .choose(random)
        .expect("there are some");
    match random.random_range(0..if depth == 0 { 2 } else { 10 }) {
        0 => format!("{} {operator} {}", number(random, 0), number(random, 0)),
        1 => format!("{} {operator} {}", string(random, 0), string(random, 0)),
        2 => format!(
            "{} {operator} {}",
            number(random, depth),
            number(random, depth)
        ),
        3 => format!(
            "like({},'*{}*')",
            string(random, depth),
            ["a", "1", "?"].choose(random).expect("some")
        ),
        4 => format!("far({})", number(random, depth)),
        5 => format!(
            "({} or {})",
            condition(random, depth - 1),
            condition(random, depth - 1)
        ),
        6 => format!("odd({})", number(random, depth - 1)),
        // These hold more than once.
        7 => format!(
            "({} or {} in bag(1, 1, 3, 2.5, null, 'a'))",
            condition(random, depth - 1),
            number(random, 0)
        ),
        8 => format!(
            "({} in either({}, 2) or {} in bag(2, 2))",
            number(random, 0),
            number(random, 0),
            number(random, depth - 1)
        ),
        _ => format!("{} in either({}, i)", number(random, 0), number(random, 0)),
    }
}

/// A bag of mixed values, some of them null.
fn mixed(random: &mut StdRng) -> String {
    let values = [
        "1",
        "2",
        "2.5",
        "-7",
        "1e300",
        "9007199254740993",
        "null",
        "'a'",
        "true",
        "[1]",
    ];
    let kinds = *[2, 4, 6, 7, 10].choose(random).expect("there are some");
    let count = random.random_range(17..60);
    let values = (0..count).map(|_| *values[..kinds].choose(random).expect("some"));
    format!("bag({})", values.collect::<Vec<_>>().join(","))
}

/// Where the rows of a query come from: the variables `i`, `x` and `t`.
fn rows(random: &mut StdRng) -> (&'static str, String) {
    const PLAIN: &str = "Integer i, Number x, Charstring t";
    const MIXED: &str = "Integer i, Object x, Charstring t";
    let (variables, bound) = match random.random_range(0..16) {
        0 => (PLAIN, "x = n(i) and t = s(i)"),
        1 => (MIXED, "x = w(i) and t = s(i)"),
        2 => (
            "Integer i, Object x, Charstring t, Record r",
            "r = {'k': n(i), 'l': i + 1} and x = r['k'] - r['l'] and t = s(i)",
        ),
        3 => (
            "Integer i, Object x, Charstring t, Vector v",
            "v = [i, s(i), n(i) / 3] and x = v[3] and t = v[2]",
        ),
        4 => (
            "Integer i, Integer x, Charstring t",
            "x = n(i) / 2 and t = s(i)",
        ),
        5 => (
            "Integer i, Object x, Charstring t, Object r",
            "i in range(300) and r = case when odd(i) then {'k': i} when i < 99 then {'k': i / 2} \
             else {'l': 1} end and x = r['k'] and t = ntoa(i)",
        ),
        6 => (
            MIXED,
            "i in range(300) and x = case when odd(i) then i when i < 99 then i / 2 else null end \
             and t = s(mod(i, 41))",
        ),
        7 => (
            PLAIN,
            "(i in iota(1,60) or i in iota(40,90)) and x = i - 50 and t = ntoa(i)",
        ),
        8 => (
            PLAIN,
            "(x in bag(1,2,2,3.0) or x in iota(-9,20)) and i in range(2) and t = 'b'",
        ),
        9 => (
            PLAIN,
            "i in range(80) and (x = n(i) or x = i / 2) and t = ntoa(i)",
        ),
        10 => (
            PLAIN,
            "i in range(80) and (x in either(i, n(i)) or x = i) and t = ntoa(i)",
        ),
        11 => (PLAIN, "i in siota(1,400) and x = i - 200 and t = ntoa(i)"),
        12 => (
            PLAIN,
            "i in range(60) and x in iota(1, mod(i, 7)) and t = ntoa(i)",
        ),
        13 => {
            let bag = mixed(random);
            return (MIXED, format!("x in {bag} and i in range(2) and t = 'b'"));
        }
        14 => {
            let (one, other) = (mixed(random), mixed(random));
            let bound = format!("(x in {one} or x in {other}) and i = 3 and t = 'b'");
            return (if random.random() { PLAIN } else { MIXED }, bound);
        }
        _ => (PLAIN, "i in range(2000) and x = i - 1000 and t = ntoa(i)"),
    };
    (variables, bound.into())
}

/// Queries over data of all kinds, with values that are missing, overflow and errors in the midst.
#[test]
fn random_queries_give_the_same_in_batches_and_row_by_row() {
    let number_of = |name: &str, otherwise: u64| {
        std::env::var(name).map_or(otherwise, |n| n.parse().expect("a number"))
    };
    let cx = cx();
    let mut random = StdRng::seed_from_u64(number_of("SEED", 1));
    define(&cx, &mut random);
    let counted = plan("counter()", &cx);
    let (mut in_batches, mut with_rows, mut with_tail) = (0, 0, 0);
    for case in 0..number_of("CASES", 600) {
        let random = &mut random;
        let depth = random.random_range(0..3);
        let (from, bound) = rows(random);
        let mut conditions = vec![bound, condition(random, depth)];
        if random.random_range(0..4) == 0 {
            conditions.push(format!("seen(x) > {}", random.random_range(0..9)));
            conditions.push(condition(random, depth));
        }
        let conditions = conditions.join(" and ");
        let output = match random.random_range(0..9) {
            0..4 => number(random, depth),
            4..8 => string(random, depth),
            _ => format!("either(x, {})", number(random, depth)),
        };
        let mut text = match random.random_range(0..5) {
            0 => {
                let key = string(random, depth);
                format!(
                    "select {key}, count(x), sum({}) from {from} where {conditions} group by {key}",
                    number(random, depth)
                )
            }
            1 => format!("select {output}, i from {from} where {conditions}"),
            2 => format!("select distinct {output}, x from {from} where {conditions}"),
            3 => {
                let key = number(random, depth);
                format!("select {output}, x from {from} where {conditions} order by {key}, i")
            }
            _ => format!("select {output} from {from} where {conditions}"),
        };
        if random.random_range(0..4) == 0 {
            text += &format!(" limit {}", random.random_range(1..40));
        }
        let Some(plan) = try_plan(&text, &cx) else {
            continue;
        };
        if let Some(program) = &plan.batch {
            in_batches += 1;
            with_rows += usize::from(!program.evaluated.is_empty());
            with_tail += usize::from(program.tail.is_some());
        }
        let by_rows = Arc::new(Query {
            batch: None,
            ..(*plan).clone()
        });
        // What has state counts its calls, and shows in which order they were made.
        execute("set counter() = 0;", &cx);
        let (expected, _) = results_taken(&by_rows, &cx, Taken::OneByOne);
        let calls = results(&counted, &cx, false);
        for taken in [
            Taken::OneByOne,
            Taken::Numbers,
            Taken::Column,
            Taken::Columns,
        ] {
            execute("set counter() = 0;", &cx);
            let (made, _) = results_taken(&plan, &cx, taken);
            assert_eq!(made, expected, "case {case}, {taken:?}: {text}");
            let made = results(&counted, &cx, false);
            assert_eq!(made, calls, "calls in case {case}, {taken:?}: {text}");
        }
    }
    let all = format!("{in_batches} in batches, {with_rows} with rows, {with_tail} with a tail");
    assert!(
        in_batches > 100 && with_rows > 20 && with_tail > 10,
        "{all}"
    );
    println!("{all}");
}
