//! Tests that functions of numbers give the same as programs over plain numbers and by the evaluator.

use std::sync::Arc;

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};

use crate::catalog::Catalog;
use crate::compile;
use crate::functions::testing::cx;
use crate::model::{Cx, Value};
use crate::run::{query, statement as statements};
use crate::syntax::ast::StatementKind;
use crate::syntax::statement;
use crate::text::diagnostic::SourceText;

/// Executes a definition; `false` where it has no meaning.
fn defined(cx: &Cx, text: &str) -> bool {
    statements::execute(cx, &SourceText::new("test", text)).is_ok()
}

/// The results of a query, or its error.
fn results(cx: &Cx, text: &str) -> Vec<String> {
    let source = SourceText::new("test", text);
    let parsed = statement(&source).expect("parses").expect("a statement");
    let StatementKind::Query(expr) = parsed.kind else {
        panic!("{text} is a query")
    };
    let plan = match compile::query(Catalog::of(cx), &expr) {
        Ok(plan) => Arc::new(plan),
        Err(error) => return vec![error.message().to_owned()],
    };
    let mut results = Vec::new();
    let mut source = match query::open(&plan, vec![], cx) {
        Ok(source) => source,
        Err(error) => return vec![error.message().to_owned()],
    };
    loop {
        match source.next(cx) {
            Ok(Some(value)) => results.push(Value::to_string(&value)),
            Ok(None) => return results,
            Err(error) => {
                results.push(error.message().to_owned());
                return results;
            }
        }
    }
}

/// An expression over `x`, `y` and the function itself, whose calls end as `n` comes to nothing.
fn expression(random: &mut StdRng, depth: usize) -> String {
    let of = |random: &mut StdRng| expression(random, depth - 1);
    match random.random_range(0..if depth == 0 { 5 } else { 13 }) {
        0 => "x".into(),
        1 => "y".into(),
        2 => "n".into(),
        3 => random.random_range(-2..4).to_string(),
        4 => (*["0.5", "3037000500", "-1e300"]
            .choose(random)
            .expect("some"))
        .into(),
        5 => format!("({} + {})", of(random), of(random)),
        6 => format!("({} - {})", of(random), of(random)),
        7 => format!("({} * {})", of(random), of(random)),
        8 => format!("({} / {})", of(random), of(random)),
        9 => format!("(-{})", of(random)),
        10 => format!("sqrt({})", of(random)),
        11 => format!(
            "case when {} then {} else {} end",
            condition(random, depth - 1),
            of(random),
            of(random)
        ),
        _ => format!("NAME({},{},n-1)", of(random), of(random)),
    }
}

fn condition(random: &mut StdRng, depth: usize) -> String {
    let operator = ["<", "<=", "=", "!=", ">", ">="]
        .choose(random)
        .expect("some");
    let one = format!(
        "{} {operator} {}",
        expression(random, depth),
        expression(random, depth)
    );
    match random.random_range(0..if depth == 0 { 1 } else { 4 }) {
        0 | 1 => one,
        2 => format!("({one} and {})", condition(random, depth - 1)),
        _ => format!("({one} or {})", condition(random, depth - 1)),
    }
}

/// The same definition twice: as one that runs over plain numbers, and as one that asks for the length
/// of a string, for which there is no such form.
fn definitions(random: &mut StdRng) -> [String; 2] {
    let body = expression(random, 3);
    let body = if random.random_range(0..3) == 0 {
        format!(
            "{{ declare Number s; set s = x; while n > 0 and s < 1000 do set s = {body}; \
             set n = n - 1; end while; return WHEN s + y END; }}"
        )
    } else {
        format!("WHEN case when n < 1 then x else {body} end END")
    };
    [
        ("plain", "", ""),
        ("evaluated", "case when dim('') = 1 then x else", "end"),
    ]
    .map(|(name, before, behind)| {
        let body = body.replace("NAME", name);
        let body = body.replace("WHEN", before).replace("END", behind);
        format!("create function {name}(Number x, Number y, Number n) -> Number as {body};")
    })
}

#[test]
fn random_functions_give_the_same_over_plain_numbers_and_by_the_evaluator() {
    let number_of = |name: &str, otherwise: u64| {
        std::env::var(name).map_or(otherwise, |n| n.parse().expect("a number"))
    };
    let cx = cx();
    let mut random = StdRng::seed_from_u64(number_of("SEED", 1));
    let (mut plain, mut compared) = (0, 0);
    for case in 0..number_of("CASES", 400) {
        let [over_numbers, over_objects] = definitions(&mut random);
        if !defined(&cx, &over_numbers) || !defined(&cx, &over_objects) {
            continue;
        }
        compared += 1;
        let functions = Catalog::of(&cx)
            .functions
            .resolvents("plain")
            .expect("defined");
        plain += usize::from(
            functions
                .iter()
                .any(|f| compile::is_plain(Catalog::of(&cx), f)),
        );
        for arguments in [
            "1,2,3",
            "0.5,-1,2",
            "-7,0,4",
            "9223372036854775807,1,1",
            "2,3,0",
        ] {
            assert_eq!(
                results(&cx, &format!("plain({arguments});")),
                results(&cx, &format!("evaluated({arguments});"))
                    .iter()
                    .map(|text| text.replace("evaluated", "plain"))
                    .collect::<Vec<_>>(),
                "case {case}, ({arguments}): {over_numbers}"
            );
        }
    }
    assert!(
        plain * 10 > compared * 9,
        "{plain} of {compared} ran over plain numbers"
    );
}
