//! `or` over batches.

use std::sync::Arc;

use super::{Builder, Kind, kind};
use crate::model::Type;
use crate::plan::batch::{
    BatchAlternatives, BatchBranch, BatchExpr, BatchOrigin, BatchProgram, BatchSource,
    BatchVariable, BatchWork, VariableColumns,
};
use crate::plan::{Slot, Step};

impl Builder<'_> {
    /// What the branches make of each row.
    pub(super) fn alternatives(&mut self, branches: &[Vec<Step>; 2], bound: &[Slot]) -> Option<()> {
        let mut sides = Vec::with_capacity(2);
        let mut types: Vec<Vec<Type>> = Vec::with_capacity(2);
        for branch in branches {
            let (branch, of_branch) = self.branch_of_rows(branch, bound)?;
            types.push(of_branch);
            sides.push(branch);
        }
        let branches = <[BatchBranch; 2]>::try_from(sides).ok()?;
        self.work
            .push(BatchWork::Alternatives(BatchAlternatives { branches }));
        for (at, slot) in bound.iter().enumerate() {
            let ty = either(&types[0][at], &types[1][at])?;
            self.columns.push((Some(*slot), ty));
        }
        Some(())
    }

    /// What a branch makes of the rows, and the types of the variables. Its columns are its own.
    pub(super) fn branch_of_rows(
        &mut self,
        steps: &[Step],
        bound: &[Slot],
    ) -> Option<(BatchBranch, Vec<Type>)> {
        let before = self.mark();
        let work = std::mem::take(&mut self.work);
        let lowered = self.branch(steps, bound);
        let work = std::mem::replace(&mut self.work, work);
        let columns = lowered?;
        let types = columns.iter().map(|at| self.columns[*at].1.clone());
        let types = types.collect();
        self.columns.truncate(before.columns);
        self.fields.truncate(before.fields);
        self.records.truncate(before.records);
        self.calls.truncate(before.calls);
        Some((BatchBranch { work, columns }, types))
    }

    /// Lowers the steps of a branch; gives the columns of the variables.
    fn branch(&mut self, steps: &[Step], bound: &[Slot]) -> Option<Vec<usize>> {
        for (at, step) in steps.iter().enumerate() {
            if self.attempt(|builder| builder.step(step)).is_none() {
                let behind = slots_behind(&steps[at + 1..], bound);
                self.row_steps(step, &behind)?;
            }
        }
        let column = |slot: &Slot| {
            self.whole_record(*slot);
            self.column_of(*slot)
        };
        bound.iter().map(column).collect()
    }

    /// Two branches that begin with sources of their own.
    pub(super) fn alternative_sources(
        &mut self,
        branches: &[Vec<Step>; 2],
        bound: &[Slot],
    ) -> Option<BatchOrigin> {
        // What is not told apart by a variable is a condition, and no source.
        if bound.is_empty() {
            return None;
        }
        let [first, second] = branches;
        let sources = [
            self.alternative_source(first, bound)?,
            self.alternative_source(second, bound)?,
        ];
        let mut variables = Vec::with_capacity(bound.len());
        for (at, slot) in bound.iter().enumerate() {
            let [one, other] = &sources;
            let ty = either(&one.program.types[at], &other.program.types[at])?;
            // Objects may be deleted while their numbers wait, and anything may be an object.
            if kind(&ty) == Some(Kind::Object) || ty == Type::Object {
                return None;
            }
            let column = self.columns.len();
            variables.push(BatchVariable {
                slot: *slot,
                columns: VariableColumns::Whole(column, ty.clone()),
            });
            self.columns.push((Some(*slot), ty));
        }
        Some(BatchOrigin::Alternatives {
            branches: Box::new(sources),
            bound: variables,
        })
    }

    fn alternative_source(&mut self, steps: &[Step], bound: &[Slot]) -> Option<BatchSource> {
        let mut builder = Builder::new(self.query, self.catalog);
        builder.gives_at_once = self.gives_at_once;
        let (lead, first, rest) = builder.source(steps)?;
        let origin = builder.origin(first)?;
        if builder.is_stream {
            return None;
        }
        let columns = builder.branch(rest, bound)?;
        let outputs: Vec<BatchExpr> = columns.into_iter().map(BatchExpr::Column).collect();
        let types = outputs.iter().map(|output| builder.type_of(output));
        let types = types.collect();
        builder
            .functions
            .iter()
            .for_each(|function| self.calls_of(function));
        self.reads_stored |= builder.reads_stored;
        // The steps are counted within the branch.
        let evaluated = if builder.evaluations > 0 {
            vec![0]
        } else {
            vec![]
        };
        Some(BatchSource {
            steps: steps.into(),
            program: Arc::new(BatchProgram {
                lead: lead.to_vec(),
                origin,
                types,
                work: builder.work,
                required: outputs.len(),
                outputs,
                functions: builder.functions,
                given: builder.given,
                tail: None,
                evaluated,
                gives_at_once: builder.gives_at_once,
            }),
        })
    }
}

/// The type of what has one of these types; `None` where a column cannot hold both.
fn either(one: &Type, other: &Type) -> Option<Type> {
    if one == other {
        return Some(one.clone());
    }
    match (kind(one)?, kind(other)?) {
        (Kind::Number, Kind::Number) => Some(Type::Number),
        (Kind::Object, _) | (_, Kind::Object) => None,
        _ => Some(Type::Object),
    }
}

/// The variables that are used behind: by these steps, or as what the branch binds.
fn slots_behind(steps: &[Step], bound: &[Slot]) -> Vec<Slot> {
    let used = steps.iter().flat_map(crate::plan::used::slots_of_step);
    used.chain(bound.iter().copied()).collect()
}
