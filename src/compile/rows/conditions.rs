//! Conditions in the forms that the planner knows: `not` moved inwards, `in` without counting, `like`
//! and `exists` as calls.

use super::forms::cast_function;
use super::prepare::{Preparation, call, local, output_names, plain_name};
use super::resolve::NameScope;
use crate::compile::names::children;
use crate::model::Type;
use crate::syntax::ast::{
    BinaryOp, Declaration, Expr, ExprKind, FromItem, Literal, Select, TypeKind, TypeSpec, UnaryOp,
    Variable,
};
use crate::text::diagnostic::{Error, Result, Span};

/// Longer lists are looked through instead of being compared with one by one.
const FEW: usize = 16;

impl Preparation<'_> {
    /// A condition, or its negation. Where what it is about has no value neither of the two holds.
    pub(super) fn condition(
        &mut self,
        expr: Expr,
        negated: bool,
        scope: &NameScope,
    ) -> Result<Expr> {
        use BinaryOp::{And, Eq, Ge, Gt, In, Le, Like, Lt, Ne, Or};
        let Expr { kind, span } = self.without_function_not(expr, scope);
        let kind = match kind {
            ExprKind::Unary {
                op: UnaryOp::Not,
                arg,
            } => return self.condition(*arg, !negated, scope),
            ExprKind::Unary {
                op: op @ (UnaryOp::IsNull | UnaryOp::IsNotNull),
                arg,
            } => {
                let arg = Box::new(self.value(*arg, scope)?);
                let op = match (op, negated) {
                    (UnaryOp::IsNull, false) | (UnaryOp::IsNotNull, true) => UnaryOp::IsNull,
                    _ => UnaryOp::IsNotNull,
                };
                ExprKind::Unary { op, arg }
            }
            ExprKind::Binary {
                op: op @ (And | Or),
                op_span,
                left,
                right,
            } => {
                let op = match (op, negated) {
                    (And, false) | (Or, true) => And,
                    _ => Or,
                };
                ExprKind::Binary {
                    op,
                    op_span,
                    left: Box::new(self.condition(*left, negated, scope)?),
                    right: Box::new(self.condition(*right, negated, scope)?),
                }
            }
            ExprKind::Binary {
                op: op @ (Eq | Ne | Lt | Le | Gt | Ge),
                op_span,
                left,
                right,
            } => {
                let (left, right) = (self.value(*left, scope)?, self.value(*right, scope)?);
                if self.of_rows && (is_null(&left) || is_null(&right)) {
                    self.catalog.notes.add(
                        &span,
                        "nothing is equal to null, and nothing different, in a query over rows",
                        &["write x is null, or x is not null"],
                    );
                    return Ok(never(&span));
                }
                let inverse = negated && !self.may_be_many(&left) && !self.may_be_many(&right);
                let compared = binary(
                    if inverse { opposite(op) } else { op },
                    left,
                    right,
                    &op_span,
                    &span,
                );
                if negated && !inverse {
                    return Ok(call("notany", vec![compared], &span));
                }
                return Ok(compared);
            }
            ExprKind::Binary {
                op: In,
                op_span,
                left,
                right,
            } => return self.membership(*left, *right, negated, &op_span, &span, scope),
            ExprKind::Binary {
                op: Like,
                left,
                right,
                ..
            } => {
                let (left, right) = (self.value(*left, scope)?, self.value(*right, scope)?);
                let name = BinaryOp::Like.function_name();
                let args = vec![left, right];
                return Ok(match negated {
                    false => call(name, args, &span),
                    true => negated_call(name, args, &span),
                });
            }
            ExprKind::Literal(Literal::Bool(holds)) => {
                ExprKind::Literal(Literal::Bool(holds != negated))
            }
            ExprKind::Call { function, args } if self.is_exists(&function, &args) => {
                return self.exists(args, negated, &span, scope);
            }
            kind => {
                let value = self.value(
                    Expr {
                        kind,
                        span: span.clone(),
                    },
                    scope,
                )?;
                return Ok(if negated { negation(value) } else { value });
            }
        };
        Ok(Expr { kind, span })
    }

    /// `not (c)` of a column that is true or false, which is read as a call of the function for integers.
    pub(super) fn without_function_not(&self, mut expr: Expr, scope: &NameScope) -> Expr {
        if let ExprKind::Call { function, args } = &mut expr.kind
            && &*function.name.text == "not"
            && let [arg] = args.as_mut_slice()
            && matches!(arg.kind, ExprKind::Variable(Variable::Local(_)))
        {
            let mut resolved = arg.clone();
            if scope.resolve(&mut resolved).is_ok()
                && let ExprKind::Variable(Variable::Local(name)) = &resolved.kind
                && scope
                    .column(&name.text)
                    .is_some_and(|c| c.ty == Type::Boolean)
            {
                expr.kind = ExprKind::Unary {
                    op: UnaryOp::Not,
                    arg: Box::new(resolved),
                };
            }
        }
        expr
    }

    /// `exists(select …)`: whether there is a row, whatever it has.
    fn exists(
        &mut self,
        mut args: Vec<Expr>,
        negated: bool,
        span: &Span,
        scope: &NameScope,
    ) -> Result<Expr> {
        for arg in &mut args {
            *arg = self.query(arg.clone(), scope)?;
            if let ExprKind::Select(select) = &mut arg.kind
                && !self.is_grouped(select)
            {
                select.items = vec![literal(Literal::Bool(true), span)];
                select.names = vec![None];
                (select.distinct, select.order_by) = (false, vec![]);
                continue;
            }
            let name = plain_name(&format!("row {}", span.start), span);
            let rows = binary(BinaryOp::In, local(&name), arg.clone(), span, span);
            *arg = select_where(literal(Literal::Bool(true), span), &[name], rows, span);
        }
        let asked = call(if negated { "notany" } else { "some" }, args, span);
        Ok(match self.of_rows {
            true => self.constant(asked, scope),
            false => asked,
        })
    }

    /// `x in …`. In a select over rows it holds once or not at all; elsewhere it counts.
    fn membership(
        &mut self,
        left: Expr,
        right: Expr,
        negated: bool,
        op_span: &Span,
        span: &Span,
        scope: &NameScope,
    ) -> Result<Expr> {
        let left = self.value(left, scope)?;
        if let ExprKind::Select(_) | ExprKind::Combined(_) = right.kind {
            let right = self.query(right, scope)?;
            self.check_width(&left, &right, scope)?;
            return Ok(match negated {
                true => self.in_no_row(left, right, span),
                false if self.of_rows => {
                    binary(BinaryOp::In, left, each_once(right), op_span, span)
                }
                false => binary(BinaryOp::In, left, right, op_span, span),
            });
        }
        let elements = match right.kind {
            ExprKind::Tuple(elements) if self.of_rows || negated => elements,
            kind if self.of_rows && self.is_single(&kind, scope) => {
                vec![Expr {
                    kind,
                    span: right.span.clone(),
                }]
            }
            kind => {
                let right = self.value(
                    Expr {
                        kind,
                        span: right.span,
                    },
                    scope,
                )?;
                let within = binary(BinaryOp::In, left, right, op_span, span);
                return Ok(match negated {
                    true => call("notany", vec![within], span),
                    false => within,
                });
            }
        };
        let elements: Vec<Expr> = elements
            .into_iter()
            .map(|element| self.value(element, scope))
            .collect::<Result<_>>()?;
        Ok(in_list(left, elements, negated, op_span, span))
    }

    /// An error if one value is looked for among rows of several columns.
    pub(super) fn check_width(&self, left: &Expr, query: &Expr, scope: &NameScope) -> Result<()> {
        let width = match &query.kind {
            ExprKind::Select(select) if select.of_rows || !select.row_names.is_empty() => {
                output_names(query).len()
            }
            _ => return Ok(()),
        };
        if width == 1 || !self.is_single(&left.kind, scope) {
            return Ok(());
        }
        let message = format!("one value is looked for among rows of {width} columns");
        Err(Error::compile(message)
            .at(&query.span)
            .help("select one column: x in (select a from T)"))
    }

    /// Whether what stands beside `in` is one value; parentheses may make it look like a list.
    fn is_single(&self, kind: &ExprKind, scope: &NameScope) -> bool {
        match kind {
            ExprKind::Literal(_) | ExprKind::Unary { .. } | ExprKind::Binary { .. } => true,
            ExprKind::Cast { ty, .. } => cast_function(self.catalog, ty).is_some(),
            ExprKind::Variable(Variable::Local(name)) => {
                let mut name = Expr {
                    kind: ExprKind::Variable(Variable::Local(name.clone())),
                    span: name.span.clone(),
                };
                if scope.resolve(&mut name).is_err() {
                    return false;
                }
                let ExprKind::Variable(Variable::Local(name)) = &name.kind else {
                    return false;
                };
                let many = |ty: &Type| {
                    matches!(ty, Type::Vector(_) | Type::Binary | Type::Object)
                        || ty.is_collection()
                };
                scope
                    .column(&name.text)
                    .is_some_and(|column| !many(&column.ty))
            }
            _ => false,
        }
    }

    /// `x not in (select …)`: x differs from each of them, and neither it nor one of them is null.
    pub(super) fn in_no_row(&mut self, left: Expr, right: Expr, span: &Span) -> Expr {
        let name = plain_name(&format!("member {}", span.start), span);
        let member = || local(&name);
        let among = binary(BinaryOp::In, member(), right, span, span);
        let equal = match left.kind {
            ExprKind::Tuple(elements) => {
                let elements = elements.into_iter().enumerate().map(|(at, element)| {
                    let position = literal(Literal::Int(at as i64 + 1), span);
                    let kind = ExprKind::Index {
                        base: Box::new(member()),
                        indices: vec![position],
                    };
                    let span = span.clone();
                    (Expr { kind, span }, element)
                });
                let equal = elements.map(|(own, other)| equal_or_null(own, other, span));
                in_halves(BinaryOp::And, equal.collect(), span, span)
                    .unwrap_or_else(|| literal(Literal::Bool(true), span))
            }
            _ => equal_or_null(member(), left, span),
        };
        let filter = binary(BinaryOp::And, among, equal, span, span);
        let yes = literal(Literal::Bool(true), span);
        let equal = select_where(yes, std::slice::from_ref(&name), filter, span);
        call("notany", vec![equal], span)
    }

    /// Whether the value may be a bag, so that a comparison is one of each element.
    pub(super) fn may_be_many(&self, expr: &Expr) -> bool {
        let any_inside = || {
            let mut inside = children(expr).into_iter();
            inside.any(|child| self.may_be_many(child))
        };
        if let ExprKind::Call { function, .. } = &expr.kind {
            let functions = self.catalog.functions.named(function);
            let single = functions.is_ok_and(|functions| {
                let mut functions = functions.iter();
                functions.all(|f| !f.signature.result_type().is_collection())
            });
            // What takes a whole collection makes one value of it.
            return !single || !self.takes_collections(function) && any_inside();
        }
        if let ExprKind::Variable(Variable::Session(name)) = &expr.kind {
            let known = self.catalog.variables.get(&name.text);
            return known.is_none_or(|(value, _)| value.is_collection());
        }
        matches!(expr.kind, ExprKind::Select(_) | ExprKind::Bag(_)) || any_inside()
    }
}

