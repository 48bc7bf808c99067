//! Output while a person types: notices and prints from the background go above the line being
//! typed, not into it, and what follows the `^C` of a key that was pressed begins a line of its own.

use std::io::{self, IsTerminal, Write};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustyline::ExternalPrinter;

use crate::shell::plot::PictureLine;
use crate::shell::window_width;
use crate::text::wait::lock;

/// What is shared between the writers, the prompt and the thread that prints above it.
#[derive(Clone, Default)]
pub struct Notices(Arc<Shared>);

#[derive(Default)]
struct Shared {
    /// Held while something is written to the terminal that takes away what stands there, or may be taken
    /// away. A terminal that is paused holds up whoever writes; so the state is not locked meanwhile.
    screen: Mutex<()>,
    state: Mutex<State>,
    news: Condvar,
}

#[derive(Default)]
struct State {
    /// Whether the line editor, or a picture that is drawn anew, holds the terminal.
    held: bool,
    /// What has been written since it was taken.
    pending: String,
    /// Whether the terminal has shown a key on the cursor's line since something was written to it.
    key_shown: bool,
    /// Whether the cursor's line says what a query waits for.
    wait_shown: bool,
    /// How wide the lines of the picture above the cursor's line are, if one stands there that goes away.
    picture: Option<Vec<usize>>,
    /// Whether what was written last to the terminal has begun a line and not ended it.
    line_open: bool,
    /// When something was written to the terminal.
    written: Option<Instant>,
}

/// Takes the line away that the cursor stands in.
const CLEAR_LINE: &[u8] = b"\r\x1b[2K";

/// Moves the cursor to the beginning of a picture with lines of these widths, in a window of so many
/// columns. If the window has been made narrower, its lines have been broken.
fn above_picture(widths: &[usize], window: usize) -> String {
    let in_window = |width: &usize| width.div_ceil(window.max(1)).max(1);
    match widths.iter().map(in_window).sum::<usize>() {
        0 => "\r".to_owned(),
        lines => format!("\r\x1b[{lines}A"),
    }
}

impl Notices {
    pub fn new() -> Notices {
        Notices::default()
    }

    /// Standard output for the console.
    pub fn stdout(&self) -> impl Write + Send + use<> {
        Writer::new(self, io::stdout())
    }

    /// Standard error for the console.
    pub fn stderr(&self) -> impl Write + Send + use<> {
        Writer::new(self, io::stderr())
    }

    /// Prints what is written during a prompt with `printer`, on a thread of its own: the printer may
    /// have to wait for the editor, and must not hold up whoever has news.
    pub fn print_with(&self, mut printer: impl ExternalPrinter + Send + 'static) -> io::Result<()> {
        let shared = self.0.clone();
        thread::Builder::new()
            .name("notices".to_owned())
            .spawn(move || {
                loop {
                    let text = shared.next_pending();
                    if printer.print(text).is_err() {
                        return;
                    }
                }
            })?;
        Ok(())
    }

    /// The terminal has shown a key that was pressed while no line was edited, as `^C`.
    pub fn key_shown(&self) {
        lock(&self.0.state).key_shown = true;
    }

    /// Shows a line that goes away with whatever is written next: what `line` makes of how long nothing has
    /// been written, `since` then at the most. Nothing while the line editor has the terminal.
    pub fn show_wait(&self, since: Instant, line: impl FnOnce(Duration) -> Option<String>) {
        let _screen = lock(&self.0.screen);
        let mut state = lock(&self.0.state);
        if state.held {
            return;
        }
        let silent = state
            .written
            .map_or(since, |written| written.max(since))
            .elapsed();
        if let Some(line) = line(silent) {
            let mut text = CLEAR_LINE.to_vec();
            text.extend_from_slice(line.as_bytes());
            // If the terminal is gone, nobody can be told.
            let _ = io::stderr().write_all(&text);
            state.wait_shown = true;
        }
    }

    /// Takes that line away.
    pub fn hide_wait(&self) {
        if std::mem::take(&mut lock(&self.0.state).wait_shown) {
            let _ = io::stderr().write_all(CLEAR_LINE);
        }
    }

    /// Shows a picture in place of the one before. It goes away with whatever is written next.
    pub fn show_picture(&self, lines: &[PictureLine]) {
        let _screen = lock(&self.0.screen);
        let mut state = lock(&self.0.state);
        if state.held {
            return;
        }
        let mut text = match &state.picture {
            Some(widths) => above_picture(widths, window_width()),
            None if state.line_open => "\n".to_owned(),
            None => "\r".to_owned(),
        };
        state.picture = Some(lines.iter().map(|line| line.width).collect());
        state.line_open = false;
        state.wait_shown = false;
        // The picture is drawn over the key.
        state.key_shown = false;
        state.written = Some(Instant::now());
        drop(state);
        for line in lines {
            // What stood there goes away behind the line, so that nothing flickers.
            text += &format!("{}\x1b[K\n", line.text);
        }
        text += "\x1b[J";
        // If the terminal is gone, nobody can be told.
        let mut out = io::stdout().lock();
        let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    }

    /// Shows the last picture, which stays.
    pub fn keep_picture(&self, lines: &[PictureLine]) {
        self.show_picture(lines);
        lock(&self.0.state).picture = None;
    }

    /// Whether nothing has been written since a picture was shown.
    pub fn is_picture_shown(&self) -> bool {
        lock(&self.0.state).picture.is_some()
    }

