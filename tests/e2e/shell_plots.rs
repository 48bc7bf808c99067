//! Plots: on a terminal as a person sees them, in a pipe, and as pictures of SVG.

use tempfile::TempDir;

use crate::support::mosquitto::Mosquitto;
use crate::support::osql::osql;
use crate::support::table::each_row;
use crate::support::tmux::Terminal;

fn state() -> TempDir {
    TempDir::new().expect("a folder")
}

/// The lines from the one that begins the latest picture, as it has nothing but a vertical axis, to the one
/// with the horizontal axis and the numbers below it.
fn picture(screen: &str) -> Vec<&str> {
    let lines: Vec<_> = screen.lines().collect();
    let Some(end) = lines.iter().rposition(|line| line.contains('└')) else {
        return vec![];
    };
    let is_axis = |line: &&&str| line.contains('│') || line.contains('┤');
    let height = lines[..end].iter().rev().take_while(is_axis).count();
    lines[end - height..(end + 2).min(lines.len())].to_vec()
}

/// How many pictures stand on the screen.
fn pictures(screen: &str) -> usize {
    screen.lines().filter(|line| line.contains('└')).count()
}

const SQUARES: &str = "select n*n from Integer n where n in iota(0,20);";

#[test]
fn a_plot_fits_into_the_window() {
    each_row([120, 80, 40], |columns| {
        let state = state();
        let terminal = Terminal::start("", columns, 40, state.path());
        terminal.wait_prompt();
        terminal.enter("//plot: Line plot");
        terminal.enter(SQUARES);
        terminal.wait_for("└");
        let screen = terminal.wait_prompt();
        let picture = picture(&screen);
        let height = usize::from((columns / 4).clamp(8, 20));
        assert_eq!(picture.len(), height, "{screen}");
        let widest = picture.iter().map(|line| line.chars().count()).max();
        assert_eq!(widest, Some(columns.into()), "{screen}");
        assert!(picture[0].starts_with("400 ┤"), "{screen}");
        let axis = picture[height - 2];
        let labels = picture[height - 1];
        assert!(axis.contains('┬') && labels.ends_with("20"), "{screen}");
        // A clean prompt below it, and nothing else.
        let last = screen.lines().rev().take(2).collect::<Vec<_>>();
        assert_eq!(last, ["osql>", labels], "{screen}");
    });
}

#[test]
fn a_plot_of_twenty_columns() {
    let state = state();
    let terminal = Terminal::start("", 20, 24, state.path());
    terminal.wait_prompt();
    terminal.enter("plot(iota(1,9));");
    terminal.wait_for("└");
    let screen = terminal.wait_prompt();
    assert_eq!(
        picture(&screen),
        [
            "10 ┤               ⡠",
            "   │           ⢀⡠⠔⠉",
            " 5 ┤        ⢀⠔⠊⠁",
            "   │     ⣀⠤⠒⠁",
            "   │ ⢀⠤⠒⠉",
            " 0 ┤⠊⠁",
            "   └────────┬───────",
            "            5"
        ],
        "{screen}"
    );
}

#[test]
fn records_say_what_is_plotted() {
    let state = state();
    let terminal = Terminal::start("", 60, 40, state.path());
    terminal.wait_prompt();
    terminal.enter("{\"sa_plot\": \"Line plot\", \"labels\": [\"up\", \"down\"], \"memory\": 5};");
    terminal.wait_prompt();
    terminal.enter("select [n, -n] from Integer n where n in iota(1,100);");
    let screen = terminal.wait_for("└");
    assert!(screen.contains("━ up: 100  ━ down: -100"), "{screen}");
    let labels = picture(&screen).last().expect("a picture").to_string();
    assert!(labels.contains("96") && labels.contains("100"), "{screen}");
    assert!(!labels.contains(" 5"), "{screen}");
    // It was for that statement alone.
    terminal.wait_prompt();
    terminal.enter("'text ' + 'again';");
    terminal.wait_for("\"text again\"");
    terminal.enter("{\"sa_plots\": [\"bar\", \"pie\"]};");
    terminal.wait_prompt();
    terminal.enter("bag(['hall', 3], ['attic', 1]);");
    let screen = terminal.wait_for("%");
    for line in [
        "hall  │███████████████████████████████████████████████████ 3",
        "attic │█████████████████ 1",
        "hall  │██████████████████████████████████████████████ 75.0 %",
        "attic │███████████████▍ 25.0 %",
    ] {
        assert!(screen.contains(line), "{line} in {screen}");
    }
}

