//! Puts a query into the form that is compiled: names resolved, `*` spelled out, SQL's forms as those
//! that the language has anyway. What uses none of this stays as it is.

use std::borrow::Cow;
use std::sync::Arc;

use super::aggregates::counts_rows;
use super::conditions::{binary, literal, no_value};
use super::forms::{cast_function, is_form};
use super::resolve::{NameScope, NamedRow, column_name, variable};
use crate::catalog::Catalog;
use crate::catalog::tables::split;
use crate::compile::names::{children, children_mut, free};
use crate::model::{Function, Type};
use crate::syntax::ast::{
    BinaryOp, Expr, ExprKind, FromSource, FunctionName, Joined, Literal, Name, Select, Statement,
    StatementKind, TypeKind, UnaryOp, Variable,
};
use crate::text::diagnostic::{Error, Result, Span};

/// The query in the form that is compiled. `variables` are declared around it.
pub fn prepared<'e>(
    catalog: &Catalog,
    expr: &'e Expr,
    variables: Vec<Arc<str>>,
) -> Result<Cow<'e, Expr>> {
    if !needs_preparation(catalog, expr) {
        return Ok(Cow::Borrowed(expr));
    }
    let scope = NameScope {
        variables,
        ..NameScope::default()
    };
    Preparation::new(catalog)
        .query(expr.clone(), &scope)
        .map(Cow::Owned)
}

/// The same for the expressions of a statement that stand in it directly, not in statements inside.
pub fn prepared_statement<'s>(
    catalog: &Catalog,
    statement: &'s Statement,
    variables: Vec<Arc<str>>,
) -> Result<Cow<'s, Statement>> {
    let mut changed = statement.clone();
    let mut exprs = own_exprs(&mut changed.kind);
    if !exprs.iter().any(|expr| needs_preparation(catalog, expr)) {
        return Ok(Cow::Borrowed(statement));
    }
    let scope = NameScope {
        variables,
        ..NameScope::default()
    };
    for expr in &mut exprs {
        let taken = take(expr);
        **expr = Preparation::new(catalog).query(taken, &scope)?;
    }
    drop(exprs);
    Ok(Cow::Owned(changed))
}

fn own_exprs(kind: &mut StatementKind) -> Vec<&mut Expr> {
    match kind {
        StatementKind::Query(expr)
        | StatementKind::Assign { value: expr, .. }
        | StatementKind::Return(Some(expr))
        | StatementKind::While {
            condition: expr, ..
        }
        | StatementKind::OpenCursor { query: expr, .. } => vec![expr],
        StatementKind::Case { arms, .. } => {
            arms.iter_mut().map(|(condition, _)| condition).collect()
        }
        StatementKind::CreateObjects(create) => create
            .instances
            .iter_mut()
            .flat_map(|i| &mut i.values)
            .collect(),
        _ => vec![],
    }
}

/// The names of the columns that a query gives, as far as it says them.
pub fn output_names(query: &Expr) -> Vec<Arc<str>> {
    match &query.kind {
        ExprKind::Select(select) if !select.row_names.is_empty() => select.row_names.clone(),
        ExprKind::Select(select) => {
            let named = select.names.iter().zip(&select.items).enumerate();
            named
                .map(|(at, (name, item))| match name {
                    Some(name) => name.text.clone(),
                    None => name_of(item, at),
                })
                .collect()
        }
        _ => vec![name_of(query, 0)],
    }
}

/// What stands above the columns of a select where a person reads them: their names, or else the
/// expressions as they are written.
pub fn column_titles(select: &Select) -> Vec<Arc<str>> {
    let named = select.names.iter().zip(&select.items);
    let title = |(name, item): (&Option<Name>, &Expr)| match name {
        Some(name) => name.span.text().trim_matches('"').into(),
        None => item.span.text().into(),
    };
    named.map(title).collect()
}

fn name_of(item: &Expr, at: usize) -> Arc<str> {
    match &item.kind {
        ExprKind::Variable(Variable::Local(name)) => column_name(&name.text).into(),
        ExprKind::Call { function, .. } => function.name.text.clone(),
        _ => format!("column{}", at + 1).into(),
    }
}

