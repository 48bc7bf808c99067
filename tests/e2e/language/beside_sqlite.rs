//! Random databases and queries beside SQLite: the same bag of rows, in the same order where one is
//! asked for.
//!
//! SQL has no bags as values. So each bag is a query of two columns there, a value `v` and how often it
//! occurs, `n`, and each condition is an expression for how often it holds: a comparison once or not
//! at all, `x in b` as often as b holds x, `and` the product, `or` the larger number, `some` and `notany`
//! once or not at all. A row of a query occurs as often as the product of its conditions says. Integer
//! variables range over a table of all values there are. This says nothing of how osql finds the rows.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::Write as _;
use std::process::{Command, Stdio};

use crate::support::random::Random;
use crate::support::session::Db;

/// Integer variables are looked for in 0 up to this.
const LAST: i64 = 19;
/// Queries with more rows are left out: they would only take time.
const MOST_ROWS: usize = 2000;
/// Queries that take SQLite more steps of its virtual machine, half a second or so, are left out as well.
const MOST_STEPS: u32 = 50_000_000;

const SCHEMA: &str = "
    create type D; create type P;
    create function id(D) -> Integer as stored;
    create function num(D) -> Integer as stored;
    create function name(D) -> Charstring as stored;
    create function kids(D) -> Bag of Integer as stored;
    create function pairs(D) -> Bag of (Integer, Charstring) as stored;
    create function pid(P) -> Integer as stored;
    create function dept(P) -> D as stored;
    create function val(P) -> Integer as stored;
    create function tags(P) -> Bag of Charstring as stored;
    create function g(Integer) -> Bag of Integer as stored;
    create function elders(D d) -> Bag of Integer
      as select k from Integer k where k in kids(d) and k > 1;
    create function staff(D d) -> Bag of Integer as select val(p) from P p where dept(p) = d;
    create function members(D d) -> Bag of P as select p from P p where dept(p) = d;
    create function kinds(D d) -> Bag of Integer as select distinct k from Integer k where k in kids(d);
    create function allkids() -> Bag of Integer as select kids(d) from D d;
    create function has(D d, Integer k) -> Boolean as k in kids(d);";

const TABLES: &str = "
    drop table if exists d; drop table if exists p; drop table if exists kids;
    drop table if exists pairs; drop table if exists tags; drop table if exists g;
    create table d(id, num, name); create table p(id, dept, val); create table kids(d, k);
    create table pairs(d, a, b); create table tags(p, t); create table g(x, y);";

/// The same in both languages.
#[derive(Clone, Debug)]
struct Both {
    osql: String,
    sql: String,
}

fn both(osql: impl Into<String>, sql: impl Into<String>) -> Both {
    Both {
        osql: osql.into(),
        sql: sql.into(),
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    D,
    P,
    Int,
}

#[derive(Clone, Debug)]
struct Var {
    name: String,
    kind: Kind,
}

/// A query in both languages.
struct Query {
    both: Both,
    /// Whether the order of its rows matters.
    ordered: bool,
}

/// What a query has before its results: variables and conditions.
struct Body {
    vars: Vec<Var>,
    conditions: Vec<Both>,
}

impl Body {
    fn osql(&self, random: &mut Random) -> String {
        let from: Vec<_> = self
            .vars
            .iter()
            .map(|v| match v.kind {
                Kind::D => format!("D {}", v.name),
                Kind::P => format!("P {}", v.name),
                Kind::Int => format!("Integer {}", v.name),
            })
            .collect();
        let mut conditions: Vec<_> = self.conditions.iter().map(|c| c.osql.clone()).collect();
        random.shuffle(&mut conditions);
        let mut text = format!(" from {}", from.join(", "));
        if !conditions.is_empty() {
            write!(text, " where {}", conditions.join(" and ")).expect("memory");
        }
        text
    }

    fn from(&self) -> String {
        let from: Vec<_> = self
            .vars
            .iter()
            .map(|v| match v.kind {
                Kind::D => format!("d {}", v.name),
                Kind::P => format!("p {}", v.name),
                Kind::Int => format!("dom {}", v.name),
            })
            .collect();
        from.join(", ")
    }

    /// How often the conditions hold.
    fn weight(&self) -> String {
        let factors = self.conditions.iter().map(|c| format!("({})", c.sql));
        let factors: Vec<_> = factors.collect();
        if factors.is_empty() {
            "1".into()
        } else {
            factors.join("*")
        }
    }
}

struct Maker<'r> {
    random: &'r mut Random,
    names: usize,
}

