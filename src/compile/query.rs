//! Select queries: their variables, conditions, results, order and limit.

use std::sync::Arc;

use super::frame::{Captures, Fragment, Frame};
use super::names::{children, normalized};
use crate::catalog::fit::fit;
use crate::catalog::{Catalog, signature};
use crate::compile::planner::Conjunct;
use crate::compile::{Compiler, batch, fields, join, narrow, rows, windows};
use crate::model::function::Param;
use crate::model::{Type, Value};
use crate::plan::{
    Order, PlanExpr, Query, QueryOutput, ResultCollections, Slot, Step, Sub, Traceable, used,
};
use crate::syntax::ast::{self, ExprKind, Select, SelectKind};
use crate::text::diagnostic::{Error, Result, Span};

/// A query that is not finished: what is found out about the whole of it is not there yet, so that
/// it can still be changed.
pub struct Draft(Query);

impl Draft {
    /// A finished query that has been changed, without what was found out about it.
    pub fn of_query(mut query: Query) -> Draft {
        query.batch = None;
        query.traceable = None;
        Draft(query)
    }

    /// The query that a fragment is by itself.
    pub fn of_fragment(fragment: Fragment) -> Draft {
        let Fragment { frame, expr, ty } = fragment;
        let collections = match &ty {
            ty if ty.is_collection() => ResultCollections::Elements,
            Type::Object => ResultCollections::Unknown,
            _ => ResultCollections::Whole,
        };
        let ty = ty.element_of_collection();
        let output = QueryOutput {
            columns: vec![expr],
            collections,
        };
        Draft(assemble(frame, output, ty))
    }

    /// The query with these steps, whose variables have these names. Of its results a row has the first
    /// `required`; those behind may have no value.
    pub fn of_contributions(
        steps: Vec<Step>,
        columns: Vec<PlanExpr>,
        required: usize,
        names: Vec<Arc<str>>,
    ) -> Draft {
        let frame = Frame {
            steps,
            ..Frame::default()
        };
        let output = QueryOutput {
            columns,
            collections: ResultCollections::Contributions { required },
        };
        let mut query = assemble(frame, output, Type::vector(Type::Object));
        query.slots = names.len();
        query.names = names;
        Draft(query)
    }

    /// The query whose one value is the fragment's, a collection as a whole.
    pub fn of_value(fragment: Fragment) -> Draft {
        let ty = fragment.ty.clone();
        let mut draft = Draft::of_fragment(fragment).kept_whole();
        draft.0.ty = ty;
        draft
    }

    /// The same at a place in the source.
    pub fn at(mut self, span: &Span) -> Draft {
        self.0.span = Some(span.clone());
        self
    }

    /// The same, but a collection that comes out stays whole.
    pub fn kept_whole(mut self) -> Draft {
        self.0.output.collections = ResultCollections::Whole;
        self
    }

    /// The query with all that is found out about it once nothing changes any more.
    pub fn finish(self, catalog: &Catalog) -> Query {
        let (mut rewritten, mut replaced) = (None, vec![]);
        for rewrite in [windows::slide, fields::ask] {
            if let Some((query, of)) = rewrite(rewritten.as_ref().unwrap_or(&self.0), catalog) {
                rewritten = Some(query);
                replaced.extend(of);
            }
        }
        let Some(rewritten) = rewritten else {
            return self.lowered(catalog);
        };
        let mut query = Draft(rewritten).lowered(catalog);
        query.traceable = Some(Traceable {
            replaced,
            query: Arc::new(self.lowered(catalog)),
        });
        query
    }

    /// The query as it stands, with what its steps and its batches are made of.
    fn lowered(self, catalog: &Catalog) -> Query {
        let mut query = self.0;
        // Its rows are a query of their own.
        if query.window().is_some() {
            return query;
        }
        narrow::narrow(&mut query.steps);
        used::find_optional(&mut query);
        join::join(&mut query, catalog);
        used::find_copies(&mut query);
        query.batch = batch::lower(&query, catalog).map(Arc::new);
        query
    }
}

fn assemble(frame: Frame, output: QueryOutput, ty: Type) -> Query {
    Query {
        slots: frame.vars.len(),
        names: frame.vars.iter().map(|v| v.name.clone()).collect(),
        steps: frame.steps,
        output,
        distinct: false,
        order: vec![],
        limit: None,
        offset: None,
        constants: vec![],
        group: None,
        ty,
        batch: None,
        scalar: None,
        traceable: None,
        span: None,
    }
}

/// The expression that a select is: a bag, a vector or a stream.
pub fn of_kind(kind: SelectKind, query: Arc<Query>, captures: Captures) -> (PlanExpr, Type) {
    let ty = query.ty.clone();
    let sub = |stream| {
        Box::new(Sub {
            query,
            captures,
            stream,
        })
    };
    match kind {
        SelectKind::Bag => (PlanExpr::Sub(sub(false)), Type::bag(ty)),
        SelectKind::Stream => (PlanExpr::Sub(sub(true)), Type::stream(ty)),
        SelectKind::Vector | SelectKind::Array => (PlanExpr::Collect(sub(false)), Type::vector(ty)),
    }
}

