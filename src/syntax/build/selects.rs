//! Selects, and several of them together.

use pest::iterators::Pair;

use super::Builder;
use super::tables::row_of;
use crate::syntax::ast::{
    Combined, Expr, ExprKind, FromItem, FromSource, JoinCondition, JoinKind, Joined, Name,
    OrderKey, RowJoin, Select, SelectKind, SetOperator, TypeKind,
};
use crate::syntax::grammar::Rule;
use crate::text::diagnostic::{Error, Result, Span};

impl Builder<'_> {
    /// A select, or several that are combined from left to right.
    pub(super) fn selects(&self, pair: Pair<'_, Rule>) -> Result<Expr> {
        let mut parts = self.parts(pair);
        let first = self.select(parts.need(self.source)?)?;
        let mut rest = Vec::new();
        while let Some(operator) = parts.next() {
            let all = parts.has(Rule::ALL);
            let right = self.select(parts.need(self.source)?)?;
            rest.push((set_operator(operator.as_str()), all, right));
        }
        let before_last = rest.len().saturating_sub(1);
        let others = rest[..before_last].iter().map(|(_, _, select)| select);
        if !rest.is_empty() {
            [&first]
                .into_iter()
                .chain(others)
                .try_for_each(nothing_behind)?;
        }
        let mut all_so_far = select_expr(first);
        for (at, (operator, all, mut right)) in rest.into_iter().enumerate() {
            let span = all_so_far.span.to(&right.span);
            let mut combined = Combined {
                operator,
                all,
                left: all_so_far,
                order_by: vec![],
                limit: None,
                offset: None,
                right: select_expr(Select::plain(vec![], vec![], span.clone())),
            };
            if at == before_last {
                combined.order_by = std::mem::take(&mut right.order_by);
                combined.limit = right.limit.take();
                combined.offset = right.offset.take();
            }
            combined.right = select_expr(right);
            let kind = ExprKind::Combined(Box::new(combined));
            all_so_far = Expr { kind, span };
        }
        Ok(all_so_far)
    }

    pub(super) fn select(&self, pair: Pair<'_, Rule>) -> Result<Select> {
        let mut select = Select::plain(vec![], vec![], self.span(&pair));
        for part in self.parts(pair) {
            match part.as_rule() {
                Rule::distinct => select.distinct = true,
                Rule::select_kind => select.kind = select_kind(part.as_str()),
                Rule::items => self.items(part, &mut select)?,
                Rule::into => select.into = self.variables(part),
                Rule::from => select.from = self.from(part)?,
                Rule::where_clause => select.filter = Some(self.only_query(part)?),
                Rule::group_by => select.group_by = self.queries(part)?,
                Rule::having => select.having = Some(self.only_query(part)?),
                Rule::order_by => select.order_by = self.order_keys(part)?,
                Rule::offset => select.offset = Some(self.only_query(part)?),
                _ => select.limit = Some(self.only_query(part)?),
            }
        }
        Ok(select)
    }

    fn items(&self, pair: Pair<'_, Rule>, select: &mut Select) -> Result<()> {
        for part in self.parts(pair) {
            match part.as_rule() {
                Rule::item_name | Rule::short_name => {
                    if let Some(name) = select.names.last_mut() {
                        *name = Some(self.name(&part));
                    }
                    continue;
                }
                Rule::all_columns => {
                    let span = self.span(&part);
                    let name = self.name(&part);
                    let row = name.text.strip_suffix(".*").map(|row| Name {
                        text: row.into(),
                        span: span.clone(),
                    });
                    let kind = ExprKind::AllColumns(row);
                    select.items.push(Expr { kind, span });
                }
                _ => select.items.push(self.query(part)?),
            }
            select.names.push(None);
        }
        Ok(())
    }

    pub(super) fn from(&self, pair: Pair<'_, Rule>) -> Result<Vec<FromItem>> {
        let mut items: Vec<FromItem> = vec![];
        // Where the items begin that have been joined with each other.
        let mut first = 0;
        for part in self.parts(pair) {
            match part.as_rule() {
                Rule::joined_item => {
                    let left = items.split_off(first);
                    items.extend(self.joined(part, left)?);
                }
                _ => {
                    first = items.len();
                    items.extend(self.rows_of_from(part)?);
                }
            }
        }
        Ok(items)
    }

    /// One item, or those that stand in parentheses.
    fn rows_of_from(&self, pair: Pair<'_, Rule>) -> Result<Vec<FromItem>> {
        match pair.as_rule() {
            Rule::joined_rows => self.from(pair),
            _ => Ok(vec![self.item_of_from(pair)?]),
        }
    }

    /// What is joined with the items before it. What a row of one item meets or not stays as an item;
    /// other forms are a join of their own.
    fn joined(&self, pair: Pair<'_, Rule>, mut left: Vec<FromItem>) -> Result<Vec<FromItem>> {
        let mut parts = self.parts(pair);
        let join = parts.need(self.source)?;
        let mut right = self.rows_of_from(parts.need(self.source)?)?;
        let word = join.as_str().to_ascii_lowercase();
        let is_natural = word.starts_with("natural");
        let condition = match parts.next() {
            None if is_natural => JoinCondition::Natural,
            None => JoinCondition::Always,
            Some(written) if is_natural => {
                let error =
                    Error::syntax("a natural join has its condition in the names of the columns");
                return Err(error
                    .at(&self.span(&written))
                    .help("leave out either `natural` or the condition"));
            }
            Some(names) if names.as_rule() == Rule::column_names => {
                JoinCondition::Using(self.names(names))
            }
            Some(on) => JoinCondition::On(self.query(on)?),
        };
        let sides = [
            ("left", JoinKind::Left),
            ("right", JoinKind::Right),
            ("full", JoinKind::Full),
        ];
        let side = sides
            .iter()
            .find(|(side, _)| word.split_whitespace().any(|w| w == *side));
        let kind = side.map_or(JoinKind::Inner, |(_, kind)| *kind);
        if let (Some((side, _)), JoinCondition::Always) = (side, &condition) {
            let message = format!("a {side} join has a condition");
            let error = Error::syntax(message).at(&self.span(&join));
            return Err(error.help(format!("write it behind: {side} join T t on t.a = …")));
        }
        let is_plain = |item: &FromItem| !matches!(item.source, FromSource::Together(_));
        let condition = match (kind, condition, right.as_mut_slice()) {
            (JoinKind::Inner, JoinCondition::Always, _) => {
                left.extend(right);
                return Ok(left);
            }
            (JoinKind::Inner, JoinCondition::On(on), [first, ..]) if is_plain(first) => {
                first.joined = Joined::Inner(Some(on));
                left.extend(right);
                return Ok(left);
            }
            (JoinKind::Left, JoinCondition::On(on), [only]) if is_plain(only) => {
                only.joined = Joined::Left(on);
                left.extend(right);
                return Ok(left);
            }
            (_, condition, _) => condition,
        };
        let span = self.span(&join);
        let name = Name {
            text: format!("join {}", span.start).into(),
            span: span.clone(),
        };
        let source = FromSource::Together(Box::new(RowJoin {
            kind,
            left,
            right,
            condition,
            span,
        }));
        Ok(vec![FromItem {
            source,
            name,
            is_named: true,
            joined: Joined::Inner(None),
        }])
    }

    fn item_of_from(&self, pair: Pair<'_, Rule>) -> Result<FromItem> {
        let mut parts = self.parts(pair);
        let source = parts.need(self.source)?;
        let span = self.span(&source);
        let source = match source.as_rule() {
            Rule::selected_rows => {
                FromSource::Selected(self.selects(self.parts(source).need(self.source)?)?)
            }
            _ => FromSource::Named(self.type_spec(source)?),
        };
        let written = parts.next().map(|name| self.name(&name));
        let is_named = written.is_some();
        let name = match (written, &source) {
            (Some(name), _) => name,
            (None, FromSource::Named(ty)) => match &ty.kind {
                TypeKind::Named(name) => row_of(name),
                _ => return Err(nameless(&span, "a variable")),
            },
            // Columns of it are named alone.
            (None, FromSource::Selected(_) | FromSource::Together(_)) => Name {
                text: format!("select {}", span.start).into(),
                span,
            },
        };
        Ok(FromItem {
            source,
            name,
            is_named,
            joined: Joined::Inner(None),
        })
    }

    fn order_keys(&self, pair: Pair<'_, Rule>) -> Result<Vec<OrderKey>> {
        self.parts(pair)
            .map(|key| {
                let mut parts = self.parts(key);
                Ok(OrderKey {
                    expr: self.query(parts.need(self.source)?)?,
                    descending: parts.has(Rule::DESC),
                })
            })
            .collect()
    }
}

