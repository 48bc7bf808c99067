//! What is asked for when results are to be shown as a plot: which kind, how its parts are called, and how
//! many elements it keeps. Drawing is the shell's.

use std::sync::Arc;

use crate::model::{Record, Value, print};
use crate::text::diagnostic::{Error, Result, nearest};

/// What a plot looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlotKind {
    /// The results as text, as they are shown without a plot.
    Text,
    /// The latest result, on one line.
    TextSingle,
    Line,
    Bar,
    Pie,
    Scatter,
    /// A line plot for each series, one below the other.
    Multi,
    /// What suits the first result.
    Automatic,
}

/// The kinds, with the words that name each: its name, and `plot` or `chart` behind it if one likes.
const KINDS: [(PlotKind, &str, &str); 8] = [
    (PlotKind::Text, "Text", "text"),
    (PlotKind::TextSingle, "Text single", "textsingle"),
    (PlotKind::Line, "Line plot", "line"),
    (PlotKind::Bar, "Bar plot", "bar"),
    (PlotKind::Pie, "Pie chart", "pie"),
    (PlotKind::Scatter, "Scatter plot", "scatter"),
    (PlotKind::Multi, "Multi plot", "multi"),
    (PlotKind::Automatic, "Automatic", "automatic"),
];

impl PlotKind {
    /// The kind of that name: `Line plot`, also `line`, `lineplot` or `LINE_PLOT`. No name is the automatic
    /// one.
    pub fn named(name: &str) -> Result<PlotKind> {
        let letters = name.chars().filter(|c| c.is_alphanumeric());
        let letters: String = letters.flat_map(char::to_lowercase).collect();
        let word = letters
            .strip_suffix("plot")
            .or(letters.strip_suffix("chart"))
            .unwrap_or(&letters);
        let kind = KINDS.iter().find(|(_, _, own)| *own == word);
        match kind {
            Some((kind, _, _)) => Ok(*kind),
            None if word.is_empty() => Ok(PlotKind::Automatic),
            None => Err(unknown_kind(name, word)),
        }
    }

    pub fn name(self) -> &'static str {
        let row = KINDS.iter().find(|(kind, _, _)| *kind == self);
        row.map_or("", |(_, name, _)| name)
    }
}

fn unknown_kind(name: &str, word: &str) -> Error {
    let names: Vec<_> = KINDS.iter().map(|(_, name, _)| *name).collect();
    let error = Error::run(format!("there is no plot of the kind '{name}'"));
    match nearest(word, KINDS.iter().map(|(_, _, own)| *own)) {
        Some(own) => error.help(format!("perhaps '{own}'")),
        None => error,
    }
    .help(format!("the kinds are {}", names.join(", ")))
}

/// One plot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlotSpec {
    pub kind: PlotKind,
    /// What the values of a vector are called, in their order.
    pub labels: Vec<Arc<str>>,
    /// How many elements it shows at the most: the latest.
    pub memory: Option<usize>,
}

impl PlotSpec {
    pub fn new(kind: PlotKind) -> PlotSpec {
        PlotSpec {
            kind,
            labels: vec![],
            memory: None,
        }
    }

    /// The same, with what the fields of a record say. Fields that say other things are passed over.
    fn with(mut self, record: &Record) -> Result<PlotSpec> {
        if let Some(labels) = record.get("labels") {
            let Value::Vector(labels) = labels else {
                return Err(wrong("labels", "a vector of strings", labels));
            };
            let label = |label: &Value| match label {
                Value::Str(label) => Ok(label.clone()),
                other => Err(wrong("labels", "a vector of strings", other)),
            };
            self.labels = labels.iter().map(label).collect::<Result<_>>()?;
        }
        if let Some(memory) = record.get("memory") {
            let elements = memory.as_int().filter(|elements| *elements > 0);
            let Some(elements) = elements.and_then(|elements| elements.try_into().ok()) else {
                return Err(wrong("memory", "a number of elements above 0", memory));
            };
            self.memory = Some(elements);
        }
        Ok(self)
    }
}

/// The plots that show the same results, one below the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlotRequest {
    pub plots: Vec<PlotSpec>,
}

impl PlotRequest {
    /// One plot of that kind, without more.
    pub fn of_kind(kind: PlotKind) -> PlotRequest {
        PlotRequest {
            plots: vec![PlotSpec::new(kind)],
        }
    }

