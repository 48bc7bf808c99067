//! Executes statements: text in, results out. A statement that fails leaves nothing of what it changed.

mod assign;
mod define;
mod indexes;
mod load;
mod looked_for;
mod parsed;
mod results;
mod tables;
mod validate;

use std::path::Path;
use std::sync::Arc;

use crate::catalog::{Catalog, signature};
use crate::compile;
use crate::host::{Host, failed};
use crate::model::{Collection, Cx, Type, Value};
use crate::plan::{Query, endless};
use crate::run::{database, procedure, query};
use crate::syntax::ast::{self, ExprKind, SelectKind, StatementKind};
use crate::syntax::plot::is_plot_record;
use crate::text::diagnostic::{Error, Result, SourceText};
use assign::{assign, put};
use define::{create_function, create_type, delete_function, delete_type};
pub use load::{AfterError, load, load_text};
pub use parsed::parsed;
pub use tables::column_type;

pub use results::{Outcome, Results};

/// Executes one statement. What it changed is undone if it fails.
pub fn execute(cx: &Cx, source: &Arc<SourceText>) -> Result<Outcome> {
    let Some(statement) = parsed(cx, source)? else {
        return Ok(Outcome::Done);
    };
    let mark = Catalog::of(cx).undo_log.mark();
    // Its rows stop it when they are dropped, and nothing beside it.
    let cx = &cx.with_token(cx.token.child());
    let outcome = run(cx, &statement, mark).map_err(|e| e.of_memory_at(&statement.span));
    let outcome = match outcome {
        Err(error) => {
            Catalog::of(cx).notes.take();
            Catalog::of(cx).end_of_failed_statement(&error, mark);
            Err(error)
        }
        // What the statement has done is done: its results are said when that is final.
        Ok(Outcome::Results(mut rows)) if rows.are_made => {
            rows.end().map(|()| Outcome::Results(rows))
        }
        // Rows end the statement when they have been read.
        Ok(Outcome::Results(rows)) => Ok(Outcome::Results(rows)),
        Ok(done) => {
            say_notes(cx);
            Catalog::of(cx).end_of_statement().map(|()| done)
        }
    };
    if !matches!(outcome, Ok(Outcome::Results(_))) {
        failed::summarize(cx);
    }
    outcome
}

/// Executes a statement as a part of the one that runs; gives its results, and whether they are
/// tuples. A query's results are produced when they are read.
pub fn execute_within(cx: &Cx, source: &Arc<SourceText>) -> Result<(Value, bool)> {
    let Some(statement) = parsed(cx, source)? else {
        return Ok((Value::bag(vec![]), false));
    };
    if let StatementKind::Query(expr) = &statement.kind
        && !matches!(&expr.kind, ExprKind::Select(select) if !select.into.is_empty())
    {
        let query = Arc::new(compile::query(Catalog::of(cx), expr)?);
        let tuples = query.output.columns.len() > 1 || matches!(query.ty, Type::Tuple(_));
        let given = vec![];
        return Ok((
            Value::Bag(Arc::new(query::SubCollection { query, given })),
            tuples,
        ));
    }
    let mark = Catalog::of(cx).undo_log.mark();
    let mut results = Vec::new();
    if let Outcome::Results(mut rows) = run(&cx.with_token(cx.token.child()), &statement, mark)? {
        rows.within = true;
        results = rows.by_ref().collect::<Result<_>>()?;
    }
    Ok((Value::bag(results), false))
}

/// The results of the query that a text is, produced when they are read; `None` if it is another
/// statement.
pub fn posted(cx: &Cx, source: &Arc<SourceText>) -> Result<Option<Arc<dyn Collection>>> {
    let Some(statement) = parsed(cx, source)? else {
        return Ok(None);
    };
    let StatementKind::Query(expr) = &statement.kind else {
        return Ok(None);
    };
    let query = Arc::new(compile::query(Catalog::of(cx), expr)?);
    let given = vec![];
    Ok(Some(Arc::new(query::SubCollection { query, given })))
}

