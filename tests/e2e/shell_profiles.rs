//! Connection profiles: `mqtt:connect` and the commands in one line, with `config.toml`.

use std::fs;

use tempfile::TempDir;

use crate::support::mosquitto::Mosquitto;
use crate::support::osql::{Osql, osql};

/// A folder of the user with this `config.toml`.
fn configured(text: &str) -> TempDir {
    let folder = TempDir::new().expect("a folder");
    fs::create_dir(folder.path().join("osql")).expect("can be made");
    fs::write(folder.path().join("osql/config.toml"), text).expect("can be written");
    folder
}

fn osql_with(configuration: &TempDir) -> Osql {
    osql().env("XDG_CONFIG_HOME", configuration.path())
}

/// A broker that takes one user, and a profile for it.
fn plant() -> (Mosquitto, TempDir) {
    let broker = Mosquitto::with_login("anna", "s3cret");
    let folder = configured(&format!(
        "[profiles.plant]\nconnection = \"{}\"\nusername = \"anna\"\npassword-env = \"PLANT\"\n\
         retained = true\n\
         [profiles.by-command]\nconnection = \"{0}\"\nusername = \"anna\"\n\
         password-command = \"echo s3cret\"\n",
        broker.url("mqtt")
    ));
    (broker, folder)
}

#[test]
fn a_profile_connects() {
    let (_broker, folder) = plant();
    let statements = "set :c = mqtt:connect('plant');
        mqtt:profiles();
        set :n = count(publish(streamof('7'), 'plant:t/1'));
        charstring(extract(first_n(subscribe('plant:t/1'), 1)));
        set :d = mqtt:connect('by-command', {'qos': 0});
        mqtt:clients();";
    osql_with(&folder)
        .env("PLANT", "s3cret")
        .statements(statements)
        .run()
        .expect_ok("\"by-command\"\n\"plant\"\n\"7\"\n\"plant\"\n\"by-command\"\n");
}

#[test]
fn a_profile_stands_in_place_of_an_address() {
    let (_broker, folder) = plant();
    let osql = || osql_with(&folder).env("PLANT", "s3cret");
    osql()
        .args(["pub", "plant", "home/hall", "21", "--show"])
        .run()
        .expect_ok(
            "set :broker = mqtt:connect(\"plant\");\n\
             set :published = count(publish(streamof(\"21\"), \"plant:home/hall\", {\"qos\": 1}));\n",
        );
    osql()
        .args(["pub", "plant", "home/hall", "21"])
        .run()
        .expect_ok("");
    osql()
        .args([
            "sub",
            "plant",
            "home/#",
            "-C",
            "1",
            "--option",
            "clientid=me",
        ])
        .run()
        .expect_ok("home/hall 21\n");
    let topics = osql()
        .args([
            "topics",
            "by-command",
            "home/#",
            "--timeout",
            "0.5",
            "--format",
            "csv",
        ])
        .run();
    assert!(
        topics.stdout.contains("\nhome/hall,1,0.0,2,2,number,21\n"),
        "{topics:?}"
    );
    let unknown = osql().args(["sub", "plan", "t"]).run();
    unknown.expect_error(1, "there is no profile 'plan'");
    unknown.expect_error(1, "did you mean 'plant'?");
    unknown.expect_error(1, "config.toml has by-command, plant");
}

#[test]
fn what_is_wrong_is_said_without_the_secret() {
    let (broker, folder) = plant();
    let connect = |folder: &TempDir, password: &str| {
        osql_with(folder)
            .env("PLANT", password)
            .statements("mqtt:connect('plant');")
            .run()
    };
    let refused = connect(&folder, "wr0ng");
    refused.expect_error(1, "profile 'plant': ");
    assert!(!refused.stderr.contains("wr0ng"), "{refused:?}");
    let url = broker.url("mqtt");
    for (line, message) in [
        (
            "password = \"s3cret\"",
            "`password` is a secret, and does not stand in a file",
        ),
        (
            "password-command = \"echo s3cret; exit 1\"",
            "the command ended with exit status: 1",
        ),
        (
            "pasword-env = \"PLANT\"",
            "`pasword-env` is not an option of mqtt:register_client",
        ),
        ("qos = 3", "0, 1 or 2 is wanted, not 3"),
        ("qos = ", "not TOML"),
    ] {
        let folder = configured(&format!(
            "[profiles.plant]\nconnection = \"{url}\"\n{line}\n"
        ));
        let output = connect(&folder, "x");
        output.expect_error(1, message);
        let shown = output.stderr.replace("echo s3cret", "");
        assert!(!shown.contains("s3cret"), "{output:?}");
    }
    let file = folder.path().join("osql/config.toml");
    fs::remove_file(&file).expect("was there");
    connect(&folder, "x").expect_error(1, "there is no profile 'plant'");
    fs::create_dir(&file).expect("can be made");
    connect(&folder, "x").expect_error(1, "cannot read ");
}
