//! `call(f, x, …)`: the function that is called decides whether it takes a bag as a whole.

use super::Compiler;
use super::frame::Fragment;
use crate::model::{Type, Value};
use crate::plan::{Call, PlanExpr, Target};
use crate::syntax::ast;
use crate::text::diagnostic::{Result, Span};

impl Compiler<'_> {
    /// A call whose function is known is a call of that function. For another one, bags are kept
    /// whole until it is known, by the function `with_vector`.
    pub(super) fn call_of_function(
        &mut self,
        name: &str,
        with_vector: &str,
        args: &[ast::Expr],
        span: &Span,
    ) -> Result<(PlanExpr, Type)> {
        let mut fragments = self.fragments(&args.iter().collect::<Vec<_>>())?;
        if let Some(function) = fragments.first()
            && function.frame.steps.is_empty()
            && let PlanExpr::Const(Value::Function(known)) = &function.expr
        {
            let known = known.clone();
            fragments.remove(0);
            let name = known.name().clone();
            if known.is_generic() {
                return self.call_fragments(&name, fragments, span);
            }
            return self.resolve(&name, &[known], fragments, span);
        }
        let is_whole = |arg: &Fragment| arg.whole_type().is_collection();
        let is_function = |f: &Fragment| matches!(f.whole_type(), Type::Function | Type::Object);
        if !fragments.first().is_some_and(is_function) || !fragments[1..].iter().any(is_whole) {
            return self.call_fragments(name, fragments, span);
        }
        let (function, _) = self.single(fragments.remove(0));
        let values = fragments
            .into_iter()
            .map(|arg| self.fragment_value(arg).0)
            .collect();
        let target = Target::One(self.catalog.functions.resolvents(with_vector)?[0].clone());
        let args = vec![function, PlanExpr::Vector(values)];
        let span = span.clone();
        let call = Call { target, args, span };
        Ok((PlanExpr::Call(Box::new(call)), Type::Object))
    }
}
