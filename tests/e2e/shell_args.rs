//! Flags, the order of what is run, and the exit status.

use crate::support::osql::{file, osql};
use crate::support::table::each_row;
use tempfile::TempDir;

#[test]
fn inputs_run_in_the_order_in_which_they_are_given() {
    let folder = TempDir::new().expect("a folder");
    let one = file(folder.path(), "one.osql", "1;\n");
    let four = file(folder.path(), "four.osql", "4;\n");
    let output = osql()
        .arg("-O")
        .arg(one)
        .statements("2;")
        .arg("-")
        .arg(four)
        .statements("5")
        .stdin("3;")
        .run();
    output.expect_ok("1\n2\n3\n4\n5\n");
}

#[test]
fn what_one_input_defines_the_next_can_use() {
    osql()
        .statements("set :x = 20;")
        .statements("set :y = 1 + :x;")
        .statements("2 * :y;")
        .run()
        .expect_ok("42\n");
}

#[test]
fn standard_input_runs_when_nothing_else_is_given() {
    osql().stdin("1+1;\n'a';").run().expect_ok("2\n\"a\"\n");
    osql().stdin("2;").statements("1;").run().expect_ok("1\n");
}

#[test]
fn the_first_line_may_name_an_interpreter() {
    let folder = TempDir::new().expect("a folder");
    let script = file(folder.path(), "x", "#!/usr/bin/env osql\n1;\n");
    osql().arg(script).run().expect_ok("1\n");
}

#[test]
fn wrong_flags_exit_with_2() {
    let wrong: [&[&str]; 6] = [
        &["--no-such-flag"],
        &["-o"],
        &["--timeout", "soon"],
        &["--timeout", "0"],
        &["-f", "/no/such/folder"],
        &["-i"],
    ];
    each_row(wrong, |flags| {
        let output = osql().args(flags).run();
        output.expect_error(2, "error: ");
        assert_eq!(output.stdout, "", "{flags:?}");
    });
}

#[test]
fn help_and_version_exit_with_0() {
    let help = osql().arg("--help").run();
    assert_eq!((help.code, help.stderr.as_str()), (0, ""));
    assert!(help.stdout.contains("Usage: osql"), "{help:?}");
    let version = format!("osql {}\n", env!("CARGO_PKG_VERSION"));
    osql().arg("--version").run().expect_ok(&version);
}

#[test]
fn a_missing_file_is_an_error_and_the_rest_still_runs() {
    let output = osql().args(["/no/such.osql", "-o", "1;"]).run();
    assert_eq!(
        output.stderr,
        "error: cannot read /no/such.osql: No such file or directory\n"
    );
    assert_eq!((output.stdout.as_str(), output.code), ("1\n", 1));
}

#[test]
fn results_can_be_json_or_csv() {
    let query = "{'a': [1, 2.5, true]}; [1, 'x,y', 'z'];";
    osql()
        .args(["--format", "json", "-o", query])
        .run()
        .expect_ok("{\"a\":[1,2.5,true]}\n[1,\"x,y\",\"z\"]\n");
    osql()
        .args(["--format", "csv", "-o", "[1, 'x,y', 'z']; 'alone';"])
        .run()
        .expect_ok("1,\"x,y\",z\nalone\n");
}

#[test]
fn a_timeout_ends_each_live_query() {
    let output = osql()
        .args(["--timeout", "0.5", "-o", "heartbeat(0.2); 'next';"])
        .run();
    let lines = output.lines();
    assert_eq!((output.code, output.stderr.as_str()), (0, ""));
    assert_eq!(lines.last(), Some(&"\"next\""));
    assert!((3..=4).contains(&lines.len()), "{lines:?}");
}

#[test]
fn a_timeout_before_the_result_is_an_error() {
    let output = osql()
        .args([
            "--quiet",
            "--timeout",
            "0.2",
            "-o",
            "count(heartbeat(0.1)); 'next';",
        ])
        .run();
    assert_eq!((output.stdout.as_str(), output.code), ("\"next\"\n", 1));
    assert!(output.stderr.starts_with("error: "), "{output:?}");
}

