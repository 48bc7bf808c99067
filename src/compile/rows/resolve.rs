//! What the names in a query stand for: columns of rows, whole rows, variables.

use std::sync::Arc;

use crate::catalog::tables::{no_column, split};
use crate::model::Type;
use crate::syntax::ast::{Expr, ExprKind, Literal, Name, UnaryOp, Variable};
use crate::text::diagnostic::{Error, Result, nearest};

/// A column of a row.
#[derive(Clone)]
pub struct RowColumn {
    pub name: Arc<str>,
    pub ty: Type,
}

/// A row of a `from` clause.
pub struct NamedRow {
    pub name: Arc<str>,
    pub columns: Vec<RowColumn>,
}

impl NamedRow {
    fn column(&self, name: &str) -> Option<&RowColumn> {
        self.columns.iter().find(|c| *c.name == *name)
    }

    pub fn names(&self) -> Vec<Arc<str>> {
        self.columns.iter().map(|c| c.name.clone()).collect()
    }
}

/// What is declared around an expression.
#[derive(Default)]
pub struct NameScope<'o> {
    pub outer: Option<&'o NameScope<'o>>,
    /// The variables that are declared with types.
    pub variables: Vec<Arc<str>>,
    pub rows: Vec<NamedRow>,
    /// Results that have names.
    pub aliases: Vec<(Arc<str>, Expr)>,
}

impl<'o> NameScope<'o> {
    pub fn inside(outer: &'o NameScope<'o>) -> NameScope<'o> {
        NameScope {
            outer: Some(outer),
            ..NameScope::default()
        }
    }

    /// From inside out.
    fn all(&self) -> impl Iterator<Item = &NameScope<'o>> {
        let mut next: Option<&NameScope<'o>> = Some(self);
        std::iter::from_fn(move || {
            let scope = next?;
            next = scope.outer;
            Some(scope)
        })
    }

    pub fn has_variable(&self, name: &str) -> bool {
        self.all()
            .any(|scope| scope.variables.iter().any(|v| **v == *name))
    }

    /// The row of that name.
    pub fn row(&self, name: &str) -> Option<&NamedRow> {
        let mut rows = self.all().flat_map(|scope| &scope.rows);
        rows.find(|row| *row.name == *name)
    }

    /// The column that a dotted name stands for.
    pub fn column(&self, dotted: &str) -> Option<&RowColumn> {
        let (row, column) = split(dotted)?;
        self.row(row)?.column(column)
    }

    /// The column that a bare name stands for, as `t.a`; an error if there are several.
    fn bare_column(&self, name: &Name) -> Result<Option<Arc<str>>> {
        for scope in self.all() {
            let rows = scope
                .rows
                .iter()
                .filter(|row| row.column(&name.text).is_some());
            let found: Vec<String> = rows
                .map(|row| format!("{}.{}", row.name, name.text))
                .collect();
            match found.as_slice() {
                [] => {}
                [one] => return Ok(Some(one.as_str().into())),
                several => {
                    let message = format!("'{}' is a column of several rows", name.span.text());
                    let error = Error::compile(message).at(&name.span);
                    return Err(error.help(format!("write {}", several.join(" or "))));
                }
            }
        }
        Ok(None)
    }

    /// Puts what a name stands for in its place.
    pub fn resolve(&self, expr: &mut Expr) -> Result<()> {
        let ExprKind::Variable(Variable::Local(name)) = &mut expr.kind else {
            return Ok(());
        };
        if let Some((row, column)) = split(&name.text) {
            let Some(row) = self.row(row) else {
                return Err(self.no_row(row, name));
            };
            if row.column(column).is_none() {
                return Err(no_column(&row.name, name, &row.names()));
            }
            return Ok(());
        }
        if self.has_variable(&name.text) {
            return Ok(());
        }
        if let Some(dotted) = self.bare_column(name)? {
            name.text = dotted;
            return Ok(());
        }
        if let Some(row) = self.row(&name.text) {
            expr.kind = record(row, &name.clone());
        } else if let Some((_, item)) = self.aliases.iter().find(|(alias, _)| *alias == name.text) {
            *expr = item.clone();
        }
        Ok(())
    }

    fn no_row(&self, row: &str, name: &Name) -> Error {
        let error = Error::compile(format!("there is no row '{row}' here")).at(&name.span);
        if self.has_variable(row) {
            let (_, field) = split(name.span.text()).unwrap_or_default();
            return error.help(format!("a field of a record is {row}['{field}']"));
        }
        let names = self
            .all()
            .flat_map(|scope| scope.rows.iter().map(|row| &*row.name));
        match nearest(row, names) {
            Some(near) => error.help(format!("did you mean '{near}'?")),
            None => error.help("rows are named in the from clause: from T t"),
        }
    }
}

/// A whole row: a record of its columns, those without a value null.
fn record(row: &NamedRow, written: &Name) -> ExprKind {
    let at = |kind| Expr {
        kind,
        span: written.span.clone(),
    };
    let field = |column: &RowColumn| {
        let key = at(ExprKind::Literal(Literal::Str(column.name.clone())));
        let arg = Box::new(at(variable(row, column, written)));
        let op = UnaryOp::OrNull;
        (key, at(ExprKind::Unary { op, arg }))
    };
    ExprKind::Record(row.columns.iter().map(field).collect())
}

/// A column of a row as a variable.
pub fn variable(row: &NamedRow, column: &RowColumn, written: &Name) -> ExprKind {
    ExprKind::Variable(Variable::Local(Name {
        text: format!("{}.{}", row.name, column.name).into(),
        span: written.span.clone(),
    }))
}