/// Which collections among a select's results stay whole instead of being taken element by element.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Whole {
    Nothing,
    /// Streams: the select is a vector of them, or an argument that is a bag of streams.
    Streams,
    /// The last result: the value of an update.
    LastResult,
}

impl Compiler<'_> {
    /// Compiles a select in a frame of its own; gives what it captures from the frames around.
    pub(super) fn sub_query(&mut self, select: &Select, whole: Whole) -> Result<(Query, Captures)> {
        self.push_frame();
        let compiled = self.select_parts(select, &[], whole);
        let frame = self.pop_frame();
        let parts = compiled?;
        let captures = frame.captures.clone();
        let draft = parts.into_draft(frame).at(&select.span);
        Ok((draft.finish(self.catalog), captures))
    }

    /// Compiles a select in the topmost frame, which it uses up.
    pub(super) fn select_here(mut self, select: &Select, columns: &[Param]) -> Result<Draft> {
        let parts = self.select_parts(select, columns, Whole::Nothing)?;
        let frame = self.pop_frame();
        Ok(parts.into_draft(frame).at(&select.span))
    }

    fn select_parts(&mut self, select: &Select, columns: &[Param], whole: Whole) -> Result<Parts> {
        let limit = select.limit.as_ref().map(|limit| self.limit(limit));
        let offset = select.offset.as_ref().map(|offset| self.limit(offset));
        let (limit, offset) = (limit.transpose()?, offset.transpose()?);
        let constants = self.constants(&select.constants)?;
        let given = self.declare(&select.from)?;
        self.declare_columns(select, columns);
        let rest = select
            .items
            .iter()
            .chain(&select.group_by)
            .chain(&select.having);
        let rest: Vec<_> = rest
            .chain(select.order_by.iter().map(|key| &key.expr))
            .collect();
        self.plan_conditions(given, select.filter.as_ref(), &rest)?;
        let whole = match select.kind {
            // A vector may have streams as elements.
            SelectKind::Vector => Whole::Streams,
            _ => whole,
        };
        let mut parts = if select.group_by.is_empty() && !select.grouped {
            self.results(select, whole)?
        } else {
            self.grouped(select, whole)?
        };
        if select.of_rows {
            parts.keep_rows();
        }
        (parts.limit, parts.offset, parts.constants) = (limit, offset, constants);
        parts.distinct = select.distinct;
        Ok(parts)
    }

    /// Declares the variables of a `from` clause, without values yet. The conditions that bind the columns
    /// of its rows are given back.
    pub(super) fn declare(&mut self, from: &[ast::FromItem]) -> Result<Vec<Conjunct>> {
        let mut given = vec![];
        for item in from {
            let name = &item.name;
            let ty = match &item.source {
                ast::FromSource::Named(ty) => ty,
                ast::FromSource::Selected(_) => {
                    given.push(self.declare_row(item, None)?);
                    continue;
                }
            };
            if let ast::TypeKind::Named(named) = &ty.kind
                && let Some(function) = rows::rows_of(self.catalog, named)
            {
                given.push(self.declare_row(item, Some(function))?);
                continue;
            }
            let ty = signature::of(ty, &self.catalog.types)?;
            let declared = self.top().find(&name.text);
            if declared.is_some_and(|slot| self.top().vars[slot].span.is_some()) {
                let message = format!("'{}' is declared twice", name.span.text());
                return Err(Error::compile(message).at(&name.span));
            }
            self.top()
                .add(name.text.clone(), ty, false, Some(name.span.clone()));
        }
        Ok(given)
    }

    /// Gives variables to what is the same for all rows.
    fn constants(&mut self, constants: &[(ast::Name, ast::Expr)]) -> Result<Vec<(Slot, PlanExpr)>> {
        let mut values = vec![];
        for (name, query) in constants {
            let (value, ty) = self.as_value(query)?;
            let slot = self.top().add(name.text.clone(), ty, true, None);
            self.top().vars[slot].nullable = true;
            values.push((slot, value.or_null()));
        }
        Ok(values)
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

    fn limit(&mut self, limit: &ast::Expr) -> Result<PlanExpr> {
        let fragment = self.fragment(|c| c.expr(limit))?;
        let ty = fragment.whole_type();
        if fit(&ty, &Type::Number).is_none() || ty.is_collection() {
            return Err(Error::compile(format!("a limit is one number, not {ty}")).at(&limit.span));
        }
        Ok(self.splice(fragment).0)
    }

    fn results(&mut self, select: &Select, whole: Whole) -> Result<Parts> {
        let (columns, types) = self.columns(&select.items, whole)?;
        let order = self.order(select, &columns)?;
        Ok(Parts::new(columns, types, order))
    }

    /// The results of each row: bags and streams among them are taken element by element, save those
    /// that stay whole.
    pub(super) fn columns(
        &mut self,
        items: &[ast::Expr],
        whole: Whole,
    ) -> Result<(Vec<PlanExpr>, Vec<Type>)> {
        let mut columns = Vec::with_capacity(items.len());
        let mut types = Vec::with_capacity(items.len());
        for (i, item) in items.iter().enumerate() {
            let fragment = self.fragment(|c| c.expr(item))?;
            let ty = fragment.whole_type();
            let stays = match whole {
                Whole::Nothing => false,
                Whole::Streams => matches!(ty, Type::Stream(_)),
                Whole::LastResult => i + 1 == items.len() && ty.is_collection(),
            };
            let (expr, ty) = if stays {
                (self.wrap(fragment), ty)
            } else if whole == Whole::LastResult && i + 1 == items.len() {
                // A row without a value sets nothing in the place of what there is.
                let (value, ty) = self.splice(fragment);
                (PlanExpr::Singleton(Box::new(value)), ty)
            } else {
                self.single(fragment)
            };
            columns.push(expr);
            types.push(ty);
        }
        Ok((columns, types))
    }

    /// The sort keys. `columns` are the results, in the order of the select's items.
    pub(super) fn order(&mut self, select: &Select, columns: &[PlanExpr]) -> Result<Vec<Order>> {
        let mut order = Vec::with_capacity(select.order_by.len());
        for key in &select.order_by {
            order.push(Order {
                key: self.sort_key(&key.expr, select, columns)?,
                descending: key.descending,
            });
        }
        Ok(order)
    }

    /// A key has one value for each row. What is among the results as well is meant as it stands there,
    /// so that a bag gives the element of the row. Another bag stays whole: it may turn out to have one
    /// element.
    fn sort_key(
        &mut self,
        key: &ast::Expr,
        select: &Select,
        columns: &[PlanExpr],
    ) -> Result<PlanExpr> {
        let fragment = self.fragment(|c| c.expr(key))?;
        if !fragment.whole_type().is_collection() {
            return Ok(self.splice(fragment).0);
        }
        let text = normalized(key);
        if let Some(item) = select.items.iter().position(|i| normalized(i) == text) {
            return Ok(columns[item].clone());
        }
        if self.is_declared_many(key)? {
            return Err(several_keys(key.span.text()).at(&key.span));
        }
        Ok(self.wrap(fragment))
    }

    /// Whether the expression has many values by the declaration of a function, not only because a
    /// query that is declared to have one may find more.
    fn is_declared_many(&self, expr: &ast::Expr) -> Result<bool> {
        if let ExprKind::Call { function, .. } = &expr.kind {
            let resolvents = self.catalog.functions.named(function)?;
            if resolvents
                .iter()
                .all(|f| f.signature.result_type().is_collection())
            {
                return Ok(true);
            }
        }
        if self.hides_collections(expr)? {
            return Ok(matches!(expr.kind, ExprKind::Bag(_)));
        }
        for child in children(expr) {
            if self.is_declared_many(child)? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// The error for a sort key with several values for one row.
pub fn several_keys(key: &str) -> Error {
    Error::compile(format!(
        "a row is sorted by one value, but '{key}' gives several"
    ))
    .help(format!("sort by one of them: min({key}) or max({key})"))
    .help(format!(
        "or make a row of each: `… where k in {key} order by k`"
    ))
}

/// What a select is made of, beside its frame.
pub(super) struct Parts {
    columns: Vec<PlanExpr>,
    ty: Type,
    order: Vec<Order>,
    distinct: bool,
    limit: Option<PlanExpr>,
    offset: Option<PlanExpr>,
    constants: Vec<(Slot, PlanExpr)>,
    pub group: Option<crate::plan::Group>,
}

impl Parts {
    pub fn new(columns: Vec<PlanExpr>, types: Vec<Type>, order: Vec<Order>) -> Parts {
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
            offset: None,
            constants: vec![],
            group: None,
        }
    }

    /// A result or sort key that has no value is null, so that no row is left out for it.
    fn keep_rows(&mut self) {
        let null = PlanExpr::Const(Value::Null);
        for column in &mut self.columns {
            let value = std::mem::replace(column, null.clone());
            *column = value.or_null();
        }
        for order in &mut self.order {
            let key = std::mem::replace(&mut order.key, null.clone());
            order.key = key.or_null();
        }
    }

    fn into_draft(self, frame: Frame) -> Draft {
        let collections = match &self.ty {
            Type::Object if self.columns.len() == 1 => ResultCollections::Unknown,
            _ => ResultCollections::Whole,
        };
        let mut query = assemble(
            frame,
            QueryOutput {
                columns: self.columns,
                collections,
            },
            self.ty,
        );
        query.distinct = self.distinct;
        query.order = self.order;
        query.limit = self.limit;
        query.offset = self.offset;
        query.constants = self.constants;
        query.group = self.group;
        Draft(query)
    }
}
