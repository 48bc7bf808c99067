//! Procedural statements: blocks, loops, updates, the creation of objects.

use std::sync::Arc;

use super::names::free;
use super::query::{Draft, Whole};
use crate::catalog::overloads::choose_exactly;
use crate::catalog::{overloads, signature};
use crate::compile::{CodePlace, Compiler, rows};
use crate::model::function::Signature;
use crate::model::{Function, Type, Value};
use crate::plan::{
    AssignmentTarget, CreatedObject, CursorName, FunctionUpdate, ObjectCreation, PlanExpr,
    Procedure, Slot, Stmt, Sub, VariableChange,
};
use crate::syntax::ast::{
    self, Declaration, ExprKind, Literal, Name, Select, Statement, StatementKind, UpdateOp,
    Variable,
};
use crate::text::diagnostic::{Error, Result};

impl Compiler<'_> {
    pub(super) fn finish_procedure(mut self, body: Stmt) -> Procedure {
        let frame = self.pop_frame();
        Procedure {
            slots: frame.vars.len(),
            body,
            scalar: None,
        }
    }

    /// A procedure's body. Its named result is a variable in it.
    pub(super) fn procedure_body(
        &mut self,
        body: &Statement,
        signature: &Signature,
    ) -> Result<Stmt> {
        for column in &signature.columns {
            if let Some(name) = &column.name
                && self.top().find(name).is_none()
            {
                self.top().add(name.clone(), column.ty.clone(), true, None);
            }
        }
        self.whole_statement(body)
    }

    /// A statement that is all there is: one that changes rows gives their number.
    pub(super) fn whole_statement(&mut self, statement: &Statement) -> Result<Stmt> {
        Ok(match self.statement(statement)? {
            Stmt::ChangeRows(change, _) => Stmt::ChangeRows(change, true),
            other => other,
        })
    }

    pub(super) fn statement(&mut self, statement: &Statement) -> Result<Stmt> {
        let variables = self.variable_names();
        let statement = &*rows::prepared_statement(self.catalog, statement, variables)?;
        match &statement.kind {
            StatementKind::Query(expr) => self.query(expr),
            StatementKind::Assign { targets, value } => self.assign(targets, value),
            StatementKind::Block(block) => self.block(block),
            StatementKind::ForEach(each) => self.for_each(each),
            StatementKind::Case { arms, otherwise } => {
                let arms = arms.iter().map(|(condition, body)| {
                    Ok((self.condition(condition)?, self.statement(body)?))
                });
                let arms = arms.collect::<Result<_>>()?;
                let otherwise = otherwise.as_ref().map(|s| self.statement(s).map(Box::new));
                Ok(Stmt::Case {
                    arms,
                    otherwise: otherwise.transpose()?,
                })
            }
            StatementKind::While { condition, body } => {
                let condition = self.condition(condition)?;
                Ok(Stmt::While {
                    condition,
                    body: Box::new(self.sequence(body)?),
                })
            }
            StatementKind::Loop(body) => Ok(Stmt::Loop(Box::new(self.sequence(body)?))),
            StatementKind::Leave => Ok(Stmt::Leave),
            StatementKind::Return(value) => {
                let value = value.as_ref().map(|value| self.rows(value));
                Ok(Stmt::Return(value.transpose()?))
            }
            StatementKind::CreateObjects(create) => self.create_objects(create),
            StatementKind::DeleteObject(variable) => {
                let (Variable::Local(name) | Variable::Session(name)) = variable;
                let kind = ExprKind::Variable(variable.clone());
                let object = self.plain(&ast::Expr {
                    kind,
                    span: name.span.clone(),
                })?;
                Ok(Stmt::DeleteObject(object, name.span.clone()))
            }
            StatementKind::Update(update) => self.update(update, &statement.span),
            StatementKind::Insert(insert) => self.insert(insert, &statement.span),
            StatementKind::DeleteRows(delete) => self.delete_rows(delete, &statement.span),
            StatementKind::UpdateRows(update) => self.update_rows(update, &statement.span),
            StatementKind::OpenCursor { cursor, query } => {
                let rows = self.rows(query)?;
                Ok(Stmt::OpenCursor(self.cursor(cursor), rows))
            }
            StatementKind::FetchCursor { cursor, into } => {
                let cursor = self.cursor(cursor);
                let places = into
                    .iter()
                    .map(|v| self.assignable(v))
                    .collect::<Result<_>>()?;
                Ok(Stmt::FetchCursor(cursor, places, statement.span.clone()))
            }
            StatementKind::CloseCursor(cursor) => Ok(Stmt::CloseCursor(self.cursor(cursor))),
            StatementKind::Commit => Ok(Stmt::Commit),
            StatementKind::Rollback => Ok(Stmt::Rollback),
            _ => Err(
                Error::compile("this statement cannot stand inside a procedure")
                    .at(&statement.span),
            ),
        }
    }

    /// A query for what it does, or `select … into`, which sets variables to its first row.
    fn query(&mut self, expr: &ast::Expr) -> Result<Stmt> {
        if let ExprKind::Select(select) = &expr.kind
            && !select.into.is_empty()
        {
            let mut plain = (**select).clone();
            let targets = std::mem::take(&mut plain.into);
            let kind = ExprKind::Select(Box::new(plain));
            return self.assign(
                &targets,
                &ast::Expr {
                    kind,
                    span: expr.span.clone(),
                },
            );
        }
        if let Some((slot, function, args)) = self.changed_variable(expr)? {
            let args = args.iter().map(|arg| self.plain(arg));
            return Ok(Stmt::Change(VariableChange {
                slot,
                function,
                args: args.collect::<Result<_>>()?,
                span: expr.span.clone(),
            }));
        }
        Ok(Stmt::Run(self.rows(expr)?))
    }

    fn sequence(&mut self, statements: &[Statement]) -> Result<Stmt> {
        let statements = statements.iter().map(|s| self.statement(s));
        Ok(Stmt::Block(statements.collect::<Result<_>>()?))
    }

    /// A block's variables hide those of the same name around it, end with the block, and have no
    /// value where it begins.
    fn block(&mut self, block: &ast::Block) -> Result<Stmt> {
        let mut own: Vec<Slot> = Vec::with_capacity(block.declarations.len());
        let mut statements = Vec::with_capacity(own.capacity() + block.body.len());
        for Declaration { ty, name } in &block.declarations {
            if own
                .iter()
                .any(|slot| self.top().vars[*slot].name == name.text)
            {
                let message = format!("'{}' is declared already in this block", name.span.text());
                return Err(Error::compile(message).at(&name.span));
            }
            let ty = signature::of(ty, &self.catalog.types)?;
            let slot = self.top().add(name.text.clone(), ty.clone(), true, None);
            own.push(slot);
            let place = AssignmentTarget::Slot(slot, ty);
            statements.push(Stmt::Assign(vec![place], PlanExpr::Const(Value::Null)));
        }
        for statement in &block.body {
            statements.push(self.statement(statement)?);
        }
        self.end_names(&own);
        Ok(Stmt::Block(statements))
    }

    /// No name leads to these variables from here on.
    fn end_names(&mut self, slots: &[Slot]) {
        for slot in slots {
            self.top().vars[*slot].name = "".into();
        }
    }

    /// The rows of an expression as a bag that captures the procedure's variables.
    pub(super) fn rows(&mut self, expr: &ast::Expr) -> Result<Sub> {
        let fragment = self.fragment(|c| c.expr(expr))?;
        let captures = fragment.frame.captures.clone();
        let stream = matches!(fragment.whole_type(), Type::Stream(_));
        Ok(Sub {
            query: Arc::new(Draft::of_fragment(fragment).finish(self.catalog)),
            captures,
            stream,
        })
    }

    /// An expression evaluated on the spot: what would make many gives the first.
    fn plain(&mut self, expr: &ast::Expr) -> Result<PlanExpr> {
        let fragment = self.fragment(|c| c.expr(expr))?;
        if fragment.whole_type().is_collection() {
            return Ok(self.call_fragments("first", vec![fragment], &expr.span)?.0);
        }
        Ok(self.splice(fragment).0)
    }

    fn assign(&mut self, targets: &[Variable], value: &ast::Expr) -> Result<Stmt> {
        let places: Vec<AssignmentTarget> = targets
            .iter()
            .map(|v| self.assignable(v))
            .collect::<Result<_>>()?;
        let whole = matches!(places.as_slice(),
            [AssignmentTarget::Slot(_, declared)] if declared.is_collection())
            || matches!(places.as_slice(), [AssignmentTarget::Session(_)])
                && !matches!(&value.kind, ExprKind::Select(_));
        let expr = if whole {
            self.as_value(value)?.0
        } else {
            self.plain(value)?
        };
        Ok(Stmt::Assign(places, expr))
    }

    fn assignable(&mut self, variable: &Variable) -> Result<AssignmentTarget> {
        match variable {
            Variable::Session(name) if self.place == CodePlace::Function => {
                Err(Error::compile("a function cannot set session variables")
                    .at(&name.span)
                    .help("declare a local variable, or return the value"))
            }
            Variable::Session(name) => Ok(AssignmentTarget::Session(name.text.clone())),
            Variable::Local(name) => {
                let (slot, ty) = self.local(name)?;
                Ok(AssignmentTarget::Slot(slot, ty))
            }
        }
    }

    fn local(&mut self, name: &Name) -> Result<(Slot, Type)> {
        match self.top().find(&name.text) {
            Some(slot) => Ok((slot, self.top().vars[slot].ty.clone())),
            None => Err(self.unknown_variable(name)),
        }
    }

    /// The variable that holds a cursor: the session's, or one of the procedure, made when it is first
    /// named.
    fn cursor(&mut self, variable: &Variable) -> CursorName {
        let name = match variable {
            Variable::Session(name) if self.place != CodePlace::Function => {
                return CursorName::Session(name.text.clone());
            }
            Variable::Local(name) | Variable::Session(name) => name,
        };
        CursorName::Slot(match self.top().find(&name.text) {
            Some(slot) => slot,
            None => self.top().add(name.text.clone(), Type::Object, true, None),
        })
    }

    /// A select that is made of the parts of a statement, in the form that is compiled.
    fn prepared_select(&mut self, select: Select) -> Result<Select> {
        let span = select.span.clone();
        let kind = ExprKind::Select(Box::new(select));
        let query = ast::Expr { kind, span };
        match rows::prepared(self.catalog, &query, self.variable_names())?.into_owned() {
            ast::Expr {
                kind: ExprKind::Select(select),
                ..
            } => Ok(*select),
            other => Err(Error::compile("this is no query").at(&other.span)),
        }
    }

    fn for_each(&mut self, each: &ast::ForEach) -> Result<Stmt> {
        let items = each.from.iter().map(|d| variable_expr(&d.name)).collect();
        let select = select_of(items, &each.from, &each.filter, &each.body);
        let select = self.prepared_select(select)?;
        let (rows, captures) = self.sub_query(&select, Whole::Nothing)?;
        let types = match &rows.ty {
            Type::Tuple(types) => types.to_vec(),
            one => vec![one.clone()],
        };
        let mut into = Vec::new();
        for (declaration, ty) in each.from.iter().zip(types) {
            into.push(
                self.top()
                    .add(declaration.name.text.clone(), ty, true, None),
            );
        }
        let body = Box::new(self.statement(&each.body)?);
        self.end_names(&into);
        let rows = Sub {
            query: Arc::new(rows),
            captures,
            stream: false,
        };
        Ok(Stmt::ForEach { rows, into, body })
    }

    fn create_objects(&mut self, create: &ast::CreateObjects) -> Result<Stmt> {
        let ty = signature::named(&create.ty, &self.catalog.types)?;
        if !matches!(ty, Type::User(_) | Type::Userobject) {
            return Err(Error::compile(format!(
                "objects of the built-in type {ty} cannot be created"
            ))
            .at(&create.ty.span)
            .help("`create type Name;` makes a type of your own"));
        }
        let attributes = create
            .attributes
            .iter()
            .map(|name| self.attribute(name, &ty));
        let attributes: Vec<_> = attributes.collect::<Result<_>>()?;
        let mut instances = Vec::new();
        for instance in &create.instances {
            instances.push(self.instance(instance, &attributes)?);
            if let Some(Variable::Session(name)) = &instance.variable {
                self.assigned.push((name.text.clone(), ty.clone()));
            }
        }
        Ok(Stmt::CreateObjects(ObjectCreation { ty, instances }))
    }

    fn instance(
        &mut self,
        instance: &ast::Instance,
        attributes: &[Arc<Function>],
    ) -> Result<CreatedObject> {
        if instance.values.len() != attributes.len() {
            let count = |n: usize, what: &str| match n {
                1 => format!("1 {what}"),
                n => format!("{n} {what}s"),
            };
            let message = format!(
                "{} for {}",
                count(instance.values.len(), "value"),
                count(attributes.len(), "attribute")
            );
            return Err(Error::compile(message).at(&instance.span));
        }
        let mut values = Vec::new();
        for (function, value) in attributes.iter().zip(&instance.values) {
            values.push((function.clone(), self.as_value(value)?.0));
        }
        let place = instance
            .variable
            .as_ref()
            .map(|v| self.assignable(v))
            .transpose()?;
        Ok(CreatedObject {
            place,
            values,
            span: instance.span.clone(),
        })
    }

    /// The updatable function of an object of type `ty` that is its only argument.
    fn attribute(&mut self, name: &ast::FunctionName, ty: &Type) -> Result<Arc<Function>> {
        // The objects are of this type and no other.
        let args = [(ty.clone(), true)];
        Ok(self.updatable(name, &args)?.swap_remove(0))
    }

    /// The functions that an update can change, the best first, given the types of its arguments and
    /// whether each is meant as it stands.
    fn updatable(
        &mut self,
        name: &ast::FunctionName,
        args: &[(Type, bool)],
    ) -> Result<Vec<Arc<Function>>> {
        let resolvents = self.catalog.functions.named(name)?;
        let types: Vec<Type> = args.iter().map(|(ty, _)| ty.clone()).collect();
        let Some(choice) = choose_exactly(&resolvents, &types, |i| args[i].1) else {
            return Err(overloads::no_resolvent(
                &name.name.text,
                &resolvents,
                &types,
                &name.name.span,
            ));
        };
        if !choice.ambiguous.is_empty() {
            return Err(overloads::ambiguous(
                &name.name.text,
                &choice,
                &name.name.span,
            ));
        }
        let mut functions = Vec::with_capacity(choice.candidates.len());
        for function in choice.candidates {
            match super::updatable(self.catalog, &function)? {
                Some(updatable) => functions.push(updatable),
                None if functions.is_empty() => {
                    let message = format!("{} cannot be updated", function.signature);
                    return Err(Error::compile(message)
                        .at(&name.name.span)
                        .help("stored functions can, and inverses of stored functions"));
                }
                // An error only for a row that means this one.
                None => functions.push(function),
            }
        }
        Ok(functions)
    }

    /// `remove married(:p) = :q` of a predicate `married(p,q)` is `set married(:p,:q) = false`.
    fn as_relation(&self, update: &ast::Update) -> Result<Option<ast::Update>> {
        let resolvents = self.catalog.functions.named(&update.function)?;
        let takes = |f: &Arc<Function>, n| f.arity() == n;
        let predicate = |f: &Arc<Function>| {
            takes(f, update.args.len() + 1) && f.signature.columns[0].ty == Type::Boolean
        };
        if resolvents.iter().any(|f| takes(f, update.args.len()))
            || !resolvents.iter().any(predicate)
        {
            return Ok(None);
        }
        let mut relation = update.clone();
        let yes = ExprKind::Literal(Literal::Bool(true));
        let value = std::mem::replace(&mut relation.value.kind, yes);
        relation.args.push(ast::Expr {
            kind: value,
            span: update.value.span.clone(),
        });
        Ok(Some(relation))
    }

    fn update(
        &mut self,
        update: &ast::Update,
        span: &crate::text::diagnostic::Span,
    ) -> Result<Stmt> {
        let relation = self.as_relation(update)?;
        let update = relation.as_ref().unwrap_or(update);
        let items: Vec<_> = update.args.iter().chain([&update.value]).cloned().collect();
        let mut select = Select::plain(items, update.from.clone(), span.clone());
        select.filter = update.filter.clone();
        let mut select = self.prepared_select(select)?;
        let types = self.argument_types(&select, update.args.len())?;
        let functions = self.updatable(&update.function, &types)?;
        let tuple = functions[0].signature.columns.len() > 1;
        if let (true, ExprKind::Tuple(parts)) = (tuple, &update.value.kind) {
            let kind = ExprKind::Vector(parts.clone());
            let span = update.value.span.clone();
            select.items.pop();
            select.items.push(ast::Expr { kind, span });
        }
        let (query, captures) = self.sub_query(&select, Whole::LastResult)?;
        let arguments = self.arguments_alone(update, &select)?;
        let rows = Sub {
            query: Arc::new(query),
            captures,
            stream: false,
        };
        Ok(Stmt::Update(FunctionUpdate {
            op: update.op,
            functions: functions.into(),
            rows,
            arguments,
            span: span.clone(),
        }))
    }

    /// The arguments of `set f(a) = v from … where …` that do not depend on the rows: f(a) is set to
    /// what the query gives, to nothing if that is nothing. Other arguments are known by rows only.
    fn arguments_alone(&mut self, update: &ast::Update, rows: &Select) -> Result<Option<Sub>> {
        let by_row = |arg| {
            let mut names = free(arg).into_iter();
            names.any(|name| update.from.iter().any(|d| d.name.text == name.text))
        };
        if update.op != UpdateOp::Set || update.args.iter().any(by_row) {
            return Ok(None);
        }
        let mut select = rows.clone();
        (select.from, select.filter) = (vec![], None);
        // An update without arguments has one row of none; a select has to have some result.
        if select.items.len() > 1 {
            select.items.pop();
        } else {
            select.items[0].kind = ExprKind::Literal(Literal::Bool(true));
        }
        let (query, captures) = self.sub_query(&select, Whole::Nothing)?;
        Ok(Some(Sub {
            query: Arc::new(query),
            captures,
            stream: false,
        }))
    }

    /// The types of an update's arguments, and whether each is meant as it stands.
    fn argument_types(&mut self, select: &Select, count: usize) -> Result<Vec<(Type, bool)>> {
        self.push_frame();
        let compiled = (|| {
            let given = self.declare(&select.from)?;
            let items: Vec<_> = select.items.iter().collect();
            self.plan_conditions(given, select.filter.as_ref(), &items)?;
            let (args, types) = self.columns(&select.items[..count], Whole::Nothing)?;
            let exact = args.iter().map(|arg| match arg {
                PlanExpr::Convert(_, Type::User(_)) => true,
                PlanExpr::Slot(slot) => self.top().vars[*slot].exact,
                _ => false,
            });
            let exact: Vec<bool> = exact.collect();
            Ok(types.into_iter().zip(exact).collect())
        })();
        self.pop_frame();
        compiled
    }
}

