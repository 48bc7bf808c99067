//! Grouped selections: rows put together by key, aggregates over each group.

use super::Compiler;
use super::group_window::{WindowKey, is_live};
use super::names::{children_mut, free, normalized};
use super::query::{Parts, Whole};
use crate::compile::rows;
use crate::model::native::AggregateKind;
use crate::model::{Type, Value};
use crate::plan::{
    Group, GroupAggregate, GroupWindow, IncrementalAggregate, Pattern, PlanExpr, RowTime, Slot,
    Step, Target,
};
use crate::syntax::ast::{self, ExprKind, Name, Select, UnaryOp, Variable};
use crate::text::diagnostic::{Error, Result};

/// What rows are grouped by.
#[derive(Default)]
struct GroupKeys {
    keys: Vec<Key>,
    window: Option<WindowKey>,
}

impl GroupKeys {
    fn find(&self, text: &str) -> Option<&Key> {
        self.keys.iter().find(|key| key.text == text)
    }

    /// The windows stand among the results for their beginning.
    fn add_window(&mut self, text: String, window: WindowKey) -> Result<()> {
        if self.window.is_some() {
            return Err(Error::compile("rows fall into one kind of windows").at(&window.span));
        }
        self.keys.push(Key {
            text,
            slot: window.start,
            row: None,
        });
        self.window = Some(window);
        Ok(())
    }
}

/// A key, as it is written.
struct Key {
    text: String,
    /// Its value for a group.
    slot: Slot,
    /// Its value for a row, where the row is one of several that a bag as key makes of one.
    row: Option<Slot>,
}

