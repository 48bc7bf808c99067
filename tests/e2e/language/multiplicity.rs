//! Bags count: `x in b` holds as often as b holds x, whether it binds x or tests it, wherever it stands.

use crate::support::session::Db;

const DEPARTMENTS: &str = "
    create type Dept;
    create function nm(Dept) -> Charstring as stored;
    create function n(Dept) -> Integer as stored;
    create function kids(Dept) -> Bag of Integer as stored;
    create function none(Dept) -> Bag of Integer as stored;
    create function pr(Integer) -> Bag of (Integer, Charstring) as stored;
    create Dept(nm, n) instances :a ('A',1), :b ('B',2), :c ('C',3);
    add kids(:a) = 7; add kids(:a) = 7; add kids(:a) = 8; add kids(:b) = 7;
    add pr(1) = (1,'x'); add pr(1) = (1,'x'); add pr(1) = (2,'y');";

#[test]
fn a_test_counts_as_a_binding_does() {
    let mut db = Db::of(DEPARTMENTS);
    let both = "\"A\"\n\"A\"";
    db.gives(
        "select nm(d) from Dept d where 7 in kids(d);",
        "\"A\"\n\"A\"\n\"B\"",
    );
    for conditions in [
        "7 in kids(d) and nm(d) = 'A'",
        "nm(d) = 'A' and 7 in kids(d)",
        "nm(d) = 'A' and kids(d) = 7",
        "nm(d) = 'A' and 7 = kids(d)",
        "nm(d) = 'A' and n(d) in [1,2,1]",
        "nm(d) = 'A' and n(d) in bag(1,1,2)",
        "nm(d) = 'A' and n(d) in (select 1 from Integer i where i in range(2))",
        "d = :a and 7 in kids(d)",
        "d in bag(:a,:a)",
        "nm(d) = 'A' and d in bag(:a,:a)",
    ] {
        db.gives(
            &format!("select nm(d) from Dept d where {conditions};"),
            both,
        );
    }
}

#[test]
fn the_order_of_conditions_decides_nothing() {
    let mut db = Db::new();
    let rows = "1\n1\n1\n1";
    for conditions in [
        "x in bag(1,1,2) and x in bag(1,1,3)",
        "x in bag(1,1,3) and x in bag(1,1,2)",
        "x = 1 and x in bag(1,1,2) and x in [1,1]",
        "x in [1,1] and x in bag(1,1,2) and x = 1",
        "x in range(3) and x in bag(1,1) and x = bag(1,1)",
    ] {
        let query = format!("select x from Integer x where {conditions};");
        db.gives(&query, rows);
    }
    db.gives("select 5 where 1 in bag(1,1);", "5\n5");
    db.gives("select 5 where bag(1,1) in bag(1,2,1);", "5\n5\n5\n5");
    db.gives("select 5 where bag(1,1) = bag(1,2,1);", "5\n5\n5\n5");
    db.gives("1 in bag(1,1);", "true\ntrue");
    db.gives("count(1 in bag(1,1,2));", "2");
}

#[test]
fn a_bag_inside_an_expression_may_bind() {
    let mut db = Db::of(DEPARTMENTS);
    db.gives_bag(
        "select x, nm(d) from Integer x, Dept d where x in kids(d)+1;",
        "[8,\"A\"]\n[8,\"A\"]\n[9,\"A\"]\n[8,\"B\"]",
    );
    db.gives(
        "select x from Integer x, Dept d where x in kids(d)+1 and x in [9,9];",
        "9\n9",
    );
}

#[test]
fn what_is_looked_for_is_computed_once() {
    let mut db = Db::new();
    db.gives(
        "select count(select 1 where rand(1000000) in (select y from Real y where y = rand(1000000)));",
        "0",
    );
    db.gives(
        "count(select i from Integer i where i in range(100) and floor(rand(2)) in bag(0,1));",
        "100",
    );
}

