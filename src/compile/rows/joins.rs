//! What a `from` clause has, as rows that come one by one: each with those before it, or else with nulls.
//!
//! Other joins become such. A join of several rows at once is a select of all their columns; what the
//! names written stand for is said with the row ([`NamedRow`]). A right join is a left join of what stands
//! on its left. A full join is a left join, and behind it the rows of the right side that meet none.

use std::sync::Arc;

use super::conditions::{binary, literal, no_value};
use super::prepare::{Preparation, columns_of, local, output_names, plain_name, rows_of, take};
use super::resolve::{NameScope, NamedRow, RowColumn, only_column};
use crate::model::Type;
use crate::syntax::ast::{
    BinaryOp, Combined, Expr, ExprKind, FromItem, FromSource, JoinCondition, JoinKind, Joined,
    Literal, Name, RowJoin, Select, SetOperator, TypeKind, TypeSpec, UnaryOp,
};
use crate::text::diagnostic::{Error, Result, Span};

/// Items that are put together.
#[derive(Clone, Default)]
struct JoinedRows {
    /// Without joins inside.
    items: Vec<FromItem>,
    rows: Vec<NamedRow>,
    /// What is declared with a type.
    variables: Vec<Name>,
    /// What else has to hold.
    conditions: Vec<Expr>,
}

impl JoinedRows {
    fn append(&mut self, other: JoinedRows) {
        self.items.extend(other.items);
        self.rows.extend(other.rows);
        self.variables.extend(other.variables);
        self.conditions.extend(other.conditions);
    }

    /// The only item, if a condition can be put to it under which it is met.
    fn only(&mut self) -> Option<&mut FromItem> {
        match self.items.as_mut_slice() {
            [item] if self.conditions.is_empty() && matches!(item.joined, Joined::Inner(None)) => {
                Some(item)
            }
            _ => None,
        }
    }
}

/// One select of two, or of a side of a join: each has its own place in the text, as a select is known by
/// its place.
fn place(join: &Span, start: u32, end: u32) -> Span {
    let mut span = join.clone();
    span.start += start;
    span.end -= end;
    span
}

