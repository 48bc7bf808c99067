//! `help`: the commands, a chapter of the guide, a function, or where a word is found.

use super::command::HELP;
use crate::catalog::Catalog;
use crate::functions::documentation::{about, described, summary};
use crate::shell::guide::plain::plain;
use crate::shell::guide::{self, CHAPTERS, ChapterSection};
use crate::shell::output::cut;
use crate::text::diagnostic::Result;
use crate::text::stoppable::Looks;

/// Places that a search shows of each kind.
const MOST_PLACES: usize = 12;

/// What `help` shows without a word: the commands and the chapters.
pub fn overview() -> String {
    let mut out = HELP.to_owned();
    out += "\nThe guide; help and a word of its title or its number shows a chapter:\n\n";
    for chapter in CHAPTERS {
        let title = chapter.title().replace('`', "");
        out += &format!("  {:>2}  {title}\n", chapter.number());
    }
    out += "\nhelp FUNCTION shows a function, help with any other word where it is found.\n";
    out
}

/// What `help WORD` shows.
pub fn help(catalog: &Catalog, word: &str, width: usize, looks: &Looks) -> Result<String> {
    let titled = sections_titled(word);
    let functions = catalog.functions.resolvents(&word.to_lowercase())?;
    if !functions.is_empty() {
        let texts: Vec<_> = functions.iter().map(|f| described(f)).collect();
        return Ok(texts.join("\n\n") + "\n" + &see_also(&titled));
    }
    if let Some((first, others)) = titled.split_first() {
        let text = match first.is_first() {
            true => first.chapter.text,
            false => first.text,
        };
        return Ok(plain(text, width).trim_end().to_owned() + "\n" + &see_also(others));
    }
    found(catalog, word, width, looks)
}

/// The sections whose titles hold the word, or that of the chapter with that number; chapters come first,
/// and of these and of the others those whose whole title it is.
fn sections_titled(word: &str) -> Vec<ChapterSection> {
    let wanted = words(word);
    let mut sections: Vec<_> = guide::sections()
        .filter(|section| {
            let title = words(section.title);
            let holds = title
                .windows(wanted.len().max(1))
                .any(|part| part == wanted);
            holds || (section.is_first() && word.parse() == Ok(section.chapter.number()))
        })
        .collect();
    sections.sort_by_key(|section| (!section.is_first(), words(section.title) != wanted));
    sections
}

/// The words of a title, such that singular and plural are one.
fn words(text: &str) -> Vec<String> {
    text.split_whitespace()
        .map(|word| word.trim_matches(|c: char| ",.:;'\"`()".contains(c)))
        .map(|word| word.to_lowercase().trim_end_matches('s').to_owned())
        .filter(|word| !word.is_empty())
        .collect()
}

/// Further places, each with what shows it.
fn see_also(sections: &[ChapterSection]) -> String {
    if sections.is_empty() {
        return String::new();
    }
    let mut out = String::from("\nSee also:\n");
    for section in sections.iter().take(MOST_PLACES) {
        let title = section.title.replace('`', "");
        out += &format!("  help {title}\n");
    }
    out
}

/// Where a word is found in the guide and in the documentation of functions.
fn found(catalog: &Catalog, word: &str, width: usize, looks: &Looks) -> Result<String> {
    let lower = word.to_lowercase();
    let mut out = String::new();
    let sections = guide::sections().filter_map(|section| {
        let line = prose(section.text).find(|line| line.to_lowercase().contains(&lower))?;
        Some((section.title.replace('`', ""), line.to_owned()))
    });
    out += &places(
        "The guide has it; help and the title shows",
        sections,
        width,
    );
    let functions = about(catalog, word, looks)?;
    let functions = functions
        .iter()
        .map(|function| (function.signature.to_string(), summary(function)));
    out += &places("Functions; help and the name shows", functions, width);
    if out.is_empty() {
        out = format!("There is nothing about {word}; help lists the chapters of the guide.\n");
    }
    Ok(out)
}

/// The lines of a section under its heading, without marks of code.
fn prose(text: &str) -> impl Iterator<Item = String> {
    let lines = text.lines().skip(1).filter(|line| !line.starts_with("```"));
    lines.map(|line| line.replace('`', ""))
}

/// Places with a line of each, under a headline; nothing if there are none.
fn places(headline: &str, places: impl Iterator<Item = (String, String)>, width: usize) -> String {
    let places: Vec<_> = places.collect();
    if places.is_empty() {
        return String::new();
    }
    let mut out = format!("{headline}:\n");
    for (place, line) in places.iter().take(MOST_PLACES) {
        out += &format!("  {}\n", cut(place, width.saturating_sub(2)));
        if !line.is_empty() {
            out += &format!("      {}\n", cut(line.trim(), width.saturating_sub(6)));
        }
    }
    if places.len() > MOST_PLACES {
        out += &format!("  and {} more\n", places.len() - MOST_PLACES);
    }
    out
}
