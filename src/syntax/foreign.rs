//! Reads `create function NAME(…) -> RESULT as foreign 'KEY'` without the grammar.
//!
//! Nearly all built-in functions are declared like that, and the first statement of a program needs a
//! dozen of them: read by the grammar, they took a third of the work from start to first result. A
//! test compares what both make of every declaration.

use std::sync::Arc;

use super::ast::{Body, CreateFunction, Many, Parameter, ResultSpec, TypeKind, TypeSpec};
use super::build::of_anything;
use super::lexer::LexemeKind;
use super::literal;
use super::reader::LexemeReader;
use crate::text::diagnostic::SourceText;

/// The definition of a foreign function. `None` for any other statement, and for whatever is not
/// understood here: the grammar reads that, or says what is wrong with it.
pub fn foreign_function(source: &Arc<SourceText>) -> Option<CreateFunction> {
    let mut reader = LexemeReader::new(source);
    let definition = reader.definition()?;
    reader.next().is_none().then_some(definition)
}

impl LexemeReader<'_> {
    fn definition(&mut self) -> Option<CreateFunction> {
        self.taken("create")?;
        self.taken("function")?;
        let start = self.next()?.start;
        let name = self.name()?;
        let parameters = self.parameters()?;
        self.taken("->")?;
        let result = self.result()?;
        let signature = self.since(start);
        let gap = signature.end as usize..self.next()?.start;
        self.taken("as")?;
        self.taken("foreign")?;
        let key = self.next_if(|lexeme| lexeme.kind == LexemeKind::String)?;
        Some(CreateFunction {
            name,
            parameters,
            result,
            comment: literal::comment(&self.source.text[gap]),
            body: Body::Foreign(literal::string(self.text(key)).ok()?.into()),
            signature,
            span: self.since(0),
        })
    }

    /// What stands between the brackets, which are read as well.
    fn parameters(&mut self) -> Option<Vec<Parameter>> {
        self.taken("(")?;
        let mut parameters = Vec::new();
        while self.taken(")").is_none() {
            if !parameters.is_empty() {
                self.taken(",")?;
            }
            parameters.push(self.parameter()?);
        }
        Some(parameters)
    }

    fn parameter(&mut self) -> Option<Parameter> {
        let ty = self.type_spec()?;
        let is_name = !self.is("key") && !self.is("nonkey") && !self.is("as");
        let name = if is_name { self.name() } else { None };
        let key = self.taken("key").is_some();
        if !key {
            self.taken("nonkey");
        }
        Some(Parameter { ty, name, key })
    }

    fn result(&mut self) -> Option<ResultSpec> {
        let many = match () {
            () if self.is_of("bag") => Many::Bag,
            () if self.is_of("stream") => Many::Stream,
            () => Many::One,
        };
        if many != Many::One {
            self.skip(2);
        }
        if self.is("(") {
            let columns = self.parameters()?;
            return Some(ResultSpec { many, columns });
        }
        Some(of_anything(many, self.parameter()?))
    }

    fn type_spec(&mut self) -> Option<TypeSpec> {
        let start = self.next()?.start;
        let kind = match () {
            () if self.is("(") => TypeKind::Tuple(self.parameters()?),
            () if self.is_of("bag") => TypeKind::Bag(self.inner()?),
            () if self.is_of("vector") => TypeKind::Vector(self.inner()?),
            () if self.is_of("stream") => TypeKind::Stream(self.inner()?),
            () if self.is_of("timeval") => TypeKind::Timeval(self.inner()?),
            () if self.is_of("array") => {
                self.skip(2);
                TypeKind::Array(self.name()?)
            }
            () => TypeKind::Named(self.name()?),
        };
        let span = self.since(start);
        Some(TypeSpec { kind, span })
    }

    /// The type behind `Bag of` and the like.
    fn inner(&mut self) -> Option<Box<TypeSpec>> {
        self.skip(2);
        self.type_spec().map(Box::new)
    }

    /// Whether `word` and then `of` come next.
    fn is_of(&self, word: &str) -> bool {
        let follows = self.following();
        self.is(word) && follows.is_some_and(|of| self.text(of).eq_ignore_ascii_case("of"))
    }
}
