//! Updates: set, add, remove, by query, of inverses; cardinality constraints.

use crate::support::random::{cases, generator};
use crate::support::session::Db;

fn hobbies() -> Db {
    Db::of("create type Person;
        create function name(Person) -> Charstring as stored;
        create function hobbies(Person) -> Bag of Charstring as stored;
        create Person instances :sam, :eve;
        set name(:sam) = 'Sam'; set name(:eve) = 'Eve';
        set hobbies(:eve) = bag('chess','tennis');
        add hobbies(:sam) = 'sailing'; add hobbies(:sam) = 'fishing'; add hobbies(:sam) = 'running';")
}

#[test]
fn bags_are_set_and_changed() {
    let mut db = hobbies();
    db.gives_bag("hobbies(:eve);", "\"chess\"\n\"tennis\"");
    db.does("remove hobbies(:sam) = 'fishing';")
        .gives_bag("hobbies(:sam);", "\"sailing\"\n\"running\"");
    db.does("set hobbies(:eve) = hobbies(:sam);")
        .gives_bag("hobbies(:eve);", "\"sailing\"\n\"running\"");
    db.does("remove hobbies(:sam) = 'knitting';");
}

#[test]
fn a_query_says_what_is_set() {
    let mut db = hobbies();
    db.does("set hobbies(:eve) = h from Charstring h where h in hobbies(:sam) and h != 'sailing';");
    db.gives_bag("hobbies(:eve);", "\"fishing\"\n\"running\"");
    db.does("set name(p) = upper(name(p)) from Person p where like(name(p), 'S*');");
    db.gives_bag("select name(p) from Person p;", "\"SAM\"\n\"Eve\"");
    db.does("add hobbies(p) = 'sleeping' from Person p;");
    db.gives(
        "count(select p from Person p where 'sleeping' in hobbies(p));",
        "2",
    );
    db.does(
        "remove hobbies(p) = h from Person p, Charstring h where h in hobbies(p) and p = :eve;",
    );
    db.gives("hobbies(:eve);", "");
}

#[test]
fn facts_are_set_true_and_false() {
    let mut db = hobbies();
    db.does("create function married(Person,Person) -> Boolean as stored; set married(:sam,:eve) = true;");
    db.gives("married(:sam,:eve); married(:eve,:sam);", "true");
    db.does("set married(:sam,:eve) = false;")
        .gives("married(:sam,:eve);", "");
    db.does("set married(:sam,:eve) = true; remove married(:sam) = :eve;")
        .gives("married(:sam,:eve);", "");
}

#[test]
fn a_function_over_one_stored_function_is_updatable() {
    let mut db = hobbies();
    db.does(
        "create function married(Person,Person) -> Boolean as stored;
             create function marriedto(Person p) -> Person q as select q where married(p,q);
             set marriedto(:sam) = :eve;",
    );
    db.gives(
        "married(:sam,:eve); name(marriedto(:sam));",
        "true\n\"Eve\"",
    );
    db.does("remove marriedto(:sam) = :eve;")
        .gives("married(:sam,:eve);", "");
}

#[test]
fn inverses_are_updatable() {
    let mut db = Db::of("create type Department; create type Employee;
        create function nm(Employee) -> Charstring as stored;
        create function department(Employee e) -> Department d as stored;
        create function employees(Department d) -> Bag of Employee e as select e where department(e) = d;
        create Department instances :toys, :food; create Employee(nm) instances :a ('Ada'), :b ('Bo'), :c ('Cia');
        set employees(:toys) = bag(:a,:b); add employees(:food) = :c;");
    db.gives_bag("nm(employees(:toys));", "\"Ada\"\n\"Bo\"");
    db.gives("department(:c) = :food;", "true");
    db.does("add employees(:food) = :a;")
        .gives("nm(employees(:toys));", "\"Bo\"");
    db.does("remove employees(:food) = :c;")
        .gives("nm(employees(:food));", "\"Ada\"");
    db.does("set department(:a) = :toys;")
        .gives_bag("nm(employees(:toys));", "\"Ada\"\n\"Bo\"");
}

#[test]
fn records_are_stored() {
    let mut db = hobbies();
    db.does(
        "create function pdata(Person) -> Record as stored;
             set pdata(:sam) = {'Greeting':'hej, Sam here','Phone':17};",
    );
    db.gives(
        "select r['Greeting'] from Person p, Record r where name(p) = 'Sam' and pdata(p) = r;",
        "\"hej, Sam here\"",
    );
    db.gives("pdata(:sam)['Phone'];", "17");
}

#[test]
fn a_single_value_is_single() {
    let mut db = hobbies();
    db.does("create function salary(Person) -> Integer as stored; set salary(:sam) = 10;");
    db.fails("add salary(:sam) = 20;", &["salary", "can have only one"]);
    db.gives("salary(:sam);", "10");
    db.does("set salary(:sam) = 30; add salary(:eve) = 7;")
        .gives("salary(:sam); salary(:eve);", "30\n7");
    db.fails("set salary(:sam) = bag(1,2);", &["can have only one"]);
    db.gives("salary(:sam);", "30");
}

#[test]
fn a_key_is_unique() {
    let mut db =
        Db::of("create function code(Charstring) -> Integer key as stored; set code('a') = 1;");
    db.fails("set code('b') = 1;", &["is a key", "code"]);
    db.gives("code('b');", "");
    db.does("set code('a') = 2; set code('b') = 1;")
        .gives("code('a'); code('b');", "2\n1");
    db.gives("select c from Charstring c where code(c) = 1;", "\"b\"");
}

#[test]
fn a_failed_update_changes_nothing() {
    let mut db = Db::of(
        "create function code(Integer) -> Integer key as stored; set code(1) = 1; set code(2) = 2;",
    );
    db.fails(
        "set code(x) = 7 from Integer x where x in range(2);",
        &["is a key"],
    );
    db.gives("code(1); code(2);", "1\n2");
}

#[test]
fn what_cannot_be_updated_says_so_before_anything_runs() {
    let mut db = hobbies();
    db.does("create function shout(Person p) -> Charstring as upper(name(p));");
    db.fails(
        "set shout(:sam) = 'X';",
        &["shout(Person p)->Charstring cannot be updated"],
    );
    db.fails("set sqrt(4) = 3;", &["sqrt", "cannot be updated"]);
    db.fails(
        "set nmae(:sam) = 'X';",
        &["unknown function 'nmae'", "did you mean 'name'?"],
    );
    db.fails(
        "set name(:sam, 1) = 'X';",
        &["'name' does not take 2 arguments"],
    );
    db.fails("set name(:sam) = 7;", &["name", "7"]);
}

#[test]
fn several_results_are_tuples() {
    let mut db = Db::of("create function limits(Charstring) -> (Number low, Number high) as stored;
        set limits('temp') = (10, 20); create function log(Charstring) -> Bag of (Integer, Charstring) as stored;
        add log('a') = (1, 'x'); add log('a') = (2, 'y');");
    db.gives("limits('temp'); log('a');", "[10,20]\n[1,\"x\"]\n[2,\"y\"]");
    db.does("remove log('a') = (1, 'x');")
        .gives("log('a');", "[2,\"y\"]");
    db.gives(
        "select h from Number l, Number h where (l,h) = limits('temp') and l < 15;",
        "20",
    );
    db.gives(
        "select s from Charstring s, Number h where limits(s) = (10, h);",
        "\"temp\"",
    );
}

#[test]
fn updates_by_functions_as_objects() {
    let mut db = hobbies();
    db.gives("addfunction('hobbies', [:eve], ['yoga']);", "true");
    db.gives("remfunction('hobbies', [:eve], ['chess']);", "true")
        .gives_bag("hobbies(:eve);", "\"tennis\"\n\"yoga\"");
    db.gives(
        "setfunction('name', [:eve], ['Eva']); name(:eve);",
        "true\n\"Eva\"",
    );
    db.gives("addfunction(#'hobbies', [:eve], ['golf']);", "true");
    db.does("set :o = createobject('Person'); set name(:o) = 'Ola';");
    db.gives("name(:o); count(select p from Person p);", "\"Ola\"\n3");
    db.gives(
        "deleteobject(:o); count(select p from Person p);",
        "true\n2",
    );
    db.gives(
        "dropfunction(#'hobbies', 0); hobbies(:eve); count(extent(#'person.name->charstring'));",
        "#'person.hobbies->charstring'\n2",
    );
    db.gives(
        "clear_function('name'); select name(p) from Person p;",
        "#'person.name->charstring'",
    );
    db.gives(
        "delete_objects(select p from Person p); count(select p from Person p);",
        "2\n0",
    );
}

#[test]
fn the_object_decides_which_function_is_updated() {
    let mut db = Db::of(
        "create type Machine; create type Pump under Machine; create type Fan under Machine;
         create function rate(Machine) -> Number as stored;
         create function rate(Pump) -> Number as stored;
         create Machine instances :m; create Pump instances :p; create Fan instances :f;
         set rate(m) = 7 from Machine m;",
    );
    let rows = "extent(#'machine.rate->number'); extent(#'pump.rate->number');";
    db.gives(
        "count(extent(#'machine.rate->number')); rate(:m); rate(:f);",
        "2\n7\n7",
    );
    db.gives("count(extent(#'pump.rate->number')); rate(:p);", "1\n7");
    // A cast says which is meant.
    db.does("set rate(cast(:p as Machine)) = 8;");
    db.gives("rate(:p); rate(cast(:p as Machine));", "7\n8");
    db.does("remove rate(m) = 7 from Machine m; remove rate(cast(:p as Machine)) = 8;")
        .gives(rows, "");
    // Also in a procedure.
    db.does("create function tune(Machine m, Number n) -> Boolean as { set rate(m) = n; };");
    db.does("tune(:p, 3); tune(:m, 4);");
    db.gives("count(extent(#'pump.rate->number')); rate(:m);", "1\n4");
}

#[test]
fn an_object_whose_function_cannot_be_updated_is_an_error() {
    let mut db = Db::of(
        "create type Staff; create type Chief under Staff;
         create function pay(Staff) -> Number as stored;
         create function bonus(Chief) -> Number as stored;
         create function pay(Chief c) -> Number as pay(cast(c as Staff)) + bonus(c);
         create Staff instances :s; create Chief instances :c; set bonus(:c) = 5;
         set pay(:s) = 10;",
    );
    db.gives("pay(:s);", "10");
    db.fails(
        "set pay(s) = 20 from Staff s;",
        &["pay(Chief c)->Number cannot be updated"],
    );
    db.gives("pay(:s);", "10");
    db.does("set pay(cast(:c as Staff)) = 30;")
        .gives("pay(:c);", "35");
}

#[test]
fn an_update_that_two_functions_fit_is_an_error() {
    let mut db = Db::of(
        "create type Site; create type Machine; create type Plant under Site, Machine;
         create function name(Site) -> Charstring as stored;
         create function name(Machine) -> Charstring as stored;
         create Plant instances :p;",
    );
    db.fails(
        "set name(:p) = 'both';",
        &["ambiguous", "name(Site)->Charstring"],
    );
    db.does("set name(cast(:p as Site)) = 'as a site';");
    db.gives(
        "name(cast(:p as Site)); name(cast(:p as Machine));",
        "\"as a site\"",
    );
}

#[test]
fn an_error_in_a_built_in_function_is_marked_where_it_is_called() {
    let mut db =
        Db::of("create function part(Integer) -> Charstring as stored; set part(1) = 'a';");
    db.fails(
        "addfunction('part', [1], ['b']);",
        &["can have only one", "at `addfunction('part', [1], ['b'])`"],
    );
}

#[test]
fn a_key_violation_names_the_row_that_has_the_key() {
    let mut db = Db::of(
        "create function code(Charstring s key) -> Integer key as stored;
         create function two(Integer i key, Integer j key) -> Integer as stored;
         create function at(Integer i key) -> Integer as stored;
         set code('a') = 1; set two(1,2) = 2; set at(1) = 2;",
    );
    db.fails(
        "set code('b') = 1;",
        &["code(\"b\") cannot be 1: the value is a key, and code(\"a\") has it"],
    );
    db.fails(
        "set two(1,3) = 3;",
        &["two(1,3) cannot be 3: its argument 1 is a key, and two(1,2) has it"],
    );
    db.fails(
        "set two(3,2) = 3;",
        &["two(3,2) cannot be 3: its argument 2 is a key, and two(1,2) has it"],
    );
    db.fails("add at(1) = 3;", &["at(1) has the value 2 already"]);
    db.gives(
        "code('a'); two(1,2); at(1); code('b'); two(1,3);",
        "1\n2\n2",
    );
}

/// Rows that are put one after the other are one entry of the log; nothing of that may be seen.
#[test]
fn whatever_has_changed_is_undone() {
    let mut db = Db::of(
        "create function one(Integer) -> Integer as stored;
         create function many(Integer) -> Bag of Integer as stored;
         create function pair(Integer, Integer) -> (Integer, Charstring) as stored;",
    );
    let contents = "select i, x from Integer i, Integer x where one(i) = x order by i;
                    select i, x from Integer i, Integer x where x in many(i) order by i, x;
                    select i, j, pair(i,j) from Integer i, Integer j order by i, j;";
    for case in 0..cases(60) {
        let mut random = generator(case as u64);
        db.does("set :before = 0;");
        let before = db.run(contents);
        let mut script = String::from("{\n");
        for _ in 0..1 + random.below(12) {
            let (i, n) = (random.below(40), random.below(9));
            let to = i + n;
            script.push_str(&match random.below(9) {
                0 => format!("for each Integer i where i in iota({i},{to}) set one(i) = i * {n};"),
                1 => format!("for each Integer i where i in iota({i},{to}) add many(i) = {n};"),
                2 => format!("set one(i) = {n} from Integer i where i in iota({i},{to});"),
                3 => format!("remove many({i}) = {n};"),
                4 => format!("set many({i}) = bag(1,2,{n});"),
                5 => format!("set one({i}) = null;"),
                6 => format!("set one({i}) = {n};"),
                7 => format!("set pair({i},{n}) = ({n},'x');"),
                _ => format!("set one(i) = null from Integer i where i in iota({i},{to});"),
            });
            script.push('\n');
        }
        let fails = case % 2 == 0;
        script.push_str(if fails { "error('stop'); };" } else { "};" });
        let printed = db.run(&script);
        assert_eq!(printed.contains("stop"), fails, "{script}\n{printed}");
        let after = db.run(contents);
        if fails {
            assert_eq!(after, before, "{script}");
        }
        // The indexes agree with the rows.
        db.gives(
            "count(select i from Integer i, Integer x where one(i) = x and one(i) != x);
             count(select i from Integer i, Integer x where one(i) = x)
               = count(select i from Integer i where some(one(i)));",
            "0\ntrue",
        );
    }
    // Statements that succeeded are undone one by one where nothing is final by itself.
    let before = db.run(contents);
    db.does("auto_commit(false); commit;");
    db.does("for each Integer i where i in iota(100,200) set one(i) = 1;");
    db.does("for each Integer i where i in iota(150,250) set one(i) = 2;");
    db.fails("{ set one(300) = 1; error('stop'); };", &["stop"]);
    db.gives("one(100); one(150); one(300);", "1\n2");
    db.does("rollback;");
    assert_eq!(db.run(contents), before);
}
