//! Select queries: their variables, conditions, results, order and limit.

use std::sync::{Arc, OnceLock};

use super::frame::{Fragment, Frame};
use crate::catalog::fit::fit;
use crate::catalog::{Catalog, signature};
use crate::compile::{Compiler, windows};
use crate::model::Type;
use crate::model::function::Param;
use crate::plan::{Expr, Order, Output, Query, Slot, Sub, used};
use crate::syntax::ast::{self, Select, SelectKind};
use crate::text::diagnostic::{Error, Result};

/// The query that a fragment is by itself.
pub fn of_fragment(fragment: Fragment, catalog: &Catalog) -> Query {
    let Fragment { frame, expr, ty } = fragment;
    let flatten = ty.is_collection() || ty == Type::Object;
    let ty = ty.element_of_collection();
    let output = Output {
        columns: vec![expr],
        flatten,
    };
    let mut query = assemble(frame, output, ty);
    finish(&mut query, catalog);
    query
}

/// What is found out about a query when all of it is there.
fn finish(query: &mut Query, catalog: &Catalog) {
    windows::slide(query, catalog);
    used::find_copies(query);
}

fn assemble(frame: Frame, output: Output, ty: Type) -> Query {
    Query {
        slots: frame.vars.len(),
        names: frame.vars.iter().map(|v| v.name.clone()).collect(),
        steps: frame.steps,
        output,
        distinct: false,
        order: vec![],
        limit: None,
        group: None,
        ty,
        batch: OnceLock::new(),
    }
}

/// The expression that a select is: a bag, a vector or a stream.
pub fn of_kind(kind: SelectKind, query: Query, captures: Vec<(Slot, Slot)>) -> (Expr, Type) {
    let ty = query.ty.clone();
    let sub = |stream| {
        Box::new(Sub {
            query: Arc::new(query),
            captures,
            stream,
        })
    };
    match kind {
        SelectKind::Bag => (Expr::Sub(sub(false)), Type::bag(ty)),
        SelectKind::Stream => (Expr::Sub(sub(true)), Type::stream(ty)),
        SelectKind::Vector => (Expr::Collect(sub(false)), Type::vector(ty)),
    }
}

