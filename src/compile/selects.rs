//! Selects inside expressions are compiled once each.
//!
//! The planner asks for the type of an expression before it decides where to put it, and compiles the
//! expression again when it does; `or` compiles its left side for two purposes. If each of these went
//! into the selects below, the work would double with every level of nesting. So a select is kept by
//! its place in the text, with the variables that it captured, and is taken again wherever these
//! variables are the same.

use std::collections::HashMap;
use std::sync::Arc;

use super::Compiler;
use super::frame::Captures;
use super::query::Whole;
use crate::model::Type;
use crate::plan::{Query, Slot};
use crate::syntax::ast::Select;
use crate::text::diagnostic::Result;

/// The selects of one statement or function that were compiled so far, by the place where each
/// begins and ends and by what of its results stays whole.
#[derive(Default)]
pub(super) struct Selects(HashMap<(u32, u32, Whole), CompiledSelect>);

struct CompiledSelect {
    query: Arc<Query>,
    captures: Vec<Capture>,
}

/// A variable of the frames around a select that its query uses.
struct Capture {
    name: Arc<str>,
    ty: Type,
    exact: bool,
    /// The slot of the query that gets its value.
    slot: Slot,
}

impl Compiler<'_> {
    /// A select in a frame of its own, with what it captures from the topmost frame; compiled only if
    /// it was not before with the same variables around it.
    pub(super) fn once(&mut self, select: &Select, whole: Whole) -> Result<(Arc<Query>, Captures)> {
        let place = (select.span.start, select.span.end, whole);
        // Taken out, so that the compiler can be asked about variables meanwhile.
        if let Some(known) = self.selects.0.remove(&place) {
            let found = self.captured_again(&known.captures);
            let query = known.query.clone();
            self.selects.0.insert(place, known);
            if let Some(captures) = found {
                return Ok((query, captures));
            }
        }
        let (query, captures) = self.sub_query(select, whole)?;
        let query = Arc::new(query);
        let capture = |(outer, slot): &(Slot, Slot)| {
            let var = &self.top().vars[*outer];
            Capture {
                name: query.names[*slot].clone(),
                ty: var.ty.clone(),
                exact: var.exact,
                slot: *slot,
            }
        };
        let known = CompiledSelect {
            query: query.clone(),
            captures: captures.iter().map(capture).collect(),
        };
        self.selects.0.insert(place, known);
        Ok((query, captures))
    }

    /// The slots of the topmost frame for what a select captured before; `None` if one of the
    /// variables is another one now.
    fn captured_again(&mut self, captures: &[Capture]) -> Option<Captures> {
        let mut again = Vec::with_capacity(captures.len());
        for capture in captures {
            let outer = self.lookup(&capture.name)?;
            let var = &self.top().vars[outer];
            if !var.bound || var.ty != capture.ty || var.exact != capture.exact {
                return None;
            }
            again.push((outer, capture.slot));
        }
        Some(again)
    }
}
