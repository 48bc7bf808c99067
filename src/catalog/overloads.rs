//! The choice among the resolvents of a name. This is the rule, and the one place of it:
//!
//! 1. A resolvent *applies* if each argument can reach its parameter in one of the [`Way`]s.
//! 2. For one argument, of two parameters the *nearer* is the one that it reaches by the nearer way,
//!    then the one for which fewer values have to be converted, then the one whose type is a subtype
//!    of the other's. Two types of which neither is below the other are equally near.
//! 3. One resolvent is *more specific* than another if it is nearer for some argument, and for no
//!    argument less near.
//! 4. A call takes the resolvent that is more specific than all others that apply. It is an error if
//!    none applies, or if two that apply have no third that is more specific: then the call is
//!    ambiguous. Built-in resolvents say the same where that happens (for an empty vector, say), and
//!    the first declared is taken. A null fits every parameter; where it leaves a choice, the call
//!    has no result.
//! 5. Where an argument is a bag or stream for a single parameter, the call is one for each element.
//!
//! The order in which resolvents were defined decides nothing, and neither does the number of types
//! between two: nearness is an order, not a sum.
//!
//! [`best`] is the rule for values. [`choose`] is the same for what is known when compiling: it leaves
//! out each resolvent that none of the values can mean, and where more than one is left, [`best`]
//! decides when the call is made. So a call means the same whenever its types become known. What a
//! collection holds is known by its elements' type, which a function that gives a plain `Bag` or
//! `Stream` does not say.
//!
//! [`Way`]: super::fit::Way

use std::cmp::Ordering;
use std::sync::Arc;

use super::fit::{Fit, Mode, cases, fit, fit_value};
use crate::model::{Function, Type, Value};
use crate::text::diagnostic::{Error, Span};

/// What is known of a call when it is compiled.
pub struct Choice {
    /// The resolvents that can be meant; more than one is left for [`best`].
    pub candidates: Vec<Arc<Function>>,
    /// How the arguments go into them.
    pub modes: Vec<Mode>,
    /// The resolvents that are equally near, whatever the values.
    pub ambiguous: Vec<Arc<Function>>,
}

