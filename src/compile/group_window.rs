//! Keys of `group by` that are windows of time: `group by r["room"], window(60)`.

use super::Compiler;
use super::names::free;
use super::query::Draft;
use super::used_by;
use crate::catalog::Catalog;
use crate::model::Type;
use crate::model::native::{CallForm, GroupWindowForm};
use crate::plan::used::slots_bound_by;
use crate::plan::{Pattern, PlanExpr, RowTime, Slot, Step, Sub, TIME_FIELDS, uses};
use crate::syntax::ast::{self, ExprKind, Name, Variable};
use crate::text::diagnostic::{Error, Result, Span};

/// A window among the keys.
#[derive(Clone)]
pub(super) struct WindowKey {
    pub form: GroupWindowForm,
    pub sizes: Vec<PlanExpr>,
    /// The columns with the time of a row.
    pub time: (RowTime, Vec<PlanExpr>),
    pub start: Slot,
    pub end: Slot,
    pub span: Span,
}

impl Compiler<'_> {
    /// The windows that a key says; `None` for another key.
    pub(super) fn window_key(&mut self, key: &ast::Expr) -> Result<Option<WindowKey>> {
        let ExprKind::Call { function, args } = &key.kind else {
            return Ok(None);
        };
        let CallForm::GroupWindow(form) = self.call_form(function) else {
            return Ok(None);
        };
        // That the arguments fit, the call itself says.
        self.fragment(|c| c.call_checked(function, args, &key.span))?;
        let (time, sizes) = match args.split_first() {
            Some((time, sizes)) if form.explicit_time => {
                let fragment = self.fragment(|c| c.expr(time))?;
                let time = vec![self.single(fragment).0];
                ((RowTime::Column, time), sizes)
            }
            _ => (self.row_time(key)?, args.as_slice()),
        };
        let mut compiled = Vec::with_capacity(sizes.len());
        for size in sizes {
            if let Some(name) = free(size)
                .into_iter()
                .find(|name| self.differs_by_row(name))
            {
                let message = "the size of a window is the same for all rows";
                return Err(Error::compile(message).at(&name.span));
            }
            let fragment = self.fragment(|c| c.expr(size))?;
            compiled.push(self.splice(fragment).0);
        }
        let bound = || Type::timeval(Type::Object);
        Ok(Some(WindowKey {
            form,
            sizes: compiled,
            time,
            start: self.numbered(bound()),
            end: self.numbered(bound()),
            span: key.span.clone(),
        }))
    }

    /// The slot of the bound of its window that an expression asks for.
    pub(super) fn window_bound(
        &self,
        expr: &ast::Expr,
        window: Option<&WindowKey>,
    ) -> Result<Option<Slot>> {
        let ExprKind::Call { function, .. } = &expr.kind else {
            return Ok(None);
        };
        let CallForm::WindowBound { end } = self.call_form(function) else {
            return Ok(None);
        };
        match window {
            Some(window) => Ok(Some(if end { window.end } else { window.start })),
            None => Err(no_windows(expr)),
        }
    }

    /// The variable that has the time of a row: that of the stream, or else the first that is declared to
    /// be stamped or a record.
    fn row_time(&mut self, key: &ast::Expr) -> Result<(RowTime, Vec<PlanExpr>)> {
        let of_stream = self.top().steps.iter().find_map(|step| match step {
            Step::Iterate {
                pattern: Pattern::Bind(slot, _),
                stream: true,
                ..
            } => Some(*slot),
            _ => None,
        });
        let first_of_vector = self.top().steps.iter().find_map(|step| match step {
            Step::Iterate {
                pattern: Pattern::Vector(parts),
                stream: true,
                ..
            } => match parts.first() {
                Some(Pattern::Bind(slot, _)) => Some(*slot),
                _ => None,
            },
            _ => None,
        });
        let vars = &self.top().vars;
        let may_have_time = |slot: &Slot| {
            let ty = &vars[*slot].ty;
            matches!(
                ty,
                Type::Timeval(_) | Type::Record | Type::Vector(_) | Type::Object
            )
        };
        let declared = |wanted: fn(&Type) -> bool| {
            vars.iter()
                .position(|var| var.span.is_some() && var.bound && wanted(&var.ty))
        };
        let slot = of_stream
            .filter(may_have_time)
            .or_else(|| declared(|ty| matches!(ty, Type::Timeval(_))))
            .or_else(|| declared(|ty| matches!(ty, Type::Record)))
            .or(first_of_vector);
        match slot {
            Some(slot) => match self.time_fields(slot, key)? {
                Some(fields) => Ok((RowTime::Fields, fields)),
                None => Ok((RowTime::Column, vec![PlanExpr::Slot(slot)])),
            },
            None => Err(Error::compile("nothing says the time of a row")
                .at(&key.span)
                .help("a stream of stamped values or of records with a time has it")
                .help("window_on(time,size) takes the time of a row by an expression")),
        }
    }

    /// The fields of a record in which its time may be, so that they alone are read of it; `None` for a
    /// variable that is declared otherwise.
    fn time_fields(&mut self, slot: Slot, key: &ast::Expr) -> Result<Option<Vec<PlanExpr>>> {
        let var = &self.top().vars[slot];
        let Some(declared) = var.span.clone().filter(|_| var.ty == Type::Record) else {
            return Ok(None);
        };
        let text = var.name.clone();
        let span = key.span.clone();
        let variable = Variable::Local(Name {
            text,
            span: declared,
        });
        let field = |name: &str| ast::Expr {
            kind: ExprKind::Index {
                base: Box::new(ast::Expr {
                    kind: ExprKind::Variable(variable.clone()),
                    span: span.clone(),
                }),
                indices: vec![ast::Expr {
                    kind: ExprKind::Literal(ast::Literal::Str(name.into())),
                    span: span.clone(),
                }],
            },
            span: span.clone(),
        };
        let mut fields = Vec::with_capacity(TIME_FIELDS.len());
        for name in TIME_FIELDS {
            let fragment = self.fragment(|c| c.expr(&field(name)))?;
            fields.push(self.splice(fragment).0);
        }
        Ok(Some(fields))
    }

    /// The steps of the topmost frame so far as a query of its own with these results, of which a row has
    /// the first `required`. Its variables keep their slots.
    pub(super) fn rest_of_frame(&mut self, columns: Vec<PlanExpr>, required: usize) -> Sub {
        let steps = std::mem::take(&mut self.top().steps);
        // Arguments of a function are in the same frame.
        let bound: Vec<Slot> = steps.iter().flat_map(slots_bound_by).collect();
        let given = (0..self.top().vars.len()).filter(|slot| !bound.contains(slot));
        let captured: Vec<Slot> = given.collect();
        let names = self.top().vars.iter().map(|var| var.name.clone()).collect();
        let query = Draft::of_contributions(steps, columns, required, names).finish(self.catalog);
        Sub {
            query: query.into(),
            captures: captured.into_iter().map(|slot| (slot, slot)).collect(),
            stream: true,
        }
    }
}

/// The error for a bound of a window where there are none.
pub(super) fn no_windows(expr: &ast::Expr) -> Error {
    Error::compile("there are no windows whose bounds these could be")
        .at(&expr.span)
        .help("`group by …, window(60)` makes windows of a minute")
}

/// Whether a query calls what gives elements that arrive over time, itself or through functions.
pub(super) fn is_live(catalog: &Catalog, rows: &Sub) -> bool {
    let mut seen: Vec<u64> = Vec::new();
    let mut left = uses::of_query(&rows.query);
    while let Some(function) = left.pop() {
        if seen.contains(&function.id()) {
            continue;
        }
        seen.push(function.id());
        if function.native().is_some_and(|native| native.live) {
            return true;
        }
        // What cannot be looked into says so when it is called.
        left.extend(used_by(catalog, &function).unwrap_or_default());
    }
    false
}