#[test]
fn a_live_plot_is_drawn_in_place_and_stays_after_ctrl_c() {
    let state = state();
    let terminal = Terminal::start("", 60, 40, state.path());
    terminal.wait_prompt();
    terminal.enter("//plot: line");
    terminal.enter("select stream of x as beat from Real x where x in heartbeat(0.05);");
    let early = terminal.wait_for("━ beat: 0.3");
    let late = terminal.wait_for("━ beat: 1.5");
    assert_eq!(
        (pictures(&early), pictures(&late)),
        (1, 1),
        "{early}\n{late}"
    );
    assert_ne!(picture(&early), picture(&late));
    terminal.press("C-c");
    terminal.wait_for("stopped");
    let screen = terminal.wait_prompt();
    assert_eq!(pictures(&screen), 1, "{screen}");
    let below: Vec<_> = screen.lines().rev().take(2).collect();
    assert_eq!(below[0], "osql>", "{screen}");
    assert!(below[1].starts_with("stopped: "), "{screen}");
    assert!(below[1].ends_with(" rows given"), "{screen}");
    assert!(!screen.contains("^C"), "{screen}");
    assert_eq!(picture(&screen).len(), 14, "{screen}");
    terminal.enter("1 + 41;");
    terminal.wait_for("\n42\n");
}

#[test]
fn a_window_may_change_while_a_plot_runs() {
    let state = state();
    let terminal = Terminal::start("", 100, 40, state.path());
    terminal.wait_prompt();
    terminal.enter("plot(heartbeat(0.05), 'line');");
    terminal.wait_for("└");
    for (columns, rows) in [(50, 40), (120, 20), (30, 12)] {
        terminal.resize(columns, rows);
        let fits = |screen: &str| {
            let picture = picture(screen);
            let height = usize::from((columns / 4).clamp(8, 20).min(rows - 2));
            let widest = picture.iter().map(|line| line.chars().count()).max();
            picture.len() == height && widest == Some(columns.into())
        };
        let screen = terminal.wait_until(fits);
        assert_eq!(pictures(&screen), 1, "{screen}");
    }
    terminal.press("C-c");
    terminal.wait_for("stopped");
    terminal.wait_prompt();
}

#[test]
fn what_is_said_meanwhile_does_not_tear_the_picture() {
    let state = state();
    let terminal = Terminal::start("", 60, 40, state.path());
    terminal.wait_prompt();
    terminal
        .enter("background('select print(x) from Real x where x in heartbeat(0.5) and x > 1');");
    terminal.wait_prompt();
    // One element fails, and each is printed.
    terminal.enter("//plot: line");
    terminal.enter(
        "select stream of 1/(1-x) from Real x where x in heartbeat(0.25) and print(x) and x < 3;",
    );
    let screen = terminal.wait_until(|screen| {
        let printed = screen.lines().position(|line| line == "2.5");
        let axis = screen.lines().position(|line| line.contains('└'));
        printed.is_some() && axis > printed
    });
    assert_eq!(pictures(&screen), 1, "{screen}");
    assert_eq!(picture(&screen).len(), 15, "{screen}");
    let lines: Vec<_> = screen.lines().collect();
    let at = lines.iter().position(|line| *line == "1.0");
    let at = at.expect("is printed") + 1;
    assert!(
        lines[at].starts_with("warning: an element is set aside"),
        "{screen}"
    );
    let at = lines.iter().position(|line| *line == "1.25");
    let at = at.expect("is printed");
    assert_eq!(lines[at..at + 3], ["1.25", "1.5", "1.75"], "{screen}");
    terminal.press("C-c");
    terminal.wait_for("stopped");
}

#[test]
fn messages_are_plotted_a_line_for_each_room() {
    let broker = Mosquitto::start("");
    let state = state();
    let terminal = Terminal::start("", 80, 40, state.path());
    terminal.wait_prompt();
    terminal.enter(&format!(
        "mqtt:register_client('m', {{'connection': '{}'}});",
        broker.url("tcp")
    ));
    terminal.wait_prompt();
    terminal.enter("//plot: Automatic");
    terminal.enter(
        "select stream of r['room'], r['t'] from Record r, Binary b \
         where b in subscribe('m:t/#') and r = json:unstringify(charstring(b));",
    );
    let publish = |room: &str, t: i32| {
        let record = format!("{{'room': '{room}', 't': {t}}}");
        osql()
            .stdin(format!(
                "mqtt:register_client('m', {{'connection': '{}'}});\n\
                 publish(streamof({record}), 'm:t/{room}', {{'retained': true}});",
                broker.url("tcp")
            ))
            .run();
    };
    publish("hall", 20);
    terminal.wait_for("━ hall: 20");
    publish("attic", 11);
    publish("hall", 22);
    let screen = terminal.wait_for("━ hall: 22  ━ attic: 11");
    assert_eq!(pictures(&screen), 1, "{screen}");
    terminal.press("C-c");
    terminal.wait_for("stopped");
    terminal.wait_prompt();
}