/// What the values of a call mean.
pub enum Selection<'f> {
    /// No resolvent applies.
    Nothing,
    One(&'f Arc<Function>),
    /// These apply equally well.
    Ambiguous(Vec<&'f Arc<Function>>),
}

/// Chooses among resolvents by the types of the arguments; `None` if none applies.
pub fn choose(resolvents: &[Arc<Function>], args: &[Type]) -> Option<Choice> {
    choose_exactly(resolvents, args, |_| false)
}

/// The same, where the types of some arguments are meant as they stand: what is declared for their
/// subtypes is not asked.
pub fn choose_exactly(
    resolvents: &[Arc<Function>],
    args: &[Type],
    exact: impl Fn(usize) -> bool,
) -> Option<Choice> {
    let possible: Vec<(&Arc<Function>, Vec<Fit>)> = resolvents
        .iter()
        .filter_map(|f| Some((f, fit_all(f, args, &exact)?)))
        .collect();
    let cases: Vec<Vec<Type>> = args.iter().map(cases).collect();
    let outdone = |(g, _): &(&Arc<Function>, Vec<Fit>)| {
        let mut others = possible.iter().filter(|(f, _)| f.id() != g.id());
        others.any(|(f, fits)| fits.iter().all(|fit| fit.sure) && always_before(f, g, &cases))
    };
    let mut left: Vec<_> = possible.iter().filter(|one| !outdone(one)).collect();
    let mut ambiguous = vec![];
    if left.len() > 1 && same_for_all_values(&left, &cases) {
        if left.iter().any(|(f, _)| f.is_user()) {
            ambiguous = left.iter().map(|(f, _)| (*f).clone()).collect();
        }
        left.truncate(1);
    }
    let (_, first) = left.first()?;
    let mode = |i: usize| {
        let same = left.iter().all(|(_, fits)| fits[i].mode == first[i].mode);
        if same { first[i].mode } else { Mode::AsFound }
    };
    Some(Choice {
        modes: (0..args.len()).map(mode).collect(),
        candidates: left.iter().map(|(f, _)| (*f).clone()).collect(),
        ambiguous,
    })
}

fn fit_all(function: &Function, args: &[Type], exact: &impl Fn(usize) -> bool) -> Option<Vec<Fit>> {
    let params = &function.signature.params;
    if params.len() != args.len() {
        return None;
    }
    let pairs = args.iter().zip(params).enumerate();
    pairs
        .map(|(i, (arg, param))| fit(arg, &param.ty).filter(|fit| fit.sure || !exact(i)))
        .collect()
}

/// Whether `f` is more specific than `g` for all values that `g` can take: each argument has one of
/// the types in its `cases`.
fn always_before(f: &Function, g: &Function, cases: &[Vec<Type>]) -> bool {
    let params = f.signature.params.iter().zip(&g.signature.params);
    let mut nearer = false;
    for ((mine, other), cases) in params.zip(cases) {
        let mut all_nearer = true;
        for case in cases {
            let Some(theirs) = fit(case, &other.ty) else {
                continue;
            };
            let Some(own) = fit(case, &mine.ty).filter(|fit| fit.sure) else {
                return false;
            };
            match compare_fits((own, &mine.ty), (theirs, &other.ty)) {
                Some(Ordering::Less) => {}
                Some(Ordering::Equal) => all_nearer = false,
                _ => return false,
            }
        }
        nearer |= all_nearer;
    }
    nearer
}

/// Whether the values say nothing that their types do not: each of these resolvents applies to all of
/// them, and is always as near as any other.
fn same_for_all_values(left: &[&(&Arc<Function>, Vec<Fit>)], cases: &[Vec<Type>]) -> bool {
    let params = |f: &Arc<Function>, i: usize| f.signature.params[i].ty.clone();
    let constant = |f: &Arc<Function>, g: &Arc<Function>| {
        cases.iter().enumerate().all(|(i, cases)| {
            let (mine, other) = (params(f, i), params(g, i));
            let mut found = cases.iter().map(|case| {
                let (own, theirs) = (fit(case, &mine)?, fit(case, &other)?);
                Some(compare_fits((own, &mine), (theirs, &other)))
            });
            let first = found.next();
            first.is_some() && found.all(|other| Some(other) == first)
        })
    };
    let sure = |(_, fits): &&(&Arc<Function>, Vec<Fit>)| fits.iter().all(|fit| fit.sure);
    left.iter().all(sure)
        && left
            .iter()
            .all(|(f, _)| left.iter().all(|(g, _)| constant(f, g)))
}

/// Which of two parameters is nearer to an argument that fits both; `None` where neither is, and they
/// are not the same.
fn compare_fits((a, a_type): (Fit, &Type), (b, b_type): (Fit, &Type)) -> Option<Ordering> {
    // What is one call for each element is compared element by element.
    let each = a.mode == Mode::Lift && b.mode == Mode::Lift;
    let nearness = match each {
        true => a.nearness.exactness.cmp(&b.nearness.exactness),
        false => a.nearness.cmp(&b.nearness),
    };
    match nearness {
        Ordering::Equal if a_type == b_type => Some(Ordering::Equal),
        Ordering::Equal if a_type.is_subtype_of(b_type) => Some(Ordering::Less),
        Ordering::Equal if b_type.is_subtype_of(a_type) => Some(Ordering::Greater),
        Ordering::Equal => None,
        decided => Some(decided),
    }
}

/// The resolvent that these values mean.
pub fn best<'f>(resolvents: &'f [Arc<Function>], args: &[Value]) -> Selection<'f> {
    // Whichever is more specific than all others is still there after one pass over them.
    let mut applying = resolvents.iter().filter(|f| applies(f, args));
    let Some(mut champion) = applying.next() else {
        return Selection::Nothing;
    };
    let mut count = 1;
    for f in applying {
        count += 1;
        if is_more_specific(f, champion, args) {
            champion = f;
        }
    }
    let outdoes = |f: &Arc<Function>| {
        f.id() == champion.id() || !applies(f, args) || is_more_specific(champion, f, args)
    };
    if count == 1 || resolvents.iter().all(outdoes) {
        return Selection::One(champion);
    }
    let applying: Vec<_> = resolvents.iter().filter(|f| applies(f, args)).collect();
    let mut nearest = applying.clone();
    nearest.retain(|f| !applying.iter().any(|g| is_more_specific(g, f, args)));
    match nearest.as_slice() {
        [first, ..] if nearest.iter().all(|f| !f.is_user()) => Selection::One(first),
        _ => Selection::Ambiguous(nearest),
    }
}

