//! The prompt, in a real terminal.

use std::process::Command;

use crate::support::mosquitto::Mosquitto;
use crate::support::tmux::Terminal;
use tempfile::TempDir;

fn state() -> TempDir {
    TempDir::new().expect("a folder")
}

#[test]
fn a_statement_may_take_two_lines() {
    let state = state();
    let terminal = Terminal::start("", 80, 24, state.path());
    terminal.wait_prompt();
    terminal.enter("select i");
    terminal.enter("from Integer i where i in iota(1,2);");
    let screen = terminal.wait_prompt();
    let lines: Vec<_> = screen.lines().skip(1).collect();
    assert_eq!(
        lines,
        [
            "osql> select i",
            "   -> from Integer i where i in iota(1,2);",
            "1",
            "2",
            "osql>"
        ]
    );
}

#[test]
fn ctrl_c_stops_the_query_and_clears_the_line() {
    let state = state();
    let terminal = Terminal::start("", 80, 24, state.path());
    terminal.wait_prompt();
    terminal.enter("heartbeat(0.05);");
    terminal.wait_until(|screen| screen.lines().count() > 5);
    terminal.press("C-c");
    terminal.wait_for("stopped");
    terminal.wait_prompt();
    terminal.type_text("never run");
    terminal.wait_for("never run");
    terminal.press("C-c");
    terminal.wait_prompt();
    terminal.enter("'still ' + 'here';");
    terminal.wait_for("\"still here\"");
}

#[test]
fn the_next_start_knows_the_history() {
    let state = state();
    let first = Terminal::start("", 80, 24, state.path());
    first.wait_prompt();
    first.enter("1 +");
    first.enter("41;");
    first.wait_for("42");
    first.enter(" 'kept out';");
    first.wait_for("\"kept out\"");
    first.wait_prompt();
    first.press("C-d");
    first.wait_for("[exit 0]");
    drop(first);

    let second = Terminal::start("", 80, 24, state.path());
    second.wait_prompt();
    second.press("Up");
    second.wait_until(|screen| screen.ends_with("osql> 1 +\n41;"));
    second.press("Enter");
    second.wait_for("42");
}

#[test]
fn a_narrow_window_wraps_and_stays_whole() {
    let state = state();
    let terminal = Terminal::start("", 40, 24, state.path());
    terminal.wait_prompt();
    terminal.type_text("'a rather long string that does not fit into one row';");
    terminal.wait_until(|screen| {
        screen.ends_with("osql> 'a rather long string that does no\nt fit into one row';")
    });
    terminal.press("Home");
    terminal.type_text("1;");
    terminal.wait_for("osql> 1;'a rather");
    terminal.press("Enter");
    terminal.wait_for("\n1\n\"a rather long");
}

#[test]
fn an_error_is_coloured_unless_that_is_unwanted() {
    let state = state();
    let terminal = Terminal::start("", 80, 24, state.path());
    terminal.wait_prompt();
    terminal.enter(":nowhere;");
    terminal.wait_for("error");
    terminal.wait_prompt();
    let errors = |t: &Terminal| {
        let screen = t.coloured_screen();
        let line = screen
            .lines()
            .find(|l| l.contains("error"))
            .map(str::to_owned);
        line.expect("there is an error")
    };
    assert!(errors(&terminal).contains('\x1b'));

    let plain = Terminal::start_with("NO_COLOR=1", "", 80, 24, state.path());
    plain.wait_prompt();
    plain.enter(":nowhere;");
    plain.wait_for("error");
    plain.wait_prompt();
    assert!(!plain.coloured_screen().contains('\x1b'));
}

#[test]
fn tab_completes_names() {
    let state = state();
    let terminal = Terminal::start("", 80, 24, state.path());
    terminal.wait_prompt();
    terminal.type_text("json:uns");
    terminal.press("Tab");
    terminal.wait_for("osql> json:unstringify");
    terminal.press("C-c");
    terminal.wait_prompt();
    terminal.enter("set :temperature = 21;");
    terminal.wait_until(|screen| screen.ends_with("21;\ndone\nosql>"));
    terminal.type_text(":temp");
    terminal.press("Tab");
    terminal.wait_for("osql> :temperature");
}

