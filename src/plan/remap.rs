//! Moves a piece of a plan from one frame into another by renumbering its slots. A query inside keeps
//! its own slots and changes what it captures.

use crate::plan::walk::VisitorMut;
use crate::plan::{PlanExpr, Slot, Step};

/// Gives each slot that the expression mentions the number `to[slot]`.
pub fn expr(expr: &mut PlanExpr, to: &[Slot]) {
    Renumbering(to).expr(expr);
}

/// Gives each slot that the steps mention the number `to[slot]`.
pub fn steps(steps: &mut [Step], to: &[Slot]) {
    for step in steps {
        Renumbering(to).step(step);
    }
}

struct Renumbering<'a>(&'a [Slot]);

impl VisitorMut for Renumbering<'_> {
    fn slot(&mut self, slot: &mut Slot) {
        *slot = self.0[*slot];
    }
}