#[test]
fn colours_only_where_they_are_wanted() {
    let plot = "plot(bag([1, 2], [2, 1]), 'line');";
    each_row(
        [
            ("", true, "━ 1: 2  ━ 2: 1"),
            ("NO_COLOR=1", false, "• 1: 2  × 2: 1"),
            ("TERM=dumb", false, "• 1: 2  × 2: 1"),
        ],
        |(environment, coloured, legend)| {
            let state = state();
            let terminal = Terminal::start_with(environment, "", 60, 40, state.path());
            terminal.wait_for("osql>");
            terminal.type_text(plot);
            terminal.press("Enter");
            let screen = terminal.wait_for("└");
            assert!(screen.contains(legend), "{screen}");
            assert_eq!(pictures(&screen), 1, "{screen}");
            let yellow = terminal.coloured_screen().contains("\x1b[33m");
            assert_eq!(yellow, coloured, "{screen}");
        },
    );
}

#[test]
fn what_cannot_be_plotted_is_said() {
    let state = state();
    let terminal = Terminal::start("", 80, 40, state.path());
    terminal.wait_prompt();
    terminal.enter("plot(bag(1, 'abc', null, {'a': 'b'}, 3), 'line');");
    let screen = terminal.wait_for("note: 2 results cannot be plotted");
    assert!(
        screen.contains("of the first: there is no number in \"abc\""),
        "{screen}"
    );
    terminal.wait_prompt();
    terminal.enter("plot(bag('x', 'y'), 'scatter');");
    terminal.wait_for("nothing to plot yet");
    terminal.wait_prompt();
    terminal.enter("plot(bag('these', 'words'));");
    terminal.wait_for("\n\"these\"\n\"words\"\n");
    terminal.enter("//plot: Lime plot");
    terminal.enter("7 * 6;");
    let screen = terminal.wait_for("\n42\n");
    assert!(
        screen.contains("note: there is no plot of the kind 'Lime plot'"),
        "{screen}"
    );
    assert!(screen.contains("= help: perhaps 'line'"), "{screen}");
    terminal.enter("plot(iota(1,3), 'lime');");
    terminal.wait_for("error: there is no plot of the kind 'lime'");
    // A file has the results themselves, or a picture of SVG.
    let file = state.path().join("plot");
    terminal.enter(&format!("\\o {}", file.display()));
    terminal.wait_prompt();
    terminal.enter("plot(iota(1,3), 'line');");
    terminal.wait_prompt();
    terminal.enter("\\o");
    terminal.wait_prompt();
    assert_eq!(std::fs::read_to_string(&file).expect("a file"), "1\n2\n3\n");
}

#[test]
fn in_a_pipe_the_results_are_what_they_are() {
    let script = "//plot: Line plot\n1 + 1;\n{\"sa_plot\": \"Line plot\"};\niota(1,2);\nplot(iota(3,4), 'bar');\n\
                  plot(streamof(5));\n//plot: nonsense\n6;\n";
    let rows = "2\n1\n2\n3\n4\n5\n6\n";
    osql().stdin(script).run().expect_ok(rows);
    osql()
        .args(["--format", "json"])
        .stdin(script)
        .run()
        .expect_ok(rows);
    osql()
        .statements("{\"sa_plot\": 1};")
        .run()
        .expect_error(1, "a plot wants the name of its kind, not 1");
}

#[test]
fn a_file_that_is_loaded_prints_no_directives() {
    let folder = TempDir::new().expect("a folder");
    let file = folder.path().join("a.osql");
    std::fs::write(&file, "//plot: line\n1;\n{'sa_plot': 'line'};\n2;\n").expect("a file");
    osql()
        .statements(&format!("< '{}';", file.display()))
        .run()
        .expect_ok("1\n2\n");
}