#[test]
fn a_prompt_after_a_script_when_asked_for() {
    let state = state();
    let terminal = Terminal::start("-i -o 'set :x = 7;'", 80, 24, state.path());
    terminal.wait_prompt();
    terminal.enter(":x + 1;");
    terminal.wait_for("\n8\n");
    terminal.enter("quit");
    terminal.wait_for("[exit 0]");
}

#[test]
fn a_terminal_that_is_told_to_end_is_left_in_order() {
    let state = state();
    let terminal = Terminal::start("", 80, 24, state.path());
    terminal.wait_prompt();
    terminal.type_text("half a line");
    terminal.wait_for("half a line");
    let pid = terminal.child_pid();
    let kill = Command::new("kill").arg(pid).status();
    assert!(kill.expect("kill runs").success());
    terminal.wait_for("[exit 143]");
}

#[test]
fn what_has_just_been_defined_is_completed() {
    let state = state();
    let terminal = Terminal::start("", 80, 24, state.path());
    terminal.wait_prompt();
    terminal.enter("create function fahrenheit(Number c) -> Number as c * 9 / 5 + 32;");
    terminal.wait_prompt();
    terminal.type_text("fahr");
    terminal.press("Tab");
    terminal.wait_for("osql> fahrenheit");
    terminal.enter("(100);");
    terminal.wait_for("212.0");
}

#[test]
fn tab_completes_what_is_in_scope() {
    for columns in [120, 80, 40] {
        let state = state();
        let terminal = Terminal::start("", columns, 40, state.path());
        terminal.wait_prompt();
        // A variable that is declared in an earlier line.
        terminal.enter("select t from Number temperature, Number t");
        terminal.type_text("where tempe");
        terminal.press("Tab");
        terminal.wait_for("-> where temperature");
        terminal.press("C-c");
        terminal.wait_prompt();
        // The key of a record in a result.
        terminal.enter("select {'humidity': 51} as r from Integer i where i = 1;");
        terminal.wait_for("(1 row)");
        terminal.type_text(":r[\"hu");
        terminal.press("Tab");
        terminal.wait_for("osql> :r[\"humidity");
        terminal.press("C-c");
        terminal.wait_prompt();
        // An option, where its record begins in an earlier line.
        terminal.enter("mqtt:register_client('plant', {'port': 1883,");
        terminal.type_text("'clea");
        terminal.press("Tab");
        terminal.wait_for("{> 'cleansession");
        terminal.press("C-c");
        terminal.wait_prompt();
        // The list has the signatures.
        terminal.type_text("json:un");
        terminal.press("Tab");
        terminal.press("Tab");
        let screen = terminal.wait_for("json:unstringify_record(Charstr");
        assert!(
            screen.contains("\njson:unstringify(Charstring str"),
            "{screen}"
        );
    }
}

#[test]
fn ctrl_c_in_a_long_list_does_not_drop_the_line_that_follows() {
    let state = state();
    let terminal = Terminal::start("", 80, 24, state.path());
    terminal.wait_prompt();
    terminal.type_text("s");
    terminal.press("Tab");
    terminal.press("Tab");
    // More than a hundred are asked about before.
    let asked = |screen: &str| screen.ends_with("possibilities? (y or n)");
    let screen = terminal.wait_until(|screen| asked(screen) || screen.ends_with("--More--"));
    if asked(&screen) {
        terminal.type_text("y");
    }
    let first = terminal.wait_until(|screen| screen.ends_with("--More--"));
    terminal.press("C-c");
    terminal.wait_until(|screen| *screen != *first && screen.ends_with("--More--"));
    terminal.type_text("q");
    terminal.wait_until(|screen| screen.ends_with("osql> s"));
    terminal.press("C-u");
    terminal.wait_prompt();
    terminal.enter("6 * 7;");
    terminal.wait_for("\n42\n");
}

