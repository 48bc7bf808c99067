//! Calls of natives for unit tests.

use std::any::Any;
use std::sync::Arc;

use crate::catalog::Catalog;
use crate::functions::table::{self, BUILT_INS};
use crate::host::Host;
use crate::model::context::Surroundings;
use crate::model::{Args, Cx, Value};
use crate::text::console::Console;
use crate::text::diagnostic::Result;
use crate::text::wait::Token;

/// A catalog and a host for one test.
struct TestSurroundings {
    catalog: Catalog,
    host: Host,
}

impl Surroundings for TestSurroundings {
    fn catalog(&self) -> &(dyn Any + Send + Sync) {
        &self.catalog
    }

    fn host(&self) -> &(dyn Any + Send + Sync) {
        &self.host
    }
}

/// A context with nothing defined, which prints nowhere.
pub fn cx() -> Cx {
    let console = Console::new(Box::new(std::io::sink()), Box::new(std::io::sink()));
    let surroundings = TestSurroundings {
        catalog: Catalog::new(&BUILT_INS),
        host: Host::new("/home/osql/".into(), console, false),
    };
    Cx::new(Arc::new(surroundings), Token::new())
}

/// The result of the native called `key` (`topic:name`).
pub fn call(key: &str, args: &[Value]) -> Result<Option<Value>> {
    let native = table::native(key).unwrap_or_else(|| panic!("no native {key}"));
    (native.code)(&cx(), Args(args))
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
