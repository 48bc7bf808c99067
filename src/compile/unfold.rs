//! Conditions on calls of derived functions whose arguments are not bound: the conditions of the body
//! take the place of the call, so that they bind what they would if they were written there. The call
//! itself then checks what they bind (rule 5 of [`super::solve`]).

use std::sync::Arc;

use super::Compiler;
use super::names::{children, children_mut};
use super::planner::{Conjunct, split};
use super::rows;
use super::solve::{equation, variable};
use super::stateful::is_stateful;
use crate::catalog::overloads::choose;
use crate::catalog::{Catalog, signature};
use crate::model::function::FunctionBody;
use crate::model::{Function, Type};
use crate::syntax::ast::{self, BinaryOp, Expr, ExprKind, Name, SelectKind, Variable};
use crate::text::diagnostic::{Result, Span};

/// A call to unfold: which of the children it is, from the outermost expression inwards.
struct Place {
    path: Vec<usize>,
    function: Arc<Function>,
}

/// What a derived function is defined to be: its one result, for each row of the variables for which
/// the conditions hold.
struct Definition<'d> {
    parameters: &'d [ast::Parameter],
    variables: &'d [ast::FromItem],
    result: &'d Expr,
    filter: Option<&'d Expr>,
}

/// Names of a body, each with the variable that takes its place.
type Renamed = Vec<(Arc<str>, Arc<str>)>;

impl Compiler<'_> {
    /// Unfolds one call in what is pending; `false` if there is none to unfold.
    pub(super) fn unfold(&mut self, pending: &mut Vec<Conjunct>) -> Result<bool> {
        for at in 0..pending.len() {
            if pending[at].is_check {
                continue;
            }
            let (whole, unfolded) = (pending[at].expr.clone(), pending[at].unfolded.clone());
            let Some(Place { path, function }) = self.place_to_unfold(&whole, &unfolded)? else {
                continue;
            };
            pending.remove(at);
            let mut rest = whole.clone();
            let call = path.iter().fold(&mut rest, |expr, child| {
                children_mut(expr).swap_remove(*child)
            });
            // Of what type the result is, the check sees.
            let result = self.fresh(Type::Object, None, &call.span);
            let call = std::mem::replace(call, result.clone());
            if let ExprKind::Binary {
                op: BinaryOp::In,
                left,
                right,
                ..
            } = &rest.kind
                && path == [1]
            {
                rest = equation(&whole, (**left).clone(), (**right).clone());
            }
            self.unnest(rest, &unfolded, pending)?;
            self.add_body(&function, call, result, &unfolded, pending)?;
            return Ok(true);
        }
        Ok(false)
    }

    /// Whether the condition has a call that can be unfolded.
    pub(super) fn is_unfoldable(&mut self, expr: &Expr) -> Result<bool> {
        Ok(self.place_to_unfold(expr, &[])?.is_some())
    }

    /// The first call in an equation, or in a condition with `in`, that can be unfolded and is no part
    /// of the bodies of the functions `unfolded`.
    fn place_to_unfold(&mut self, expr: &Expr, unfolded: &[u64]) -> Result<Option<Place>> {
        let ExprKind::Binary {
            op: op @ (BinaryOp::Eq | BinaryOp::In),
            left,
            right,
            ..
        } = &expr.kind
        else {
            return Ok(None);
        };
        if let Some(mut place) = self.search(left, unfolded)? {
            place.path.insert(0, 0);
            return Ok(Some(place));
        }
        let Some(mut place) = self.search(right, unfolded)? else {
            return Ok(None);
        };
        place.path.insert(0, 1);
        // What is inside a collection is looked for by no equation.
        Ok((*op == BinaryOp::Eq || place.path.len() == 1).then_some(place))
    }

    fn search(&mut self, expr: &Expr, unfolded: &[u64]) -> Result<Option<Place>> {
        if let Some(function) = self.unfoldable_function(expr, unfolded)? {
            let path = vec![];
            return Ok(Some(Place { path, function }));
        }
        if self.hides_collections(expr)? {
            return Ok(None);
        }
        for (at, child) in children(expr).into_iter().enumerate() {
            if let Some(mut place) = self.search(child, unfolded)? {
                place.path.insert(0, at);
                return Ok(Some(place));
            }
        }
        Ok(None)
    }

    /// The derived function that `expr` calls, if it is known which it is and its body can stand in
    /// the place of the call.
    fn unfoldable_function(
        &mut self,
        expr: &Expr,
        unfolded: &[u64],
    ) -> Result<Option<Arc<Function>>> {
        let ExprKind::Call { function, args } = &expr.kind else {
            return Ok(None);
        };
        if self.is_bound(expr)? {
            return Ok(None);
        }
        let resolvents = self.catalog.functions.named(function)?;
        let derived = |f: &Arc<Function>| matches!(f.body, FunctionBody::Derived(..));
        if !resolvents.iter().any(derived) {
            return Ok(None);
        }
        let called = match &*resolvents {
            [only] => only.clone(),
            several => match self.value_types(args)? {
                Some(types) => match choose(several, &types) {
                    Some(choice) if choice.candidates.len() == 1 => choice.candidates[0].clone(),
                    _ => return Ok(None),
                },
                None => return Ok(None),
            },
        };
        let single = |ty: &Type| !ty.is_collection();
        let plain = called.arity() == args.len()
            && called.signature.columns.len() == 1
            && called.signature.params.iter().all(|p| single(&p.ty))
            && single(&called.signature.columns[0].ty)
            && !unfolded.contains(&called.id())
            && !self.open.contains(&called.id());
        if !plain || definition(self.catalog, &called).is_none() || is_stateful(self.catalog, expr)?
        {
            return Ok(None);
        }
        Ok(Some(called))
    }

    /// Adds what the function's body says of the arguments and the result, and the call as a check.
    fn add_body(
        &mut self,
        function: &Arc<Function>,
        call: Expr,
        result: Expr,
        unfolded: &[u64],
        pending: &mut Vec<Conjunct>,
    ) -> Result<()> {
        let (Some(body), ExprKind::Call { args, .. }) =
            (definition(self.catalog, function), &call.kind)
        else {
            return Ok(());
        };
        let mut renamed = Renamed::new();
        let params = function.signature.params.iter();
        for ((param, written), arg) in params.zip(body.parameters).zip(args) {
            let own = self.fresh(param.ty.clone(), None, &arg.span);
            rename_to(&mut renamed, written.name.as_ref(), &own);
            let arg = if self.is_bound(arg)? {
                converted(arg, &written.ty)
            } else {
                arg.clone()
            };
            self.unnest(equation(&call, own, arg), unfolded, pending)?;
        }
        for declared in body.variables {
            let ast::FromSource::Named(ty) = &declared.source else {
                continue;
            };
            let ty = signature::of(ty, &self.catalog.types)?;
            let span = &declared.name.span;
            let own = self.fresh(ty, Some(span.clone()), span);
            rename_to(&mut renamed, Some(&declared.name), &own);
        }
        let column = &function.signature.columns[0];
        if let Some(name) = &column.name
            && renamed.iter().all(|(of, _)| of != name)
            && let ExprKind::Variable(Variable::Local(own)) = &result.kind
        {
            renamed.push((name.clone(), own.text.clone()));
        }
        let mut given = body.result.clone();
        rename(&mut given, &renamed);
        let mut conditions = vec![equation(&call, result.clone(), given)];
        if let Some(filter) = body.filter {
            let mut filter = filter.clone();
            rename(&mut filter, &renamed);
            split(&filter, &mut conditions);
        }
        let inside = [unfolded, &[function.id()]].concat();
        for condition in conditions {
            self.unnest(condition, &inside, pending)?;
        }
        let check = equation(&call, call.clone(), result);
        pending.push(Conjunct {
            is_check: true,
            ..Conjunct::written(check, false)
        });
        Ok(())
    }

    /// A new unbound variable, which no name in the text leads to. One with a place where it is
    /// declared may go through the extent of its type.
    fn fresh(&mut self, ty: Type, declared: Option<Span>, span: &Span) -> Expr {
        let slot = self.hidden(ty, false);
        let name: Arc<str> = format!("value {slot}").into();
        let var = &mut self.top().vars[slot];
        (var.name, var.span) = (name.clone(), declared);
        variable(name, span)
    }
}