#[cfg(feature = "broker")]
#[test]
fn tab_completes_clients_and_the_topics_that_they_have_seen() {
    let state = state();
    let terminal = Terminal::start("", 120, 40, state.path());
    terminal.wait_prompt();
    terminal.enter("set :b = mqtt:start_broker({});");
    terminal.wait_prompt();
    terminal.enter("mqtt:register_client('plant', {'connection': :b['connection']});");
    terminal.wait_for("\"plant\"");
    for topic in ["temp/hall", "temp/attic", "alarm"] {
        let publish =
            format!("publish(streamof({{'celsius': 19}}), 'plant:{topic}', {{'retained': true}});");
        terminal.enter(&publish);
        terminal.wait_prompt();
    }
    // Nothing has come yet.
    terminal.type_text("subscribe('pl");
    terminal.press("Tab");
    terminal.wait_for("osql> subscribe('plant:");
    terminal.enter("temp/#') limit 2;");
    terminal.wait_until(|screen| screen.matches("19}").count() >= 5);
    terminal.wait_prompt();
    terminal.type_text("subscribe('plant:");
    terminal.press("Tab");
    terminal.wait_for("osql> subscribe('plant:temp/");
    terminal.press("Tab");
    terminal.press("Tab");
    let screen = terminal.wait_for("plant:temp/hall");
    assert!(screen.contains("plant:temp/attic"), "{screen}");
    assert!(!screen.contains("plant:alarm\n"), "{screen}");
    terminal.press("C-c");
    terminal.wait_prompt();
    terminal.type_text("mqtt:status('pl");
    terminal.press("Tab");
    terminal.wait_for("osql> mqtt:status('plant");
    terminal.press("C-c");
    terminal.wait_prompt();
    // The fields of a payload.
    terminal.type_text(":r['cel");
    terminal.press("Tab");
    terminal.wait_for("osql> :r['celsius");
}

#[test]
fn what_was_entered_is_suggested_faintly_and_taken() {
    for columns in [120, 80, 40] {
        let state = state();
        let terminal = Terminal::start("", columns, 24, state.path());
        terminal.wait_prompt();
        terminal.enter("'older ' + 'entry';");
        terminal.wait_for("\"older entry\"");
        terminal.wait_prompt();
        terminal.enter("'one ' + 'two';");
        terminal.wait_for("\"one two\"");
        terminal.wait_prompt();
        terminal.type_text("'on");
        terminal.wait_until(|screen| screen.ends_with("osql> 'one ' + 'two';"));
        let coloured = terminal.coloured_screen();
        assert!(coloured.contains("'on\x1b[2m"), "{coloured:?}");
        // What is not taken is not run.
        terminal.press("C-c");
        terminal.wait_until(|screen| screen.ends_with("osql> 'on\nosql>"));
        for key in ["Right", "End", "C-e"] {
            terminal.type_text("'o");
            terminal.wait_until(|screen| screen.ends_with("osql> 'one ' + 'two';"));
            terminal.type_text("l");
            terminal.wait_until(|screen| screen.ends_with("osql> 'older ' + 'entry';"));
            terminal.press(key);
            terminal.type_text(" 6 * 7;");
            terminal.wait_until(|screen| screen.ends_with("osql> 'older ' + 'entry'; 6 * 7;"));
            terminal.press("C-c");
            terminal.wait_prompt();
        }
        // A word of it.
        terminal.type_text("'on");
        terminal.wait_until(|screen| screen.ends_with("osql> 'one ' + 'two';"));
        terminal.press("M-Right");
        terminal.type_text("x");
        terminal.wait_until(|screen| screen.ends_with("osql> 'onex"));
        terminal.press("C-c");
        terminal.wait_prompt();
        // Behind what was suggested, the signature is still shown where nothing is.
        terminal.type_text("sqrt(");
        terminal.wait_for("osql> sqrt(   sqrt(");
    }
}

