//! Where the rows of a `from` clause come from, and when the planner goes through them.

use std::sync::Arc;

use super::prepare::{columns_of, local, output_names, plain_name};
use crate::catalog::tables::table_of;
use crate::compile::Compiler;
use crate::compile::names::free;
use crate::compile::planner::{Conjunct, Rank, split};
use crate::model::function::FunctionBody;
use crate::model::{Function, Type};
use crate::plan::{Lookup, LookupColumn, Pattern, Slot, Step};
use crate::syntax::ast::{Expr, ExprKind, FromItem, FromSource, FunctionName, Joined, Name};
use crate::text::diagnostic::Result;

/// A row of a `from` clause as a condition: its columns have the values of some row.
pub struct RowSource {
    /// The variables of the columns, in the order of the row.
    columns: Vec<Slot>,
    rows: SourceRows,
    /// How the row is called.
    name: Name,
    /// Of a left join: the condition under which a row is taken; without one the columns are null.
    on: Option<Expr>,
}

#[derive(Clone)]
enum SourceRows {
    /// A stored function without arguments.
    Stored(Arc<Function>),
    /// What an expression gives.
    Of(Expr),
}

impl Compiler<'_> {
    /// Declares the columns of a row; gives the condition that binds them.
    pub(in crate::compile) fn declare_row(
        &mut self,
        item: &FromItem,
        function: Option<Arc<Function>>,
    ) -> Result<Conjunct> {
        let left = matches!(item.joined, Joined::Left(_));
        let (rows, columns) = match (&item.source, function) {
            (FromSource::Selected(query), _) => {
                let names = output_names(query).into_iter();
                let columns = names.map(|name| (name, Type::Object, true)).collect();
                (SourceRows::Of(query.clone()), columns)
            }
            (_, Some(function)) => {
                let columns = typed_columns(&function);
                let rows = match &function.body {
                    FunctionBody::Stored(_) => SourceRows::Stored(function),
                    _ => SourceRows::Of(call_of(&function, &item.name)),
                };
                (rows, columns)
            }
            (FromSource::Named(_) | FromSource::Together(_), None) => {
                (SourceRows::Of(local(&item.name)), vec![])
            }
        };
        let mut slots = Vec::with_capacity(columns.len());
        let mut variables = Vec::with_capacity(columns.len());
        for (column, ty, nullable) in columns {
            let name = plain_name(&format!("{}.{column}", item.name.text), &item.name.span);
            let span = Some(item.name.span.clone());
            let slot = self.top().add(name.text.clone(), ty, false, span);
            let var = &mut self.top().vars[slot];
            (var.nullable, var.kept) = (nullable || left, left);
            slots.push(slot);
            variables.push(local(&name));
        }
        let expr = Expr {
            kind: ExprKind::Tuple(variables),
            span: item.name.span.clone(),
        };
        let on = match &item.joined {
            Joined::Left(on) => Some(on.clone()),
            Joined::Inner(_) => None,
        };
        Ok(Conjunct {
            source: Some(Arc::new(RowSource {
                columns: slots,
                rows,
                name: item.name.clone(),
                on,
            })),
            ..Conjunct::written(expr, false)
        })
    }

    /// What going through the rows would cost now; `None` where it has to wait.
    pub(in crate::compile) fn rank_row(&mut self, source: &RowSource) -> Result<Option<Rank>> {
        if let Some(on) = &source.on {
            for (_, slot) in self.unbound_in(on)? {
                if !source.columns.contains(&slot) {
                    return Ok(None);
                }
            }
            return Ok(Some(Rank::Bag));
        }
        let top = self.top();
        let columns = 0..source.columns.len();
        let known: Vec<usize> = columns
            .filter(|at| top.vars[source.columns[*at]].bound)
            .collect();
        Ok(Some(match &source.rows {
            SourceRows::Of(_) => Rank::Bag,
            SourceRows::Stored(function) if !finds_rows(function, &known) => Rank::Bag,
            SourceRows::Stored(_) if known.is_empty() => Rank::Scan,
            SourceRows::Stored(function) => match &function.body {
                FunctionBody::Stored(table) if table.is_unique_by(&known) => Rank::KeyedLookup,
                _ => Rank::IndexedLookup,
            },
        }))
    }

    /// Adds the steps that go through the rows.
    pub(in crate::compile) fn place_row(&mut self, source: &RowSource) -> Result<()> {
        let Some(on) = &source.on else {
            return self.place_rows(source);
        };
        let steps = std::mem::take(&mut self.top().steps);
        for slot in &source.columns {
            self.top().vars[*slot].kept = false;
        }
        let mut conditions = Vec::new();
        split(on, &mut conditions);
        let mut pending = vec![Conjunct {
            source: Some(Arc::new(RowSource {
                columns: source.columns.clone(),
                rows: source.rows.clone(),
                name: source.name.clone(),
                on: None,
            })),
            ..Conjunct::written(on.clone(), false)
        }];
        let conditions = conditions.into_iter();
        pending.extend(conditions.map(|condition| Conjunct::written(condition, false)));
        self.choose_all(pending, None)?;
        let steps = std::mem::replace(&mut self.top().steps, steps);
        let bound = source.columns.clone();
        self.top().steps.push(Step::Optional { steps, bound });
        Ok(())
    }

    fn place_rows(&mut self, source: &RowSource) -> Result<()> {
        let known: Vec<bool> = {
            let top = self.top();
            source
                .columns
                .iter()
                .map(|slot| top.vars[*slot].bound)
                .collect()
        };
        let patterns = source
            .columns
            .iter()
            .zip(&known)
            .map(|(slot, known)| match known {
                true => Pattern::Equal(self.read(*slot)),
                false => Pattern::Bind(*slot, Type::Object),
            });
        let mut patterns: Vec<Pattern> = patterns.collect();
        let places = 0..known.len();
        let known: Vec<usize> = places.filter(|at| known[*at]).collect();
        let rows = match &source.rows {
            SourceRows::Stored(function) if !finds_rows(function, &known) => {
                &SourceRows::Of(call_of(function, &source.name))
            }
            rows => rows,
        };
        let step = match rows {
            SourceRows::Stored(function) => {
                let column = |pattern| match pattern {
                    Pattern::Equal(value) => LookupColumn::Known(value),
                    pattern => LookupColumn::Bind(pattern),
                };
                let columns = patterns.into_iter().map(column).collect();
                Step::Lookup(Lookup::new(function.clone(), columns))
            }
            SourceRows::Of(rows) => {
                let (over, ty) = self.as_value(rows)?;
                let pattern = match patterns.len() {
                    1 => patterns.remove(0),
                    _ => Pattern::Vector(patterns),
                };
                Step::Iterate {
                    pattern,
                    over,
                    stream: matches!(ty, Type::Stream(_)),
                }
            }
        };
        for slot in &source.columns {
            self.top().vars[*slot].bound = true;
        }
        self.top().steps.push(step);
        Ok(())
    }

    /// Whether a condition would give a value to the column of a row that is joined from the left: only
    /// the join does.
    pub(in crate::compile) fn waits_for_join(&mut self, expr: &Expr) -> bool {
        let top = self.top();
        free(expr).into_iter().any(|name| {
            let slot = top.find(&name.text);
            slot.is_some_and(|slot| top.vars[slot].kept && !top.vars[slot].bound)
        })
    }
}

/// Whether rows of a table are found by their values in these columns without going through all. In memory an
/// index is made when it is first wanted. In a database only those help that are there; without one the rows
/// are those of a bag, which a join puts into a hash table once.
fn finds_rows(function: &Function, known: &[usize]) -> bool {
    let lasting = table_of(function).filter(|table| table.lasting().is_some());
    known.is_empty() || lasting.is_none_or(|table| table.is_indexed(known))
}

/// The columns of a table or a view: names, types, whether they may be null.
fn typed_columns(function: &Function) -> Vec<(Arc<str>, Type, bool)> {
    let rules = table_of(function).map(|table| table.rules());
    let columns = columns_of(function).into_iter().enumerate();
    let nullable = |at: usize| rules.is_none_or(|rules| !rules[at].not_null);
    columns
        .map(|(at, (name, ty))| (name, ty, nullable(at)))
        .collect()
}

fn call_of(function: &Function, at: &Name) -> Expr {
    let function = FunctionName {
        name: plain_name(function.name(), &at.span),
        argument_types: vec![],
        result_types: None,
    };
    let args = vec![];
    Expr {
        kind: ExprKind::Call { function, args },
        span: at.span.clone(),
    }
}
