//! `x not in (select …)` as a left join of which the rows are wanted that find nothing, so that it is
//! done by hash, and in batches.

use super::conditions::{binary, each_once, literal, select_where};
use super::prepare::{Preparation, call, local, output_names, plain_name};
use super::resolve::NameScope;
use crate::syntax::ast::{
    BinaryOp, Expr, ExprKind, FromItem, FromSource, Joined, Literal, Name, UnaryOp,
};
use crate::text::diagnostic::{Result, Span};

impl Preparation<'_> {
    /// A condition that has to hold for each row of a select. What is joined for it comes to `joined`.
    pub(super) fn required(
        &mut self,
        expr: Expr,
        joined: &mut Vec<FromItem>,
        scope: &NameScope,
    ) -> Result<Expr> {
        let Expr { kind, span } = expr;
        match kind {
            ExprKind::Binary {
                op: op @ BinaryOp::And,
                op_span,
                left,
                right,
            } => {
                let left = self.required(*left, joined, scope)?;
                let right = self.required(*right, joined, scope)?;
                Ok(binary(op, left, right, &op_span, &span))
            }
            ExprKind::Unary {
                op: UnaryOp::Not,
                arg,
            } if self.of_rows && is_in_query(&arg) => match arg.kind {
                ExprKind::Binary {
                    op_span,
                    left,
                    right,
                    ..
                } => {
                    let left = self.value(*left, scope)?;
                    let right = self.query(*right, scope)?;
                    self.check_width(&left, &right, scope)?;
                    let is_row = matches!(left.kind, ExprKind::Tuple(_));
                    if is_row || self.may_be_many(&left) || !self.is_constant(&right, scope) {
                        return Ok(self.in_no_row(left, right, &span));
                    }
                    Ok(self.found_nowhere(left, right, joined, &op_span, &span, scope))
                }
                _ => self.condition(*arg, true, scope),
            },
            kind => self.condition(Expr { kind, span }, false, scope),
        }
    }

    /// `x` differs from each row of the query, which is the same for all rows, and neither it nor one of
    /// them is null; or the query has none.
    fn found_nowhere(
        &mut self,
        x: Expr,
        query: Expr,
        joined: &mut Vec<FromItem>,
        op_span: &Span,
        span: &Span,
        scope: &NameScope,
    ) -> Expr {
        let query = each_once(query);
        let within = |op, left, right| binary(op, left, right, op_span, span);
        let member = plain_name(&format!("member {}", op_span.start), op_span);
        let content = self.constant(content(&query, &member, op_span, span), scope);
        let column = output_names(&query).into_iter().next().unwrap_or_default();
        let found = local(&plain_name(&format!("{}.{column}", member.text), op_span));
        let meets = within(BinaryOp::Eq, found.clone(), x.clone());
        joined.push(FromItem {
            source: FromSource::Selected(query),
            name: member,
            is_named: true,
            joined: Joined::Left(meets),
        });
        let has = |what| {
            let what = literal(Literal::Int(what), op_span);
            within(BinaryOp::Eq, content.clone(), what)
        };
        // Nothing is found among no rows.
        let known = within(
            BinaryOp::And,
            has(VALUES),
            asked(UnaryOp::IsNotNull, x, span),
        );
        within(
            BinaryOp::And,
            asked(UnaryOp::IsNull, found, span),
            within(BinaryOp::Or, has(NOTHING), known),
        )
    }
}

/// What a query can have.
const NOTHING: i64 = 0;
const VALUES: i64 = 1;
const NULL_AMONG_THEM: i64 = 2;

/// Which of these it is, to be computed once.
fn content(query: &Expr, member: &Name, op_span: &Span, span: &Span) -> Expr {
    let within = |op, left, right| binary(op, left, right, op_span, span);
    let among = || within(BinaryOp::In, local(member), query.clone());
    // A select is known by its place in the text, so that each has one of its own.
    let none = |filter, place: &Span| {
        let yes = literal(Literal::Bool(true), place);
        let rows = select_where(yes, std::slice::from_ref(member), filter, place);
        call("notany", vec![rows], place)
    };
    let null = asked(UnaryOp::IsNull, local(member), span);
    let nulls = within(BinaryOp::And, among(), null);
    let is = |what| literal(Literal::Int(what), op_span);
    Expr {
        kind: ExprKind::Case {
            arms: vec![
                (none(among(), span), is(NOTHING)),
                (none(nulls, op_span), is(VALUES)),
            ],
            otherwise: Some(Box::new(is(NULL_AMONG_THEM))),
        },
        span: op_span.clone(),
    }
}

fn asked(op: UnaryOp, arg: Expr, span: &Span) -> Expr {
    let arg = Box::new(arg);
    Expr {
        kind: ExprKind::Unary { op, arg },
        span: span.clone(),
    }
}

fn is_in_query(expr: &Expr) -> bool {
    let is_query = |expr: &Expr| matches!(expr.kind, ExprKind::Select(_) | ExprKind::Combined(_));
    matches!(&expr.kind, ExprKind::Binary { op: BinaryOp::In, right, .. } if is_query(right))
}