/// The names of the elements of a document of XML, which is well-formed in what a plot uses.
#[track_caller]
fn elements(document: &str) -> Vec<String> {
    let mut open: Vec<String> = Vec::new();
    let mut found = Vec::new();
    for part in document.split('<').skip(1) {
        let (tag, text) = part.split_once('>').expect("every tag is closed");
        assert!(!text.contains('>') && !tag.contains('&'), "{part}");
        for (at, _) in text.match_indices('&') {
            let known = ["&amp;", "&lt;", "&gt;"];
            assert!(
                known.iter().any(|entity| text[at..].starts_with(entity)),
                "{text}"
            );
        }
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop().as_deref(), Some(name), "{document}");
            continue;
        }
        let (tag, is_empty) = match tag.strip_suffix('/') {
            Some(tag) => (tag, true),
            None => (tag, false),
        };
        let (name, attributes) = tag.split_once(' ').unwrap_or((tag, ""));
        assert_eq!(attributes.matches('"').count() % 2, 0, "{tag}");
        assert_eq!(
            attributes.matches("=\"").count() * 2,
            attributes.matches('"').count(),
            "{tag}"
        );
        assert!(!open.is_empty() || found.is_empty(), "one root: {document}");
        if !is_empty {
            open.push(name.to_owned());
        }
        found.push(name.to_owned());
    }
    assert!(
        open.is_empty() && document.trim_end().ends_with("</svg>"),
        "{document}"
    );
    found
}

fn svg(statements: &str) -> String {
    let output = osql()
        .args(["--format", "svg"])
        .statements(statements)
        .run();
    assert_eq!((output.code, output.stderr.as_str()), (0, ""));
    output.stdout
}

#[test]
fn a_picture_of_svg_has_every_point() {
    let line = svg("select [n, 100 - n] from Integer n where n in iota(1,100);");
    let names = elements(&line);
    let lines: Vec<_> = line
        .lines()
        .filter(|line| line.starts_with("<polyline"))
        .collect();
    assert_eq!(lines.len(), 2);
    for line in lines {
        let points = line.split('"').nth(1).expect("points");
        assert_eq!(points.split(' ').count(), 100, "{line}");
    }
    assert_eq!(names[0], "svg");
    let count =
        |document: &str, name: &str| elements(document).iter().filter(|n| *n == name).count();
    let scatter =
        svg("//plot: Scatter plot\nselect [n, n*n] from Integer n where n in iota(1,50);");
    assert_eq!(count(&scatter, "circle"), 50);
    // The paper, and a bar for each.
    let bars = svg("plot([['a & <b>', 3], ['c', -1], ['d', 2]]);");
    assert_eq!(count(&bars, "rect"), 4);
    assert!(bars.contains("a &amp; &lt;b&gt;"), "{bars}");
    let pie = svg("//plot: Pie chart\n{'a': 1, 'b': 2, 'c': 3};");
    assert_eq!(count(&pie, "path"), 3);
    // A gap divides the line.
    let gaps = svg("plot(bag(1, 2, null, 3, 4), 'line');");
    assert_eq!(count(&gaps, "polyline"), 2);
}

#[test]
fn a_live_query_is_a_picture_at_its_end() {
    let output = osql()
        .args(["--format", "svg", "--timeout", "1"])
        .statements("heartbeat(0.05);")
        .run();
    assert_eq!((output.code, output.stderr.as_str()), (0, ""));
    elements(&output.stdout);
    let points = output.stdout.split("points=\"").nth(1).expect("a line");
    let points = points.split('"').next().unwrap_or("").split(' ').count();
    assert!((10..=21).contains(&points), "{points}");

    let said = "select stream of x from Real x where x in heartbeat(0.02) and print(x);";
    let running = osql().args(["--format", "svg"]).statements(said).spawn();
    running.stderr.wait_line("0.2");
    running.signal("INT");
    let output = running.finish();
    assert_eq!(output.code, 130);
    assert!(elements(&output.stdout).contains(&"polyline".to_owned()));
}

#[test]
fn what_has_nothing_to_plot_is_no_picture() {
    let output = osql()
        .args(["--format", "svg"])
        .statements("'a'; set :x = 1;")
        .run();
    assert_eq!(output.code, 0);
    assert!(
        output
            .stderr
            .contains("note: there is nothing to plot in \"a\""),
        "{}",
        output.stderr
    );
    assert_eq!(output.stdout, "");
}
