//! Expressions.

use super::frame::Fragment;
use super::query::{Draft, Whole};
use crate::catalog::signature;
use crate::compile::{CodePlace, Compiler, likely_wrong, query, rows};
use crate::model::array::ArrayFormat;
use crate::model::{Type, Value};
use crate::plan::PlanExpr;
use crate::syntax::ast::{self, BinaryOp, ExprKind, Literal, SelectKind, UnaryOp, Variable};
use crate::text::diagnostic::{Error, Result, Span, nearest};

impl Compiler<'_> {
    /// Compiles into the topmost frame. The type is a bag or stream where the value is one.
    pub(super) fn expr(&mut self, expr: &ast::Expr) -> Result<(PlanExpr, Type)> {
        match &expr.kind {
            ExprKind::Literal(literal) => {
                if let Literal::Str(_) = literal {
                    likely_wrong::note_backslash(&self.catalog.notes, &expr.span);
                }
                let value = Value::from(literal);
                let ty = Type::of(&value);
                Ok((PlanExpr::Const(value), ty))
            }
            ExprKind::Variable(Variable::Local(name)) => {
                let (slot, ty) = self.bound_variable(name)?;
                Ok((self.read(slot), ty))
            }
            ExprKind::Variable(Variable::Session(name)) => self.session_variable(name),
            ExprKind::Call { function, args } => self.call(function, args, &expr.span),
            ExprKind::Unary {
                op: UnaryOp::Minus,
                arg,
            } => self.operator("uminus", BinaryOp::Minus, &[arg], &expr.span),
            ExprKind::Unary { op, arg } => self.null_form(*op, arg, &expr.span),
            ExprKind::Combined(_) | ExprKind::AllColumns(_) => {
                Err(Error::compile("this cannot stand here").at(&expr.span))
            }
            ExprKind::Binary {
                op,
                left,
                right,
                op_span,
            } => self.binary(*op, left, right, &expr.span.to(op_span).to(&expr.span)),
            ExprKind::Vector(elements) | ExprKind::Tuple(elements) => self.vector(elements),
            ExprKind::Bag(elements) => self.bag(elements),
            ExprKind::Record(fields) => self.record(fields),
            ExprKind::Index { base, indices } => self.index(base, indices, expr),
            ExprKind::Case { arms, otherwise } => self.case(arms, otherwise.as_deref()),
            ExprKind::Cast { value, ty } => {
                let ty = match rows::sql_type(self.catalog, ty) {
                    Some(ty) => ty,
                    None => signature::of(ty, &self.catalog.types)?,
                };
                let fragment = self.fragment(|c| c.expr(value))?;
                if let Type::Array(format) = ty {
                    return self.array_of(fragment, format, &expr.span);
                }
                let (value, _) = self.single(fragment);
                Ok((PlanExpr::Convert(Box::new(value), ty.clone()), ty))
            }
            ExprKind::Select(select) if select.kind == SelectKind::Array => {
                let vector = self.fragment(|c| c.select(select, Whole::Nothing))?;
                self.array_of(vector, None, &select.span)
            }
            ExprKind::Select(select) => self.select(select, Whole::Nothing),
            ExprKind::Functional(name) => self.functional(name),
        }
    }

    /// Compiles so that the result is one value: what makes many becomes a bag or stream.
    pub(super) fn as_value(&mut self, expr: &ast::Expr) -> Result<(PlanExpr, Type)> {
        let fragment = self.fragment(|c| c.expr(expr))?;
        Ok(self.fragment_value(fragment))
    }

    pub(super) fn fragment_value(&mut self, fragment: Fragment) -> (PlanExpr, Type) {
        let ty = fragment.whole_type();
        if ty.is_collection() {
            (self.wrap(fragment), ty)
        } else {
            self.splice(fragment)
        }
    }

    /// Compiles as a condition that holds or does not, however often: a bag holds if one of its elements
    /// does. Leaves no steps.
    pub(super) fn condition(&mut self, expr: &ast::Expr) -> Result<PlanExpr> {
        let fragment = self.fragment(|c| c.expr(expr))?;
        Ok(if fragment.frame.steps.is_empty() {
            self.splice(fragment).0
        } else {
            self.wrap(fragment)
        })
    }

    /// The value of a variable that has one by now.
    pub(super) fn read(&mut self, slot: crate::plan::Slot) -> PlanExpr {
        match self.top().vars[slot].nullable {
            true => PlanExpr::Known(slot),
            false => PlanExpr::Slot(slot),
        }
    }

    /// What takes a value that may not be there.
    fn null_form(
        &mut self,
        op: UnaryOp,
        arg: &ast::Expr,
        span: &crate::text::diagnostic::Span,
    ) -> Result<(PlanExpr, Type)> {
        let compared = match op {
            UnaryOp::IsNull => BinaryOp::Eq,
            UnaryOp::IsNotNull => BinaryOp::Ne,
            UnaryOp::OrNull => {
                let fragment = self.fragment(|c| c.expr(arg))?;
                let (value, ty) = self.single(fragment);
                return Ok((value.or_null(), ty));
            }
            // `not` is gone by now.
            UnaryOp::Distinct | UnaryOp::Not | UnaryOp::Minus => {
                return Err(
                    Error::compile("'distinct' belongs into an aggregate of rows")
                        .at(span)
                        .help("select count(distinct t.a) from T t"),
                );
            }
        };
        let fragment = self.fragment(|c| c.expr(arg))?;
        let (value, _) = self.single(fragment);
        let sides = Box::new([value.or_null(), PlanExpr::Const(Value::Null)]);
        Ok((PlanExpr::Compare(compared, sides), Type::Boolean))
    }

    fn session_variable(&mut self, name: &ast::Name) -> Result<(PlanExpr, Type)> {
        if self.place == CodePlace::Function {
            return Err(Error::compile("a function cannot use session variables")
                .at(&name.span)
                .help("give it to the function as an argument"));
        }
        if let Some((_, ty)) = self.assigned.iter().find(|(set, _)| *set == name.text) {
            let read = PlanExpr::Session(name.text.clone(), name.span.clone());
            return Ok((read, ty.clone()));
        }
        match self.catalog.variables.get(&name.text) {
            _ if self.place == CodePlace::Script => Ok((
                PlanExpr::Session(name.text.clone(), name.span.clone()),
                Type::Object,
            )),
            Some((value, ty)) => Ok((PlanExpr::Const(value), ty)),
            None => Err(self.unknown_session_variable(name)),
        }
    }

    fn unknown_session_variable(&self, name: &ast::Name) -> Error {
        let message = format!("the session variable ':{}' has no value", name.text);
        let error = Error::compile(message).at(&name.span);
        let names = self.catalog.variables.names();
        match nearest(&name.text, names.iter().map(|n| &**n)) {
            Some(near) => error.help(format!("did you mean ':{near}'?")),
            None => error.help(format!("`set :{} = …;` gives it one", name.text)),
        }
    }

    fn binary(
        &mut self,
        op: BinaryOp,
        left: &ast::Expr,
        right: &ast::Expr,
        span: &Span,
    ) -> Result<(PlanExpr, Type)> {
        use BinaryOp::*;
        match op {
            And | Or => self.logical(op, left, right),
            Eq | Ne | Lt | Le | Gt | Ge => {
                let left = self.fragment(|c| c.expr(left))?;
                let (left, left_type) = self.single(left);
                let right = self.fragment(|c| c.expr(right))?;
                let (right, right_type) = self.single(right);
                let is_order = !matches!(op, Eq | Ne);
                if is_order && text_and_time(&left_type, &right_type) {
                    self.catalog.notes.add(
                        span,
                        "a string is compared with a time by its kind, not by what it says",
                        &["parse_iso_timestamp(s) makes a time of a string"],
                    );
                }
                if is_order && text_and_number(&left_type, &right_type) {
                    self.catalog.notes.add(
                        span,
                        likely_wrong::OF_TWO_KINDS,
                        &["aton(s) makes a number of a string, ntoa(x) a string of a number"],
                    );
                }
                Ok((
                    PlanExpr::Compare(op, Box::new([left, right])),
                    Type::Boolean,
                ))
            }
            In => {
                self.test_membership(left, right)?;
                Ok((PlanExpr::Const(Value::Bool(true)), Type::Boolean))
            }
            Plus | Minus | Times | Div | Power => {
                self.operator(op.function_name(), op, &[left, right], span)
            }
            JoinText | Mod | Like | ElemPlus | ElemMinus | ElemTimes | ElemDiv | ElemPower => {
                likely_wrong::note_joined_conditions(&self.catalog.notes, op, left, right, span);
                self.call_named(op.function_name(), &[left, right], span)
            }
        }
    }

    /// A vector: bags among its elements are taken one by one, streams stay whole.
    fn vector(&mut self, elements: &[ast::Expr]) -> Result<(PlanExpr, Type)> {
        let mut compiled = Vec::with_capacity(elements.len());
        let mut element_type: Option<Type> = None;
        for element in elements {
            let (expr, ty) = self.element(element)?;
            compiled.push(expr);
            element_type = Some(match element_type {
                Some(so_far) => so_far.join(&ty),
                None => ty,
            });
        }
        if compiled.iter().all(|e| matches!(e, PlanExpr::Const(_))) {
            let values = compiled.iter().filter_map(|e| match e {
                PlanExpr::Const(value) => Some(value.clone()),
                _ => None,
            });
            let value = Value::vector(values);
            let ty = Type::of(&value);
            return Ok((PlanExpr::Const(value), ty));
        }
        let ty = Type::vector(element_type.unwrap_or(Type::Object));
        Ok((PlanExpr::Vector(compiled), ty))
    }

    fn element(&mut self, element: &ast::Expr) -> Result<(PlanExpr, Type)> {
        if let ExprKind::Literal(_) = element.kind {
            return self.expr(element);
        }
        let fragment = self.fragment(|c| c.expr(element))?;
        if matches!(fragment.whole_type(), Type::Stream(_)) {
            let ty = fragment.whole_type();
            return Ok((self.wrap(fragment), ty));
        }
        Ok(self.single(fragment))
    }

    fn record(&mut self, fields: &[(ast::Expr, ast::Expr)]) -> Result<(PlanExpr, Type)> {
        let mut compiled = Vec::with_capacity(fields.len());
        for (key, value) in fields {
            let (key, _) = self
                .element(key)
                .map_err(|error| likely_wrong::of_key(error, key))?;
            let (value, _) = self.element(value)?;
            compiled.push((key, value));
        }
        Ok((PlanExpr::Record(compiled), Type::Record))
    }

    /// `v[i,j]` is `vref(vref(v,i),j)`.
    pub(super) fn index(
        &mut self,
        base: &ast::Expr,
        indices: &[ast::Expr],
        whole: &ast::Expr,
    ) -> Result<(PlanExpr, Type)> {
        let Some((last, before)) = indices.split_last() else {
            return self.expr(base);
        };
        if indices.iter().any(is_all) || !before.is_empty() && self.is_array(base)? {
            return self.part(base, indices, whole);
        }
        likely_wrong::note_position(&self.catalog.notes, last);
        let inner = self.fragment(|c| c.index(base, before, whole))?;
        let index = self.fragment(|c| c.expr(last))?;
        let element = match &inner.ty {
            Type::Vector(of) => Some((**of).clone()),
            _ => None,
        };
        let (expr, ty) = self.call_fragments("vref", vec![inner, index], &whole.span)?;
        // The function's signature cannot say that an element is of the vector's element type.
        let ty = if ty == Type::Object {
            element.unwrap_or(ty)
        } else {
            ty
        };
        Ok((expr, ty))
    }

    /// `a[i,j]` of an array, `a[i,*]`: all positions at once.
    fn part(
        &mut self,
        base: &ast::Expr,
        indices: &[ast::Expr],
        whole: &ast::Expr,
    ) -> Result<(PlanExpr, Type)> {
        let base = self.fragment(|c| c.expr(base))?;
        let positions = self.fragment(|c| c.vector(indices))?;
        self.call_fragments("vref", vec![base, positions], &whole.span)
    }

    fn is_array(&mut self, expr: &ast::Expr) -> Result<bool> {
        let fragment = self.fragment(|c| c.expr(expr))?;
        Ok(matches!(fragment.ty, Type::Array(_)))
    }

    fn case(
        &mut self,
        arms: &[(ast::Expr, ast::Expr)],
        otherwise: Option<&ast::Expr>,
    ) -> Result<(PlanExpr, Type)> {
        let mut ty: Option<Type> = None;
        let mut join = |new: Type| {
            ty = Some(match ty.take() {
                Some(so_far) if so_far == new => so_far,
                Some(so_far) if so_far.is_collection() || new.is_collection() => {
                    Type::bag(so_far.element().join(new.element()))
                }
                Some(so_far) => so_far.join(&new),
                None => new,
            });
        };
        let mut compiled = Vec::with_capacity(arms.len());
        for (condition, result) in arms {
            let condition = self.condition(condition)?;
            let (result, ty) = self.as_value(result)?;
            join(ty);
            compiled.push((condition, result));
        }
        let otherwise = match otherwise {
            Some(result) => {
                let (result, ty) = self.as_value(result)?;
                join(ty);
                Some(Box::new(result))
            }
            None => None,
        };
        let ty = ty.unwrap_or(Type::Object);
        let expr = PlanExpr::Case {
            arms: compiled,
            otherwise,
        };
        // Arms may be single values where others are collections: all are made collections.
        let expr = if ty.is_collection() {
            PlanExpr::Singleton(Box::new(expr))
        } else {
            expr
        };
        Ok((expr, ty))
    }

    pub(super) fn select(
        &mut self,
        select: &ast::Select,
        whole: Whole,
    ) -> Result<(PlanExpr, Type)> {
        if let Some(variable) = select.into.first() {
            let (Variable::Local(name) | Variable::Session(name)) = variable;
            return Err(
                Error::compile("'into' belongs to a select that is a statement")
                    .at(&name.span)
                    .help("inside an expression, use the select's value"),
            );
        }
        let (query, captures) = self.once(select, whole)?;
        Ok(query::of_kind(select.kind, query, captures))
    }

    /// The array that a value is or can be made.
    fn array_of(
        &mut self,
        value: Fragment,
        format: Option<ArrayFormat>,
        span: &Span,
    ) -> Result<(PlanExpr, Type)> {
        let mut args = vec![value];
        if let Some(format) = format {
            let name = PlanExpr::Const(Value::str(format.name()));
            args.insert(0, self.fragment(|_| Ok((name, Type::Charstring)))?);
        }
        let (array, ty) = self.call_fragments("array", args, span)?;
        let ty = match ty {
            Type::Bag(_) | Type::Stream(_) => ty,
            _ => Type::Array(format),
        };
        Ok((array, ty))
    }

    fn functional(&mut self, name: &ast::Name) -> Result<(PlanExpr, Type)> {
        let function = crate::catalog::named::functional(self.catalog, &name.text)
            .map_err(|error| error.at(&name.span))?;
        Ok((PlanExpr::Const(Value::Function(function)), Type::Function))
    }

    /// Compiles a whole query at the top of a statement or function. The columns of a function's
    /// result are variables of its query.
    pub(super) fn whole(
        mut self,
        expr: &ast::Expr,
        columns: &[crate::model::function::Param],
    ) -> Result<Draft> {
        let expr = &*rows::prepared(self.catalog, expr, self.variable_names())?;
        if let ExprKind::Select(select) = &expr.kind
            && matches!(select.kind, SelectKind::Bag | SelectKind::Stream)
        {
            return self.select_here(select, columns);
        }
        let span = &expr.span;
        let (expr, ty) = self.expr(expr)?;
        let frame = self.pop_frame();
        Ok(Draft::of_fragment(Fragment { frame, expr, ty }).at(span))
    }
}

/// Whether it is `*`, all positions.
pub(super) fn is_all(index: &ast::Expr) -> bool {
    matches!(&index.kind, ExprKind::Literal(ast::Literal::Null)) && index.span.text() == "*"
}

/// Whether one is a string and the other a number, whatever the values.
fn text_and_time(one: &Type, other: &Type) -> bool {
    let is_time = |ty: &Type| matches!(ty, Type::Timeval(_));
    let is_text = |ty: &Type| *ty == Type::Charstring;
    is_text(one) && is_time(other) || is_time(one) && is_text(other)
}

fn text_and_number(one: &Type, other: &Type) -> bool {
    let is_number = |ty: &Type| matches!(ty, Type::Number | Type::Integer | Type::Real);
    let is_text = |ty: &Type| *ty == Type::Charstring;
    is_text(one) && is_number(other) || is_number(one) && is_text(other)
}
