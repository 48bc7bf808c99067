//! Types: under others, several at once, deleted.

use crate::support::session::Db;

#[test]
fn subtypes_inherit_functions_and_extents() {
    let mut db = Db::of(
        "create type Person; create function name(Person) -> Charstring key as stored;
        create type Student under Person; create type Course;
        create function name(Course) -> Charstring key as stored;
        create function courses(Student) -> Bag of Course as stored;
        create Course(name) instances :m ('Maths'), :p ('Physics');
        create Person(name) instances ('Ada');
        create Student(name, courses) instances :s ('Sam', bag(:m, :p));",
    );
    db.gives("select name(p) from Person p;", "\"Ada\"\n\"Sam\"");
    db.gives("select name(s) from Student s;", "\"Sam\"");
    db.gives_bag("name(courses(:s));", "\"Maths\"\n\"Physics\"");
    db.gives(
        "typeof(:s); typesof(:s);",
        "#[Type Student]\n#[Type Student]\n#[Type Person]\n#[Type Userobject]\n#[Type Object]",
    );
    db.fails("courses(:m);", &["'courses' does not take (Course)"]);
}

#[test]
fn several_supertypes() {
    let mut db = Db::of(
        "create type Person; create type Student under Person; create type Employee under Person;
        create type TA under Student, Employee;
        create function name(Person) -> Charstring as stored;
        create function pay(Employee) -> Number as stored;
        create function points(Student) -> Number as stored;
        create TA(name, pay, points) instances :t ('Tea', 10, 90);",
    );
    db.gives("pay(:t); points(:t); name(:t);", "10\n90\n\"Tea\"");
    db.gives(
        "count(select p from Person p); count(select e from Employee e);",
        "1\n1",
    );
    db.gives_bag(
        "name(supertypes(typenamed('TA')));",
        "\"Student\"\n\"Employee\"",
    );
    db.gives_bag(
        "name(usersupertypes(typenamed('ta')));",
        "\"Student\"\n\"Employee\"\n\"Person\"",
    );
}

#[test]
fn two_ways_up_of_the_same_length_are_ambiguous_or_late() {
    let mut db = Db::of(
        "create type A; create type B; create type C under A, B;
        create function f(A) -> Charstring as 'a'; create function f(B) -> Charstring as 'b';
        create C instances :c; create A instances :a;",
    );
    db.gives("f(:a);", "\"a\"");
    db.fails("f(:c);", &["ambiguous"]);
}

#[test]
fn deleting_a_type_deletes_what_is_below_and_what_speaks_of_it() {
    let mut db = Db::of(
        "create type Person; create type Employee under Person; create type Boss under Employee;
        create function nr(Employee) -> Integer key as stored;
        create function name(Person) -> Charstring as stored;
        create Boss(name, nr) instances :b ('Bea', 1);
        create Person(name) instances ('Pia');
        delete type Employee;",
    );
    db.gives("select name(p) from Person p;", "\"Pia\"");
    db.fails("nr(:b);", &["unknown function 'nr'"]);
    db.fails("create Boss instances :x;", &["unknown type 'Boss'"]);
    db.fails("delete type Employee;", &["there is no type 'Employee'"]);
    db.fails("delete type Integer;", &["built-in"]);
}

#[test]
fn types_are_unique_and_not_under_themselves() {
    let mut db = Db::of("create type Pump;");
    db.fails("create type pump;", &["there is a type 'pump' already"]);
    db.fails("create type Number;", &["there is a type 'Number' already"]);
    db.fails("create type Valve under Valve;", &["unknown type 'Valve'"]);
    db.fails(
        "create type Valve under Integer;",
        &["built-in type Integer"],
    );
    db.does("create type Valve under Pump;");
}

#[test]
fn a_key_is_unique_among_all_objects() {
    let mut db = Db::of(
        "create type Person; create type Employee under Person;
        create function emp_no(Employee) -> Number key as stored;
        create Employee(emp_no) instances :a (1), :b (2);",
    );
    db.fails("set emp_no(:b) = 1;", &["is a key"]);
    db.gives("emp_no(:b);", "2");
}