impl Compiler<'_> {
    /// The results of a select with `group by`: keys, aggregates, and what is computed from them.
    pub(super) fn grouped(&mut self, select: &Select, whole: Whole) -> Result<Parts> {
        let mut group = Group {
            window: None,
            keys: vec![],
            aggregates: vec![],
            after: vec![],
            always: select.group_by.is_empty(),
        };
        let mut keys = GroupKeys::default();
        if group.always {
            // All rows have the same key.
            let slot = self.numbered(Type::Integer);
            group.keys.push((PlanExpr::Const(Value::Int(0)), slot));
        }
        for key in &select.group_by {
            let text = normalized(key);
            if keys.find(&text).is_some() {
                continue;
            }
            if let Some(window) = self.window_key(key)? {
                keys.add_window(text, window)?;
            } else {
                let key = self.key(key, text, select.of_rows, &mut group)?;
                keys.keys.push(key);
            }
        }
        let mut select = select.clone();
        // A group of rows of tables is never left out.
        let required = !select.of_rows;
        for item in &mut select.items {
            self.replace(item, &keys, &mut group, required)?;
        }
        if let Some(condition) = &mut select.having {
            self.replace(condition, &keys, &mut group, false)?;
        }
        for key in &mut select.order_by {
            self.replace(&mut key.expr, &keys, &mut group, false)?;
        }
        if let Some(window) = keys.window {
            group.window = Some(Box::new(self.windowed_rows(window, &mut group)));
        }
        let rows = self.top().steps.len();
        if let Some(having) = &select.having {
            let condition = self.condition(having)?;
            self.require(condition, Some(&having.span));
        }
        let (columns, types) = self.columns(&select.items, whole)?;
        let order = self.order(&select, &columns)?;
        group.after = self.top().steps.split_off(rows);
        let mut parts = Parts::new(columns, types, order);
        parts.group = Some(group);
        Ok(parts)
    }

    /// The rows that fall into windows, as a query of its own: what there is of them afterwards are groups.
    fn windowed_rows(&mut self, key: WindowKey, group: &mut Group) -> GroupWindow {
        if group.keys.is_empty() {
            // One group in each window.
            let slot = self.numbered(Type::Integer);
            group.keys.push((PlanExpr::Const(Value::Int(1)), slot));
        }
        let keys = group.keys.iter().map(|(key, _)| key.clone());
        let (time, time_columns) = key.time;
        let arguments = group.aggregates.iter().map(|a| a.argument.clone());
        let contribution = |argument| match argument {
            // It has a value.
            slot @ PlanExpr::Slot(_) => slot,
            argument => PlanExpr::Singleton(Box::new(argument)),
        };
        let mut columns: Vec<PlanExpr> = keys.collect();
        let required = match time {
            RowTime::Column => {
                columns.extend(time_columns);
                columns.len()
            }
            RowTime::Fields => {
                let keys = columns.len();
                columns.extend(time_columns.into_iter().map(contribution));
                keys
            }
        };
        columns.extend(arguments.map(contribution));
        let rows = self.rest_of_frame(columns, required);
        GroupWindow {
            time,
            live: is_live(self.catalog, &rows),
            gap: key.form.gap,
            sizes: key.sizes,
            rows,
            start: key.start,
            end: key.end,
            span: key.span,
        }
    }

    /// A bag as key makes a row of each of its elements.
    fn key(
        &mut self,
        key: &ast::Expr,
        text: String,
        of_rows: bool,
        group: &mut Group,
    ) -> Result<Key> {
        let fragment = self.fragment(|c| c.expr(key))?;
        let many = fragment.whole_type().is_collection();
        let (mut expr, ty) = self.single(fragment);
        let row = many.then(|| self.numbered(ty.clone()));
        if let Some(row) = row {
            let value = std::mem::replace(&mut expr, PlanExpr::Slot(row));
            let pattern = Pattern::Bind(row, Type::Object);
            self.top().steps.push(Step::Let(pattern, value));
        }
        let slot = self.numbered(ty);
        if of_rows {
            expr = expr.or_null();
            self.top().vars[slot].nullable = true;
        }
        group.keys.push((expr, slot));
        Ok(Key { text, slot, row })
    }

    /// Puts variables in the place of keys and aggregates; a row's variable may not remain. `required`
    /// says whether a group needs results of the aggregates.
    fn replace(
        &mut self,
        expr: &mut ast::Expr,
        keys: &GroupKeys,
        group: &mut Group,
        required: bool,
    ) -> Result<()> {
        let text = normalized(expr);
        if let Some(key) = keys.find(&text) {
            self.stand_in(expr, key.slot);
            return Ok(());
        }
        if let Some(slot) = self.window_bound(expr, keys.window.as_ref())? {
            self.stand_in(expr, slot);
            return Ok(());
        }
        if let Some(slot) = self.aggregate(expr, keys, group, required)? {
            if let Some(number) = self.number_summed(expr, keys, group)? {
                let (mut count, span) = (expr.clone(), expr.span.clone());
                self.stand_in(&mut count, number);
                self.stand_in(expr, slot);
                let none = rows::literal(ast::Literal::Int(0), &span);
                let some = rows::binary(ast::BinaryOp::Gt, count, none, &span, &span);
                expr.kind = ExprKind::Case {
                    arms: vec![(some, expr.clone())],
                    otherwise: None,
                };
                return Ok(());
            }
            self.stand_in(expr, slot);
            return Ok(());
        }
        if let ExprKind::Variable(Variable::Local(name)) = &expr.kind
            && self.differs_by_row(name)
        {
            let message = format!("'{}' differs from row to row of a group", name.span.text());
            return Err(Error::compile(message)
                .at(&name.span)
                .help("put it into 'group by', or into an aggregate such as sum(…) or count(…)"));
        }
        for child in children_mut(expr) {
            self.replace(child, keys, group, required)?;
        }
        Ok(())
    }

    /// Whether the variable is one of the query's own; those around it are the same for all rows.
    pub(super) fn differs_by_row(&mut self, name: &Name) -> bool {
        let top = self.top();
        top.find(&name.text).is_some_and(|slot| {
            top.vars[slot].span.is_some() && top.captures.iter().all(|c| c.1 != slot)
        })
    }

    /// A variable with a name of its own that no one can write.
    pub(super) fn numbered(&mut self, ty: Type) -> Slot {
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

    /// The slot of the aggregate's result, if `expr` is a call of a function over a bag. Each row
    /// contributes what the argument is for it: one value, or the elements of a bag. A bag that is the
    /// same for all rows is none of the group: a function of it is no aggregate of the group's rows.
    fn aggregate(
        &mut self,
        expr: &ast::Expr,
        keys: &GroupKeys,
        group: &mut Group,
        required: bool,
    ) -> Result<Option<Slot>> {
        let ExprKind::Call { function, args } = &expr.kind else {
            return Ok(None);
        };
        let [argument] = args.as_slice() else {
            return Ok(None);
        };
        let (argument, once) = match &argument.kind {
            ExprKind::Unary {
                op: UnaryOp::Distinct,
                arg,
            } => (&**arg, true),
            _ => (argument, false),
        };
        let resolvents = self.catalog.functions.named(function)?;
        let over_bag = |f: &std::sync::Arc<crate::model::Function>| matches!(f.signature.params.as_slice(), [p] if matches!(p.ty, Type::Bag(_)));
        if !resolvents.iter().any(over_bag) {
            return Ok(None);
        }
        let by_row = free(argument).into_iter().any(|n| self.differs_by_row(n));
        let mut argument = argument.clone();
        self.put_row_keys(&mut argument, keys);
        let fragment = self.fragment(|c| c.expr(&argument))?;
        let elements = fragment.whole_type().is_collection();
        if elements && !by_row {
            return Ok(None);
        }
        let (argument, ty) = self.fragment_value(fragment);
        let bag = self.numbered(Type::bag(ty.element_of_collection()));
        let mut call = expr.clone();
        if let ExprKind::Call { args, .. } = &mut call.kind {
            for arg in args {
                self.stand_in(arg, bag);
                if once {
                    let given = arg.clone();
                    *arg = rows::call("unique", vec![given], &expr.span);
                }
            }
        }
        let (call, ty) = self.expr(&call)?;
        let result = self.numbered(ty);
        self.top().vars[result].nullable = !required;
        group.aggregates.push(GroupAggregate {
            argument,
            elements,
            required,
            bag,
            running: running(&call, bag),
            call,
            result,
        });
        Ok(Some(result))
    }

    /// Where the aggregate that was added last is a sum of rows that may have no values: the slot of how
    /// many have one. SQL's sum of nothing is null, and ours 0.
    fn number_summed(
        &mut self,
        sum: &ast::Expr,
        keys: &GroupKeys,
        group: &mut Group,
    ) -> Result<Option<Slot>> {
        let Some(added) = group.aggregates.last().filter(|added| !added.required) else {
            return Ok(None);
        };
        let is_sum = match &added.call {
            PlanExpr::Call(call) => match &call.target {
                Target::One(function) => {
                    let native = function.native();
                    native.is_some_and(|n| n.aggregate == Some(AggregateKind::Sum))
                }
                Target::Late(_) => false,
            },
            _ => false,
        };
        let has_values = matches!(added.argument, PlanExpr::Slot(_) | PlanExpr::Const(_));
        if !is_sum || has_values && !group.always {
            return Ok(None);
        }
        let mut count = sum.clone();
        if let ExprKind::Call { function, .. } = &mut count.kind {
            function.name.text = "count".into();
        }
        self.aggregate(&count, keys, group, false)
    }

    /// Where an aggregate takes a key that is a bag, it takes the element that the row is about.
    fn put_row_keys(&mut self, expr: &mut ast::Expr, keys: &GroupKeys) {
        let text = normalized(expr);
        if let Some(row) = keys.find(&text).and_then(|key| key.row) {
            self.stand_in(expr, row);
            return;
        }
        for child in children_mut(expr) {
            self.put_row_keys(child, keys);
        }
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
