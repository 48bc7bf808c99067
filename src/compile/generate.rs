//! Where no condition binds a variable: the positions of a vector, extents, rows, nodes of graphs.

use super::Compiler;
use super::expr::is_all;
use super::frame::Var;
use super::names::children;
use crate::model::Type;
use crate::model::native::CallForm;
use crate::plan::{LookupColumn, Pattern, Slot, Step};
use crate::syntax::ast::{self, BinaryOp, ExprKind, Variable};
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
    /// rows of a stored function or the extent of a type, there only one of those that are wanted. `false`
    /// if there is none.
    pub(super) fn generate(
        &mut self,
        within: &[&ast::Expr],
        wanted: Option<&[Slot]>,
    ) -> Result<bool> {
        for expr in within {
            if self.generate_index(expr)? {
                return Ok(true);
            }
        }
        if self.generate_extent(wanted)? {
            return Ok(true);
        }
        for expr in within {
            if self.generate_rows(expr)? || self.generate_nodes(expr)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The extent of the type of the first variable, among those that are wanted, that has one and no
    /// value yet.
    pub(super) fn generate_extent(&mut self, wanted: Option<&[Slot]>) -> Result<bool> {
        let without = |(slot, v): (Slot, &Var)| {
            let is_wanted = wanted.is_none_or(|wanted| wanted.contains(&slot));
            is_wanted && !v.bound && v.span.is_some() && has_extent(&v.ty)
        };
        let Some(slot) = self.top().vars.iter().enumerate().position(without) else {
            return Ok(false);
        };
        let var = &mut self.top().vars[slot];
        var.bound = true;
        let ty = var.ty.clone();
        self.top().steps.push(Step::Extent { slot, ty });
        Ok(true)
    }

    /// `v[i]` with `i` unbound: each position of `v`, each key of a record.
    pub(super) fn generate_index(&mut self, expr: &ast::Expr) -> Result<bool> {
        if self.place_index(expr)? {
            return Ok(true);
        }
        for child in children(expr) {
            if self.generate_index(child)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The same, only where the condition cannot hold without the element.
    pub(super) fn generate_needed_index(&mut self, expr: &ast::Expr) -> Result<bool> {
        let alternatives = matches!(
            &expr.kind,
            ExprKind::Binary {
                op: BinaryOp::Or,
                ..
            }
        );
        if alternatives || self.hides_collections(expr)? {
            return Ok(false);
        }
        if self.place_index(expr)? {
            return Ok(true);
        }
        for child in children(expr) {
            if self.generate_needed_index(child)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The positions for the first unbound variable between the brackets of `expr`, if all before it
    /// has a value.
    fn place_index(&mut self, expr: &ast::Expr) -> Result<bool> {
        let ExprKind::Index { base, indices } = &expr.kind else {
            return Ok(false);
        };
        if !self.is_bound(base)? {
            return Ok(false);
        }
        for (at, index) in indices.iter().enumerate() {
            if self.is_bound(index)? {
                continue;
            }
            let ExprKind::Variable(Variable::Local(name)) = &index.kind else {
                return Ok(false);
            };
            let Some(position) = self.top().find(&name.text) else {
                return Ok(false);
            };
            // Of `a[*,i]` any row says how many there are.
            let before: Vec<ast::Expr> = indices[..at].iter().map(one_for_all).collect();
            let fragment = self.fragment(|c| c.index(base, &before, expr))?;
            let (base, _) = self.single(fragment);
            let var = &mut self.top().vars[position];
            var.bound = true;
            let ty = var.ty.clone();
            self.top().steps.push(Step::Index { base, position, ty });
            return Ok(true);
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
                lookup.distinct = !lookup.tells_rows_apart();
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

/// The first position where all are meant, `*`.
fn one_for_all(index: &ast::Expr) -> ast::Expr {
    let mut index = index.clone();
    if is_all(&index) {
        index.kind = ExprKind::Literal(ast::Literal::Int(1));
    }
    index
}
