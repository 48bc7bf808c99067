//! Pages with sessions in them: fenced blocks marked `osql` in which `osql> ` stands before what is typed,
//! and below it what is shown.

use osql::syntax::Splitter;

use super::osql::osql_by;

/// What begins what is typed.
pub const PROMPT: &str = "osql> ";

/// A statement of a page, and what the page says that it shows.
#[derive(Debug)]
pub struct Shown {
    /// Where it stands; counts from 1.
    pub line: usize,
    pub statement: String,
    pub result: String,
}

/// The statements in the blocks of a page that are marked `osql`, in order.
#[track_caller]
pub fn sessions(name: &str, text: &str) -> Vec<Shown> {
    let mut found: Vec<Shown> = Vec::new();
    let mut in_session = false;
    let mut lines = text.lines().zip(1..);
    while let Some((line, number)) = lines.next() {
        if line.starts_with("```") {
            in_session = line == "```osql";
        } else if !in_session {
        } else if let Some(begun) = line.strip_prefix(PROMPT) {
            let mut statement = begun.to_owned();
            while !is_whole(&statement) {
                let next = lines.next().filter(|(line, _)| *line != "```");
                let Some((line, _)) = next else {
                    panic!("{name}:{number}: the statement does not end");
                };
                statement += &format!("\n{line}");
            }
            found.push(Shown {
                line: number,
                statement,
                result: String::new(),
            });
        } else {
            let Some(shown) = found.last_mut() else {
                panic!("{name}:{number}: nothing is typed before it");
            };
            shown.result += &format!("{line}\n");
        }
    }
    found
}

fn is_whole(statement: &str) -> bool {
    let mut splitter = Splitter::new("<page>");
    splitter.push(statement);
    splitter.next_statement().is_some()
}

/// What each statement shows, run one after the other in one session as on a terminal, errors among the
/// results.
#[track_caller]
pub fn results(statements: &[Shown]) -> Vec<String> {
    const MARK: &str = "§ end of a statement §";
    let mark = format!("\"{MARK}\";");
    // Each statement is an input of its own, so that places in it count from its first line.
    let inputs = statements
        .iter()
        .flat_map(|shown| ["-o", &shown.statement, "-o", &mark]);
    let output = osql_into_one_output(inputs.collect());
    let output = output.replace("<-o>", "<prompt>");
    let mut parts: Vec<_> = output
        .split(&format!("\"{MARK}\"\n"))
        .map(str::to_owned)
        .collect();
    parts.resize(statements.len(), "the program has ended\n".to_owned());
    parts
}

/// Standard output and error in the order in which they are written.
#[track_caller]
fn osql_into_one_output(arguments: Vec<&str>) -> String {
    let shell = osql_by(std::process::Command::new("sh"));
    let folder = shell.own_folder();
    let output = shell
        .current_dir(folder)
        .args(["-c", "exec \"$0\" --format table \"$@\" 2>&1"])
        .arg(env!("CARGO_BIN_EXE_osql"))
        .args(arguments)
        .run();
    output.stdout
}
