//! What `sa_home()` returns, and the models that an installed osql brings with it.

use std::fs;
use std::path::Path;

use crate::support::osql::{osql, osql_at};
use tempfile::TempDir;

fn line(folder: &Path) -> String {
    format!("\"{}/\"\n", folder.display())
}

#[test]
fn the_flag_comes_before_the_variable() {
    let flag = TempDir::new().expect("a folder");
    let variable = TempDir::new().expect("a folder");
    osql()
        .home(variable.path())
        .statements("sa_home();")
        .run()
        .expect_ok(&line(variable.path()));
    osql()
        .home(variable.path())
        .arg("-f")
        .arg(flag.path())
        .statements("sa_home();")
        .run()
        .expect_ok(&line(flag.path()));
}

#[test]
fn a_folder_is_made_absolute() {
    let folder = TempDir::new().expect("a folder");
    fs::create_dir(folder.path().join("sub")).expect("can be made");
    osql()
        .current_dir(folder.path())
        .args(["-f", "sub/", "-o", "sa_home();"])
        .run()
        .expect_ok(&line(&folder.path().join("sub")));
}

#[test]
fn the_nearest_folder_above_the_program_that_has_models() {
    let folder = TempDir::new().expect("a folder");
    fs::create_dir_all(folder.path().join("models")).expect("can be made");
    let programs = folder.path().join("target/release");
    fs::create_dir_all(&programs).expect("can be made");
    let program = programs.join("osql");
    fs::copy(env!("CARGO_BIN_EXE_osql"), &program).expect("can be copied");
    osql_at(&program)
        .statements("sa_home();")
        .run()
        .expect_ok(&line(folder.path()));
}

#[test]
fn an_installed_program_writes_its_models_once() {
    let folder = TempDir::new().expect("a folder");
    let program = folder.path().join("osql");
    fs::copy(env!("CARGO_BIN_EXE_osql"), &program).expect("can be copied");
    let data = folder.path().join("data");
    let run = || {
        osql_at(&program)
            .env("XDG_DATA_HOME", &data)
            .statements("sa_home();")
            .run()
            .expect_ok(&line(&data.join("osql")));
    };
    run();
    let tutorial = data.join("osql/models/mqtt-tutorial");
    let certificate = fs::read(tutorial.join("mosquitto.org.crt")).expect("was written");
    assert_eq!(
        certificate,
        include_bytes!("../../models/mqtt-tutorial/mosquitto.org.crt")
    );
    let script = tutorial.join("simple.osql");
    fs::write(&script, "// mine").expect("can be written");
    run();
    assert_eq!(fs::read_to_string(&script).expect("is there"), "// mine");
}
