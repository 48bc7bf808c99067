//! The guide: its examples are true, and the program has all of it.

use std::path::Path;

use osql::shell::guide::CHAPTERS;

use crate::support::osql::osql;
use crate::support::pages::{PROMPT, results, sessions};
use crate::support::table::each_row;

const README: &str = include_str!("../../README.md");
const CONTENTS: &str = include_str!("../../models/guide/README.md");

/// The README and all chapters: folder, name and text.
fn pages() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    let chapters = CHAPTERS
        .iter()
        .map(|chapter| ("models/guide", chapter.file, chapter.text));
    chapters.chain([("", "README.md", README)])
}

#[test]
fn every_example_shows_its_result() {
    let mut tried = 0;
    let texts = pages().map(|(_, name, text)| (name, Hidden(text)));
    each_row(texts, |(name, Hidden(text))| {
        let statements = sessions(name, text);
        tried += statements.len();
        let mut wrong = String::new();
        for (shown, result) in statements.iter().zip(results(&statements)) {
            if shown.result != result {
                wrong += &format!(
                    "{name}:{}: {PROMPT}{}\nshows\n{result}not\n{}\n",
                    shown.line, shown.statement, shown.result
                );
            }
        }
        assert!(wrong.is_empty(), "{wrong}");
    });
    assert!(tried > 150, "only {tried} examples");
}

/// A text that a failing test does not show.
struct Hidden(&'static str);

impl std::fmt::Debug for Hidden {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.write_str("…")
    }
}

#[test]
fn the_contents_name_every_chapter_in_order() {
    let listed: Vec<_> = CONTENTS
        .lines()
        .filter(|line| line.starts_with(|c: char| c.is_ascii_digit()))
        .collect();
    let chapters: Vec<_> = CHAPTERS
        .iter()
        .map(|chapter| {
            format!(
                "{}. [{}]({})",
                chapter.number(),
                chapter.title(),
                chapter.file
            )
        })
        .collect();
    assert_eq!(listed, chapters);
}

#[test]
fn every_link_leads_to_a_file() {
    let contents = ("models/guide", "README.md", CONTENTS);
    let links = pages().chain([contents]).flat_map(|(folder, name, text)| {
        let targets = text.split("](").skip(1);
        targets.filter_map(move |rest| Some((folder, name, rest.split_once(')')?.0)))
    });
    let local = links.filter(|(_, _, target)| !target.starts_with("https://"));
    each_row(local, |(folder, _, target)| {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        assert!(root.join(folder).join(target).exists());
    });
}

#[test]
fn the_reference_has_every_function() {
    use osql::functions::table::BUILT_INS;

    let text = osql().arg("--functions").run();
    assert_eq!((text.code, text.stderr.as_str()), (0, ""));
    let markdown = osql().arg("--functions=markdown").run().stdout;
    let signatures: Vec<_> = text
        .lines()
        .into_iter()
        .filter(|line| !line.starts_with(' '))
        .collect();
    each_row(BUILT_INS.declarations.iter(), |declaration| {
        let name = format!("{}(", declaration.name);
        let signature = |line: &&str| line.to_lowercase().starts_with(&name);
        assert!(signatures.iter().any(signature), "in the text");
        let heading = format!("\n### `{name}");
        assert!(markdown.to_lowercase().contains(&heading), "in Markdown");
        let topic = declaration.topic.replace('_', " ");
        assert!(signatures.contains(&&*topic), "topic {topic}");
    });
    assert!(
        text.stdout.contains(
            "sqrt(Real x)->Real\n    The square root that is not negative. A negative `x` is an error.\n    \
             Example: sqrt(16) => 4.0\n"
        ),
        "{}",
        text.stdout
    );
    assert!(markdown.contains("\n```osql\nosql> sqrt(16);\n4.0\n```\n"));
    osql()
        .arg("--functions=pdf")
        .run()
        .expect_error(2, "[possible values: text, markdown]");
}