/// Whether an expression has anything that must be put into another form.
pub fn needs_preparation(catalog: &Catalog, expr: &Expr) -> bool {
    let own = match &expr.kind {
        ExprKind::Select(select) => {
            let of_rows = select.from.iter().any(|item| match (&item.source, &item.joined) {
                (FromSource::Selected(_) | FromSource::Together(_), _) | (_, Joined::Left(_) | Joined::Inner(Some(_))) => true,
                (FromSource::Named(ty), _) => {
                    !item.is_named
                        || matches!(&ty.kind, TypeKind::Named(name) if rows_of(catalog, name).is_some())
                }
            });
            of_rows
                || select.names.iter().any(Option::is_some)
                || select.having.is_some()
                || crate::compile::names::parts(select)
                    .into_iter()
                    .any(|part| needs_preparation(catalog, part))
        }
        ExprKind::Combined(_) | ExprKind::AllColumns(_) => true,
        ExprKind::Unary { op, .. } => *op != UnaryOp::Minus,
        ExprKind::Binary { op, .. } => *op == BinaryOp::Like,
        ExprKind::Variable(Variable::Local(name)) => name.text.contains('.'),
        ExprKind::Call { function, .. } => {
            is_form(catalog, function) || &*function.name.text == "exists"
        }
        _ => false,
    };
    own || children(expr)
        .into_iter()
        .any(|child| needs_preparation(catalog, child))
}

/// What a name in `from` goes through, if it is no type.
pub fn rows_of(catalog: &Catalog, name: &Name) -> Option<Arc<Function>> {
    if Type::named(&name.text).is_some() || catalog.types.get(&name.text).is_some() {
        return None;
    }
    catalog.rows_named(&name.text)
}

/// What is known of a select while one inside it is worked on.
pub(super) struct SelectAround {
    of_rows: bool,
    constants: Vec<(Name, Expr)>,
}

/// The work on one query and those inside it.
pub(super) struct Preparation<'c> {
    pub catalog: &'c Catalog,
    /// Whether the select that is being worked on is about rows.
    pub of_rows: bool,
    /// The queries inside it that are the same for all its rows, with the variables for them.
    constants: Vec<(Name, Expr)>,
}