impl Compiler<'_> {
    /// Compiles a select in a frame of its own; gives what it captures from the frames around.
    pub(super) fn sub_query(
        &mut self,
        select: &Select,
        columns: &[Param],
    ) -> Result<(Query, Vec<(Slot, Slot)>)> {
        self.push_frame();
        let compiled = self.select_parts(select, columns);
        let frame = self.pop_frame();
        let parts = compiled?;
        let captures = frame.captures.clone();
        Ok((parts.into_query(frame, self.catalog), captures))
    }

    /// Compiles a select in the topmost frame, which it uses up.
    pub(super) fn select_here(mut self, select: &Select, columns: &[Param]) -> Result<Query> {
        let parts = self.select_parts(select, columns)?;
        let frame = self.pop_frame();
        Ok(parts.into_query(frame, self.catalog))
    }

    fn select_parts(&mut self, select: &Select, columns: &[Param]) -> Result<Parts> {
        let limit = select
            .limit
            .as_ref()
            .map(|limit| self.limit(limit))
            .transpose()?;
        self.declare(&select.from)?;
        self.declare_columns(select, columns);
        let rest = select.items.iter().chain(&select.group_by);
        let rest: Vec<_> = rest
            .chain(select.order_by.iter().map(|key| &key.expr))
            .collect();
        self.plan_conditions(select.filter.as_ref(), &rest)?;
        let mut parts = if select.group_by.is_empty() {
            self.results(select)?
        } else {
            self.grouped(select)?
        };
        parts.limit = limit;
        parts.distinct = select.distinct;
        Ok(parts)
    }

    /// Declares the variables of a `from` clause, without values yet.
    pub(super) fn declare(&mut self, from: &[ast::Declaration]) -> Result<()> {
        for declaration in from {
            let ty = signature::of(&declaration.ty, &self.catalog.types)?;
            let name = &declaration.name;
            let declared = self.top().find(&name.text);
            if declared.is_some_and(|slot| self.top().vars[slot].span.is_some()) {
                let message = format!("'{}' is declared twice", name.span.text());
                return Err(Error::compile(message).at(&name.span));
            }
            self.top()
                .add(name.text.clone(), ty, false, Some(name.span.clone()));
        }
        Ok(())
    }

    /// The named result columns of a function are variables of its query, if it uses them.
    fn declare_columns(&mut self, select: &Select, columns: &[Param]) {
        let used: Vec<_> = super::names::parts(select)
            .into_iter()
            .flat_map(super::names::free)
            .collect();
        for column in columns {
            let Some(name) = &column.name else { continue };
            let use_of = used.iter().find(|n| n.text == *name);
            if let (Some(use_of), None) = (use_of, self.top().find(name)) {
                let span = Some(use_of.span.clone());
                self.top().add(name.clone(), column.ty.clone(), false, span);
            }
        }
    }

    fn limit(&mut self, limit: &ast::Expr) -> Result<Expr> {
        let fragment = self.fragment(|c| c.expr(limit))?;
        let ty = fragment.whole_type();
        if fit(&ty, &Type::Number).is_none() || ty.is_collection() {
            return Err(Error::compile(format!("a limit is one number, not {ty}")).at(&limit.span));
        }
        Ok(self.splice(fragment).0)
    }

    fn results(&mut self, select: &Select) -> Result<Parts> {
        let (columns, types) = self.columns(&select.items, select.kind)?;
        let order = self.order(select)?;
        Ok(Parts::new(columns, types, order))
    }

    /// The results of each row: bags and streams among them are taken element by element, but a
    /// vector may have streams as elements.
    pub(super) fn columns(
        &mut self,
        items: &[ast::Expr],
        kind: SelectKind,
    ) -> Result<(Vec<Expr>, Vec<Type>)> {
        let keep_streams = kind == SelectKind::Vector || self.keep_streams;
        let keep_last = std::mem::take(&mut self.keep_value);
        self.keep_streams = false;
        let mut columns = Vec::with_capacity(items.len());
        let mut types = Vec::with_capacity(items.len());
        for (i, item) in items.iter().enumerate() {
            let fragment = self.fragment(|c| c.expr(item))?;
            let ty = fragment.whole_type();
            let keep = keep_streams && matches!(ty, Type::Stream(_))
                || keep_last && i + 1 == items.len() && ty.is_collection();
            let (expr, ty) = if keep {
                (self.wrap(fragment), ty)
            } else {
                self.single(fragment)
            };
            columns.push(expr);
            types.push(ty);
        }
        Ok((columns, types))
    }

    pub(super) fn order(&mut self, select: &Select) -> Result<Vec<Order>> {
        let key = |key: &ast::OrderKey| {
            let fragment = self.fragment(|c| c.expr(&key.expr))?;
            let (expr, _) = self.single(fragment);
            Ok(Order {
                key: expr,
                descending: key.descending,
            })
        };
        select.order_by.iter().map(key).collect()
    }
}

/// What a select is made of, beside its frame.
pub(super) struct Parts {
    columns: Vec<Expr>,
    ty: Type,
    order: Vec<Order>,
    distinct: bool,
    limit: Option<Expr>,
    pub group: Option<crate::plan::Group>,
}

impl Parts {
    pub fn new(columns: Vec<Expr>, types: Vec<Type>, order: Vec<Order>) -> Parts {
        let ty = match types.as_slice() {
            [one] => one.clone(),
            several => Type::Tuple(several.into()),
        };
        Parts {
            columns,
            ty,
            order,
            distinct: false,
            limit: None,
            group: None,
        }
    }

    fn into_query(self, frame: Frame, catalog: &Catalog) -> Query {
        let flatten = self.columns.len() == 1 && self.ty == Type::Object;
        let mut query = assemble(
            frame,
            Output {
                columns: self.columns,
                flatten,
            },
            self.ty,
        );
        query.distinct = self.distinct;
        query.order = self.order;
        query.limit = self.limit;
        query.group = self.group;
        finish(&mut query, catalog);
        query
    }
}
