//! Joins of tables in all the forms that SQL writes them, and what SQL says with few words: `not (…)`
//! before a comparison, names without `as`, signs, `all`.

use crate::support::session::Db;

/// Three tables, of which neighbours have a column in common.
fn chain() -> Db {
    let mut db = Db::new();
    db.gives(
        "create table t(a Integer, b Integer);
         create table u(a Integer, c Integer);
         create table v(c Integer, d Integer);
         insert into t values (1,10), (2,20), (3,null);
         insert into u values (1,100), (1,101), (4,400);
         insert into v values (100,7), (400,8), (9,9);",
        "3\n3\n3",
    );
    db
}

#[test]
fn a_full_join_has_the_rows_of_both_sides() {
    let mut db = chain();
    db.gives_bag(
        "select * from t full join u on t.a = u.a;",
        "[1,10,1,100]\n[1,10,1,101]\n[2,20,null,null]\n[3,null,null,null]\n[null,null,4,400]",
    );
    db.gives_bag(
        "select t.b, c from t full outer join u on t.a < u.a and t.b > 10;",
        "[20,400]\n[10,null]\n[null,null]\n[null,100]\n[null,101]",
    );
    db.gives(
        "select count(*), count(t.a), count(u.a) from t full join u on false;",
        "[6,3,3]",
    );
    db.gives(
        "select t, u.c from t full join u on t.a = u.a where u.c = 400;",
        "[{\"a\":null,\"b\":null},400]",
    );
    // With several rows on a side, and a third beside them.
    db.gives_bag(
        "select t.a, d from t left join u on t.a = u.a full join v on u.c = v.c;",
        "[1,7]\n[1,null]\n[2,null]\n[3,null]\n[null,8]\n[null,9]",
    );
    db.gives("select count(*) from v, t full join u on t.a = u.a;", "15");
}

#[test]
fn columns_of_one_name_are_one_with_using_and_natural() {
    let mut db = chain();
    db.gives_bag("select * from t natural join u;", "[1,10,100]\n[1,10,101]");
    db.gives_bag(
        "select * from t join u using (a);",
        "[1,10,100]\n[1,10,101]",
    );
    db.gives_bag(
        "select a, t.a, u.a from t left join u using (a);",
        "[1,1,1]\n[1,1,1]\n[2,2,null]\n[3,3,null]",
    );
    db.gives_bag(
        "select a, t.a, u.a from t right join u using (a);",
        "[1,1,1]\n[1,1,1]\n[4,null,4]",
    );
    db.gives(
        "select a, t.a, u.a from t full join u using (a) order by a, c;",
        "[1,1,1]\n[1,1,1]\n[2,2,null]\n[3,3,null]\n[4,null,4]",
    );
    db.gives_bag(
        "select * from t natural full join u natural full join v;",
        "[1,10,100,7]\n[1,10,101,null]\n[2,20,null,null]\n[3,null,null,null]\n[4,null,400,8]\n[null,null,9,9]",
    );
    db.gives_bag(
        "select u.* from t right join u using (a);",
        "[1,100]\n[1,101]\n[4,400]",
    );
    // Rows without a name in common are each with each.
    db.gives("select count(*) from t natural join v;", "9");
    db.gives("select count(*) from t natural left join v;", "9");
}

#[test]
fn joins_stand_in_parentheses() {
    let mut db = chain();
    db.gives_bag(
        "select * from t left join (u join v on u.c = v.c) on t.a = u.a;",
        "[1,10,1,100,100,7]\n[2,20,null,null,null,null]\n[3,null,null,null,null,null]",
    );
    db.gives_bag(
        "select t.a, v.* from (t join u on t.a = u.a) right join v on u.c = v.c;",
        "[1,100,7]\n[null,400,8]\n[null,9,9]",
    );
    db.gives_bag(
        "select b, d from t cross join (u left join v using (c)) where t.a = u.a;",
        "[10,7]\n[10,null]",
    );
    db.gives("select count(*) from (t, u) cross join (v);", "27");
    db.gives(
        "select count(*) from (t full join u on t.a = u.a) full join v on u.c = v.c;",
        "6",
    );
    db.gives("select a from (select a, b from t) where b = 20;", "2");
}

#[test]
fn joins_of_outer_queries_views_and_groups() {
    let mut db = chain();
    db.does("create view w as select a, c from t full join u using (a);");
    db.gives("select a from w where c is null order by a;", "2\n3");
    db.gives(
        "select a, count(c) n from t full join u using (a) group by a having count(*) > 0 order by 2 desc, a;",
        "[1,2]\n[4,1]\n[2,0]\n[3,0]",
    );
    db.gives(
        "select v.d from v where exists (select * from t full join u using (a) where u.c = v.c) order by d;",
        "7\n8",
    );
    db.gives(
        "select a, (select max(d) from u natural full join v where u.a = t.a) from t order by a;",
        "[1,7]\n[2,null]\n[3,null]",
    );
}