fn run(cx: &Cx, statement: &ast::Statement, mark: usize) -> Result<Outcome> {
    let catalog = Catalog::of(cx);
    match &statement.kind {
        StatementKind::Query(expr) if is_plot_record(expr) => {
            let record = Arc::new(compile::value(catalog, expr)?);
            let record = query::single(&record, vec![], cx)?;
            return Ok(record.map_or(Outcome::Done, Outcome::NextPlot));
        }
        StatementKind::Query(expr) => return rows(cx, expr, mark),
        StatementKind::Assign { targets, value } => assign(cx, targets, value)?,
        StatementKind::DeclareSession(declarations) => {
            for declaration in declarations {
                let ty = signature::of(&declaration.ty, &catalog.types)?;
                catalog.variables.declare(&declaration.name.text, ty);
            }
        }
        StatementKind::CreateType { name, supertypes } => create_type(catalog, name, supertypes)?,
        StatementKind::DeleteType(name) => delete_type(catalog, name)?,
        StatementKind::CreateFunction(definition) => create_function(catalog, definition)?,
        StatementKind::DeleteFunction(name) => delete_function(catalog, name)?,
        StatementKind::CreateTable(definition) => tables::create_table(cx, definition)?,
        StatementKind::Attach(attach) => {
            // SQLite makes a file that is not there, too.
            let options = database::options();
            database::open(cx, &attach.file, Some(&attach.name.text), &options)
                .map_err(|error| error.at(&attach.span))?;
        }
        StatementKind::Detach(name) => {
            database::close(cx, &name.text).map_err(|error| error.at(&name.span))?;
        }
        StatementKind::CreateView(definition) => tables::create_view(catalog, definition)?,
        StatementKind::DropTable(drop) => tables::drop_table(cx, drop)?,
        StatementKind::CreateIndex(definition) => indexes::create_index(cx, definition)?,
        StatementKind::DropIndex(drop) => indexes::drop_index(cx, drop)?,
        StatementKind::Commit => catalog.commit()?,
        StatementKind::Rollback => catalog.rollback(),
        StatementKind::Validate(validate) => validate::run(cx, validate)?,
        StatementKind::Quit => return Ok(Outcome::Quit),
        StatementKind::Load(file) => {
            let plan = Arc::new(compile::value(catalog, file)?);
            let file = query::single(&plan, vec![], cx)?;
            let Some(Value::Str(file)) = file else {
                return Err(Error::run("a file's name is a string").at(&statement.span));
            };
            load(cx, Path::new(&*file), true, AfterError::Stop)
                .map_err(|e| e.at(&statement.span))?;
        }
        _ => {
            let plan = compile::statement(catalog, statement)?;
            let results = procedure::run(&plan, vec![], cx)?;
            if !results.is_empty() {
                let results = Value::bag(results).elements(cx)?;
                let results = Results::new(results, cx.clone(), mark);
                return Ok(Outcome::Results(results.made()));
            }
        }
    }
    Ok(Outcome::Done)
}

fn rows(cx: &Cx, expr: &ast::Expr, mark: usize) -> Result<Outcome> {
    if let ExprKind::Select(select) = &expr.kind
        && !select.into.is_empty()
    {
        let mut plain = (**select).clone();
        let targets = std::mem::take(&mut plain.into);
        let kind = ExprKind::Select(Box::new(plain));
        let plan = Arc::new(compile::query(
            Catalog::of(cx),
            &ast::Expr {
                kind,
                span: expr.span.clone(),
            },
        )?);
        let ty = plan.ty.clone();
        let first = query::open(&plan, vec![], cx)?.next(cx)?;
        put(
            Catalog::of(cx),
            &targets,
            first.unwrap_or(Value::Null),
            Some(ty),
        )?;
        return Ok(Outcome::Done);
    }
    let plan = compile::query(Catalog::of(cx), expr)
        .map_err(|error| compile::likely_wrong::of_assignment(error, expr))?;
    let plan = Arc::new(plan);
    let looked_for = looked_for::in_messages(&plan);
    if !looked_for.is_empty() {
        cx.remarks.look_for(looked_for);
    }
    for (span, what) in endless::never_answered(&plan) {
        let message = format!("{what} needs all of a stream that never ends, and so gives nothing");
        let helps = [
            "in windows it has results: group by …, window(60), or winagg(s,100,100)",
            "first_n(s,100) and timeout(s,60) end a stream",
        ];
        Catalog::of(cx).notes.add(&span, &message, &helps);
    }
    say_notes(cx);
    let source = query::open(&plan, vec![], cx)?;
    let results = Results::new(source, cx.clone(), mark).at(&expr.span);
    let results = results.with_columns(columns(cx, expr, &plan)?);
    let results = results.of_act(plan.only_acts());
    Ok(Outcome::Results(results.of_stream(plan.is_stream())))
}

/// Says what is likely wrong with the statement that begins.
fn say_notes(cx: &Cx) {
    let host = Host::of(cx);
    for note in Catalog::of(cx).notes.take() {
        if note.message() == compile::likely_wrong::OF_TWO_KINDS {
            cx.remarks.kinds_are_known();
        }
        host.console.note(&note);
    }
}

/// The names of the columns of a select that gives several, or names the only one; else none.
fn columns(cx: &Cx, expr: &ast::Expr, plan: &Query) -> Result<Vec<Arc<str>>> {
    let ExprKind::Select(select) = &expr.kind else {
        return Ok(vec![]);
    };
    if !matches!(select.kind, SelectKind::Bag | SelectKind::Stream) {
        return Ok(vec![]);
    }
    let is_named = select.names.iter().any(Option::is_some);
    let width = plan.output.columns.len();
    if width < 2 && !is_named {
        return Ok(vec![]);
    }
    let names = match select.items.len() == width {
        true => compile::rows::column_titles(select),
        // `*` stands for several.
        false => {
            let catalog = Catalog::of(cx);
            let prepared = compile::rows::prepared(catalog, expr, vec![])?;
            compile::rows::output_names(&prepared)
        }
    };
    Ok(if names.len() == width { names } else { vec![] })
}
