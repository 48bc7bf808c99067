//! Binaries that are changed in place.

use crate::support::session::Db;

#[test]
fn a_byte_is_set_in_the_binary_of_a_variable() {
    let mut db = Db::of("set :frame = binary('00ff10');");
    db.gives(
        "setf(:frame, 2, 7); :frame; :frame[2];",
        "7
         binary(\"000710\")
         7",
    );
    db.gives_bag("setf(:frame, range(3), 1);", "1\n1\n1");
    db.gives(":frame;", "binary(\"010101\")");
    db.gives("setf('frame', 1, 255); :frame;", "255\nbinary(\"ff0101\")");
    db.gives(
        "{ setf(:frame, 1, 2); setf(:frame, 2, :frame[1] * 2); }; :frame;",
        "binary(\"020401\")",
    );
}

#[test]
fn other_variables_keep_their_binaries() {
    let mut db = Db::of(
        "create function stored_frame() -> Binary as stored;
         set :a = binary('0000'); set :b = :a; set stored_frame() = :a;",
    );
    db.gives(
        "setf(:a, 1, 9); :a; :b; stored_frame();",
        "9
         binary(\"0900\")
         binary(\"0000\")
         binary(\"0000\")",
    );
}

#[test]
fn a_procedure_sets_bytes_of_its_own_variables() {
    let mut db = Db::of(
        "create function with_sum(Binary b) -> Binary as {
             declare Integer i, Integer total;
             set i = 1; set total = 0;
             while i < dim(b) do set total = total + b[i]; set i = i + 1; end while;
             setf(b, dim(b), mod(total, 256));
             return b;
         };
         set :b = binary('ff0200');",
    );
    db.gives(
        "with_sum(:b); :b;",
        "binary(\"ff0201\")
         binary(\"ff0200\")",
    );
}

#[test]
fn what_cannot_be_set_is_an_error() {
    let mut db = Db::of("set :b = binary('0000'); set :n = 1;");
    db.fails(
        "setf(:b, 3, 1);",
        &["there is no byte 3 in a binary of 2 bytes"],
    );
    db.fails("setf(:b, 0, 1);", &["there is no byte 0"]);
    db.fails(
        "setf(:b, 1, 256);",
        &["a byte is an integer from 0 to 255, not 256"],
    );
    db.fails(
        "setf(:n, 1, 1);",
        &[
            "'setf' does not take",
            "setf(Binary b, Integer i, Integer v)",
        ],
    );
    db.fails(
        "setf(binary('00'), 1, 1);",
        &[
            "changes the value in a variable at `binary('00')`",
            "put_binary(b,i,v)",
        ],
    );
    db.fails(
        "apply('setf', [:b, 1, 1]);",
        &["changes the value in a variable"],
    );
    db.gives(":b;", "binary(\"0000\")");
}

#[test]
fn positions_in_binaries_and_strings_are_found() {
    let mut db = Db::of("set :b = binary('0145ff');");
    db.gives("select i, :b[i] from Integer i;", "[1,1]\n[2,69]\n[3,255]");
    db.gives(
        "select i, :b[i] + 1 from Integer i where i > 1;",
        "[2,70]\n[3,256]",
    );
    db.gives("select i from Integer i where :b[i] > 60;", "2\n3");
    db.gives(
        "select s[i] from Charstring s, Integer i where s = 'åb' and s[i] != 'x';",
        "\"å\"\n\"b\"",
    );
}
