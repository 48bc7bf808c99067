//! All rows of a table in a database as a bag: read part by part, each time it is opened.

use std::sync::Arc;

use crate::model::collection::BATCH;
use crate::model::function::FunctionBody;
use crate::model::table::Scan;
use crate::model::{BatchColumn, Collection, Cx, Function, Source, Type, Value};
use crate::text::diagnostic::Result;

/// The rows of a table, a function without arguments.
pub struct TableRows(pub Arc<Function>);

impl Collection for TableRows {
    fn open(&self, cx: &Cx) -> Result<Box<dyn Source>> {
        let FunctionBody::Stored(table) = &self.0.body else {
            return Value::bag(vec![]).elements(cx);
        };
        Ok(Box::new(TableRowsRun {
            scan: table.scan(&cx.token)?,
            width: table.types().len(),
        }))
    }

    fn element_type(&self) -> Type {
        self.0.signature.result_type().element().clone()
    }

    fn is_repeatable(&self, _: &Cx) -> bool {
        true
    }
}

struct TableRowsRun {
    scan: Scan,
    width: usize,
}

impl Source for TableRowsRun {
    fn next(&mut self, cx: &Cx) -> Result<Option<Value>> {
        cx.token.check()?;
        let row = self.scan.next()?;
        Ok(row.map(|row| match row {
            [one] => one.clone(),
            several => Value::vector(several.iter().cloned()),
        }))
    }

    fn column(&mut self, cx: &Cx) -> Result<Option<BatchColumn>> {
        if self.width != 1 {
            return Ok(None);
        }
        Ok(self.columns_of(cx)?.and_then(|mut columns| columns.pop()))
    }

    fn columns(&mut self, cx: &Cx) -> Result<Option<Vec<BatchColumn>>> {
        match self.width {
            1 => Ok(None),
            _ => self.columns_of(cx),
        }
    }
}

impl TableRowsRun {
    fn columns_of(&mut self, cx: &Cx) -> Result<Option<Vec<BatchColumn>>> {
        cx.token.check()?;
        let rows = self.scan.some(BATCH)?;
        if rows.is_empty() {
            return Ok(None);
        }
        let column =
            |at: usize| BatchColumn::of_elements(rows.iter().map(|row| row[at].clone()).collect());
        Ok(Some((0..self.width).map(column).collect()))
    }
}
