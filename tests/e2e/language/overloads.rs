//! The choice among overloads: the rule of `catalog::overloads`, fault by fault, and on random types,
//! overloads and arguments beside a chooser written straight from the rule.

use std::fmt::Write;

use crate::support::random::{Random, cases};
use crate::support::session::Db;

const CHAIN: &str = "create type A; create type B under A; create type D under B;
    create A instances :a; create B instances :b; create D instances :d;";

#[test]
fn the_most_specific_that_applies_is_taken() {
    let mut db = Db::of(CHAIN);
    db.does(
        "create function ff(D x) -> Charstring as 'D';
         create function ff(A x) -> Charstring as 'A';
         create function late(Object x) -> Charstring as ff(x);",
    );
    db.gives("ff(:a); ff(:b); ff(:d);", "\"A\"\n\"A\"\n\"D\"");
    db.gives("late(:a); late(:b); late(:d);", "\"A\"\n\"A\"\n\"D\"");
    db.gives_bag("select ff(x) from A x;", "\"A\"\n\"A\"\n\"D\"");
}

#[test]
fn the_order_of_definition_decides_nothing() {
    let resolvents = [
        "create function ff(A x) -> Charstring as 'A';",
        "create function ff(B x) -> Charstring as 'B';",
        "create function ff(D x) -> Charstring as 'D';",
    ];
    for order in [
        [0, 1, 2],
        [0, 2, 1],
        [1, 0, 2],
        [1, 2, 0],
        [2, 0, 1],
        [2, 1, 0],
    ] {
        let mut db = Db::of(CHAIN);
        for i in order {
            db.does(resolvents[i]);
        }
        db.gives("ff(:a); ff(:b); ff(:d);", "\"A\"\n\"B\"\n\"D\"");
        db.gives_bag("select ff(x) from A x;", "\"A\"\n\"B\"\n\"D\"");
    }
}

#[test]
fn steps_do_not_add_up() {
    let mut db = Db::of("create type T0;");
    for i in 1..10 {
        db.does(&format!("create type T{i} under T{};", i - 1));
    }
    db.does(
        "create T9 instances :t;
         create function far(T0 x) -> Charstring as 'T0';
         create function far(Bag of T9 x) -> Charstring as 'bag';
         create function two(T0 x, T9 y) -> Charstring as 'first';
         create function two(T1 x, T9 y) -> Charstring as 'second';
         create function lifts(Bag of T0 b) -> Charstring as 'whole';
         create function lifts(T9 x) -> Charstring as 'each';
         create function late(Object x) -> Charstring as far(x);",
    );
    db.gives(
        "far(:t); late(:t); two(:t,:t);",
        "\"T0\"\n\"T0\"\n\"second\"",
    );
    db.gives("lifts(select t from T9 t);", "\"whole\"");
}

#[test]
fn what_is_ambiguous_is_so_early_and_late() {
    let mut db = Db::of(
        "create type A; create type B; create type D under A, B;
         create A instances :a; create D instances :d;
         create function g(A x) -> Charstring as 'A';
         create function g(B x) -> Charstring as 'B';
         create function late(Object x) -> Charstring as g(x);",
    );
    for call in [
        "g(:d);",
        "late(:d);",
        "call(functionnamed('g'),:d);",
        "callv(functionnamed('g'),[:d]);",
        "apply(functionnamed('g'),[:d]);",
        "mapvector(functionnamed('g'),[:d]);",
        "select g(x) from A x;",
        "select g(x) from B x;",
    ] {
        db.fails(
            call,
            &[
                "the call of 'g' is ambiguous",
                "it fits g(A x)",
                "it fits g(B x)",
            ],
        );
    }
    db.gives("g(:a); late(:a);", "\"A\"\n\"A\"");
    db.does("create function g(D x) -> Charstring as 'D';");
    db.gives(
        "g(:d); late(:d); select g(x) from B x;",
        "\"D\"\n\"D\"\n\"D\"",
    );
}

