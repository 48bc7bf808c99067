//! Queries in the background.

use std::sync::Arc;

use super::{Args, Native, Natives};
use crate::jobs::{Jobs, Status};
use crate::run::Cx;
use crate::text::diagnostic::{Error, Result};
use crate::text::wait::lock;
use crate::types::{Record, Value};

pub const NATIVES: Natives = &[
    ("background", background as Native),
    ("jobs", jobs),
    ("stop", stop),
];

fn background(cx: &Cx, args: Args) -> Result<Option<Value>> {
    let query = lock(&cx.world.statement).clone();
    let job = Jobs::start(&cx.world, args.collection(0)?.clone(), query, None)?;
    Ok(Some(Value::Int(job)))
}

fn jobs(cx: &Cx, _: Args) -> Result<Option<Value>> {
    let record = |job: Status| {
        let mut record = Record::new();
        record.put("job", Value::Int(job.number));
        record.put("query", Value::Str(job.query));
        record.put("since", Value::Time(Arc::new(job.since)));
        record.put("elements", Value::Int(job.elements as i64));
        Value::record(record)
    };
    let all = cx.world.jobs.all().into_iter().map(record);
    Ok(Some(Value::bag(all.collect())))
}

fn stop(cx: &Cx, args: Args) -> Result<Option<Value>> {
    let job = args.int(0)?;
    if cx.world.jobs.stop(job) {
        return Ok(Some(Value::Int(job)));
    }
    Err(Error::run(format!("no job {job} is running")).help("jobs() lists those that are"))
}