pub(super) fn select_expr(select: Select) -> Expr {
    let span = select.span.clone();
    Expr {
        kind: ExprKind::Select(Box::new(select)),
        span,
    }
}

/// Order, limit and offset of several selects stand behind the last.
fn nothing_behind(select: &Select) -> Result<()> {
    let order = select.order_by.iter().map(|key| &key.expr);
    let mut behind = order.chain(&select.limit).chain(&select.offset);
    match behind.next() {
        None => Ok(()),
        Some(misplaced) => Err(Error::syntax(
            "order, limit and offset are about all selects, and stand at the end",
        )
        .at(&misplaced.span)),
    }
}

fn nameless(span: &Span, what: &str) -> Error {
    Error::syntax(format!("this has no name: write {what} behind it")).at(span)
}

fn set_operator(word: &str) -> SetOperator {
    match word.to_ascii_lowercase().as_str() {
        "union" => SetOperator::Union,
        "intersect" => SetOperator::Intersect,
        _ => SetOperator::Except,
    }
}

fn select_kind(word: &str) -> SelectKind {
    match word.to_ascii_lowercase().as_str() {
        "vector" => SelectKind::Vector,
        "array" => SelectKind::Array,
        "stream" => SelectKind::Stream,
        _ => SelectKind::Bag,
    }
}
