//! Grouped selections: rows put together by key, aggregates over each group.

use super::Compiler;
use super::names::{children_mut, free, normalized};
use super::query::{Parts, Whole};
use crate::model::Type;
use crate::plan::{Group, GroupAggregate, IncrementalAggregate, PlanExpr, Slot, Target};
use crate::syntax::ast::{self, ExprKind, Name, Select, Variable};
use crate::text::diagnostic::{Error, Result};

impl Compiler<'_> {
    /// The results of a select with `group by`: keys, aggregates, and what is computed from them.
    pub(super) fn grouped(&mut self, select: &Select, whole: Whole) -> Result<Parts> {
        let mut group = Group {
            keys: vec![],
            aggregates: vec![],
        };
        let mut keys = Vec::new();
        for key in &select.group_by {
            let fragment = self.fragment(|c| c.expr(key))?;
            let (expr, ty) = self.single(fragment);
            let slot = self.numbered(ty);
            group.keys.push((expr, slot));
            keys.push((normalized(key), slot));
        }
        let mut select = select.clone();
        let order = select.order_by.iter_mut().map(|key| &mut key.expr);
        for expr in select.items.iter_mut().chain(order) {
            self.replace(expr, &keys, &mut group)?;
        }
        let (columns, types) = self.columns(&select.items, whole)?;
        let order = self.order(&select)?;
        let mut parts = Parts::new(columns, types, order);
        parts.group = Some(group);
        Ok(parts)
    }

    /// Puts variables in the place of keys and aggregates; a row's variable may not remain.
    fn replace(
        &mut self,
        expr: &mut ast::Expr,
        keys: &[(String, Slot)],
        group: &mut Group,
    ) -> Result<()> {
        let text = normalized(expr);
        if let Some((_, slot)) = keys.iter().find(|(key, _)| *key == text) {
            self.stand_in(expr, *slot);
            return Ok(());
        }
        if let Some(slot) = self.aggregate(expr, group)? {
            self.stand_in(expr, slot);
            return Ok(());
        }
        if let ExprKind::Variable(Variable::Local(name)) = &expr.kind
            && self
                .top()
                .find(&name.text)
                .is_some_and(|slot| self.top().vars[slot].span.is_some())
        {
            let message = format!("'{}' differs from row to row of a group", name.span.text());
            return Err(Error::compile(message)
                .at(&name.span)
                .help("put it into 'group by', or into an aggregate such as sum(…) or count(…)"));
        }
        for child in children_mut(expr) {
            self.replace(child, keys, group)?;
        }
        Ok(())
    }

    /// A variable with a name of its own that no one can write.
    fn numbered(&mut self, ty: Type) -> Slot {
        let slot = self.hidden(ty, true);
        self.top().vars[slot].name = format!("group {slot}").into();
        slot
    }

    /// Makes `expr` a use of the variable in `slot`.
    fn stand_in(&mut self, expr: &mut ast::Expr, slot: Slot) {
        let name = self.top().vars[slot].name.clone();
        let name = Name {
            text: name,
            span: expr.span.clone(),
        };
        expr.kind = ExprKind::Variable(Variable::Local(name));
    }

    /// The slot of the aggregate's result, if `expr` is a call of a function over a bag.
    fn aggregate(&mut self, expr: &ast::Expr, group: &mut Group) -> Result<Option<Slot>> {
        let ExprKind::Call { function, args } = &expr.kind else {
            return Ok(None);
        };
        let [argument] = args.as_slice() else {
            return Ok(None);
        };
        if free(argument).is_empty() {
            return Ok(None);
        }
        let resolvents = self.catalog.functions.named(function)?;
        let over_bag = |f: &std::sync::Arc<crate::model::Function>| matches!(f.signature.params.as_slice(), [p] if matches!(p.ty, Type::Bag(_)));
        if !resolvents.iter().any(over_bag) {
            return Ok(None);
        }
        let fragment = self.fragment(|c| c.expr(argument))?;
        let (argument, ty) = self.single(fragment);
        let bag = self.numbered(Type::bag(ty));
        let mut call = expr.clone();
        if let ExprKind::Call { args, .. } = &mut call.kind {
            args.iter_mut().for_each(|arg| self.stand_in(arg, bag));
        }
        let (call, ty) = self.expr(&call)?;
        let result = self.numbered(ty);
        group.aggregates.push(GroupAggregate {
            argument,
            bag,
            running: running(&call, bag),
            call,
            result,
        });
        Ok(Some(result))
    }
}

/// How a call of an aggregate of `bag` can do without the bag: a built-in one that needs no element
/// twice.
fn running(call: &PlanExpr, bag: Slot) -> Option<IncrementalAggregate> {
    let PlanExpr::Call(call) = call else {
        return None;
    };
    let (Target::One(function), [PlanExpr::Slot(slot)]) = (&call.target, call.args.as_slice())
    else {
        return None;
    };
    if *slot != bag {
        return None;
    }
    Some(IncrementalAggregate {
        kind: function.native()?.aggregate?,
        function: function.clone(),
        span: call.span.clone(),
    })
}