#[test]
fn a_secret_is_not_suggested() {
    let state = state();
    let folder = state.path().join("osql");
    std::fs::create_dir_all(&folder).expect("a folder");
    let history = "#V2\nset :o = {'password': 'hunter2'};\nset :o = {'port': 1};\n";
    std::fs::write(folder.join("history"), history).expect("written");
    let terminal = Terminal::start("", 80, 24, state.path());
    terminal.wait_prompt();
    terminal.type_text("set :o = {");
    terminal.wait_until(|screen| screen.ends_with("osql> set :o = {'port': 1};"));
    terminal.type_text("'pa");
    let screen = terminal.wait_until(|screen| screen.ends_with("osql> set :o = {'pa"));
    assert!(!screen.contains("hunter2"), "{screen}");
}

#[test]
fn words_have_colours_and_brackets_their_partners() {
    let state = state();
    let terminal = Terminal::start("", 80, 24, state.path());
    terminal.wait_prompt();
    terminal.type_text("select n, :v, 1.5 from Number n where n in [1, (2)]");
    terminal.wait_for("(2)]");
    terminal.wait_until(|_| {
        let screen = terminal.coloured_screen();
        [
            "\x1b[36mselect",
            "\x1b[33mn",
            "\x1b[33m:v",
            "\x1b[35m1.5",
            "\x1b[94mNumber",
            "\x1b[7m[",
        ]
        .iter()
        .all(|part| screen.contains(part))
    });
    terminal.press("Left");
    terminal.press("Left");
    terminal.wait_until(|_| terminal.coloured_screen().contains("\x1b[7m("));
    // A line that has been entered keeps no mark.
    terminal.press("C-c");
    terminal.wait_prompt();
    assert!(!terminal.coloured_screen().contains("\x1b[7m"));
}

#[test]
fn without_colour_there_are_no_suggestions_and_no_hints() {
    for environment in ["NO_COLOR=1", "TERM=dumb"] {
        let state = state();
        let terminal = Terminal::start_with(environment, "", 80, 24, state.path());
        terminal.wait_prompt();
        terminal.enter("'one ' + 'two';");
        terminal.wait_for("\"one two\"");
        terminal.wait_prompt();
        terminal.type_text("'one sqrt(");
        let screen = terminal.wait_for("'one sqrt(");
        assert!(screen.ends_with("osql> 'one sqrt("), "{screen}");
        assert!(!terminal.coloured_screen().contains('\x1b'));
    }
}

#[test]
fn the_prompt_says_what_is_open() {
    for columns in [120, 80, 40] {
        let state = state();
        let terminal = Terminal::start("", columns, 24, state.path());
        terminal.wait_prompt();
        let entry = [
            "pp([",
            "{'a':",
            "1}, 'it",
            "is' /* a",
            "note */, (",
            "2)",
            "]);",
        ];
        for line in entry {
            terminal.wait_until(|screen| screen.ends_with('>'));
            terminal.enter(line);
        }
        let screen = terminal.wait_prompt();
        let lines = screen.lines().skip_while(|line| !line.contains("pp("));
        assert_eq!(
            lines.take(7).collect::<Vec<_>>(),
            [
                "osql> pp([",
                "   [> {'a':",
                "   {> 1}, 'it",
                "   '> is' /* a",
                "   *> note */, (",
                "   (> 2)",
                "   [> ]);",
            ]
        );
        // What was begun is dropped as a whole.
        terminal.enter("select (");
        terminal.wait_until(|screen| screen.ends_with("(>"));
        terminal.press("C-c");
        terminal.wait_prompt();
        terminal.enter("6 * 7;");
        terminal.wait_for("\n42\n");
    }
}

#[test]
fn what_is_pasted_ahead_is_not_lost() {
    let state = state();
    let terminal = Terminal::start("", 80, 24, state.path());
    terminal.wait_prompt();
    let lines: String = (0..200).map(|_| "set :n = :n +\n1;\n").collect();
    terminal.paste(&format!("set :n = 0;\n{lines}'counted ' + ntoa(:n);\n"));
    terminal.wait_for("\"counted 200\"");
}

