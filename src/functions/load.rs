//! Loading files of statements.

use std::path::Path;

use crate::model::native::{Native, Natives};
use crate::model::{Args, Cx, Value};
use crate::run::statement::{self, AfterError};
use crate::text::diagnostic::Result;

pub const NATIVES: Natives = &[
    Native::new("load_osql", load_osql).only_acting(),
    Native::new("loadsystem", loadsystem).only_acting(),
];

/// Extensions of SA Engine that are a part of this program.
const BUILT_IN: &[&str] = &["mqtt.osql"];

fn load_osql(cx: &Cx, args: Args) -> Result<Option<Value>> {
    statement::load(cx, Path::new(args.str(0)?), false, AfterError::Stop)?;
    Ok(Some(args.value(0).clone()))
}

fn loadsystem(cx: &Cx, args: Args) -> Result<Option<Value>> {
    let file = args.str(1)?;
    if !BUILT_IN.contains(&file) {
        let file = Path::new(args.str(0)?).join(file);
        statement::load(cx, &file, false, AfterError::Stop)?;
    }
    Ok(Some(args.value(1).clone()))
}