#[test]
fn numbers_take_the_nearest() {
    let mut db = Db::of(
        "create function k(Number x) -> Charstring as 'number';
         create function k(Real x) -> Charstring as 'real';
         create function late(Object x) -> Charstring as k(x);",
    );
    let both = "\"real\"\n\"number\"";
    db.gives("k(1.5); k(1);", both);
    db.gives("late(1.5); late(1);", both);
    db.gives("k({'v':1.5}['v']); k({'v':1}['v']);", both);
    db.gives(
        "call(functionnamed('k'),1.5); call(functionnamed('k'),1);",
        both,
    );
}

#[test]
fn what_comes_decides_where_nothing_is_known() {
    let mut db = Db::of("set :r = {'v':[1,2,3], 's':'abc', 'n':3, 'x':null};");
    db.gives("sum(:r['v']); mean(:r['v']); max(:r['v']);", "6\n2.0\n3");
    db.gives("sum(:r['n']); mean(:r['n']); max(:r['n']);", "3\n3.0\n3");
    db.gives("skip(:r['v'],1); skip(:r['s'],1);", "[2,3]\n\"bc\"");
    db.gives("in(:r['v']);", "1\n2\n3");
    db.gives(
        "concat(:r['v'],[4]); concat(:r['s'],'d');",
        "[1,2,3,4]\n\"abcd\"",
    );
    db.gives(
        "select sum(r['v']) from Record r where r in bag(:r,:r);",
        "6\n6",
    );
    db.gives("max(:r['x']);", "");
}

#[test]
fn streams_of_anything_are_aggregated() {
    let mut db = Db::new();
    db.gives(
        "sum(first_n(siota(1,3),3)); mean(timeout(siota(1,3),60));",
        "6\n2.0",
    );
    db.gives(
        "sum(merge(siota(1,3),siota(1,3))); max(streamof(bag(1,2)));",
        "12\n2",
    );
    db.gives("sum(winagg(siota(1,4),2,2));", "3\n7");
}

#[test]
fn declared_types_hold() {
    let mut db = Db::new();
    db.gives(
        "cast(['a'] as Vector of Number); cast([1] as Vector of Number);",
        "[1]",
    );
    db.gives(
        "select v from Vector of Number v where v in bag(['a'],[1]);",
        "[1]",
    );
    db.does(
        "create function half(Integer x) -> Integer as x/2;
         create function real() -> Real as 1;
         create function many() -> Bag of Integer as bag(1,2.0,2.5);
         create function total(Vector of Number v) -> Number as sum(v);
         create function steps(Integer x) -> Integer as { return x/2; };
         create function kept(Charstring k) -> Integer as stored;
         create function pair() -> (Integer, Real) as (1.5, 2);",
    );
    db.gives("half(4); real(); steps(4);", "2\n1.0\n2");
    db.fails("half(3);", &["'half' is declared to give Integer, not 1.5"]);
    db.fails(
        "steps(3);",
        &["'steps' is declared to give Integer, not 1.5"],
    );
    db.fails(
        "many();",
        &["1\n2\nerror: 'many' is declared to give Integer, not 2.5"],
    );
    db.fails("set kept('a') = 1.5;", &["kept", "Integer", "1.5"]);
    db.fails(
        "total({'v':[1,'a']}['v']);",
        &["total", "Vector of Number", "[1,\"a\"]"],
    );
    db.fails(
        "pair();",
        &["'pair' is declared to give (Integer,Real), not [1.5,2]"],
    );
    db.does("create function all(Bag of Integer b) -> Number as sum(b);");
    db.fails(
        "all(bag(1,1.5));",
        &["'all' wants the elements of its argument 'b' to be Integer, not 1.5"],
    );
}

/// A parameter's type; a user's type by its number.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Declared {
    Object,
    Literal,
    Number,
    Integer,
    Real,
    Charstring,
    Vector,
    Numbers,
    User(usize),
}

impl Declared {
    fn name(self) -> String {
        match self {
            Declared::Numbers => "Vector of Number".to_owned(),
            Declared::User(i) => format!("T{i}"),
            other => format!("{other:?}"),
        }
    }
}

