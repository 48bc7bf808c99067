//! The order of a query's steps, and how each gets at its rows.

use super::session::Db;

/// The plan of a query, its lines.
fn plan(db: &mut Db, query: &str) -> Vec<String> {
    let text = db.run(&format!("explain(\"{query}\");"));
    text.lines().map(str::to_owned).collect()
}

fn pumps() -> Db {
    Db::of("create type Site; create function name(Site) -> Charstring key as stored;
        create type Pump; create function nr(Pump) -> Integer as stored;
        create function site(Pump) -> Site as stored;
        create function parts(Pump) -> Bag of Charstring as stored;
        create Site(name) instances :a ('A'), :b ('B');
        create Pump(nr, site) instances (1,:a), (2,:b), (3,:b);")
}

#[test]
fn known_arguments_are_looked_up_by_key() {
    let mut db = pumps();
    let lines = plan(&mut db, "select nr(p) from Pump p, Site s where site(p) = s and name(s) = 'B'");
    assert!(lines[0].starts_with("index lookup name(s) -> \"B\""), "{lines:?}");
    assert!(lines[1].starts_with("index lookup site(p) -> s"), "{lines:?}");
    db.gives("select nr(p) from Pump p, Site s where site(p) = s and name(s) = 'B' order by nr(p);", "2\n3");
}

#[test]
fn filters_run_as_early_as_they_can() {
    let mut db = pumps();
    let lines = plan(&mut db, "select i, j from Integer i, Integer j where i in range(5) and j in range(5) and i > 3");
    assert_eq!(lines, ["for each i in range(5)", "filter i > 3", "for each j in range(5)", "give i, j"]);
}

#[test]
fn an_extent_is_scanned_only_where_nothing_is_known() {
    let mut db = pumps();
    assert_eq!(plan(&mut db, "select p from Pump p")[0], "for each p in the extent of Pump");
    let lines = plan(&mut db, "select p from Pump p where nr(p) = 2");
    assert!(lines[0].starts_with("index lookup nr(p) -> 2"), "{lines:?}");
}

#[test]
fn an_index_makes_a_difference() {
    let mut db = pumps();
    db.does("set nr(p) = 7 from Pump p where nr(p) = 3;");
    let before = plan(&mut db, "select p from Pump p where nr(p) = 7");
    assert!(before[0].contains("(3 rows, no index yet)"), "{before:?}");
    db.does("for each Integer i where i in range(100) create Pump(nr) instances (i);");
    db.gives("count(select p from Pump p where nr(p) = 7);", "2");
    let after = plan(&mut db, "select p from Pump p where nr(p) = 7");
    assert!(after[0].contains("(103 rows, indexed)"), "{after:?}");
}

#[test]
fn derived_inverses_are_looked_up_in_both_directions() {
    let mut db = pumps();
    db.does("create function pumps(Site s) -> Bag of Pump p as select p where site(p) = s;");
    let lines = plan(&mut db, "select name(s) from Site s, Pump p where p in pumps(s) and nr(p) = 2");
    assert!(lines[1].contains("site(p) -> s"), "{lines:?}");
    db.gives("select name(s) from Site s, Pump p where p in pumps(s) and nr(p) = 2;", "\"B\"");
    db.gives("select nr(p) from Pump p where p in pumps(:b) order by nr(p);", "2\n3");
}

#[test]
fn nested_calls_of_stored_functions_are_looked_up() {
    let mut db = pumps();
    db.gives("select nr(p) from Pump p where name(site(p)) = 'B' order by nr(p);", "2\n3");
    let lines = plan(&mut db, "select nr(p) from Pump p where name(site(p)) = 'B'");
    assert!(lines.iter().all(|l| !l.contains("extent")), "{lines:?}");
}
