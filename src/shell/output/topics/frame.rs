//! The lines that show a state of the topics, as many and as long as the window takes.

use std::time::Duration;

use unicode_width::UnicodeWidthStr;

use super::picture::Window;
use super::tree::{TreeLine, tree_lines};
use super::{States, TopicState, counted, per_second};
use crate::model::memory::Size;
use crate::plan::estimate::with_separators;
use crate::shell::output::table::{cut, fitted};
use crate::text::shown::shown_on_a_line;

/// A line on the screen.
pub struct FrameLine {
    pub text: String,
    /// Whether it says something about the others.
    pub is_dim: bool,
}

impl FrameLine {
    fn beside(text: String) -> FrameLine {
        FrameLine { text, is_dim: true }
    }
}

/// The lines for a state: none is longer than the window is wide, and one row is left for the cursor.
pub fn frame(states: &States, elapsed: Duration, window: Window) -> Vec<FrameLine> {
    let seconds = elapsed.as_secs();
    let summary = match states.topics.is_empty() {
        true => format!("waiting for messages: {seconds} s; Ctrl-C ends"),
        false => format!("{}; {seconds} s", states.summary()),
    };
    // Heading, summary and the cursor have a row each.
    let room = window.height.saturating_sub(3);
    let (tree, left_out) = tree_lines(&states.topics, room.max(1));
    let layout = Layout::of(states, &tree, window.width.saturating_sub(1));
    let mut lines = Vec::new();
    if !states.topics.is_empty() && room > 0 {
        lines.push(FrameLine::beside(layout.heading()));
        lines.extend(tree.iter().map(|line| FrameLine {
            text: layout.line(line, states),
            is_dim: false,
        }));
        if left_out > 0 {
            let more = format!("… {} more", counted(left_out as u64, "topic"));
            lines.push(FrameLine::beside(cut(&more, layout.width)));
        }
    }
    lines.push(FrameLine::beside(cut(&summary, layout.width)));
    lines
}

/// The columns that fit.
struct Layout {
    width: usize,
    topic: usize,
    /// Heading, width, whether it is a number.
    columns: Vec<(Shown, usize)>,
}

/// What a column shows.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shown {
    Count,
    Rate,
    Size,
    Kind,
    Last,
}

impl Shown {
    fn heading(self) -> &'static str {
        match self {
            Shown::Count => "count",
            Shown::Rate => "rate",
            Shown::Size => "size",
            Shown::Kind => "kind",
            Shown::Last => "last",
        }
    }

    fn is_number(self) -> bool {
        matches!(self, Shown::Count | Shown::Rate | Shown::Size)
    }

    /// What it shows of a topic.
    fn of_topic(self, topic: &TopicState) -> String {
        match self {
            Shown::Count => with_separators(topic.count as u64),
            Shown::Rate => per_second(topic.rate),
            Shown::Size => Size(topic.size as u64).to_string().replace("bytes", "B"),
            Shown::Kind => topic.kind.clone(),
            Shown::Last => shown_on_a_line(&topic.last).replace('\t', "\\t"),
        }
    }

    fn of(self, line: &TreeLine, states: &States) -> String {
        match (&line.folded, line.topic.and_then(|t| states.topics.get(t))) {
            (Some(folded), _) => match self {
                Shown::Count => with_separators(folded.count as u64),
                Shown::Rate => per_second(folded.rate),
                Shown::Last => format!("({} below)", counted(folded.topics as u64, "topic")),
                Shown::Size | Shown::Kind => String::new(),
            },
            (None, Some(topic)) => self.of_topic(topic),
            (None, None) => String::new(),
        }
    }
}

/// Less of a last value says nothing.
const NARROWEST_LAST: usize = 12;

