//! Which variables and functions an expression uses.

use std::sync::Arc;

use crate::syntax::ast::{
    Expr, ExprKind, FromItem, FromSource, InsertedRows, JoinCondition, Joined, Name, Select,
    Statement, StatementKind, Variable,
};
use crate::syntax::lexer::{LexemeKind, significant};

/// The local variables that `expr` uses and does not declare itself, each use once.
pub fn free(expr: &Expr) -> Vec<&Name> {
    let mut found = Vec::new();
    walk(expr, &mut found);
    found
}

fn walk<'e>(expr: &'e Expr, found: &mut Vec<&'e Name>) {
    if let ExprKind::Variable(Variable::Local(name)) = &expr.kind {
        found.push(name);
    }
    if let ExprKind::Select(select) = &expr.kind {
        let mut inner = Vec::new();
        parts(select)
            .into_iter()
            .for_each(|part| walk(part, &mut inner));
        inner.retain(|name| !declares(select, name));
        found.extend(inner);
        return;
    }
    children(expr)
        .into_iter()
        .for_each(|child| walk(child, found));
}

/// Whether a name is that of a variable, or of a column of a row, of the select itself.
fn declares(select: &Select, name: &Name) -> bool {
    let (row, _) = name.text.split_once('.').unwrap_or((&*name.text, ""));
    is_row_of(&select.from, row)
        || select
            .constants
            .iter()
            .any(|(constant, _)| constant.text == name.text)
}

fn is_row_of(from: &[FromItem], name: &str) -> bool {
    from.iter().any(|item| {
        *item.name.text == *name
            || matches!(&item.source, FromSource::Together(join)
                if is_row_of(&join.left, name) || is_row_of(&join.right, name))
    })
}

/// Every expression of a select.
pub fn parts(select: &Select) -> Vec<&Expr> {
    let order = select.order_by.iter().map(|key| &key.expr);
    let mut parts: Vec<_> = select.items.iter().chain(&select.filter).collect();
    parts.extend(select.group_by.iter().chain(&select.having).chain(order));
    parts.extend(select.limit.iter().chain(&select.offset));
    parts.extend(select.constants.iter().map(|(_, query)| query));
    add_parts_of_from(&select.from, &mut parts);
    parts
}

fn add_parts_of_from<'s>(from: &'s [FromItem], parts: &mut Vec<&'s Expr>) {
    for item in from {
        match &item.source {
            FromSource::Named(_) => {}
            FromSource::Selected(query) => parts.push(query),
            FromSource::Together(join) => {
                add_parts_of_from(&join.left, parts);
                add_parts_of_from(&join.right, parts);
                if let JoinCondition::On(on) = &join.condition {
                    parts.push(on);
                }
            }
        }
        if let Joined::Left(on) | Joined::Inner(Some(on)) = &item.joined {
            parts.push(on);
        }
    }
}