#[test]
fn tuples_count() {
    let mut db = Db::of(DEPARTMENTS);
    db.gives("select z from Integer z where (1,'x') in pr(z);", "1\n1");
    db.gives(
        "select z from Integer z where z in bag(1,2) and (1,'x') in pr(z);",
        "1\n1",
    );
    db.gives(
        "select z, a from Integer z, Integer a where z in bag(1,2) and (a,'x') in pr(z);",
        "[1,1]\n[1,1]",
    );
    db.gives(
        "select z from Integer z where z in bag(1,2) and some((1,'x') in pr(z));",
        "1",
    );
    db.gives(
        "select z from Integer z where z in bag(1,2) and notany((1,'x') in pr(z));",
        "2",
    );
}

/// A function may give one row: it is that row that is looked for, wherever the condition stands.
#[test]
fn the_one_row_of_a_function_is_its_only_member() {
    let mut db = Db::of(
        "create function one(Integer) -> (Integer, Charstring) as stored; set one(1) = (1,'x');
         create function made(Integer n) -> (Integer, Charstring) as (n,'x');",
    );
    for row in ["one(z)", "made(z)"] {
        for (condition, z) in [
            (format!("(1,'x') in {row}"), "1"),
            (format!("(1,'x') = {row}"), "1"),
            (format!("some((1,'x') in {row})"), "1"),
            (format!("notany((1,'x') in {row})"), "2"),
            (format!("(1,'y') in {row}"), ""),
        ] {
            let query = format!("select z from Integer z where z in bag(1,2) and {condition};");
            db.gives(&query, z);
        }
    }
    db.gives(
        "(1,'x') in one(1); (2,'x') in made(2); (1,'x') in made(2);",
        "true\ntrue",
    );
    db.gives(
        "select s from Charstring s where (1,s) in made(1);",
        "\"x\"",
    );
    // What is written in parentheses is a list, as everywhere.
    db.gives("2 in (1,2);", "true");
}

#[test]
fn an_or_counts_as_the_side_that_holds_more_often() {
    let mut db = Db::of(DEPARTMENTS);
    for (conditions, rows) in [
        ("x in bag(1,1) or x in bag(1,2)", "1\n1\n2"),
        ("x in bag(1,2) or x in bag(1,1)", "1\n1\n2"),
        (
            "x in bag(1,2,3) and (x in bag(1,1) or x in bag(1,2))",
            "1\n1\n2",
        ),
        ("(x < 3 or x in bag(1,1)) and x in bag(1,2,3)", "1\n1\n2"),
        ("x in bag(1,2,3) and (x in bag(1,1) or x < 3)", "1\n1\n2"),
        ("x in bag(1,2,3) and (x < 3 or x < 2)", "1\n2"),
        (
            "x in bag(1,2) and (x in bag(1,1) and x in bag(1,1) or x = 2)",
            "1\n1\n1\n1\n2",
        ),
        (
            "x in bag(1,2) and (x = 9 or (x in bag(1,1) or x = 2))",
            "1\n1\n2",
        ),
    ] {
        let query = format!("select x from Integer x where {conditions};");
        db.gives_bag(&query, rows);
    }
    // Sides of different variables wait until both have values.
    db.gives(
        "select nm(d), nm(e) from Dept d, Dept e where (7 in kids(d) or 8 in kids(e))
            and n(d) = 1 and n(e) = 1;",
        "[\"A\",\"A\"]\n[\"A\",\"A\"]",
    );
    for conditions in [
        "nm(d) = 'A' and (7 in kids(d) or 8 in kids(d))",
        "(8 in kids(d) or 7 in kids(d)) and nm(d) = 'A'",
        "nm(d) = 'A' and (8 in kids(d) or 7 in kids(d))",
        "nm(d) = 'A' and (100 in kids(d) or 7 in kids(d))",
        "n(d) = 1 and (kids(d) = 7 or n(d) = 5)",
    ] {
        let query = format!("select nm(d) from Dept d where {conditions};");
        db.gives(&query, "\"A\"\n\"A\"");
    }
    db.gives("select 1 in bag(1,1) or 2 in bag(2);", "true\ntrue");
}