    /// What a value asks for: the name of a kind, or a record, `{"sa_plot": "Line plot", "memory": 200}` or
    /// `{"sa_plots": ["Line plot", {"sa_plot": "Bar plot"}], "labels": ["a", "b"]}`, in which what stands
    /// outside is so for all that do not say otherwise.
    pub fn of(value: &Value) -> Result<PlotRequest> {
        let Value::Record(record) = value else {
            return Ok(PlotRequest::of_kind(kind_of(value)?));
        };
        let outer = PlotSpec::new(PlotKind::Automatic).with(record)?;
        let plots = match (record.get("sa_plots"), record.get("sa_plot")) {
            (Some(Value::Vector(plots)), _) if !plots.is_empty() => {
                plots.iter().map(|plot| inner(plot, &outer)).collect()
            }
            (Some(other), _) => Err(wrong("sa_plots", "a vector of plots", other)),
            (None, Some(kind)) => kind_of(kind).map(|kind| vec![PlotSpec { kind, ..outer }]),
            (None, None) => Ok(vec![outer]),
        };
        plots.map(|plots| PlotRequest { plots })
    }
}

/// A plot among several.
fn inner(plot: &Value, outer: &PlotSpec) -> Result<PlotSpec> {
    let Value::Record(record) = plot else {
        let kind = kind_of(plot)?;
        return Ok(PlotSpec {
            kind,
            ..outer.clone()
        });
    };
    let kind = record.get("sa_plot").map_or(Ok(outer.kind), kind_of)?;
    PlotSpec {
        kind,
        ..outer.clone()
    }
    .with(record)
}

fn kind_of(value: &Value) -> Result<PlotKind> {
    match value {
        Value::Str(name) => PlotKind::named(name),
        other => Err(wrong("a plot", "the name of its kind", other)),
    }
}

fn wrong(what: &str, wanted: &str, value: &Value) -> Error {
    let value = print::beginning(value, 100);
    Error::run(format!("{what} wants {wanted}, not {value}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_named_in_many_ways() {
        for (name, kind) in [
            ("Line plot", PlotKind::Line),
            ("LINE", PlotKind::Line),
            ("line_plot", PlotKind::Line),
            ("Pie chart", PlotKind::Pie),
            ("bar chart", PlotKind::Bar),
            ("", PlotKind::Automatic),
            ("Text single", PlotKind::TextSingle),
        ] {
            assert_eq!(PlotKind::named(name).expect(name), kind);
        }
        for (kind, name, _) in KINDS {
            assert_eq!(PlotKind::named(name).expect(name), kind);
            assert_eq!(kind.name(), name);
        }
        let error = PlotKind::named("Lime plot").expect_err("no kind");
        assert_eq!(error.message(), "there is no plot of the kind 'Lime plot'");
        assert_eq!(error.helps()[0], "perhaps 'line'");
    }

    fn record(fields: &[(&str, Value)]) -> Value {
        let fields = fields.iter().map(|(key, value)| (*key, value.clone()));
        Value::record(fields.collect())
    }

    #[test]
    fn what_stands_outside_is_so_for_all() {
        let labels = |names: &[&str]| Value::vector(names.iter().map(Value::str));
        let bar = record(&[
            ("sa_plot", "Bar plot".into()),
            ("memory", 5.into()),
            ("color_axis", "none".into()),
        ]);
        let several = record(&[
            ("sa_plots", Value::vector(["Line plot".into(), bar])),
            ("labels", labels(&["a", "b"])),
        ]);
        let request = PlotRequest::of(&several).expect("is right");
        let labels = vec!["a".into(), "b".into()];
        let plot = |kind, memory| PlotSpec {
            kind,
            labels: labels.clone(),
            memory,
        };
        assert_eq!(
            request.plots,
            [plot(PlotKind::Line, None), plot(PlotKind::Bar, Some(5))]
        );
        for wrong in [
            record(&[("sa_plot", 1.into())]),
            record(&[("sa_plots", Value::vector([]))]),
            record(&[("sa_plot", "line".into()), ("memory", 0.into())]),
            record(&[("sa_plot", "line".into()), ("labels", "a".into())]),
            7.into(),
        ] {
            assert!(PlotRequest::of(&wrong).is_err(), "{wrong}");
        }
    }
}
