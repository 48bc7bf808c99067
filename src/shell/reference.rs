//! `--functions`: the reference of all built-in functions, out of their declarations, by topic.

use std::collections::BTreeMap;
use std::sync::Arc;

use clap::ValueEnum;

use crate::catalog::Catalog;
use crate::functions::documentation::{DocumentedFunction, documented};
use crate::model::Function;
use crate::text::diagnostic::Result;

/// How the reference is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ReferenceFormat {
    /// For a terminal
    Text,
    /// With a heading for each function
    Markdown,
}

/// The reference of all functions of a catalog that have a topic.
pub fn reference(catalog: &Catalog, format: ReferenceFormat) -> Result<String> {
    let mut topics: BTreeMap<&str, Vec<Arc<Function>>> = BTreeMap::new();
    for name in catalog.functions.names() {
        for function in catalog.functions.resolvents(&name)?.iter() {
            if let Some(topic) = function.topic {
                topics.entry(topic).or_default().push(function.clone());
            }
        }
    }
    let mut out = String::new();
    if format == ReferenceFormat::Markdown {
        out += "# Functions\n";
    }
    for (topic, functions) in topics {
        let title = topic.replace('_', " ");
        out += &match format {
            ReferenceFormat::Markdown => format!("\n## {title}\n"),
            ReferenceFormat::Text => format!("{title}\n{}\n\n", "=".repeat(title.len())),
        };
        for function in functions {
            let documented = documented(&function);
            out += &match format {
                ReferenceFormat::Markdown => markdown(&documented),
                ReferenceFormat::Text => text(&documented),
            };
        }
    }
    Ok(out)
}

fn markdown(function: &DocumentedFunction) -> String {
    let mut out = format!("\n### `{}`\n\n{}\n", function.signature, function.text);
    if !function.examples.is_empty() {
        out += "\n```osql\n";
        for (expression, result) in &function.examples {
            out += &format!("osql> {expression};\n{result}\n");
        }
        out += "```\n";
    }
    out
}

fn text(function: &DocumentedFunction) -> String {
    let mut out = format!("{}\n", function.signature);
    for line in function.text.lines() {
        out += &format!("    {line}\n");
    }
    for (expression, result) in &function.examples {
        out += &format!("    Example: {expression} => {result}\n");
    }
    out + "\n"
}
