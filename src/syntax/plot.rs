//! What says that the results of a statement are to be shown as a plot: a comment before it,
//! `//plot: Line plot`, or a statement before it that is a record, `{"sa_plot": "Line plot"};`.

use super::ast::{Expr, ExprKind, Literal};
use super::lexer::{LexemeKind, lexemes};

/// The keys of a record, one of which it has if it says how the next results are shown.
const KEYS: [&str; 2] = ["sa_plot", "sa_plots"];

/// What a comment up to the end of its line asks for, behind `plot:`; `None` for any other comment.
pub fn plot_comment(comment: &str) -> Option<&str> {
    let text = comment
        .strip_prefix("//")
        .or_else(|| comment.strip_prefix("--"))?;
    let (word, kind) = text.split_once(':')?;
    let is_plot = word.trim().eq_ignore_ascii_case("plot");
    is_plot.then(|| kind.trim())
}

/// What the comments before a statement ask for, in their order.
pub fn plot_comments(statement: &str) -> impl Iterator<Item = &str> {
    lexemes(statement)
        .take_while(|lexeme| lexeme.is_trivia())
        .filter(|lexeme| lexeme.kind == LexemeKind::LineComment)
        .filter_map(|lexeme| plot_comment(lexeme.text(statement)))
}

/// Whether a query is such a record, and so no query at all.
pub fn is_plot_record(query: &Expr) -> bool {
    let ExprKind::Record(fields) = &query.kind else {
        return false;
    };
    fields.iter().any(|(key, _)| match &key.kind {
        ExprKind::Literal(Literal::Str(key)) => KEYS.contains(&&**key),
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax::ast::StatementKind;
    use crate::text::diagnostic::SourceText;

    #[test]
    fn comments_that_ask_for_a_plot() {
        for (comment, kind) in [
            ("//plot: Line plot", Some("Line plot")),
            ("//  PLOT :bar ", Some("bar")),
            ("-- plot: Pie chart\r", Some("Pie chart")),
            ("//plot:", Some("")),
            ("// the plot: thickens", None),
            ("/* plot: line */", None),
            ("//plot", None),
        ] {
            assert_eq!(plot_comment(comment), kind, "{comment}");
        }
        let statement = "//plot: Line plot\n/* a */ // b\n--plot: Text\nf(1); //plot: no";
        let asked: Vec<_> = plot_comments(statement).collect();
        assert_eq!(asked, ["Line plot", "Text"]);
    }

    #[test]
    fn records_that_ask_for_a_plot() {
        for (text, asks) in [
            ("{'sa_plot': 'Line plot', 'memory': 200};", true),
            ("//plot: Multi plot\n{\"sa_plots\": ['Text', :b]};", true),
            ("{'plot': 'Line plot'};", false),
            ("{:key: 'sa_plot'};", false),
            ("'sa_plot';", false),
            ("select {'sa_plot': 1};", false),
        ] {
            let source = SourceText::new("test", text);
            let statement = crate::syntax::statement(&source).expect("is OSQL");
            let Some(StatementKind::Query(query)) = statement.map(|s| s.kind) else {
                panic!("{text} is a query");
            };
            assert_eq!(is_plot_record(&query), asks, "{text}");
        }
    }
}
