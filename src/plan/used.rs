//! What lookups bind: only variables that something uses, and without a look at types that are sure.

use std::cell::RefCell;

use crate::model::Type;
use crate::model::function::Body;
use crate::plan::remap::Remap;
use crate::plan::{Column, Lookup, Pattern, Query, Slot, Step};

/// How often the query mentions each variable, the places that bind it included.
pub fn mentions(query: &Query) -> Vec<usize> {
    let counts = RefCell::new(vec![0; query.slots]);
    let seen = |slot: Slot| {
        counts.borrow_mut()[slot] += 1;
        slot
    };
    query.steps.clone().remap(&seen);
    query.output.columns.clone().remap(&seen);
    for order in &query.order {
        order.key.clone().remap(&seen);
    }
    query.limit.clone().remap(&seen);
    query.group.clone().remap(&seen);
    counts.into_inner()
}

/// Tells the lookups of the query which columns of a row are copied into which variables, where that
/// is all there is to do with it.
pub fn find_copies(query: &mut Query) {
    let mentions = mentions(query);
    copies_of_all(&mut query.steps, &mentions);
}

fn copies_of_all(steps: &mut [Step], mentions: &[usize]) {
    for step in steps {
        match step {
            Step::Lookup(lookup) => lookup.copies = copies(lookup, mentions),
            Step::Alternatives(branches) => branches
                .iter_mut()
                .for_each(|branch| copies_of_all(branch, mentions)),
            _ => {}
        }
    }
}

fn copies(lookup: &Lookup, mentions: &[usize]) -> Option<Vec<(usize, Slot)>> {
    let Body::Stored(table) = &lookup.function.body else {
        return None;
    };
    let mut copies = Vec::new();
    for (at, (column, ty)) in lookup.columns.iter().zip(table.types()).enumerate() {
        match column {
            Column::Known(_) | Column::Bind(Pattern::Any) => {}
            Column::Bind(Pattern::Bind(slot, declared)) if is_sure(ty, declared) => {
                if mentions[*slot] > 1 {
                    copies.push((at, *slot));
                }
            }
            Column::Bind(_) => return None,
        }
    }
    Some(copies)
}

/// Whether a value of type `ty` is one of the declared type as it is.
fn is_sure(ty: &Type, declared: &Type) -> bool {
    *declared == Type::Object || ty.is_subtype_of(declared)
}
