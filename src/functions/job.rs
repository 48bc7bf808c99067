//! Queries in the background.

use std::sync::Arc;

use crate::host::Host;
use crate::host::jobs::{Jobs, Status};
use crate::model::native::{Native, Natives};
use crate::model::{Args, Cx, Record, Value};
use crate::run::statement;
use crate::text::diagnostic::{Error, Result, SourceText};
use crate::text::wait::lock;

pub const NATIVES: Natives = &[
    Native::new("background", background).only_acting(),
    Native::new("post_statement", post_statement).only_acting(),
    Native::new("jobs", jobs).volatile(),
    Native::new("stop", stop).only_acting(),
];

fn background(cx: &Cx, args: Args) -> Result<Option<Value>> {
    let query = lock(&Host::of(cx).statement).clone();
    let job = Jobs::start(cx, args.collection(0)?.clone(), query, None)?;
    Ok(Some(Value::Int(job)))
}

fn post_statement(cx: &Cx, args: Args) -> Result<Option<Value>> {
    let text = args.str(0)?;
    let source = SourceText::new("<post_statement>", text);
    let Some(results) = statement::posted(cx, &source)? else {
        return Err(
            Error::run("post_statement runs one query, which gives what it runs through")
                .help("a statement that does something at once needs no background"),
        );
    };
    let query: Arc<str> = text.trim().into();
    Ok(Some(Value::Int(Jobs::start(cx, results, query, None)?)))
}

fn jobs(cx: &Cx, _: Args) -> Result<Option<Value>> {
    let record = |job: Status| {
        let mut record = Record::new();
        record.put("job", Value::Int(job.number));
        record.put("query", Value::Str(job.query));
        record.put("since", Value::Time(Arc::new(job.since)));
        record.put("elements", Value::Int(job.elements as i64));
        record.put("last", job.last.unwrap_or(Value::Null));
        Value::record(record)
    };
    let all = Host::of(cx).jobs.all().into_iter().map(record);
    Ok(Some(Value::bag(all.collect())))
}

fn stop(cx: &Cx, args: Args) -> Result<Option<Value>> {
    let job = args.int(0)?;
    if Host::of(cx).jobs.stop(job) {
        return Ok(Some(Value::Int(job)));
    }
    Err(Error::run(format!("no job {job} is running")).help("jobs() lists those that are"))
}