fn applies(function: &Function, args: &[Value]) -> bool {
    let params = &function.signature.params;
    params.len() == args.len()
        && args
            .iter()
            .zip(params)
            .all(|(arg, param)| fit_value(arg, &param.ty).is_some())
}

/// Whether `f` is more specific than `g` for these values, to which both apply.
fn is_more_specific(f: &Function, g: &Function, args: &[Value]) -> bool {
    let params = f.signature.params.iter().zip(&g.signature.params);
    let mut nearer = false;
    for (arg, (mine, other)) in args.iter().zip(params) {
        if mine.ty == other.ty {
            continue;
        }
        let (Some(own), Some(theirs)) = (fit_value(arg, &mine.ty), fit_value(arg, &other.ty))
        else {
            return false;
        };
        match compare_fits((own, &mine.ty), (theirs, &other.ty)) {
            Some(Ordering::Less) => nearer = true,
            Some(Ordering::Equal) => {}
            _ => return false,
        }
    }
    nearer
}

/// The error for a call that several resolvents fit equally well, found when compiling.
pub fn ambiguous(name: &str, choice: &Choice, span: &Span) -> Error {
    let message = ambiguity(name);
    equally_near(Error::compile(message), choice.ambiguous.iter()).at(span)
}

/// The error for a call that several resolvents fit equally well, found when it is made.
pub fn ambiguous_values(name: &str, fitting: &[&Arc<Function>]) -> Error {
    equally_near(Error::run(ambiguity(name)), fitting.iter().copied())
}

fn ambiguity(name: &str) -> String {
    format!("the call of '{name}' is ambiguous")
}

fn equally_near<'f>(error: Error, fitting: impl Iterator<Item = &'f Arc<Function>>) -> Error {
    fitting
        .fold(error, |error, f| {
            error.help(format!("it fits {}", f.signature))
        })
        .help("say which one is meant: cast(… as Type)")
}

fn fits_all(function: &Function, args: &[Type]) -> bool {
    let params = &function.signature.params;
    params.len() == args.len()
        && params
            .iter()
            .zip(args)
            .all(|(param, arg)| fit(arg, &param.ty).is_some())
}

/// The error for a call that no resolvent fits, with those that exist.
pub fn no_resolvent(name: &str, all: &[Arc<Function>], args: &[Type], span: &Span) -> Error {
    let same_arity: Vec<_> = all.iter().filter(|f| f.arity() == args.len()).collect();
    let types = args
        .iter()
        .map(Type::to_string)
        .collect::<Vec<_>>()
        .join(", ");
    let message = if same_arity.is_empty() {
        let plural = if args.len() == 1 {
            "argument"
        } else {
            "arguments"
        };
        format!("'{name}' does not take {} {plural}", args.len())
    } else {
        format!("'{name}' does not take ({types})")
    };
    let mut shown = if same_arity.is_empty() {
        all.iter().collect()
    } else {
        same_arity
    };
    shown.sort_by_key(|f| f.signature.takes_array());
    let mut error = Error::compile(message).at(span);
    let turned: Vec<Type> = args.iter().rev().cloned().collect();
    if args.len() > 1 && shown.iter().any(|f| fits_all(f, &turned)) {
        error = error.help("the other way round they fit");
    }
    let listed = shown.iter().take(6);
    listed.fold(error, |error, f| {
        error.help(format!("it is {}", f.signature))
    })
}
