//! Statements about tables: what SQL has for them.

use pest::iterators::Pair;

use super::{Builder, Parts, end};
use crate::syntax::ast::{
    AttachDatabase, ColumnDefinition, CreateIndex, CreateTable, CreateView, DeleteRows, DropIndex,
    DropTable, Insert, InsertedRow, InsertedRows, Name, StatementKind, TableContent, TypeKind,
    TypeSpec, UpdateRows,
};
use crate::syntax::grammar::Rule;
use crate::syntax::literal;
use crate::text::diagnostic::{Error, Result, Span};

impl Builder<'_> {
    /// A statement about a table.
    pub(super) fn of_table(&self, pair: Pair<'_, Rule>) -> Result<StatementKind> {
        Ok(match pair.as_rule() {
            Rule::create_table => StatementKind::CreateTable(Box::new(self.create_table(pair)?)),
            Rule::create_view => StatementKind::CreateView(Box::new(self.create_view(pair)?)),
            Rule::insert => StatementKind::Insert(Box::new(self.insert(pair)?)),
            Rule::delete_rows => StatementKind::DeleteRows(Box::new(self.delete_rows(pair)?)),
            Rule::update_rows => StatementKind::UpdateRows(Box::new(self.update_rows(pair)?)),
            Rule::create_index => StatementKind::CreateIndex(self.create_index(pair)?),
            Rule::attach => {
                let span = self.span(&pair);
                let mut parts = self.parts(pair);
                parts.next_if(Rule::DATABASE);
                StatementKind::Attach(AttachDatabase {
                    file: self.string(&parts.need(self.source)?)?,
                    name: self.name(&parts.need(self.source)?),
                    span,
                })
            }
            Rule::detach => {
                let mut parts = self.parts(pair);
                parts.next_if(Rule::DATABASE);
                StatementKind::Detach(self.name(&parts.need(self.source)?))
            }
            Rule::drop_index => {
                let mut parts = self.parts(pair);
                StatementKind::DropIndex(DropIndex {
                    if_present: parts.has(Rule::if_present),
                    name: self.name(&parts.need(self.source)?),
                })
            }
            _ => {
                let mut parts = self.parts(pair);
                StatementKind::DropTable(DropTable {
                    view: parts.has(Rule::VIEW),
                    if_present: parts.has(Rule::if_present),
                    name: self.name(&parts.need(self.source)?),
                    cascade: parts.has(Rule::CASCADE),
                })
            }
        })
    }

    fn create_table(&self, pair: Pair<'_, Rule>) -> Result<CreateTable> {
        let span = self.span(&pair);
        let mut parts = self.parts(pair);
        let if_absent = parts.has(Rule::if_absent);
        let name = parts.need(self.source)?;
        let before = parts.next_if(Rule::in_database);
        let content = parts.need(self.source)?;
        let comment = self.comment_between(&name, before.as_ref().unwrap_or(&content));
        let content = match content.as_rule() {
            Rule::table_columns => self.table_columns(content)?,
            _ => TableContent::Query(self.query(content)?),
        };
        let written = before.or_else(|| parts.next_if(Rule::in_database));
        let written = written
            .map(|database| self.parts(database).need(self.source))
            .transpose()?
            .map(|database| self.name(&database));
        let (name, qualifier) = split_name(self.name(&name));
        if let (Some(database), Some(qualifier)) = (&written, &qualifier)
            && database.text != qualifier.text
        {
            let message = format!(
                "the table cannot be in {} and in {}",
                qualifier.text, database.text
            );
            return Err(Error::syntax(message).at(&database.span));
        }
        Ok(CreateTable {
            name,
            if_absent,
            content,
            comment,
            database: written.or(qualifier),
            span,
        })
    }

    fn create_view(&self, pair: Pair<'_, Rule>) -> Result<CreateView> {
        let span = self.span(&pair);
        let mut parts = self.parts(pair);
        parts.next_if(Rule::VIEW);
        let if_absent = parts.has(Rule::if_absent);
        let name = parts.need(self.source)?;
        let query = parts.need(self.source)?;
        let comment = self.comment_between(&name, &query);
        Ok(CreateView {
            name: self.name(&name),
            if_absent,
            query: self.query(query)?,
            comment,
            span,
        })
    }

    fn create_index(&self, pair: Pair<'_, Rule>) -> Result<CreateIndex> {
        let mut parts = self.parts(pair);
        Ok(CreateIndex {
            unique: parts.has(Rule::UNIQUE),
            if_absent: parts.has(Rule::if_absent),
            name: self.name(&parts.need(self.source)?),
            table: self.name(&parts.need(self.source)?),
            columns: self.indexed_columns(parts.need(self.source)?),
        })
    }

    /// Their order does not matter: an index finds rows by equality.
    fn indexed_columns(&self, pair: Pair<'_, Rule>) -> Vec<Name> {
        let columns = self.parts(pair);
        let columns = columns.filter(|part| part.as_rule() == Rule::column_id);
        columns.map(|column| self.name(&column)).collect()
    }

    fn comment_between(&self, before: &Pair<'_, Rule>, after: &Pair<'_, Rule>) -> Option<String> {
        let gap = &self.source.text[end(before)..after.as_span().start()];
        literal::comment(gap)
    }

    fn table_columns(&self, pair: Pair<'_, Rule>) -> Result<TableContent> {
        let (mut columns, mut unique): (Vec<ColumnDefinition>, Vec<Vec<Name>>) = (vec![], vec![]);
        let mut primary: Vec<Name> = vec![];
        for part in self.parts(pair) {
            if part.as_rule() == Rule::table_column {
                columns.push(self.table_column(part)?);
                continue;
            }
            let mut parts = self.parts(part);
            let is_primary = parts.has(Rule::primary_key);
            parts.next_if(Rule::UNIQUE);
            let names: Vec<Name> = self.names(parts.need(self.source)?);
            if is_primary {
                primary.extend(names.iter().cloned());
            }
            unique.push(names);
        }
        for column in &mut columns {
            column.not_null |= primary.iter().any(|name| name.text == column.name.text);
        }
        Ok(TableContent::Columns { columns, unique })
    }

    fn table_column(&self, pair: Pair<'_, Rule>) -> Result<ColumnDefinition> {
        let mut parts = self.parts(pair);
        let name = self.name(&parts.need(self.source)?);
        let (ty, length) = self.column_type(parts.need(self.source)?)?;
        let mut column = ColumnDefinition {
            name,
            ty,
            length,
            not_null: false,
            unique: false,
            default: None,
        };
        for rule in parts {
            let mut parts = self.parts(rule);
            let Some(rule) = parts.next() else { continue };
            match rule.as_rule() {
                Rule::not_null => column.not_null = true,
                Rule::primary_key => (column.not_null, column.unique) = (true, true),
                Rule::UNIQUE => column.unique = true,
                Rule::column_default => column.default = Some(self.only_query(rule)?),
                // `null` says what holds anyway.
                _ => {}
            }
        }
        Ok(column)
    }

    /// A type, and how long its values may be where that is said: `varchar(20)`.
    pub(super) fn column_type(&self, pair: Pair<'_, Rule>) -> Result<(TypeSpec, Option<u64>)> {
        let mut parts = self.parts(pair);
        let written = parts.need(self.source)?;
        let span = self.span(&written);
        let ty = match written.as_rule() {
            Rule::long_type => {
                let words = written.as_str().split_whitespace();
                let text = words.collect::<Vec<_>>().join(" ").to_lowercase().into();
                TypeSpec {
                    kind: TypeKind::Named(Name {
                        text,
                        span: span.clone(),
                    }),
                    span,
                }
            }
            _ => self.type_spec(written)?,
        };
        let Some(length) = parts.next_if(Rule::type_length) else {
            return Ok((ty, None));
        };
        let number = self.parts(length).need(self.source)?;
        let length = number.as_str().parse().map_err(|_| {
            Error::syntax("the length of a type is a whole number").at(&self.span(&number))
        })?;
        Ok((ty, Some(length)))
    }

    pub(super) fn names(&self, pair: Pair<'_, Rule>) -> Vec<Name> {
        self.parts(pair).map(|p| self.name(&p)).collect()
    }

    fn insert(&self, pair: Pair<'_, Rule>) -> Result<Insert> {
        let mut parts = self.parts(pair);
        let table = self.name(&parts.need(self.source)?);
        let columns = match parts.next_if(Rule::column_names) {
            Some(names) => self.names(names),
            None => vec![],
        };
        let rows = match parts.peek() {
            Some(Rule::inserted_row) => InsertedRows::Values(
                parts
                    .map(|row| {
                        Ok(InsertedRow {
                            span: self.span(&row),
                            values: self.queries(row)?,
                        })
                    })
                    .collect::<Result<_>>()?,
            ),
            _ => InsertedRows::Query(self.query(parts.need(self.source)?)?),
        };
        Ok(Insert {
            table,
            columns,
            rows,
        })
    }

    /// The table that a statement changes, and the name of its row.
    fn changed(&self, parts: &mut Parts<'_>) -> Result<(Name, Name)> {
        let table = self.name(&parts.need(self.source)?);
        let row = match parts.next_if(Rule::row_name) {
            Some(row) => self.name(&row),
            None => row_of(&table),
        };
        Ok((table, row))
    }

    fn delete_rows(&self, pair: Pair<'_, Rule>) -> Result<DeleteRows> {
        let mut parts = self.parts(pair);
        let (table, row) = self.changed(&mut parts)?;
        let filter = parts.next_if(Rule::where_clause);
        Ok(DeleteRows {
            table,
            row,
            filter: filter.map(|f| self.only_query(f)).transpose()?,
        })
    }

    fn update_rows(&self, pair: Pair<'_, Rule>) -> Result<UpdateRows> {
        let mut parts = self.parts(pair);
        let (table, row) = self.changed(&mut parts)?;
        let mut columns = Vec::new();
        while let Some(set) = parts.next_if(Rule::set_column) {
            let mut parts = self.parts(set);
            let column = self.name(&parts.need(self.source)?);
            columns.push((column, self.query(parts.need(self.source)?)?));
        }
        let filter = parts.next_if(Rule::where_clause);
        Ok(UpdateRows {
            table,
            row,
            columns,
            filter: filter.map(|f| self.only_query(f)).transpose()?,
        })
    }
}

/// The table's own name, and that of the database in `x.T`.
fn split_name(name: Name) -> (Name, Option<Name>) {
    let (Some((database, table)), Some(point)) =
        (name.text.split_once('.'), name.span.text().find('.'))
    else {
        return (name, None);
    };
    let start = name.span.start as usize;
    let part = |text: &str, start, end| Name {
        text: text.into(),
        span: Span::new(&name.span.source, start, end),
    };
    let database = part(database, start, start + point);
    let table = part(table, start + point + 1, name.span.end as usize);
    (table, Some(database))
}

/// The name of a row that is called as its table.
pub(super) fn row_of(table: &Name) -> Name {
    split_name(table.clone()).0
}
