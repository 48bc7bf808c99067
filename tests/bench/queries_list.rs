//! The queries, in OSQL and in SQL. Each asks both programs for the same and lets none of them get by
//! without the work: what is sorted, joined or made is taken by an aggregate, or its middle is asked for.

/// A query in both languages. `{n}`, `{m}`, `{csv}` and `{json}` are filled in, see `queries_files.rs`.
pub struct Query {
    pub kind: &'static str,
    pub what: &'static str,
    /// The rows that it is about, unless `SCALE` says how many.
    pub rows: u64,
    /// What defines functions and fills stored ones: statements with their semicolons.
    pub setup: &'static str,
    pub osql: &'static str,
    pub duckdb_setup: &'static str,
    pub duckdb: &'static str,
}

const fn query(
    kind: &'static str,
    what: &'static str,
    rows: u64,
    osql: &'static str,
    duckdb: &'static str,
) -> Query {
    Query {
        kind,
        what,
        rows,
        setup: "",
        osql,
        duckdb_setup: "",
        duckdb,
    }
}

impl Query {
    /// The same behind something that is made first.
    const fn after(mut self, setup: &'static str, duckdb_setup: &'static str) -> Query {
        self.setup = setup;
        self.duckdb_setup = duckdb_setup;
        self
    }
}

const FILL: &str = "create function amount(Integer o) -> Integer as stored; \
     create function price(Integer i) -> Real as stored; \
     for each Integer o where o in iota(1,{n}) set amount(o) = mod(o * 7919, 1000); \
     for each Integer i where i in iota(0,999) set price(i) = i * 0.25;";

const FILL_DUCKDB: &str = "create table amount as select i as o, i * 7919 % 1000 as a from range(1,{n}+1) t(i); \
     create table price as select i, i * 0.25::double as p from range(1000) t(i)";