fn variable_expr(name: &Name) -> ast::Expr {
    let kind = ExprKind::Variable(Variable::Local(name.clone()));
    ast::Expr {
        kind,
        span: name.span.clone(),
    }
}

fn select_of(
    items: Vec<ast::Expr>,
    from: &[Declaration],
    filter: &Option<ast::Expr>,
    body: &Statement,
) -> Select {
    let from = from.iter().map(ast::FromItem::from).collect();
    let mut select = Select::plain(items, from, body.span.clone());
    select.filter = filter.clone();
    select
}

/// Whether the statement can return more than once: it does so in a loop, or returns many at once.
pub fn returns_many(statement: &Statement, in_loop: bool) -> bool {
    let any = |list: &[Statement], in_loop| list.iter().any(|s| returns_many(s, in_loop));
    match &statement.kind {
        StatementKind::Return(_) => in_loop,
        StatementKind::Block(block) => any(&block.body, in_loop),
        StatementKind::ForEach(each) => returns_many(&each.body, true),
        StatementKind::While { body, .. } | StatementKind::Loop(body) => any(body, true),
        StatementKind::Case { arms, otherwise } => {
            arms.iter().any(|(_, body)| returns_many(body, in_loop))
                || otherwise.as_ref().is_some_and(|s| returns_many(s, in_loop))
        }
        _ => false,
    }
}