#[test]
fn joins_that_cannot_be_made_say_why() {
    let mut db = chain();
    db.fails(
        "select * from t join u using (zz);",
        &["the left side has no column 'zz'"],
    );
    db.fails(
        "select * from t join u using (b);",
        &["the right side has no column 'b'"],
    );
    db.fails(
        "select * from t natural join u on t.a = u.a;",
        &["leave out either `natural` or the condition"],
    );
    db.fails(
        "select * from t full join u;",
        &["a full join has a condition"],
    );
    db.fails(
        "select * from t full join t on true;",
        &["'t' is declared twice"],
    );
    db.fails(
        "select i from Integer i full join t on a = i;",
        &["'i' is no row of a table"],
    );
    db.fails("select a from t, u;", &["write t.a or u.a"]);
    db.fails(
        "select a from t natural join u, u x;",
        &["write t.a or x.a"],
    );
}

#[test]
fn not_before_parentheses_is_about_the_whole_comparison() {
    let mut db = chain();
    db.gives(
        "select b from t where not (b) is null order by b;",
        "10\n20",
    );
    db.gives("select b from t where not (b) = 10;", "20");
    db.gives("select b from t where not (b) + 1 = 11;", "20");
    db.gives("select b from t where not (b) in (10, 30);", "20");
    db.gives("select b from t where not (b) between 15 and 30;", "10");
    db.gives(
        "select a from t where not (a = 1) is null and not (a) = 2 order by a;",
        "1\n3",
    );
    db.gives(
        "select a, not (b) = 10 from t order by a;",
        "[1,false]\n[2,true]\n[3,null]",
    );
    // The function for integers is still one.
    db.gives("not(0); not([0,1]); not(0) + 1;", "1\n[1,0]\n2");
    db.gives("create table f(a Integer, yes Boolean); insert into f values (1,true), (2,false), (3,null);", "3");
    db.gives("select a from f where not (yes);", "2");
}

#[test]
fn signs_names_and_all() {
    let mut db = chain();
    db.gives("select +a, - +a, - - a x from t where a = 1;", "[1,-1,1]");
    db.gives("1 + + 2; + 'text'; 3 - -+2;", "3\n\"text\"\n5");
    db.gives("select all a n from t order by n desc;", "3\n2\n1");
    db.gives("select all * from v where d = 9;", "[9,9]");
    db.gives("select count(all b), sum(distinct a) from t;", "[2,6]");
    db.gives("select n + 1 from (select count(*) n from t) q;", "4");
    db.gives("select b total from t group by total having b > 10;", "20");
    db.gives("select a from t order by a offset 1 limit 1;", "2");
    // What is called like these words stays what it is.
    db.gives("select all from Integer all where all = 1;", "1");
    db.gives(
        "create function all(Integer i) -> Integer as i + 1; select all(1);",
        "2",
    );
    db.fails("select a b c from t;", &["expected", "at `b`"]);
}

#[test]
fn one_value_is_not_looked_for_among_rows_of_two_columns() {
    let mut db = chain();
    let error = "one value is looked for among rows of 2 columns";
    db.fails("select 1 in (select a, b from t);", &[error]);
    db.fails("select a from t where a in (select a, b from t);", &[error]);
    db.fails(
        "select a from t where a + 1 not in (select a, b from t);",
        &[error],
    );
    db.fails(
        "select a from t where a in (select a, c from u union select * from v);",
        &[error],
    );
    db.gives(
        "select a from t where (a, b) in (select a, b from t where b > 10);",
        "2",
    );
    db.gives(
        "select a from t where (a, b) not in (select a, b from t where b > 10) order by a;",
        "1\n3",
    );
    db.gives_bag(
        "select x from Vector x where x in (select a, b from t where b > 0);",
        "[1,10]\n[2,20]",
    );
    db.fails("update t set b = 3, b = 4;", &["'b' is set twice"]);
}

#[test]
fn rows_are_counted_without_a_from_clause() {
    let mut db = Db::new();
    db.gives(
        "select count(*) + max(26); select count(*) || '!'; select distinct count(*) * 2;",
        "27\n\"1!\"\n2",
    );
    db.gives(
        "select count(distinct 17), sum(distinct 3 + 4); select count(distinct x) from Integer x where x in [1,2,2];",
        "[1,7]\n2",
    );
}

#[test]
fn a_cast_in_a_select_over_rows_makes_values() {
    let mut db = Db::new();
    db.gives(
        "create table t(a Integer, b Real, s varchar(9), f Boolean);
         insert into t values (1, 2.7, '12', true), (2, -2.7, '1.5', false), (3, null, null, null);",
        "3",
    );
    db.gives(
        "select cast(b as integer), cast(s as int), cast(f as bigint), cast(a as double) from t order by a;",
        "[2,12,1,1.0]\n[-2,1,0,2.0]\n[null,null,null,3.0]",
    );
    db.gives(
        "select cast(a as varchar) || cast(s as text), cast(b as charstring) from t order by a;",
        "[\"112\",\"2.7\"]\n[\"21.5\",\"-2.7\"]\n[null,null]",
    );
    db.gives("select a from t where cast(b as integer) is null;", "3");
    db.gives("select a from t where a in (cast('2' as integer));", "2");
    db.fails("select cast('twelve' as integer) from t;", &["twelve"]);
    // Elsewhere a value is one of the type, or there is none.
    db.gives("cast(3 as double); cast(2.5 as int);", "3.0");
}
