//! The elements of an array one by one.

use std::sync::Arc;

use super::Array;
use crate::model::{Cx, Source, Value};
use crate::text::diagnostic::Result;

/// The elements of an array, or its parts along the first dimension where it has several.
pub struct ArrayParts {
    array: Arc<Array>,
    next: usize,
}

impl ArrayParts {
    pub fn new(array: Arc<Array>) -> ArrayParts {
        ArrayParts { array, next: 0 }
    }
}

impl Source for ArrayParts {
    fn next(&mut self, cx: &Cx) -> Result<Option<Value>> {
        if self.next == self.array.shape()[0] {
            return Ok(None);
        }
        cx.token.check()?;
        let part = self.array.part(&[Some(self.next)])?;
        self.next += 1;
        Ok(Some(part))
    }
}