pub const QUERIES: &[Query] = &[
    query(
        "filter",
        "filter",
        10_000_000,
        "count(select i from Integer i where i in iota(1,{n}) and mod(i,7) = 3 and i > 1000)",
        "select count(*) from range(1,{n}+1) t(i) where i % 7 = 3 and i > 1000",
    ),
    query(
        "arithmetic",
        "arithmetic",
        10_000_000,
        "sum(select (i * 3 + 1) * 0.5 - i / 7 from Integer i where i in iota(1,{n}))",
        "select sum((i * 3 + 1) * 0.5::double - i / 7) from range(1,{n}+1) t(i)",
    ),
    query(
        "aggregate",
        "sum of integers",
        10_000_000,
        "sum(select i * 3 - 1 from Integer i where i in iota(1,{n}))",
        "select sum(i * 3 - 1) from range(1,{n}+1) t(i)",
    ),
    query(
        "aggregate",
        "mean",
        10_000_000,
        "mean(select sqrt(i) from Integer i where i in iota(1,{n}))",
        "select avg(sqrt(i)) from range(1,{n}+1) t(i)",
    ),
    query(
        "aggregate",
        "median",
        1_000_000,
        "median(select mod(i * 7919, 1000003) from Integer i where i in iota(1,{n}))",
        "select median(i * 7919 % 1000003) from range(1,{n}+1) t(i)",
    ),
    query(
        "aggregate",
        "standard deviation",
        10_000_000,
        "stdev(select mod(i * 7919, 1009) from Integer i where i in iota(1,{n}))",
        "select stddev_samp(i * 7919 % 1009) from range(1,{n}+1) t(i)",
    ),
    query(
        "aggregate",
        "largest",
        10_000_000,
        "max(select mod(i * 7919, 1000003) from Integer i where i in iota(1,{n}))",
        "select max(i * 7919 % 1000003) from range(1,{n}+1) t(i)",
    ),
    query(
        "aggregate",
        "histogram",
        10_000_000,
        "histogram((select mod(i * 7919, 1000) from Integer i where i in iota(1,{n})), 0, 1000, 4)",
        "select count(*) filter (v < 250), count(*) filter (v >= 250 and v < 500), \
         count(*) filter (v >= 500 and v < 750), count(*) filter (v >= 750) \
         from (select i * 7919 % 1000 as v from range(1,{n}+1) t(i))",
    ),
    query(
        "distinct",
        "distinct, few values",
        10_000_000,
        "count(select distinct mod(i * 7919, 1009) from Integer i where i in iota(1,{n}))",
        "select count(*) from (select distinct i * 7919 % 1009 from range(1,{n}+1) t(i))",
    ),
    query(
        "distinct",
        "distinct, many values",
        1_000_000,
        "count(select distinct mod(i * 7919, 500009) from Integer i where i in iota(1,{n}))",
        "select count(*) from (select distinct i * 7919 % 500009 from range(1,{n}+1) t(i))",
    ),
    query(
        "distinct",
        "distinct strings",
        1_000_000,
        "count(select distinct 'key ' + ntoa(mod(i * 7919, 10007)) from Integer i where i in iota(1,{n}))",
        "select count(*) from (select distinct 'key ' || (i * 7919 % 10007) from range(1,{n}+1) t(i))",
    ),
    query(
        "sort",
        "sort",
        1_000_000,
        "section((select i from Integer i where i in iota(1,{n}) \
         order by mod(i * 7919, 1000003), i), {n} / 2, {n} / 2 + 2)",
        "select i from range(1,{n}+1) t(i) order by i * 7919 % 1000003, i \
         limit 3 offset {n} / 2 - 1",
    ),
    query(
        "sort",
        "sort of strings",
        1_000_000,
        "section((select s from Integer i, Charstring s where i in iota(1,{n}) \
         and s = 'key ' + ntoa(mod(i * 7919, 1000003)) order by s), {n} / 2, {n} / 2 + 2)",
        "select s from (select 'key ' || (i * 7919 % 1000003) as s from range(1,{n}+1) t(i)) \
         order by s limit 3 offset {n} / 2 - 1",
    ),
    query(
        "sort",
        "order by with limit 10",
        10_000_000,
        "select i from Integer i where i in iota(1,{n}) order by mod(i * 7919, 1000003), i limit 10",
        "select i from range(1,{n}+1) t(i) order by i * 7919 % 1000003, i limit 10",
    ),
    query(
        "group",
        "group by number, 1009 groups",
        10_000_000,
        "sum(select k * mod(s, 7) from Integer k, Integer s where (k,s) in \
         (select mod(i,1009), sum(i) from Integer i where i in iota(1,{n}) group by mod(i,1009)))",
        "select sum(k * (s % 7)) from (select i % 1009 as k, sum(i) as s from range(1,{n}+1) t(i) \
         group by k)",
    ),
    query(
        "group",
        "group by number, as many groups as a tenth of the rows",
        1_000_000,
        "sum(select k * mod(s, 7) from Integer k, Integer s where (k,s) in \
         (select mod(i * 7919,{n} / 10), sum(i) from Integer i where i in iota(1,{n}) \
          group by mod(i * 7919,{n} / 10)))",
        "select sum(k * (s % 7)) from (select i * 7919 % ({n} // 10) as k, sum(i) as s \
         from range(1,{n}+1) t(i) group by k)",
    ),
    query(
        "group",
        "group by string",
        1_000_000,
        "sum(select length(k) * c from Charstring k, Integer c where (k,c) in \
         (select 'sensor ' + ntoa(mod(i,97)), count(i) from Integer i where i in iota(1,{n}) \
          group by 'sensor ' + ntoa(mod(i,97))))",
        "select sum(length(k) * c) from (select 'sensor ' || (i % 97) as k, count(i) as c \
         from range(1,{n}+1) t(i) group by k)",
    ),
    query(
        "group",
        "several aggregates",
        10_000_000,
        "select mod(i,3), count(i), sum(i), mean(i), min(i), max(i) from Integer i \
         where i in iota(1,{n}) group by mod(i,3) order by mod(i,3)",
        "select i % 3 as k, count(i), sum(i), avg(i), min(i), max(i) from range(1,{n}+1) t(i) \
         group by k order by k",
    ),
    query(
        "join",
        "equality join of generated bags",
        1_000_000,
        "sum(select i + j from Integer i, Integer j where i in iota(1,{n}) and j in iota(1,{n}) \
         and i = j)",
        "select sum(i + j) from range(1,{n}+1) a(i) join range(1,{n}+1) b(j) on i = j",
    ),
    query(
        "join",
        "join on computed keys",
        1_000_000,
        "sum(select i - j from Integer i, Integer j where i in iota(1,{n}) and j in iota(1,{n}) \
         and mod(i * 7919, 1000003) = j * 2)",
        "select sum(i - j) from range(1,{n}+1) a(i) join range(1,{n}+1) b(j) \
         on i * 7919 % 1000003 = j * 2",
    ),
    query(
        "join",
        "join on two keys",
        1_000_000,
        "count(select i from Integer i, Integer j where i in iota(1,{n}) and j in iota(1,{n}) \
         and mod(i, 1009) = mod(j, 1009) and i / 2 = j)",
        "select count(*) from range(1,{n}+1) a(i) join range(1,{n}+1) b(j) \
         on i % 1009 = j % 1009 and i / 2 = j",
    ),
    query(
        "join",
        "join by <, 100 on one side, a hundredth of the rows on the other: the rows are pairs",
        1_000_000,
        "sum(select i - j from Integer i, Integer j where i in iota(1,{m}) and j in iota(1,100) \
         and j * {m} / 100 < i)",
        "select sum(i - j) from range(1,{m}+1) a(i) join range(1,101) b(j) on j * {m} / 100 < i",
    ),
    query(
        "function",
        "a function of one's own",
        10_000_000,
        "sum(select scaled(i) from Integer i where i in iota(1,{n}))",
        "select sum(scaled(i)) from range(1,{n}+1) t(i)",
    )
    .after(
        "create function scaled(Integer x) -> Integer as x * 3 + 1;",
        "create macro scaled(x) as x * 3 + 1",
    ),
    query(
        "function",
        "functions within functions",
        10_000_000,
        "sum(select outer_one(i) from Integer i where i in iota(1,{n}))",
        "select sum(outer_one(i)) from range(1,{n}+1) t(i)",
    )
    .after(
        "create function inner_one(Integer x) -> Integer as x * 3 + 1; \
         create function middle_one(Integer x) -> Integer as inner_one(x + 1) - x; \
         create function outer_one(Integer x) -> Number as middle_one(x) * 0.5 + inner_one(x);",
        "create macro inner_one(x) as x * 3 + 1; \
         create macro middle_one(x) as inner_one(x + 1) - x; \
         create macro outer_one(x) as middle_one(x) * 0.5::double + inner_one(x)",
    ),
    query(
        "case",
        "case",
        10_000_000,
        "sum(select case when mod(i,3) = 0 then i when i > 1000 then 1 else 0 end \
         from Integer i where i in iota(1,{n}))",
        "select sum(case when i % 3 = 0 then i when i > 1000 then 1 else 0 end) \
         from range(1,{n}+1) t(i)",
    ),
    query(
        "string",
        "upper",
        1_000_000,
        "count(select i from Integer i where i in iota(1,{n}) \
         and upper('room ' + ntoa(mod(i,1009))) = 'ROOM 77')",
        "select count(*) from range(1,{n}+1) t(i) where upper('room ' || (i % 1009)) = 'ROOM 77'",
    ),
    query(
        "string",
        "like",
        1_000_000,
        "count(select i from Integer i where i in iota(1,{n}) and like('n' + ntoa(i), '*99*'))",
        "select count(*) from range(1,{n}+1) t(i) where 'n' || i like '%99%'",
    ),
    query(
        "string",
        "substring",
        1_000_000,
        "max(select section('sensor ' + ntoa(i), 5, 9) from Integer i where i in iota(1,{n}))",
        "select max(substring('sensor ' || i, 5, 5)) from range(1,{n}+1) t(i)",
    ),
    query(
        "string",
        "concatenation and length",
        1_000_000,
        "sum(select length('a' + ntoa(i) + 'b' + ntoa(i * 7)) from Integer i where i in iota(1,{n}))",
        "select sum(length('a' || i || 'b' || (i * 7))) from range(1,{n}+1) t(i)",
    ),
    query(
        "record",
        "a record's field",
        1_000_000,
        "sum(select r['a'] + r['b'] from Record r, Integer i where i in iota(1,{n}) \
         and r = {'a': i, 'b': i * 2, 'c': 'x'})",
        "select sum(r.a + r.b) from (select {'a': i, 'b': i * 2, 'c': 'x'} as r \
         from range(1,{n}+1) t(i))",
    ),
    query(
        "record",
        "a vector's element",
        1_000_000,
        "sum(select v[2] - v[1] from Vector v, Integer i where i in iota(1,{n}) \
         and v = [i, i * 3, 7])",
        "select sum(v[2] - v[1]) from (select [i, i * 3, 7] as v from range(1,{n}+1) t(i))",
    ),
    query(
        "union",
        "union of two bags",
        1_000_000,
        "sum(select i from Integer i where i in union(iota(1,{n}), iota({n} / 2,{n})))",
        "select sum(i) from (select i from range(1,{n}+1) a(i) union \
         select i from range({n} // 2,{n}+1) b(i))",
    ),
    query(
        "union",
        "or",
        1_000_000,
        "sum(select i from Integer i where i in iota(1,{n}) or i in iota({n} / 2,{n} + 1000))",
        "select sum(i) from (select i from range(1,{n}+1) a(i) union \
         select i from range({n} // 2,{n}+1001) b(i))",
    ),
    query(
        "window",
        "mean of each 100 neighbours",
        3_000_000,
        "mean(mean(winagg(siota(1,{n}),100,1)))",
        "select avg(m) from (select i, avg(i) over (rows between 99 preceding and current row) as m \
         from range(1,{n}+1) t(i)) where i >= 100",
    ),
    query(
        "window",
        "largest of each 100 neighbours",
        1_000_000,
        "sum(select max(w) from Vector of Number w where w in winagg((select Stream of mod(i * 7919, 1009) \
         from Integer i where i in siota(1,{n})),100,1))",
        "select sum(m) from (select i, max(i * 7919 % 1009) over \
         (rows between 99 preceding and current row) as m from range(1,{n}+1) t(i)) where i >= 100",
    ),
    query(
        "window",
        "time windows, one after the other",
        1_000_000,
        "sum(select mean(v) from Timeval w, Vector of Number v where w in twinagg((select Stream of \
         ts(|2024-01-01T00:00:00Z| + i, i) from Integer i where i in siota(0,{n})),60,60) \
         and v = value(w))",
        "select sum(m) from (select time_bucket(interval 60 seconds, t) as b, avg(i) as m from \
         (select timestamp '2024-01-01' + to_seconds(i) as t, i from range({n}+1) t(i)) \
         group by b)",
    ),
    query(
        "window",
        "time windows that overlap",
        100_000,
        "sum(select mean(v) from Timeval w, Vector of Number v where w in twinagg((select Stream of \
         ts(|2024-01-01T00:00:00Z| + i, i) from Integer i where i in siota(0,{n})),60,10) \
         and v = value(w))",
        "select sum(m) from (select i, avg(i) over (order by t range between current row \
         and interval 59 seconds following) as m from \
         (select timestamp '2024-01-01' + to_seconds(i) as t, i from range({n}+1) t(i))) \
         where i % 10 = 0 and i + 50 <= {n}",
    ),
    query(
        "csv",
        "CSV, mean of one column",
        1_000_000,
        "mean(select r[3] from Vector r where r in csv:file_stream('{csv}'))",
        "select avg(column2) from read_csv('{csv}', header=false)",
    ),
    query(
        "csv",
        "CSV, filter",
        1_000_000,
        "count(select r from Vector r where r in csv:file_stream('{csv}') \
         and r[3] > 30 and r[4] = 'on')",
        "select count(*) from read_csv('{csv}', header=false) where column2 > 30 and column3 = 'on'",
    ),
    query(
        "csv",
        "CSV, groups",
        1_000_000,
        "sum(select length(k) * m from Charstring k, Number m where (k,m) in \
         (select r[2], mean(r[3]) from Vector r where r in csv:file_stream('{csv}') group by r[2]))",
        "select sum(length(k) * m) from (select column1 as k, avg(column2) as m \
         from read_csv('{csv}', header=false) group by k)",
    ),
    query(
        "json",
        "JSON lines, mean of one field",
        1_000_000,
        "mean(select r['temp'] from Record r where r in json:file_stream('{json}'))",
        "select avg(temp) from read_json('{json}')",
    ),
    query(
        "json",
        "JSON lines, filter and sum",
        1_000_000,
        "sum(select r['n'] from Record r where r in json:file_stream('{json}') \
         and r['temp'] > 30 and r['state'] = 'on')",
        "select sum(n) from read_json('{json}') where temp > 30 and state = 'on'",
    ),
    query(
        "json",
        "JSON lines, groups",
        1_000_000,
        "sum(select length(k) * m from Charstring k, Number m where (k,m) in \
         (select r['sensor'], mean(r['temp']) from Record r where r in json:file_stream('{json}') \
          group by r['sensor']))",
        "select sum(length(k) * m) from (select sensor as k, avg(temp) as m from read_json('{json}') \
         group by k)",
    ),
    query(
        "stored",
        "stored function, scan and filter",
        1_000_000,
        "sum(select amount(o) from Integer o where amount(o) > 100)",
        "select sum(a) from amount where a > 100",
    )
    .after(FILL, FILL_DUCKDB),
    query(
        "stored",
        "stored function, as many lookups as rows",
        1_000_000,
        "sum(select amount(o) from Integer i, Integer o where i in iota(1,{n}) \
         and o = mod(i * 7919, {n}) + 1)",
        "select sum(a) from range(1,{n}+1) t(i) join amount on o = i * 7919 % {n} + 1",
    )
    .after(FILL, FILL_DUCKDB),
    query(
        "stored",
        "join of two stored functions",
        1_000_000,
        "sum(select price(a) from Integer o, Integer a where a = amount(o))",
        "select sum(p) from amount join price on i = a",
    )
    .after(FILL, FILL_DUCKDB),
    query(
        "stored",
        "filling a stored function",
        100_000,
        "for each Integer o where o in iota(1,{n}) set amount(o) = mod(o * 7919, 1000); \
         sum(select amount(o) from Integer o)",
        "create table amount as select i as o, i * 7919 % 1000 as a from range(1,{n}+1) t(i); \
         select sum(a) from amount",
    )
    .after(
        "create function amount(Integer o) -> Integer as stored;",
        "",
    ),
    query(
        "procedure",
        "a loop in a procedure",
        100_000,
        "loop_sum({n})",
        "with recursive c(i, s) as (select 0, 0::bigint union all \
         select i + 1, s + (i + 1) % 7 from c where i < {n}) select max(s) from c where i = {n}",
    )
    .after(
        "create function loop_sum(Integer n) -> Integer as { \
         declare Integer i, Integer s; set i = 0; set s = 0; \
         while i < n do set i = i + 1; set s = s + mod(i, 7); end while; return s; };",
        "",
    ),
];
