//! Calls: which resolvents can be meant, and how each argument reaches its parameter.

use std::sync::Arc;

use super::counted::only_counted;
use super::frame::Fragment;
use super::query::Whole;
use super::stateful::is_stateful;
use super::{CodePlace, Compiler, call_type, likely_wrong};
use crate::catalog::fit::Mode;
use crate::catalog::overloads::{ambiguous, choose_exactly, no_resolvent};
use crate::model::function::Param;
use crate::model::native::CallForm;
use crate::model::{Function, Type, Value};
use crate::plan::{Call, PlanExpr, Step, Target};
use crate::syntax::ast::{self, BinaryOp, ExprKind, Many, Variable};
use crate::text::diagnostic::{Error, Result, Span};

impl Compiler<'_> {
    pub(super) fn call(
        &mut self,
        function: &ast::FunctionName,
        args: &[ast::Expr],
        span: &Span,
    ) -> Result<(PlanExpr, Type)> {
        let resolvents = self.named(function)?;
        let name = &*function.name.text;
        let natives = resolvents.iter().filter_map(|f| f.native());
        for position in natives.flat_map(|native| native.positions) {
            if let Some(arg) = args.get(*position) {
                likely_wrong::note_position(&self.catalog.notes, arg);
            }
        }
        match call_form(&resolvents) {
            CallForm::Planned
                if let [query] = args
                    && is_query(query) =>
            {
                return self.explained(query);
            }
            CallForm::Guarded if let [guarded, otherwise] = args => {
                return self.guarded(guarded, otherwise);
            }
            CallForm::ChangesVariable => {
                return self.change_variable(name, &resolvents, args, span);
            }
            CallForm::AssignsVariable => return Err(no_condition(name, span)),
            CallForm::GroupWindow(_) | CallForm::WindowBound { .. } => {
                return Err(no_key(name, span));
            }
            CallForm::Applies { with_vector } if function.result_types.is_none() => {
                return self.call_of_function(name, with_vector, args, span);
            }
            _ => {}
        }
        let mut fragments = Vec::with_capacity(args.len());
        for (i, arg) in args.iter().enumerate() {
            let fragment = self.fragment(|c| match &arg.kind {
                ExprKind::Select(select) if wants_streams(&resolvents, i) => {
                    c.select(select, Whole::Streams)
                }
                _ => c.expr(arg),
            })?;
            fragments.push(self.described(fragment, arg, &resolvents, i)?);
        }
        self.note_single_value(&resolvents, args, &fragments, span);
        self.resolve(name, &resolvents, fragments, span)
    }

    /// An aggregate of a variable that has one value in each row: who writes that wants one of all rows.
    fn note_single_value(
        &self,
        resolvents: &[Arc<Function>],
        args: &[ast::Expr],
        fragments: &[Fragment],
        span: &Span,
    ) {
        use Type::{Boolean, Charstring, Integer, Number, Real, Record};
        let ([arg], [fragment]) = (args, fragments) else {
            return;
        };
        let is_aggregate = |f: &Arc<Function>| f.native().is_some_and(|n| n.aggregate.is_some());
        let is_single = matches!(
            fragment.whole_type(),
            Boolean | Charstring | Integer | Number | Real | Record
        );
        let is_variable = matches!(&arg.kind, ExprKind::Variable(Variable::Local(_)));
        let has_rows = self
            .frames
            .iter()
            .any(|f| f.steps.iter().any(Step::is_many));
        if is_single && is_variable && has_rows && resolvents.iter().any(is_aggregate) {
            let text = span.text();
            let message = format!("{text} is about one value, and gives a result for each row");
            let of_all = text.replacen('(', "(select ", 1);
            let help = format!("of all rows it is {} from …)", of_all.trim_end_matches(')'));
            let grouped = "with group by it is that of each group";
            self.catalog.notes.add(span, &message, &[&help, grouped]);
        }
    }

    /// The same where it is known how the arguments are treated: only that they fit is of interest.
    pub(super) fn call_checked(
        &mut self,
        function: &ast::FunctionName,
        args: &[ast::Expr],
        span: &Span,
    ) -> Result<(PlanExpr, Type)> {
        let resolvents = self.named(function)?;
        let args = self.fragments(&args.iter().collect::<Vec<_>>())?;
        self.resolve(&function.name.text, &resolvents, args, span)
    }

    /// A guard stands around what is computed for one element: elements of a bag or stream that it
    /// meets on its way are taken outside of it, so that each has a guard of its own.
    fn guarded(&mut self, guarded: &ast::Expr, otherwise: &ast::Expr) -> Result<(PlanExpr, Type)> {
        let fragment = self.fragment(|c| c.expr(guarded))?;
        let (guarded, ty) = self.splice(fragment);
        let (otherwise, other) = self.as_value(otherwise)?;
        let ty = match ty.is_collection() {
            true => Type::bag(ty.element().join(other.element())),
            false => ty.join(&other),
        };
        Ok((PlanExpr::Try(Box::new([guarded, otherwise])), ty))
    }

    /// How the arguments of a call of that name are treated; as usual where there is no such function.
    pub(super) fn call_form(&self, function: &ast::FunctionName) -> CallForm {
        let resolvents = self.catalog.functions.named(function);
        resolvents.map_or(CallForm::Ordinary, |resolvents| call_form(&resolvents))
    }

    /// The functions that a name in a call stands for.
    fn named(&self, function: &ast::FunctionName) -> Result<Arc<[Arc<Function>]>> {
        let library = &self.catalog.functions;
        library.named(function).map_err(|error| {
            let name = function.name.span.text();
            match library.resolvents(&function.name.text) {
                Ok(none) if none.is_empty() && self.place == CodePlace::Function => error.help(format!(
                    "if it is defined further on, declare it first: create function {name}(…) -> …;"
                )),
                _ => error,
            }
        })
    }

    /// A stream is computed anew each time it runs. So an argument with state (`rand(…)`) from which a
    /// stream is made must not be computed here, once, but inside the stream: it becomes a query that
    /// the stream runs.
    fn described(
        &mut self,
        arg: Fragment,
        written: &ast::Expr,
        resolvents: &[Arc<Function>],
        i: usize,
    ) -> Result<Fragment> {
        let ty = arg.whole_type();
        if ty.is_collection()
            || !resolvents.iter().any(|f| makes_stream_of(f, i))
            || !is_stateful(self.catalog, written)?
        {
            return Ok(arg);
        }
        self.fragment(|c| {
            let inner = c.one_frame_further_in(arg);
            Ok((c.wrap(inner), Type::bag(ty)))
        })
    }

    /// A call of a built-in function that the syntax stands for.
    pub(super) fn call_named(
        &mut self,
        name: &str,
        args: &[&ast::Expr],
        span: &Span,
    ) -> Result<(PlanExpr, Type)> {
        let args = self.fragments(args)?;
        self.call_fragments(name, args, span)
    }

    pub(super) fn call_fragments(
        &mut self,
        name: &str,
        args: Vec<Fragment>,
        span: &Span,
    ) -> Result<(PlanExpr, Type)> {
        let resolvents = self.catalog.functions.resolvents(name)?;
        self.resolve(name, &resolvents, args, span)
    }

    pub(super) fn fragments(&mut self, args: &[&ast::Expr]) -> Result<Vec<Fragment>> {
        args.iter()
            .map(|arg| self.fragment(|c| c.expr(arg)))
            .collect()
    }

    /// An arithmetic operator: numbers are computed on the spot, anything else is a call.
    pub(super) fn operator(
        &mut self,
        name: &str,
        op: BinaryOp,
        args: &[&ast::Expr],
        span: &Span,
    ) -> Result<(PlanExpr, Type)> {
        let (expr, ty) = self.call_named(name, args, span)?;
        let PlanExpr::Call(call) = expr else {
            return Ok((expr, ty));
        };
        let numeric = |f: &Arc<Function>| {
            f.signature
                .params
                .iter()
                .all(|p| matches!(p.ty, Type::Number | Type::Real))
        };
        let may_be_numbers = match &call.target {
            Target::One(function) => numeric(function),
            Target::Late(functions) => functions.iter().any(numeric),
        };
        if !may_be_numbers {
            return Ok((PlanExpr::Call(call), ty));
        }
        let ty = if matches!(call.target, Target::One(_)) {
            arithmetic_type(op, &call, ty)
        } else {
            ty
        };
        Ok((PlanExpr::Arith(op, call), ty))
    }

    pub(super) fn resolve(
        &mut self,
        name: &str,
        resolvents: &[Arc<Function>],
        args: Vec<Fragment>,
        span: &Span,
    ) -> Result<(PlanExpr, Type)> {
        let types: Vec<Type> = args.iter().map(Fragment::whole_type).collect();
        let exact: Vec<bool> = args.iter().map(Fragment::is_exact).collect();
        let Some(choice) = choose_exactly(resolvents, &types, |i| exact[i]) else {
            return Err(no_resolvent(name, resolvents, &types, span));
        };
        if !choice.ambiguous.is_empty() {
            return Err(ambiguous(name, &choice, span));
        }
        for (i, mode) in choice.modes.iter().enumerate() {
            let stream =
                matches!(types[i], Type::Stream(_)) && matches!(mode, Mode::Plain | Mode::Lift);
            if stream && let Some(error) = choice.candidates[0].needs_one_number(i) {
                return Err(error.at(span));
            }
        }
        let mut open = false;
        let args = args.into_iter().zip(&choice.modes);
        let args = args.map(|(arg, mode)| match mode {
            Mode::Whole => self.whole_argument(arg),
            Mode::AsFound if arg.whole_type().is_collection() => {
                open = true;
                self.wrap(arg)
            }
            _ => self.single(arg).0,
        });
        let args = only_counted(&choice.candidates, args.collect(), self.catalog);
        let (target, ty) = self.target(choice.candidates)?;
        // Whether the call is one or many is decided by the resolvent.
        let ty = if open { Type::Object } else { ty };
        Ok((
            PlanExpr::Call(Box::new(Call {
                target,
                args,
                span: span.clone(),
            })),
            ty,
        ))
    }

    /// `setf(:b, i, v)` changes the value of the variable: the function is given the variable's name.
    fn change_variable(
        &mut self,
        name: &str,
        resolvents: &[Arc<Function>],
        args: &[ast::Expr],
        span: &Span,
    ) -> Result<(PlanExpr, Type)> {
        let fragments = self.fragments(&args.iter().collect::<Vec<_>>())?;
        let named =
            matches!(fragments.first(), Some(name) if name.whole_type() == Type::Charstring);
        let (mut call, ty) = self.resolve(name, resolvents, fragments, span)?;
        if named {
            return Ok((call, ty));
        }
        let by_name = |f: &&Arc<Function>| {
            f.signature.params[0].ty == Type::Charstring && f.arity() == args.len()
        };
        let (PlanExpr::Call(changed), ExprKind::Variable(Variable::Session(name)), Some(by_name)) =
            (&mut call, &args[0].kind, resolvents.iter().find(by_name))
        else {
            return Err(no_variable(name).at(&args[0].span));
        };
        changed.target = Target::One(by_name.clone());
        changed.args[0] = PlanExpr::Const(Value::Str(name.text.clone()));
        Ok((call, ty))
    }

    /// An argument for a parameter that takes a whole collection.
    fn whole_argument(&mut self, arg: Fragment) -> PlanExpr {
        if arg.whole_type().is_collection() {
            return self.wrap(arg);
        }
        let (expr, _) = self.splice(arg);
        PlanExpr::Singleton(Box::new(expr))
    }

    fn target(&mut self, mut candidates: Vec<Arc<Function>>) -> Result<(Target, Type)> {
        if candidates.len() == 1 {
            let function = candidates.remove(0);
            let ty = call_type(self.catalog, &function, &self.open)?;
            return Ok((Target::One(function), ty));
        }
        let mut joined: Option<Type> = None;
        for candidate in &candidates {
            let ty = call_type(self.catalog, candidate, &self.open)?;
            joined = Some(match joined {
                Some(so_far) if so_far == ty => so_far,
                Some(so_far @ Type::Bag(_)) if matches!(ty, Type::Bag(_)) => so_far.join(&ty),
                Some(so_far @ Type::Stream(_)) if matches!(ty, Type::Stream(_)) => so_far.join(&ty),
                Some(so_far) if so_far.is_collection() || ty.is_collection() => Type::Object,
                Some(so_far) => so_far.join(&ty),
                None => ty,
            });
        }
        Ok((
            Target::Late(candidates.into()),
            joined.unwrap_or(Type::Object),
        ))
    }

    /// `explain(select …)`: the plan of a query that is not given as a string.
    fn explained(&mut self, query: &ast::Expr) -> Result<(PlanExpr, Type)> {
        let compiler = Compiler::new(self.catalog, self.place, vec![]);
        let plan = compiler.whole(query, &[])?.finish(self.catalog);
        let lines = crate::plan::explain::explain(&plan, self.catalog);
        let lines = lines.lines().map(Value::str).collect();
        Ok((
            PlanExpr::Const(Value::bag(lines)),
            Type::bag(Type::Charstring),
        ))
    }

    /// `bag(a, b, …)`: bags among the elements contribute their elements.
    pub(super) fn bag(&mut self, elements: &[ast::Expr]) -> Result<(PlanExpr, Type)> {
        let mut ty: Option<Type> = None;
        let mut compiled = Vec::with_capacity(elements.len());
        for element in elements {
            let (expr, element_type) = self.as_value(element)?;
            let element_type = match element_type {
                Type::Bag(of) => (*of).clone(),
                other => other,
            };
            ty = Some(ty.map_or(element_type.clone(), |t| t.join(&element_type)));
            compiled.push(expr);
        }
        let constants: Option<Vec<Value>> = elements
            .iter()
            .map(|e| match &e.kind {
                ExprKind::Literal(literal) => Some(literal.into()),
                _ => None,
            })
            .collect();
        let ty = Type::bag(ty.unwrap_or(Type::Object));
        Ok(match constants {
            Some(values) => (PlanExpr::Const(Value::bag(values)), ty),
            None => (PlanExpr::Bag(compiled), ty),
        })
    }
}