/// An argument: an object of a user's type, or a literal.
#[derive(Clone, Copy, Debug)]
enum Given {
    Object(usize),
    Integer,
    Whole,
    Fraction,
    Text,
    Numbers,
    Texts,
}

impl Given {
    fn text(self) -> String {
        match self {
            Given::Object(i) => format!(":t{i}"),
            Given::Integer => "3".to_owned(),
            Given::Whole => "2.0".to_owned(),
            Given::Fraction => "1.5".to_owned(),
            Given::Text => "'x'".to_owned(),
            Given::Numbers => "[1,2.5]".to_owned(),
            Given::Texts => "['x']".to_owned(),
        }
    }
}

/// For each user's type, whether it is below or the same as each other.
struct Graph(Vec<Vec<bool>>);

impl Graph {
    /// Types under up to three of those before; often under the last one, so that there are chains.
    fn random(random: &mut Random) -> (Graph, String) {
        let count = 2 + random.below(10);
        let mut below = vec![vec![false; count]; count];
        let mut script = "create type T0;\n".to_owned();
        below[0][0] = true;
        for i in 1..count {
            let mut above = vec![if random.below(3) > 0 {
                i - 1
            } else {
                random.below(i)
            }];
            for _ in 0..random.below(3) {
                above.push(random.below(i));
            }
            above.sort_unstable();
            above.dedup();
            for &up in &above {
                let reached = below[up].clone();
                for (mine, reached) in below[i].iter_mut().zip(reached) {
                    *mine |= reached;
                }
            }
            below[i][i] = true;
            let names: Vec<_> = above.iter().map(|i| format!("T{i}")).collect();
            writeln!(script, "create type T{i} under {};", names.join(",")).expect("memory");
        }
        script += "create function number_of(T0 x) -> Integer as stored;\n";
        for i in 0..count {
            writeln!(script, "create T{i}(number_of) instances :t{i} ({i});").expect("memory");
        }
        (Graph(below), script)
    }

    fn is_subtype(&self, a: Declared, b: Declared) -> bool {
        use Declared::*;
        match (a, b) {
            (a, b) if a == b => true,
            (_, Object) => true,
            (User(a), User(b)) => self.0[a][b],
            (Number | Integer | Real | Charstring, Literal) => true,
            (Integer | Real, Number) => true,
            (Numbers, Vector) => true,
            _ => false,
        }
    }

    /// Whether the argument fits: as it is (0) or converted (1).
    fn fits(&self, given: Given, declared: Declared) -> Option<u8> {
        let own = match given {
            Given::Object(i) => Declared::User(i),
            Given::Integer => Declared::Integer,
            Given::Whole | Given::Fraction => Declared::Real,
            Given::Text => Declared::Charstring,
            Given::Numbers => Declared::Numbers,
            Given::Texts => Declared::Vector,
        };
        match (given, declared) {
            _ if self.is_subtype(own, declared) => Some(0),
            (Given::Integer, Declared::Real) | (Given::Whole, Declared::Integer) => Some(1),
            _ => None,
        }
    }

