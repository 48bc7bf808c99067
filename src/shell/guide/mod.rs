//! The guide to the language, `models/guide/*.md`, which travels with the program.
//!
//! The build script makes the list of chapters. [`plain`] turns them into text for a terminal;
//! the prompt's `help` finds what is asked for.

pub mod plain;

include!(concat!(env!("OUT_DIR"), "/guide.rs"));

/// One page of the guide, in Markdown.
pub struct Chapter {
    /// The name of its file, which begins with its number: `01-first-queries.md`.
    pub file: &'static str,
    pub text: &'static str,
}

/// What stands under one heading of a chapter.
#[derive(Clone, Copy)]
pub struct ChapterSection {
    pub chapter: &'static Chapter,
    pub title: &'static str,
    /// With the heading; of the first section of a chapter only what stands before the next heading.
    pub text: &'static str,
}

impl Chapter {
    pub fn title(&self) -> &'static str {
        let first = self.text.lines().next().unwrap_or_default();
        first.trim_start_matches('#').trim()
    }

    /// The number that its file's name begins with.
    pub fn number(&self) -> usize {
        let digits = self.file.split('-').next().unwrap_or_default();
        digits.parse().unwrap_or_default()
    }

    /// Its sections in order; the first is what stands below the title.
    pub fn sections(&'static self) -> Vec<ChapterSection> {
        let mut starts = Vec::new();
        let mut at = 0;
        let mut in_code = false;
        for line in self.text.split_inclusive('\n') {
            in_code ^= line.starts_with("```");
            if !in_code && line.starts_with('#') {
                starts.push((at, line.trim_start_matches('#').trim()));
            }
            at += line.len();
        }
        let ends = starts.iter().skip(1).map(|(start, _)| *start);
        let ends = ends.chain([self.text.len()]);
        let sections = starts.iter().zip(ends);
        sections
            .map(|((start, title), end)| ChapterSection {
                chapter: self,
                title,
                text: &self.text[*start..end],
            })
            .collect()
    }
}

impl ChapterSection {
    /// Whether it is what stands below the chapter's title.
    pub fn is_first(&self) -> bool {
        self.title == self.chapter.title()
    }
}

/// All sections of all chapters.
pub fn sections() -> impl Iterator<Item = ChapterSection> {
    CHAPTERS.iter().flat_map(Chapter::sections)
}
