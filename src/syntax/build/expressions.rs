//! Expressions, selects and types.

use std::sync::{Arc, LazyLock};

use pest::iterators::Pair;
use pest::pratt_parser::{Assoc, Op, PrattParser};

use super::selects::select_expr;
use super::{Builder, end};
use crate::syntax::ast::{
    BinaryOp, Declaration, Expr, ExprKind, FunctionName, Literal, Name, Parameter, TypeKind,
    TypeSpec, UnaryOp, Variable,
};
use crate::syntax::grammar::Rule;
use crate::syntax::literal;
use crate::text::diagnostic::{Error, Result, Span};

/// The operators from loose to tight.
static OPERATORS: LazyLock<PrattParser<Rule>> = LazyLock::new(|| {
    let left = |rule| Op::infix(rule, Assoc::Left);
    let right = |rule| Op::infix(rule, Assoc::Right);
    PrattParser::new()
        .op(left(Rule::or))
        .op(left(Rule::and))
        .op(Op::prefix(Rule::negation))
        .op(left(Rule::equal)
            | left(Rule::not_equal)
            | left(Rule::less)
            | left(Rule::at_most)
            | left(Rule::greater)
            | left(Rule::at_least)
            | left(Rule::within)
            | left(Rule::not_within)
            | left(Rule::like)
            | left(Rule::not_like)
            | Op::postfix(Rule::null_test)
            | Op::postfix(Rule::between))
        .op(left(Rule::add)
            | left(Rule::join_text)
            | left(Rule::subtract)
            | left(Rule::each_add)
            | left(Rule::each_subtract))
        .op(left(Rule::multiply)
            | left(Rule::divide)
            | left(Rule::modulo)
            | left(Rule::each_multiply)
            | left(Rule::each_divide))
        .op(Op::prefix(Rule::minus_sign) | Op::prefix(Rule::plus_sign))
        .op(right(Rule::power) | right(Rule::each_power))
        .op(Op::postfix(Rule::subscript))
});

fn binary_op(rule: Rule) -> BinaryOp {
    match rule {
        Rule::or => BinaryOp::Or,
        Rule::and => BinaryOp::And,
        Rule::equal => BinaryOp::Eq,
        Rule::not_equal => BinaryOp::Ne,
        Rule::less => BinaryOp::Lt,
        Rule::at_most => BinaryOp::Le,
        Rule::greater => BinaryOp::Gt,
        Rule::at_least => BinaryOp::Ge,
        Rule::within | Rule::not_within => BinaryOp::In,
        Rule::like | Rule::not_like => BinaryOp::Like,
        Rule::add => BinaryOp::Plus,
        Rule::join_text => BinaryOp::JoinText,
        Rule::subtract => BinaryOp::Minus,
        Rule::multiply => BinaryOp::Times,
        Rule::divide => BinaryOp::Div,
        Rule::modulo => BinaryOp::Mod,
        Rule::power => BinaryOp::Power,
        Rule::each_add => BinaryOp::ElemPlus,
        Rule::each_subtract => BinaryOp::ElemMinus,
        Rule::each_multiply => BinaryOp::ElemTimes,
        Rule::each_divide => BinaryOp::ElemDiv,
        _ => BinaryOp::ElemPower,
    }
}

/// `x = 1 || x`, which has been read as `x = (1 || x)`.
fn joins_texts(comparison: &Expr) -> bool {
    let ExprKind::Binary { right, .. } = &comparison.kind else {
        return false;
    };
    matches!(
        right.kind,
        ExprKind::Binary {
            op: BinaryOp::JoinText,
            ..
        }
    )
}

fn is_comparison(op: BinaryOp) -> bool {
    use BinaryOp::*;
    matches!(op, Eq | Ne | Lt | Le | Gt | Ge | In | Like)
}

