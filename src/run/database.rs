//! Opens and closes databases: their tables become tables of the session, and go with them.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::catalog::Catalog;
use crate::catalog::tables::{bare_name, lasting_tables};
use crate::model::function::{Param, Signature};
use crate::model::table::{ColumnRule, KeptAs, LastingRows, NamedIndex, Table};
use crate::model::{Cx, Function, Type, Value};
use crate::run::statement::column_type;
use crate::store::{
    self, ColumnDescription, Database, DatabaseOptions, GroupLimits, StoredTable, TableDescription,
    describe,
};
use crate::syntax::ast::{ColumnDefinition, Many, StatementKind, TableContent};
use crate::syntax::statement;
use crate::text::diagnostic::{Error, Result, SourceText};

/// How a database is opened if nothing is said.
pub fn options() -> DatabaseOptions {
    DatabaseOptions {
        create: true,
        read_only: false,
        busy: Duration::from_secs(10),
        most_bytes: None,
        limits: GroupLimits {
            rows: 1000,
            time: Duration::from_secs(1),
        },
    }
}

/// Opens the database in a file, or looks anew at the tables of one that is open; gives its name.
pub fn open(
    cx: &Cx,
    file: &str,
    name: Option<&str>,
    options: &DatabaseOptions,
) -> Result<Arc<str>> {
    let catalog = Catalog::of(cx);
    let path = PathBuf::from(file);
    if file.is_empty() || file == ":memory:" {
        return Err(Error::run("a database needs a file")
            .help("a table that is created in no database is in memory"));
    }
    let name = match name {
        Some(name) => named(name)?,
        None => named_by(&path)?,
    };
    let same = catalog
        .databases
        .all()
        .into_iter()
        .find(|database| same_file(database.path(), &path));
    let database = match (catalog.databases.find(&name), same) {
        (_, Some(same)) if *same.name() == name => same,
        (_, Some(same)) => {
            return Err(Error::run(format!(
                "{file} is open already, as {}",
                same.name()
            )));
        }
        (Some(other), None) => {
            let message = format!(
                "there is a database {name} already, in {}",
                other.path().display()
            );
            return Err(Error::run(message).help(format!(
                "close_database('{name}') closes it; open_database(file, {{'name': '…'}}) gives another name"
            )));
        }
        (None, None) => {
            let database = Arc::new(Database::open(&name, &path, options, &cx.token)?);
            define_tables(cx, &database)?;
            catalog.databases.add(database);
            return Ok(name);
        }
    };
    define_tables(cx, &database)?;
    Ok(name)
}

/// Closes a database. Its tables are no tables of the session any more.
pub fn close(cx: &Cx, name: &str) -> Result<()> {
    let catalog = Catalog::of(cx);
    let database = catalog.databases.get(name)?;
    // What the statement has changed until now is final.
    catalog.end_of_statement()?;
    database.close()?;
    for (function, _) in lasting_tables(catalog, &database) {
        catalog.functions.remove(&function)?;
    }
    catalog.databases.remove(&database);
    Ok(())
}

fn same_file(a: &Path, b: &Path) -> bool {
    match (a.canonicalize(), b.canonicalize()) {
        (Ok(a), Ok(b)) => a == b,
        _ => false,
    }
}

fn named(name: &str) -> Result<Arc<str>> {
    let name = name.to_lowercase();
    match identifier(&name) {
        Some(same) if same == name => Ok(name.into()),
        _ => Err(Error::run(format!("'{name}' is no name of a database"))
            .help("a name has letters, digits and _, and begins with no digit")),
    }
}

/// The name that the file gives.
fn named_by(path: &Path) -> Result<Arc<str>> {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    named(&stem).map_err(|error| {
        error.help("open_database(file, {'name': 'plant'}) gives a name that the file has not")
    })
}

/// A name that can be written, with `_` in place of what cannot be.
fn identifier(name: &str) -> Option<String> {
    let mut written: String = name
        .to_lowercase()
        .chars()
        .map(|c| if c.is_alphanumeric() { c } else { '_' })
        .collect();
    if written.starts_with(|c: char| c.is_numeric()) {
        written.insert(0, '_');
    }
    (!written.is_empty()).then_some(written)
}

/// Defines the tables that the file has now. Those that are defined and as they were stay the same.
fn define_tables(cx: &Cx, database: &Arc<Database>) -> Result<()> {
    let catalog = Catalog::of(cx);
    let tables = describe(database, &cx.token)?;
    for (function, _) in lasting_tables(catalog, database) {
        catalog.functions.remove(&function)?;
    }
    for table in tables {
        let function = Arc::new(function_of(cx, database, &table)?);
        catalog.functions.define(function)?;
    }
    Ok(())
}

/// The name of a table's function: the table's own, or with the database's before it where the own is
/// another's.
pub fn function_name(catalog: &Catalog, database: &Database, name: &str) -> Result<Arc<str>> {
    let is_free = catalog
        .functions
        .resolvents(name)?
        .iter()
        .all(|f| f.arity() > 0)
        && Type::named(name).is_none()
        && catalog.types.get(name).is_none();
    Ok(match is_free {
        true => name.into(),
        false => format!("{}.{name}", database.name()).into(),
    })
}