impl Preparation<'_> {
    /// Declares what a `from` clause has; gives the conditions of its joins that are about all rows.
    pub(super) fn declare(
        &mut self,
        select: &mut Select,
        scope: &mut NameScope,
        outer: &NameScope,
    ) -> Result<Vec<Expr>> {
        let all = self.put_together(std::mem::take(&mut select.from), outer)?;
        check_names(&all)?;
        select.from = all.items;
        scope.rows = all.rows;
        scope.variables = all.variables.into_iter().map(|name| name.text).collect();
        Ok(all.conditions)
    }

    fn put_together(&mut self, items: Vec<FromItem>, outer: &NameScope) -> Result<JoinedRows> {
        let mut all = JoinedRows::default();
        for mut item in items {
            let FromSource::Together(join) = item.source else {
                all.append(self.item(item, outer)?);
                continue;
            };
            let joined = self.join(*join, outer)?;
            all.append(joined);
            if let Joined::Inner(on) = &mut item.joined {
                all.conditions.extend(on.take());
            }
        }
        Ok(all)
    }

    /// A row of its own, or a variable.
    fn item(&mut self, mut item: FromItem, outer: &NameScope) -> Result<JoinedRows> {
        let columns = match &mut item.source {
            FromSource::Selected(query) => {
                *query = self.query(take(query), outer)?;
                let names = output_names(query).into_iter();
                Some(names.map(|name| (name, Type::Object)).collect())
            }
            FromSource::Named(ty) => match &ty.kind {
                TypeKind::Named(name) => rows_of(self.catalog, name).map(|f| columns_of(&f)),
                _ => None,
            },
            FromSource::Together(_) => None,
        };
        let mut own = JoinedRows::default();
        match columns {
            Some(columns) => own.rows.push(NamedRow::new(item.name.clone(), columns)),
            None if item.is_named => own.variables.push(item.name.clone()),
            None => {
                let written = written_type(&item.source).unwrap_or(&item.name);
                return Err(self.no_variable(written));
            }
        }
        own.items.push(item);
        Ok(own)
    }

    fn no_variable(&self, name: &Name) -> Error {
        let written = name.span.text();
        if Type::named(&name.text).is_some() || self.catalog.types.get(&name.text).is_some() {
            let error = Error::compile(format!("{written} is a type: which variable?"));
            return error.at(&name.span).help(format!("write from {written} x"));
        }
        self.catalog.no_table(name)
    }

    fn join(&mut self, join: RowJoin, outer: &NameScope) -> Result<JoinedRows> {
        let RowJoin { kind, span, .. } = join;
        let mut left = self.put_together(join.left, outer)?;
        let mut right = self.put_together(join.right, outer)?;
        let is_full = kind == JoinKind::Full;
        if is_full || kind == JoinKind::Right && left.only().is_none() {
            left = self.as_one_row(left, "left", &place(&span, 1, 0), outer)?;
        }
        if is_full || kind == JoinKind::Left && right.only().is_none() {
            right = self.as_one_row(right, "right", &place(&span, 1, 1), outer)?;
        }
        let common = common_columns(&left.rows, &right.rows, &join.condition, &span)?;
        let on = match join.condition {
            JoinCondition::On(on) => Some(on),
            _ => equal(&common, &span),
        };
        if is_full {
            return self.full_join(left, right, on, &common, &span, outer);
        }
        for column in &common {
            let alone = match kind {
                JoinKind::Right => &column.right,
                _ => &column.left,
            };
            let rows = left.rows.iter_mut().chain(&mut right.rows);
            make_one(rows, column, alone);
        }
        let side = match kind {
            JoinKind::Left => right.only(),
            JoinKind::Right => left.only(),
            _ => None,
        };
        match side {
            Some(item) => item.joined = Joined::Left(on.unwrap_or_else(|| always(&span))),
            None => left.conditions.extend(on),
        }
        left.append(right);
        Ok(left)
    }

    /// Items as one, which is a select of all their columns.
    fn as_one_row(
        &mut self,
        joined: JoinedRows,
        side: &str,
        span: &Span,
        outer: &NameScope,
    ) -> Result<JoinedRows> {
        if let Some(variable) = joined.variables.first() {
            let message = format!("'{}' is no row of a table", variable.span.text());
            return Err(Error::compile(message).at(&variable.span).help(
                "joins like this one are of tables, views and selects: (select x from …) x",
            ));
        }
        let written = joined.rows.iter().filter(|row| !row.is_hidden);
        let columns = written.flat_map(|row| &row.columns);
        let mut own: Vec<SelectedColumn> = vec![];
        for column in columns {
            for variable in std::iter::once(&column.variable).chain(&column.alone) {
                if own.iter().all(|known| known.from != *variable) {
                    own.push(SelectedColumn::new(variable, column.ty.clone(), span));
                }
            }
        }
        let name = plain_name(&format!("{side} {}", span.start), span);
        let (query, rows) = self.joined_select(&own, joined, None, span, outer)?;
        Ok(selected(query, &name, own, rows))
    }

    /// Each row of the left side with those it meets or nulls, then those of the right side that are not
    /// met. Each side is one item.
    fn full_join(
        &mut self,
        left: JoinedRows,
        right: JoinedRows,
        on: Option<Expr>,
        common: &[CommonColumn],
        span: &Span,
        outer: &NameScope,
    ) -> Result<JoinedRows> {
        let on = on.unwrap_or_else(|| always(span));
        let joined_to = |mut all: JoinedRows, mut other: JoinedRows| {
            if let Some(item) = other.only() {
                item.joined = Joined::Left(on.clone());
            }
            all.append(other);
            all
        };
        let own = |side: &JoinedRows| -> Vec<SelectedColumn> {
            let columns = side.rows.iter().filter(|row| row.is_hidden);
            let columns = columns.flat_map(|row| &row.columns);
            columns
                .map(|column| SelectedColumn {
                    name: column.name.clone(),
                    from: column.variable.clone(),
                    value: local(&plain_name(&column.variable, span)),
                    ty: column.ty.clone(),
                })
                .collect()
        };
        let (of_left, of_right) = (own(&left), own(&right));
        let merged = |column: &CommonColumn, variable: &Arc<str>| SelectedColumn {
            name: column.name.clone(),
            from: column.merged(),
            value: local(&plain_name(variable, span)),
            ty: column.ty.clone(),
        };
        let mut met = of_left.clone();
        met.extend(of_right.iter().cloned());
        met.extend(common.iter().map(|column| merged(column, &column.left)));
        let missing = of_left.into_iter().map(|column| SelectedColumn {
            value: no_value(span),
            ..column
        });
        let mut unmet: Vec<SelectedColumn> = missing.collect();
        unmet.extend(of_right);
        unmet.extend(common.iter().map(|column| merged(column, &column.right)));

        // A column of the left side that has a value wherever there is a row.
        let mut marked = left.clone();
        let found = mark(&mut marked, span)?;
        let unmet_side = joined_to(right.clone(), marked);
        let (first, mut rows) =
            self.joined_select(&met, joined_to(left, right), None, span, outer)?;
        let is_unmet = Expr {
            kind: ExprKind::Unary {
                op: UnaryOp::IsNull,
                arg: Box::new(found),
            },
            span: span.clone(),
        };
        let second_place = place(span, 0, 1);
        let (second, _) =
            self.joined_select(&unmet, unmet_side, Some(is_unmet), &second_place, outer)?;
        let combined = Combined {
            operator: SetOperator::Union,
            all: true,
            left: first,
            right: second,
            order_by: vec![],
            limit: None,
            offset: None,
        };
        let kind = ExprKind::Combined(Box::new(combined));
        let span = span.clone();
        let name = plain_name(&format!("join {}", span.start), &span);
        let query = self.query(Expr { kind, span }, outer)?;
        for column in common {
            make_one(&mut rows, column, &column.merged());
        }
        Ok(selected(query, &name, met, rows))
    }

    /// A select of columns of joined rows.
    fn joined_select(
        &mut self,
        columns: &[SelectedColumn],
        joined: JoinedRows,
        filter: Option<Expr>,
        span: &Span,
        outer: &NameScope,
    ) -> Result<(Expr, Vec<NamedRow>)> {
        let mut scope = NameScope::inside(outer);
        scope.rows = joined.rows;
        let items = columns.iter().map(|column| column.value.clone()).collect();
        let mut select = Select::plain(items, joined.items, span.clone());
        let names = columns
            .iter()
            .map(|column| Some(plain_name(&column.name, span)));
        select.names = names.collect();
        select.filter = filter;
        let around = self.enter(true);
        self.conditions(&mut select, joined.conditions, &scope)?;
        (select.is_prepared, select.of_rows) = (true, true);
        select.constants = self.leave(around);
        let kind = ExprKind::Select(Box::new(select));
        let span = span.clone();
        Ok((Expr { kind, span }, scope.rows))
    }
}

