//! Statements that change the rows of tables, as plans.

use std::sync::Arc;

use super::prepare::{local, plain_name, prepared};
use crate::catalog::tables::no_column;
use crate::compile::Compiler;
use crate::compile::query::Whole;
use crate::model::table::Table;
use crate::model::{Function, Type, Value};
use crate::plan::{
    InsertedColumn, InsertionRow, InsertionRows, PlanExpr, RowChange, RowChangeKind, Stmt, Sub,
};
use crate::syntax::ast::{
    self, DeleteRows, Expr, ExprKind, FromItem, FromSource, Insert, Joined, Name, Select, TypeKind,
    TypeSpec, UpdateRows,
};
use crate::text::diagnostic::{Error, Result, Span, nearest};

impl Compiler<'_> {
    pub(in crate::compile) fn insert(&mut self, insert: &Insert, span: &Span) -> Result<Stmt> {
        let (function, table) = self.catalog.table(&insert.table)?;
        let given = given_columns(insert, &table)?;
        let rows = match &insert.rows {
            ast::InsertedRows::Values(rows) => {
                let rows = rows
                    .iter()
                    .map(|row| self.inserted_row(row, given.len(), insert));
                InsertionRows::Values(rows.collect::<Result<_>>()?)
            }
            ast::InsertedRows::Query(query) => {
                self.check_values_word(query)?;
                let rows = self.rows_of_query(query)?;
                let width = match &rows.query.ty {
                    Type::Tuple(types) => Some(types.len()),
                    Type::Object | Type::Vector(_) => None,
                    _ => Some(1),
                };
                if let Some(width) = width.filter(|width| *width != given.len()) {
                    return Err(wrong_width(width, given.len(), insert).at(&query.span));
                }
                InsertionRows::Query(rows)
            }
        };
        let mut columns = Vec::with_capacity(table.rules().len());
        for (at, rule) in table.rules().iter().enumerate() {
            columns.push(match given.iter().position(|column| *column == at) {
                Some(place) => InsertedColumn::Given(place),
                None => InsertedColumn::Default(match &rule.default {
                    Some(default) => self.inserted_value(default)?,
                    None => PlanExpr::Const(Value::Null),
                }),
            });
        }
        Ok(change(function, RowChangeKind::Insert(rows, columns), span))
    }

    fn inserted_row(
        &mut self,
        row: &ast::InsertedRow,
        width: usize,
        insert: &Insert,
    ) -> Result<InsertionRow> {
        if row.values.len() != width {
            return Err(wrong_width(row.values.len(), width, insert).at(&row.span));
        }
        let values = row.values.iter().map(|value| self.inserted_value(value));
        Ok(InsertionRow {
            values: values.collect::<Result<_>>()?,
            span: row.span.clone(),
        })
    }

    /// One value; null where there is none.
    fn inserted_value(&mut self, value: &Expr) -> Result<PlanExpr> {
        if let ExprKind::Literal(literal) = &value.kind {
            return Ok(PlanExpr::Const(Value::from(literal)));
        }
        let value = &*prepared(self.catalog, value, self.variable_names())?;
        let fragment = self.fragment(|c| c.expr(value))?;
        if fragment.whole_type().is_collection() {
            let (first, _) = self.call_fragments("first", vec![fragment], &value.span)?;
            return Ok(first.or_null());
        }
        Ok(self.splice(fragment).0.or_null())
    }

    /// An error if a query is a call of an unknown function that is called nearly `values`.
    fn check_values_word(&self, query: &Expr) -> Result<()> {
        let ExprKind::Call { function, .. } = &query.kind else {
            return Ok(());
        };
        let name = &function.name;
        let known = self.catalog.functions.resolvents(&name.text);
        if known.is_ok_and(|known| known.is_empty()) && nearest(&name.text, ["values"]).is_some() {
            let message = format!("unknown function '{}'", name.span.text());
            let error = Error::compile(message).at(&name.span);
            return Err(error.help("did you mean 'values'?"));
        }
        Ok(())
    }

    fn rows_of_query(&mut self, query: &Expr) -> Result<Sub> {
        let query = &*prepared(self.catalog, query, self.variable_names())?;
        self.rows(query)
    }

    pub(in crate::compile) fn delete_rows(
        &mut self,
        delete: &DeleteRows,
        span: &Span,
    ) -> Result<Stmt> {
        let (function, table) = self.catalog.table(&delete.table)?;
        let items = all_columns(&table, &delete.row);
        let rows = self.changed_rows(items, &delete.table, &delete.row, &delete.filter, span)?;
        Ok(change(function, RowChangeKind::Delete(rows), span))
    }

    /// The rows that are changed, and behind the columns of each what they become.
    pub(in crate::compile) fn update_rows(
        &mut self,
        update: &UpdateRows,
        span: &Span,
    ) -> Result<Stmt> {
        let (function, table) = self.catalog.table(&update.table)?;
        let mut items = all_columns(&table, &update.row);
        let mut columns = vec![];
        for (column, value) in &update.columns {
            let at = column_of(&table, column, &update.table)?;
            if columns.contains(&at) {
                let message = format!("'{}' is set twice", column.span.text());
                return Err(Error::compile(message).at(&column.span));
            }
            columns.push(at);
            items.push(value.clone());
        }
        let rows = self.changed_rows(items, &update.table, &update.row, &update.filter, span)?;
        Ok(change(function, RowChangeKind::Update(rows, columns), span))
    }

    fn changed_rows(
        &mut self,
        items: Vec<Expr>,
        table: &Name,
        row: &Name,
        filter: &Option<Expr>,
        span: &Span,
    ) -> Result<Sub> {
        let from = FromItem {
            source: FromSource::Named(TypeSpec {
                kind: TypeKind::Named(table.clone()),
                span: table.span.clone(),
            }),
            name: row.clone(),
            is_named: true,
            joined: Joined::Inner(None),
        };
        let mut select = Select::plain(items, vec![from], span.clone());
        select.filter = filter.clone();
        let kind = ExprKind::Select(Box::new(select));
        let query = Expr {
            kind,
            span: span.clone(),
        };
        let query = prepared(self.catalog, &query, self.variable_names())?.into_owned();
        let ExprKind::Select(select) = query.kind else {
            return Err(Error::compile("this is no query").at(span));
        };
        let (query, captures) = self.sub_query(&select, Whole::Nothing)?;
        Ok(Sub {
            query: Arc::new(query),
            captures,
            stream: false,
        })
    }
}