#[test]
fn a_stream_that_has_run_its_time_has_ended_with_elements_or_without() {
    for (query, printed) in [
        ("heartbeat(3600);", "0.0\n"),
        ("skip(heartbeat(3600),1);", ""),
        ("subscribe('nobody');", ""),
        (
            "select stream of x from Real x where x in heartbeat(0.01) and x < 0;",
            "",
        ),
    ] {
        osql()
            .args(["--timeout", "0.3", "-o", query])
            .run()
            .expect_ok(printed);
    }
    // What is no stream has not been answered.
    osql()
        .args(["--timeout", "0.3", "-o", "last(heartbeat(0.1));"])
        .run()
        .expect_error(1, "ran longer than 0.3 seconds");
}

#[test]
fn completions_for_the_shells_of_the_system() {
    for shell in ["bash", "zsh", "fish"] {
        let output = osql().args(["--completions", shell]).run();
        assert_eq!((output.code, output.stderr.as_str()), (0, ""));
        for word in ["sub", "retain", "no-init"] {
            assert!(output.stdout.contains(word), "{shell}: {word}");
        }
    }
    let script = osql().args(["--completions", "bash"]).run().stdout;
    let mut bash = std::process::Command::new("bash");
    bash.args(["-c", &format!("{script}\nCOMP_WORDS=(osql --no); COMP_CWORD=1; _osql osql --no osql; echo \"${{COMPREPLY[@]}}\"")]);
    let output = bash.output().expect("bash runs");
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "--no-init --no-header\n"
    );
}

#[test]
fn a_script_is_given_variables_and_words() {
    let folder = TempDir::new().expect("a folder");
    let script = file(
        folder.path(),
        "x.osql",
        ":broker; :n + 1; :on; :quoted; :list; :args; dim(:args);",
    );
    osql()
        .arg(&script)
        .args([
            "--set",
            "broker=mqtt://h:1",
            "--set",
            "N=5",
            "--set",
            "on=true",
        ])
        .args(["--set", "quoted='7'", "--set", "list=[1,\"a\"]"])
        .args(["--", "a", "-o", "3"])
        .run()
        .expect_ok("\"mqtt://h:1\"\n6\ntrue\n\"7\"\n[1,\"a\"]\n[\"a\",\"-o\",\"3\"]\n3\n");
    osql().statements(":args;").run().expect_ok("[]\n");
    osql()
        .args([
            "--set",
            "empty=",
            "--set",
            "what=1+1",
            "-o",
            ":empty; :what;",
        ])
        .run()
        .expect_ok("\"\"\n\"1+1\"\n");
}

#[test]
fn what_is_wrong_with_a_variable_is_said() {
    let wrong: [(&[&str], &str); 4] = [
        (&["--set", "n"], "NAME=VALUE is wanted"),
        (&["--set", "2n=1"], "'2n' is no name of a variable"),
        (&["--set", "args=1"], "the words behind -- are :args"),
        (
            &["--set", "n=1", "--set", "n=2"],
            "--set n=… is given twice",
        ),
    ];
    each_row(wrong, |(flags, message)| {
        osql()
            .args(flags)
            .statements("1;")
            .run()
            .expect_error(2, message);
    });
}

#[test]
fn the_manual_page_is_made_of_the_flags() {
    let output = osql().arg("--man").run();
    assert_eq!((output.stderr.as_str(), output.code), ("", 0));
    assert!(output.stdout.contains(".TH osql 1"), "{}", output.stdout);
    for part in [
        "\\-\\-set",
        "NAME=VALUE",
        "\\-\\-timeout",
        "osql\\-topics(1)",
        "Exit status",
    ] {
        assert!(output.stdout.contains(part), "{part} in {}", output.stdout);
    }
}
