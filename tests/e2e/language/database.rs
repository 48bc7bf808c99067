//! The tour through the local database: workshops, technicians and their tool budgets.

use crate::support::session::Db;

fn plant() -> Db {
    let mut db = Db::of("create type Department;
        create function name(Department) -> Charstring as stored;
        create Department(name) instances :toys ('Turning'), :food ('Forging'), :tools ('Tempering');
        create function theDept(Charstring name) -> Department as inverse of name;
        set :toys = theDept('Turning'); set :food = theDept('Forging'); set :tools = theDept('Tempering');
        create Department instances :shoes; set name(:shoes) = 'Sanding';
        create type Person;
        create function name(Person) -> Charstring as stored;
        create function dept(Person) -> Department as stored;
        create function income(person) -> Number as stored;
        create Person(name, income, dept) instances
          :p1 ('Mio', 100, :toys), :p2 ('Bea', 200, :food), :p3 ('Bror', 300, :tools), :p4 ('Pia', 400, :toys),
          :p5 ('Mats', 500, :food), :p6 ('Olof', 500, :toys), :p7 ('Britt', 600, :tools), :p8 ('Mira', 700, :toys);");
    db.does(
        "create type Account;
        create function id(Account) -> Number as stored;
        create function owner(Account) -> Person as stored;
        create function balance(Account) -> Number as stored;
        create Account(id, owner, balance) instances
          (1,:p1,150), (2,:p1,200), (3,:p2,400), (4,:p2,85), (5,:p2,70), (6,:p3,10),
          (7,:p5,500), (8,:p6,75), (9,:p6,95), (10,:p7,105), (11,:p8,90);",
    );
    db
}

#[test]
fn objects_have_names() {
    let mut db = plant();
    db.gives("name(:toys); name(:shoes);", "\"Turning\"\n\"Sanding\"");
    db.gives_bag(
        "select name(d) from Department d where like(name(d),'T*');",
        "\"Turning\"\n\"Tempering\"",
    );
    db.gives_bag(
        "select name(d) from Department d;",
        "\"Turning\"\n\"Forging\"\n\"Tempering\"\n\"Sanding\"",
    );
}

#[test]
fn people_and_their_departments() {
    let mut db = plant();
    db.gives_bag(
        "select name(p) from Person p where name(dept(p)) = 'Turning';",
        "\"Mio\"\n\"Pia\"\n\"Olof\"\n\"Mira\"",
    );
    db.gives(
        "select name(p), income(p) from Person p order by income(p) desc limit 2;",
        "[\"Mira\",700]\n[\"Britt\",600]",
    );
    db.gives(
        "select name(p), income(p) from Person p where income(p) > 500 order by name(p);",
        "[\"Britt\",600]\n[\"Mira\",700]",
    );
    db.gives(
        "count(select p from Person p); sum(select income(p) from Person p);
              mean(select income(p) from Person p); median(select income(p) from Person p);",
        "8\n3300\n412.5\n450.0",
    );
}

#[test]
fn three_types_are_joined() {
    let mut db = plant();
    db.gives_bag(
        "select balance(a) from Account a where name(owner(a)) = 'Bea';",
        "400\n85\n70",
    );
    db.gives_bag("select name(p), balance(a) from Person p, Account a where name(dept(p)) = 'Turning' and owner(a) = p;",
        "[\"Mio\",150]\n[\"Mio\",200]\n[\"Olof\",75]\n[\"Olof\",95]\n[\"Mira\",90]");
    db.gives_bag("select name(p), count(a) from Person p, Account a where name(dept(p)) = 'Turning' and owner(a) = p group by name(p);",
        "[\"Mio\",2]\n[\"Olof\",2]\n[\"Mira\",1]");
    db.gives("select name(p), sum(balance(a)) from Person p, Account a where owner(a) = p group by name(p) order by sum(balance(a)) desc;",
        "[\"Bea\",555]\n[\"Mats\",500]\n[\"Mio\",350]\n[\"Olof\",170]\n[\"Britt\",105]\n[\"Mira\",90]\n[\"Bror\",10]");
    db.gives("select name(d), min(income(p)) from Department d, Person p where dept(p) = d group by name(d) order by min(income(p));",
        "[\"Turning\",100]\n[\"Forging\",200]\n[\"Tempering\",300]");
    db.gives("select name(d), mean(income(p)) from Department d, Person p where dept(p) = d group by name(d) order by mean(income(p)) desc limit 2;",
        "[\"Tempering\",450.0]\n[\"Turning\",425.0]");
    db.gives("select name(p), name(d), income(p), sum(balance(a)) from Department d, Person p, Account a
               where owner(a) = p and dept(p) = d group by name(p), name(d), income(p) order by sum(balance(a)) desc limit 2;",
        "[\"Bea\",\"Forging\",200,555]\n[\"Mats\",\"Forging\",500,500]");
}

#[test]
fn derived_functions_over_the_database() {
    let mut db = plant();
    db.does("create function above(Number t) -> Bag of Number as select income(p) from Person p where income(p) > t;
        create function whoabove(Number t) -> Bag of (Charstring nm, Number inc)
          as select name(p), inc from Number inc, Person p where income(p) = inc and inc > t;
        create function best(Number k) -> Bag of (Charstring name, Number inc)
          as select name(p), income(p) from Person p order by income(p) desc limit k;");
    db.gives_bag("above(500);", "600\n700");
    db.gives_bag("whoabove(500);", "[\"Britt\",600]\n[\"Mira\",700]");
    db.gives("best(2);", "[\"Mira\",700]\n[\"Britt\",600]");
}
