//! Every built-in function with random and extreme values of every type, under limits of time and memory.

use std::collections::BTreeSet;
use std::thread;

use osql::functions::table::{BUILT_INS, native};
use osql::model::native::Volatility;
use osql::syntax::ast::{Body, CreateFunction, StatementKind};
use osql::syntax::lexer::{LexemeKind, significant};
use osql::syntax::statement;
use osql::text::diagnostic::SourceText;

use super::values::{self, SCRIPT};
use crate::support::bounded::Trial;
use crate::support::random::{Random, cases, generator};

/// A resolvent of a built-in function: its name, and the types of its arguments.
pub struct Resolvent {
    pub name: &'static str,
    types: Vec<String>,
    acts: bool,
    /// What its definition in OSQL names.
    names: BTreeSet<String>,
}

fn resolvents() -> Vec<Resolvent> {
    let declarations = BUILT_INS.declarations.iter();
    let parsed = declarations.map(|declaration| {
        let source = SourceText::new(declaration.file, declaration.text);
        let parsed = statement(&source).expect("parses").expect("a statement");
        let StatementKind::CreateFunction(function) = parsed.kind else {
            panic!("{} is no function", declaration.text);
        };
        of(declaration.name, declaration.text, &function)
    });
    parsed.collect()
}

fn of(name: &'static str, text: &str, function: &CreateFunction) -> Resolvent {
    let acts = match &function.body {
        Body::Foreign(key) => native(key).is_some_and(|n| n.volatility == Volatility::Acting),
        _ => false,
    };
    let words = significant(text).filter(|lexeme| lexeme.kind == LexemeKind::Word);
    Resolvent {
        name,
        types: function
            .parameters
            .iter()
            .map(|p| p.ty.span.text().to_owned())
            .collect(),
        acts,
        names: match &function.body {
            Body::Foreign(_) => BTreeSet::new(),
            _ => words.map(|word| word.text(text).to_lowercase()).collect(),
        },
    }
}

/// The names of those that act instead of answering, by their own row or through what they call.
pub fn acting() -> BTreeSet<String> {
    let all = resolvents();
    let mut acting: BTreeSet<String> = all
        .iter()
        .filter(|f| f.acts)
        .map(|f| f.name.to_owned())
        .collect();
    loop {
        let calls = |f: &&Resolvent| !f.names.is_disjoint(&acting) && !acting.contains(f.name);
        let more: Vec<_> = all
            .iter()
            .filter(calls)
            .map(|f| f.name.to_owned())
            .collect();
        if more.is_empty() {
            return acting;
        }
        acting.extend(more);
    }
}

/// A call with random arguments, most of them of the declared types.
fn call(random: &mut Random, resolvents: &[Resolvent]) -> String {
    let function = random.of(resolvents);
    let args: Vec<_> = function
        .types
        .iter()
        .map(|ty| match random.below(8) {
            0 => values::any(random),
            1 => values::of_type(random, &format!("bag of {ty}")),
            _ => values::of_type(random, ty),
        })
        .collect();
    let call = format!("{}({})", function.name, args.join(","));
    match random.below(8) {
        0 => format!("count({call});"),
        1 => format!("select y from Object y where y in {call};"),
        2 => format!("select y from Object y where y in bag({call},1,'a') order by y;"),
        3 => format!("set :kept = {call};"),
        _ => format!("{call};"),
    }
}

/// `CASES=100000` makes it long.
#[test]
fn every_function_keeps_within_limits() {
    let acting = acting();
    let mut all = resolvents();
    all.retain(|f| !acting.contains(f.name));
    assert!(all.len() > 400, "only {} resolvents", all.len());
    let cases = cases(600);
    let trial = Trial::new();
    thread::scope(|scope| {
        for seed in [10, 20] {
            let (all, trial) = (&all, &trial);
            scope.spawn(move || {
                let mut random = generator(seed);
                trial.run(cases / 2, SCRIPT, || call(&mut random, all));
            });
        }
    });
    trial.expect_none();
}
