//! Forms of SQL that look like functions: `coalesce`, `ifnull`, `nvl`, `nullif`, `cast`.

use super::conditions::{binary, is_null, literal};
use super::prepare::Preparation;
use super::resolve::NameScope;
use crate::catalog::Catalog;
use crate::model::Type;
use crate::syntax::ast::{
    BinaryOp, Expr, ExprKind, FunctionName, Literal, TypeKind, TypeSpec, UnaryOp,
};
use crate::text::diagnostic::{Error, Result};

impl Preparation<'_> {
    /// `coalesce(x, …)`, `ifnull(x, y)`, `nvl(x, y)` and `nullif(x, y)` as choices.
    pub(super) fn form(&mut self, expr: Expr, scope: &NameScope) -> Result<Expr> {
        let span = expr.span;
        let ExprKind::Call { function, args } = expr.kind else {
            return Err(Error::compile("this is no call").at(&span));
        };
        let args: Vec<Expr> = args
            .into_iter()
            .map(|arg| self.value(arg, scope))
            .collect::<Result<_>>()?;
        let name = &*function.name.text;
        if args.len() < 2 || name != "coalesce" && args.len() > 2 {
            let wanted = if name == "coalesce" { "2 or more" } else { "2" };
            return Err(Error::compile(format!("{name} takes {wanted} arguments")).at(&span));
        }
        let kind = if name == "nullif" {
            let equal = binary(BinaryOp::Eq, args[0].clone(), args[1].clone(), &span, &span);
            ExprKind::Case {
                arms: vec![(equal, self.value(literal(Literal::Null, &span), scope)?)],
                otherwise: args.into_iter().next().map(Box::new),
            }
        } else {
            let arms = args.into_iter().filter(|arg| !is_null(arg)).map(|arg| {
                let op = UnaryOp::IsNotNull;
                let kind = ExprKind::Unary {
                    op,
                    arg: Box::new(arg.clone()),
                };
                let has_value = Expr {
                    kind,
                    span: span.clone(),
                };
                (has_value, arg)
            });
            let arms = arms.collect();
            ExprKind::Case {
                arms,
                otherwise: None,
            }
        };
        Ok(Expr { kind, span })
    }
}

/// The function that makes a value of a type of any that says one: what `cast` does in a select over rows.
pub fn cast_function(catalog: &Catalog, ty: &TypeSpec) -> Option<&'static str> {
    let TypeKind::Named(name) = &ty.kind else {
        return None;
    };
    match Type::named(&name.text).or_else(|| sql_type(catalog, ty))? {
        Type::Integer => Some("sql:integer"),
        Type::Real => Some("sql:real"),
        Type::Charstring => Some("sql:charstring"),
        _ => None,
    }
}

/// The type that a name of SQL stands for, where OSQL has none of that name.
pub fn sql_type(catalog: &Catalog, ty: &TypeSpec) -> Option<Type> {
    match &ty.kind {
        TypeKind::Named(name)
            if Type::named(&name.text).is_none() && catalog.types.get(&name.text).is_none() =>
        {
            Type::named_in_sql(&name.text)
        }
        _ => None,
    }
}

/// Functions of SQL that take what has no value, which a function does not: a call of them by their names
/// is a choice.
pub fn is_form(catalog: &Catalog, function: &FunctionName) -> bool {
    let name = &*function.name.text;
    matches!(name, "coalesce" | "ifnull" | "nvl" | "nullif")
        && catalog
            .functions
            .resolvents(name)
            .is_ok_and(|all| all.iter().all(|function| !function.is_user()))
}
