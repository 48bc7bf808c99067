//! Selects, and several of them together.

use pest::iterators::Pair;

use super::Builder;
use super::tables::row_of;
use crate::syntax::ast::{
    Combined, Expr, ExprKind, FromItem, FromSource, Joined, Name, OrderKey, Select, SelectKind,
    SetOperator, TypeKind,
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
                Rule::item_name => {
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
        // Whether the last of them is joined with those before it.
        let mut is_joined = false;
        for part in self.parts(pair) {
            if part.as_rule() != Rule::joined_item {
                items.push(self.item_of_from(part)?);
                is_joined = false;
                continue;
            }
            let before = items.last_mut().filter(|_| !is_joined);
            let item = self.joined_item(part, before)?;
            items.push(item);
            is_joined = true;
        }
        Ok(items)
    }

    /// What is joined. A right join is a left join of the row before, if that is one row.
    fn joined_item(&self, pair: Pair<'_, Rule>, before: Option<&mut FromItem>) -> Result<FromItem> {
        let mut parts = self.parts(pair);
        let join = parts.need(self.source)?;
        let mut item = self.item_of_from(parts.need(self.source)?)?;
        let condition = parts.next().map(|on| self.query(on)).transpose()?;
        let word = join.as_str().to_ascii_lowercase();
        let side = ["left", "right"]
            .into_iter()
            .find(|side| word.starts_with(side));
        item.joined = match (side, condition) {
            (Some("left"), Some(condition)) => Joined::Left(condition),
            (Some(_), Some(condition)) => {
                let Some(before) = before else {
                    let error = Error::syntax("a right join of rows that are joined");
                    return Err(error.at(&self.span(&join)).help(
                        "put them behind as a left join: from U u left join (select … from S s join T t on …) r on …",
                    ));
                };
                before.joined = Joined::Left(condition);
                Joined::Inner(None)
            }
            (Some(side), None) => {
                let message = format!("a {side} join has a condition");
                let error = Error::syntax(message).at(&self.span(&join));
                return Err(error.help(format!("write it behind: {side} join T t on t.a = …")));
            }
            (None, condition) => Joined::Inner(condition),
        };
        Ok(item)
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
            (None, FromSource::Selected(_)) => return Err(nameless(&span, "a name for its rows")),
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
