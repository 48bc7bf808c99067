//! Records that are read from texts, `r = json:unstringify(charstring(b))`: the fields that the query looks
//! at become columns, read from the text without a record, or a string, in between. The record itself is
//! made where something else is done with it, of the rows that are left by then.

use super::Builder;
use crate::compile::fields::keys_of_record;
use crate::model::native::BatchForm;
use crate::model::{Type, Value};
use crate::plan::batch::{BatchExpr, BatchFields, BatchWork, ColumnDeclared, ColumnUse};
use crate::plan::{PlanExpr, Slot, Target};

/// A record that a text holds.
pub(super) struct RecordOfText {
    slot: Slot,
    /// The column of the text, or of the binary that holds it, and its type.
    text: usize,
    ty: Type,
    /// How a column of records is made of a column of texts.
    form: BatchForm,
}

impl Builder<'_> {
    /// Makes columns for the fields of a record that a call reads from a text.
    pub(super) fn read_of_text(&mut self, slot: Slot, ty: &Type, value: &PlanExpr) -> Option<()> {
        let PlanExpr::Call(call) = value else {
            return None;
        };
        let Target::One(function) = &call.target else {
            return None;
        };
        let native = function.native()?;
        let read = native.fields_of_texts?;
        if *ty != Type::Record || call.args.len() != function.arity() {
            return None;
        }
        let (keys, form) = match call.args.as_slice() {
            [_] => (keys_of_record(self.query, slot), Some(native.batch?)),
            [_, PlanExpr::Const(Value::Vector(keys))] => (keys.to_vec(), None),
            _ => return None,
        };
        let text = self.text(&call.args[0])?;
        self.calls_of(function);
        if let Some(form) = form {
            self.records.push(RecordOfText {
                slot,
                text,
                ty: self.columns[text].1.clone(),
                form,
            });
        }
        if keys.is_empty() {
            self.whole_record(slot);
            return self.column_of(slot).map(drop);
        }
        for key in &keys {
            self.fields.push((slot, key.clone(), self.columns.len()));
            self.columns.push((None, Type::Object));
        }
        self.work
            .push(BatchWork::Fields(BatchFields { text, keys, read }));
        Some(())
    }

    /// The column of the texts that an expression gives, or of the binaries that hold them.
    fn text(&mut self, expr: &PlanExpr) -> Option<usize> {
        let (text, ty) = self.text_or_binary(expr)?;
        match text {
            BatchExpr::Column(at) | BatchExpr::Known(at) => Some(at),
            text => self.compute(text, &ty, ColumnUse::Argument),
        }
    }

    fn text_or_binary(&mut self, expr: &PlanExpr) -> Option<(BatchExpr, Type)> {
        if let PlanExpr::Call(call) = expr
            && let Target::One(function) = &call.target
            && let [of] = call.args.as_slice()
            && function
                .native()
                .is_some_and(|native| native.is_text_of_binary)
        {
            let of = self.over_columns(of)?;
            self.calls_of(function);
            return (self.type_of(&of) == Type::Binary).then_some((of, Type::Binary));
        }
        let text = self.over_columns(expr)?;
        (self.type_of(&text) == Type::Charstring).then_some((text, Type::Charstring))
    }

    /// Sees to it that a record of which only fields have columns has one for itself.
    pub(super) fn whole_record(&mut self, slot: Slot) {
        if self.column_of(slot).is_some() || self.inside.is_some() {
            return;
        }
        let Some(record) = self.records.iter().find(|record| record.slot == slot) else {
            return;
        };
        let text = BatchExpr::Column(record.text);
        let function = BatchExpr::Function {
            form: record.form,
            args: vec![(text, ColumnDeclared::Values(record.ty.clone()))],
            ty: Type::Object,
        };
        // There is always a column for it: what is declared a record is no object.
        let _ = self.bind(slot, function, &Type::Record);
    }
}