/// Whether values are equal, or one of them is null, so that nobody knows that they differ.
fn equal_or_null(left: Expr, right: Expr, span: &Span) -> Expr {
    let mut equal = binary(BinaryOp::Eq, left.clone(), right.clone(), span, span);
    for value in [left, right] {
        let arg = Box::new(value);
        let op = UnaryOp::IsNull;
        let null = Expr {
            kind: ExprKind::Unary { op, arg },
            span: span.clone(),
        };
        equal = binary(BinaryOp::Or, equal, null, span, span);
    }
    equal
}

/// `x in (a, b, …)`, each of them once.
fn in_list(left: Expr, elements: Vec<Expr>, negated: bool, op_span: &Span, span: &Span) -> Expr {
    if negated && elements.iter().any(is_null) {
        return never(span);
    }
    let literals = elements.iter().map(|element| match &element.kind {
        ExprKind::Literal(literal) => Some(literal.clone()),
        _ => None,
    });
    if let Some(literals) = literals.collect::<Option<Vec<Literal>>>()
        && !(negated && literals.len() <= FEW)
    {
        let mut different: Vec<Literal> = vec![];
        for literal in literals {
            if literal != Literal::Null && !different.contains(&literal) {
                different.push(literal);
            }
        }
        let list = different.into_iter().map(|l| literal(l, span)).collect();
        let list = Expr {
            kind: ExprKind::Vector(list),
            span: span.clone(),
        };
        let within = binary(BinaryOp::In, left.clone(), list, op_span, span);
        if !negated {
            return within;
        }
        let op = UnaryOp::IsNotNull;
        let kind = ExprKind::Unary {
            op,
            arg: Box::new(left),
        };
        let known = Expr {
            kind,
            span: span.clone(),
        };
        return binary(
            BinaryOp::And,
            known,
            call("notany", vec![within], span),
            span,
            span,
        );
    }
    let (compare, join) = match negated {
        false => (BinaryOp::Eq, BinaryOp::Or),
        true => (BinaryOp::Ne, BinaryOp::And),
    };
    let compared = elements.into_iter().filter(|element| !is_null(element));
    let compared = compared
        .map(|e| binary(compare, left.clone(), e, op_span, span))
        .collect();
    in_halves(join, compared, op_span, span).unwrap_or_else(|| never(span))
}