impl Layout {
    fn of(states: &States, tree: &[TreeLine], width: usize) -> Layout {
        let labels = tree.iter().map(|line| label(line).width());
        let topic = labels.max().unwrap_or(0).max("topic".len());
        let topic = topic.min((width * 9 / 20).max(NARROWEST_LAST)).min(width);
        let mut columns: Vec<(Shown, usize)> =
            [Shown::Count, Shown::Rate, Shown::Size, Shown::Kind]
                .into_iter()
                .map(|shown| {
                    let widths = tree.iter().map(|line| shown.of(line, states).width());
                    let widest = widths.max().unwrap_or(0);
                    (shown, widest.max(shown.heading().len()))
                })
                .collect();
        // The least important give way first.
        let room = |columns: &[(Shown, usize)]| {
            let taken: usize = columns.iter().map(|(_, width)| width + 2).sum();
            width.saturating_sub(topic + 2 + taken)
        };
        for first in [Shown::Size, Shown::Kind, Shown::Rate, Shown::Count] {
            if room(&columns) < NARROWEST_LAST {
                columns.retain(|(shown, _)| *shown != first);
            }
        }
        let last = room(&columns);
        if last > 0 {
            columns.push((Shown::Last, last));
        }
        Layout {
            width,
            topic,
            columns,
        }
    }

    fn heading(&self) -> String {
        self.joined("topic", |shown| shown.heading().to_owned())
    }

    fn line(&self, line: &TreeLine, states: &States) -> String {
        self.joined(&label(line), |shown| shown.of(line, states))
    }

    fn joined(&self, topic: &str, cell: impl Fn(Shown) -> String) -> String {
        let mut text = fitted(topic, self.topic, false);
        for (shown, width) in &self.columns {
            text += "  ";
            text += &fitted(&cell(*shown), *width, shown.is_number());
        }
        text.trim_end().to_owned()
    }
}

/// The topic's part in a line, below what stands above it.
fn label(line: &TreeLine) -> String {
    let indent = "  ".repeat(line.depth);
    indent + &shown_on_a_line(&line.label).replace('\t', "\\t")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn states(topics: &[(&str, i64, &str, &str)]) -> States {
        let topic = |(name, count, kind, last): &(&str, i64, &str, &str)| TopicState {
            name: (*name).to_owned(),
            count: *count,
            rate: 0.25,
            size: last.len() as i64,
            kind: (*kind).to_owned(),
            last: (*last).to_owned(),
        };
        States {
            topics: topics.iter().map(topic).collect(),
            others: None,
        }
    }

    fn drawn(states: &States, width: usize, height: usize) -> String {
        let window = Window {
            width,
            height,
            colour: false,
        };
        let lines = frame(states, Duration::from_secs(7), window);
        assert!(lines.len() < height, "{} lines in {height}", lines.len());
        let shown = lines.iter().map(|line| line.text.as_str());
        for line in shown.clone() {
            assert!(line.width() < width.max(2), "{line:?} in {width}");
        }
        shown.map(|line| format!("{line}\n")).collect()
    }

    fn plant() -> States {
        states(&[
            ("plant/hall/temp", 1200, "number", "21.5"),
            ("plant/hall/state", 3, "object", "{\"on\": true}\n\u{1b}[2J"),
            ("plant/attic", 1, "empty", ""),
        ])
    }

    #[test]
    fn the_topics_are_a_tree() {
        assert_eq!(
            drawn(&plant(), 80, 24),
            "topic      count    rate  size  kind    last\n\
             plant/\n\
             \u{20} attic        1  0.25/s   0 B  empty\n\
             \u{20} hall/\n\
             \u{20}   state      3  0.25/s  17 B  object  {\"on\": true}\\n␛[2J\n\
             \u{20}   temp   1,200  0.25/s   4 B  number  21.5\n\
             3 topics, 1,204 messages, 0.75/s; 7 s\n"
        );
    }

    #[test]
    fn a_small_window_shows_less() {
        assert_eq!(
            drawn(&plant(), 36, 6),
            "topic    count  last\n\
             plant/\n\
             \u{20} attic      1\n\
             \u{20} hall/  1,203  (2 topics below)\n\
             3 topics, 1,204 messages, 0.75/s; …\n"
        );
        for width in 1..100 {
            for height in 2..12 {
                drawn(&plant(), width, height);
                drawn(&States::default(), width, height);
            }
        }
    }
}