impl Maker<'_> {
    fn below(&mut self, n: usize) -> usize {
        self.random.below(n)
    }

    fn one_in(&mut self, n: usize) -> bool {
        self.random.below(n) == 0
    }

    fn variable(&mut self, kind: Kind) -> Var {
        self.names += 1;
        let letter = match kind {
            Kind::D => 'd',
            Kind::P => 'p',
            Kind::Int => 'x',
        };
        let name = format!("{letter}{}", self.names);
        Var { name, kind }
    }

    fn some_of(&mut self, scope: &[Var], kind: Kind) -> Option<String> {
        let all: Vec<_> = scope.iter().filter(|v| v.kind == kind).collect();
        let at = self.below(all.len().max(1));
        all.get(at).map(|v| v.name.clone())
    }

    /// An integer from what is stored, perhaps none.
    fn integer(&mut self, scope: &[Var]) -> Both {
        match self.below(7) {
            0 | 1 => {
                if let Some(x) = self.some_of(scope, Kind::Int) {
                    return both(&x, format!("{x}.v"));
                }
            }
            2 | 3 => {
                if let Some(d) = self.some_of(scope, Kind::D) {
                    let f = ["id", "num"][self.below(2)];
                    return both(format!("{f}({d})"), format!("{d}.{f}"));
                }
            }
            4 => {
                if let Some(p) = self.some_of(scope, Kind::P) {
                    return match self.below(3) {
                        0 => both(format!("pid({p})"), format!("{p}.id")),
                        1 => both(format!("val({p})"), format!("{p}.val")),
                        _ => both(
                            format!("num(dept({p}))"),
                            format!("(select num from d where id = {p}.dept)"),
                        ),
                    };
                }
            }
            5 => {
                let inner = self.integer(scope);
                let sql = format!("({} + 1)", inner.sql);
                return both(format!("({} + 1)", inner.osql), sql);
            }
            _ => {}
        }
        let i = self.below(5);
        both(i.to_string(), i.to_string())
    }

    /// An integer, perhaps an aggregate of a bag.
    fn number(&mut self, scope: &[Var], depth: usize) -> Both {
        if depth == 0 || !self.one_in(4) {
            return self.integer(scope);
        }
        let bag = self.bag(scope, depth - 1);
        let f = ["count", "sum", "min", "max"][self.below(4)];
        both(format!("{f}({})", bag.osql), aggregate(f, &bag.sql))
    }

    fn text(&mut self) -> Both {
        let letter = ["a", "b", "c"][self.below(3)];
        both(format!("'{letter}'"), format!("'{letter}'"))
    }

    /// A bag of integers; in SQL a query of values and how often each occurs.
    fn bag(&mut self, scope: &[Var], depth: usize) -> Both {
        match self.below(if depth > 0 { 12 } else { 8 }) {
            0..=2 => {
                if let Some(d) = self.some_of(scope, Kind::D) {
                    return of_department(self.below(5), &d, &format!("{d}.id"));
                }
            }
            3 => {
                if let Some(p) = self.some_of(scope, Kind::P) {
                    let which = self.below(5);
                    return of_department(which, &format!("dept({p})"), &format!("{p}.dept"));
                }
            }
            4 => {
                let of = self.integer(scope);
                let sql = format!("select y as v, 1 as n from g where x = {}", of.sql);
                return both(format!("g({})", of.osql), sql);
            }
            5 => return both("allkids()", "select k as v, 1 as n from kids"),
            6 => {
                let parts: Vec<_> = (0..1 + self.below(4))
                    .map(|_| self.integer(scope))
                    .collect();
                let osql: Vec<_> = parts.iter().map(|p| p.osql.clone()).collect();
                let sql = parts
                    .iter()
                    .map(|p| format!("select {} as v, 1 as n", p.sql));
                let sql: Vec<_> = sql.collect();
                let sql = format!(
                    "select v, n from ({}) where v is not null",
                    sql.join(" union all ")
                );
                return both(format!("bag({})", osql.join(",")), sql);
            }
            8 => {
                let (a, b) = (self.bag(scope, depth - 1), self.bag(scope, depth - 1));
                let sql = format!(
                    "select v, n from ({}) union all select v, n from ({})",
                    a.sql, b.sql
                );
                return both(format!("bag({},{})", a.osql, b.osql), sql);
            }
            9 => {
                let bag = self.bag(scope, depth - 1);
                let sql = format!("select v + 1 as v, n from ({})", bag.sql);
                return both(format!("({} + 1)", bag.osql), sql);
            }
            10 | 11 => return self.subquery(scope, depth - 1),
            _ => {}
        }
        let parts: Vec<_> = (0..1 + self.below(4)).map(|_| self.below(4)).collect();
        constants(&parts, "bag(", ")")
    }

    fn subquery(&mut self, scope: &[Var], depth: usize) -> Both {
        let body = self.body(scope, depth, 1);
        let all = [scope, &body.vars].concat();
        let rest = body.osql(self.random);
        if self.one_in(4) {
            let key = self.integer(&all);
            let bag = self.bag(&all, 0);
            let by_row = body.vars.iter().any(|v| mentions(&bag.osql, &v.name));
            let (call, each) = match self.below(3) {
                0 if by_row => (format!("count({})", bag.osql), aggregate("count", &bag.sql)),
                1 => ("sum(2)".into(), "2".into()),
                _ => ("count('x')".into(), "1".to_owned()),
            };
            let sql = format!(
                "select sum(n * a) as v, 1 as n from (select {} as key, {each} as a, {} as n from {}) \
                 where n > 0 and key is not null group by key",
                key.sql,
                body.weight(),
                body.from(),
            );
            let osql = format!("(select {call}{rest} group by {})", key.osql);
            return both(osql, sql);
        }
        let item = self.integer(&all);
        let distinct = self.one_in(4);
        let rows = format!(
            "select {} as v, {} as n from {}",
            item.sql,
            body.weight(),
            body.from()
        );
        let (word, sql) = if distinct {
            let sql =
                format!("select distinct v, 1 as n from ({rows}) where n > 0 and v is not null");
            ("distinct ", sql)
        } else {
            let sql = format!("select v, n from ({rows}) where n > 0 and v is not null");
            ("", sql)
        };
        both(format!("(select {word}{}{rest})", item.osql), sql)
    }

    /// A bag whose elements are all within what variables range over.
    fn small_bag(&mut self, scope: &[Var], depth: usize) -> Both {
        match self.below(4) {
            0 if depth > 0 => {
                let body = self.body(scope, depth - 1, 1);
                let all = [scope, &body.vars].concat();
                let item = self.integer(&all);
                let rows = format!(
                    "select {} as v, {} as n from {}",
                    item.sql,
                    body.weight(),
                    body.from()
                );
                let rest = body.osql(self.random);
                let sql = format!("select v, n from ({rows}) where n > 0 and v is not null");
                both(format!("(select {}{rest})", item.osql), sql)
            }
            1 => {
                let parts: Vec<_> = (0..1 + self.below(4)).map(|_| self.below(4)).collect();
                constants(&parts, "[", "]")
            }
            _ => self.bag(scope, 0),
        }
    }

    fn body(&mut self, scope: &[Var], depth: usize, most: usize) -> Body {
        let mut vars = Vec::new();
        let mut conditions = Vec::new();
        for _ in 0..1 + self.below(most) {
            let kind = [Kind::D, Kind::D, Kind::P, Kind::Int][self.below(4)];
            let var = self.variable(kind);
            if kind == Kind::Int {
                let all = [scope, &vars].concat();
                conditions.push(self.binding(&var.name, &all, depth));
            }
            vars.push(var);
        }
        let all = [scope, &vars].concat();
        for _ in 0..self.below(3) {
            conditions.push(self.condition(&all, depth));
        }
        Body { vars, conditions }
    }

    /// A condition that gives the variable its values.
    fn binding(&mut self, x: &str, scope: &[Var], depth: usize) -> Both {
        let bag = self.small_bag(scope, depth);
        let sql = held(&format!("{x}.v"), &bag.sql);
        let one = match self.below(3) {
            0 if !bag.osql.starts_with('[') => both(format!("{x} = {}", bag.osql), sql),
            _ => both(format!("{x} in {}", bag.osql), sql),
        };
        if !self.one_in(4) {
            return one;
        }
        let other = self.binding(x, scope, depth.saturating_sub(1));
        either(&one, &other)
    }

    /// A condition; in SQL how often it holds.
    fn condition(&mut self, scope: &[Var], depth: usize) -> Both {
        match self.below(if depth > 0 { 14 } else { 11 }) {
            0 | 1 => {
                let (a, b) = (self.number(scope, depth), self.number(scope, depth));
                let op = ["=", "<", "<=", "!="][self.below(4)];
                let sql = format!("coalesce({} {op} {}, 0)", a.sql, b.sql);
                both(format!("{} {op} {}", a.osql, b.osql), sql)
            }
            2 | 3 => {
                let (x, bag) = (self.number(scope, depth), self.bag(scope, depth));
                both(
                    format!("{} in {}", x.osql, bag.osql),
                    held(&x.sql, &bag.sql),
                )
            }
            4 => {
                let (x, bag) = (self.number(scope, depth), self.bag(scope, depth));
                let (left, right) = match self.below(2) {
                    0 => (&x.osql, &bag.osql),
                    _ => (&bag.osql, &x.osql),
                };
                both(format!("{left} = {right}"), held(&x.sql, &bag.sql))
            }
            5 => {
                let (x, bag) = (self.integer(scope), self.bag(scope, depth));
                let sql = format!(
                    "(select coalesce(sum(n), 0) from ({}) where v < {})",
                    bag.sql, x.sql
                );
                both(format!("{} < {}", bag.osql, x.osql), sql)
            }
            6 => {
                let (a, b) = (self.bag(scope, 0), self.bag(scope, 0));
                let sql = format!(
                    "(select coalesce(sum(l.n * r.n), 0) from ({}) l, ({}) r where l.v = r.v)",
                    a.sql, b.sql
                );
                both(format!("{} = {}", a.osql, b.osql), sql)
            }
            7 => match self.some_of(scope, Kind::D) {
                Some(d) => {
                    let (x, s) = (self.integer(scope), self.text());
                    let sql = format!(
                        "(select count(*) from pairs where d = {d}.id and a = {} and b = {})",
                        x.sql, s.sql
                    );
                    both(format!("({},{}) in pairs({d})", x.osql, s.osql), sql)
                }
                None => self.condition(scope, depth),
            },
            8 => match self.some_of(scope, Kind::P) {
                Some(p) => {
                    let s = self.text();
                    let sql = format!(
                        "(select count(*) from tags where p = {p}.id and t = {})",
                        s.sql
                    );
                    both(format!("{} in tags({p})", s.osql), sql)
                }
                None => self.condition(scope, depth),
            },
            9 => match self.some_of(scope, Kind::D) {
                Some(d) if self.one_in(2) => {
                    let x = self.integer(scope);
                    let sql = format!(
                        "(select count(*) from kids where d = {d}.id and k = {})",
                        x.sql
                    );
                    both(format!("has({d},{})", x.osql), sql)
                }
                Some(d) => match self.some_of(scope, Kind::P) {
                    Some(p) if self.one_in(2) => both(
                        format!("{p} in members({d})"),
                        format!("coalesce({p}.dept = {d}.id, 0)"),
                    ),
                    Some(p) => both(
                        format!("dept({p}) = {d}"),
                        format!("coalesce({p}.dept = {d}.id, 0)"),
                    ),
                    None => {
                        let s = self.text();
                        let sql = format!("coalesce({d}.name = {}, 0)", s.sql);
                        both(format!("name({d}) = {}", s.osql), sql)
                    }
                },
                None => self.condition(scope, depth),
            },
            10 => {
                let (a, b) = (self.integer(scope), self.integer(scope));
                let sql = format!("coalesce({} = {}, 0)", a.sql, b.sql);
                both(format!("{} = {}", a.osql, b.osql), sql)
            }
            11 => {
                let (a, b) = (
                    self.condition(scope, depth - 1),
                    self.condition(scope, depth - 1),
                );
                either(&a, &b)
            }
            12 => {
                let (a, b) = (
                    self.condition(scope, depth - 1),
                    self.condition(scope, depth - 1),
                );
                let c = self.condition(scope, depth - 1);
                let both_hold = both(
                    format!("({} and {})", a.osql, b.osql),
                    format!("({}) * ({})", a.sql, b.sql),
                );
                either(&both_hold, &c)
            }
            _ => self.quantified(scope, depth - 1),
        }
    }

    fn quantified(&mut self, scope: &[Var], depth: usize) -> Both {
        let asked = if self.one_in(2) {
            self.condition(scope, depth)
        } else {
            let bag = self.bag(scope, depth);
            both(
                bag.osql,
                format!("select coalesce(sum(n), 0) from ({})", bag.sql),
            )
        };
        match self.below(2) {
            0 => both(
                format!("some({})", asked.osql),
                format!("(({}) > 0)", asked.sql),
            ),
            _ => both(
                format!("notany({})", asked.osql),
                format!("(({}) = 0)", asked.sql),
            ),
        }
    }

    /// A result: what it is, and in SQL the expression of one that may be null. A bag becomes a variable
    /// of the SQL query.
    fn item(&mut self, scope: &[Var], body: &mut SqlParts) -> Both {
        match self.below(6) {
            0 | 1 => {
                let bag = self.bag(scope, 0);
                let var = self.variable(Kind::Int).name;
                body.from.push(format!("dom {var}"));
                body.weight.push(held(&format!("{var}.v"), &bag.sql));
                both(bag.osql, format!("{var}.v"))
            }
            2 => match self.some_of(scope, Kind::D) {
                Some(d) => both(format!("name({d})"), format!("{d}.name")),
                None => self.integer(scope),
            },
            3 => self.number(scope, 1),
            _ => self.integer(scope),
        }
    }

    fn query(&mut self) -> Query {
        let depth = self.below(3);
        let body = self.body(&[], depth, 3);
        let mut parts = SqlParts {
            from: vec![body.from()],
            weight: vec![body.weight()],
        };
        let rest = body.osql(self.random);
        if self.one_in(3) {
            return self.grouped(&body, parts, &rest);
        }
        let items: Vec<_> = (0..1 + self.below(3))
            .map(|_| self.item(&body.vars, &mut parts))
            .collect();
        let columns: Vec<_> = items.iter().map(|i| i.osql.clone()).collect();
        if (1..columns.len()).any(|i| columns[..i].contains(&columns[i])) {
            // A sort key could mean either.
            return self.query();
        }
        let values: Vec<_> = items
            .iter()
            .enumerate()
            .map(|(i, item)| format!("{} as c{i}", item.sql))
            .collect();
        let names: Vec<_> = (0..items.len()).map(|i| format!("c{i}")).collect();
        let distinct = self.one_in(4);
        let ordered = self.one_in(3);
        let key = ordered && !distinct && self.one_in(2);
        let key = key.then(|| self.integer(&body.vars));
        let rows = format!(
            "select {}{}, {} as n from {}",
            values.join(", "),
            key.as_ref()
                .map_or(String::new(), |k| format!(", {} as key", k.sql)),
            parts
                .weight
                .iter()
                .map(|w| format!("({w})"))
                .collect::<Vec<_>>()
                .join("*"),
            parts.from.join(", ")
        );
        let given: Vec<_> = names.iter().map(|c| format!("{c} is not null")).collect();
        let given = format!("n > 0 and {}", given.join(" and "));
        let mut sql = if distinct {
            let names = names.join(", ");
            format!(
                "select {} as t, 1 as n from (select distinct {names} from ({rows}) where {given})",
                row(names.split(", "))
            )
        } else {
            format!(
                "select {} as t, n from ({rows}) where {given}",
                row(names.iter().map(|n| &**n))
            )
        };
        let mut osql = format!(
            "select {}{}{rest}",
            if distinct { "distinct " } else { "" },
            columns.join(", ")
        );
        if ordered {
            let mut places: Vec<usize> = (0..items.len()).collect();
            self.random.shuffle(&mut places);
            let mut keys: Vec<_> = places
                .iter()
                .map(|i| both(&columns[*i], format!("c{i}")))
                .collect();
            if let Some(key) = key {
                keys.insert(0, both(key.osql, "key"));
            }
            self.sort(&mut osql, &mut sql, &keys);
        }
        let both = both(format!("{osql};"), format!("{sql};"));
        Query { both, ordered }
    }

    fn sort(&mut self, osql: &mut String, sql: &mut String, keys: &[Both]) {
        let mut words = (vec![], vec![]);
        for key in keys {
            let direction = ["", " desc"][self.below(2)];
            words.0.push(format!("{}{direction}", key.osql));
            words.1.push(format!("{}{direction}", key.sql));
        }
        write!(osql, " order by {}", words.0.join(", ")).expect("memory");
        write!(sql, " order by {}", words.1.join(", ")).expect("memory");
    }

    fn grouped(&mut self, body: &Body, mut parts: SqlParts, rest: &str) -> Query {
        let keys: Vec<Both> = (0..1 + self.below(2))
            .map(|_| self.item(&body.vars, &mut parts))
            .collect();
        if (1..keys.len()).any(|i| keys[i].osql == keys[0].osql) {
            return self.query();
        }
        let mut inner: Vec<String> = Vec::new();
        let mut key_names = Vec::new();
        for (i, key) in keys.iter().enumerate() {
            inner.push(format!("{} as k{i}", key.sql));
            key_names.push(format!("k{i}"));
        }
        let mut items: Vec<_> = keys.iter().map(|k| k.osql.clone()).collect();
        let mut columns = Vec::new();
        for (i, name) in key_names.iter().enumerate() {
            columns.push(format!("{name} as c{i}"));
        }
        for _ in 0..1 + self.below(3) {
            let a = format!("a{}", inner.len());
            let f = ["count", "sum", "min", "max"][self.below(4)];
            let (osql, value, sql) = match self.below(4) {
                0 => {
                    let one = self.integer(&body.vars);
                    let sql = match f {
                        "count" => format!("sum(n * ({a} is not null))"),
                        "sum" => format!("coalesce(sum(n * {a}), 0)"),
                        _ => format!("{f}({a})"),
                    };
                    (one.osql, one.sql, sql)
                }
                1 => (
                    "1".into(),
                    "1".into(),
                    match f {
                        "count" | "sum" => "sum(n)".into(),
                        _ => "1".into(),
                    },
                ),
                _ => {
                    let mut bag = self.bag(&body.vars, 1);
                    // A bag that is the same for all rows is not of the group.
                    for _ in 0..20 {
                        if body.vars.iter().any(|v| mentions(&bag.osql, &v.name)) {
                            break;
                        }
                        bag = self.bag(&body.vars, 1);
                    }
                    if keys.iter().any(|k| bag.osql.contains(&k.osql))
                        || !body.vars.iter().any(|v| mentions(&bag.osql, &v.name))
                    {
                        continue;
                    }
                    let sql = match f {
                        "count" | "sum" => format!("sum(n * {a})"),
                        _ => format!("{f}({a})"),
                    };
                    (bag.osql, aggregate(f, &bag.sql), sql)
                }
            };
            let item = format!("{f}({osql})");
            // What is written as a key is the key.
            if keys.iter().any(|k| k.osql == item) {
                continue;
            }
            inner.push(format!("{value} as {a}"));
            columns.push(format!("{sql} as c{}", items.len()));
            items.push(item);
        }
        let given = key_names.iter().map(|k| format!("{k} is not null"));
        let given: Vec<_> = given.collect();
        let rows = format!(
            "select {}, {} as n from {}",
            inner.join(", "),
            parts
                .weight
                .iter()
                .map(|w| format!("({w})"))
                .collect::<Vec<_>>()
                .join("*"),
            parts.from.join(", ")
        );
        let names: Vec<_> = (0..items.len()).map(|i| format!("c{i}")).collect();
        let shown: Vec<_> = names.iter().map(|c| format!("{c} is not null")).collect();
        let mut sql = format!(
            "select {} as t, 1 as n from (select {} from ({rows}) where n > 0 and {} group by {}) where {}",
            row(names.iter().map(|n| &**n)),
            columns.join(", "),
            given.join(" and "),
            key_names.join(", "),
            shown.join(" and ")
        );
        let key_texts: Vec<_> = keys.iter().map(|k| k.osql.clone()).collect();
        let mut osql = format!(
            "select {}{rest} group by {}",
            items.join(", "),
            key_texts.join(", ")
        );
        let ordered = self.one_in(3);
        if ordered {
            let mut places: Vec<usize> = (0..items.len()).collect();
            self.random.shuffle(&mut places);
            let keys = places.iter().map(|i| both(&items[*i], format!("c{i}")));
            let keys: Vec<_> = keys.collect();
            self.sort(&mut osql, &mut sql, &keys);
        }
        let both = both(format!("{osql};"), format!("{sql};"));
        Query { both, ordered }
    }
}

