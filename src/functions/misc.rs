//! Miscellaneous: hashes, substitution, the program's surroundings.

use std::env;

use sha2::{Digest, Sha256};

use super::file::folder_value;
use crate::host::file_input::file_error;
use crate::model::native::{CallForm, Native, Natives};
use crate::model::{Args, Cx, Record, Timeval, Value};
use crate::text::diagnostic::{Error, Result};

pub const NATIVES: Natives = &[
    Native::new("sha256", sha256),
    Native::new("substv", |_, a| {
        Ok(Some(substituted(a.value(0), a.value(1), a.value(2))))
    }),
    Native::new("startup_dir", startup_dir),
    Native::new("system_version", |_, _| {
        Ok(Some(concat!("osql ", env!("CARGO_PKG_VERSION")).into()))
    }),
    Native::new("getenv", getenv),
    Native::new("try", |_, a| Ok(Some(a.value(0).clone()))).call_form(CallForm::Guarded),
    Native::new("error", |_, a| Err(Error::run(a.str(0)?))),
];

fn sha256(_: &Cx, args: Args) -> Result<Option<Value>> {
    let hash = match args.value(0) {
        Value::Binary(b) => Sha256::digest(b),
        _ => Sha256::digest(args.str(0)?),
    };
    Ok(Some(format!("{hash:x}").into()))
}

fn substituted(x: &Value, y: &Value, within: &Value) -> Value {
    let inner = |value: &Value| substituted(x, y, value);
    match within {
        same if same == x => y.clone(),
        Value::Vector(v) => Value::vector(v.iter().map(inner)),
        Value::Record(r) => Value::record(
            r.iter()
                .map(|(k, v)| (k.clone(), inner(v)))
                .collect::<Record>(),
        ),
        Value::Time(t) => match &t.value {
            Some(value) => Value::Time(Timeval::at(t.micros).stamp(inner(value)).into()),
            None => within.clone(),
        },
        other => other.clone(),
    }
}

fn startup_dir(_: &Cx, _: Args) -> Result<Option<Value>> {
    let program = env::current_exe().map_err(|e| file_error("find", "the program's folder", &e))?;
    Ok(program.parent().map(folder_value))
}

fn getenv(_: &Cx, args: Args) -> Result<Option<Value>> {
    let name = args.str(0)?;
    // Names that no variable can have make the system call panic.
    let possible = !(name.is_empty() || name.contains(['=', '\0']));
    match possible.then(|| env::var(name)) {
        Some(Ok(value)) => Ok(Some(value.into())),
        Some(Err(env::VarError::NotUnicode(_))) => Err(Error::run(format!(
            "the environment variable {name} is not UTF-8 text"
        ))),
        _ => Err(Error::run(format!(
            "the environment variable {name} is not set"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{printed, vector};
    use super::*;

    #[test]
    fn a_hash_is_that_of_the_standard() {
        // FIPS 180-4, the message "abc".
        let hash = "\"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\"";
        assert_eq!(printed("misc:sha256", &["abc".into()]), hash);
        assert_eq!(printed("misc:sha256", &[Value::binary("abc")]), hash);
    }

    #[test]
    fn values_are_replaced_at_any_depth() {
        let o = Value::vector([1.into(), 0.into(), vector(&[0])]);
        assert_eq!(
            printed("misc:substv", &[0.into(), Value::Null, o]),
            "[1,null,[null]]"
        );
    }

    #[test]
    fn the_surroundings() {
        assert!(printed("misc:startup_dir", &[]).ends_with("/\""));
        assert!(printed("misc:system_version", &[]).starts_with("\"osql "));
        assert_eq!(
            printed("misc:getenv", &["a=b".into()]),
            "error: the environment variable a=b is not set"
        );
        assert_eq!(printed("misc:error", &["no".into()]), "error: no");
    }
}