#[test]
fn commands_with_a_backslash_act() {
    let state = state();
    let file = |name: &str| state.path().join(name).display().to_string();
    let terminal = Terminal::start("", 120, 40, state.path());
    terminal.wait_prompt();
    terminal.enter("create function twice(Integer n) -> Integer as 2 * n;");
    terminal.wait_prompt();
    terminal.enter("\\d");
    terminal.wait_for("\"twice(Integer n)->Integer\"");
    terminal.enter("\\d twice");
    terminal.wait_for("create function twice(Integer n) -> Integer as 2 * n");
    terminal.enter("\\timing");
    terminal.wait_for("timing is on");
    terminal.enter("twice(21);");
    terminal.wait_until(|screen| {
        let mut lines = screen.lines().skip_while(|line| *line != "42").skip(1);
        lines
            .next()
            .is_some_and(|line| line.starts_with("took 0.") && line.ends_with(" s"))
    });
    terminal.enter("\\timing off");
    terminal.wait_for("timing is off");
    terminal.enter(&format!("\\o {}", file("out")));
    terminal.wait_prompt();
    terminal.enter("twice(50);");
    terminal.wait_prompt();
    terminal.enter("\\o");
    terminal.wait_prompt();
    assert_eq!(
        std::fs::read_to_string(file("out")).expect("written"),
        "100\n"
    );
    std::fs::write(file("in.osql"), "twice(300); twice(350)").expect("written");
    terminal.enter(&format!("\\i {}", file("in.osql")));
    terminal.wait_for("\n600\n700\n");
    terminal.enter("\\! echo from the $((1+1))nd shell");
    terminal.wait_for("from the 2nd shell");
    terminal.enter("\\nothing");
    terminal.wait_for("there is no command \\nothing");
    terminal.enter("clear");
    terminal.wait_until(|screen| screen.trim() == "osql>");
    terminal.enter("\\?");
    terminal.wait_for("\\watch [SECONDS]");
    terminal.enter("exit()");
    terminal.wait_for("[exit 1]");
}

#[test]
fn watch_runs_an_entry_again_and_again() {
    let state = state();
    let terminal = Terminal::start("", 80, 40, state.path());
    terminal.wait_prompt();
    terminal.enter("\\watch");
    terminal.wait_for("no entry yet");
    terminal.enter("set :n = 0;");
    terminal.wait_prompt();
    terminal.enter("set :n = :n + 1; 'round ' + ntoa(:n);");
    terminal.wait_for("\"round 1\"");
    terminal.enter("\\watch 0.05");
    terminal.wait_for("\"round 4\"");
    terminal.press("C-c");
    terminal.wait_for("stopped");
    terminal.enter("'still ' + 'here';");
    terminal.wait_for("\"still here\"");
}

#[test]
fn the_editor_changes_an_entry_that_enter_runs() {
    let state = state();
    let editor = "VISUAL=\"sed -i s/apples/pears/\"";
    let terminal = Terminal::start_with(editor, "", 80, 24, state.path());
    terminal.wait_prompt();
    terminal.enter("'apples and ' + 'oranges';");
    terminal.wait_for("\"apples and oranges\"");
    terminal.enter("\\e");
    terminal.wait_until(|screen| screen.ends_with("osql> 'pears and ' + 'oranges';"));
    terminal.press("Enter");
    terminal.wait_for("\"pears and oranges\"");
    // The line that is being typed.
    terminal.type_text("'more apples' + '!';");
    terminal.wait_for("more apples");
    terminal.press("C-x");
    terminal.press("C-e");
    terminal.wait_until(|screen| screen.ends_with("osql> 'more pears' + '!';"));
    terminal.press("Enter");
    terminal.wait_for("\"more pears!\"");
}

