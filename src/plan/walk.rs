//! The one walk over plans, for reading ([`Visitor`]) and for changing ([`VisitorMut`]).
//!
//! A visitor overrides the method for each kind of piece that it wants to see, and there calls the
//! `walk_` method of the same piece to go on into what is inside; without an override the walk just
//! goes on. A query inside another has variables of its own, so the walk meets only what it captures;
//! a visitor that wants to go into it overrides [`Visitor::sub`] and calls [`Visitor::query`].
//!
//! Both traits are written once, as a macro, so that a new kind of plan is added to both or to neither.

use crate::plan::{
    AssignmentTarget, CursorName, FunctionUpdate, Group, InsertedColumn, InsertionRows,
    LookupColumn, ObjectCreation, Pattern, PlanExpr, Query, RowAction, RowChange, RowChangeKind,
    Slot, Step, Stmt, Sub, UnknownOperation, VariableChange,
};

macro_rules! visitor {
    ($(#[$doc:meta])* $name:ident $(, $mutable:tt)?) => {
        $(#[$doc])*
        pub trait $name {
            /// A variable where it is bound, used or captured.
            fn slot(&mut self, _: & $($mutable)? Slot) {}

            fn expr(&mut self, expr: & $($mutable)? PlanExpr) {
                self.walk_expr(expr);
            }

            fn step(&mut self, step: & $($mutable)? Step) {
                self.walk_step(step);
            }

            /// A query inside another: only the variables around it that it captures.
            fn sub(&mut self, sub: & $($mutable)? Sub) {
                for (outer, _) in & $($mutable)? sub.captures {
                    self.slot(outer);
                }
            }

            fn statement(&mut self, statement: & $($mutable)? Stmt) {
                self.walk_statement(statement);
            }

            /// The expressions directly inside, in the order in which they are evaluated.
            fn walk_expr(&mut self, expr: & $($mutable)? PlanExpr) {
                match expr {
                    PlanExpr::Const(_) | PlanExpr::Session(..) => {}
                    PlanExpr::Slot(slot) | PlanExpr::Known(slot) => self.slot(slot),
                    PlanExpr::Call(call) | PlanExpr::Arith(_, call) => {
                        for arg in & $($mutable)? call.args {
                            self.expr(arg);
                        }
                    }
                    PlanExpr::Compare(_, sides) => {
                        for side in & $($mutable)? **sides {
                            self.expr(side);
                        }
                    }
                    PlanExpr::And(list) | PlanExpr::Or(list) | PlanExpr::Vector(list) | PlanExpr::Bag(list) => {
                        for element in list {
                            self.expr(element);
                        }
                    }
                    PlanExpr::Record(fields) => {
                        for (key, value) in fields {
                            self.expr(key);
                            self.expr(value);
                        }
                    }
                    PlanExpr::Case { arms, otherwise } => {
                        for (condition, value) in arms {
                            self.expr(condition);
                            self.expr(value);
                        }
                        if let Some(otherwise) = otherwise {
                            self.expr(otherwise);
                        }
                    }
                    PlanExpr::Try(both) => {
                        let [guarded, otherwise] = &$($mutable)? **both;
                        self.expr(guarded);
                        self.expr(otherwise);
                    }
                    PlanExpr::Convert(value, _)
                    | PlanExpr::OrNull(value)
                    | PlanExpr::Singleton(value) => self.expr(value),
                    PlanExpr::Sub(sub) | PlanExpr::Collect(sub) => self.sub(sub),
                }
            }

            fn pattern(&mut self, pattern: & $($mutable)? Pattern) {
                match pattern {
                    Pattern::Bind(slot, _) => self.slot(slot),
                    Pattern::Equal(expr) => self.expr(expr),
                    Pattern::Vector(parts) => {
                        for part in parts {
                            self.pattern(part);
                        }
                    }
                    Pattern::Any => {}
                }
            }

            fn column(&mut self, column: & $($mutable)? LookupColumn) {
                match column {
                    LookupColumn::Known(expr) => self.expr(expr),
                    LookupColumn::Bind(pattern) => self.pattern(pattern),
                }
            }

            fn operations(&mut self, operations: & $($mutable)? [UnknownOperation]) {
                for operation in operations {
                    match operation {
                        UnknownOperation::Negation => {}
                        UnknownOperation::OnLeft(_, operand)
                        | UnknownOperation::OnRight(_, operand) => self.expr(operand),
                    }
                }
            }

            fn walk_step(&mut self, step: & $($mutable)? Step) {
                match step {
                    Step::Filter(condition) => self.expr(condition),
                    Step::Let(pattern, value) => {
                        self.pattern(pattern);
                        self.expr(value);
                    }
                    Step::Iterate { pattern, over, .. } => {
                        self.pattern(pattern);
                        self.expr(over);
                    }
                    Step::Solve(equation) => {
                        self.slot(& $($mutable)? equation.unknown);
                        self.expr(& $($mutable)? equation.value);
                        self.operations(& $($mutable)? equation.operations);
                        self.expr(& $($mutable)? equation.condition);
                    }
                    Step::Index { base, position, .. } => {
                        self.expr(base);
                        self.slot(position);
                    }
                    Step::Extent { slot, .. } => self.slot(slot),
                    Step::Lookup(lookup) => {
                        for column in & $($mutable)? lookup.columns {
                            self.column(column);
                        }
                        if let Some(narrowing) = & $($mutable)? lookup.narrowing {
                            self.expr(& $($mutable)? narrowing.value);
                            self.operations(& $($mutable)? narrowing.operations);
                        }
                        for (_, slot) in (& $($mutable)? lookup.copies).into_iter().flatten() {
                            self.slot(slot);
                        }
                    }
                    Step::Join(join) => {
                        for step in & $($mutable)? join.inner {
                            self.step(step);
                        }
                        for slot in & $($mutable)? join.bound {
                            self.slot(slot);
                        }
                        for key in & $($mutable)? join.keys {
                            self.expr(& $($mutable)? key.outer);
                            self.expr(& $($mutable)? key.inner);
                        }
                        for condition in & $($mutable)? join.conditions {
                            self.expr(condition);
                        }
                        for given in & $($mutable)? join.given {
                            self.expr(given);
                        }
                    }
                    Step::Alternatives { branches, bound } => {
                        for branch in & $($mutable)? **branches {
                            for step in branch {
                                self.step(step);
                            }
                        }
                        for slot in bound {
                            self.slot(slot);
                        }
                    }
                    Step::Act(act) => {
                        for step in & $($mutable)? act.steps {
                            self.step(step);
                        }
                        match & $($mutable)? act.action {
                            RowAction::Evaluate(expr) => self.expr(expr),
                            RowAction::Change(change) => self.change(change),
                        }
                    }
                    Step::Optional { steps, bound } => {
                        for step in steps {
                            self.step(step);
                        }
                        for slot in bound {
                            self.slot(slot);
                        }
                    }
                }
            }

            fn change(&mut self, change: & $($mutable)? VariableChange) {
                self.slot(& $($mutable)? change.slot);
                for arg in & $($mutable)? change.args {
                    self.expr(arg);
                }
            }

            fn group(&mut self, group: & $($mutable)? Group) {
                if let Some(window) = & $($mutable)? group.window {
                    for size in & $($mutable)? window.sizes {
                        self.expr(size);
                    }
                    self.sub(& $($mutable)? window.rows);
                    self.slot(& $($mutable)? window.start);
                    self.slot(& $($mutable)? window.end);
                }
                for (key, slot) in & $($mutable)? group.keys {
                    self.expr(key);
                    self.slot(slot);
                }
                for aggregate in & $($mutable)? group.aggregates {
                    self.expr(& $($mutable)? aggregate.argument);
                    self.slot(& $($mutable)? aggregate.bag);
                    self.expr(& $($mutable)? aggregate.call);
                    self.slot(& $($mutable)? aggregate.result);
                }
                for step in & $($mutable)? group.after {
                    self.step(step);
                }
            }

            /// Everything in a query's own frame.
            fn query(&mut self, query: & $($mutable)? Query) {
                for (slot, value) in & $($mutable)? query.constants {
                    self.slot(slot);
                    self.expr(value);
                }
                for step in & $($mutable)? query.steps {
                    self.step(step);
                }
                if let Some(group) = & $($mutable)? query.group {
                    self.group(group);
                }
                for column in & $($mutable)? query.output.columns {
                    self.expr(column);
                }
                for order in & $($mutable)? query.order {
                    self.expr(& $($mutable)? order.key);
                }
                if let Some(limit) = & $($mutable)? query.limit {
                    self.expr(limit);
                }
                if let Some(offset) = & $($mutable)? query.offset {
                    self.expr(offset);
                }
            }

            fn place(&mut self, place: & $($mutable)? AssignmentTarget) {
                match place {
                    AssignmentTarget::Slot(slot, _) => self.slot(slot),
                    AssignmentTarget::Session(_) => {}
                }
            }

            fn cursor(&mut self, cursor: & $($mutable)? CursorName) {
                match cursor {
                    CursorName::Slot(slot) => self.slot(slot),
                    CursorName::Session(_) => {}
                }
            }

            fn walk_statement(&mut self, statement: & $($mutable)? Stmt) {
                match statement {
                    Stmt::Run(rows) | Stmt::Return(Some(rows)) => self.sub(rows),
                    Stmt::Change(change) => self.change(change),
                    Stmt::Assign(places, value) => {
                        for place in places {
                            self.place(place);
                        }
                        self.expr(value);
                    }
                    Stmt::Block(body) => {
                        for statement in body {
                            self.statement(statement);
                        }
                    }
                    Stmt::ForEach { rows, into, body } => {
                        self.sub(rows);
                        for slot in into {
                            self.slot(slot);
                        }
                        self.statement(body);
                    }
                    Stmt::Case { arms, otherwise } => {
                        for (condition, body) in arms {
                            self.expr(condition);
                            self.statement(body);
                        }
                        if let Some(otherwise) = otherwise {
                            self.statement(otherwise);
                        }
                    }
                    Stmt::While { condition, body } => {
                        self.expr(condition);
                        self.statement(body);
                    }
                    Stmt::Loop(body) => self.statement(body),
                    Stmt::CreateObjects(ObjectCreation { instances, .. }) => {
                        for instance in instances {
                            if let Some(place) = & $($mutable)? instance.place {
                                self.place(place);
                            }
                            for (_, value) in & $($mutable)? instance.values {
                                self.expr(value);
                            }
                        }
                    }
                    Stmt::DeleteObject(object, _) => self.expr(object),
                    Stmt::Update(FunctionUpdate { rows, arguments, .. }) => {
                        self.sub(rows);
                        if let Some(arguments) = arguments {
                            self.sub(arguments);
                        }
                    }
                    Stmt::ChangeRows(RowChange { kind, .. }, _) => match kind {
                        RowChangeKind::Insert(rows, columns) => {
                            match rows {
                                InsertionRows::Query(rows) => self.sub(rows),
                                InsertionRows::Values(rows) => {
                                    for row in rows {
                                        for value in & $($mutable)? row.values {
                                            self.expr(value);
                                        }
                                    }
                                }
                            }
                            for column in columns {
                                if let InsertedColumn::Default(value) = column {
                                    self.expr(value);
                                }
                            }
                        }
                        RowChangeKind::Delete(rows) | RowChangeKind::Update(rows, _) => {
                            self.sub(rows);
                        }
                    },
                    Stmt::OpenCursor(cursor, rows) => {
                        self.cursor(cursor);
                        self.sub(rows);
                    }
                    Stmt::FetchCursor(cursor, places, _) => {
                        self.cursor(cursor);
                        for place in places {
                            self.place(place);
                        }
                    }
                    Stmt::CloseCursor(cursor) => self.cursor(cursor),
                    Stmt::Return(None) | Stmt::Leave | Stmt::Commit | Stmt::Rollback => {}
                }
            }
        }
    };
}

visitor! {
    /// Reads the pieces of a plan.
    Visitor
}

visitor! {
    /// Changes the pieces of a plan where they are.
    VisitorMut, mut
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Type, Value};
    use crate::plan::RowCondition;
    use crate::syntax::ast::BinaryOp;

    struct Slots(Vec<Slot>);

    impl Visitor for Slots {
        fn slot(&mut self, slot: &Slot) {
            self.0.push(*slot);
        }
    }

    struct Shifted;

    impl VisitorMut for Shifted {
        fn slot(&mut self, slot: &mut Slot) {
            *slot += 10;
        }
    }

    #[test]
    fn both_walks_meet_the_same_variables_in_the_same_order() {
        let one = || PlanExpr::Const(Value::Int(1));
        let sides = Box::new([PlanExpr::Slot(1), PlanExpr::Known(2)]);
        let compared = PlanExpr::Compare(BinaryOp::Eq, sides);
        let branches = [
            vec![Step::Filter(RowCondition::unwritten(PlanExpr::Or(vec![
                compared,
                one(),
            ])))],
            vec![
                Step::Let(
                    Pattern::Vector(vec![Pattern::Bind(3, Type::Object), Pattern::Any]),
                    PlanExpr::Record(vec![(one(), PlanExpr::Slot(4))]),
                ),
                Step::Index {
                    base: PlanExpr::Case {
                        arms: vec![(PlanExpr::Slot(5), PlanExpr::Slot(6))],
                        otherwise: Some(Box::new(PlanExpr::Slot(7))),
                    },
                    position: 8,
                    ty: Type::Integer,
                },
            ],
        ];
        let mut step = Step::Alternatives {
            branches: Box::new(branches),
            bound: vec![10],
        };
        let mut slots = Slots(vec![]);
        slots.step(&step);
        assert_eq!(slots.0, [1, 2, 3, 4, 5, 6, 7, 8, 10]);
        Shifted.step(&mut step);
        let mut slots = Slots(vec![]);
        slots.step(&step);
        assert_eq!(slots.0, [11, 12, 13, 14, 15, 16, 17, 18, 20]);
    }
}
