//! Statements that define and drop tables and views.

use std::sync::Arc;

use super::define::forget_function;
use crate::catalog::tables::table_of;
use crate::catalog::undo::Undo;
use crate::catalog::{Catalog, signature};
use crate::compile::{self, rows};
use crate::model::function::{Compiled, FunctionBody, Param, Signature};
use crate::model::table::{ColumnRule, KeptAs, LastingRows, Table, new_columns};
use crate::model::{Cx, Function, Type};
use crate::plan::{InsertedColumn, InsertionRows, RowChange, RowChangeKind, Sub};
use crate::run::database::function_name;
use crate::run::rows::change;
use crate::store::{Database, StoredTable, TableKind};
use crate::syntax::ast::{
    Body, ColumnDefinition, CreateFunction, CreateTable, CreateView, DropTable, Expr, Many, Name,
    ResultSpec, TableContent, TypeKind, TypeSpec,
};
use crate::text::diagnostic::{Error, Result};

/// Creates a table: of columns, or of the columns and rows of a query.
pub fn create_table(cx: &Cx, definition: &CreateTable) -> Result<()> {
    let catalog = Catalog::of(cx);
    let database = definition.database.as_ref().map(|name| {
        let found = catalog.databases.get(&name.text);
        found.map_err(|error| error.at(&name.span))
    });
    let taken = match database.transpose()? {
        Some(database) => is_taken_in(catalog, &database, definition)?,
        None => is_taken(catalog, &definition.name, definition.if_absent)?,
    };
    if taken {
        return Ok(());
    }
    match &definition.content {
        TableContent::Columns { columns, unique } => {
            let defined = defined_columns(catalog, columns)?;
            let unique = unique_columns(columns, unique)?;
            define(cx, definition, defined, unique).map(|_| ())
        }
        TableContent::Query(query) => create_table_of(cx, definition, query),
    }
}

fn create_table_of(cx: &Cx, definition: &CreateTable, query: &Expr) -> Result<()> {
    let catalog = Catalog::of(cx);
    let prepared = rows::prepared(catalog, query, vec![])?;
    let names = rows::output_names(&prepared);
    let plan = Arc::new(compile::query(catalog, query)?);
    let columns = columns_given(&names, &plan.ty, query)?;
    let columns = columns.into_iter().map(|(name, ty)| {
        let rule = ColumnRule {
            name,
            not_null: false,
            length: None,
            default: None,
        };
        (rule, ty)
    });
    let columns: Vec<_> = columns.collect();
    let places = (0..columns.len()).map(InsertedColumn::Given).collect();
    let function = define(cx, definition, columns, vec![])?;
    let rows = InsertionRows::Query(Sub {
        query: plan,
        captures: vec![],
        stream: false,
    });
    let span = definition.span.clone();
    let kind = RowChangeKind::Insert(rows, places);
    change(
        &RowChange {
            function,
            kind,
            span: span.clone(),
        },
        &[],
        cx,
    )
    .map(|_| ())
    .map_err(|error| error.at(&span))
}

fn define(
    cx: &Cx,
    definition: &CreateTable,
    columns: Vec<(ColumnRule, Type)>,
    unique: Vec<Vec<usize>>,
) -> Result<Arc<Function>> {
    let catalog = Catalog::of(cx);
    let database = definition.database.as_ref();
    let database = database.map(|name| catalog.databases.get(&name.text));
    let database = database.transpose()?;
    let param = |(rule, ty): &(ColumnRule, Type)| Param {
        name: Some(rule.name.clone()),
        ty: ty.clone(),
        key: false,
    };
    let name = &definition.name;
    let signature = Signature {
        name: match &database {
            Some(database) => function_name(catalog, database, &name.text)?,
            None => name.text.clone(),
        },
        params: vec![],
        many: Many::Bag,
        columns: columns.iter().map(param).collect(),
    };
    let rules = columns.into_iter().map(|(rule, _)| rule).collect();
    let mut table = Table::with_rules(&signature, rules, unique);
    if let Some(database) = &database {
        table = created_in(cx, database, table, definition)
            .map_err(|error| error.at(&definition.span))?;
    }
    let doc = definition.comment.as_deref();
    let function = Function::table(signature, table, doc, definition.span.text());
    let function = Arc::new(function);
    let replaced = catalog.functions.define(function.clone())?;
    let change = Undo::Defined(function.clone(), replaced);
    catalog.undo_log.record(change);
    Ok(function)
}

