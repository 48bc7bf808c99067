//! Streams of arrays taken as one long array, and windows over it.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::functions::window::sizes;
use crate::model::array::{Array, ArrayNumber, for_format};
use crate::model::{Args, Cx, Source, Value};
use crate::run::call::short;
use crate::text::diagnostic::{Error, Result};

pub fn awinagg(_: &Cx, args: Args) -> Result<Option<Value>> {
    let (stream, (size, stride)) = (args.collection(0)?.clone(), sizes(args)?);
    Ok(Some(Value::stream_from(move |cx| {
        Ok(Box::new(ArrayWindows {
            arrays: stream.open(cx)?,
            size,
            stride,
            blocks: VecDeque::new(),
            held: 0,
            skip: 0,
        }))
    })))
}

struct ArrayWindows {
    arrays: Box<dyn Source>,
    size: usize,
    stride: u64,
    /// Arrays of which some elements are in windows to come.
    blocks: VecDeque<Arc<Array>>,
    /// How many elements they have together.
    held: usize,
    /// How many elements from the beginning of the first block on are in no window to come.
    skip: u64,
}

impl Source for ArrayWindows {
    fn next(&mut self, cx: &Cx) -> Result<Option<Value>> {
        loop {
            self.drop_blocks();
            if self.held as u64 >= self.skip.saturating_add(self.size as u64) {
                let window = self.window(cx)?;
                self.skip += self.stride;
                return Ok(Some(window));
            }
            let Some(array) = self.arrays.next(cx)? else {
                return Ok(None);
            };
            let Value::Array(array) = &array else {
                return Err(Error::run(format!(
                    "awinagg wants arrays, not {}",
                    short(&array)
                )));
            };
            self.check(array)?;
            self.held += array.shape()[0];
            self.blocks.push_back(array.clone());
        }
    }
}

impl ArrayWindows {
    /// An error if the array cannot go on where the one before ended.
    fn check(&self, array: &Array) -> Result<()> {
        let Some(before) = self.blocks.back() else {
            return Ok(());
        };
        let same = array.format() == before.format() && array.shape()[1..] == before.shape()[1..];
        if same {
            return Ok(());
        }
        Err(Error::run(format!(
            "the arrays of a stream of windows must be of one format and equal parts: an array of {} with \
             shape {:?} comes after one of {} with shape {:?}",
            array.format().name(),
            array.shape(),
            before.format().name(),
            before.shape()
        )))
    }

    /// Takes away the blocks that are in no window to come.
    fn drop_blocks(&mut self) {
        while let Some(front) = self.blocks.front() {
            let length = front.shape()[0];
            if (length as u64) > self.skip {
                break;
            }
            self.skip -= length as u64;
            self.held -= length;
            self.blocks.pop_front();
        }
    }

    fn window(&self, cx: &Cx) -> Result<Value> {
        let first = &self.blocks[0];
        let parts: usize = first.shape()[1..].iter().product();
        cx.token.looks().steps(self.size * parts)?;
        let mut shape = first.shape().to_vec();
        shape[0] = self.size;
        let (from, count) = (self.skip as usize * parts, self.size * parts);
        Ok(Value::array(Array::new(
            shape,
            for_format!(first.format(), T => T::pack(self.taken::<T>(from, count))),
        )))
    }

    /// So many numbers of the blocks, from the one at `from` on.
    fn taken<T: ArrayNumber>(&self, mut from: usize, count: usize) -> Vec<T> {
        let mut numbers = Vec::with_capacity(count);
        for block in &self.blocks {
            let more = T::unpack(block.elements()).unwrap_or_default();
            let more = &more[from.min(more.len())..];
            from = 0;
            let wanted = count - numbers.len();
            numbers.extend_from_slice(&more[..wanted.min(more.len())]);
            if numbers.len() == count {
                break;
            }
        }
        numbers
    }
}