impl Builder<'_> {
    /// A select, an expression, or a literal alone.
    pub(super) fn query(&self, pair: Pair<'_, Rule>) -> Result<Expr> {
        match pair.as_rule() {
            Rule::expr | Rule::bound => OPERATORS
                .map_primary(|pair| self.atom(pair))
                .map_prefix(|op, arg| self.prefixed(op, arg?))
                .map_postfix(|base, op| self.postfixed(base?, op))
                .map_infix(|left, op, right| self.infixed(left?, op, right?))
                .parse(pair.into_inner()),
            Rule::selects => self.selects(pair),
            Rule::select => Ok(select_expr(self.select(pair)?)),
            Rule::bag_list | Rule::stream_list => self.list(pair),
            _ => self.atom(pair),
        }
    }

    /// `values e1, e2` is the bag of these, `stream e1, e2` the stream.
    fn list(&self, pair: Pair<'_, Rule>) -> Result<Expr> {
        let span = self.span(&pair);
        let is_stream = pair.as_rule() == Rule::stream_list;
        let elements = self.queries(pair)?;
        let bag = Expr {
            kind: ExprKind::Bag(elements),
            span: span.clone(),
        };
        if !is_stream {
            return Ok(bag);
        }
        let name = Name {
            text: "streamof".into(),
            span: span.clone(),
        };
        let function = FunctionName {
            name,
            argument_types: vec![],
            result_types: None,
        };
        Ok(Expr {
            kind: ExprKind::Call {
                function,
                args: vec![bag],
            },
            span,
        })
    }

    pub(super) fn queries(&self, pair: Pair<'_, Rule>) -> Result<Vec<Expr>> {
        self.parts(pair).map(|p| self.query(p)).collect()
    }

    fn atom(&self, pair: Pair<'_, Rule>) -> Result<Expr> {
        let span = self.span(&pair);
        let kind = match pair.as_rule() {
            Rule::number | Rule::negative => {
                ExprKind::Literal(literal::number(pair.as_str()).map_err(|e| e.at(&span))?)
            }
            Rule::string => ExprKind::Literal(Literal::Str(self.string(&pair)?)),
            Rule::time => ExprKind::Literal(literal::time(pair.as_str()).map_err(|e| e.at(&span))?),
            Rule::constant => ExprKind::Literal(literal::constant(pair.as_str())),
            Rule::variable | Rule::session_variable | Rule::column_of_row => {
                ExprKind::Variable(self.variable(&pair))
            }
            Rule::functional => ExprKind::Functional(self.functional(pair)?),
            Rule::call => return self.call(pair, span),
            Rule::paren => return self.paren(pair, span),
            Rule::vector => ExprKind::Vector(self.queries(pair)?),
            Rule::record => self.record(pair)?,
            // All positions: there is no number that says which.
            Rule::all => ExprKind::Literal(Literal::Null),
            Rule::cast => {
                let mut parts = self.parts(pair);
                let value = Box::new(self.query(parts.need(self.source)?)?);
                // A declared length cuts nothing, as in SQLite.
                let (ty, _) = self.column_type(parts.need(self.source)?)?;
                ExprKind::Cast { value, ty }
            }
            _ => self.case(pair)?,
        };
        Ok(Expr { kind, span })
    }

    /// The text of a string constant.
    pub(super) fn string(&self, pair: &Pair<'_, Rule>) -> Result<Arc<str>> {
        let start = pair.as_span().start();
        literal::string(pair.as_str())
            .map(Arc::from)
            .map_err(|fault| {
                let place = Span::new(self.source, start + fault.start, start + fault.end);
                Error::syntax(fault.message).at(&place)
            })
    }

    fn functional(&self, pair: Pair<'_, Rule>) -> Result<Name> {
        let string = self.parts(pair).need(self.source)?;
        let text = self.string(&string)?;
        Ok(Name {
            text: text.to_lowercase().into(),
            span: self.span(&string),
        })
    }

    fn call(&self, pair: Pair<'_, Rule>, span: Span) -> Result<Expr> {
        let mut parts = self.parts(pair);
        let function = self.function_name(parts.need(self.source)?);
        let arguments = parts.need(self.source)?;
        let in_parentheses = self.span(&arguments);
        let mut args = self.arguments(arguments)?;
        let is_bag = &*function.name.text == "bag"
            && function.argument_types.is_empty()
            && function.result_types.is_none();
        let is_not = &*function.name.text == "not";
        if let (true, [arg]) = (is_not, args.as_mut_slice()) {
            arg.span = in_parentheses;
        }
        let negates = is_not && matches!(args.as_slice(), [arg] if arg.is_condition());
        let kind = if is_bag {
            ExprKind::Bag(args)
        } else if negates {
            let op = UnaryOp::Not;
            let arg = args.into_iter().next().map(Box::new);
            ExprKind::Unary {
                op,
                arg: arg.expect("there is one argument"),
            }
        } else {
            ExprKind::Call { function, args }
        };
        Ok(Expr { kind, span })
    }

    /// The arguments of a call: expressions, `*`, or `distinct` and one.
    fn arguments(&self, pair: Pair<'_, Rule>) -> Result<Vec<Expr>> {
        let span = self.span(&pair);
        if pair.as_rule() == Rule::all_rows {
            let kind = ExprKind::AllColumns(None);
            return Ok(vec![Expr { kind, span }]);
        }
        let mut parts = self.parts(pair);
        if parts.has(Rule::each_once) {
            let arg = self.query(parts.need(self.source)?)?;
            return Ok(vec![unary(UnaryOp::Distinct, arg, span)]);
        }
        parts.map(|p| self.query(p)).collect()
    }

    /// The expression in parentheses, or a tuple if there are several.
    fn paren(&self, pair: Pair<'_, Rule>, span: Span) -> Result<Expr> {
        let mut elements = self.queries(pair)?;
        let kind = match elements.len() {
            1 => elements.remove(0).kind,
            _ => ExprKind::Tuple(elements),
        };
        Ok(Expr { kind, span })
    }

    fn record(&self, pair: Pair<'_, Rule>) -> Result<ExprKind> {
        let mut parts = self.parts(pair);
        let mut fields = Vec::new();
        while let Some(key) = parts.next() {
            let value = parts.need(self.source)?;
            fields.push((self.query(key)?, self.query(value)?));
        }
        Ok(ExprKind::Record(fields))
    }

    fn case(&self, pair: Pair<'_, Rule>) -> Result<ExprKind> {
        let mut arms = Vec::new();
        let mut otherwise = None;
        let mut parts = self.parts(pair);
        let chosen_by = parts.next_if(Rule::chosen_by);
        let chosen_by = chosen_by.map(|by| self.only_query(by)).transpose()?;
        for part in parts {
            let is_arm = part.as_rule() == Rule::arm;
            let mut parts = self.parts(part);
            let mut first = self.query(parts.need(self.source)?)?;
            if let (true, Some(value)) = (is_arm, &chosen_by) {
                let span = first.span.clone();
                first = joined(BinaryOp::Eq, value.clone(), first, &span, &span);
            }
            if is_arm {
                arms.push((first, self.query(parts.need(self.source)?)?));
            } else {
                otherwise = Some(Box::new(first));
            }
        }
        Ok(ExprKind::Case { arms, otherwise })
    }

    fn prefixed(&self, op: Pair<'_, Rule>, arg: Expr) -> Result<Expr> {
        let span = self.span(&op).to(&arg.span);
        Ok(match op.as_rule() {
            Rule::negation => unary(UnaryOp::Not, arg, span),
            Rule::minus_sign => unary(UnaryOp::Minus, arg, span),
            // `+x` is x.
            _ => Expr { span, ..arg },
        })
    }

    fn postfixed(&self, base: Expr, op: Pair<'_, Rule>) -> Result<Expr> {
        let span = base.span.to(&self.span(&op));
        if matches!(op.as_rule(), Rule::null_test | Rule::between)
            && let Some(arg) = negated_by_not(&base)
        {
            return Ok(unary(UnaryOp::Not, self.postfixed(arg, op)?, span));
        }
        match op.as_rule() {
            Rule::null_test => {
                let negated = self.parts(op).has(Rule::NOT);
                let op = if negated {
                    UnaryOp::IsNotNull
                } else {
                    UnaryOp::IsNull
                };
                Ok(unary(op, base, span))
            }
            Rule::between => self.between(base, op, span),
            _ => self.index(base, op),
        }
    }

    /// `x between a and b` is `x >= a and x <= b`.
    fn between(&self, value: Expr, op: Pair<'_, Rule>, span: Span) -> Result<Expr> {
        let op_span = self.span(&op);
        let mut parts = self.parts(op);
        let negated = parts.has(Rule::NOT);
        let mut side = |op, value: &Expr| -> Result<Expr> {
            let bound = self.query(parts.need(self.source)?)?;
            Ok(joined(op, value.clone(), bound, &op_span, &span))
        };
        let low = side(BinaryOp::Ge, &value)?;
        let high = side(BinaryOp::Le, &value)?;
        let within = joined(BinaryOp::And, low, high, &op_span, &span);
        Ok(match negated {
            true => unary(UnaryOp::Not, within, span),
            false => within,
        })
    }

    fn index(&self, base: Expr, subscript: Pair<'_, Rule>) -> Result<Expr> {
        let span = base.span.to(&self.span(&subscript));
        let kind = ExprKind::Index {
            base: Box::new(base),
            indices: self.queries(subscript)?,
        };
        Ok(Expr { kind, span })
    }

    fn infixed(&self, left: Expr, op: Pair<'_, Rule>, right: Expr) -> Result<Expr> {
        if is_comparison(binary_op(op.as_rule()))
            && let Some(arg) = negated_by_not(&left)
        {
            let span = left.span.to(&right.span);
            return Ok(unary(UnaryOp::Not, self.infixed(arg, op, right)?, span));
        }
        let op_span = self.span(&op);
        let negated = matches!(op.as_rule(), Rule::not_within | Rule::not_like);
        let op = binary_op(op.as_rule());
        if is_comparison(op) && is_open_comparison(&left) {
            let error = Error::syntax("comparisons cannot be chained").at(&op_span);
            if joins_texts(&left) {
                return Err(error.help("|| joins texts; between conditions write or"));
            }
            return Err(
                error.help("join them with `and`, as in 1 < x and x < 5, or use parentheses")
            );
        }
        let span = left.span.to(&right.span);
        let joined = joined(op, left, right, &op_span, &span);
        Ok(match negated {
            true => unary(UnaryOp::Not, joined, span),
            false => joined,
        })
    }

    /// The one query or expression in `pair`.
    pub(super) fn only_query(&self, pair: Pair<'_, Rule>) -> Result<Expr> {
        self.query(self.parts(pair).need(self.source)?)
    }

    pub(super) fn variables(&self, pair: Pair<'_, Rule>) -> Vec<Variable> {
        self.parts(pair).map(|p| self.variable(&p)).collect()
    }

    pub(super) fn declarations(&self, pair: Pair<'_, Rule>) -> Result<Vec<Declaration>> {
        self.parts(pair).map(|p| self.declaration(p)).collect()
    }

    /// A type with a variable, local or of the session.
    pub(super) fn declaration(&self, pair: Pair<'_, Rule>) -> Result<Declaration> {
        let mut parts = self.parts(pair);
        let ty = self.type_spec(parts.need(self.source)?)?;
        let (Variable::Local(name) | Variable::Session(name)) =
            self.variable(&parts.need(self.source)?);
        Ok(Declaration { ty, name })
    }

    pub(super) fn type_spec(&self, pair: Pair<'_, Rule>) -> Result<TypeSpec> {
        let end = end(&pair);
        let mut parts = self.parts(pair);
        let mut wrappers = Vec::new();
        while let Some(collection) = parts.next_if(Rule::collection) {
            wrappers.push(collection);
        }
        let inner = parts.need(self.source)?;
        let mut ty = TypeSpec {
            span: self.span(&inner),
            kind: match inner.as_rule() {
                Rule::columns => TypeKind::Tuple(self.parameters(inner)?),
                _ => TypeKind::Named(self.name(&inner)),
            },
        };
        for wrapper in wrappers.into_iter().rev() {
            let start = wrapper.as_span().start();
            let word = wrapper.as_str().to_ascii_lowercase();
            let of = match (word.as_str(), ty.kind) {
                ("array", TypeKind::Named(format)) => {
                    ty.kind = TypeKind::Array(format);
                    ty.span = Span::new(self.source, start, end);
                    continue;
                }
                ("array", _) => {
                    return Err(Error::syntax("an array has numbers as elements")
                        .at(&ty.span)
                        .help("its type is Array, or Array of a format: Array of F64"));
                }
                (_, kind) => Box::new(TypeSpec { kind, ..ty }),
            };
            ty = TypeSpec {
                kind: match word.as_str() {
                    "bag" => TypeKind::Bag(of),
                    "vector" => TypeKind::Vector(of),
                    "stream" => TypeKind::Stream(of),
                    _ => TypeKind::Timeval(of),
                },
                span: Span::new(self.source, start, end),
            };
        }
        Ok(ty)
    }

    pub(super) fn parameters(&self, pair: Pair<'_, Rule>) -> Result<Vec<Parameter>> {
        self.parts(pair).map(|p| self.parameter(p)).collect()
    }

    pub(super) fn parameter(&self, pair: Pair<'_, Rule>) -> Result<Parameter> {
        let mut parts = self.parts(pair);
        let ty = self.type_spec(parts.need(self.source)?)?;
        let name = parts
            .next_if(Rule::parameter_name)
            .or_else(|| parts.next_if(Rule::column_name));
        Ok(Parameter {
            ty,
            name: name.map(|p| self.name(&p)),
            key: parts.has(Rule::KEY),
        })
    }
}

