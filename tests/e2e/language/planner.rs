//! The order of a query's steps, and how each gets at its rows.

use crate::support::session::Db;

/// The plan of a query, its lines without the estimated rows.
fn plan(db: &mut Db, query: &str) -> Vec<String> {
    let text = db.run(&format!("explain({query});"));
    let unquoted = |line: &str| {
        let line = line[1..line.len() - 1].replace("\\\"", "\"");
        line.split("  ~").next().unwrap_or_default().to_owned()
    };
    text.lines().map(unquoted).collect()
}

fn pumps() -> Db {
    Db::of(
        "create type Site; create function name(Site) -> Charstring key as stored;
        create type Pump; create function nr(Pump) -> Integer as stored;
        create function site(Pump) -> Site as stored;
        create function parts(Pump) -> Bag of Charstring as stored;
        create Site(name) instances :a ('A'), :b ('B');
        create Pump(nr, site) instances (1,:a), (2,:b), (3,:b);",
    )
}

#[test]
fn known_arguments_are_looked_up_by_key() {
    let mut db = pumps();
    let lines = plan(
        &mut db,
        "select nr(p) from Pump p, Site s where site(p) = s and name(s) = 'B'",
    );
    assert!(
        lines[0].starts_with("index lookup name(s) -> \"B\""),
        "{lines:?}"
    );
    assert!(
        lines[1].starts_with("index lookup site(p) -> s"),
        "{lines:?}"
    );
    db.gives(
        "select nr(p) from Pump p, Site s where site(p) = s and name(s) = 'B' order by nr(p);",
        "2\n3",
    );
}

#[test]
fn filters_run_as_early_as_they_can() {
    let mut db = pumps();
    let lines = plan(
        &mut db,
        "select i, j from Integer i, Integer j where i in range(5) and j in range(5) and i > 3",
    );
    assert_eq!(
        lines,
        [
            "for each i in range(5), in batches",
            "filter i > 3, in batches",
            "for each j in range(5)",
            "give i, j row by row"
        ]
    );
}

#[test]
fn an_extent_is_scanned_only_where_nothing_is_known() {
    let mut db = pumps();
    assert_eq!(
        plan(&mut db, "select p from Pump p")[0],
        "for each p in the extent of Pump"
    );
    let lines = plan(&mut db, "select p from Pump p where nr(p) = 2");
    assert!(lines[0].starts_with("index lookup nr(p) -> 2"), "{lines:?}");
}

#[test]
fn an_index_makes_a_difference() {
    let mut db = pumps();
    let query = "select p from Pump p where nr(p) = 7";
    let access = |db: &mut Db| plan(db, query)[0].clone();
    assert!(access(&mut db).ends_with("(3 rows, so few that they are looked through)"));
    db.does("for each Integer i where i in range(100) create Pump(nr) instances (i);");
    assert!(access(&mut db).ends_with("(103 rows, indexed when first used)"));
    db.gives(&format!("count({query});"), "1");
    assert!(access(&mut db).ends_with("(103 rows, indexed)"));
}

#[test]
fn a_plan_can_be_asked_for_by_text() {
    Db::new().gives(
        "explain('1+2'); set :q = 'sqrt(2)'; explain(:q);",
        "\"give (1 + 2)\"\n\"give sqrt(2)\"",
    );
}

#[test]
fn derived_inverses_are_looked_up_in_both_directions() {
    let mut db = pumps();
    db.does("create function pumps(Site s) -> Bag of Pump p as select p where site(p) = s;");
    let lines = plan(
        &mut db,
        "select name(s) from Site s, Pump p where p in pumps(s) and nr(p) = 2",
    );
    assert!(lines[1].contains("site(p) -> s"), "{lines:?}");
    db.gives(
        "select name(s) from Site s, Pump p where p in pumps(s) and nr(p) = 2;",
        "\"B\"",
    );
    db.gives(
        "select nr(p) from Pump p where p in pumps(:b) order by nr(p);",
        "2\n3",
    );
}

#[test]
fn nested_calls_of_stored_functions_are_looked_up() {
    let mut db = pumps();
    db.gives(
        "select nr(p) from Pump p where name(site(p)) = 'B' order by nr(p);",
        "2\n3",
    );
    let lines = plan(
        &mut db,
        "select nr(p) from Pump p where name(site(p)) = 'B'",
    );
    assert!(lines.iter().all(|l| !l.contains("extent")), "{lines:?}");
}

