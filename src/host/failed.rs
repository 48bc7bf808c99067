//! Elements of live streams that fail are set aside: a bad message is not the end of a service.
//!
//! A query over a stream from outside goes on after an element on which it fails. The first is
//! reported with all that is known of it, further ones are counted and their number is said now and
//! then, and at the end of the statement or job. What is set aside is acknowledged like any other
//! message. `--bail` makes the first one the query's error, and `try(expression, otherwise)` decides it
//! in the language. Over data that is finite an error stays an error.

use crate::host::Host;
use crate::model::failed::{Origin, Report};
use crate::model::{Cx, Value};
use crate::text::diagnostic::{Error, Kind, Result, shortened};

/// Sets the element aside that `error` is about. The error comes back where it is not about an
/// element: the query was stopped, or what it needs has failed for good; and under `--bail`.
pub fn set_aside(error: Error, cx: &Cx) -> Result<()> {
    let host = Host::of(cx);
    if host.bail || error.kind() == Kind::Stopped || error.is_about_no_element() {
        return Err(error);
    }
    let origin = cx.latest_origin.get();
    if let Some(origin) = &origin {
        origin.count();
    }
    match cx.failed.add() {
        Report::Whole => {
            let error = error.context("an element is set aside");
            let error = match &origin {
                Some(origin) => error.help(message(origin)),
                None => error,
            };
            host.console.notice(&error.render_warning(false));
        }
        Report::Number(number) => host.console.notice(&format!(
            "warning: {number} more failed and {}\n",
            if number == 1 {
                "is set aside"
            } else {
                "are set aside"
            }
        )),
        Report::Nothing => {}
    }
    Ok(())
}

/// Says how many elements the statement or job of `cx` has set aside, where that is not known yet.
pub fn summarize(cx: &Cx) {
    if let Some(number) = cx.failed.untold() {
        let text = format!("warning: {number} elements failed and were set aside\n");
        Host::of(cx).console.notice(&text);
    }
}

/// Characters of a payload that tell it from others.
const SHOWN: usize = 60;

fn message(origin: &Origin) -> String {
    // More bytes than may be shown need not be looked at.
    let payload = &origin.payload[..origin.payload.len().min(4 * SHOWN + 4)];
    let payload = shortened(String::from_utf8_lossy(payload).into_owned(), SHOWN);
    format!(
        "the latest message came on {} with the payload {}",
        Value::str(&origin.topic),
        Value::str(&payload)
    )
}
