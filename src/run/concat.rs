//! Bags made of bags, `bag(b,x)`: their elements one after the other. A loop that adds to such a bag
//! nests as many of them as it has rounds, so nothing here recurses over the nesting.

use std::sync::Arc;

use crate::model::{BatchColumn, Collection, Cx, Numbers, Source, Value};
use crate::text::diagnostic::Result;

/// The elements of the bags among these values, and the other values.
pub struct Concat(Vec<Value>);

impl Concat {
    pub fn new(parts: Vec<Value>) -> Concat {
        Concat(parts)
    }
}

impl Collection for Concat {
    fn open(&self, _: &Cx) -> Result<Box<dyn Source>> {
        Ok(Box::new(Concatenated {
            waiting: self.0.iter().rev().cloned().collect(),
            current: None,
            ahead: None,
        }))
    }

    fn parts(&self) -> Option<&[Value]> {
        Some(&self.0)
    }

    fn take_parts(&mut self) -> Vec<Value> {
        std::mem::take(&mut self.0)
    }
}

impl Drop for Concat {
    fn drop(&mut self) {
        let mut waiting = self.take_parts();
        while let Some(part) = waiting.pop() {
            // Bags that nobody else holds are taken apart here and not within each other.
            if let Value::Bag(mut bag) = part
                && let Some(bag) = Arc::get_mut(&mut bag)
            {
                waiting.extend(bag.take_parts());
            }
        }
    }
}

struct Concatenated {
    /// What is still to come, the next last.
    waiting: Vec<Value>,
    current: Option<Box<dyn Source>>,
    /// The next element, which has been taken already.
    ahead: Option<Value>,
}

impl Concatenated {
    /// The next bag becomes the current one. An element that is none is given back, and so is nothing
    /// at the end.
    fn advance(&mut self, cx: &Cx) -> Result<Option<Value>> {
        loop {
            cx.token.check()?;
            match self.waiting.pop() {
                Some(Value::Bag(bag)) => match bag.parts() {
                    Some(parts) => self.waiting.extend(parts.iter().rev().cloned()),
                    None => {
                        self.current = Some(bag.open(cx)?);
                        return Ok(None);
                    }
                },
                other => return Ok(other),
            }
        }
    }
}

impl Concatenated {
    /// What `take` gives for the current bag, many elements at a time.
    fn many<T>(
        &mut self,
        cx: &Cx,
        take: impl Fn(&mut dyn Source) -> Result<Option<T>>,
    ) -> Result<Option<T>> {
        while self.ahead.is_none() {
            if let Some(current) = &mut self.current {
                if let Some(many) = take(&mut **current)? {
                    return Ok(Some(many));
                }
                // It may be at its end, or go on with what does not come many at a time.
                self.ahead = current.next(cx)?;
                if self.ahead.is_none() {
                    self.current = None;
                }
                continue;
            }
            self.ahead = self.advance(cx)?;
            if self.ahead.is_none() && self.current.is_none() {
                break;
            }
        }
        Ok(None)
    }
}

impl Source for Concatenated {
    fn next(&mut self, cx: &Cx) -> Result<Option<Value>> {
        if let Some(ahead) = self.ahead.take() {
            return Ok(Some(ahead));
        }
        loop {
            if let Some(current) = &mut self.current {
                if let Some(value) = current.next(cx)? {
                    return Ok(Some(value));
                }
                self.current = None;
            }
            let element = self.advance(cx)?;
            if element.is_some() || self.current.is_none() {
                return Ok(element);
            }
        }
    }

    fn numbers(&mut self, cx: &Cx) -> Result<Option<Numbers>> {
        self.many(cx, |current| current.numbers(cx))
    }

    fn column(&mut self, cx: &Cx) -> Result<Option<BatchColumn>> {
        self.many(cx, |current| current.column(cx))
    }
}
