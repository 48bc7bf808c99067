//! What tables are asked to do, in the SQL of three programs.

/// Rows of the large table.
const ROWS: usize = 1_000_000;

/// Rows of the small ones.
const KEYS: usize = 100_000;

/// Statements about one row each.
const STATEMENTS: usize = 10_000;

#[derive(Clone, Copy, PartialEq)]
pub enum Engine {
    Osql,
    Sqlite,
    DuckDb,
}

pub struct Task {
    pub what: &'static str,
    /// The statements that make and fill tables.
    pub setup: fn(Engine) -> Vec<String>,
    /// Those that are timed.
    pub timed: fn(Engine) -> Vec<String>,
    /// What shows that they did the right thing; empty where their own answer does.
    pub query: &'static str,
}

const SUMS: &str = "select count(*), sum(id), sum(a), sum(b), min(s), max(s) from t";

pub fn tasks() -> Vec<Task> {
    vec![
        Task {
            what: "insert of 1,000,000 rows, 1,000 in a statement",
            setup: |engine| vec![table(engine, "t", true)],
            timed: |_| values(),
            query: SUMS,
        },
        Task {
            what: "the same without a key",
            setup: |engine| vec![table(engine, "t", false)],
            timed: |_| values(),
            query: SUMS,
        },
        Task {
            what: "insert of 1,000,000 rows that a query makes",
            setup: |engine| vec![table(engine, "t", true)],
            timed: |engine| vec![made(engine, "t", ROWS)],
            query: SUMS,
        },
        Task {
            what: "insert of 1,000,000 rows of another table",
            setup: |engine| {
                let mut setup = filled(engine);
                setup.push(table(engine, "u", true));
                setup
            },
            timed: |_| vec!["insert into u select * from t".into()],
            query: "select count(*), sum(id), sum(a), sum(b), min(s), max(s) from u",
        },
        Task {
            what: "100,000 lookups by key in a join",
            setup: with_keys,
            timed: |_| one("select count(*), sum(t.b) from k join t on t.id = k.id"),
            query: "",
        },
        Task {
            what: "10,000 lookups by key, a statement each",
            setup: filled,
            timed: |_| each_key(|key| format!("select a, b from t where id = {key}")),
            query: "",
        },
        Task {
            what: "join of 1,000,000 rows with 100,000 on no key",
            setup: |engine| {
                let mut setup = filled(engine);
                setup.push("create table p(nr integer, price integer)".into());
                setup.push(match engine {
                    Engine::Osql => format!(
                        "insert into p select i, mod(i, 100) from Integer i where i in iota(0, {})",
                        KEYS - 1
                    ),
                    _ => format!(
                        "insert into p select i, i % 100 from {}",
                        numbers(engine, 0, KEYS)
                    ),
                });
                setup
            },
            timed: |_| {
                one(
                    "select count(*), sum(t.b * p.price) from t join p on t.a = p.nr where p.price > 20",
                )
            },
            query: "",
        },
        Task {
            what: "left join of 100,000 rows with 1,000,000",
            setup: with_keys,
            timed: |_| {
                one(
                    "select count(*), count(t.id), sum(t.b) from k left join t on t.id = k.id and t.a < 500",
                )
            },
            query: "",
        },
        Task {
            what: "1,000,000 rows in 1,000 groups",
            setup: filled,
            timed: |_| {
                one(
                    "select count(*), sum(n), sum(m), max(x) from (select a, count(*) n, avg(b) m, max(id) x from t group by a) g",
                )
            },
            query: "",
        },
        Task {
            what: "filter over 1,000,000 rows",
            setup: filled,
            timed: |_| {
                one("select count(*), sum(b) from t where a between 100 and 300 and s like '%7'")
            },
            query: "",
        },
        Task {
            what: "the last 10 of 1,000,000 rows in an order",
            setup: filled,
            timed: |_| one("select id from t order by a desc, b limit 10"),
            query: "",
        },
        Task {
            what: "10,000 updates by key, a statement each",
            setup: filled,
            timed: |_| each_key(|key| format!("update t set a = a + 1 where id = {key}")),
            query: SUMS,
        },
        Task {
            what: "10,000 deletes by key, a statement each",
            setup: filled,
            timed: |_| each_key(|key| format!("delete from t where id = {key}")),
            query: SUMS,
        },
        Task {
            what: "update of a tenth of 1,000,000 rows",
            setup: filled,
            timed: |_| one("update t set b = b + 1, a = a + 1000 where a < 100"),
            query: SUMS,
        },
        Task {
            what: "delete of a tenth of 1,000,000 rows",
            setup: filled,
            timed: |_| one("delete from t where a < 100"),
            query: SUMS,
        },
    ]
}

fn one(statement: &str) -> Vec<String> {
    vec![statement.into()]
}

fn table(engine: Engine, name: &str, keyed: bool) -> String {
    let key = if keyed { " primary key" } else { "" };
    let real = match engine {
        Engine::Osql => "Real",
        _ => "double",
    };
    format!("create table {name}(id integer{key}, a integer, b {real}, s varchar(20))")
}

/// A table with all rows.
fn filled(engine: Engine) -> Vec<String> {
    vec![table(engine, "t", true), made(engine, "t", ROWS)]
}

/// The same with a table of keys.
fn with_keys(engine: Engine) -> Vec<String> {
    let mut setup = filled(engine);
    setup.push("create table k(id integer)".into());
    setup.push(match engine {
        Engine::Osql => format!(
            "insert into k select mod(i * 7919, {ROWS}) from Integer i where i in iota(1, {KEYS})"
        ),
        _ => format!(
            "insert into k select i * 7919 % {ROWS} from {}",
            numbers(engine, 1, KEYS + 1)
        ),
    });
    setup
}

/// The whole numbers from one to before another as rows `i`.
fn numbers(engine: Engine, from: usize, to: usize) -> String {
    match engine {
        Engine::DuckDb => format!("(select range i from range({from}, {to})) c"),
        _ => format!(
            "(with recursive c(i) as (select {from} union all select i + 1 from c where i < {to} - 1) select i from c) c"
        ),
    }
}

/// A statement that inserts so many rows.
fn made(engine: Engine, table: &str, rows: usize) -> String {
    match engine {
        Engine::Osql => format!(
            "insert into {table} select i, mod(i * 7919, 1000), i * 0.5, 'row ' || i \
             from Integer i where i in iota(0, {})",
            rows - 1
        ),
        _ => format!(
            "insert into {table} select i, i * 7919 % 1000, i * 0.5, 'row ' || i from {}",
            numbers(engine, 0, rows)
        ),
    }
}

/// Statements that insert all rows.
fn values() -> Vec<String> {
    let row = |i: usize| {
        format!(
            "({i}, {}, {:.1}, 'row {i}')",
            i * 7919 % 1000,
            i as f64 * 0.5
        )
    };
    let statement = |at: usize| {
        let rows: Vec<String> = (at * 1000..(at + 1) * 1000).map(row).collect();
        format!("insert into t values {}", rows.join(", "))
    };
    (0..ROWS / 1000).map(statement).collect()
}

/// A statement for each of some keys, none twice.
fn each_key(statement: fn(usize) -> String) -> Vec<String> {
    (0..STATEMENTS)
        .map(|i| statement(i * 7919 % ROWS))
        .collect()
}