#[test]
fn quantifiers_and_cases_do_not_count() {
    let mut db = Db::of(DEPARTMENTS);
    db.gives(
        "select nm(d) from Dept d where some(7 in kids(d));",
        "\"A\"\n\"B\"",
    );
    db.gives(
        "select nm(d) from Dept d where notany(7 in kids(d));",
        "\"C\"",
    );
    db.gives(
        "select case when 7 in kids(d) then nm(d) else 'none' end from Dept d;",
        "\"A\"\n\"B\"\n\"none\"",
    );
}

#[test]
fn derived_functions_count_as_what_they_are() {
    let mut db = Db::of(DEPARTMENTS);
    db.does(
        "create function has(Dept d, Integer k) -> Boolean as k in kids(d);
         create function seven(Dept d) -> Bag of Integer
           as select k from Integer k where k in kids(d) and k = 7;
         create function kinds(Dept d) -> Bag of Integer
           as select distinct k from Integer k where k in kids(d);",
    );
    let both = "\"A\"\n\"A\"";
    for conditions in ["has(d,7) and n(d) = 1", "n(d) = 1 and 7 in seven(d)"] {
        db.gives(
            &format!("select nm(d) from Dept d where {conditions};"),
            both,
        );
    }
    db.gives(
        "select nm(d) from Dept d where 7 in kinds(d);",
        "\"A\"\n\"B\"",
    );
    db.gives(
        "select k from Dept d, Integer k where k in kinds(d) and n(d) = 1;",
        "7\n8",
    );
}

#[test]
fn rows_that_only_say_what_a_variable_can_be_count_once() {
    let mut db = Db::of(
        "create function t(Integer) -> Bag of Integer as stored;
         add t(1) = 2; add t(2) = 3; add t(2) = 3; add t(2) = 4;",
    );
    db.gives_bag(
        "select x, t(x) from Integer x;",
        "[1,2]\n[2,3]\n[2,3]\n[2,4]",
    );
    db.gives_bag("select x, count(t(x)) from Integer x;", "[1,1]\n[2,3]");
    db.gives("select x from Integer x where count(t(x)) > 1;", "2");
}

#[test]
fn false_and_null_do_not_hold() {
    let mut db =
        Db::of("set :off = {'alarm':false}; set :on = {'alarm':true}; set :un = {'alarm':null};");
    db.gives(
        "select 1 from Record r where r in bag(:on,:off,:un) and r['alarm'];",
        "1",
    );
    db.gives(
        "select 2 from Record r where r in bag(:on,:off,:un) and notany(r['alarm']);",
        "2\n2",
    );
    db.gives(
        "select 3 from Record r where r in bag(:on,:off,:un) and some(r['alarm']);",
        "3",
    );
    db.gives("some(false); some(null); some(bag(false,null));", "");
    db.gives("notany(false); notany(bag(false,null));", "true\ntrue");
    db.gives("some(bag(false,0)); notany(bag(null,true));", "true");
    db.gives(
        "select case when bag(false,null) then 1 when bag(0) then 2 end;",
        "2",
    );
    db.gives("select 4 where false or null;", "");
    db.gives("select 5 where bag(true,false,null,true);", "5\n5");
    // As data they are values.
    db.gives(
        "count(bag(false,false,true)); select 6 where :off['alarm'] = false;",
        "3\n6",
    );
}

