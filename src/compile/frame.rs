//! The frames of the queries that are being compiled, and the variables in them.

use std::sync::Arc;

use super::query::Draft;
use super::{CodePlace, Compiler};
use crate::model::Type;
use crate::model::function::Signature;
use crate::plan::{Pattern, PlanExpr, Slot, Step, Sub, remap};
use crate::syntax::ast::Name;
use crate::text::diagnostic::{Error, Result, Span, nearest};

/// Slots of the frame around a query, each with the slot of the query that takes its value.
pub type Captures = Vec<(Slot, Slot)>;

/// A query that is being compiled.
#[derive(Default)]
pub struct Frame {
    /// The variables by slot.
    pub vars: Vec<Var>,
    pub steps: Vec<Step>,
    pub captures: Captures,
}

pub struct Var {
    /// Empty for what the compiler made.
    pub name: Arc<str>,
    pub ty: Type,
    pub bound: bool,
    /// Where it is declared.
    pub span: Option<Span>,
    /// Whether overloads are chosen by the type as it stands, though the object may be of a subtype.
    pub exact: bool,
    /// Whether it may be null, which is to have no value: it is a column.
    pub nullable: bool,
    /// Whether nothing but the join of its row may give it a value.
    pub kept: bool,
}

impl Frame {
    /// Whether an element comes from a stream.
    pub fn is_stream(&self) -> bool {
        self.steps.iter().any(is_stream)
    }

    pub fn is_many(&self) -> bool {
        self.steps.iter().any(Step::is_many)
    }

    /// The slot of `name` in this frame; the last one declared.
    pub fn find(&self, name: &str) -> Option<Slot> {
        self.vars.iter().rposition(|v| &*v.name == name)
    }

    pub fn add(&mut self, name: Arc<str>, ty: Type, bound: bool, span: Option<Span>) -> Slot {
        self.vars.push(Var {
            name,
            ty,
            bound,
            span,
            exact: false,
            nullable: false,
            kept: false,
        });
        self.vars.len() - 1
    }
}

fn is_stream(step: &Step) -> bool {
    match step {
        Step::Iterate { stream, .. } => *stream,
        Step::Alternatives { branches, .. } => branches.iter().flatten().any(is_stream),
        Step::Optional { steps, .. } => steps.iter().any(is_stream),
        _ => false,
    }
}

/// An expression with the frame that it was compiled in.
pub struct Fragment {
    pub frame: Frame,
    pub expr: PlanExpr,
    pub ty: Type,
}

impl Fragment {
    /// Whether its type is meant as it is written: by a cast, or by the declaration of a variable
    /// that was set equal to a value of a subtype.
    pub fn is_exact(&self) -> bool {
        match &self.expr {
            PlanExpr::Convert(_, Type::User(_)) => true,
            PlanExpr::Slot(slot) => self.frame.vars[*slot].exact,
            _ => false,
        }
    }

    /// The type of the whole: a bag or stream where its steps make many values.
    pub fn whole_type(&self) -> Type {
        let element = || match &self.ty {
            Type::Bag(of) | Type::Stream(of) => (**of).clone(),
            other => other.clone(),
        };
        if self.frame.is_stream() || (self.frame.is_many() && matches!(self.ty, Type::Stream(_))) {
            Type::stream(element())
        } else if self.frame.is_many() {
            Type::bag(element())
        } else {
            self.ty.clone()
        }
    }
}