/// All conditions joined, so that the tree stays low.
fn in_halves(op: BinaryOp, mut list: Vec<Expr>, op_span: &Span, span: &Span) -> Option<Expr> {
    if list.len() <= 1 {
        return list.pop();
    }
    let right = list.split_off(list.len() / 2);
    let left = in_halves(op, list, op_span, span)?;
    Some(binary(
        op,
        left,
        in_halves(op, right, op_span, span)?,
        op_span,
        span,
    ))
}

/// The rows of a query, each once.
pub fn each_once(query: Expr) -> Expr {
    let Expr { kind, span } = query;
    match kind {
        ExprKind::Select(mut select) if select.limit.is_none() && select.offset.is_none() => {
            select.distinct = true;
            select.order_by = vec![];
            Expr {
                kind: ExprKind::Select(select),
                span,
            }
        }
        kind => {
            let query = Expr {
                kind,
                span: span.clone(),
            };
            call("unique", vec![query], &span)
        }
    }
}

/// The negation of a value that is taken as a condition.
fn negation(value: Expr) -> Expr {
    let span = value.span.clone();
    match value.kind {
        ExprKind::Literal(Literal::Null) => value,
        ExprKind::Call { ref function, .. } if &*function.name.text == "notany" => match value.kind
        {
            ExprKind::Call { args, .. } => call("some", args, &span),
            _ => value,
        },
        ExprKind::Call { function, args } => {
            let name = function.name.text.clone();
            let known: Vec<Expr> = args.iter().filter(|arg| is_column(arg)).cloned().collect();
            let kind = ExprKind::Call { function, args };
            let call_itself = Expr {
                kind,
                span: span.clone(),
            };
            let not = match &*name {
                "some" => match call_itself.kind {
                    ExprKind::Call { args, .. } => call("notany", args, &span),
                    _ => call_itself,
                },
                _ => call("notany", vec![call_itself], &span),
            };
            with_values(known, not, &span)
        }
        _ => {
            let no = literal(Literal::Bool(false), &span);
            binary(BinaryOp::Eq, value, no, &span, &span)
        }
    }
}