#[test]
fn a_variable_may_stand_for_several_columns() {
    let mut db = Db::of(
        "create function f(Integer a, Integer b) -> Integer as stored;
        set f(1,1) = 5; set f(1,2) = 6; set f(3,3) = 7; set f(4,4) = 4;
        create function g(Integer a) -> Integer as stored;
        set g(1) = 1; set g(2) = 3; set g(5) = 5;",
    );
    db.gives("select x from Integer x where g(x) = x order by x;", "1\n5");
    db.gives(
        "select x, y from Integer x, Integer y where f(x,x) = y order by x;",
        "[1,5]\n[3,7]\n[4,4]",
    );
    db.gives("select x from Integer x where f(x,x) = x;", "4");
}

#[test]
fn what_has_state_is_evaluated_for_each_row() {
    let mut db = Db::of(
        "create type Lamp; create function watts(Lamp) -> Number as stored;
         create Lamp (watts) instances (40), (60), (75);
         create function counter(Charstring what) -> Integer as stored;
         create function next(Charstring what) -> Integer as
             { set counter(what) = counter(what) + 1; return counter(what); };",
    );
    db.does(
        "set counter('a') = 0; set counter('b') = 0; set counter('c') = 0; set counter('d') = 0;",
    );
    // A value, after what is written before it.
    db.gives(
        "select i, n from Integer i, Integer n where i in range(3) and n = next('a');",
        "[1,1]\n[2,2]\n[3,3]",
    );
    // A filter, after the extent of a type, with conditions on either side.
    db.gives(
        "select watts(l) from Lamp l where mod(next('b'), 2) = 0;",
        "60",
    );
    db.gives(
        "select watts(l), n from Lamp l, Integer n where n = next('c') and watts(l) > 50;",
        "[60,1]\n[75,2]",
    );
    // Written before what it does not need, it runs once.
    db.gives(
        "select i, n from Integer i, Integer n where n = next('d') and i in range(2);",
        "[1,1]\n[2,1]",
    );
    db.gives(
        "select count(i) < 1000 and count(i) > 0 from Bag of Integer i where i = (select k from Integer k where k in range(1000) and rand(0,2) < 1);",
        "true",
    );
}

/// Stored integers from 1 to 100, each of two objects.
fn numbered() -> Db {
    Db::of(
        "create type P; create function id(P) -> Integer as stored;
         create function n(P) -> Integer as stored;
         create function r(P) -> Number as stored;
         for each Integer i where i in iota(1,200)
           create P(id,n,r) instances (i, i-floor((i-1)/100)*100, i);",
    )
}

#[test]
fn an_equation_on_a_stored_integer_is_looked_up() {
    let mut db = numbered();
    for (condition, ids) in [
        ("n(p)+1 = 5", "4\n104"),
        ("5 = 1+n(p)", "4\n104"),
        ("n(p)-1 = 5", "6\n106"),
        ("7-n(p) = 5", "2\n102"),
        ("-n(p) = -5", "5\n105"),
        ("3*n(p) = 15", "5\n105"),
        ("n(p)*3 = 16", ""),
        ("2*(n(p)+1)-3 = 5", "3\n103"),
        ("n(p)+1 = 1000", ""),
        ("n(p)+1 = -9223372036854775807-1", ""),
        ("id(p) > 4 and n(p)+1 = 5", "104"),
        ("n(p) > 3 and n(p)+1 = 5", "4\n104"),
        ("n(p)+1 = 5.0", "4\n104"),
    ] {
        let query = format!("select id(p) from P p where {condition}");
        db.gives_bag(&format!("{query};"), ids);
    }
    let query = "select id(p) from P p where 2*n(p)+1 = 9";
    let lines = plan(&mut db, query);
    assert_eq!(
        lines[0],
        "index lookup n(p) -> value 1, solved from 9 (200 rows, indexed)"
    );
    assert_eq!(lines[1], "filter ((2 * value 1) + 1) = 9");
    db.gives(
        "count(select i from P p, Integer i where i in iota(1,300) and n(p)+1 = i*2);",
        "100",
    );
    let each = "select i from P p, Integer i where i in iota(1,300) and n(p)+1 = i*2";
    let lines = plan(&mut db, each);
    assert!(lines[1].starts_with("index lookup n(p) -> "), "{lines:?}");
    db.does("set :k = 5;");
    db.gives_bag("select id(p) from P p where n(p)+1 = :k;", "4\n104");
}