#[test]
fn a_row_is_sorted_by_one_value() {
    let mut db = Db::of(DEPARTMENTS);
    db.fails(
        "select nm(d) from Dept d order by n(d), kids(d);",
        &[
            "a row is sorted by one value, but 'kids(d)' gives several",
            "min(kids(d))",
        ],
    );
    db.fails(
        "select nm(d) from Dept d order by kids(d)+1;",
        &["'kids(d)+1' gives several"],
    );
    db.gives(
        "select nm(d), kids(d) from Dept d order by kids(d) desc, nm(d);",
        "[\"A\",8]\n[\"A\",7]\n[\"A\",7]\n[\"B\",7]",
    );
    db.gives(
        "select nm(d) from Dept d order by max(kids(d)) desc, nm(d);",
        "\"A\"\n\"B\"\n\"C\"",
    );
    db.does(
        "create function eight(Dept d) -> Integer as select k from Integer k where k in kids(d) and k = 8;
         create function any(Dept d) -> Integer as select k from Integer k where k in kids(d);",
    );
    db.gives(
        "select nm(d) from Dept d order by eight(d) desc, nm(d);",
        "\"A\"\n\"B\"\n\"C\"",
    );
    db.fails(
        "select nm(d) from Dept d order by any(d);",
        &["a key of 'order by' gives several: 7, 7", "max(…)"],
    );
}

#[test]
fn groups_take_what_each_row_gives() {
    let mut db = Db::of(DEPARTMENTS);
    for (query, rows) in [
        (
            "select nm(d), count(d), count(kids(d)) from Dept d group by nm(d);",
            "[\"A\",1,3]\n[\"B\",1,1]\n[\"C\",1,0]",
        ),
        (
            "select nm(d), count(kids(d)), count(none(d)) from Dept d group by nm(d);",
            "[\"A\",3,0]\n[\"B\",1,0]\n[\"C\",0,0]",
        ),
        (
            "select nm(d), sum(kids(d)+n(d)) from Dept d group by nm(d);",
            "[\"A\",25]\n[\"B\",9]\n[\"C\",0]",
        ),
        (
            "select k, count(d), sum(1), count('x'), sum(2) from Dept d, Integer k
              where k in kids(d) group by k;",
            "[7,3,3,3,6]\n[8,1,1,1,2]",
        ),
        (
            "select kids(d), count(d), count(kids(d)), sum(kids(d)) from Dept d group by kids(d);",
            "[7,3,3,21]\n[8,1,1,8]",
        ),
        (
            "select nm(d), count(select e from Dept e where n(e) >= n(d)), count(select e from Dept e),
                    count(bag(1,2)) from Dept d group by nm(d);",
            "[\"A\",3,3,2]\n[\"B\",2,3,2]\n[\"C\",1,3,2]",
        ),
        (
            "select nm(d), max(kids(d)) from Dept d group by nm(d);",
            "[\"A\",8]\n[\"B\",7]",
        ),
        ("select i, count(kids(d)) from Dept d, Integer i where i in bag(1,1) group by i;", "[1,8]"),
        (
            "select kids(d), count(d) from Dept d group by kids(d), kids(d);",
            "[7,3]\n[8,1]",
        ),
        ("select sum(n(d)), count(d) from Dept d where n(d) > 9 group by nm(d);", ""),
    ] {
        db.gives_bag(query, rows);
    }
    db.gives(
        "select nm(d) from Dept d group by nm(d) order by max(kids(d)) desc;",
        "\"A\"\n\"B\"\n\"C\"",
    );
    db.gives(
        "select m, c from Charstring m, Integer c
          where (m, c) in (select nm(d), count(kids(d)) from Dept d group by nm(d)) and c > 1;",
        "[\"A\",3]",
    );
}

#[test]
fn a_bag_of_what_has_no_value_is_empty() {
    let mut db = Db::of(DEPARTMENTS);
    db.does("create function of(Dept) -> Dept as stored; set of(:a) = :b;");
    db.gives_bag(
        "select nm(d), count(kids(of(d))), sum(kids(of(d))) from Dept d;",
        "[\"A\",1,7]\n[\"B\",0,0]\n[\"C\",0,0]",
    );
    db.gives_bag(
        "select nm(d) from Dept d where notany(kids(of(d)));",
        "\"B\"\n\"C\"",
    );
}

