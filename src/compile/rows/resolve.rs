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
    /// The variable that has its value: `t.a`.
    pub variable: Arc<str>,
    /// The variable that its name alone and `*` stand for: its own, or that of several columns which a join
    /// makes one; none where another column of these stands for them, or none can be written.
    pub alone: Option<Arc<str>>,
}

/// A row of a `from` clause.
#[derive(Clone)]
pub struct NamedRow {
    pub name: Name,
    pub columns: Vec<RowColumn>,
    /// Whether it is one that a join becomes, whose columns are those of the rows in it.
    pub is_hidden: bool,
}

impl NamedRow {
    /// A row of which each column is a variable of its own.
    pub fn new(name: Name, columns: Vec<(Arc<str>, Type)>) -> NamedRow {
        let column = |(column, ty): (Arc<str>, Type)| {
            let variable: Arc<str> = format!("{}.{column}", name.text).into();
            RowColumn {
                name: column,
                ty,
                alone: Some(variable.clone()),
                variable,
            }
        };
        let columns = columns.into_iter().map(column).collect();
        NamedRow {
            name,
            columns,
            is_hidden: false,
        }
    }

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
        rows.find(|row| *row.name.text == *name)
    }

    /// The column that a dotted name stands for.
    pub fn column(&self, dotted: &str) -> Option<&RowColumn> {
        let (row, column) = split(dotted)?;
        self.row(row)?.column(column)
    }

    /// Whether some row has a column of that name, in any case.
    pub fn has_column(&self, name: &str) -> bool {
        let name = name.to_lowercase();
        let mut rows = self.all().flat_map(|scope| &scope.rows);
        rows.any(|row| row.column(&name).is_some())
    }

    /// The column that a bare name stands for, as `t.a`; an error if there are several.
    fn bare_column(&self, name: &Name) -> Result<Option<Arc<str>>> {
        for scope in self.all() {
            if let Some(column) = only_column(&scope.rows, name)? {
                return Ok(column.alone.clone());
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
            let Some(column) = row.column(column) else {
                return Err(no_column(&row.name.text, name, &row.names()));
            };
            name.text = column.variable.clone();
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
            .flat_map(|scope| scope.rows.iter().map(|row| &*row.name.text));
        match nearest(row, names) {
            Some(near) => error.help(format!("did you mean '{near}'?")),
            None => error.help("rows are named in the from clause: from T t"),
        }
    }
}

/// The column among those of the rows that a name alone stands for; an error if there are several.
pub fn only_column<'r>(rows: &'r [NamedRow], name: &Name) -> Result<Option<&'r RowColumn>> {
    let found = rows.iter().filter_map(|row| {
        let column = row.column(&name.text).filter(|c| c.alone.is_some())?;
        Some((row, column))
    });
    let found: Vec<_> = found.collect();
    match found.as_slice() {
        [] => Ok(None),
        [(_, column)] => Ok(Some(column)),
        several => {
            let message = format!("'{}' is a column of several rows", name.span.text());
            let error = Error::compile(message).at(&name.span);
            let written = several
                .iter()
                .map(|(row, column)| format!("{}.{}", row.name.text, column.name));
            let written: Vec<String> = written.collect();
            Err(error.help(format!("write {}", written.join(" or "))))
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
        let arg = Box::new(at(variable(&column.variable, written)));
        let op = UnaryOp::OrNull;
        (key, at(ExprKind::Unary { op, arg }))
    };
    ExprKind::Record(row.columns.iter().map(field).collect())
}

/// The name that a column has by its variable: the `a` of `t.a`, and of a `join 12.t a`, what `t.a` is
/// among the columns of a join.
pub fn column_name(variable: &str) -> &str {
    let (_, column) = split(variable).unwrap_or(("", variable));
    column.rsplit(' ').next().unwrap_or(column)
}

/// A column of a row as an expression.
pub fn variable(variable: &Arc<str>, written: &Name) -> ExprKind {
    ExprKind::Variable(Variable::Local(Name {
        text: variable.clone(),
        span: written.span.clone(),
    }))
}