/// The parts of a SQL query that results can add to.
struct SqlParts {
    from: Vec<String>,
    weight: Vec<String>,
}

fn mentions(text: &str, name: &str) -> bool {
    let mut words = text.split(|c: char| !c.is_ascii_alphanumeric());
    words.any(|word| word == name)
}

/// How often the bag holds the value.
fn held(value: &str, bag: &str) -> String {
    format!("(select coalesce(sum(n), 0) from ({bag}) where v = {value})")
}

fn either(a: &Both, b: &Both) -> Both {
    let sql = format!("max(({}), ({}))", a.sql, b.sql);
    both(format!("({} or {})", a.osql, b.osql), sql)
}

fn aggregate(f: &str, bag: &str) -> String {
    match f {
        "count" => format!("(select coalesce(sum(n), 0) from ({bag}))"),
        "sum" => format!("(select coalesce(sum(n * v), 0) from ({bag}))"),
        _ => format!("(select {f}(v) from ({bag}))"),
    }
}

fn constants(parts: &[usize], before: &str, after: &str) -> Both {
    let osql: Vec<_> = parts.iter().map(|p| p.to_string()).collect();
    let sql: Vec<_> = parts
        .iter()
        .map(|p| format!("select {p} as v, 1 as n"))
        .collect();
    both(
        format!("{before}{}{after}", osql.join(",")),
        sql.join(" union all "),
    )
}

