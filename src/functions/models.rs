//! Models: folders of functions with their tests.

use std::path::PathBuf;

use crate::host::Host;
use crate::model::native::{Native, Natives};
use crate::model::{Args, Cx, Value};
use crate::run::statement::{self, AfterError};
use crate::text::diagnostic::{Error, Result, nearest};

pub const NATIVES: Natives = &[
    Native::new("folder", |cx, a| {
        let folder = folder(cx, a.str(0)?)?;
        Ok(Some(Value::str(folder.to_string_lossy())))
    }),
    Native::new("load", |cx, a| {
        load(cx, a.str(0)?, false)?;
        Ok(Some(a.value(0).clone()))
    })
    .only_acting(),
    Native::new("reload", |cx, a| {
        load(cx, a.str(0)?, true)?;
        Ok(Some(a.value(0).clone()))
    })
    .only_acting(),
    Native::new("test", test).only_acting(),
    Native::new("loaded", |cx, _| {
        let names = Host::of(cx).loads.names().into_iter();
        Ok(Some(Value::bag(names.map(Value::Str).collect())))
    })
    .volatile(),
    Native::new("system_load", system_load).only_acting(),
];

/// The models that come with the program, each with the text that loads it.
const SYSTEM_MODELS: &[(&str, &str)] = &[("nn", include_str!("../../models/nn/master.osql"))];

/// The file that loads a model, and the file that tests it.
const MASTER: &str = "master.osql";
const TEST: &str = "test.osql";

/// A model's folder, with a slash at the end.
fn folder(cx: &Cx, name: &str) -> Result<PathBuf> {
    use std::path::Component;
    let path = PathBuf::from(name);
    let mut parts = path.components();
    if name.is_empty() || !parts.all(|part| matches!(part, Component::Normal(_))) {
        return Err(Error::run(format!("'{name}' is not the name of a model"))
            .help("a model is a folder in models/ below sa_home()"));
    }
    Ok(Host::of(cx).home.join("models").join(path).join(""))
}

fn load(cx: &Cx, name: &str, again: bool) -> Result<()> {
    let file = folder(cx, name)?.join(MASTER);
    let text = std::fs::read_to_string(&file).map_err(|error| unknown(cx, name, &error))?;
    let loads = &Host::of(cx).loads;
    let _loading = loads.load_model(name)?;
    if !again && loads.is_loaded(name, &text) {
        return Ok(());
    }
    statement::load(cx, &file, false, AfterError::Stop)
        .map_err(|error| error.context(format!("loading the model '{name}'")))?;
    loads.remember(name, &text);
    Ok(())
}

/// The error for a model that cannot be read.
fn unknown(cx: &Cx, name: &str, error: &std::io::Error) -> Error {
    let models = Host::of(cx).home.join("models");
    let file = models.join(name).join(MASTER);
    let error = Error::run(format!(
        "there is no model '{name}': {} cannot be read: {error}",
        file.display()
    ));
    let folders = std::fs::read_dir(&models).into_iter().flatten().flatten();
    let names = folders.filter(|entry| entry.path().join(MASTER).is_file());
    let names: Vec<String> = names
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    if SYSTEM_MODELS.iter().any(|(system, _)| *system == name) {
        return error.help(format!(
            "system_models:load('{name}') loads the one that is built in"
        ));
    }
    match nearest(name, names.iter().map(String::as_str)) {
        Some(near) => error.help(format!("did you mean '{near}'?")),
        None => error
            .help("-f FOLDER, SA_HOME or .sa_startup.json say where models/ is; sa_home() tells"),
    }
}

fn test(cx: &Cx, args: Args) -> Result<Option<Value>> {
    let name = args.str(0)?;
    load(cx, name, false)?;
    let file = folder(cx, name)?.join(TEST);
    let after_error = match Host::of(cx).bail {
        true => AfterError::Stop,
        false => AfterError::GoOn,
    };
    match statement::load(cx, &file, false, after_error)? {
        0 => Ok(Some(args.value(0).clone())),
        1 => Err(Error::run(format!(
            "a statement in the test of '{name}' failed"
        ))),
        failed => Err(Error::run(format!(
            "{failed} statements in the test of '{name}' failed"
        ))),
    }
}

fn system_load(cx: &Cx, args: Args) -> Result<Option<Value>> {
    let name = args.str(0)?;
    let Some((_, text)) = SYSTEM_MODELS.iter().find(|(model, _)| *model == name) else {
        let error = Error::run(format!("there is no model '{name}' in the program"));
        let names = SYSTEM_MODELS.iter().map(|(name, _)| *name);
        return Err(match nearest(name, names.clone()) {
            Some(near) => error.help(format!("did you mean '{near}'?")),
            None => {
                let names: Vec<_> = names.collect();
                error.help(format!(
                    "it has {}; models:load(model) loads one from a folder",
                    names.join(", ")
                ))
            }
        });
    };
    let loads = &Host::of(cx).loads;
    // Another model may have the name in the user's folder.
    let key = format!("system_models:{name}");
    if !loads.is_loaded(&key, text) {
        let _loading = loads.load_model(&key)?;
        statement::load_text(cx, &format!("<{name}>"), text, false, AfterError::Stop)?;
        loads.remember(&key, text);
    }
    Ok(Some(args.value(0).clone()))
}
