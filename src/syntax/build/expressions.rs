//! Expressions, selects and types.

use std::sync::{Arc, LazyLock};

use pest::iterators::Pair;
use pest::pratt_parser::{Assoc, Op, PrattParser};

use super::{Builder, end};
use crate::syntax::ast::{
    BinaryOp, Declaration, Expr, ExprKind, FunctionName, Literal, Name, OrderKey, Parameter,
    Select, SelectKind, TypeKind, TypeSpec, UnaryOp, Variable,
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
        .op(left(Rule::equal)
            | left(Rule::not_equal)
            | left(Rule::less)
            | left(Rule::at_most)
            | left(Rule::greater)
            | left(Rule::at_least)
            | left(Rule::within))
        .op(left(Rule::add)
            | left(Rule::subtract)
            | left(Rule::each_add)
            | left(Rule::each_subtract))
        .op(left(Rule::multiply)
            | left(Rule::divide)
            | left(Rule::each_multiply)
            | left(Rule::each_divide))
        .op(Op::prefix(Rule::minus_sign))
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
        Rule::within => BinaryOp::In,
        Rule::add => BinaryOp::Plus,
        Rule::subtract => BinaryOp::Minus,
        Rule::multiply => BinaryOp::Times,
        Rule::divide => BinaryOp::Div,
        Rule::power => BinaryOp::Power,
        Rule::each_add => BinaryOp::ElemPlus,
        Rule::each_subtract => BinaryOp::ElemMinus,
        Rule::each_multiply => BinaryOp::ElemTimes,
        Rule::each_divide => BinaryOp::ElemDiv,
        _ => BinaryOp::ElemPower,
    }
}

fn is_comparison(op: BinaryOp) -> bool {
    use BinaryOp::*;
    matches!(op, Eq | Ne | Lt | Le | Gt | Ge | In)
}

impl Builder<'_> {
    /// A select, an expression, or a literal alone.
    pub(super) fn query(&self, pair: Pair<'_, Rule>) -> Result<Expr> {
        match pair.as_rule() {
            Rule::expr => OPERATORS
                .map_primary(|pair| self.atom(pair))
                .map_prefix(|op, arg| self.negate(op, arg?))
                .map_postfix(|base, subscript| self.index(base?, subscript))
                .map_infix(|left, op, right| self.binary(left?, op, right?))
                .parse(pair.into_inner()),
            Rule::select => {
                let select = self.select(pair)?;
                let span = select.span.clone();
                Ok(Expr {
                    kind: ExprKind::Select(Box::new(select)),
                    span,
                })
            }
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
            Rule::variable | Rule::session_variable => ExprKind::Variable(self.variable(&pair)),
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
                let ty = self.type_spec(parts.need(self.source)?)?;
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
        let args = self.queries(parts.need(self.source)?)?;
        let is_bag = &*function.name.text == "bag"
            && function.argument_types.is_empty()
            && function.result_types.is_none();
        let kind = if is_bag {
            ExprKind::Bag(args)
        } else {
            ExprKind::Call { function, args }
        };
        Ok(Expr { kind, span })
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
        for part in self.parts(pair) {
            let is_arm = part.as_rule() == Rule::arm;
            let mut parts = self.parts(part);
            let first = self.query(parts.need(self.source)?)?;
            if is_arm {
                arms.push((first, self.query(parts.need(self.source)?)?));
            } else {
                otherwise = Some(Box::new(first));
            }
        }
        Ok(ExprKind::Case { arms, otherwise })
    }

    fn negate(&self, op: Pair<'_, Rule>, arg: Expr) -> Result<Expr> {
        let span = self.span(&op).to(&arg.span);
        let kind = ExprKind::Unary {
            op: UnaryOp::Minus,
            arg: Box::new(arg),
        };
        Ok(Expr { kind, span })
    }

    fn index(&self, base: Expr, subscript: Pair<'_, Rule>) -> Result<Expr> {
        let span = base.span.to(&self.span(&subscript));
        let kind = ExprKind::Index {
            base: Box::new(base),
            indices: self.queries(subscript)?,
        };
        Ok(Expr { kind, span })
    }

    fn binary(&self, left: Expr, op: Pair<'_, Rule>, right: Expr) -> Result<Expr> {
        let op_span = self.span(&op);
        let op = binary_op(op.as_rule());
        if is_comparison(op) && is_open_comparison(&left) {
            return Err(Error::syntax("comparisons cannot be chained")
                .at(&op_span)
                .help("join them with `and`, as in 1 < x and x < 5, or use parentheses"));
        }
        let span = left.span.to(&right.span);
        let kind = ExprKind::Binary {
            op,
            op_span,
            left: Box::new(left),
            right: Box::new(right),
        };
        Ok(Expr { kind, span })
    }

    pub(super) fn select(&self, pair: Pair<'_, Rule>) -> Result<Select> {
        let mut select = Select {
            kind: SelectKind::Bag,
            distinct: false,
            items: Vec::new(),
            into: Vec::new(),
            from: Vec::new(),
            filter: None,
            group_by: Vec::new(),
            order_by: Vec::new(),
            limit: None,
            span: self.span(&pair),
        };
        for part in self.parts(pair) {
            match part.as_rule() {
                Rule::distinct => select.distinct = true,
                Rule::select_kind => select.kind = select_kind(part.as_str()),
                Rule::items => select.items = self.queries(part)?,
                Rule::into => select.into = self.variables(part),
                Rule::from => select.from = self.declarations(part)?,
                Rule::where_clause => select.filter = Some(self.only_query(part)?),
                Rule::group_by => select.group_by = self.queries(part)?,
                Rule::order_by => select.order_by = self.order_keys(part)?,
                _ => select.limit = Some(self.only_query(part)?),
            }
        }
        Ok(select)
    }

    /// The one query or expression in `pair`.
    pub(super) fn only_query(&self, pair: Pair<'_, Rule>) -> Result<Expr> {
        self.query(self.parts(pair).need(self.source)?)
    }

    fn order_keys(&self, pair: Pair<'_, Rule>) -> Result<Vec<OrderKey>> {
        self.parts(pair)
            .map(|key| {
                let mut parts = self.parts(key);
                Ok(OrderKey {
                    expr: self.query(parts.need(self.source)?)?,
                    descending: parts.has(Rule::DESC),
                })
            })
            .collect()
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

fn select_kind(word: &str) -> SelectKind {
    match word.to_ascii_lowercase().as_str() {
        "vector" => SelectKind::Vector,
        "array" => SelectKind::Array,
        "stream" => SelectKind::Stream,
        _ => SelectKind::Bag,
    }
}
