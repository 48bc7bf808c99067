//! Background jobs: streams that run on threads of their own while the session goes on.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle, Thread};

use crate::catalog::Catalog;
use crate::host::{Host, failed, waiting_token};
use crate::model::context::THREAD_STACK_SIZE;
use crate::model::{Collection, Cx, Timeval, Value};
use crate::text::diagnostic::{Error, Kind, Result};
use crate::text::shown::masked;
use crate::text::wait::{Token, lock};

/// The background jobs of a session.
#[derive(Default)]
pub struct Jobs(Mutex<Registry>);

#[derive(Default)]
struct Registry {
    last: i64,
    running: BTreeMap<i64, Job>,
    failed: usize,
    /// Threads that wait for jobs to end.
    waiting: Vec<Thread>,
}

struct Job {
    token: Token,
    status: Status,
    progress: Arc<Progress>,
    thread: JoinHandle<()>,
}

/// How far a job has come.
#[derive(Default)]
struct Progress {
    elements: AtomicU64,
    last: Mutex<Option<Value>>,
}

/// What is known of a job.
#[derive(Clone)]
pub struct Status {
    pub number: i64,
    /// The statement that started it, without secrets.
    pub query: Arc<str>,
    /// The flow that it feeds, if it was started to do so.
    pub flow: Option<Arc<str>>,
    pub since: Timeval,
    /// How many elements it has run through.
    pub elements: u64,
    /// The latest of them.
    pub last: Option<Value>,
}

impl Jobs {
    /// Runs `stream` to its end in the background; gives the job's number. An error of the stream
    /// ends the job, and is reported on the console.
    pub fn start(
        cx: &Cx,
        stream: Arc<dyn Collection>,
        query: Arc<str>,
        flow: Option<Arc<str>>,
    ) -> Result<i64> {
        // Not below the statement that starts it: that ends at once.
        let token = waiting_token(cx.surroundings());
        let below = cx.for_job(token.clone());
        let progress = Arc::<Progress>::default();
        let made = progress.clone();
        // Held until the job is in the registry: it may end before this function does.
        let jobs = &Host::of(cx).jobs;
        let mut registry = lock(&jobs.0);
        let number = registry.last + 1;
        let thread = thread::Builder::new()
            .name(format!("job {number}"))
            .stack_size(THREAD_STACK_SIZE)
            .spawn(move || {
                let ended = run(&*stream, &made, &below);
                let committed = Catalog::of(&below).end_of_statement();
                let ended = ended.and(committed);
                // What the stream held is given up before anybody hears that the job has ended.
                drop(stream);
                Host::of(&below).jobs.ended(number, ended, &below);
            })
            .map_err(|error| Error::run(format!("the job cannot be started: {error}")))?;
        registry.last = number;
        let status = Status {
            number,
            query: Arc::from(&*masked(&query)),
            flow,
            since: Timeval::now(),
            elements: 0,
            last: None,
        };
        registry.running.insert(
            number,
            Job {
                token,
                status,
                progress,
                thread,
            },
        );
        Ok(number)
    }

    fn ended(&self, number: i64, ended: Result<()>, cx: &Cx) {
        failed::summarize(cx);
        if let Err(error) = &ended
            && (error.kind() != Kind::Stopped || !cx.token.is_stopped())
        {
            let error = error.clone().context(format_args!("job {number}"));
            Host::of(cx).console.report(&error, false);
            lock(&self.0).failed += 1;
        }
        let mut registry = lock(&self.0);
        registry.running.remove(&number);
        for thread in registry.waiting.drain(..) {
            thread.unpark();
        }
    }

    /// The running jobs, oldest first.
    pub fn all(&self) -> Vec<Status> {
        let status = |job: &Job| Status {
            elements: job.progress.elements.load(Ordering::Relaxed),
            last: lock(&job.progress.last).clone(),
            ..job.status.clone()
        };
        lock(&self.0).running.values().map(status).collect()
    }

    /// How many jobs have failed so far.
    pub fn failed(&self) -> usize {
        lock(&self.0).failed
    }

    /// Stops a job and waits for its thread; `false` if no such job runs.
    pub fn stop(&self, number: i64) -> bool {
        let job = lock(&self.0).running.remove(&number);
        job.map(end).is_some()
    }

    /// Stops the jobs that feed a flow; `false` if there are none.
    pub fn stop_feeding(&self, flow: &str) -> bool {
        let feeds = |job: &Job| job.status.flow.as_deref() == Some(flow);
        self.stop_where(feeds)
    }

    /// Stops all jobs.
    pub fn stop_all(&self) {
        self.stop_where(|_| true);
    }

    fn stop_where(&self, which: impl Fn(&Job) -> bool) -> bool {
        let jobs: Vec<Job> = {
            let running = &mut lock(&self.0).running;
            let numbers: Vec<i64> = running
                .iter()
                .filter(|(_, job)| which(job))
                .map(|(number, _)| *number)
                .collect();
            numbers.iter().filter_map(|n| running.remove(n)).collect()
        };
        // All at once first: one may wait for another.
        jobs.iter().for_each(stop);
        let any = !jobs.is_empty();
        jobs.into_iter().for_each(end);
        any
    }

    /// Waits until no job runs; an error if `token` stops. Gives how many have failed so far.
    pub fn wait(&self, token: &Token) -> Result<usize> {
        let failed = token.wait(None, || {
            let mut registry = lock(&self.0);
            if registry.running.is_empty() {
                return Some(registry.failed);
            }
            registry.waiting.push(thread::current());
            None
        })?;
        Ok(failed.unwrap_or(0))
    }
}

fn stop(job: &Job) {
    job.token.stop("the job was stopped");
}

fn end(job: Job) {
    stop(&job);
    // A job that stops itself cannot wait for its own end.
    if job.thread.thread().id() != thread::current().id() {
        // A panic has said what it was already.
        let _ = job.thread.join();
    }
}

fn run(stream: &dyn Collection, progress: &Progress, cx: &Cx) -> Result<()> {
    let mut source = stream.open(cx)?;
    while let Some(element) = source.next(cx)? {
        progress.elements.fetch_add(1, Ordering::Relaxed);
        // What it was before is dropped when the lock is free again.
        let _before = lock(&progress.last).replace(element);
    }
    Ok(())
}
