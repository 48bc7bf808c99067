//! Results as lines of text, JSON or CSV.

use std::io::{self, IsTerminal};
use std::sync::LazyLock;

use super::cut;
use crate::functions::documentation::summary;
use crate::model::csv_row::CsvColumns;
use crate::model::{Function, Value, json, print};
use crate::shell::args::Format;
use crate::shell::window_width;
use crate::text::diagnostic::Result;
use crate::text::shown::shown;
use crate::text::stoppable::Looks;

/// One result with its line end. In text, a string of several lines is shown on several lines, for a
/// person to read, but in quotes, so that it can be typed like that. In JSON it is always one line.
pub fn line(value: &Value, format: Format, looks: &Looks) -> Result<String> {
    let mut line = match format {
        // For a person; elsewhere a function is written so that it can be typed.
        Format::Table if let Value::Function(function) = value => introduced(function),
        Format::Text | Format::Table | Format::Markdown | Format::Svg => match value {
            Value::Str(text) if text.contains('\n') => in_lines(text, looks)?,
            value => print::text(value, looks)?,
        },
        Format::Raw => raw(value, looks)?,
        Format::Json => json::to_string(value, looks)?,
        Format::Csv => return CsvColumns::Unnamed.line(value, looks),
    };
    line.push('\n');
    Ok(line)
}

/// A string or payload as it is. A terminal gets no characters that it would obey.
fn raw(value: &Value, looks: &Looks) -> Result<String> {
    static IS_TERMINAL: LazyLock<bool> = LazyLock::new(|| io::stdout().is_terminal());
    let text = match value {
        Value::Str(text) => text.to_string(),
        Value::Binary(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        value => return print::text(value, looks),
    };
    Ok(if *IS_TERMINAL { shown(&text) } else { text })
}

/// A function with what it is about.
fn introduced(function: &Function) -> String {
    match summary(function) {
        text if text.is_empty() => function.signature.to_string(),
        text => {
            let text = cut(&text, window_width().saturating_sub(4));
            format!("{}\n    {text}", function.signature)
        }
    }
}

/// `text` as a string constant whose line ends are not escaped.
fn in_lines(text: &str, looks: &Looks) -> Result<String> {
    let lines: Vec<_> = text
        .split('\n')
        .map(|line| {
            let quoted = print::text(&Value::str(line), looks)?;
            Ok(quoted[1..quoted.len() - 1].to_owned())
        })
        .collect::<Result<_>>()?;
    Ok(format!("\"{}\"", lines.join("\n")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::wait::Token;

    #[test]
    fn a_string_is_shown_with_its_lines() {
        let text = Value::str("say \"a\"\r\n\tb\n");
        let token = Token::new();
        let shown = line(&text, Format::Text, &token.looks()).expect("has a form");
        assert_eq!(shown, "\"say \\\"a\\\"\\r\n\\tb\n\"\n");
        let json = line(&text, Format::Json, &token.looks()).expect("has a form");
        assert_eq!(json, "\"say \\\"a\\\"\\r\\n\\tb\\n\"\n");
    }
}