/// How the arguments of a call of these are treated: a built-in one among them says it.
fn call_form(resolvents: &[Arc<Function>]) -> CallForm {
    let mut natives = resolvents.iter().filter_map(|f| f.native());
    natives.next().map_or(CallForm::Ordinary, |n| n.call_form)
}

/// Whether an argument is a query, not a value that holds the text of one.
fn is_query(expr: &ast::Expr) -> bool {
    !matches!(expr.kind, ExprKind::Literal(_) | ExprKind::Variable(_))
}

/// The error for a call that would change a value that is in no variable.
fn no_variable(name: &str) -> Error {
    Error::compile(format!("{name}() changes the value in a variable"))
        .help(format!(
            "write {name}(:b,i,v), or in a procedure {name}(b,i,v), of the variable; in a where clause \
             _do({name}(a,i,v)) of a variable that _assign(a,…) has given a value"
        ))
        .help("put_binary(b,i,v) and put_array(a,[i],v) give changed copies of any binary or array")
}

/// The error for what is a condition by itself, elsewhere.
fn no_condition(name: &str, span: &Span) -> Error {
    Error::compile(format!(
        "{name}(variable, expression) is a condition of a where clause"
    ))
    .at(span)
    .help("`set variable = expression` assigns in a procedure")
}

/// The error for a window that is no key of `group by`, and for the bound of one outside of its results.
fn no_key(name: &str, span: &Span) -> Error {
    Error::compile(format!("{name}() belongs to a select with windows"))
        .at(span)
        .help("`select … group by …, window(60)` groups by windows of a minute")
}

/// Whether some resolvent takes a bag of streams as its argument `i`.
fn wants_streams(resolvents: &[Arc<Function>], i: usize) -> bool {
    let of_streams = |ty: &Type| matches!(ty, Type::Bag(of) if matches!(**of, Type::Stream(_)));
    resolvents
        .iter()
        .any(|f| f.signature.params.get(i).is_some_and(|p| of_streams(&p.ty)))
}

/// Whether the function makes a stream of the bag or stream that is its parameter `i`.
fn makes_stream_of(function: &Function, i: usize) -> bool {
    let many = |p: &Param| matches!(p.ty, Type::Bag(_) | Type::Stream(_));
    function.signature.many == Many::Stream && function.signature.params.get(i).is_some_and(many)
}

/// The type of arithmetic where more is known than the function's signature says.
fn arithmetic_type(op: BinaryOp, call: &Call, declared: Type) -> Type {
    let integer = |e: &PlanExpr| matches!(e, PlanExpr::Const(Value::Int(_)));
    if op != BinaryOp::Div && op != BinaryOp::Power && call.args.iter().all(integer) {
        return Type::Integer;
    }
    declared
}