/// A call that does not hold, though all its arguments have values.
fn negated_call(name: &str, args: Vec<Expr>, span: &Span) -> Expr {
    let known = args
        .iter()
        .filter(|arg| !matches!(arg.kind, ExprKind::Literal(_)));
    let known: Vec<Expr> = known.cloned().collect();
    let not = call("notany", vec![call(name, args, span)], span);
    with_values(known, not, span)
}

fn with_values(known: Vec<Expr>, condition: Expr, span: &Span) -> Expr {
    known.into_iter().rev().fold(condition, |condition, arg| {
        let op = UnaryOp::IsNotNull;
        let kind = ExprKind::Unary {
            op,
            arg: Box::new(arg),
        };
        let has_value = Expr {
            kind,
            span: span.clone(),
        };
        binary(BinaryOp::And, has_value, condition, span, span)
    })
}

fn is_column(expr: &Expr) -> bool {
    matches!(&expr.kind, ExprKind::Variable(Variable::Local(name)) if name.text.contains('.'))
}

/// Whether an expression is null as it is written, or what stands for it: a choice of nothing.
pub fn is_null(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Literal(Literal::Null) => true,
        ExprKind::Case { arms, otherwise } => arms.is_empty() && otherwise.is_none(),
        _ => false,
    }
}

/// A condition that does not hold, and its negation neither.
fn never(span: &Span) -> Expr {
    literal(Literal::Null, span)
}

/// What has no value: a choice of nothing.
pub fn no_value(span: &Span) -> Expr {
    let (arms, otherwise) = (vec![], None);
    let kind = ExprKind::Case { arms, otherwise };
    let span = span.clone();
    Expr { kind, span }
}

pub fn literal(literal: Literal, span: &Span) -> Expr {
    Expr {
        kind: ExprKind::Literal(literal),
        span: span.clone(),
    }
}

pub fn binary(op: BinaryOp, left: Expr, right: Expr, op_span: &Span, span: &Span) -> Expr {
    Expr {
        kind: ExprKind::Binary {
            op,
            op_span: op_span.clone(),
            left: Box::new(left),
            right: Box::new(right),
        },
        span: span.clone(),
    }
}

/// `select item from Object a, … where filter`
pub fn select_where(
    item: Expr,
    variables: &[crate::syntax::ast::Name],
    filter: Expr,
    span: &Span,
) -> Expr {
    let declared = |name: &crate::syntax::ast::Name| {
        let object = plain_name("object", span);
        FromItem::from(&Declaration {
            ty: TypeSpec {
                kind: TypeKind::Named(object),
                span: span.clone(),
            },
            name: name.clone(),
        })
    };
    let from = variables.iter().map(declared).collect();
    let mut select = Select::plain(vec![item], from, span.clone());
    select.filter = Some(filter);
    Expr {
        kind: ExprKind::Select(Box::new(select)),
        span: span.clone(),
    }
}

fn opposite(op: BinaryOp) -> BinaryOp {
    use BinaryOp::{Eq, Ge, Gt, Le, Lt, Ne};
    match op {
        Eq => Ne,
        Ne => Eq,
        Lt => Ge,
        Le => Gt,
        Gt => Le,
        Ge => Lt,
        other => other,
    }
}
