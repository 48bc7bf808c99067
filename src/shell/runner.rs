//! Runs statements one after the other and remembers how they went.

use std::fs::File;
use std::io::{self, IsTerminal};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::args::Format;
use super::output::{self, Ended, OutputStyle};
use super::plot::{self, Canvas};
use super::prompt::notices::Notices;
use super::seen::SeenFields;
use super::signals::Signals;
use super::waiting::{Progress, Waiting};
use crate::model::plot::{PlotKind, PlotRequest, PlotSpec};
use crate::run::statement::{Outcome, Results};
use crate::session::Session;
use crate::syntax::plot::plot_comments;
use crate::text::console::Console;
use crate::text::diagnostic::{Error, Kind, Result, SourceText};

/// A session with what the program knows about its run: signals, output format, how it went.
pub struct Runner {
    session: Session,
    pub signals: Signals,
    pub style: OutputStyle,
    /// What is said beside what is typed or drawn.
    notices: Notices,
    /// Whether a person waits for an answer to each statement.
    prompt: bool,
    /// The fields of the results that the person has seen.
    seen: SeenFields,
    /// Where results go, if not to the console.
    results: Option<Console>,
    /// How the results of the next statement are shown, if the last one was about that.
    next_plot: Option<PlotRequest>,
    colour: bool,
    failed: bool,
    quit: bool,
}

impl Runner {
    pub fn new(session: Session, signals: Signals, notices: Notices, style: OutputStyle) -> Runner {
        signals.attach(session.interrupt());
        Runner {
            session,
            signals,
            style,
            notices,
            prompt: false,
            seen: SeenFields::default(),
            results: None,
            next_plot: None,
            colour: super::colour_errors(),
            failed: false,
            quit: false,
        }
    }

    pub fn session(&self) -> &Session {
        &self.session
    }

    pub fn console(&self) -> &Console {
        &self.session.world().host.console
    }

    /// A person types from now on, and wants to know that a statement has been run.
    pub fn enter_prompt(&mut self) {
        self.prompt = true;
        self.session.count_rows();
        self.session.world().host.clients.remember_topics();
        self.signals.at_prompt();
    }

    /// The names of fields that results had since the person types.
    pub fn seen_fields(&self) -> &SeenFields {
        &self.seen
    }

    fn aside(&self, text: &str) {
        if self.prompt {
            self.console().aside(text, self.colour);
        }
    }

    /// Says what a statement gave that was called for something else: to a person, who is known by the
    /// prompt or by results in tables.
    fn tell(&self, text: &str) {
        if self.prompt || self.style.format == Format::Table {
            self.console().aside(text, self.colour);
        }
    }

    /// What tells a person that a query still runs: on a terminal that can take a line away again.
    fn waiting(&self, progress: impl Fn() -> Progress + Send + 'static) -> Option<Waiting> {
        let is_shown = self.prompt && self.colour;
        is_shown.then(|| Waiting::start(&self.notices, progress))
    }

    /// What says how far a query has come. Only at a prompt rows are counted.
    fn progress(&self, rows: &Results) -> impl Fn() -> Progress + Clone + Send + use<> {
        let world = self.session.world().clone();
        let before = world.host.clients.received();
        let counts = rows.row_counts();
        move || match &counts {
            None => Progress::default(),
            Some(counts) => Progress {
                received: world.host.clients.received().saturating_sub(before),
                given: counts.given(),
                dropped: counts.dropped(),
            },
        }
    }

    /// How results are written now: a file is no terminal.
    fn style_of_results(&self) -> OutputStyle {
        OutputStyle {
            on_terminal: self.style.on_terminal && self.results.is_none(),
            ..self.style
        }
    }

    fn results(&self) -> &Console {
        self.results.as_ref().unwrap_or(self.console())
    }

    /// Writes results to a file from now on, which is made anew; `None`: to the console again.
    pub fn write_results_to(&mut self, path: Option<&Path>) -> Result<()> {
        self.results = match path {
            None => None,
            Some(path) => {
                let file = File::create(path)
                    .map_err(|e| Error::run(format!("cannot write {}: {e}", path.display())))?;
                Some(Console::new(Box::new(file), Box::new(io::sink())))
            }
        };
        Ok(())
    }

    /// Waits that long; `false` if the user stopped the wait.
    pub fn rest(&mut self, duration: Duration) -> bool {
        match self.session.rest(duration) {
            Ok(()) => true,
            Err(error) => self.fail(&error),
        }
    }

    /// Whether more statements should be run: nobody has asked to leave, and somebody still reads
    /// what comes out.
    pub fn goes_on(&self) -> bool {
        !self.quit && !self.signals.ending() && !self.console().is_closed()
    }

    /// The user wants to leave.
    pub fn leave(&mut self) {
        self.quit = true;
    }

    /// Whether the user wants to leave.
    pub fn leaves(&self) -> bool {
        self.quit
    }

    /// The user has to say once more that they want to leave.
    pub fn stay(&mut self) {
        self.quit = false;
    }