    /// The line editor takes the terminal.
    pub fn enter_prompt(&self) {
        let mut state = lock(&self.0.state);
        if std::mem::take(&mut state.key_shown) && io::stdout().is_terminal() {
            let _ = io::stdout().write_all(b"\n");
        }
        state.held = true;
    }

    /// The line editor has given the terminal back. What it did not print above its line is printed
    /// now.
    pub fn leave_prompt(&self) {
        self.release();
    }

    /// Something is drawn on the terminal that must not be written into: what is said meanwhile waits.
    pub fn hold(&self) {
        lock(&self.0.state).held = true;
    }

    /// What has been said since then, to be printed by whoever draws.
    pub fn take_held(&self) -> String {
        std::mem::take(&mut lock(&self.0.state).pending)
    }

    /// The terminal is free again. What still waits is printed.
    pub fn release(&self) {
        let mut state = lock(&self.0.state);
        state.held = false;
        let text = std::mem::take(&mut state.pending);
        // If the terminal is gone, nobody can be told.
        let _ = io::stderr().write_all(text.as_bytes());
    }
}

impl Shared {
    /// Waits for something to print above the prompt.
    fn next_pending(&self) -> String {
        let mut state = lock(&self.state);
        while !state.held || state.pending.is_empty() {
            state = self
                .news
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        std::mem::take(&mut state.pending)
    }
}

/// One of the two standard streams, or the space above the prompt.
struct Writer<W> {
    to: W,
    shared: Arc<Shared>,
    terminal: bool,
}

impl<W: Write + IsTerminal> Writer<W> {
    fn new(notices: &Notices, to: W) -> Writer<W> {
        Writer {
            terminal: to.is_terminal(),
            to,
            shared: notices.0.clone(),
        }
    }
}

impl<W: Write> Write for Writer<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let _screen = self.terminal.then(|| lock(&self.shared.screen));
        let mut state = lock(&self.shared.state);
        if !(self.terminal && state.held) {
            let key_shown = self.terminal && std::mem::take(&mut state.key_shown);
            let wait_shown = self.terminal && std::mem::take(&mut state.wait_shown);
            let picture = state.picture.take_if(|_| self.terminal);
            if self.terminal {
                state.written = Some(Instant::now());
                state.line_open = !bytes.ends_with(b"\n");
            }
            drop(state);
            if let Some(widths) = picture {
                let begin = above_picture(&widths, window_width());
                self.to.write_all(format!("{begin}\x1b[J").as_bytes())?;
            } else if wait_shown {
                // The key stands in the same line.
                self.to.write_all(CLEAR_LINE)?;
            } else if key_shown {
                self.to.write_all(b"\n")?;
            }
            return self.to.write(bytes);
        }
        state.pending.push_str(&String::from_utf8_lossy(bytes));
        self.shared.news.notify_one();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    /// Hands on what it prints.
    struct Above(mpsc::Sender<String>);

    impl ExternalPrinter for Above {
        fn print(&mut self, text: String) -> rustyline::Result<()> {
            self.0.send(text).map_err(|e| io::Error::other(e).into())
        }
    }

    #[test]
    fn what_comes_during_a_prompt_goes_above_it() {
        let notices = Notices::new();
        let (sender, above) = mpsc::channel();
        notices.print_with(Above(sender)).expect("starts");
        let mut writer = Writer {
            to: Vec::new(),
            shared: notices.0.clone(),
            terminal: true,
        };
        writer.write_all(b"before\n").expect("is written");
        notices.enter_prompt();
        writer.write_all(b"during\n").expect("is kept");
        assert_eq!(above.recv().expect("is printed"), "during\n");
        notices.leave_prompt();
        writer.write_all(b"after\n").expect("is written");
        assert_eq!(writer.to, b"before\nafter\n");
    }

    #[test]
    fn what_follows_a_key_on_the_screen_begins_a_line() {
        let notices = Notices::new();
        let writer = |terminal| Writer {
            to: Vec::new(),
            shared: notices.0.clone(),
            terminal,
        };
        let (mut screen, mut file) = (writer(true), writer(false));
        notices.key_shown();
        file.write_all(b"a row\n").expect("is written");
        screen.write_all(b"stopped\n").expect("is written");
        screen.write_all(b"more\n").expect("is written");
        assert_eq!(file.to, b"a row\n");
        assert_eq!(screen.to, b"\nstopped\nmore\n");
    }

    #[test]
    fn what_is_written_takes_the_place_of_a_picture() {
        let notices = Notices::new();
        let mut screen = Writer {
            to: Vec::new(),
            shared: notices.0.clone(),
            terminal: true,
        };
        lock(&notices.0.state).picture = Some(vec![3, 0, 5]);
        assert!(notices.is_picture_shown());
        screen.write_all(b"a row\n").expect("is written");
        screen.write_all(b"more").expect("is written");
        assert_eq!(screen.to, b"\r\x1b[3A\x1b[Ja row\nmore");
        assert!(!notices.is_picture_shown());
        assert!(lock(&notices.0.state).line_open);
    }

    #[test]
    fn a_picture_in_a_narrower_window_has_more_lines() {
        assert_eq!(above_picture(&[10, 0, 21], 80), "\r\x1b[3A");
        assert_eq!(above_picture(&[10, 0, 21], 10), "\r\x1b[5A");
        assert_eq!(above_picture(&[], 10), "\r");
    }
}