fn change(function: Arc<Function>, kind: RowChangeKind, span: &Span) -> Stmt {
    let span = span.clone();
    Stmt::ChangeRows(
        RowChange {
            function,
            kind,
            span,
        },
        false,
    )
}

/// The columns that an insertion gives values for.
fn given_columns(insert: &Insert, table: &Table) -> Result<Vec<usize>> {
    if insert.columns.is_empty() {
        return Ok((0..table.rules().len()).collect());
    }
    let mut given = Vec::with_capacity(insert.columns.len());
    for column in &insert.columns {
        let at = column_of(table, column, &insert.table)?;
        if given.contains(&at) {
            let message = format!("'{}' is named twice", column.span.text());
            return Err(Error::compile(message).at(&column.span));
        }
        given.push(at);
    }
    Ok(given)
}

fn column_of(table: &Table, column: &Name, written: &Name) -> Result<usize> {
    let rules = table.rules();
    let found = rules.iter().position(|rule| rule.name == column.text);
    found.ok_or_else(|| {
        let names: Vec<Arc<str>> = rules.iter().map(|rule| rule.name.clone()).collect();
        no_column(written.span.text(), column, &names)
    })
}

fn wrong_width(given: usize, wanted: usize, insert: &Insert) -> Error {
    let values = if given == 1 {
        "1 value".to_owned()
    } else {
        format!("{given} values")
    };
    let columns = if wanted == 1 {
        "1 column".to_owned()
    } else {
        format!("{wanted} columns")
    };
    let error = Error::compile(format!(
        "{values} for {columns} of {}",
        insert.table.span.text()
    ));
    match insert.columns.is_empty() {
        true => error.help("name the columns that are given: insert into T (a, b) …"),
        false => error,
    }
}

/// Each column of the row, in order.
fn all_columns(table: &Table, row: &Name) -> Vec<Expr> {
    let column = |rule: &crate::model::table::ColumnRule| {
        local(&plain_name(
            &format!("{}.{}", row.text, rule.name),
            &row.span,
        ))
    };
    table.rules().iter().map(column).collect()
}
