//! Columns as what they are declared to be.

use super::operations::to_reals;
use super::optional::{OptionalColumn, of_present};
use crate::model::column::ColumnBuilder;
use crate::model::conversion::converted;
use crate::model::{BatchColumn, Type, Value, number};
use crate::plan::batch::{ColumnDeclared, ColumnUse};

/// A column that a function gives as one of the type that it is declared to give; `None` where a value
/// cannot be one.
pub fn result_column(ty: &Type, column: &BatchColumn) -> Option<BatchColumn> {
    let declared = ColumnDeclared::of(ty)?;
    let column = OptionalColumn::from(column.clone());
    let rows = column.column.len();
    let declared = declared.as_declared(column, rows, ColumnUse::Result)?;
    declared.present().is_none().then_some(declared.column)
}

impl ColumnDeclared {
    fn ty(&self) -> &Type {
        match self {
            ColumnDeclared::Numbers => &Type::Number,
            ColumnDeclared::Integers => &Type::Integer,
            ColumnDeclared::Reals => &Type::Real,
            ColumnDeclared::Values(ty) => ty,
        }
    }

    /// The column as it is declared, for this use of it; `None` where the evaluator has to see.
    pub fn as_declared(
        &self,
        column: OptionalColumn,
        rows: usize,
        of: ColumnUse,
    ) -> Option<OptionalColumn> {
        use BatchColumn::{Int, Ints, Objects, Real, Reals, Texts, Times};
        match (self, &column.column) {
            (ColumnDeclared::Numbers, Ints(_) | Int(_) | Reals(_) | Real(_))
            | (ColumnDeclared::Integers, Ints(_) | Int(_))
            | (ColumnDeclared::Reals, Reals(_) | Real(_))
            // Of which type they are is known where the program was made.
            | (ColumnDeclared::Values(_), Objects(_))
            | (ColumnDeclared::Values(Type::Charstring), Texts(_))
            | (ColumnDeclared::Values(Type::Timeval(_)), Times(_)) => Some(column),
            // A function of single values is applied to each element of a collection.
            (ColumnDeclared::Values(Type::Object), of_any) => {
                (!of_any.has_collection()).then_some(column)
            }
            (ColumnDeclared::Reals, Ints(ints))
                if of != ColumnUse::Variable || ints.iter().all(|int| number::is_real(*int)) =>
            {
                of_present(vec![column], rows, |mut columns, _| {
                    to_reals(columns.pop()?).map(OptionalColumn::from)
                })
            }
            (ColumnDeclared::Values(ty), BatchColumn::Values(values))
                if values.iter().all(|value| is_of(value, ty)) =>
            {
                Some(column)
            }
            (_, constant) if constant.is_constant() => {
                let value = constant.borrowed(0)?;
                let declared = match self.value(&value, of)? {
                    Some(value) => OptionalColumn::from(BatchColumn::constant(value)),
                    None => OptionalColumn::nothing(rows),
                };
                Some(declared.among(column.present()))
            }
            _ => of_present(vec![column], rows, |mut columns, rows| {
                self.one_by_one(&columns.pop()?, rows, of)
            }),
        }
    }

    fn one_by_one(
        &self,
        column: &BatchColumn,
        rows: usize,
        of: ColumnUse,
    ) -> Option<OptionalColumn> {
        let mut builder = ColumnBuilder::default();
        let mut present = Vec::with_capacity(rows);
        for row in 0..rows {
            let value = column.borrowed(row)?;
            let declared = self.value(&value, of)?;
            present.push(declared.is_some());
            if let Some(declared) = declared {
                builder.push(declared);
            }
        }
        let column = OptionalColumn::from(builder.finish());
        Some(column.scattered(&present))
    }

    /// The value as it is declared, if there is one then; `None` where the evaluator has to see.
    pub fn value(&self, value: &Value, of: ColumnUse) -> Option<Option<Value>> {
        if value.is_null() {
            return Some((of == ColumnUse::Result).then_some(Value::Null));
        }
        Some(match (converted(value, self.ty()), of) {
            (Some(None), _) => Some(value.clone()),
            // What is bound to a variable equals it.
            (Some(Some(other)), ColumnUse::Variable) => (other == *value).then_some(other),
            (Some(Some(other)), _) => Some(other),
            (None, ColumnUse::Variable) => None,
            (None, _) => return None,
        })
    }
}

/// Whether a value is of the type as it is.
fn is_of(value: &Value, ty: &Type) -> bool {
    !value.is_null() && matches!(converted(value, ty), Some(None))
}