impl<'c> Preparation<'c> {
    pub fn new(catalog: &'c Catalog) -> Preparation<'c> {
        Preparation {
            catalog,
            of_rows: false,
            constants: vec![],
        }
    }

    /// A query as a whole: its rows, not their first.
    pub fn query(&mut self, expr: Expr, scope: &NameScope) -> Result<Expr> {
        let Expr { kind, span } = expr;
        match kind {
            ExprKind::Select(select) => {
                let select = self.select(*select, scope)?;
                let kind = ExprKind::Select(Box::new(select));
                Ok(Expr { kind, span })
            }
            ExprKind::Combined(combined) => self.combined(*combined, &span, scope),
            kind => self.value(Expr { kind, span }, scope),
        }
    }

    fn select(&mut self, mut select: Select, outer: &NameScope) -> Result<Select> {
        if std::mem::replace(&mut select.is_prepared, true) {
            return Ok(select);
        }
        let mut scope = NameScope::inside(outer);
        let joined = self.declare(&mut select, &mut scope, outer)?;
        let counts = select.items.iter().any(counts_rows);
        select.of_rows = !scope.rows.is_empty() || select.having.is_some() || counts;
        let around = self.enter(select.of_rows);
        self.conditions(&mut select, joined, &scope)?;
        spell_out(&mut select, &scope)?;
        let given = select.names.clone();
        for (item, name) in select.items.iter_mut().zip(&mut select.names) {
            if name.is_none()
                && let ExprKind::Variable(Variable::Local(own)) = &item.kind
            {
                *name = Some(plain_name(column_name(&own.text), &own.span));
            }
            *item = self.value(take(item), &scope)?;
        }
        for (name, item) in given.iter().zip(&select.items) {
            if let Some(name) = name {
                scope.aliases.push((name.text.clone(), item.clone()));
            }
        }
        for key in &mut select.group_by {
            *key = self.key(take(key), &select.items, false, &scope)?;
        }
        if let Some(having) = select.having.take() {
            select.having = Some(self.condition(having, false, &scope)?);
        }
        for key in &mut select.order_by {
            key.expr = self.key(take(&mut key.expr), &select.items, true, &scope)?;
        }
        for bound in [&mut select.limit, &mut select.offset]
            .into_iter()
            .flatten()
        {
            *bound = self.value(take(bound), outer)?;
        }
        select.grouped = self.is_grouped(&select);
        select.constants = self.leave(around);
        Ok(select)
    }

    /// Begins with another select; gives what is known of the one around it.
    pub(super) fn enter(&mut self, of_rows: bool) -> SelectAround {
        SelectAround {
            of_rows: std::mem::replace(&mut self.of_rows, of_rows),
            constants: std::mem::take(&mut self.constants),
        }
    }

    /// Goes on with the select around; gives the queries that are the same for all rows of the one left.
    pub(super) fn leave(&mut self, around: SelectAround) -> Vec<(Name, Expr)> {
        self.of_rows = around.of_rows;
        std::mem::replace(&mut self.constants, around.constants)
    }

    /// The conditions of joins and of the `where` clause.
    pub(super) fn conditions(
        &mut self,
        select: &mut Select,
        joined: Vec<Expr>,
        scope: &NameScope,
    ) -> Result<()> {
        let mut all: Vec<Expr> = vec![];
        for condition in joined {
            all.push(self.condition(condition, false, scope)?);
        }
        for item in &mut select.from {
            match &mut item.joined {
                Joined::Left(on) => *on = self.condition(take(on), false, scope)?,
                Joined::Inner(on) => {
                    if let Some(on) = on.take() {
                        all.push(self.condition(on, false, scope)?);
                    }
                }
            }
        }
        if let Some(filter) = select.filter.take() {
            all.push(self.required(filter, &mut select.from, scope)?);
        }
        select.filter = all.into_iter().reduce(|left, right| {
            let span = left.span.to(&right.span);
            binary(BinaryOp::And, left, right, &span, &span)
        });
        Ok(())
    }

    /// A key of groups or of order: an expression, the name of a result, or its number.
    fn key(
        &mut self,
        key: Expr,
        items: &[Expr],
        names_first: bool,
        scope: &NameScope,
    ) -> Result<Expr> {
        if let (true, ExprKind::Literal(Literal::Int(at))) = (self.of_rows, &key.kind) {
            let item = at
                .checked_sub(1)
                .and_then(|at| items.get(usize::try_from(at).ok()?));
            return item.cloned().ok_or_else(|| {
                let message = format!("there is no result {at}: the select has {}", items.len());
                Error::compile(message).at(&key.span)
            });
        }
        if let ExprKind::Variable(Variable::Local(name)) = &key.kind
            && names_first
            && let Some((_, item)) = scope.aliases.iter().find(|(alias, _)| *alias == name.text)
        {
            return Ok(item.clone());
        }
        self.value(key, scope)
    }

    /// An expression that has a value.
    pub fn value(&mut self, expr: Expr, scope: &NameScope) -> Result<Expr> {
        let mut expr = self.without_function_not(expr, scope);
        let span = expr.span.clone();
        if expr.is_condition() {
            return self.truth(expr, scope);
        }
        match &mut expr.kind {
            ExprKind::Variable(_) => {
                scope.resolve(&mut expr)?;
                Ok(expr)
            }
            ExprKind::Select(_) | ExprKind::Combined(_) if self.of_rows => {
                let query = self.query(expr, scope)?;
                // A null is no value in an expression.
                let values = call("remove_null", vec![query], &span);
                let first = call("first", vec![values], &span);
                Ok(self.constant(first, scope))
            }
            ExprKind::Select(_) | ExprKind::Combined(_) => self.query(expr, scope),
            ExprKind::Literal(Literal::Null) if self.of_rows => Ok(no_value(&span)),
            ExprKind::Literal(Literal::Str(text)) if self.of_rows => {
                if span.text().starts_with('"') && scope.has_column(text) {
                    self.catalog.notes.add(
                        &span,
                        "this is a text, though there is a column of that name",
                        &[&format!("the column is written without quotes: {text}")],
                    );
                }
                Ok(expr)
            }
            ExprKind::Cast { value, ty }
                if self.of_rows
                    && let Some(function) = cast_function(self.catalog, ty) =>
            {
                let value = self.value(take(value), scope)?;
                Ok(call(function, vec![value], &span))
            }
            ExprKind::Case { arms, otherwise } => {
                for (condition, result) in arms {
                    *condition = self.condition(take(condition), false, scope)?;
                    *result = self.value(take(result), scope)?;
                }
                if let Some(otherwise) = otherwise {
                    **otherwise = self.value(take(otherwise), scope)?;
                }
                Ok(expr)
            }
            ExprKind::Call { function, args } => {
                if self.is_exists(function, args) {
                    return self.truth(expr, scope);
                }
                if is_form(self.catalog, function) {
                    return self.form(expr, scope);
                }
                let takes_collections = self.takes_collections(function);
                for arg in args.iter_mut() {
                    let taken = take(arg);
                    *arg = match taken.kind {
                        ExprKind::AllColumns(None) => literal(Literal::Int(1), &taken.span),
                        ExprKind::Select(_) | ExprKind::Combined(_) if takes_collections => {
                            self.query(taken, scope)?
                        }
                        _ if takes_collections && taken.is_condition() => {
                            self.condition(taken, false, scope)?
                        }
                        _ => self.value(taken, scope)?,
                    };
                }
                Ok(expr)
            }
            ExprKind::AllColumns(_) => Err(Error::compile("* stands for columns of rows")
                .at(&span)
                .help("write it among the results of a select: select * from T")),
            _ => {
                for child in children_mut(&mut expr) {
                    *child = self.value(take(child), scope)?;
                }
                Ok(expr)
            }
        }
    }

    /// A condition as a value: in a select over rows true, false or null.
    fn truth(&mut self, expr: Expr, scope: &NameScope) -> Result<Expr> {
        if !self.of_rows {
            return self.condition(expr, false, scope);
        }
        let span = expr.span.clone();
        let holds = self.condition(expr.clone(), false, scope)?;
        let not = self.condition(expr, true, scope)?;
        let result = |yes| literal(Literal::Bool(yes), &span);
        let kind = ExprKind::Case {
            arms: vec![(holds, result(true)), (not, result(false))],
            otherwise: None,
        };
        Ok(Expr {
            kind,
            span: span.clone(),
        })
    }

    /// A query inside that is the same for all rows is computed once, before the first.
    pub fn constant(&mut self, query: Expr, scope: &NameScope) -> Expr {
        if !self.is_constant(&query, scope) {
            return query;
        }
        let span = query.span.clone();
        let name = plain_name(&format!("query {}", span.start), &span);
        if self
            .constants
            .iter()
            .all(|(known, _)| known.text != name.text)
        {
            self.constants.push((name.clone(), query));
        }
        local(&name)
    }

    /// Whether a query is the same for all rows.
    pub fn is_constant(&self, query: &Expr, scope: &NameScope) -> bool {
        let differs = |name: &Name| match split(&name.text) {
            Some((row, _)) => scope.rows.iter().any(|own| *own.name.text == *row),
            None => scope.variables.contains(&name.text) || name.text.contains(' '),
        };
        !free(query).into_iter().any(differs)
    }

    pub fn is_exists(&self, function: &FunctionName, args: &[Expr]) -> bool {
        let name = &*function.name.text;
        name == "exists"
            && matches!(
                args,
                [Expr {
                    kind: ExprKind::Select(_) | ExprKind::Combined(_),
                    ..
                }]
            )
            && self
                .catalog
                .functions
                .resolvents(name)
                .is_ok_and(|none| none.is_empty())
    }

    pub(super) fn takes_collections(&self, function: &FunctionName) -> bool {
        let functions = self.catalog.functions.named(function);
        functions.is_ok_and(|functions| {
            let mut params = functions.iter().flat_map(|f| &f.signature.params);
            params.any(|param| param.ty.is_collection())
        })
    }
}

/// The columns of a table or a view.
pub fn columns_of(function: &Function) -> Vec<(Arc<str>, Type)> {
    let columns = function.signature.columns.iter();
    let columns = columns.map(|c| (c.name.clone().unwrap_or_default(), c.ty.clone()));
    columns.collect()
}

/// Puts all columns in the place of `*` and `t.*`.
fn spell_out(select: &mut Select, scope: &NameScope) -> Result<()> {
    let (mut items, mut names) = (vec![], vec![]);
    let given = std::mem::take(&mut select.items);
    for (item, name) in given.into_iter().zip(std::mem::take(&mut select.names)) {
        let ExprKind::AllColumns(of) = &item.kind else {
            items.push(item);
            names.push(name);
            continue;
        };
        let wanted: Vec<&NamedRow> = match of {
            None => scope.rows.iter().collect(),
            Some(name) => vec![scope.row(&name.text).ok_or_else(|| {
                Error::compile(format!("there is no row '{}' here", name.text)).at(&name.span)
            })?],
        };
        if wanted.is_empty() {
            return Err(
                Error::compile("* stands for the columns of rows, and there are none")
                    .at(&item.span)
                    .help("name what to select: select name(p), age(p) from Person p"),
            );
        }
        let columns = wanted.iter().flat_map(|row| &row.columns);
        let variables = columns.filter_map(|column| match of {
            None => column.alone.as_ref(),
            Some(_) => Some(&column.variable),
        });
        for column in variables {
            let written = plain_name("*", &item.span);
            items.push(Expr {
                kind: variable(column, &written),
                span: item.span.clone(),
            });
            names.push(None);
        }
    }
    (select.items, select.names) = (items, names);
    Ok(())
}

/// Takes an expression out, to put another in its place.
pub(super) fn take(expr: &mut Expr) -> Expr {
    let span = expr.span.clone();
    std::mem::replace(expr, literal(Literal::Null, &span))
}

pub fn plain_name(text: &str, span: &Span) -> Name {
    Name {
        text: text.into(),
        span: span.clone(),
    }
}

pub fn local(name: &Name) -> Expr {
    Expr {
        kind: ExprKind::Variable(Variable::Local(name.clone())),
        span: name.span.clone(),
    }
}

/// A call of a built-in function.
pub fn call(name: &str, args: Vec<Expr>, span: &Span) -> Expr {
    let function = FunctionName {
        name: plain_name(name, span),
        argument_types: vec![],
        result_types: None,
    };
    Expr {
        kind: ExprKind::Call { function, args },
        span: span.clone(),
    }
}
