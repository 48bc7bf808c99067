//! Databases that are opened and closed.

use crate::catalog::Catalog;
use crate::functions::mqtt::settings;
use crate::model::native::{Native, Natives};
use crate::model::table::KeptAs;
use crate::model::{Args, Cx, Record, Value};
use crate::mqtt::SettingsReader;
use crate::run::database;
use crate::store::{self, DatabaseOptions, GroupLimits};
use crate::text::diagnostic::Result;

pub const NATIVES: Natives = &[
    Native::new("open", open).acting().options(OPTIONS),
    Native::new("close", |cx, a| {
        database::close(cx, a.str(0)?)?;
        Ok(Some(a.value(0).clone()))
    })
    .acting(),
    Native::new("default", |cx, a| {
        let value = store::expression_value(a.str(0)?, &cx.token)?;
        Ok(Some(KeptAs::Found.value(value)))
    })
    .volatile(),
    Native::new("databases", |cx, _| {
        let catalog = Catalog::of(cx);
        let all = catalog
            .databases
            .all()
            .into_iter()
            .map(|one| Value::record(Record::from_iter(database::described(catalog, &one))));
        Ok(Some(Value::bag(all.collect())))
    })
    .volatile(),
];

const OPTIONS: &[&str] = &[
    "name", "create", "readonly", "busy", "rows", "seconds", "max-size",
];

fn open(cx: &Cx, args: Args) -> Result<Option<Value>> {
    let file = args.str(0)?;
    if args.len() == 1 {
        let name = database::open(cx, file, None, &database::options())?;
        return Ok(Some(Value::Str(name)));
    }
    let given = settings(args.record(1)?);
    let reader = SettingsReader(&given);
    reader.refuse_unknown(OPTIONS, "open_database")?;
    let usual = database::options();
    let most_rows = reader.integer("rows", 1..=u64::from(u32::MAX))?;
    let options = DatabaseOptions {
        create: reader.flag("create", usual.create)?,
        read_only: reader.flag("readonly", usual.read_only)?,
        busy: reader.seconds("busy", usual.busy.as_secs_f64())?,
        most_bytes: reader.integer("max-size", 4096..=u64::MAX)?,
        limits: GroupLimits {
            rows: most_rows.unwrap_or(usual.limits.rows),
            time: reader.seconds("seconds", usual.limits.time.as_secs_f64())?,
        },
    };
    let name = reader.text("name")?;
    let name = database::open(cx, file, name.as_deref(), &options)?;
    Ok(Some(Value::Str(name)))
}
