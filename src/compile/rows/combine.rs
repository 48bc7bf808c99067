//! `union`, `intersect` and `except`: several selects as one over a bag.

use std::sync::Arc;

use super::conditions::{binary, literal, select_where};
use super::prepare::{Preparation, call, local, output_names, plain_name};
use super::resolve::NameScope;
use crate::syntax::ast::{BinaryOp, Combined, Expr, ExprKind, Literal, SetOperator, Variable};
use crate::text::diagnostic::{Error, Result, Span};

impl Preparation<'_> {
    /// Several selects as one over a bag.
    pub(super) fn combined(
        &mut self,
        combined: Combined,
        span: &Span,
        scope: &NameScope,
    ) -> Result<Expr> {
        let Combined {
            operator,
            all,
            left,
            right,
            order_by,
            limit,
            offset,
        } = combined;
        let left = self.query(left, scope)?;
        let right = self.query(right, scope)?;
        let names = output_names(&left);
        let widths = [names.len(), output_names(&right).len()];
        if widths[0] != widths[1] {
            let message = format!(
                "one select gives {} columns, the other {}",
                widths[0], widths[1]
            );
            return Err(Error::compile(message).at(span));
        }
        let row = plain_name(&format!("row {} {}", span.start, span.end), span);
        let both = |list| Expr {
            kind: ExprKind::Bag(list),
            span: span.clone(),
        };
        let within = |query| binary(BinaryOp::In, local(&row), query, span, span);
        let unique = |query| call("unique", vec![query], span);
        let filter = match operator {
            SetOperator::Union => within(both(vec![left, right])),
            SetOperator::Intersect => binary(
                BinaryOp::And,
                within(left),
                within(unique(right)),
                span,
                span,
            ),
            SetOperator::Except => {
                let not = call("notany", vec![within(unique(right))], span);
                binary(BinaryOp::And, within(left), not, span, span)
            }
        };
        let mut query = select_where(local(&row), std::slice::from_ref(&row), filter, span);
        if let ExprKind::Select(select) = &mut query.kind {
            select.is_prepared = true;
            select.distinct = !all;
            select.order_by = order_by;
            for key in &mut select.order_by {
                let at = position(&key.expr, &names)?;
                key.expr = match names.len() {
                    1 => local(&row),
                    _ => Expr {
                        kind: ExprKind::Index {
                            base: Box::new(local(&row)),
                            indices: vec![literal(Literal::Int(at as i64), &key.expr.span)],
                        },
                        span: key.expr.span.clone(),
                    },
                };
            }
            (select.limit, select.offset) = (limit, offset);
            select.row_names = names;
        }
        Ok(query)
    }
}

/// Which column a key of order of several selects is: they have only names and numbers in common.
fn position(key: &Expr, names: &[Arc<str>]) -> Result<usize> {
    let found = match &key.kind {
        ExprKind::Literal(Literal::Int(at)) => usize::try_from(*at)
            .ok()
            .filter(|at| (1..=names.len()).contains(at)),
        ExprKind::Variable(Variable::Local(name)) => {
            names.iter().position(|n| *n == name.text).map(|at| at + 1)
        }
        _ => None,
    };
    found.ok_or_else(|| {
        Error::compile("several selects together are sorted by a column of the first")
            .at(&key.span)
            .help(format!("by its name or number: {}", names.join(", ")))
    })
}
