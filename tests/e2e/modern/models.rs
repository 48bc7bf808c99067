//! Models: folders that are loaded and tested, from the language and by `osql --test`.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::support::osql::{Osql, osql};

/// A home folder with models, each of which has these files.
fn home(files: &[(&str, &str)]) -> TempDir {
    let home = TempDir::new().expect("a folder");
    for (path, text) in files {
        let file = home.path().join("models").join(path);
        fs::create_dir_all(file.parent().expect("it has one")).expect("a folder");
        fs::write(file, text).expect("it can be written");
    }
    home
}

fn at(home: &TempDir) -> Osql {
    osql().home(home.path())
}

const TWICE: &str = "create function twice(Number x) -> Number as 2*x; print(1);";

#[test]
fn a_model_is_loaded_once() {
    let home = home(&[("m/master.osql", TWICE)]);
    let script = "models:load('m'); models:load('m'); load_model('m'); twice(4); models:loaded();
         models:reload('m'); models:folder('m') = sa_home() + 'models/m/';";
    let run = at(&home).statements(script).run();
    assert_eq!(
        (&*run.stdout, &*run.stderr, run.code),
        ("8\n\"m\"\ntrue\n", "1\n1\n", 0)
    );
}

#[test]
fn files_beside_a_file_are_found_from_anywhere() {
    let home = home(&[
        (
            "m/master.osql",
            "load_osql('parts/one.osql'); < 'two.osql';",
        ),
        ("m/parts/one.osql", "load_osql('deep.osql');"),
        (
            "m/parts/deep.osql",
            "create function one() -> Integer as 1;",
        ),
        (
            "m/two.osql",
            "create function two() -> Integer as one() + 1;",
        ),
    ]);
    at(&home)
        .statements("models:load('m'); two();")
        .run()
        .expect_ok("2\n");
    let file = home.path().join("models/m/master.osql");
    osql()
        .arg(&file)
        .statements("two();")
        .run()
        .expect_ok("2\n");
}

#[test]
fn what_cannot_be_loaded_says_why() {
    let home = home(&[
        ("m/master.osql", "models:load('n');"),
        ("n/master.osql", "models:load('m');"),
        ("bad/master.osql", "1/0;"),
    ]);
    for (statement, what) in [
        (
            "models:load('m')",
            "the model 'm' loads itself: m, which loads n, which loads m",
        ),
        ("models:load('bad')", "loading the model 'bad'"),
        ("models:load('mm')", "there is no model 'mm'"),
        ("models:load('nn')", "system_models:load('nn')"),
        ("models:load('../m')", "'../m' is not the name of a model"),
        ("models:load('')", "'' is not the name of a model"),
        ("system_models:load('mn')", "did you mean 'nn'?"),
    ] {
        at(&home)
            .statements(&format!("{statement};"))
            .run()
            .expect_error(1, what);
    }
}

const TESTS: &str = "validate 'good' check twice(2) => 4;
validate 'bad' check twice(2) => 5 check twice(1) => 2;
validate 'after' check twice(3) => 6;";

#[test]
fn tests_are_counted() {
    let home = home(&[
        ("m/master.osql", TWICE),
        ("m/test.osql", TESTS),
        ("n/master.osql", TWICE),
        ("n/test.osql", "validate 'n' check twice(1) => 2;"),
    ]);
    let run = at(&home).args(["--test", "m", "n"]).run();
    assert_eq!(
        run.stdout,
        "[Testing good ... OK]\n[Testing bad ... FAILED]\n[Testing after ... OK]\n[Testing n ... OK]\n3 passed, 1 failed\n"
    );
    assert_eq!(run.code, 1);
    assert!(
        run.stderr.contains("gives 4") && run.stderr.contains("expected 5"),
        "{}",
        run.stderr
    );
    let run = at(&home).args(["--test", "n"]).run();
    assert_eq!(
        (&*run.stdout, &*run.stderr, run.code),
        ("[Testing n ... OK]\n1 passed, 0 failed\n", "1\n", 0)
    );
    // The first that fails ends it.
    let run = at(&home).args(["-x", "--test", "m", "n"]).run();
    assert!(
        run.stdout
            .ends_with("[Testing bad ... FAILED]\n1 passed, 1 failed\n"),
        "{}",
        run.stdout
    );
}

#[test]
fn a_file_can_be_tested() {
    let home = home(&[("m/master.osql", TWICE), ("m/test.osql", TESTS)]);
    let file = home.path().join("models/m/test.osql");
    let run = at(&home)
        .statements("models:load('m');")
        .arg("--test")
        .arg(&file)
        .run();
    assert!(
        run.stdout.ends_with("2 passed, 1 failed\n"),
        "{}",
        run.stdout
    );
    let run = at(&home).args(["--test", "nowhere.osql", "nothing"]).run();
    assert!(
        run.stdout.ends_with("0 passed, 2 failed\n"),
        "{}",
        run.stdout
    );
    assert_eq!(run.code, 1);
}

#[test]
fn a_project_says_where_its_models_are() {
    let project = TempDir::new().expect("a folder");
    let folder = project.path().join("SA/models/m");
    fs::create_dir_all(&folder).expect("a folder");
    fs::write(folder.join("master.osql"), TWICE).expect("written");
    let startup = project.path().join(".sa_startup.json");
    for text in ["{\"SA_HOME\": \"SA\"}", "{\"SA_HOME\": [\"SA\"]}"] {
        fs::write(&startup, text).expect("written");
        let run = osql()
            .current_dir(project.path())
            .statements("models:load('m'); twice(1);")
            .run();
        assert_eq!((&*run.stdout, &*run.stderr), ("2\n", "1\n"));
    }
    for (text, what) in [
        (
            "{\"SA_HOME\": \"SB\"}",
            ".sa_startup.json: there is no folder 'SB'",
        ),
        (
            "{\"SA_HOME\": 1}",
            ".sa_startup.json: SA_HOME is a string, or a list of one",
        ),
        ("{", ".sa_startup.json: not JSON"),
    ] {
        fs::write(&startup, text).expect("written");
        osql()
            .current_dir(project.path())
            .statements("1;")
            .run()
            .expect_error(1, what);
    }
}

/// The models of this repository.
fn ours() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

#[test]
fn the_models_that_come_along_pass_their_tests() {
    let run = osql().home(ours()).args(["--test", "nn", "bearing"]).run();
    assert_eq!(run.stderr, "");
    assert!(
        run.stdout.ends_with(" passed, 0 failed\n"),
        "{}",
        run.stdout
    );
    assert_eq!(run.code, 0);
}

#[test]
fn the_model_with_tables_that_last_passes_its_tests_again_and_again() {
    let folder = TempDir::new().expect("a folder");
    for _ in 0..2 {
        let run = osql()
            .home(ours())
            .current_dir(folder.path())
            .args(["--test", "logbook"])
            .run();
        assert_eq!(run.stderr, "");
        assert!(run.stdout.ends_with("5 passed, 0 failed\n"), "{run:?}");
    }
    assert!(folder.path().join("logbook.db").is_file());
}

#[test]
fn layers_of_networks_come_with_the_program() {
    let empty = TempDir::new().expect("a folder");
    osql()
        .home(empty.path())
        .statements(
            "system_models:load('nn'); system_models:load('nn');
             dense(array('f32',[1,2]), array('f32',[[1,2],[3,4]]), array('f32',[0.5,-20]), #'relu');",
        )
        .run()
        .expect_ok("ARRAY('f32', [5.5,0.0])\n");
}
