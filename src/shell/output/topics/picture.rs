//! Lines on a terminal that others take the place of.

use std::io::{self, Write};

use unicode_width::UnicodeWidthStr;

use super::frame::FrameLine;

/// How much fits onto the screen.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Window {
    pub width: usize,
    pub height: usize,
    pub colour: bool,
}

impl Window {
    /// The window of a terminal in which the cursor can be moved.
    pub fn of_terminal() -> Option<Window> {
        if std::env::var_os("TERM").is_none_or(|term| term == "dumb") {
            return None;
        }
        let (width, height) = terminal_size::terminal_size_of(io::stdout())?;
        Some(Window {
            width: usize::from(width.0).max(1),
            height: usize::from(height.0).max(2),
            colour: crate::shell::colour_wanted(),
        })
    }
}

/// The lines that stand on the screen, above the cursor.
#[derive(Default)]
pub struct TopicsPicture {
    lines: Vec<FrameLine>,
}

impl TopicsPicture {
    /// Puts other lines into their place, and `notices` above.
    pub fn draw(&mut self, lines: Vec<FrameLine>, window: Window, notices: &str) -> io::Result<()> {
        let mut text = String::new();
        match self.rows(window.width).min(window.height - 1) {
            0 => {}
            rows => text += &format!("\x1b[{rows}A"),
        }
        text.push('\r');
        for line in notices.lines() {
            // A notice may take several rows, where something stands already.
            text += &format!("\x1b[J{line}\n");
        }
        for line in &lines {
            text += &match line.is_dim && window.colour {
                true => format!("\x1b[2m{}\x1b[0m\x1b[K\n", line.text),
                false => format!("{}\x1b[K\n", line.text),
            };
        }
        text += "\x1b[J";
        self.lines = lines;
        let mut out = io::stdout().lock();
        out.write_all(text.as_bytes())?;
        out.flush()
    }

    /// How many rows the lines take in a window of that width, which may be another one than they were
    /// made for.
    fn rows(&self, width: usize) -> usize {
        let rows = |line: &FrameLine| line.text.width().div_ceil(width).max(1);
        self.lines.iter().map(rows).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_take_more_rows_in_a_narrower_window() {
        let picture = TopicsPicture {
            lines: ["12345", "", "123456"]
                .map(|text| FrameLine {
                    text: text.to_owned(),
                    is_dim: false,
                })
                .into(),
        };
        assert_eq!([10, 5, 2].map(|width| picture.rows(width)), [3, 4, 7]);
    }
}