#[test]
fn a_query_that_shows_nothing_says_that_it_waits() {
    for columns in [120, 40] {
        let state = state();
        let terminal = Terminal::start("", columns, 24, state.path());
        terminal.wait_prompt();
        terminal.enter("select x from Real x where x in heartbeat(0.1) and x > 2;");
        // What dropped the rows is said where it fits.
        terminal.wait_until(|screen| match columns {
            40 => screen.contains("\nwaiting: 1 s; Ctrl-C stops"),
            _ => screen.contains(" dropped by x > 2, 1 s; Ctrl-C stops"),
        });
        // What comes takes the line away.
        let screen = terminal.wait_until(|screen| screen.contains("\n2.2\n"));
        assert!(!screen.contains("waiting"), "{screen}");
        terminal.press("C-c");
        let screen = terminal.wait_until(|screen| screen.ends_with("\nosql>"));
        assert!(screen.contains("\nstopped: "), "{screen}");
        let unwrapped = screen.replace('\n', "");
        assert!(
            unwrapped.contains(" given, 21 dropped by x > 2osql>"),
            "{screen}"
        );
        // So does the end.
        terminal.enter("select x from Real x where x in heartbeat(0.1) and x < 0;");
        terminal.wait_for(" 1 s; Ctrl-C stops");
        terminal.press("C-c");
        let stopped = "\nstopped: ";
        terminal.wait_until(|screen| {
            let said = screen.rsplit_once(stopped).map(|(_, said)| said);
            said.is_some_and(|said| said.ends_with(" dropped by x < 0\nosql>"))
        });
        assert!(!terminal.screen().contains("waiting"));
    }
}

#[test]
fn the_users_own_statements_come_before_the_prompt() {
    let state = state();
    let folder = state.path().join("osql");
    std::fs::create_dir_all(&folder).expect("a folder");
    let own = "create function twice(Integer n) -> Integer as 2 * n; 'own ' + 'statements';";
    std::fs::write(folder.join("init.osql"), own).expect("written");
    let config = format!("XDG_CONFIG_HOME='{}'", state.path().display());
    let terminal = Terminal::start_with(&config, "", 80, 24, state.path());
    terminal.wait_for("\"own statements\"");
    terminal.wait_prompt();
    terminal.enter("twice(21);");
    terminal.wait_for("\n42\n");
    drop(terminal);
    let without = Terminal::start_with(&config, "--no-init", 80, 24, state.path());
    let screen = without.wait_prompt();
    assert!(!screen.contains("own statements"), "{screen}");
}

#[test]
fn a_query_over_messages_says_what_it_has_dropped() {
    let mosquitto = Mosquitto::start("log_type all\n");
    let state = state();
    let terminal = Terminal::start("", 150, 24, state.path());
    terminal.wait_prompt();
    terminal.enter(&format!(
        "mqtt:register_client('b',{{'connection':'{}'}});",
        mosquitto.url("mqtt")
    ));
    terminal.wait_prompt();
    terminal.enter(
        "select r['room'] from Record r, Binary b where b in subscribe('b:plant/#') \
         and r = json:unstringify(charstring(b)) and r['temp'] > 30;",
    );
    mosquitto.wait_for_subscriptions(1);
    for temp in [20, 21, 31, 22] {
        let payload = format!("{{\"room\":\"r{temp}\",\"temp\":{temp}}}");
        mosquitto.publish("plant/a", &payload, &[]);
    }
    terminal.wait_until(|screen| screen.contains("r31") && screen.contains("waiting: "));
    let line = "waiting: 4 messages received, 1 row given, 3 dropped by r['temp'] > 30, ";
    terminal.wait_for(line);
    terminal.press("C-c");
    let summary = "stopped: 4 messages received, 1 row given, 3 dropped by r['temp'] > 30\nosql>";
    terminal.wait_until(|screen| screen.ends_with(summary));
}

#[test]
fn profiles_are_completed_where_they_are_connected_to() {
    let state = state();
    let folder = state.path().join("osql");
    std::fs::create_dir_all(&folder).expect("a folder");
    let profile = "[profiles.northern-plant]\nconnection = \"mqtt://127.0.0.1:1\"\n";
    std::fs::write(folder.join("config.toml"), profile).expect("written");
    let config = format!("XDG_CONFIG_HOME='{}'", state.path().display());
    let terminal = Terminal::start_with(&config, "", 80, 24, state.path());
    terminal.wait_prompt();
    terminal.type_text("mqtt:connect(\"nor");
    terminal.wait_for("connect(\"nor");
    terminal.press("Tab");
    terminal.wait_for("mqtt:connect(\"northern-plant");
}
