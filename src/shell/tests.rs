//! `--test MODEL|FILE…`: the validations of models and files, counted.

use std::path::Path;

use super::args::ScriptInput;
use super::runner::Runner;
use super::script;
use crate::text::diagnostic::SourceText;

/// Runs the tests of each, and prints how many validations passed and failed. What fails beside a
/// validation counts as one.
pub fn run(runner: &mut Runner, tests: &[String], bail: bool) {
    let mut errors = 0;
    for test in tests {
        if !runner.goes_on() {
            return;
        }
        let failed = runner.session().world().host.validations.failed();
        let went = if is_file(test) {
            let input = ScriptInput::File(test.into());
            script::run(runner, std::slice::from_ref(&input), bail)
        } else {
            let name = test.replace('\'', "");
            runner.run(&SourceText::new(
                "<--test>",
                format!("models:test('{name}')"),
            ))
        };
        if !went {
            let counted = runner.session().world().host.validations.failed() > failed;
            errors += usize::from(!counted);
            if bail {
                break;
            }
        }
    }
    let validations = &runner.session().world().host.validations;
    let (passed, failed) = (validations.passed(), validations.failed() + errors);
    let summary = format!("{passed} passed, {failed} failed\n");
    // Whether it can be written, the end of the program sees.
    let _ = runner.console().write(&summary);
}

fn is_file(test: &str) -> bool {
    test == "-" || Path::new(test).is_file() || test.ends_with(".osql")
}