/// A column of the select that joined rows become.
#[derive(Clone)]
struct SelectedColumn {
    name: Arc<str>,
    /// The variable that it is inside.
    from: Arc<str>,
    value: Expr,
    ty: Type,
}

impl SelectedColumn {
    fn new(variable: &Arc<str>, ty: Type, span: &Span) -> SelectedColumn {
        SelectedColumn {
            name: variable.replace('.', " ").into(),
            from: variable.clone(),
            value: local(&plain_name(variable, span)),
            ty,
        }
    }
}

/// Columns that a join makes one.
struct CommonColumn {
    name: Arc<str>,
    left: Arc<str>,
    right: Arc<str>,
    ty: Type,
}

impl CommonColumn {
    /// What the one column of a full join is called before it is one of a select.
    fn merged(&self) -> Arc<str> {
        format!("{} {}", self.left, self.right).into()
    }
}

/// The columns that are equal by their names.
fn common_columns(
    left: &[NamedRow],
    right: &[NamedRow],
    condition: &JoinCondition,
    span: &Span,
) -> Result<Vec<CommonColumn>> {
    let names: Vec<Name> = match condition {
        JoinCondition::Always | JoinCondition::On(_) => vec![],
        JoinCondition::Using(names) => names.clone(),
        JoinCondition::Natural => {
            let alone = |column: &&RowColumn| column.alone.is_some();
            let columns = left.iter().flat_map(|row| &row.columns).filter(alone);
            let of_right = |name: &Arc<str>| {
                let mut columns = right.iter().flat_map(|row| &row.columns).filter(alone);
                columns.any(|column| column.name == *name)
            };
            let names = columns
                .map(|column| &column.name)
                .filter(|name| of_right(name));
            names.map(|name| plain_name(name, span)).collect()
        }
    };
    let common = names.iter().map(|name| {
        let find = |rows, side| {
            let column = only_column(rows, name)?;
            let column = column.and_then(|c| Some((c.alone.clone()?, c.ty.clone())));
            column.ok_or_else(|| {
                let message = format!("the {side} side has no column '{}'", name.span.text());
                Error::compile(message).at(&name.span)
            })
        };
        let (of_left, ty) = find(left, "left")?;
        let (of_right, _) = find(right, "right")?;
        Ok(CommonColumn {
            name: name.text.clone(),
            left: of_left,
            right: of_right,
            ty,
        })
    });
    common.collect()
}