impl Compiler<'_> {
    pub(super) fn top(&mut self) -> &mut Frame {
        self.frames
            .last_mut()
            .expect("a compiler has a frame until it is finished")
    }

    pub(super) fn push_frame(&mut self) {
        self.frames.push(Frame::default());
    }

    pub(super) fn pop_frame(&mut self) -> Frame {
        self.frames.pop().expect("every pop follows its push")
    }

    /// Declares a function's parameters, from slot 0.
    pub(super) fn parameters(&mut self, signature: &Signature) {
        for param in &signature.params {
            let name = param.name.clone().unwrap_or_else(|| "".into());
            self.top().add(name, param.ty.clone(), true, None);
        }
    }

    /// The variables that are declared by now, those of rows not among them.
    pub(super) fn variable_names(&self) -> Vec<Arc<str>> {
        let vars = self.frames.iter().flat_map(|frame| &frame.vars);
        let named = vars.filter(|var| !var.name.is_empty() && !var.name.contains('.'));
        named.map(|var| var.name.clone()).collect()
    }

    /// A new slot that no name leads to.
    pub(super) fn hidden(&mut self, ty: Type, bound: bool) -> Slot {
        self.top().add("".into(), ty, bound, None)
    }

    /// The slot of a local variable, captured from the frames around if need be.
    pub(super) fn lookup(&mut self, name: &str) -> Option<Slot> {
        let at = self.frames.iter().rposition(|f| f.find(name).is_some())?;
        let mut slot = self.frames[at].find(name)?;
        for inner in at + 1..self.frames.len() {
            let outer = &self.frames[inner - 1].vars[slot];
            let (ty, bound, span) = (outer.ty.clone(), outer.bound, outer.span.clone());
            let (exact, nullable) = (outer.exact, outer.nullable);
            let frame = &mut self.frames[inner];
            let captured = frame.add(name.into(), ty, bound, span);
            let var = &mut frame.vars[captured];
            (var.exact, var.nullable) = (exact, nullable);
            frame.captures.push((slot, captured));
            slot = captured;
        }
        Some(slot)
    }

    /// A local variable that has a value by now.
    pub(super) fn bound_variable(&mut self, name: &Name) -> Result<(Slot, Type)> {
        let Some(slot) = self.lookup(&name.text) else {
            return Err(self.unknown_variable(name));
        };
        let var = &self.top().vars[slot];
        if var.bound {
            Ok((slot, var.ty.clone()))
        } else {
            Err(unbound(&name.text, &name.span))
        }
    }

    pub(super) fn unknown_variable(&self, name: &Name) -> Error {
        let error =
            Error::compile(format!("unknown variable '{}'", name.span.text())).at(&name.span);
        let known = self
            .frames
            .iter()
            .flat_map(|f| f.vars.iter().map(|v| &*v.name))
            .map(|name| name.split_once('.').map_or(name, |(_, column)| column));
        let session = self.catalog.variables.get(&name.text).is_some();
        if session && self.place != CodePlace::Function {
            return error.help(format!("session variables have a colon: ':{}'", name.text));
        }
        if let Some(error) = self.with_other_meaning(error.clone(), name) {
            return error;
        }
        // `selct [1]` looks like an element of a vector.
        let known = known.filter(|n| !n.is_empty()).chain(["select"]);
        if let Some(near) = nearest(&name.text, known) {
            return error.help(format!("did you mean '{near}'?"));
        }
        match self.place {
            CodePlace::Function => error.help("declare it: `from Type name`, or as an argument"),
            _ => error.help(
                "declare it in a from clause: `select … from Type name …`; a string has quotes",
            ),
        }
    }

    /// Compiles in a frame of its own.
    pub(super) fn fragment(
        &mut self,
        compile: impl FnOnce(&mut Self) -> Result<(PlanExpr, Type)>,
    ) -> Result<Fragment> {
        self.push_frame();
        let compiled = compile(self);
        let frame = self.pop_frame();
        let (expr, ty) = compiled?;
        Ok(Fragment { frame, expr, ty })
    }

    /// Moves a fragment's steps into the topmost frame; gives its expression there.
    pub(super) fn splice(&mut self, fragment: Fragment) -> (PlanExpr, Type) {
        let Fragment {
            frame,
            mut expr,
            ty,
        } = fragment;
        let (to, mut steps) = self.adopt(frame);
        remap::expr(&mut expr, &to);
        remap::steps(&mut steps, &to);
        self.top().steps.extend(steps);
        (expr, ty)
    }

    /// Makes room for a frame's variables in the topmost frame: where each slot goes, and its steps.
    fn adopt(&mut self, frame: Frame) -> (Vec<Slot>, Vec<Step>) {
        let captured: Vec<Option<Slot>> = (0..frame.vars.len())
            .map(|inner| frame.captures.iter().find(|c| c.1 == inner).map(|c| c.0))
            .collect();
        let to = frame
            .vars
            .into_iter()
            .zip(captured)
            .map(|(var, outer)| match outer {
                Some(outer) => outer,
                // Out of reach for the names here: it belongs to the fragment.
                None => self.top().add("".into(), var.ty, var.bound, var.span),
            });
        (to.collect(), frame.steps)
    }

    /// A fragment that was compiled in the frame around the topmost one, as one of the topmost, which
    /// captures what the fragment did.
    pub(super) fn one_frame_further_in(&mut self, mut fragment: Fragment) -> Fragment {
        for (slot, captured) in &mut fragment.frame.captures {
            let var = &fragment.frame.vars[*captured];
            let (name, ty, bound) = (var.name.clone(), var.ty.clone(), var.bound);
            let (span, exact, nullable) = (var.span.clone(), var.exact, var.nullable);
            let top = self.top();
            let between = top.add(name, ty, bound, span);
            (top.vars[between].exact, top.vars[between].nullable) = (exact, nullable);
            top.captures.push((*slot, between));
            *slot = between;
        }
        fragment
    }

    /// The fragment as a bag or stream value.
    pub(super) fn wrap(&mut self, fragment: Fragment) -> PlanExpr {
        if fragment.frame.steps.is_empty() && fragment.ty.is_collection() {
            let (expr, ty) = self.splice(fragment);
            // A call without an argument's value has no result; as a bag that is an empty one.
            return match (expr, ty) {
                (call @ PlanExpr::Call(_), Type::Bag(_)) => PlanExpr::Singleton(Box::new(call)),
                (expr, _) => expr,
            };
        }
        let stream = matches!(fragment.whole_type(), Type::Stream(_));
        let captures = fragment.frame.captures.clone();
        let query = Draft::of_fragment(fragment).finish(self.catalog);
        PlanExpr::Sub(Box::new(Sub {
            query: Arc::new(query),
            captures,
            stream,
        }))
    }

    /// A single value out of the fragment: where it makes many, each of them in turn.
    pub(super) fn single(&mut self, fragment: Fragment) -> (PlanExpr, Type) {
        let (expr, ty) = self.splice(fragment);
        self.lift(expr, ty)
    }

    /// Each element of a bag or stream in turn; anything else as it is.
    pub(super) fn lift(&mut self, expr: PlanExpr, ty: Type) -> (PlanExpr, Type) {
        if !ty.is_collection() {
            return (expr, ty);
        }
        let stream = matches!(ty, Type::Stream(_));
        let element = ty.element().clone();
        let slot = self.hidden(element.clone(), true);
        let pattern = Pattern::Bind(slot, Type::Object);
        self.top().steps.push(Step::Iterate {
            pattern,
            over: expr,
            stream,
        });
        (PlanExpr::Slot(slot), element)
    }
}

/// The error for a variable without a value.
pub fn unbound(name: &str, span: &Span) -> Error {
    Error::compile(format!("nothing gives '{name}' a value"))
        .at(span)
        .help(format!(
            "add a condition that does: `{name} in …` or `{name} = …`"
        ))
}