pub(super) fn unary(op: UnaryOp, arg: Expr, span: Span) -> Expr {
    let arg = Box::new(arg);
    Expr {
        kind: ExprKind::Unary { op, arg },
        span,
    }
}

fn joined(op: BinaryOp, left: Expr, right: Expr, op_span: &Span, span: &Span) -> Expr {
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

/// `a + 1` for `not (a) + 1` before a comparison, which `not` is about as a whole.
fn negated_by_not(expr: &Expr) -> Option<Expr> {
    match &expr.kind {
        ExprKind::Call { function, args } if &*function.name.text == "not" => match args.as_slice()
        {
            [arg] if begins_with_not(expr) => Some(arg.clone()),
            _ => None,
        },
        ExprKind::Unary {
            op: UnaryOp::Not,
            arg,
        } if begins_with_not(expr) => Some((**arg).clone()),
        ExprKind::Binary {
            op,
            op_span,
            left,
            right,
        } if !is_comparison(*op) && expr.span.start == left.span.start => {
            let left = negated_by_not(left)?;
            let span = left.span.to(&right.span);
            Some(joined(*op, left, (**right).clone(), op_span, &span))
        }
        _ => None,
    }
}

/// Whether it is written as `not (…)`, without parentheses around it.
fn begins_with_not(expr: &Expr) -> bool {
    let text = expr.span.text();
    let (word, rest) = text.split_at_checked(3).unwrap_or_default();
    word.eq_ignore_ascii_case("not") && rest.trim_start().starts_with('(')
}

/// Whether `expr` is a comparison without parentheses around it.
fn is_open_comparison(expr: &Expr) -> bool {
    match &expr.kind {
        // Parentheses widen the span of what they hold.
        ExprKind::Binary { op, left, .. } => {
            is_comparison(*op) && expr.span.start == left.span.start
        }
        _ => false,
    }
}