/// The condition that columns are equal; none if there are none.
fn equal(common: &[CommonColumn], span: &Span) -> Option<Expr> {
    let variable = |name: &Arc<str>| local(&plain_name(name, span));
    let equal = common.iter().map(|column| {
        let (left, right) = (variable(&column.left), variable(&column.right));
        binary(BinaryOp::Eq, left, right, span, span)
    });
    equal.reduce(|all, next| binary(BinaryOp::And, all, next, span, span))
}

/// Lets one variable stand for the name that columns have in common.
fn make_one<'r>(
    rows: impl IntoIterator<Item = &'r mut NamedRow>,
    common: &CommonColumn,
    one: &Arc<str>,
) {
    for column in rows.into_iter().flat_map(|row| &mut row.columns) {
        if column.alone.as_ref() == Some(&common.left) {
            column.alone = Some(one.clone());
        } else if column.alone.as_ref() == Some(&common.right) {
            column.alone = None;
        }
    }
}

/// A select as the only item, of whose columns the rows are made.
fn selected(
    query: Expr,
    name: &Name,
    columns: Vec<SelectedColumn>,
    rows: Vec<NamedRow>,
) -> JoinedRows {
    let own: Vec<(Arc<str>, Type)> = columns
        .iter()
        .map(|column| (column.name.clone(), column.ty.clone()))
        .collect();
    let mut hidden = NamedRow::new(name.clone(), own);
    hidden.is_hidden = true;
    let outside = |variable: &Arc<str>| {
        let at = columns.iter().position(|column| column.from == *variable)?;
        Some(hidden.columns[at].variable.clone())
    };
    let written = rows.into_iter().filter(|row| !row.is_hidden);
    let mut rows: Vec<NamedRow> = written
        .map(|mut row| {
            for column in &mut row.columns {
                column.variable = outside(&column.variable).unwrap_or_default();
                column.alone = column.alone.as_ref().and_then(outside);
            }
            row
        })
        .collect();
    for column in &mut hidden.columns {
        column.alone = None;
    }
    rows.insert(0, hidden);
    let item = FromItem {
        source: FromSource::Selected(query),
        name: name.clone(),
        is_named: true,
        joined: Joined::Inner(None),
    };
    JoinedRows {
        items: vec![item],
        rows,
        ..JoinedRows::default()
    }
}

/// Adds a column that is never null to a select that is the only item.
fn mark(side: &mut JoinedRows, span: &Span) -> Result<Expr> {
    let name = plain_name("found", span);
    if let [
        FromItem {
            source:
                FromSource::Selected(Expr {
                    kind: ExprKind::Select(select),
                    ..
                }),
            ..
        },
    ] = side.items.as_mut_slice()
        && let [hidden, ..] = side.rows.as_mut_slice()
    {
        // Where it stands it is another select.
        select.span = place(&select.span, 0, 2);
        select.items.push(always(span));
        select.names.push(Some(name.clone()));
        let variable: Arc<str> = format!("{}.{}", hidden.name.text, name.text).into();
        hidden.columns.push(RowColumn {
            name: name.text.clone(),
            ty: Type::Boolean,
            variable: variable.clone(),
            alone: None,
        });
        return Ok(local(&plain_name(&variable, span)));
    }
    Err(Error::compile("this side of the join is no select").at(span))
}

fn always(span: &Span) -> Expr {
    literal(Literal::Bool(true), span)
}

/// No two rows or variables have one name.
fn check_names(all: &JoinedRows) -> Result<()> {
    let written = all.rows.iter().filter(|row| !row.is_hidden);
    let rows = written.map(|row| (&row.name, true));
    let variables = all.variables.iter().map(|name| (name, false));
    let mut names: Vec<(&Name, bool)> = rows.chain(variables).collect();
    names.sort_by_key(|(name, _)| name.span.start);
    for (at, (name, is_row)) in names.iter().enumerate() {
        if names[..at].iter().all(|(known, _)| known.text != name.text) {
            continue;
        }
        let message = format!("'{}' is declared twice", name.span.text());
        let error = Error::compile(message).at(&name.span);
        return Err(match is_row {
            true => error.help("give one of the rows another name: from T a, T b"),
            false => error,
        });
    }
    Ok(())
}

/// The name of a type, or of a table, that a row is called by.
fn written_type(source: &FromSource) -> Option<&Name> {
    match source {
        FromSource::Named(TypeSpec {
            kind: TypeKind::Named(name),
            ..
        }) => Some(name),
        _ => None,
    }
}