    /// The rule, word by word: the number of the resolvent, or why there is none.
    fn chosen(&self, resolvents: &[Vec<Declared>], args: &[Given]) -> Outcome {
        let applies = |f: &&Vec<Declared>| {
            let mut pairs = args.iter().zip(f.iter());
            pairs.all(|(a, p)| self.fits(*a, *p).is_some())
        };
        let nearer = |arg: Given, a: Declared, b: Declared| {
            let (own, other) = (self.fits(arg, a), self.fits(arg, b));
            own < other || (own == other && a != b && self.is_subtype(a, b))
        };
        let more_specific = |f: &[Declared], g: &[Declared]| {
            let places = || args.iter().enumerate();
            places().all(|(i, a)| f[i] == g[i] || nearer(*a, f[i], g[i]))
                && places().any(|(i, a)| nearer(*a, f[i], g[i]))
        };
        let applying: Vec<_> = resolvents.iter().filter(applies).collect();
        if applying.is_empty() {
            return Outcome::Nothing;
        }
        let over_all =
            |f: &&&Vec<Declared>| applying.iter().all(|g| g == *f || more_specific(f, g));
        match applying.iter().find(over_all) {
            Some(best) => {
                let at = resolvents.iter().position(|f| f == *best);
                Outcome::Taken(at.expect("it is one of them"))
            }
            None => Outcome::Ambiguous,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Outcome {
    Taken(usize),
    Ambiguous,
    Nothing,
}

impl Outcome {
    /// What a call's line of output says.
    fn read(line: &str) -> Outcome {
        let result = line.trim_matches(['[', ']', '"']);
        match result.strip_prefix('r').and_then(|n| n.parse().ok()) {
            Some(taken) => Outcome::Taken(taken),
            None if line.contains("is ambiguous") => Outcome::Ambiguous,
            None if line.contains("does not take") || line.contains("wants its argument") => {
                Outcome::Nothing
            }
            None => panic!("{line}"),
        }
    }
}

/// Different resolvents of one arity.
fn random_resolvents(random: &mut Random, types: usize, arity: usize) -> Vec<Vec<Declared>> {
    use Declared::*;
    let built_in = [
        Object, Literal, Number, Integer, Real, Charstring, Vector, Numbers,
    ];
    let mut all: Vec<Vec<Declared>> = vec![];
    // Most parameters of one place are of one kind: else hardly two resolvents ever compete.
    let objects: Vec<bool> = (0..arity).map(|_| random.below(3) > 0).collect();
    for _ in 0..2 + random.below(5) {
        let mut one = |i: usize| {
            let object = objects[i] != (random.below(8) == 0);
            if object {
                User(random.below(types))
            } else {
                built_in[random.below(built_in.len())]
            }
        };
        let resolvent: Vec<Declared> = (0..arity).map(&mut one).collect();
        if !all.contains(&resolvent) {
            all.push(resolvent);
        }
    }
    all
}

/// Arguments, three times in four such that one of the resolvents applies if any can.
fn random_args(random: &mut Random, graph: &Graph, resolvents: &[Vec<Declared>]) -> Vec<Given> {
    use Given::*;
    let mut all = vec![Integer, Whole, Fraction, Text, Numbers, Texts];
    all.extend((0..graph.0.len()).map(Object));
    let resolvent = &resolvents[random.below(resolvents.len())];
    let fitting = random.below(4) > 0;
    let mut one = |declared: &Declared| {
        let mut possible = all.clone();
        possible.retain(|given| !fitting || graph.fits(*given, *declared).is_some());
        possible[random.below(possible.len())]
    };
    resolvent.iter().map(&mut one).collect()
}

/// The definitions of `f` and of ways to call it whose arguments say nothing when they are compiled.
fn definitions(random: &mut Random, f: &str, resolvents: &[Vec<Declared>]) -> String {
    let mut order: Vec<usize> = (0..resolvents.len()).collect();
    random.shuffle(&mut order);
    let mut script = String::new();
    for i in order {
        let params: Vec<_> = resolvents[i].iter().map(|p| p.name()).collect();
        let params = params.join(",");
        writeln!(
            script,
            "create function {f}({params}) -> Charstring as 'r{i}';"
        )
        .expect("memory");
    }
    let arity = resolvents[0].len();
    let params: Vec<_> = (0..arity).map(|i| format!("Object x{i}")).collect();
    let args: Vec<_> = (0..arity).map(|i| format!("x{i}")).collect();
    let (params, args) = (params.join(","), args.join(","));
    writeln!(
        script,
        "create function late_{f}({params}) -> Object as {f}({args});"
    )
    .expect("memory");
    script
}

/// The same call in every way: its types known, known in part, unknown, through a function value.
fn calls(random: &mut Random, graph: &Graph, f: &str, args: &[Given]) -> Vec<String> {
    let texts: Vec<_> = args.iter().map(|a| a.text()).collect();
    let plain = texts.join(",");
    let fields: Vec<_> = texts.iter().map(|t| format!("{{'v':{t}}}['v']")).collect();
    let mut calls = vec![
        format!("{f}({plain});"),
        format!("late_{f}({plain});"),
        format!("{f}({});", fields.join(",")),
        format!("callv(functionnamed('{f}'),[{plain}]);"),
        format!("apply(functionnamed('{f}'),[{plain}]);"),
        format!("call(functionnamed('{f}'),{plain});"),
    ];
    if let [only] = texts.as_slice() {
        calls.push(format!("mapvector(functionnamed('{f}'),[{only}]);"));
    }
    // Of the first object only a type above its own is known.
    if let Some(at) = args.iter().position(|a| matches!(a, Given::Object(_)))
        && let Given::Object(i) = args[at]
    {
        let above: Vec<usize> = (0..graph.0.len()).filter(|j| graph.0[i][*j]).collect();
        let up = above[random.below(above.len())];
        let mut texts = texts;
        texts[at] = "x".to_owned();
        let plain = texts.join(",");
        calls.push(format!(
            "select {f}({plain}) from T{up} x where number_of(x) = {i};"
        ));
    }
    calls
}

/// `CASES=100000` makes it long.
#[test]
fn a_call_means_the_same_whenever_its_types_are_known() {
    let cases = cases(600);
    let mut random = Random(10);
    let (mut done, mut made, mut counts) = (0, 0, [0; 3]);
    while done < cases {
        let (graph, script) = Graph::random(&mut random);
        let types = graph.0.len();
        let mut db = Db::of(&script);
        for set in 0..8 {
            let arity = 1 + random.below(3);
            let resolvents = random_resolvents(&mut random, types, arity);
            let f = format!("f{set}");
            let definitions = definitions(&mut random, &f, &resolvents);
            db.does(&definitions);
            let mut asked: Vec<(String, Outcome)> = vec![];
            for _ in 0..25 {
                let args = random_args(&mut random, &graph, &resolvents);
                let expected = graph.chosen(&resolvents, &args);
                counts[match expected {
                    Outcome::Taken(_) => 0,
                    Outcome::Ambiguous => 1,
                    Outcome::Nothing => 2,
                }] += 1;
                let calls = calls(&mut random, &graph, &f, &args);
                asked.extend(calls.into_iter().map(|call| (call, expected)));
                done += 1;
            }
            let text: Vec<_> = asked.iter().map(|(call, _)| &**call).collect();
            let printed = db.run(&text.join("\n"));
            let lines: Vec<_> = printed
                .lines()
                .filter(|l| !l.starts_with("help: "))
                .collect();
            assert_eq!(
                lines.len(),
                asked.len(),
                "{script}{definitions}{text:#?}{printed}"
            );
            for (line, (call, expected)) in lines.iter().zip(&asked) {
                let got = Outcome::read(line);
                assert_eq!(
                    got, *expected,
                    "{call}\ngives {line} after\n{script}{definitions}"
                );
                made += 1;
            }
        }
    }
    let [taken, ambiguous, nothing] = counts;
    println!("{done} cases, {made} calls: {taken} taken, {ambiguous} ambiguous, {nothing} none");
    assert!(taken > done / 10 && ambiguous > done / 100 && nothing > done / 100);
}

#[test]
fn results_in_batches_are_of_the_declared_type() {
    let mut db = Db::of(
        "create function reals(Integer n) -> Bag of Real
           as select x from Integer x where x in iota(1,n);
         create function halves(Integer n) -> Bag of Integer
           as select x/2 from Integer x where x in iota(2,n);
         create function evens(Integer n) -> Bag of Integer
           as select 4*x/2 from Integer x where x in iota(1,n);
         create function integers(Integer n) -> Bag of Integer
           as select x*2 from Integer x where x in iota(1,n);",
    );
    db.gives("reals(2);", "1.0\n2.0");
    db.gives("sum(reals(3000)); count(reals(3000));", "4501500.0\n3000");
    db.gives("sum(evens(3000)); max(evens(3000));", "9003000\n6000");
    db.gives("sum(integers(3000)); max(integers(3000));", "9003000\n6000");
    for query in [
        "sum(halves(3000));",
        "max(halves(3000));",
        "count(select h from Object h where h in halves(3000));",
    ] {
        db.fails(query, &["'halves' is declared to give Integer, not 1.5"]);
    }
}
