//! What the expressions of a query become over the columns of a batch.

use std::sync::Arc;

use super::{Builder, Kind, kind};
use crate::compile::fields::field_of;
use crate::model::function::FunctionBody;
use crate::model::native::BatchForm;
use crate::model::table::Table;
use crate::model::{Function, Type};
use crate::plan::batch::{BatchExpr, BatchFetch, BatchWork, ColumnDeclared, ColumnUse};
use crate::plan::{Call, PlanExpr, Slot, Target};
use crate::syntax::ast::{BinaryOp, Many};

impl Builder<'_> {
    pub(super) fn kind(&self, node: &BatchExpr) -> Kind {
        match node {
            BatchExpr::Arith(..) | BatchExpr::Int(_) | BatchExpr::Real(_) => Kind::Number,
            // What it is, is seen when it runs.
            BatchExpr::Given(_) => Kind::Number,
            _ => kind(&self.type_of(node)).unwrap_or(Kind::Other),
        }
    }

    /// The type of the values, as far as it is known.
    pub(super) fn type_of(&self, node: &BatchExpr) -> Type {
        match node {
            BatchExpr::Column(at) | BatchExpr::Known(at) => self.columns[*at].1.clone(),
            BatchExpr::Int(_) => Type::Integer,
            BatchExpr::Real(_) => Type::Real,
            BatchExpr::Const(value) => value.type_of(),
            BatchExpr::Arith(..) => Type::Number,
            BatchExpr::Function { ty, .. } => ty.clone(),
            BatchExpr::Needing(_, value) => self.type_of(value),
            BatchExpr::Counted(_) => Type::Integer,
            BatchExpr::Evaluated(evaluated) if !evaluated.condition => evaluated.ty.clone(),
            BatchExpr::Case { arms, otherwise } => {
                let results = arms.iter().map(|(_, result)| result);
                let results: Vec<&BatchExpr> = results.chain(otherwise.as_deref()).collect();
                let ty = results
                    .first()
                    .map_or(Type::Object, |first| self.type_of(first));
                if results.iter().all(|result| self.type_of(result) == ty) {
                    ty
                } else if results
                    .iter()
                    .all(|result| self.kind(result) == Kind::Number)
                {
                    Type::Number
                } else {
                    Type::Object
                }
            }
            condition if condition.is_condition() => Type::Boolean,
            _ => Type::Object,
        }
    }

    /// A value for each row.
    pub(super) fn node(&mut self, expr: &PlanExpr) -> Option<BatchExpr> {
        self.attempt(|builder| builder.over_columns(expr))
            .or_else(|| self.evaluated(expr, false))
    }

    /// For each row whether a condition holds.
    pub(super) fn condition(&mut self, expr: &PlanExpr) -> Option<BatchExpr> {
        self.attempt(|builder| builder.over_columns(expr))
            .or_else(|| self.evaluated(expr, true))
    }

    /// A value for each row, or whether a condition holds, without the evaluator.
    pub(super) fn over_columns(&mut self, expr: &PlanExpr) -> Option<BatchExpr> {
        use crate::model::Value::{Int, Real};
        match expr {
            PlanExpr::Const(Int(int)) => Some(BatchExpr::Int(*int)),
            PlanExpr::Const(Real(real)) => Some(BatchExpr::Real(*real)),
            PlanExpr::Const(value) if !value.is_collection() => {
                Some(BatchExpr::Const(value.clone()))
            }
            PlanExpr::Slot(slot) | PlanExpr::Known(slot) => {
                let known = matches!(expr, PlanExpr::Known(_));
                self.whole_record(*slot);
                match self.column_of(*slot) {
                    Some(column) if known => Some(BatchExpr::Known(column)),
                    Some(column) => Some(BatchExpr::Column(column)),
                    // A function's body has no other variables than those that have columns.
                    None if known || self.inside.is_some() => None,
                    None if self.has_fields_only(*slot) => None,
                    None => Some(BatchExpr::Given(*slot)),
                }
            }
            PlanExpr::Arith(op, call) => self.arithmetic(*op, call),
            PlanExpr::Compare(op, sides) => {
                let sides = self.pair(&sides[0], &sides[1])?;
                Some(BatchExpr::Compare(*op, sides))
            }
            PlanExpr::And(list) => self.conditions(list).map(BatchExpr::And),
            PlanExpr::Or(list) => self.conditions(list).map(BatchExpr::Or),
            PlanExpr::Case { arms, otherwise } => self.case(arms, otherwise.as_deref()),
            PlanExpr::OrNull(value) => Some(BatchExpr::OrNull(Box::new(self.node(value)?))),
            PlanExpr::Call(call) => match self.field(expr) {
                Some(column) => {
                    if let Target::One(function) = &call.target {
                        self.calls_of(function);
                    }
                    Some(BatchExpr::Column(column))
                }
                None => self.call(call),
            },
            _ => None,
        }
    }

    /// Whether a variable has columns for some fields and none for itself.
    pub(super) fn has_fields_only(&self, slot: Slot) -> bool {
        self.fields.iter().any(|(of, _, _)| *of == slot)
    }

    /// The column that a field of a variable has.
    fn field(&self, expr: &PlanExpr) -> Option<usize> {
        let (slot, key) = field_of(expr).filter(|_| self.inside.is_none())?;
        let mut fields = self.fields.iter();
        let field = fields.find(|(of, named, _)| *of == slot && named == key);
        field.map(|(_, _, column)| *column)
    }

    /// The column that a variable has.
    pub(super) fn column_of(&self, slot: Slot) -> Option<usize> {
        match &self.inside {
            Some(inside) => {
                let found = inside.iter().find(|(of, _)| *of == slot);
                found.map(|(_, column)| *column)
            }
            None => self.columns.iter().position(|(of, _)| *of == Some(slot)),
        }
    }

    fn case(
        &mut self,
        arms: &[(PlanExpr, PlanExpr)],
        otherwise: Option<&PlanExpr>,
    ) -> Option<BatchExpr> {
        let mut lowered = Vec::with_capacity(arms.len());
        for (condition, result) in arms {
            lowered.push((self.condition(condition)?, self.node(result)?));
        }
        let otherwise = match otherwise {
            Some(otherwise) => Some(Box::new(self.node(otherwise)?)),
            None => None,
        };
        Some(BatchExpr::Case {
            arms: lowered,
            otherwise,
        })
    }

    fn arithmetic(&mut self, op: BinaryOp, call: &Call) -> Option<BatchExpr> {
        use BinaryOp::{Div, Minus, Plus, Times};
        // `+` puts strings together, too.
        if let Target::One(function) = &call.target
            && function
                .native()
                .is_some_and(|native| native.batch.is_some())
        {
            return self.call(call);
        }
        let [left, right] = call.args.as_slice() else {
            return None;
        };
        if !matches!(op, Plus | Minus | Times | Div) {
            return None;
        }
        let sides = self.pair(left, right)?;
        match &call.target {
            Target::One(function) => self.calls_of(function),
            Target::Late(functions) => functions.iter().for_each(|f| self.calls_of(f)),
        }
        Some(BatchExpr::Arith(op, sides))
    }

    fn conditions(&mut self, list: &[PlanExpr]) -> Option<Vec<BatchExpr>> {
        list.iter().map(|e| self.condition(e)).collect()
    }

    fn pair(&mut self, left: &PlanExpr, right: &PlanExpr) -> Option<Box<[BatchExpr; 2]>> {
        Some(Box::new([self.node(left)?, self.node(right)?]))
    }

    fn call(&mut self, call: &Call) -> Option<BatchExpr> {
        let Target::One(function) = &call.target else {
            return None;
        };
        if call.args.len() != function.arity() {
            return None;
        }
        let args = call.args.iter().map(|arg| self.node(arg));
        let mut args = args.collect::<Option<Vec<BatchExpr>>>()?;
        self.calls_of(function);
        match &function.body {
            FunctionBody::Stored(table) if args.len() == 1 => {
                self.stored(function, table, args.pop()?)
            }
            FunctionBody::Derived(_, compiled) => self.inlined(function, compiled, args),
            _ => self.native(function, args),
        }
    }

    /// Notes that the function is called.
    pub(super) fn calls_of(&mut self, function: &Arc<Function>) {
        if !self.functions.iter().any(|f| Arc::ptr_eq(f, function)) {
            self.functions.push(function.clone());
        }
    }

    /// Adds a column of the values, which are declared to be of the type; gives its place.
    pub(super) fn compute(&mut self, value: BatchExpr, ty: &Type, of: ColumnUse) -> Option<usize> {
        let declared = self.declare(&value, ty)?;
        self.work.push(BatchWork::Compute(value, declared, of));
        Some(self.columns.len() - 1)
    }

    /// The same for a variable that is bound: rows whose value is not of the type are left out.
    pub(super) fn bind(&mut self, slot: Slot, value: BatchExpr, ty: &Type) -> Option<()> {
        let declared = self.declare(&value, ty)?;
        self.work.push(BatchWork::Bind(value, declared));
        self.columns.last_mut()?.0 = Some(slot);
        Some(())
    }

    /// Makes the column of values that are declared to be of the type.
    fn declare(&mut self, value: &BatchExpr, ty: &Type) -> Option<ColumnDeclared> {
        let declared = ColumnDeclared::of(ty)?;
        let known = match ty {
            Type::Object => self.type_of(value),
            ty => ty.clone(),
        };
        // Objects are told by their numbers, and of which type one is has to be known.
        let objects = kind(&known) == Some(Kind::Object) || self.kind(value) == Kind::Object;
        if objects && self.type_of(value) != known {
            return None;
        }
        self.columns.push((None, known));
        Some(declared)
    }

    /// A call of a stored function with one value: its values become a column, in which some rows may have
    /// none.
    fn stored(
        &mut self,
        function: &Arc<Function>,
        table: &Table,
        key: BatchExpr,
    ) -> Option<BatchExpr> {
        let (BatchExpr::Column(of) | BatchExpr::Known(of)) = key else {
            return None;
        };
        let known =
            |call: &&(Arc<Function>, usize, usize)| Arc::ptr_eq(&call.0, function) && call.1 == of;
        if let Some((_, _, column)) = self.calls.iter().find(known) {
            return Some(BatchExpr::Column(*column));
        }
        let one = function.signature.many == Many::One && table.is_unique_by_arguments();
        let [_, result] = table.types() else {
            return None;
        };
        // Another kind of argument would be converted, or be an error.
        let (wanted, given) = (&function.signature.params[0].ty, &self.columns[of].1);
        let fits = match kind(wanted)? {
            Kind::Other => wanted == given,
            plain => kind(given) == Some(plain),
        };
        if !one || !fits {
            return None;
        }
        kind(result)?;
        self.reads_stored = true;
        self.columns.push((None, result.clone()));
        let column = self.columns.len() - 1;
        self.calls.push((function.clone(), of, column));
        self.work.push(BatchWork::Fetch(BatchFetch {
            function: function.clone(),
            known: [0],
            key,
            columns: vec![1],
            called: Some(ColumnDeclared::of(wanted)?),
        }));
        Some(BatchExpr::Column(column))
    }

    /// The built-in functions that have a form over batches.
    fn native(&mut self, function: &Function, args: Vec<BatchExpr>) -> Option<BatchExpr> {
        let form = function.native()?.batch?;
        let numbers = args.iter().all(|arg| self.kind(arg) == Kind::Number);
        if matches!(form, BatchForm::OfReal(_)) && !numbers {
            return None;
        }
        let params = function.signature.params.iter();
        let declared = params.map(|param| ColumnDeclared::of(&param.ty));
        let args = args.into_iter().zip(declared.collect::<Option<Vec<_>>>()?);
        let args = args.collect();
        let ty = function.signature.columns[0].ty.clone();
        Some(BatchExpr::Function { form, args, ty })
    }
}
