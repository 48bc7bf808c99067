//! `create function`: signature, documentation and body.

use pest::iterators::Pair;

use super::{Builder, end};
use crate::syntax::ast::{
    Block, Body, CreateFunction, Expr, ExprKind, Many, Name, Parameter, ResultSpec, Statement,
    StatementKind, TypeKind, TypeSpec,
};
use crate::syntax::grammar::Rule;
use crate::syntax::literal;
use crate::text::diagnostic::{Result, Span};

impl Builder<'_> {
    pub(super) fn create_function(&self, pair: Pair<'_, Rule>) -> Result<CreateFunction> {
        let span = self.span(&pair);
        let whole_end = pair.as_span().end();
        let mut parts = self.parts(pair);
        let signature_pair = parts.need(self.source)?;
        let signature = self.span(&signature_pair);
        let body_pair = parts.next();
        let gap_end = match &body_pair {
            Some(body) => body.as_span().start(),
            None => whole_end,
        };
        let gap = &self.source.text[end(&signature_pair)..gap_end];
        let mut signature_parts = self.parts(signature_pair);
        Ok(CreateFunction {
            name: self.name(&signature_parts.need(self.source)?),
            parameters: self.parameters(signature_parts.need(self.source)?)?,
            result: self.result(signature_parts.need(self.source)?)?,
            comment: literal::comment(gap),
            body: match body_pair {
                Some(body) => self.body(body)?,
                None => Body::Stored,
            },
            signature,
            span,
        }
        .with_empty_block())
    }

    fn result(&self, pair: Pair<'_, Rule>) -> Result<ResultSpec> {
        let mut parts = self.parts(pair);
        let many = match parts.next_if(Rule::row) {
            Some(row) if row.as_str().eq_ignore_ascii_case("bag") => Many::Bag,
            Some(_) => Many::Stream,
            None => Many::One,
        };
        let inner = parts.need(self.source)?;
        if inner.as_rule() == Rule::columns {
            let columns = self.parameters(inner)?;
            return Ok(ResultSpec { many, columns });
        }
        Ok(of_anything(many, self.parameter(inner)?))
    }

    fn body(&self, pair: Pair<'_, Rule>) -> Result<Body> {
        let part = self.parts(pair).need(self.source)?;
        Ok(match part.as_rule() {
            Rule::STORED => Body::Stored,
            Rule::inverse => {
                Body::InverseOf(self.function_name(self.parts(part).need(self.source)?))
            }
            Rule::foreign => Body::Foreign(self.string(&self.parts(part).need(self.source)?)?),
            _ => {
                let statement = self.command(part)?;
                match statement.kind {
                    StatementKind::Query(query) => Body::Query(query),
                    _ => Body::Procedure(statement),
                }
            }
        })
    }
}

impl CreateFunction {
    /// `as { }` reads as an empty record, which it is for a function that may give one. For any other
    /// it is a procedure without statements.
    fn with_empty_block(self) -> CreateFunction {
        let may_be_record = self
            .result
            .columns
            .iter()
            .any(|column| match &column.ty.kind {
                TypeKind::Named(name) => matches!(&*name.text, "record" | "object"),
                _ => false,
            });
        match &self.body {
            Body::Query(Expr {
                kind: ExprKind::Record(fields),
                span,
            }) if fields.is_empty() && !may_be_record => {
                let span = span.clone();
                let kind = StatementKind::Block(Block {
                    declarations: vec![],
                    body: vec![],
                });
                let body = Body::Procedure(Statement { kind, span });
                CreateFunction { body, ..self }
            }
            _ => self,
        }
    }
}

/// `-> Bag` says the same as `-> Bag of Object`, `-> Stream` the same as `-> Stream of Object`.
pub fn of_anything(many: Many, column: Parameter) -> ResultSpec {
    let plain = match (&many, &column.ty.kind) {
        (Many::One, TypeKind::Named(name)) => match &*name.text {
            "bag" => Some(Many::Bag),
            "stream" => Some(Many::Stream),
            _ => None,
        },
        _ => None,
    };
    let Some(many) = plain else {
        return ResultSpec {
            many,
            columns: vec![column],
        };
    };
    let span: Span = column.ty.span.clone();
    let object = Name {
        text: "object".into(),
        span: span.clone(),
    };
    let ty = TypeSpec {
        kind: TypeKind::Named(object),
        span,
    };
    ResultSpec {
        many,
        columns: vec![Parameter { ty, ..column }],
    }
}
