//! Markdown, as far as the guide uses it, as plain text fitted into a number of columns.

use comfy_table::presets::NOTHING;
use comfy_table::{ContentArrangement, Table};
use unicode_width::UnicodeWidthStr;

/// The text of a page; lines of code stay as they are, everything else is fitted.
pub fn plain(markdown: &str, width: usize) -> String {
    let mut page = PlainPage {
        out: String::new(),
        paragraph: String::new(),
        rows: Vec::new(),
        width: width.max(20),
    };
    let mut in_code = false;
    for line in markdown.lines() {
        if line.starts_with("```") {
            page.finish_block();
            in_code = !in_code;
        } else if in_code {
            page.out += &format!("  {line}\n");
        } else {
            page.take(line);
        }
    }
    page.finish_block();
    page.out
}

struct PlainPage {
    out: String,
    /// What has been read of a paragraph.
    paragraph: String,
    /// What has been read of a table.
    rows: Vec<Vec<String>>,
    width: usize,
}

impl PlainPage {
    /// Takes a line that is not within a block of code.
    fn take(&mut self, line: &str) {
        if !line.starts_with('|') && !self.rows.is_empty() {
            self.finish_block();
        }
        if let Some(title) = line.strip_prefix('#') {
            self.finish_block();
            let title = inline(title.trim_start_matches('#').trim());
            let rule = if line.starts_with("##") { "─" } else { "═" };
            self.out += &wrapped(&title, "", self.width);
            self.out += &format!("{}\n", rule.repeat(title.width().min(self.width)));
        } else if line.starts_with('|') {
            self.rows.extend(cells(line));
        } else if line.starts_with("    ") && self.paragraph.is_empty() {
            self.out += &format!("{line}\n");
        } else if line.trim().is_empty() {
            self.finish_block();
            self.out.push('\n');
        } else {
            if line.starts_with("- ") {
                self.finish_block();
            }
            if !self.paragraph.is_empty() {
                self.paragraph.push(' ');
            }
            self.paragraph += line.trim();
        }
    }

    /// Writes the paragraph or table that has been read.
    fn finish_block(&mut self) {
        let paragraph = std::mem::take(&mut self.paragraph);
        if !paragraph.is_empty() {
            let hanging = if paragraph.starts_with("- ") {
                "  "
            } else {
                ""
            };
            self.out += &wrapped(&inline(&paragraph), hanging, self.width);
        }
        let rows = std::mem::take(&mut self.rows);
        if !rows.is_empty() {
            self.out += &columns(rows, self.width);
        }
    }
}

/// The cells of a table's row; none of the line that divides head and body.
fn cells(line: &str) -> Option<Vec<String>> {
    let line = line.trim().trim_matches('|').replace("\\|", "\u{1}");
    if line.chars().all(|c| "|-: ".contains(c)) && line.contains('-') {
        return None;
    }
    let cell = |cell: &str| inline(cell.trim()).replace('\u{1}', "|");
    Some(line.split('|').map(cell).collect())
}

/// The rows of a table side by side, the longest cells over several lines.
fn columns(rows: Vec<Vec<String>>, width: usize) -> String {
    let mut table = Table::new();
    table.load_style(NOTHING);
    table.set_content_arrangement(ContentArrangement::Dynamic);
    table.set_width(u16::try_from(width).unwrap_or(u16::MAX));
    for row in rows {
        table.add_row(row);
    }
    format!("{}\n", table.trim_fmt())
}

/// Text without the marks of code and links.
fn inline(text: &str) -> String {
    let mut out = String::new();
    // What stands at odd places is code.
    for (at, part) in text.split('`').enumerate() {
        match at % 2 {
            0 => out += &without_links(part),
            _ => out += part,
        }
    }
    out
}

/// `[text](address)` as `text`.
fn without_links(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once("](") {
        let (lead, label) = before.rsplit_once('[').unwrap_or((before, ""));
        out += lead;
        out += label;
        rest = behind.split_once(')').map_or("", |(_, rest)| rest);
    }
    out + rest
}

/// The words of `text` in lines that fit; all but the first begin with `hanging`.
pub fn wrapped(text: &str, hanging: &str, width: usize) -> String {
    let mut out = String::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        if !line.trim().is_empty() && line.width() + 1 + word.width() > width {
            out += &format!("{line}\n");
            line = hanging.to_owned();
        } else if !line.is_empty() {
            line.push(' ');
        }
        line += word;
    }
    out + &line + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_fitted() {
        let page = "# Streams\n\nA `stream` gives [its elements](x.md) one after\nthe other, `v[1](2)` too.\n\
                    \n- an item that is long\n- two\n\n```osql\nosql> 1;\n1\n```\n\n| a | b |\n|---|---|\n\
                    | `x \\| y` | 2 |\n";
        assert_eq!(
            plain(page, 24),
            "Streams\n═══════\n\nA stream gives its\nelements one after the\nother, v[1](2) too.\n\n\
             - an item that is long\n- two\n\n  osql> 1;\n  1\n\n a      b\n x | y  2\n"
        );
        let narrow = plain(page, 20);
        assert!(narrow.contains("- an item that is\n  long\n"), "{narrow}");
    }
}