/// Makes the table in a database.
fn created_in(
    cx: &Cx,
    database: &Arc<Database>,
    table: Table,
    definition: &CreateTable,
) -> Result<Table> {
    let columns = new_columns(&table)?;
    let kept = table.types().iter().filter_map(KeptAs::of).collect();
    let names = columns.iter().map(|column| column.name.clone()).collect();
    let name = definition.name.span.text().to_owned();
    let stored = StoredTable::new(database.clone(), name, names, TableKind::Numbered);
    let comment = definition.comment.as_deref();
    let create = || stored.create(&columns, table.unique(), comment, &cx.token);
    Catalog::of(cx).change_database(database, 0, &cx.token, create)?;
    Ok(table.in_database(LastingRows::new(stored, kept, true)))
}

/// Whether the database has a table of that name already and none is wanted then; an error if one is.
/// Another program may have made it since the database was opened.
fn is_taken_in(
    catalog: &Catalog,
    database: &Arc<Database>,
    definition: &CreateTable,
) -> Result<bool> {
    let name = &definition.name;
    let written = name.span.text();
    if name.text.starts_with("osql_") || name.text.starts_with("sqlite_") {
        let message = format!("a table of a database cannot be called {written}");
        return Err(Error::compile(message).at(&name.span));
    }
    let qualified = format!("{}.{}", database.name(), name.text);
    if catalog.rows_named(&qualified).is_none() {
        return Ok(false);
    }
    if definition.if_absent {
        return Ok(true);
    }
    let message = format!(
        "there is a table '{written}' in {} already",
        database.name()
    );
    Err(Error::compile(message)
        .at(&name.span)
        .help(format!("`drop table {qualified};` drops it")))
}

/// Whether there is a table of that name already and none is wanted then; an error if one is.
fn is_taken(catalog: &Catalog, name: &Name, if_absent: bool) -> Result<bool> {
    let written = name.span.text();
    if Type::named(&name.text).is_some() || catalog.types.get(&name.text).is_some() {
        return Err(Error::compile(format!("there is a type '{written}'"))
            .at(&name.span)
            .help("give the table another name: a from clause could not tell them apart"));
    }
    let functions = catalog.functions.resolvents(&name.text)?;
    let Some(taken) = functions.iter().find(|f| f.arity() == 0) else {
        return Ok(false);
    };
    let there_are_rows = catalog.rows_named(&name.text).is_some();
    if if_absent && there_are_rows {
        return Ok(true);
    }
    let what = match table_of(taken) {
        Some(_) => "a table",
        None if there_are_rows => "a view",
        None => "a function",
    };
    let error = Error::compile(format!("there is {what} '{written}' already")).at(&name.span);
    Err(match what {
        "a table" => error.help(format!("`drop table {written};` drops it")),
        _ => error.help("give the table another name"),
    })
}

fn defined_columns(
    catalog: &Catalog,
    columns: &[ColumnDefinition],
) -> Result<Vec<(ColumnRule, Type)>> {
    let mut defined: Vec<(ColumnRule, Type)> = vec![];
    for column in columns {
        let name = &column.name;
        if defined.iter().any(|(rule, _)| rule.name == name.text) {
            let message = format!("the column '{}' is defined twice", name.span.text());
            return Err(Error::compile(message).at(&name.span));
        }
        let ty = column_type(catalog, &column.ty)?;
        if ty.is_collection() {
            let message = format!("a column cannot hold a {ty}");
            return Err(Error::compile(message)
                .at(&column.ty.span)
                .help("a vector can be held"));
        }
        let rule = ColumnRule {
            name: name.text.clone(),
            not_null: column.not_null,
            length: column.length.filter(|_| ty == Type::Charstring),
            default: column.default.clone().map(Arc::new),
        };
        defined.push((rule, ty));
    }
    Ok(defined)
}

/// A type of OSQL, or one that SQL's name stands for.
pub fn column_type(catalog: &Catalog, spec: &TypeSpec) -> Result<Type> {
    if let TypeKind::Named(name) = &spec.kind
        && Type::named(&name.text).is_none()
        && catalog.types.get(&name.text).is_none()
        && let Some(ty) = Type::named_in_sql(&name.text)
    {
        return Ok(ty);
    }
    signature::of(spec, &catalog.types)
}

/// The columns that are unique, by themselves or together.
fn unique_columns(columns: &[ColumnDefinition], together: &[Vec<Name>]) -> Result<Vec<Vec<usize>>> {
    let own = columns
        .iter()
        .enumerate()
        .filter(|(_, column)| column.unique);
    let mut unique: Vec<Vec<usize>> = own.map(|(at, _)| vec![at]).collect();
    for names in together {
        let mut places = vec![];
        for name in names {
            let known = columns
                .iter()
                .position(|column| column.name.text == name.text);
            let Some(at) = known else {
                let names: Vec<Arc<str>> = columns.iter().map(|c| c.name.text.clone()).collect();
                return Err(crate::catalog::tables::no_column("the table", name, &names));
            };
            if !places.contains(&at) {
                places.push(at);
            }
        }
        if !unique.contains(&places) {
            unique.push(places);
        }
    }
    Ok(unique)
}

