//! Keys of `group by` that are windows of time: `group by r["room"], window(60)`.

use super::Compiler;
use super::names::free;
use super::query::Draft;
use super::used_by;
use crate::catalog::Catalog;
use crate::model::Type;
use crate::model::native::{CallForm, GroupWindowForm};
use crate::plan::used::slots_bound_by;
use crate::plan::{Pattern, PlanExpr, Slot, Step, Sub, uses};
use crate::syntax::ast::{self, ExprKind};
use crate::text::diagnostic::{Error, Result, Span};

/// A window among the keys.
#[derive(Clone)]
pub(super) struct WindowKey {
    pub form: GroupWindowForm,
    pub sizes: Vec<PlanExpr>,
    /// What has the time of a row.
    pub time: PlanExpr,
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
                (self.single(fragment).0, sizes)
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
    fn row_time(&mut self, key: &ast::Expr) -> Result<PlanExpr> {
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
            Some(slot) => Ok(PlanExpr::Slot(slot)),
            None => Err(Error::compile("nothing says the time of a row")
                .at(&key.span)
                .help("a stream of stamped values or of records with a time has it")
                .help("window_on(time,size) takes the time of a row by an expression")),
        }
    }

    /// The steps of the topmost frame so far as a query of its own with these results. Its variables keep
    /// their slots.
    pub(super) fn rest_of_frame(&mut self, columns: Vec<PlanExpr>) -> Sub {
        let steps = std::mem::take(&mut self.top().steps);
        // Arguments of a function are in the same frame.
        let bound: Vec<Slot> = steps.iter().flat_map(slots_bound_by).collect();
        let given = (0..self.top().vars.len()).filter(|slot| !bound.contains(slot));
        let captured: Vec<Slot> = given.collect();
        let names = self.top().vars.iter().map(|var| var.name.clone()).collect();
        let query = Draft::of_rows(steps, columns, names).finish(self.catalog);
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
