//! Aggregates by their rows: over bags, vectors, groups and windows alike.

use crate::support::session::Db;

#[test]
fn avg_is_an_aggregate_wherever_mean_is() {
    let mut db = Db::new();
    let both = [
        "avg(bag(1,2,3.5)); avg([1,2,null]); avg(iota(1,100000)); avg(bag());",
        "select x - 2 * floor(x / 2), avg(x) from Integer x where x in iota(1,9) \
         group by x - 2 * floor(x / 2);",
        "select avg(w), max(w) from Vector w where w in winagg(siota(1,9),3,2);",
        "sliding(siota(1,5),2,1,['avg','sum']);",
        "avg(winagg(siota(1,5),5,5));",
        "avg(bag(1,'two'));",
    ];
    for avg in both {
        let mean = avg.replace("avg", "mean");
        assert_eq!(db.run(avg).replace("avg", "mean"), db.run(&mean), "{avg}");
    }
    db.gives("avg(bag(1,2,3.5));", "2.1666666666666665");
}

#[test]
fn windows_are_not_made_for_avg() {
    let mut db = Db::new();
    let plan = db.run("explain(select avg(w) from Vector w where w in winagg(siota(1,9),3,2));");
    assert!(plan.contains("sliding"), "{plan}");
}

#[test]
fn a_limit_is_enough_for_many_groups() {
    let mut db = Db::new();
    db.gives(
        "select i, count(i) from Integer i where i in iota(1,5000) group by i limit 3;",
        "[1,1]\n[2,1]\n[3,1]",
    );
    db.gives(
        "select mod(i,4000), sum(i) from Integer i where i in iota(1,5000) \
         group by mod(i,4000) order by sum(i) desc, mod(i,4000) limit 2;",
        "[1000,6000]\n[999,5998]",
    );
}

#[test]
fn numbers_of_one_amount_are_one_group() {
    let mut db = Db::new();
    db.gives(
        "select x, count(x) from Number x where x in bag(1, 2.5, 1.0, -0.0, 0, 2.5) group by x;",
        "[-0.0,2]\n[1,2]\n[2.5,2]",
    );
    // The keys of a group are those of its first row.
    db.gives(
        "select x, y, count(x) from Number x, Number y \
         where [x,y] in bag([1,5], [1.0,6], [1,6.0]) group by x, y;",
        "[1,5,1]\n[1.0,6,2]",
    );
}

#[test]
fn what_is_written_as_a_key_is_the_key() {
    // And not the sum of a group's sums: beside it stands what the other reading would give.
    Db::new().gives(
        "create function parts(Integer i) -> Bag of Integer as select iota(1,i);
         select sum(parts(i)), sum(0 + sum(parts(i))) from Integer i where i in bag(2,2,3)
         group by sum(parts(i)) order by sum(parts(i));",
        "[3,6]\n[6,6]",
    );
}

#[test]
fn a_count_is_of_the_results_that_there_are() {
    let mut db = Db::new();
    db.does(
        "create function upto(Number n) -> Bag of Number as iota(1,n);
         create type Pump; create function name(Pump) -> Charstring as stored;
         create Pump (name) instances ('north'), ('south'), (null);",
    );
    for (query, count) in [
        ("select x from Number x where x in bag(1,null,'a',3)", "2"),
        ("select x from Object x where x in bag(1,null,'a',3)", "4"),
        (
            "select v from Vector v where v in bag([1],[null],3,null)",
            "2",
        ),
        ("select b from Bag of Number b where b = upto(3)", "3"),
        ("select s from Stream of Number s where s = siota(1,4)", "4"),
        (
            "select x, y from Number x, Number y where x in upto(3) and y in upto(x)",
            "6",
        ),
        ("select x from Number x where x in iota(1,10) limit 3", "3"),
        ("select distinct x from Number x where x in bag(1,1,2)", "2"),
        ("select p from Pump p", "3"),
        ("select name(p) from Pump p", "2"),
        ("select p from Pump p, Pump q where p != q", "6"),
    ] {
        db.gives(&format!("count({query});"), count);
    }
    // What is only counted is not made.
    assert_eq!(
        db.run("explain(count(select x from Number x where x in iota(1,9) and x > 5));"),
        "\"give count({\"\n\
         \"    for each x in iota(1,9)  ~9 rows\"\n\
         \"    filter x > 5  ~3 rows\"\n\
         \"    give 1 in batches  ~3 rows })\"\n"
    );
}

#[test]
fn an_error_of_a_group_is_said_when_its_turn_comes() {
    let mut db = Db::new();
    let bag = "bag(['a',1], ['b','two'], ['a',2], ['b',3])";
    let grouped =
        format!("select k, mean(x) from Charstring k, Object x where [k,x] in {bag} group by k");
    let error = db.run(&format!("{grouped};"));
    assert!(error.contains("\"two\" is not a number"), "{error}");
    db.gives(
        &format!("select k, count(x), max(x) from Charstring k, Object x where [k,x] in {bag} group by k;"),
        "[\"a\",2,2]\n[\"b\",2,\"two\"]",
    );
}

#[test]
fn the_median_is_the_middle_of_what_is_sorted() {
    let mut db = Db::new();
    db.gives(
        "median(select mod(i * 7919, 10007) from Integer i where i in iota(1,20013));",
        "5003",
    );
    db.gives(
        "median(select sin(i) * 0 from Integer i where i in iota(1,20013));",
        "-0.0",
    );
    db.gives("median(bag(3, null, 1.0, 2));", "2");
    db.gives("median(bag(1, 2.5, 4, 3.0));", "2.75");
    let error = db.run("median(in([1, 'two']));");
    assert!(error.contains("\"two\" is not a number"), "{error}");
}

#[test]
fn a_plan_says_what_is_collected() {
    let mut db = Db::new();
    let plan = db.run(
        "explain(select mod(i,3), sum(i), median(i) from Integer i where i in iota(1,9) \
         group by mod(i,3) order by sum(i) desc, mod(i,3) limit 2);",
    );
    for line in [
        "group by mod(i,3) in batches, aggregating sum(i), a bag of i",
        "sort by ",
        "then by ",
        "keep the first 2",
    ] {
        assert!(plan.contains(line), "{line} in {plan}");
    }
    let plan = db.run("explain(select distinct i from Integer i where i in iota(1,9));");
    assert!(plan.contains("remove duplicates in batches"), "{plan}");
}