/// The names and types of the columns of a query's results.
fn columns_given(names: &[Arc<str>], ty: &Type, query: &Expr) -> Result<Vec<(Arc<str>, Type)>> {
    let types: Vec<Type> = match ty {
        Type::Tuple(types) if types.len() == names.len() => types.to_vec(),
        one if names.len() == 1 => vec![one.clone()],
        _ => vec![Type::Object; names.len()],
    };
    for (at, name) in names.iter().enumerate() {
        if names[..at].contains(name) {
            let message = format!("two columns of the query are called '{name}'");
            let error = Error::compile(message).at(&query.span);
            return Err(error.help("name one of them otherwise: select a as b"));
        }
    }
    // What a function gives may be a vector here and a number there.
    let single = |ty: Type| if ty.is_collection() { Type::Object } else { ty };
    Ok(names
        .iter()
        .cloned()
        .zip(types.into_iter().map(single))
        .collect())
}

/// Creates a view: a function without arguments that gives the rows of a query.
pub fn create_view(catalog: &Catalog, definition: &CreateView) -> Result<()> {
    if is_taken(catalog, &definition.name, definition.if_absent)? {
        return Ok(());
    }
    let query = &definition.query;
    let prepared = rows::prepared(catalog, query, vec![])?;
    let names = rows::output_names(&prepared);
    let ty = compile::query(catalog, query)?.ty;
    let columns = columns_given(&names, &ty, query)?;
    let span = &definition.name.span;
    let signature = Signature {
        name: definition.name.text.clone(),
        params: vec![],
        many: Many::Bag,
        columns: columns
            .into_iter()
            .map(|(name, ty)| Param {
                name: Some(name),
                ty,
                key: false,
            })
            .collect(),
    };
    let written = CreateFunction {
        name: definition.name.clone(),
        parameters: vec![],
        result: ResultSpec {
            many: Many::Bag,
            columns: vec![],
        },
        comment: definition.comment.clone(),
        body: Body::Query(query.clone()),
        signature: span.clone(),
        span: definition.span.clone(),
    };
    let body = FunctionBody::Derived(Arc::new(written.clone()), Compiled::default());
    let function = Arc::new(Function::new(signature, body, &written, None));
    let replaced = catalog.functions.define(function.clone())?;
    let change = Undo::Defined(function.clone(), replaced);
    catalog.undo_log.record(change);
    compile::check(catalog, &function)
}

/// Drops a table or a view. What uses a table is in the way, unless it is to go, too. What uses a view
/// stays, as in SQLite: it cannot be run until there is one of that name again.
pub fn drop_table(cx: &Cx, drop: &DropTable) -> Result<()> {
    let catalog = Catalog::of(cx);
    let name = &drop.name;
    let Some(function) = catalog.rows_named(&name.text) else {
        return if drop.if_present {
            Ok(())
        } else {
            Err(catalog.no_table(name))
        };
    };
    let written = name.span.text();
    if table_of(&function).is_some() == drop.view {
        let (what, word) = if drop.view {
            ("table", "table")
        } else {
            ("view", "view")
        };
        return Err(Error::compile(format!("'{written}' is a {what}"))
            .at(&name.span)
            .help(format!("`drop {word} {written};` drops it")));
    }
    let users = users_of(catalog, &function);
    if !users.is_empty() && !drop.cascade && !drop.view {
        let names: Vec<String> = users.iter().map(|f| f.name().to_string()).collect();
        return Err(
            Error::compile(format!("'{written}' is used by {}", names.join(", ")))
                .at(&name.span)
                .help(format!(
                    "`drop table {written} cascade;` drops what uses it, too"
                )),
        );
    }
    if let Some(rows) = table_of(&function).and_then(|table| table.lasting()) {
        let stored = rows.stored();
        catalog
            .change_database(stored.database(), 0, &cx.token, || stored.drop(&cx.token))
            .map_err(|error| error.at(&name.span))?;
    }
    if drop.view && !drop.cascade {
        catalog.functions.remove(&function)?;
        catalog.undo_log.record(Undo::DeletedFunction(function));
        return Ok(());
    }
    forget_function(catalog, &function)
}

/// The users' functions and views that use a table.
fn users_of(catalog: &Catalog, table: &Arc<Function>) -> Vec<Arc<Function>> {
    let mut users = catalog.functions.user_functions();
    users.retain(|function| {
        let used = compile::used_by(catalog, function).unwrap_or_default();
        used.iter().any(|used| used.id() == table.id())
    });
    users
}
