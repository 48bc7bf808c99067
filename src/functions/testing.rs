//! Calls of natives for unit tests.

use crate::functions::table;
use crate::model::{Args, Cx, Value};
use crate::session::{Config, Session};
use crate::text::console::Console;
use crate::text::diagnostic::Result;
use crate::text::wait::Token;

/// A context in a world of its own, which prints nowhere.
pub fn cx() -> Cx {
    let session = Session::new(Config {
        home: "/home/osql/".into(),
        timeout: None,
        console: Console::new(Box::new(std::io::sink()), Box::new(std::io::sink())),
    });
    Cx::new(session.world().clone(), Token::new())
}

/// The result of the native called `key` (`topic:name`).
pub fn call(key: &str, args: &[Value]) -> Result<Option<Value>> {
    let native = table::native(key).unwrap_or_else(|| panic!("no native {key}"));
    native(&cx(), Args(args))
}

/// The printed result of a native; a bag or stream is read to its end. Nothing is the empty text.
pub fn printed(key: &str, args: &[Value]) -> String {
    match call(key, args) {
        Ok(None) => String::new(),
        Ok(Some(value)) if value.is_collection() => elements(&value),
        Ok(Some(value)) => value.to_string(),
        Err(error) => format!("error: {error}"),
    }
}

/// The printed elements of a bag or stream.
pub fn elements(value: &Value) -> String {
    let cx = cx();
    let all = Args(std::slice::from_ref(value)).collect(0, &cx);
    match all {
        Ok(all) => Value::bag(all).to_string(),
        Err(error) => format!("error: {error}"),
    }
}

/// A vector of values.
pub fn vector<T: Into<Value> + Clone>(elements: &[T]) -> Value {
    Value::vector(elements.iter().cloned().map(Into::into))
}
