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
