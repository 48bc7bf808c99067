//! `call(f, x, …)`: the function that is called decides whether it takes a bag as a whole.

use super::Compiler;
use super::frame::Fragment;
use super::plan::Expr;
use crate::diagnostic::{Result, Span};
use crate::syntax::ast;
use crate::types::{Type, Value};

impl Compiler<'_> {
    /// A call whose function is known is a call of that function. For another one, its arguments are
    /// kept whole until it is known; `None` if there is nothing to keep.
    pub(super) fn call_of_function(
        &mut self,
        args: &[ast::Expr],
        span: &Span,
    ) -> Result<Option<(Expr, Type)>> {
        let Some((function, args)) = args.split_first() else {
            return Ok(None);
        };
        let function = self.fragment(|c| c.expr(function))?;
        if function.frame.steps.is_empty()
            && let Expr::Const(Value::Function(known)) = &function.expr
        {
            let resolvents = if known.is_generic() {
                self.world.library.resolvents(known.name())?
            } else {
                [known.clone()].into()
            };
            let name = known.name().clone();
            let args = self.fragments(&args.iter().collect::<Vec<_>>())?;
            return self.resolve(&name, &resolvents, args, span).map(Some);
        }
        let args = self.fragments(&args.iter().collect::<Vec<_>>())?;
        if !args.iter().any(|arg| arg.whole_type().is_collection()) {
            return Ok(None);
        }
        let list = self.fragment(|c| {
            let values = args.into_iter().map(|arg| c.fragment_value(arg).0);
            Ok((Expr::Vector(values.collect()), Type::vector(Type::Object)))
        })?;
        let call: Vec<Fragment> = vec![function, list];
        self.call_fragments("callv", call, span).map(Some)
    }
}
