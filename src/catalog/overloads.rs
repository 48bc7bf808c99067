//! The choice among the resolvents of a name by the types of the arguments, and the errors where
//! there is none.

use std::sync::Arc;

use super::fit::{Fit, Mode, fit};
use crate::model::{Function, Type};
use crate::text::diagnostic::{Error, Span};

/// What overload resolution decided.
pub struct Choice {
    /// The resolvents that can be meant, the best first.
    pub candidates: Vec<Arc<Function>>,
    /// How the arguments go into the best.
    pub modes: Vec<Mode>,
    /// A user's other resolvents that fit as well as the best.
    pub ambiguous: Vec<Arc<Function>>,
}

/// Chooses among resolvents by the types of the arguments; `None` if none fits.
pub fn choose(resolvents: &[Arc<Function>], args: &[Type]) -> Option<Choice> {
    choose_exactly(resolvents, args, |_| false)
}

/// The first of the resolvents that fit the types of the arguments best: what [`choose`] puts first.
pub fn best<'f>(resolvents: &'f [Arc<Function>], args: &[Type]) -> Option<&'f Arc<Function>> {
    let cost = |function: &Arc<Function>| -> Option<u32> {
        let params = &function.signature.params;
        if params.len() != args.len() {
            return None;
        }
        let costs = args
            .iter()
            .zip(params)
            .map(|(a, p)| Some(fit(a, &p.ty)?.cost));
        costs.sum()
    };
    let fitting = resolvents.iter().filter_map(|f| Some((cost(f)?, f)));
    fitting.min_by_key(|(cost, _)| *cost).map(|(_, f)| f)
}

/// The same, where the types of some arguments are meant as they stand: what is declared for their
/// subtypes is not asked.
pub fn choose_exactly(
    resolvents: &[Arc<Function>],
    args: &[Type],
    exact: impl Fn(usize) -> bool,
) -> Option<Choice> {
    let mut fitting: Vec<(u32, bool, Vec<Mode>, &Arc<Function>)> = resolvents
        .iter()
        .filter_map(|f| fit_all(f, args, &exact))
        .collect();
    fitting.sort_by_key(|(cost, ..)| *cost);
    let (best, sure, modes, first) = fitting.first()?;
    let (best, sure, modes) = (*best, *sure, modes.clone());
    let rivals = fitting[1..]
        .iter()
        .filter(|(cost, certain, ..)| sure && *certain && *cost == best);
    let ambiguous = rivals
        .filter(|(.., f)| f.is_user() && first.is_user())
        .map(|(.., f)| (*f).clone())
        .collect();
    // A candidate that may fit better has to be asked when the call is made.
    let late = |(cost, certain, ..): &&(u32, bool, Vec<Mode>, &Arc<Function>)| {
        !sure || (!certain && *cost <= best + 40)
    };
    let same_modes = |c: &&(u32, bool, Vec<Mode>, &Arc<Function>)| c.2 == modes;
    let mut candidates = vec![fitting[0].3.clone()];
    candidates.extend(
        fitting[1..]
            .iter()
            .filter(late)
            .filter(same_modes)
            .map(|(.., f)| (*f).clone()),
    );
    Some(Choice {
        candidates,
        modes,
        ambiguous,
    })
}

fn fit_all<'f>(
    function: &'f Arc<Function>,
    args: &[Type],
    exact: &impl Fn(usize) -> bool,
) -> Option<(u32, bool, Vec<Mode>, &'f Arc<Function>)> {
    let params = &function.signature.params;
    if params.len() != args.len() {
        return None;
    }
    let fits: Option<Vec<Fit>> = args
        .iter()
        .zip(params)
        .map(|(a, p)| fit(a, &p.ty))
        .collect();
    let fits = fits?;
    if fits
        .iter()
        .enumerate()
        .any(|(i, fit)| !fit.sure && exact(i))
    {
        return None;
    }
    let cost = fits.iter().map(|f| f.cost).sum();
    let sure = fits.iter().all(|f| f.sure);
    Some((cost, sure, fits.iter().map(|f| f.mode).collect(), function))
}

/// The error for a call that several resolvents fit equally well.
pub fn ambiguous(name: &str, choice: &Choice, span: &Span) -> Error {
    let error = Error::compile(format!("the call of '{name}' is ambiguous")).at(span);
    let fitting = choice.candidates[..1].iter().chain(&choice.ambiguous);
    fitting
        .fold(error, |error, f| {
            error.help(format!("it fits {}", f.signature))
        })
        .help("say which one is meant: cast(… as Type)")
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
    let shown = if same_arity.is_empty() {
        all.iter().collect()
    } else {
        same_arity
    };
    let error = Error::compile(message).at(span);
    let listed = shown.iter().take(6);
    listed.fold(error, |error, f| {
        error.help(format!("it is {}", f.signature))
    })
}