#[test]
fn what_is_looked_up_decides_nothing() {
    let mut db = numbered();
    let scanned = |db: &mut Db, condition: &str| {
        let lines = plan(db, &format!("select id(p) from P p where {condition}"));
        lines[0].starts_with("scan ")
    };
    for condition in [
        "r(p)+1 = 5",
        "n(p)/2 = 5",
        "n(p)+0.5 = 5.5",
        "n(p)+n(p) = 4",
        "n(p)*r(p) = 9",
    ] {
        assert!(scanned(&mut db, condition), "{condition}");
    }
    db.gives_bag(
        "select id(p) from P p where 0*n(p) = 0 and id(p) < 3;",
        "1\n2",
    );
    db.gives_bag("select id(p) from P p where n(p)/2 = 5;", "10\n110");
    db.does("create P(id,n) instances :large (301, 9007199254740992);");
    let real = "select v from P p, Real v where n(p) = v and v+1 = 9007199254740992;";
    db.gives(real, "9007199254740992.0");
    db.does("delete :large;");
    // A row on which the condition fails still does, though the index could pass it by.
    db.does("create P(id,n) instances :big (300, 9223372036854775807);");
    let query = "select id(p) from P p where n(p)+1 = 5;";
    db.fails(query, &["integer overflow in 9223372036854775807 + 1"]);
    db.gives_bag("select id(p) from P p where n(p)-1 = 5;", "6\n106");
    db.fails(
        "select id(p) from P p where 2*n(p) = 10;",
        &["integer overflow in 2 * 9223372036854775807"],
    );
    db.fails(
        "select id(p) from P p where 10/(n(p)-1) > 1 and n(p)+1 = 5;",
        &["division by zero"],
    );
    db.does("delete :big;");
    db.fails(
        "select id(p) from P p where 5/0 = n(p)+1;",
        &["division by zero"],
    );
}

#[test]
fn a_plan_estimates_the_rows_after_each_step() {
    let mut db = pumps();
    db.does(
        "create function amount(Integer i) -> Integer as stored;
         for each Integer i where i in iota(1,2000) set amount(i) = i;
         create function to_million() -> Bag of Integer as iota(1,1000000);
         set :held = bag(1,2,3);",
    );
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(
        file.path(),
        "1,2,3,4567890123456789012345678901234567\n".repeat(500),
    )
    .expect("a file");
    let csv = file.path().display();
    for (query, rows) in [
        (
            "select i from Integer i where i in iota(1,1000)",
            "~1,000 ~1,000",
        ),
        (
            "select i from Integer i where i in iota(1,1000000) and i > 5 and mod(i,7) = 3",
            "~1,000,000 ~333,000 ~33,300 ~33,300",
        ),
        (
            "select i, j from Integer i, Integer j where i in range(1000) and j in range(10) \
             and mod(i,7) = mod(j,7)",
            "~1,000 ~10 ~10 ~10",
        ),
        (
            "select i, j from Integer i, Integer j where i in range(1000) and j in range(30) \
             and i < j",
            "~1,000 ~10,000 ~30 ~10,000",
        ),
        ("select p from Pump p", "~3 ~3"),
        (
            "select i, a from Integer i, Integer a where amount(i) = a",
            "~2,000 ~2,000",
        ),
        (
            "select amount(i) from Integer i where amount(i) = 7",
            "~200",
        ),
        (
            "select i from Integer i where i in to_million() limit 7",
            "~1,000,000 ~7 ~7",
        ),
        ("select i from Integer i where i in :held", "~3 ~3"),
        (
            "select mod(i,9), count(i) from Integer i where i in iota(1,500) group by mod(i,9)",
            "~500 ~50 ~50",
        ),
        (
            "select distinct i from Integer i where i in iota(1,500)",
            "~500 ~250 ~250",
        ),
        (
            "select i from Integer i where i in iota(1,500) or i in iota(1,100)",
            "~500 ~100 ~600",
        ),
        (
            &format!("select r[1] from Vector r where r in csv:file_stream('{csv}')"),
            "~538 ~538",
        ),
        // What arrives over time has no number.
        (
            "select x from Number x where x in heartbeat(0.5) and x > 3",
            "",
        ),
        (
            "select x from Number x where x in heartbeat(0.5) limit 3",
            "~3 ~3",
        ),
    ] {
        let text = db.run(&format!("explain({query});"));
        let estimates = text.lines().filter_map(|line| line.rsplit_once("  ~"));
        let estimates = estimates.map(|(_, rows)| {
            let number = rows.split(' ').next().unwrap_or_default();
            format!("~{number}")
        });
        assert_eq!(estimates.collect::<Vec<_>>().join(" "), rows, "{text}");
    }
}
