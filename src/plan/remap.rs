//! Moves a piece of a plan from one frame into another by renumbering its slots.

use crate::plan::{Aggregate, Call, Column, Expr, Group, Pattern, Slot, Step, Sub};

/// Renumbers slots; a query inside keeps its own and changes what it captures.
pub trait Remap {
    fn remap(&mut self, to: &dyn Fn(Slot) -> Slot);
}

impl<T: Remap> Remap for Vec<T> {
    fn remap(&mut self, to: &dyn Fn(Slot) -> Slot) {
        self.iter_mut().for_each(|item| item.remap(to));
    }
}

impl<T: Remap> Remap for Box<T> {
    fn remap(&mut self, to: &dyn Fn(Slot) -> Slot) {
        (**self).remap(to);
    }
}

impl<T: Remap> Remap for Option<T> {
    fn remap(&mut self, to: &dyn Fn(Slot) -> Slot) {
        self.iter_mut().for_each(|item| item.remap(to));
    }
}

impl<A: Remap, B: Remap> Remap for (A, B) {
    fn remap(&mut self, to: &dyn Fn(Slot) -> Slot) {
        self.0.remap(to);
        self.1.remap(to);
    }
}

impl Remap for Sub {
    fn remap(&mut self, to: &dyn Fn(Slot) -> Slot) {
        self.captures
            .iter_mut()
            .for_each(|(outer, _)| *outer = to(*outer));
    }
}

impl Remap for Call {
    fn remap(&mut self, to: &dyn Fn(Slot) -> Slot) {
        self.args.remap(to);
    }
}

impl Remap for Expr {
    fn remap(&mut self, to: &dyn Fn(Slot) -> Slot) {
        match self {
            Expr::Const(_) | Expr::Session(..) => {}
            Expr::Slot(slot) | Expr::Known(slot) => *slot = to(*slot),
            Expr::Call(call) | Expr::Arith(_, call) => call.remap(to),
            Expr::Compare(_, sides) => sides.iter_mut().for_each(|side| side.remap(to)),
            Expr::And(list) | Expr::Or(list) | Expr::Vector(list) | Expr::Bag(list) => {
                list.remap(to);
            }
            Expr::Record(fields) => fields.remap(to),
            Expr::Case { arms, otherwise } => {
                arms.remap(to);
                otherwise.remap(to);
            }
            Expr::Convert(value, _) | Expr::Singleton(value) => value.remap(to),
            Expr::Sub(sub) | Expr::Collect(sub) => sub.remap(to),
            Expr::Member { needle, haystack } => {
                needle.remap(to);
                haystack.remap(to);
            }
        }
    }
}

impl Remap for Pattern {
    fn remap(&mut self, to: &dyn Fn(Slot) -> Slot) {
        match self {
            Pattern::Bind(slot, _) | Pattern::Solution(slot, _) => *slot = to(*slot),
            Pattern::Equal(expr) => expr.remap(to),
            Pattern::Vector(elements) => elements.remap(to),
            Pattern::Any => {}
        }
    }
}

impl Remap for Column {
    fn remap(&mut self, to: &dyn Fn(Slot) -> Slot) {
        match self {
            Column::Known(expr) => expr.remap(to),
            Column::Bind(pattern) => pattern.remap(to),
        }
    }
}

impl Remap for Step {
    fn remap(&mut self, to: &dyn Fn(Slot) -> Slot) {
        match self {
            Step::Filter(expr) => expr.remap(to),
            Step::Let(pattern, expr)
            | Step::Iterate {
                pattern,
                over: expr,
                ..
            } => {
                pattern.remap(to);
                expr.remap(to);
            }
            Step::Index {
                base,
                position,
                element,
            } => {
                base.remap(to);
                *position = to(*position);
                element.iter_mut().for_each(|slot| *slot = to(*slot));
            }
            Step::Extent { slot, .. } => *slot = to(*slot),
            Step::Lookup(lookup) => {
                lookup.columns.remap(to);
                for (_, slot) in lookup.copies.iter_mut().flatten() {
                    *slot = to(*slot);
                }
            }
            Step::Alternatives(branches) => branches.remap(to),
        }
    }
}

impl Remap for Group {
    fn remap(&mut self, to: &dyn Fn(Slot) -> Slot) {
        for (key, slot) in &mut self.keys {
            key.remap(to);
            *slot = to(*slot);
        }
        for Aggregate {
            argument,
            bag,
            call,
            running: _,
            result,
        } in &mut self.aggregates
        {
            argument.remap(to);
            call.remap(to);
            *bag = to(*bag);
            *result = to(*result);
        }
    }
}
