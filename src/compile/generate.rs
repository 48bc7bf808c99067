//! Where no condition binds a variable: the positions of a vector, extents, rows, nodes of graphs.

use super::Compiler;
use super::names::children;
use crate::model::Type;
use crate::model::native::CallForm;
use crate::plan::{LookupColumn, Pattern, Step};
use crate::syntax::ast::{self, ExprKind, Variable};
use crate::text::diagnostic::Result;

/// Whether all values of the type can be gone through.
pub(super) fn has_extent(ty: &Type) -> bool {
    matches!(
        ty,
        Type::User(_) | Type::Userobject | Type::Function | Type::Type | Type::Topic
    )
}

impl Compiler<'_> {
    /// Where no conjunct can be chosen: binds one more variable from the positions of a vector, the
    /// rows of a stored function or the extent of a type. `false` if there is none.
    pub(super) fn generate(&mut self, within: &[&ast::Expr]) -> Result<bool> {
        for expr in within {
            if self.generate_index(expr)? {
                return Ok(true);
            }
        }
        let slot = self
            .top()
            .vars
            .iter()
            .position(|v| !v.bound && v.span.is_some() && has_extent(&v.ty));
        if let Some(slot) = slot {
            let var = &mut self.top().vars[slot];
            var.bound = true;
            let ty = var.ty.clone();
            self.top().steps.push(Step::Extent { slot, ty });
            return Ok(true);
        }
        for expr in within {
            if self.generate_rows(expr)? || self.generate_nodes(expr)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// `v[i]` with `i` unbound: each position of `v`.
    pub(super) fn generate_index(&mut self, expr: &ast::Expr) -> Result<bool> {
        if let ExprKind::Index { base, indices } = &expr.kind
            && let [index] = indices.as_slice()
            && let ExprKind::Variable(Variable::Local(name)) = &index.kind
            && !self.is_bound(index)?
            && self.is_bound(base)?
            && let Some(position) = self.top().find(&name.text)
        {
            let fragment = self.fragment(|c| c.expr(base))?;
            let (base, _) = self.single(fragment);
            self.top().vars[position].bound = true;
            self.top().steps.push(Step::Index {
                base,
                position,
                element: None,
            });
            return Ok(true);
        }
        for child in children(expr) {
            if self.generate_index(child)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// `tclose(#'arcs', n)` with `n` unbound: each node of the graph of a stored function.
    pub(super) fn generate_nodes(&mut self, expr: &ast::Expr) -> Result<bool> {
        if let ExprKind::Call { function, args } = &expr.kind
            && let CallForm::TransitiveClosure { nodes } = self.call_form(function)
            && let [graph, start, ..] = args.as_slice()
            && let ExprKind::Variable(Variable::Local(name)) = &start.kind
            && !self.is_bound(start)?
            && self.is_bound(graph)?
        {
            let graph = self.fragment(|c| c.expr(graph))?;
            let nodes = self.fragment(|c| c.call_fragments(nodes, vec![graph], &expr.span))?;
            let (over, _) = self.fragment_value(nodes);
            let pattern = self.bind(name, &Type::Object)?;
            let stream = false;
            self.top().steps.push(Step::Iterate {
                pattern,
                over,
                stream,
            });
            return Ok(true);
        }
        for child in children(expr) {
            if self.generate_nodes(child)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// A call of a stored function with an unbound argument: each of its rows.
    pub(super) fn generate_rows(&mut self, expr: &ast::Expr) -> Result<bool> {
        if let Some(call) = self.stored_call(expr)?
            && !self.is_bound(expr)?
        {
            let columns =
                vec![LookupColumn::Bind(Pattern::Any); call.function.signature.columns.len()];
            self.place_lookup(call, columns)?;
            if let Some(Step::Lookup(lookup)) = self.top().steps.last_mut() {
                lookup.distinct = !lookup.unique;
            }
            return Ok(true);
        }
        for child in children(expr) {
            if self.generate_rows(child)? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