fn rename_to(renamed: &mut Renamed, name: Option<&Name>, own: &Expr) {
    if let (Some(name), ExprKind::Variable(Variable::Local(own))) = (name, &own.kind) {
        // A variable of the query hides a parameter of the same name.
        renamed.retain(|(of, _)| *of != name.text);
        renamed.push((name.text.clone(), own.text.clone()));
    }
}

fn rename(expr: &mut Expr, renamed: &Renamed) {
    if let ExprKind::Variable(Variable::Local(name)) = &mut expr.kind
        && let Some((_, own)) = renamed.iter().find(|(of, _)| *of == name.text)
    {
        name.text = own.clone();
    }
    for child in children_mut(expr) {
        rename(child, renamed);
    }
}

/// The argument as the parameter takes it.
fn converted(arg: &Expr, ty: &ast::TypeSpec) -> Expr {
    Expr {
        kind: ExprKind::Cast {
            value: Box::new(arg.clone()),
            ty: ty.clone(),
        },
        span: arg.span.clone(),
    }
}

/// The definition of a derived function that is one expression, or a select of one result for rows
/// that stand for themselves; without a query inside, whose variables would have to be told apart.
fn definition<'f>(catalog: &Catalog, function: &'f Function) -> Option<Definition<'f>> {
    let FunctionBody::Derived(written, _) = &function.body else {
        return None;
    };
    let ast::Body::Query(body) = &written.body else {
        return None;
    };
    if rows::needs_preparation(catalog, body) {
        return None;
    }
    let definition = match &body.kind {
        ExprKind::Select(select) => {
            let plain = select.kind == SelectKind::Bag
                && !select.distinct
                && select.group_by.is_empty()
                && select.order_by.is_empty()
                && select.into.is_empty()
                && select.limit.is_none();
            let [result] = select.items.as_slice() else {
                return None;
            };
            plain.then_some(Definition {
                parameters: &written.parameters,
                variables: &select.from,
                result,
                filter: select.filter.as_ref(),
            })?
        }
        _ => Definition {
            parameters: &written.parameters,
            variables: &[],
            result: body,
            filter: None,
        },
    };
    let parts = definition.filter.into_iter().chain([definition.result]);
    let named = definition.parameters.iter().all(|p| p.name.is_some());
    (named && !parts.into_iter().any(has_select)).then_some(definition)
}

fn has_select(expr: &Expr) -> bool {
    matches!(expr.kind, ExprKind::Select(_)) || children(expr).into_iter().any(has_select)
}
