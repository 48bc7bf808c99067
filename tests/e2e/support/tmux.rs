//! A terminal with osql's prompt in it, seen as a person sees it.

use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use super::wait::wait_for;

/// A tmux server of its own with one window. Ended when dropped.
pub struct Terminal {
    socket: String,
}

impl Terminal {
    /// Starts osql with `arguments` in a window of `columns` by `rows`; `state` is the folder in
    /// which it keeps its history.
    #[track_caller]
    pub fn start(arguments: &str, columns: u16, rows: u16, state: &Path) -> Terminal {
        Terminal::start_with("", arguments, columns, rows, state)
    }

    /// The same with what stands before osql in the command: variables, `NAME=value`, and after them
    /// perhaps a program that runs it.
    #[track_caller]
    pub fn start_with(
        before: &str,
        arguments: &str,
        columns: u16,
        rows: u16,
        state: &Path,
    ) -> Terminal {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let terminal = Terminal {
            socket: format!("osql-test-{}-{number}", std::process::id()),
        };
        let command = format!(
            "env -u SA_HOME -u NO_COLOR XDG_STATE_HOME='{}' {before} '{}' {arguments}; echo \"[exit $?]\"; exec cat",
            state.display(),
            env!("CARGO_BIN_EXE_osql"),
        );
        let (columns, rows) = (columns.to_string(), rows.to_string());
        terminal.tmux(&[
            "-f",
            "/dev/null",
            "new-session",
            "-d",
            "-x",
            &columns,
            "-y",
            &rows,
            &command,
        ]);
        terminal
    }

    #[track_caller]
    fn tmux(&self, arguments: &[&str]) -> String {
        let output = Command::new("tmux")
            .arg("-L")
            .arg(&self.socket)
            .args(arguments)
            .output()
            .expect("tmux is installed; tests/run does that");
        assert!(output.status.success(), "tmux {arguments:?}: {output:?}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Types text as it stands.
    #[track_caller]
    pub fn type_text(&self, text: &str) {
        // A semicolon at the end of an argument would end tmux's own command.
        let text = match text.strip_suffix(';') {
            Some(text) => format!("{text}\\;"),
            None => text.to_owned(),
        };
        self.tmux(&["send-keys", "-l", &text]);
    }

    /// Pastes text as a terminal does that does not say that it is pasted: as if it were typed, at once.
    #[track_caller]
    pub fn paste(&self, text: &str) {
        self.tmux(&["set-buffer", "--", text]);
        self.tmux(&["paste-buffer"]);
    }

    /// Presses a key by tmux's name: `Enter`, `C-c`, `Up`, `Tab`.
    #[track_caller]
    pub fn press(&self, key: &str) {
        self.tmux(&["send-keys", key]);
    }

    /// Types a line at the prompt and presses Enter once it can be seen. So a prompt that is empty
    /// after that is a new one.
    #[track_caller]
    pub fn enter(&self, line: &str) {
        let solid = |text: &str| text.replace(char::is_whitespace, "");
        self.type_text(line);
        self.wait_until(|screen| {
            let entry = screen.rsplit("osql>").next().unwrap_or("");
            solid(entry).contains(&solid(line))
        });
        self.press("Enter");
    }

    /// Makes the window as large as that.
    #[track_caller]
    pub fn resize(&self, columns: u16, rows: u16) {
        let (columns, rows) = (columns.to_string(), rows.to_string());
        self.tmux(&["resize-window", "-x", &columns, "-y", &rows]);
    }

    /// What stands on the screen, without trailing blank space and lines.
    #[track_caller]
    pub fn screen(&self) -> String {
        self.tmux(&["capture-pane", "-p"]).trim_end().to_owned()
    }

    /// The screen with its colours, as escape sequences.
    #[track_caller]
    pub fn coloured_screen(&self) -> String {
        self.tmux(&["capture-pane", "-p", "-e"])
    }

    /// The process id of osql, which the window's shell has started.
    #[track_caller]
    pub fn child_pid(&self) -> String {
        let shell = self.tmux(&["display-message", "-p", "#{pane_pid}"]);
        let children = format!("/proc/{0}/task/{0}/children", shell.trim());
        let children = std::fs::read_to_string(children).expect("the shell runs");
        children.trim().to_owned()
    }

    /// Waits until the screen satisfies `enough`, and gives it.
    #[track_caller]
    pub fn wait_until(&self, enough: impl Fn(&str) -> bool) -> String {
        wait_for(|| {
            let screen = self.screen();
            match enough(&screen) {
                true => Ok(screen),
                false => Err(screen),
            }
        })
    }

    /// Waits until the screen holds `text`.
    #[track_caller]
    pub fn wait_for(&self, text: &str) -> String {
        self.wait_until(|screen| screen.contains(text))
    }

    /// Waits until an empty prompt is the last line.
    #[track_caller]
    pub fn wait_prompt(&self) -> String {
        self.wait_until(|screen| screen.lines().last() == Some("osql>"))
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = Command::new("tmux")
            .args(["-L", &self.socket, "kill-server"])
            .output();
    }
}
