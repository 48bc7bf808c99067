//! Conditions that look up the rows of stored functions, or of views of them, in any direction.

use std::sync::Arc;

use super::planner::Rank;
use crate::catalog::Catalog;
use crate::catalog::fit::Mode;
use crate::catalog::overloads::choose;
use crate::compile::{Compiler, inverse};
use crate::model::function::{FunctionBody, View};
use crate::model::{Function, Type, Value};
use crate::plan::used::{slots_of_expr, slots_of_pattern};
use crate::plan::{Lookup, LookupColumn, Pattern, PlanExpr, Step};
use crate::syntax::ast::{self, ExprKind, Variable};
use crate::text::diagnostic::{Error, Result};

/// A call of a stored function, or of a view of one.
pub(super) struct StoredCall {
    pub function: Arc<Function>,
    pub view: Option<View>,
    pub args: Vec<ast::Expr>,
}

impl Compiler<'_> {
    /// The call of a stored function that `expr` is, if its arguments are values or unbound variables.
    pub(super) fn stored_call(&mut self, expr: &ast::Expr) -> Result<Option<StoredCall>> {
        let ExprKind::Call { function, args } = &expr.kind else {
            return Ok(None);
        };
        let resolvents = self.catalog.functions.named(function)?;
        let may_be_stored = |f: &Arc<Function>| {
            !matches!(
                f.body,
                FunctionBody::Native(_) | FunctionBody::Procedure(..)
            )
        };
        if !resolvents.iter().any(may_be_stored) {
            return Ok(None);
        }
        let Some(types) = self.value_types(args)? else {
            return Ok(None);
        };
        let Some(choice) = choose(&resolvents, &types) else {
            return Ok(None);
        };
        let [function] = choice.candidates.as_slice() else {
            return Ok(None);
        };
        if choice.modes.iter().any(|mode| *mode != Mode::Plain) {
            return Ok(None);
        }
        let view = match &function.body {
            FunctionBody::Stored(_) => None,
            FunctionBody::Inverse(view) => Some(view.clone()),
            _ => match exact_view(self.catalog, function)? {
                Some(view) => Some(view),
                None => return Ok(None),
            },
        };
        Ok(Some(StoredCall {
            function: function.clone(),
            view,
            args: args.clone(),
        }))
    }

    /// The types of arguments, if each is a value or an unbound variable.
    pub(super) fn value_types(&mut self, args: &[ast::Expr]) -> Result<Option<Vec<Type>>> {
        let mut types = Vec::with_capacity(args.len());
        for arg in args {
            types.push(if self.is_bound(arg)? {
                self.fragment(|c| c.expr(arg))?.whole_type()
            } else if let ExprKind::Variable(Variable::Local(name)) = &arg.kind
                && let Some(slot) = self.top().find(&name.text)
            {
                self.top().vars[slot].ty.clone()
            } else {
                return Ok(None);
            });
        }
        Ok(Some(types))
    }

    pub(super) fn rank_lookup(&mut self, call: &StoredCall, result_known: bool) -> Rank {
        let known = call
            .args
            .iter()
            .filter(|arg| self.is_bound(arg).unwrap_or(false))
            .count();
        if known == call.args.len() && call.function.signature.many == ast::Many::One {
            Rank::KeyedLookup
        } else if known > 0 || result_known {
            Rank::IndexedLookup
        } else {
            Rank::Scan
        }
    }

    /// What a call's results are matched against, column by column.
    pub(super) fn result_columns(
        &mut self,
        expr: &ast::Expr,
        width: usize,
    ) -> Result<Vec<LookupColumn>> {
        if width == 1 {
            return Ok(vec![self.column(expr)?]);
        }
        match &expr.kind {
            ExprKind::Tuple(parts) | ExprKind::Vector(parts) if parts.len() == width => {
                parts.iter().map(|part| self.column(part)).collect()
            }
            _ => Err(Error::compile(format!("the function has {width} results"))
                .at(&expr.span)
                .help("write as many variables in parentheses: (a, b) = …")),
        }
    }

    pub(super) fn column(&mut self, expr: &ast::Expr) -> Result<LookupColumn> {
        match self.pattern(expr, &Type::Object)? {
            Pattern::Equal(known) => Ok(LookupColumn::Known(known)),
            pattern => Ok(LookupColumn::Bind(pattern)),
        }
    }

    pub(super) fn place_lookup(
        &mut self,
        call: StoredCall,
        results: Vec<LookupColumn>,
    ) -> Result<()> {
        let mut columns = Vec::with_capacity(call.args.len() + results.len());
        for (arg, param) in call.args.iter().zip(&call.function.signature.params) {
            let known = self.is_bound(arg)?;
            match self.pattern(arg, &param.ty)? {
                Pattern::Equal(expr) if known => columns.push(LookupColumn::Known(expr)),
                pattern => columns.push(LookupColumn::Bind(pattern)),
            }
        }
        columns.extend(results);
        repeated(&mut columns);
        let mut function = call.function;
        if let Some(view) = &call.view {
            let yes = LookupColumn::Known(PlanExpr::Const(Value::Bool(true)));
            columns = view.rearranged(&columns, yes);
            function = view.stored.clone();
        }
        let step = Step::Lookup(Lookup::new(function, columns));
        self.top().steps.push(step);
        Ok(())
    }
}

/// Columns that must equal what another column binds are matched row by row: `f(x) = x`.
fn repeated(columns: &mut [LookupColumn]) {
    let mut bound = Vec::new();
    for column in columns.iter() {
        if let LookupColumn::Bind(pattern) = column {
            bound.extend(slots_of_pattern(pattern));
        }
    }
    for column in columns {
        if let LookupColumn::Known(expr) = column
            && slots_of_expr(expr).iter().any(|s| bound.contains(s))
        {
            *column = LookupColumn::Bind(Pattern::Equal(expr.clone()));
        }
    }
}

/// The view that a derived function is, if it has exactly the types of the stored function: its rows
/// are then the same.
fn exact_view(catalog: &Catalog, function: &Function) -> Result<Option<View>> {
    let Some(view) = inverse::view(catalog, function)? else {
        return Ok(None);
    };
    let own = function
        .signature
        .params
        .iter()
        .chain(&function.signature.columns);
    let own: Vec<_> = own.map(|c| c.ty.clone()).collect();
    let stored = view
        .stored
        .signature
        .params
        .iter()
        .chain(&view.stored.signature.columns);
    let same = view
        .rearranged(&own, Type::Boolean)
        .into_iter()
        .zip(stored)
        .all(|(own, stored)| own == stored.ty);
    Ok(same.then_some(view))
}
