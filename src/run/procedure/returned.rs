//! The stream that a procedure returns: the procedure runs on a thread of its own, and no further than
//! the reader has asked for, but for one value.

use std::sync::Arc;
use std::thread::{self, JoinHandle};

use super::run_into;
use crate::model::context::THREAD_STACK_SIZE;
use crate::model::{Cx, Source, Value};
use crate::plan::Procedure;
use crate::text::diagnostic::{Error, Result};
use crate::text::wait::{Received, Receiver, Token, queue};

/// The stream of what `procedure`, the body of the function `name`, returns for these arguments. Each
/// reader runs it anew.
pub fn stream(procedure: Arc<Procedure>, args: Vec<Value>, name: &str) -> Value {
    let name: Arc<str> = name.into();
    Value::stream_from(move |cx| {
        let running = start(procedure.clone(), args.clone(), &name, cx)?;
        Ok(Box::new(running))
    })
}

fn start(
    procedure: Arc<Procedure>,
    args: Vec<Value>,
    name: &str,
    cx: &Cx,
) -> Result<ReturnedStream> {
    let (sender, values) = queue(1);
    let token = cx.lasting_token().child();
    let cx = cx.for_thread(token.clone());
    let run = move || {
        let mut give = |value| match sender.send(Ok(value), &cx.token)? {
            true => Ok(()),
            false => Err(Error::stopped(UNREAD)),
        };
        if let Err(error) = run_into(&procedure, args, &mut give, &cx) {
            // Nobody to tell where the reader is gone; it has not asked for more.
            let _ = sender.send(Err(error), &Token::new());
        }
    };
    let thread = thread::Builder::new()
        .name(name.to_owned())
        .stack_size(THREAD_STACK_SIZE)
        .spawn(run)
        .map_err(|error| Error::run(format!("no thread can be started for '{name}': {error}")))?;
    Ok(ReturnedStream {
        values: Some(values),
        token,
        thread: Some(thread),
    })
}

const UNREAD: &str = "the stream is not read any more";

/// A procedure that runs while its stream is read. Dropping it ends the procedure and waits for that.
struct ReturnedStream {
    values: Option<Receiver<Result<Value>>>,
    token: Token,
    thread: Option<JoinHandle<()>>,
}

impl Source for ReturnedStream {
    fn next(&mut self, cx: &Cx) -> Result<Option<Value>> {
        let Some(values) = &self.values else {
            return Ok(None);
        };
        match values.recv(None, &cx.token)? {
            Received::Item(Ok(value)) => Ok(Some(value)),
            Received::Item(Err(error)) => Err(error),
            Received::End | Received::Late => {
                self.values = None;
                Ok(None)
            }
        }
    }
}

impl Drop for ReturnedStream {
    fn drop(&mut self) {
        self.token.stop(UNREAD);
        self.values = None;
        if let Some(thread) = self.thread.take() {
            // A panic there has been reported there.
            let _ = thread.join();
        }
    }
}