/// What is stored for a department, or a view of it.
fn of_department(which: usize, d: &str, id: &str) -> Both {
    match which {
        0 | 1 => both(
            format!("kids({d})"),
            format!("select k as v, 1 as n from kids where d = {id}"),
        ),
        2 => both(
            format!("elders({d})"),
            format!("select k as v, 1 as n from kids where d = {id} and k > 1"),
        ),
        3 => both(
            format!("staff({d})"),
            format!("select val as v, 1 as n from p where dept = {id} and val is not null"),
        ),
        _ => both(
            format!("kinds({d})"),
            format!("select distinct k as v, 1 as n from kids where d = {id}"),
        ),
    }
}

/// A row of these columns as osql prints it.
fn row<'n>(names: impl Iterator<Item = &'n str>) -> String {
    let one = |name| {
        format!("case typeof({name}) when 'text' then '\"' || {name} || '\"' else {name} end")
    };
    let names: Vec<_> = names.map(one).collect();
    match names.as_slice() {
        [only] => only.clone(),
        several => format!("'[' || {} || ']'", several.join(" || ',' || ")),
    }
}

/// A database: the statements that make it in osql and in SQL.
fn database(random: &mut Random) -> Both {
    let (mut osql, mut sql) = (SCHEMA.to_owned(), TABLES.to_owned());
    let departments = random.below(5);
    let missing = |random: &mut Random| random.below(4) == 0;
    for d in 0..departments {
        let num = match missing(random) {
            true => "null".to_owned(),
            false => random.below(4).to_string(),
        };
        let name = match missing(random) {
            true => "null",
            false => ["'a'", "'b'"][random.below(2)],
        };
        write!(
            osql,
            "create D(id, num, name) instances :d{d} ({d}, {num}, {name});"
        )
        .expect("memory");
        write!(sql, "insert into d values({d}, {num}, {name});").expect("memory");
        for _ in 0..random.below(4) {
            let k = random.below(4);
            write!(osql, "add kids(:d{d}) = {k};").expect("memory");
            write!(sql, "insert into kids values({d}, {k});").expect("memory");
        }
        for _ in 0..random.below(4) {
            let (a, b) = (random.below(3), ["'a'", "'b'"][random.below(2)]);
            write!(osql, "add pairs(:d{d}) = ({a}, {b});").expect("memory");
            write!(sql, "insert into pairs values({d}, {a}, {b});").expect("memory");
        }
    }
    for p in 0..random.below(5) {
        let dept = (departments > 0 && !missing(random)).then(|| random.below(departments));
        let val = match missing(random) {
            true => "null".to_owned(),
            false => random.below(4).to_string(),
        };
        let (of, id) = match dept {
            Some(d) => (format!(":d{d}"), d.to_string()),
            None => ("null".into(), "null".into()),
        };
        write!(
            osql,
            "create P(pid, dept, val) instances :p{p} ({p}, {of}, {val});"
        )
        .expect("memory");
        write!(sql, "insert into p values({p}, {id}, {val});").expect("memory");
        for _ in 0..random.below(4) {
            let t = ["'a'", "'b'"][random.below(2)];
            write!(osql, "add tags(:p{p}) = {t};").expect("memory");
            write!(sql, "insert into tags values({p}, {t});").expect("memory");
        }
    }
    for _ in 0..random.below(6) {
        let (x, y) = (random.below(4), random.below(4));
        write!(osql, "add g({x}) = {y};").expect("memory");
        write!(sql, "insert into g values({x}, {y});").expect("memory");
    }
    both(osql, sql)
}