    /// Runs one statement and shows what comes of it; `false` if it failed.
    pub fn run(&mut self, statement: &Arc<SourceText>) -> bool {
        let plot = self.next_plot.take();
        match self.session.execute(statement) {
            Ok(Outcome::Done) => {
                self.aside("done");
                true
            }
            Ok(Outcome::NextPlot(record)) => match PlotRequest::of(&record) {
                Ok(request) => {
                    self.next_plot = Some(request);
                    true
                }
                Err(error) => self.fail(&error),
            },
            Ok(Outcome::Quit) => {
                self.leave();
                true
            }
            Ok(Outcome::Results(rows)) => {
                let is_stream = rows.is_stream();
                let progress = self.progress(&rows);
                let waiting = self.waiting(progress.clone());
                let ended = match rows.only_acts() {
                    true => output::show_act(rows, self.style.format, |text| self.tell(text)),
                    false => self.show(rows, plot, statement),
                };
                drop(waiting);
                match ended {
                    Ended::Whole(0) => {
                        self.aside("(no rows)");
                        true
                    }
                    Ended::Whole(_) | Ended::Closed => true,
                    // A stream that has run its time has ended: that is how it is watched for a while,
                    // whether or not anything came. So has a query that gave results until then.
                    Ended::Failed(error, shown)
                        if (is_stream || shown > 0) && self.is_timeout(&error) =>
                    {
                        true
                    }
                    Ended::Failed(error, _) if self.is_stopped(&error) => {
                        self.console().notice(&progress().summary());
                        false
                    }
                    Ended::ForPager(text) => match output::pager::page(&text) {
                        Ok(()) => true,
                        Err(error) => self.fail(&error),
                    },
                    Ended::Failed(error, _) => self.fail(&error),
                }
            }
            Err(error) => self.fail(&error),
        }
    }

    /// Shows results as a plot where that is asked for, by a record before the statement, a comment before
    /// it, or themselves; else as rows.
    fn show(&self, rows: Results, plot: Option<PlotRequest>, statement: &SourceText) -> Ended {
        let Some(canvas) = self.canvas() else {
            return self.show_rows(rows);
        };
        let request = plot
            .or_else(|| self.commented(statement))
            .or_else(|| rows.plot().map(|request| (**request).clone()));
        let request = match (request, self.style.format) {
            (None, Format::Svg) => PlotRequest::of_kind(PlotKind::Automatic),
            (None, _) => return self.show_rows(rows),
            (Some(request), _) => request,
        };
        plot::show(rows, &request, canvas, self.results(), |rows| {
            self.show_rows(rows)
        })
    }

    fn show_rows(&self, rows: Results) -> Ended {
        output::show(
            rows,
            self.style_of_results(),
            self.results(),
            &self.notices,
            self.prompt.then_some(&self.seen),
        )
    }

    /// What plots are drawn on. None where results are for a program: in a pipe, if no table is asked for
    /// there, in a file, and in other formats.
    fn canvas(&self) -> Option<Canvas<'_>> {
        match self.style.format {
            Format::Svg => Some(Canvas::Svg),
            Format::Table if self.results.is_some() => None,
            Format::Table if io::stdout().is_terminal() && !super::is_dumb_terminal() => {
                Some(Canvas::Terminal {
                    notices: &self.notices,
                    colour: super::colour_wanted(),
                })
            }
            Format::Table => Some(Canvas::Text),
            _ => None,
        }
    }

    /// The plots that comments before a statement ask for. What they do not say rightly is said, and
    /// leaves the results as they are.
    fn commented(&self, statement: &SourceText) -> Option<PlotRequest> {
        let mut plots = Vec::new();
        for kind in plot_comments(&statement.text) {
            match PlotKind::named(kind) {
                Ok(kind) => plots.push(PlotSpec::new(kind)),
                Err(error) => self.console().note(&error),
            }
        }
        (!plots.is_empty()).then_some(PlotRequest { plots })
    }

    /// Waits until no background job runs, or the user stops the wait.
    pub fn wait_for_jobs(&mut self) {
        self.signals.next_entry();
        if let Err(error) = self.session.wait_for_jobs() {
            self.fail(&error);
        }
    }

    /// Whether the user has stopped what failed.
    fn is_stopped(&self, error: &Error) -> bool {
        error.kind() == Kind::Stopped && self.signals.stopped()
    }

    fn is_timeout(&self, error: &Error) -> bool {
        error.kind() == Kind::Stopped && !self.signals.stopped()
    }

    /// Reports an error; gives `false`, as the statement failed.
    pub fn fail(&mut self, error: &Error) -> bool {
        if self.is_stopped(error) {
            self.console().notice("stopped\n");
            return false;
        }
        self.failed = true;
        // Who has closed standard output, as `head` does, wants no messages either.
        if !self.console().is_closed() {
            self.console().report(error, self.colour);
        }
        false
    }

    /// Ends the session, waiting for acknowledgements at most `limit`; gives the exit status.
    pub fn close(self, limit: Duration) -> u8 {
        self.signals.closing();
        let world = self.session.world().clone();
        let mut failed = self.failed;
        if let Err(error) = self.session.close(limit) {
            failed = true;
            world.host.console.report(&error, self.colour);
        }
        // Failed jobs have been reported when they failed; here they only count.
        failed |= world.host.jobs.failed() > 0;
        if let Err(error) = world.host.console.finish()
            && !world.host.console.is_closed()
        {
            failed = true;
            world
                .host
                .console
                .notice(&format!("error: cannot write the results: {error}\n"));
        }
        match self.signals.exit_code() {
            Some(code) => code,
            None if failed => super::FAILURE,
            None => 0,
        }
    }
}
