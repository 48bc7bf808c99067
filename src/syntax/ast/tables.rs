//! Statements about tables: what SQL has for them.

use std::sync::Arc;

use super::{Expr, Name, TypeSpec};
use crate::text::diagnostic::Span;

/// `create table T (a Integer, unique(a))`
#[derive(Clone, Debug)]
pub struct CreateTable {
    pub name: Name,
    /// Nothing is done if there is a table of that name.
    pub if_absent: bool,
    pub content: TableContent,
    /// The comment behind the name.
    pub comment: Option<String>,
    /// The database that it is made in.
    pub database: Option<Name>,
    pub span: Span,
}

/// `attach 'plant.db' as plant`
#[derive(Clone, Debug)]
pub struct AttachDatabase {
    pub file: Arc<str>,
    pub name: Name,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub enum TableContent {
    Columns {
        columns: Vec<ColumnDefinition>,
        /// Columns that are unique together.
        unique: Vec<Vec<Name>>,
    },
    /// The columns and rows of a query.
    Query(Expr),
}

/// `b varchar(20) not null default ''`
#[derive(Clone, Debug)]
pub struct ColumnDefinition {
    pub name: Name,
    pub ty: TypeSpec,
    /// How many characters a string may have.
    pub length: Option<u64>,
    pub not_null: bool,
    pub unique: bool,
    pub default: Option<Expr>,
}

/// `create view V as select …`
#[derive(Clone, Debug)]
pub struct CreateView {
    pub name: Name,
    pub if_absent: bool,
    pub query: Expr,
    pub comment: Option<String>,
    pub span: Span,
}

/// `drop table if exists T cascade`
#[derive(Clone, Debug)]
pub struct DropTable {
    pub name: Name,
    pub view: bool,
    pub if_present: bool,
    /// What uses it goes, too.
    pub cascade: bool,
}

/// `create unique index i on T (a, b)`
#[derive(Clone, Debug)]
pub struct CreateIndex {
    pub name: Name,
    pub unique: bool,
    pub if_absent: bool,
    pub table: Name,
    pub columns: Vec<Name>,
}

/// `drop index if exists i`
#[derive(Clone, Debug)]
pub struct DropIndex {
    pub name: Name,
    pub if_present: bool,
}

/// `insert into T (a, b) values (1, 'x'), (2, 'y')`
#[derive(Clone, Debug)]
pub struct Insert {
    pub table: Name,
    /// Those that are given; all of them if empty.
    pub columns: Vec<Name>,
    pub rows: InsertedRows,
}

#[derive(Clone, Debug)]
pub enum InsertedRows {
    Values(Vec<InsertedRow>),
    Query(Expr),
}

#[derive(Clone, Debug)]
pub struct InsertedRow {
    pub values: Vec<Expr>,
    pub span: Span,
}

/// `delete from T t where …`
#[derive(Clone, Debug)]
pub struct DeleteRows {
    pub table: Name,
    /// The name of the row.
    pub row: Name,
    pub filter: Option<Expr>,
}

/// `update T t set b = … where …`
#[derive(Clone, Debug)]
pub struct UpdateRows {
    pub table: Name,
    pub row: Name,
    pub columns: Vec<(Name, Expr)>,
    pub filter: Option<Expr>,
}