macro_rules! children {
    ($(#[$doc:meta])* $name:ident $(, $mutable:tt)?) => {
        $(#[$doc])*
        pub fn $name(expr: & $($mutable)? Expr) -> Vec<& $($mutable)? Expr> {
            match & $($mutable)? expr.kind {
                ExprKind::Literal(_)
                | ExprKind::Variable(_)
                | ExprKind::Functional(_)
                | ExprKind::AllColumns(_)
                | ExprKind::Select(_) => vec![],
                ExprKind::Combined(combined) => {
                    vec![& $($mutable)? combined.left, & $($mutable)? combined.right]
                }
                ExprKind::Call { args: list, .. }
                | ExprKind::Vector(list)
                | ExprKind::Bag(list)
                | ExprKind::Tuple(list) => list.into_iter().collect(),
                ExprKind::Unary { arg, .. } => vec![arg],
                ExprKind::Binary { left, right, .. } => vec![left, right],
                ExprKind::Record(fields) => fields.into_iter().flat_map(|(k, v)| [k, v]).collect(),
                ExprKind::Index { base, indices } => {
                    std::iter::once(& $($mutable)? **base).chain(indices).collect()
                }
                ExprKind::Case { arms, otherwise } => {
                    let mut parts: Vec<_> = arms.into_iter().flat_map(|(c, r)| [c, r]).collect();
                    if let Some(otherwise) = otherwise {
                        parts.push(otherwise);
                    }
                    parts
                }
                ExprKind::Cast { value, .. } => vec![value],
            }
        }
    };
}

children! {
    /// The expressions directly inside `expr`, without those of a select.
    children
}

children! {
    /// The expressions directly inside `expr`, without those of a select, to change them.
    children_mut, mut
}

/// The text of an expression without case outside strings, and without its blanks and comments:
/// equal for expressions that are written alike.
pub fn normalized(expr: &Expr) -> String {
    // A column may be written with its row or without.
    if let ExprKind::Variable(Variable::Local(name)) = &expr.kind {
        return name.text.to_string();
    }
    let text = expr.span.text();
    let words = significant(text).map(|lexeme| match lexeme.kind {
        LexemeKind::String => lexeme.text(text).to_owned(),
        _ => lexeme.text(text).to_lowercase(),
    });
    words.collect::<Vec<_>>().join(" ")
}

/// The names of the functions that `expr` calls; operators are none.
pub fn called(expr: &Expr) -> Vec<Arc<str>> {
    let mut found = Vec::new();
    walk_calls(expr, &mut found);
    found
}

fn walk_calls(expr: &Expr, found: &mut Vec<Arc<str>>) {
    if let ExprKind::Call { function, .. } = &expr.kind {
        found.push(function.name.text.clone());
    }
    let below = match &expr.kind {
        ExprKind::Select(select) => parts(select),
        _ => children(expr),
    };
    below.into_iter().for_each(|child| walk_calls(child, found));
}

/// The names of the functions that a statement of a procedure calls or updates.
pub fn called_in(statement: &Statement) -> Vec<Arc<str>> {
    let mut found = Vec::new();
    walk_statement(statement, &mut found);
    found
}

fn walk_statement(statement: &Statement, found: &mut Vec<Arc<str>>) {
    use StatementKind as Kind;
    let mut all = |list: &[Statement]| list.iter().for_each(|s| walk_statement(s, found));
    match &statement.kind {
        Kind::Block(block) => all(&block.body),
        Kind::Loop(body) => all(body),
        Kind::While { condition, body } => {
            all(body);
            walk_calls(condition, found);
        }
        Kind::Query(expr)
        | Kind::Assign { value: expr, .. }
        | Kind::Return(Some(expr))
        | Kind::OpenCursor { query: expr, .. } => walk_calls(expr, found),
        Kind::ForEach(each) => {
            each.filter.iter().for_each(|e| walk_calls(e, found));
            walk_statement(&each.body, found);
        }
        Kind::Case { arms, otherwise } => {
            for (condition, body) in arms {
                walk_calls(condition, found);
                walk_statement(body, found);
            }
            otherwise.iter().for_each(|s| walk_statement(s, found));
        }
        Kind::Update(update) => {
            found.push(update.function.name.text.clone());
            let exprs = update.args.iter().chain([&update.value]);
            exprs
                .chain(&update.filter)
                .for_each(|e| walk_calls(e, found));
        }
        Kind::Insert(insert) => match &insert.rows {
            InsertedRows::Query(query) => walk_calls(query, found),
            InsertedRows::Values(rows) => {
                let values = rows.iter().flat_map(|row| &row.values);
                values.for_each(|e| walk_calls(e, found));
            }
        },
        Kind::DeleteRows(delete) => delete.filter.iter().for_each(|e| walk_calls(e, found)),
        Kind::UpdateRows(update) => {
            let values = update.columns.iter().map(|(_, value)| value);
            values
                .chain(&update.filter)
                .for_each(|e| walk_calls(e, found));
        }
        Kind::CreateObjects(create) => {
            found.extend(create.attributes.iter().map(|a| a.name.text.clone()));
            let values = create.instances.iter().flat_map(|i| &i.values);
            values.for_each(|e| walk_calls(e, found));
        }
        _ => {}
    }
}
