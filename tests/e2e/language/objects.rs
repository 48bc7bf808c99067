//! Creating and deleting objects.

use crate::support::session::Db;

fn people() -> Db {
    Db::of(
        "create type Person;
         create function name(Person) -> Charstring as stored;
         create function income(Person) -> Number as stored;
         create function age(Person) -> Integer as stored;
         create function parents(Person) -> Bag of Person as stored;",
    )
}

#[test]
fn objects_are_created_with_values() {
    let mut db = people();
    db.does("create Person(name, income, age) instances ('Vera', 3500, 35), ('Siri', 3900, 40);");
    db.gives(
        "select name(p), age(p) from Person p;",
        "[\"Vera\",35]\n[\"Siri\",40]",
    );
    db.does("create Person(name, income) instances ('Kalle '+'Ek', 3344*1.5);");
    db.gives(
        "select income(p) from Person p where name(p) = 'Kalle Ek';",
        "5016.0",
    );
    db.does("create Person(name, income) instances :pelle ('Per', 3836);")
        .gives("income(:pelle);", "3836");
}

#[test]
fn values_are_bags_and_nulls() {
    let mut db = people();
    db.does(
        "create Person(name, parents, age) instances
        :adam ('Adam', null, 64), :eve ('Eve', null, 63),
        :cain ('Cain', bag(:adam,:eve), 44), :seth ('Seth', bag(:adam,:eve), 42),
        :enos ('Enos', :seth, null);",
    );
    db.gives(
        "name(parents(:cain)); count(parents(:adam)); name(parents(parents(:enos))); age(:enos);",
        "\"Adam\"\n\"Eve\"\n0\n\"Adam\"\n\"Eve\"",
    );
}

#[test]
fn a_wrong_value_makes_no_object() {
    let mut db = people();
    db.fails(
        "create Person(name, income) instances ('Ada', 1), ('Bo', 'much');",
        &["does not take \"much\""],
    );
    db.gives("count(select p from Person p);", "0");
    db.fails(
        "create Person(nmae) instances ('Ada');",
        &["unknown function 'nmae'", "did you mean 'name'?"],
    );
    db.fails(
        "create Persn instances :x;",
        &["unknown type 'Persn'", "did you mean 'Person'?"],
    );
    db.fails(
        "create Person(name, age) instances ('Ada');",
        &["1 value for 2 attributes"],
    );
    db.fails("create Integer instances :x;", &["built-in type"]);
}

#[test]
fn a_deleted_object_is_gone_everywhere() {
    let mut db = people();
    db.does(
        "create Person(name, age) instances :a ('Ada', 61), :b ('Bo', 60);
             create Person(name, parents) instances :c ('Cia', bag(:a,:b));
             delete :a;",
    );
    db.gives(
        "name(parents(:c)); select name(p) from Person p; name(:a);",
        "\"Bo\"\n\"Bo\"\n\"Cia\"",
    );
    let printed = db.run(":a;");
    assert!(
        printed.starts_with("#[OID ") && printed.ends_with(" *DELETED*]\n"),
        "{printed}"
    );
    db.fails("set name(:a) = 'Ada';", &["deleted"]);
}

#[test]
fn rollback_brings_deleted_objects_back() {
    let mut db = people();
    db.does(
        "auto_commit(false);
             create Person(name, age) instances :a ('Ada', 61);
             commit;
             delete :a;",
    );
    db.gives("name(:a);", "")
        .does("rollback;")
        .gives("name(:a); age(:a);", "\"Ada\"\n61");
    let printed = db.run(":a;");
    assert!(!printed.contains("DELETED"), "{printed}");
}

#[test]
fn rollback_undoes_everything_since_the_last_commit() {
    let mut db = people();
    db.does("auto_commit(false); create Person(name) instances :a ('Ada'); commit;
             set name(:a) = 'Adela'; create type Car; create function wheels(Car) -> Integer as stored;
             create Car(wheels) instances :k (4);");
    db.gives("name(:a); wheels(:k);", "\"Adela\"\n4");
    db.does("rollback;").gives("name(:a);", "\"Ada\"");
    db.fails("wheels(:k);", &["unknown function 'wheels'"]);
    db.fails("create Car instances :k;", &["unknown type 'Car'"]);
}