#[test]
fn bags_of_a_group_are_taken_one_by_one() {
    let mut db = Db::of(DEPARTMENTS);
    db.gives_bag(
        "select n(d), kids(d), count(1) from Dept d group by n(d), d;",
        "[1,7,1]\n[1,7,1]\n[1,8,1]\n[2,7,1]",
    );
    db.gives_bag(
        "select n(d), in(bag(1,2)) from Dept d group by n(d);",
        "[1,1]\n[1,2]\n[2,1]\n[2,2]\n[3,1]\n[3,2]",
    );
    db.gives_bag("select kids(d) from Dept d group by d;", "7\n7\n8\n7");
    db.gives_bag(
        "select nm(d), (select sum(k + n(d)) from Integer k where k in kids(d) group by n(d))
           from Dept d;",
        "[\"A\",25]\n[\"B\",9]",
    );
}

#[test]
fn what_is_set_to_nothing_is_nothing() {
    let mut db = Db::of(
        "create function t(Integer) -> Bag of Integer as stored;
         create function s(Integer) -> Integer as stored;
         create function c() -> Integer as stored;
         create function pr(Integer) -> Bag of (Integer, Charstring) as stored;",
    );
    for nothing in [
        "bag()",
        "null",
        "s(9)",
        "t(9)",
        "(select x from Integer x where x in bag(1,2) and x > 5)",
        "x from Integer x where x in bag(1,2) and x > 5",
        "bag(null)",
    ] {
        db.does("set t(1) = 3; set s(1) = 3; set t(2) = 4;");
        db.does(&format!("set t(1) = {nothing}; set s(1) = {nothing};"));
        db.gives("t(1); s(1); t(2);", "4");
    }
    db.does("set c() = 4; set c() = x from Integer x where x in bag(1) and x > 3;");
    db.gives("c();", "");
    db.does("set pr(1) = bag((1,'x'),(2,'y'));");
    db.gives("pr(1);", "[1,\"x\"]\n[2,\"y\"]");
    db.does("set pr(1) = (x,'w') from Integer x where x in bag(1,2) and x > 9;");
    db.gives("pr(1);", "");
    db.does("set pr(1) = (3,'z'); set pr(1) = bag();");
    db.gives("pr(1);", "");
    // Arguments that rows give are those that there are rows of.
    db.does(
        "set t(1) = 3; set t(x) = y from Integer x, Integer y where x in bag(1) and y in t(9);",
    );
    db.gives("t(1);", "3");
    db.does("set s(1) = 3; set s(2) = 4; set s(x) = s(x+1) from Integer x where x in bag(1,2);");
    db.gives("s(1); s(2);", "4");
}

#[test]
fn updates_count() {
    let mut db = Db::of("create function t(Integer) -> Bag of Integer as stored;");
    db.does("set t(1) = bag(1,1);").gives("t(1);", "1\n1");
    db.does("set t(1) = x from Integer x where x in bag(2,2,2);");
    db.gives("t(1);", "2\n2\n2");
    db.does("remove t(1) = 2;").gives("t(1);", "2\n2");
    db.does("add t(1) = x from Integer x where x in bag(3,4) and x in [3,3];");
    db.gives_bag("t(1);", "2\n2\n3\n3");
}

#[test]
fn batches_count_alike() {
    let mut db = Db::of(
        "create function t(Integer) -> Bag of Integer as stored;
         add t(i) = j from Integer i, Integer j where i in range(0,999) and j in [5,5,6];",
    );
    // The same with a condition that only the evaluator can do.
    for more in ["", " and concat('a','b') = 'ab'"] {
        for (conditions, count) in [
            ("i in range(0,999) and 5 in t(i)", 2000),
            ("i in range(0,999) and j in t(i) and i in [1,1]", 6),
            ("i in range(0,999) and i < 10 and j in t(i)", 30),
        ] {
            let query = format!(
                "count(select i from Integer i{} where {conditions}{more});",
                if conditions.contains("j in") {
                    ", Integer j"
                } else {
                    ""
                }
            );
            db.gives(&query, &count.to_string());
        }
    }
    db.gives(
        "select sum(j), count(i), count(t(i)) from Integer i, Integer j
          where i in range(0,999) and j in t(i) group by i < 0 or i >= 0;",
        "[16000,3000,9000]",
    );
}