/// What SQLite prints for the script, and the lines of the statements that it gave up: see
/// [`MOST_STEPS`], and nested too deeply for its parser.
fn sqlite(script: String) -> (String, BTreeSet<usize>) {
    let mut sqlite = Command::new("sqlite3")
        .args(["-batch", ":memory:"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("sqlite3 is installed");
    let mut input = sqlite.stdin.take().expect("it is piped");
    let writer = std::thread::spawn(move || input.write_all(script.as_bytes()).expect("it reads"));
    let output = sqlite.wait_with_output().expect("it ends");
    writer.join().expect("all is written");
    let errors = String::from_utf8(output.stderr).expect("it prints text");
    let given_up = errors.lines().map(|error| {
        let reason = error.ends_with("interrupted (9)") || error.ends_with("parser stack overflow");
        let line = error.split_once(" near line ").filter(|_| reason);
        let line = line.and_then(|(_, rest)| rest.split(':').next()?.parse().ok());
        line.unwrap_or_else(|| panic!("sqlite3 fails: {error}"))
    });
    let given_up = given_up.collect();
    (
        String::from_utf8(output.stdout).expect("it prints text"),
        given_up,
    )
}

/// The outputs between marks, in order.
fn between_marks(printed: &str) -> Vec<Vec<&str>> {
    let mut outputs = Vec::new();
    for line in printed.lines() {
        if line.trim_matches('"') == "-- next" {
            outputs.push(vec![]);
        } else if let Some(last) = outputs.last_mut() {
            last.push(line);
        }
    }
    outputs
}

/// The rows that SQLite gives with how often each occurs, one by one; `None` if there are too many.
fn expanded(lines: &[&str]) -> Option<Vec<String>> {
    let mut rows = Vec::new();
    for line in lines {
        let (text, count) = line.rsplit_once('|').expect("two columns");
        let count: usize = count.parse().expect("a number");
        if rows.len() + count > MOST_ROWS {
            return None;
        }
        rows.extend(std::iter::repeat_n(text.to_owned(), count));
    }
    Some(rows)
}

/// `CASES=100000` makes it long, `SEED=7` another one.
#[test]
fn queries_give_the_rows_that_sqlite_gives() {
    let number = |name: &str, otherwise: usize| {
        std::env::var(name).map_or(otherwise, |n| n.parse().expect("a number"))
    };
    let cases = number("CASES", 400);
    let mut random = Random(number("SEED", 10) as u64);
    let (mut done, mut with_rows, mut left_out) = (0, 0, 0);
    let mut wrong: Vec<String> = Vec::new();
    while done < cases {
        let mut script = format!(
            ".progress {MOST_STEPS} --quiet --reset --limit 1\n\
             create table dom(v); with recursive i(v) as (select 0 union all select v + 1 from i \
             where v < {LAST}) insert into dom select v from i;"
        );
        let mut databases = Vec::new();
        for _ in 0..20 {
            let made = database(&mut random);
            script += &made.sql;
            let mut maker = Maker {
                random: &mut random,
                names: 0,
            };
            let queries: Vec<_> = (0..20).map(|_| maker.query()).collect();
            let asked = queries.into_iter().map(|query| {
                script += "select '-- next';\n";
                let line = 1 + script.matches('\n').count();
                script += &query.both.sql;
                script += "\n";
                (query, line)
            });
            let queries: Vec<_> = asked.collect();
            databases.push((made, queries));
        }
        let (printed, given_up) = sqlite(script);
        let mut expected = between_marks(&printed).into_iter();
        for (made, queries) in databases {
            let expected = expected.by_ref().take(queries.len());
            let asked: Vec<_> = queries
                .iter()
                .zip(expected)
                .filter(|((_, line), _)| !given_up.contains(line))
                .filter_map(|((query, _), lines)| Some((query, expanded(&lines)?)))
                .collect();
            left_out += queries.len() - asked.len();
            let texts = asked
                .iter()
                .map(|(q, _)| format!("'-- next';\n{}\n", q.both.osql));
            let mut db = Db::of(&made.osql);
            let printed = db.run(&texts.collect::<String>());
            let got = between_marks(&printed);
            assert_eq!(got.len(), asked.len(), "{printed}");
            for ((query, mut wanted), mut got) in asked.into_iter().zip(got) {
                with_rows += usize::from(!wanted.is_empty());
                if !query.ordered {
                    wanted.sort_unstable();
                    got.sort_unstable();
                }
                if got != wanted {
                    wrong.push(format!(
                        "{}\ngives {got:?}\n  not {wanted:?}, in SQL\n{}\nafter\n{}",
                        query.both.osql,
                        query.both.sql,
                        &made.osql[SCHEMA.len()..]
                    ));
                }
                done += 1;
            }
        }
    }
    println!("{done} queries, {with_rows} with rows, {left_out} left out for their size");
    wrong.sort_by_key(|text| text.find('\n'));
    let shortest: Vec<_> = wrong.iter().take(5).map(|text| &**text).collect();
    assert!(
        wrong.is_empty(),
        "{} of {done} are wrong; the shortest:\n{}",
        wrong.len(),
        shortest.join("\n\n")
    );
    assert!(with_rows > done / 4, "{with_rows} of {done} have rows");
}
