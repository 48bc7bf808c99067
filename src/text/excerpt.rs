//! The part of a source that an error shows: the marked lines, cut to what fits on a screen however
//! long they are, with the numbers that they have in the whole.

use std::borrow::Cow;
use std::ops::Range;

use codespan_reporting::files::{self, Files};

use super::diagnostic::Span;
use super::shown::{masked, printable};

/// Bytes that are shown of a line.
const WIDTH: usize = 120;

/// Of these, bytes before the mark.
const BEFORE: usize = 60;

/// Lines that are shown of a mark over several lines: so many of its beginning, and its last.
const HEAD: usize = 6;

/// Stands where something was cut off.
const CUT: &str = "…";

/// A few lines, as a file for the renderer.
pub struct Excerpt<'a> {
    name: Cow<'a, str>,
    text: String,
    lines: Vec<Line>,
    /// What is marked, in `text`.
    pub mark: Range<usize>,
}

struct Line {
    /// From 1, within the whole.
    number: usize,
    /// Where it starts in the excerpt.
    start: usize,
    /// Characters that stand before it in the whole line and are not shown.
    hidden: usize,
}

impl<'a> Excerpt<'a> {
    pub fn new(span: &'a Span) -> Excerpt<'a> {
        // Places in it are those in the source.
        let text = &masked(&span.source.text);
        let start = boundary(text, span.start as usize);
        let end = boundary(text, span.end as usize).max(start);
        let first = span.source.first_line + count_lines(&text[..start]);
        let mut excerpt = Excerpt {
            name: printable(&span.source.name),
            text: String::new(),
            lines: Vec::new(),
            mark: 0..0,
        };
        let begin = text[..start].rfind('\n').map_or(0, |at| at + 1);
        let last = first + count_lines(&text[start..end]);
        let mut at = begin;
        for number in first..=last {
            let line_end = text[at..].find('\n').map_or(text.len(), |n| at + n);
            if number < first + HEAD || number == last {
                let from = start.max(at);
                let to = end.min(line_end);
                let place = if number == last && number > first {
                    to
                } else {
                    from
                };
                let before = if number == span.source.first_line {
                    span.source.first_column - 1
                } else {
                    0
                };
                let shown = excerpt.push(&text[at..line_end], (number, before), place - at);
                if number == first {
                    excerpt.mark.start = shown(from - at);
                }
                excerpt.mark.end = shown(to - at);
            }
            at = (line_end + 1).min(text.len());
        }
        excerpt
    }

    /// Adds a line with its number and the characters that stand before it, of which `place` must
    /// be seen; gives where a place in it is in the excerpt.
    fn push(
        &mut self,
        line: &str,
        (number, before): (usize, usize),
        place: usize,
    ) -> impl Fn(usize) -> usize + use<> {
        let from = if line.len() > WIDTH {
            boundary(line, place.saturating_sub(BEFORE))
        } else {
            0
        };
        let to = boundary(line, from + WIDTH);
        let start = self.text.len();
        let mut hidden = before + line[..from].chars().count();
        let mut lead = 0;
        if from > 0 {
            self.text += CUT;
            lead = CUT.len();
            hidden -= 1;
        }
        let piece = line[from..to].to_owned();
        self.text += &printable(&piece);
        if to < line.len() {
            self.text += CUT;
        }
        self.text.push('\n');
        self.lines.push(Line {
            number,
            start,
            hidden,
        });
        move |at| start + lead + printable(&piece[..at.clamp(from, to) - from]).len()
    }
}

/// The last place in `text`, up to `at`, where a character starts or the text ends.
fn boundary(text: &str, at: usize) -> usize {
    let at = at.min(text.len());
    (0..=at)
        .rev()
        .find(|&i| text.is_char_boundary(i))
        .unwrap_or(0)
}

fn count_lines(text: &str) -> usize {
    text.bytes().filter(|&b| b == b'\n').count()
}

impl<'a> Files<'a> for Excerpt<'_> {
    type FileId = ();
    type Name = &'a str;
    type Source = &'a str;

    fn name(&'a self, (): ()) -> Result<&'a str, files::Error> {
        Ok(&self.name)
    }

    fn source(&'a self, (): ()) -> Result<&'a str, files::Error> {
        Ok(&self.text)
    }

    fn line_index(&'a self, (): (), byte_index: usize) -> Result<usize, files::Error> {
        let after = self.lines.partition_point(|line| line.start <= byte_index);
        Ok(after.saturating_sub(1))
    }

    fn line_number(&'a self, (): (), line_index: usize) -> Result<usize, files::Error> {
        Ok(self.line(line_index)?.number)
    }

    fn column_number(
        &'a self,
        (): (),
        line_index: usize,
        byte_index: usize,
    ) -> Result<usize, files::Error> {
        let range = self.line_range((), line_index)?;
        let column = files::column_index(&self.text, range, byte_index);
        Ok(self.line(line_index)?.hidden + column + 1)
    }

    fn line_range(&'a self, (): (), line_index: usize) -> Result<Range<usize>, files::Error> {
        let start = self.line(line_index)?.start;
        let next = self.lines.get(line_index + 1);
        Ok(start..next.map_or(self.text.len(), |line| line.start))
    }
}

impl Excerpt<'_> {
    fn line(&self, index: usize) -> Result<&Line, files::Error> {
        self.lines.get(index).ok_or(files::Error::LineTooLarge {
            given: index,
            max: self.lines.len(),
        })
    }
}
