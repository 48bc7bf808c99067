//! Streams with a memory, and files as streams of lines.

use crate::support::session::Db;

#[test]
fn running_aggregates() {
    let mut db = Db::new();
    db.gives("vectorof(rcount(streamof(bag('a','b'))));", "[1,2]");
    db.gives("vectorof(rsum(siota(1,4)));", "[1.0,3.0,6.0,10.0]");
    db.gives("vectorof(ravg(siota(1,4)));", "[1.0,1.5,2.0,2.5]");
    db.fails(
        "rsum(streamof(in([1,'x'])));",
        &["element 2 of streamof(in([1,'x'])): rsum wants numbers, not \"x\""],
    );
    // A stream runs anew each time.
    db.gives(
        "set :s = rsum(siota(1,2)); vectorof(:s); vectorof(:s);",
        "[1.0,3.0]\n[1.0,3.0]",
    );
}

#[test]
fn changes() {
    let mut db = Db::new();
    db.gives("vectorof(changed(streamof(in([1,1,2,2,1]))));", "[1,2,1]");
    db.gives(
        "changed(streamof(in([[1,7],[1,8],[2,8],[2,8]])),[1]);",
        "[1,7]\n[2,8]",
    );
    db.fails(
        "changed(streamof(in([[1,7]])),[0]);",
        &["a position counts from 1"],
    );
}

#[test]
fn running_histograms() {
    let mut db = Db::new();
    db.gives("histogram(siota(0,3),0,4,2);", "[1,0]\n[2,0]\n[2,1]\n[2,2]");
    db.gives("histogram(siota(3,5),[0,4,2]);", "[0,1]\n[0,1]\n[0,1]");
    db.gives(
        "histogram(streamof(in([[1,5],[3,1]])),[[0,4,2],[0,6,3]]);",
        "[[1,0],[0,0,1]]\n[[1,1],[1,0,1]]",
    );
    db.fails(
        "histogram(siota(0,3),0,4,0);",
        &["a histogram of 0 bins from 0 to 4"],
    );
}

#[test]
fn the_last_element_is_kept() {
    Db::of("create function latest() -> Number as stored;").gives(
        "count(extract(save_last_element(siota(1,7),#'latest'))); latest();",
        "7\n7",
    );
    Db::new().fails(
        "save_last_element(siota(1,7),#'sqrt');",
        &["'sqrt' cannot keep an element", "without arguments"],
    );
    // Also where it has no other resolvent, or one is named.
    let mut db = Db::of("create type P; create function name_of(P) -> Charstring as stored;");
    for named in ["name_of", "P.name_of->Charstring"] {
        db.fails(
            &format!("save_last_element(siota(1,7),#'{named}');"),
            &["'name_of' cannot keep an element"],
        );
        for change in ["setfunction", "addfunction", "remfunction"] {
            for arguments in ["[]", "[1,2]"] {
                db.fails(
                    &format!("{change}(#'{named}',{arguments},['a']);"),
                    &["name_of"],
                );
            }
        }
    }
}

#[test]
fn random_streams() {
    Db::new().gives(
        "set :v = vectorof(first_n(randstream(2,3),100)); min(:v) >= 2 and max(:v) <= 3;",
        "true",
    );
}

#[test]
fn lines_of_files() {
    let folder = tempfile::TempDir::new().expect("a folder");
    let file = folder.path().join("lines.txt").display().to_string();
    let mut db = Db::new();
    db.gives(
        &format!("writelines(streamof(in(['one',2,'three'])),'{file}') = '{file}';"),
        "true",
    );
    db.gives(
        &format!("readlines('{file}');"),
        "\"one\"\n\"2\"\n\"three\"",
    );
    db.gives(
        &format!("readlines('{file}','\n',2);"),
        "[\"one\",\"2\"]\n[\"three\"]",
    );
    db.gives(
        &format!("readlines('{file}','e\n',5);"),
        "[\"on\",\"2\\nthre\"]",
    );
    db.gives(
        &format!("charstring(read_file_chunked('{file}',5));"),
        "\"one\\n2\"\n\"\\nthre\"\n\"e\\n\"",
    );
    db.gives(&format!("first(readlines('{file}'));"), "\"one\"");
    db.fails(
        "readlines('/nowhere/at/all');",
        &["cannot read /nowhere/at/all"],
    );
    db.fails(
        &format!("read_file_chunked('{file}',0);"),
        &["from 1 up bytes, not 0"],
    );
}
