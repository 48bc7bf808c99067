//! A session to try statements in: `Db::new().gives("1+2;", "3")`.

use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use osql::functions::table::native;
use osql::model::context::STACK_SIZE;
use osql::model::memory::MemoryLimit;
use osql::model::{Args, Cx, Value};
use osql::run::statement::Outcome;
use osql::session::{Config, Interrupt, Session};
use osql::syntax::Splitter;
use osql::text::console::Console;
use osql::text::diagnostic::{Error, SourceText};
use osql::text::wait::{Token, lock};

use super::wait::wait_until;

/// A session whose output can be read.
pub struct Db {
    session: Session,
    printed: Printed,
}

#[derive(Clone, Default)]
struct Printed(Arc<Mutex<Vec<u8>>>);

impl Write for Printed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no writer panics").extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What a query may hold that no test is about.
const MEMORY: u64 = 1 << 30;

impl Db {
    pub fn new() -> Db {
        Db::with_timeout(None)
    }

    /// A session that ends each query after that long.
    pub fn with_timeout(timeout: Option<Duration>) -> Db {
        Db::configured(timeout, false, MEMORY)
    }

    /// A session in which the first element of a live stream that fails ends its query.
    pub fn bailing() -> Db {
        Db::configured(None, true, MEMORY)
    }

    /// A session whose queries may hold so many bytes.
    pub fn with_memory(memory: u64) -> Db {
        Db::configured(None, false, memory)
    }

    fn configured(timeout: Option<Duration>, bail: bool, memory: u64) -> Db {
        let printed = Printed::default();
        let console = Console::new(Box::new(printed.clone()), Box::new(printed.clone()));
        let session = Session::new(Config {
            home: PathBuf::from("/nowhere/"),
            timeout,
            console,
            bail,
            memory: MemoryLimit::Bytes(memory),
        });
        Db { session, printed }
    }

    /// A session that has run `script` without an error.
    #[track_caller]
    pub fn of(script: &str) -> Db {
        let mut db = Db::new();
        db.does(script);
        db
    }

    pub fn interrupt(&self) -> Interrupt {
        self.session.interrupt()
    }

    /// Stops that statement as soon as it runs.
    pub fn stop_when_it_runs(&self, statement: &str) -> JoinHandle<()> {
        let (world, interrupt) = (self.session.world().clone(), self.interrupt());
        let statement = statement.to_owned();
        thread::spawn(move || {
            wait_until(&format!("{statement} runs"), || {
                **lock(&world.host.statement) == *statement
            });
            interrupt.stop("stopped by the test");
        })
    }

    /// The value of an expression; a bag or stream is one.
    #[track_caller]
    pub fn value(&mut self, expression: &str) -> Value {
        self.does(&format!("set :value = {expression};"));
        let variables = &self.session.world().catalog.variables;
        variables.get("value").expect("was set").0
    }

    /// Calls the Rust of a built-in function, which declarations call `name`, under a token that has been
    /// stopped.
    pub fn call_stopped(&self, name: &str, args: &[Value]) -> Result<Option<Value>, Error> {
        let token = Token::new();
        token.stop("stopped by the test");
        let native = native(name).unwrap_or_else(|| panic!("there is no {name}"));
        (native.code)(&Cx::new(self.session.world().clone(), token), Args(args))
    }

    /// Pulls elements of a bag or stream as long as `pulled` wants, and then one more under a token that
    /// has been stopped.
    pub fn pull_stopped(
        &mut self,
        expression: &str,
        pulled: usize,
    ) -> Result<Option<Value>, Error> {
        let collection = self.value(expression);
        let token = Token::new();
        let cx = Cx::new(self.session.world().clone(), token.clone());
        let mut elements = collection.elements(&cx).expect("can be opened");
        for _ in 0..pulled {
            let element = elements.next(&cx).expect("an element");
            assert!(element.is_some(), "{expression} ends");
        }
        token.stop("stopped by the test");
        elements.next(&cx)
    }

