//! Windows of time as keys of `group by`. What they do is in `run/windowed.rs`.

use crate::model::native::{CallForm, GroupWindowForm, Native, NativeCode, Natives};
use crate::text::diagnostic::Error;

pub const NATIVES: Natives = &[
    Native::new("window", NO_KEY).call_form(CallForm::GroupWindow(GroupWindowForm {
        explicit_time: false,
        gap: false,
    })),
    Native::new("window_on", NO_KEY).call_form(CallForm::GroupWindow(GroupWindowForm {
        explicit_time: true,
        gap: false,
    })),
    Native::new("window_gap", NO_KEY).call_form(CallForm::GroupWindow(GroupWindowForm {
        explicit_time: false,
        gap: true,
    })),
    Native::new("window_gap_on", NO_KEY).call_form(CallForm::GroupWindow(GroupWindowForm {
        explicit_time: true,
        gap: true,
    })),
    Native::new("window_start", NO_KEY).call_form(CallForm::WindowBound { end: false }),
    Native::new("window_end", NO_KEY).call_form(CallForm::WindowBound { end: true }),
];

/// Compiled, it is never called.
const NO_KEY: NativeCode = |_, _| {
    Err(Error::run(
        "a window of time is a key of `group by` in a select",
    ))
};