fn function_of(
    cx: &Cx,
    database: &Arc<Database>,
    described: &TableDescription,
) -> Result<Function> {
    let catalog = Catalog::of(cx);
    let name = identifier(&described.name).unwrap_or_else(|| "_".to_owned());
    let columns: Vec<String> = described.columns.iter().map(|c| c.name.clone()).collect();
    let stored = StoredTable::new(
        database.clone(),
        described.name.clone(),
        columns,
        described.kind,
    );
    let mut names: Vec<Arc<str>> = vec![];
    let (mut rules, mut types, mut kept) = (vec![], vec![], vec![]);
    for column in &described.columns {
        let mut name = identifier(&column.name).unwrap_or_else(|| "_".to_owned());
        while names.iter().any(|other| **other == *name) {
            name.push('_');
        }
        names.push(name.as_str().into());
        let (rule, ty, kept_as) = read_column(cx, described, column, &name)?;
        rules.push(rule);
        types.push(ty);
        kept.push(kept_as);
    }
    let param = |(name, ty): (&Arc<str>, &Type)| Param {
        name: Some(name.clone()),
        ty: ty.clone(),
        key: false,
    };
    let signature = Signature {
        name: function_name(catalog, database, &name)?,
        params: vec![],
        many: Many::Bag,
        columns: names.iter().zip(&types).map(param).collect(),
    };
    let source = definition(&signature, database);
    let lasting = LastingRows::new(stored, kept, described.is_own);
    let table = Table::with_rules(&signature, rules, described.unique.clone()).in_database(lasting);
    for index in &described.indexes {
        table.know_index(Arc::new(NamedIndex::new(
            index.name.to_lowercase().into(),
            index.columns.clone(),
            index.unique,
        )));
    }
    let doc = described.comment.as_deref();
    Ok(Function::table(signature, table, doc, &source))
}

/// How the table could have been defined.
fn definition(signature: &Signature, database: &Database) -> String {
    let columns = signature.columns.iter().map(|column| {
        format!(
            "{} {}",
            column.name.as_deref().unwrap_or_default(),
            column.ty
        )
    });
    let columns: Vec<String> = columns.collect();
    format!(
        "create table {} ({}) in {}",
        bare_name(&signature.name),
        columns.join(", "),
        database.name()
    )
}

/// What a column takes, its type, and how its values are kept.
fn read_column(
    cx: &Cx,
    table: &TableDescription,
    column: &ColumnDescription,
    name: &str,
) -> Result<(ColumnRule, Type, KeptAs)> {
    let Some(noted) = &column.noted else {
        let ty = declared_type(&column.declared);
        let default = column.default.as_deref();
        let default = default.and_then(|text| store::default_of(text, &cx.token));
        let default = match &default {
            Some(text) => parsed_column("Object", Some(text), &table.name)?.default,
            None => None,
        };
        let rule = ColumnRule {
            name: name.into(),
            not_null: column.not_null,
            length: None,
            default: default.map(Arc::new),
        };
        return Ok((rule, ty, KeptAs::Found));
    };
    let parsed = parsed_column(&noted.ty, noted.default.as_deref(), &table.name)?;
    let ty = column_type(Catalog::of(cx), &parsed.ty)?;
    let Some(kept) = KeptAs::of(&ty) else {
        let message = format!(
            "{}.{} is {ty}, which is kept in no database",
            table.name, column.name
        );
        return Err(Error::run(message));
    };
    let rule = ColumnRule {
        name: name.into(),
        not_null: column.not_null,
        length: noted.length.and_then(|length| u64::try_from(length).ok()),
        default: parsed.default.map(Arc::new),
    };
    Ok((rule, ty, kept))
}

/// A type and a default, as they were written.
fn parsed_column(ty: &str, default: Option<&str>, table: &str) -> Result<ColumnDefinition> {
    let default = default
        .map(|text| format!(" default {text}"))
        .unwrap_or_default();
    let text = format!("create table t (c {ty}{default})");
    let source = SourceText::new(format!("<{table}>"), text);
    if let Some(parsed) = statement(&source)?
        && let StatementKind::CreateTable(table) = parsed.kind
        && let TableContent::Columns { mut columns, .. } = table.content
        && let Some(column) = columns.pop()
    {
        return Ok(column);
    }
    Err(Error::run(format!(
        "what is noted about a column of {table} is no type: {ty}"
    )))
}

/// The type that SQLite's declared one stands for, by its rules. A column whose values may well be others,
/// as those of DATE or BOOLEAN are, is one of anything.
fn declared_type(declared: &str) -> Type {
    let declared = declared.to_uppercase();
    let has = |part: &str| declared.contains(part);
    match () {
        () if has("INT") => Type::Integer,
        () if has("CHAR") || has("CLOB") || has("TEXT") => Type::Charstring,
        () if has("REAL") || has("FLOA") || has("DOUB") => Type::Real,
        () if has("NUMERIC") || has("DECIMAL") => Type::Number,
        () => Type::Object,
    }
}

/// What is known of a database that is open.
pub fn described(catalog: &Catalog, database: &Arc<Database>) -> Vec<(&'static str, Value)> {
    let tables = lasting_tables(catalog, database);
    let names = tables
        .iter()
        .map(|(function, _)| Value::str(bare_name(function.name())));
    let mut names: Vec<Value> = names.collect();
    names.sort();
    vec![
        ("name", Value::Str(database.name().clone())),
        ("file", Value::str(database.path().to_string_lossy())),
        ("readonly", Value::Bool(database.is_read_only())),
        ("tables", Value::vector(names)),
    ]
}