    /// What a script prints, line by line; its errors as `error: message` with their help.
    pub fn run(&mut self, script: &str) -> String {
        // Evaluation wants a large stack, as the program's own thread has it.
        thread::scope(|scope| {
            let builder = thread::Builder::new().stack_size(STACK_SIZE);
            let run = builder.spawn_scoped(scope, || self.run_here(script));
            run.expect("a thread starts").join().expect("no panic")
        })
    }

    /// The first result of a query.
    pub fn first(&mut self, query: &str) -> Value {
        let source = SourceText::new("<test>", query);
        match self.session.execute(&source) {
            Ok(Outcome::Results(mut rows)) => rows.next().expect("a result").expect("no error"),
            Ok(_) => panic!("{query} is no query"),
            Err(error) => panic!("{query}: {}", text_of(&error)),
        }
    }

    /// The results of a statement, or what its error says.
    pub fn rows(&mut self, statement: &str) -> Result<Vec<Value>, String> {
        let run = |db: &mut Db| {
            let source = SourceText::new("<test>", statement);
            match db.session.execute(&source) {
                Ok(Outcome::Results(rows)) => rows.collect(),
                Ok(_) => Ok(vec![]),
                Err(error) => Err(error),
            }
        };
        let rows = thread::scope(|scope| {
            let builder = thread::Builder::new().stack_size(STACK_SIZE);
            let run = builder.spawn_scoped(scope, || run(self));
            run.expect("a thread starts").join().expect("no panic")
        });
        rows.map_err(|error| text_of(&error))
    }

    fn run_here(&mut self, script: &str) -> String {
        let mut splitter = Splitter::new("<test>");
        splitter.push(script);
        while let Some(next) = splitter.next_statement().or_else(|| splitter.finish()) {
            let ended = match self.session.execute(&next) {
                Ok(Outcome::Results(rows)) => self.show(rows),
                Ok(_) => Ok(()),
                Err(error) => Err(error),
            };
            if let Err(error) = ended {
                self.print(&text_of(&error));
            }
        }
        self.session
            .world()
            .host
            .console
            .flush()
            .expect("it is memory");
        let bytes = std::mem::take(&mut *self.printed.0.lock().expect("no writer panics"));
        String::from_utf8(bytes).expect("values print as text")
    }

    fn show(&self, rows: osql::run::statement::Results) -> Result<(), Error> {
        for row in rows {
            self.print(&format!("{}\n", row?));
        }
        Ok(())
    }

    fn print(&self, text: &str) {
        self.session
            .world()
            .host
            .console
            .write(text)
            .expect("it is memory");
    }

    /// The script prints nothing.
    #[track_caller]
    pub fn does(&mut self, script: &str) -> &mut Db {
        self.gives(script, "")
    }

    /// The script prints these lines.
    #[track_caller]
    pub fn gives(&mut self, script: &str, lines: &str) -> &mut Db {
        let printed = self.run(script);
        assert_eq!(printed.trim_end(), trimmed(lines), "after {script}");
        self
    }

    /// The script prints these lines, in any order.
    #[track_caller]
    pub fn gives_bag(&mut self, script: &str, lines: &str) -> &mut Db {
        let printed = self.run(script);
        let sorted = |text: &str| {
            let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
            lines.sort();
            lines.join("\n")
        };
        assert_eq!(
            sorted(printed.trim_end()),
            sorted(&trimmed(lines)),
            "after {script}"
        );
        self
    }

    /// The script fails, and its error holds each of these texts.
    #[track_caller]
    pub fn fails(&mut self, script: &str, texts: &[&str]) -> &mut Db {
        let printed = self.run(script);
        assert!(printed.contains("error: "), "{script} gives {printed}");
        for text in texts {
            assert!(printed.contains(text), "{text:?} is not in {printed}");
        }
        self
    }
}

/// Message, what is marked, and help.
fn text_of(error: &Error) -> String {
    let mut text = format!("error: {}", error.message());
    if let Some(span) = error.span() {
        text.push_str(&format!(" at `{}`", span.text()));
    }
    text.push('\n');
    for help in error.helps() {
        text.push_str(&format!("help: {help}\n"));
    }
    text
}

/// Lines without the blanks around each.
fn trimmed(lines: &str) -> String {
    let lines: Vec<_> = lines.trim().lines().map(str::trim).collect();
    lines.join("\n")
}
