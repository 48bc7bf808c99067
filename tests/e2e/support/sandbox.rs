//! A network of a test's own, in which test.mosquitto.org is this machine: the tutorial runs word for
//! word, on the tutorial's ports, and disturbs nobody.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

/// Namespaces for mounts and the network (namespaces(7)), held open by a process that waits for the
/// end of its input.
pub struct Sandbox {
    holder: Child,
    kind: &'static Kind,
}

/// A way to get them: flags of unshare(1), and those of nsenter(1) that lead inside.
struct Kind {
    make: &'static [&'static str],
    enter: &'static [&'static str],
}

/// First what any user may do where the system allows user namespaces, then what root may do.
const KINDS: [Kind; 2] = [
    Kind {
        make: &["--map-root-user", "--mount", "--net"],
        enter: &["--user", "--preserve-credentials", "--mount", "--net"],
    },
    Kind {
        make: &["--mount", "--net"],
        enter: &["--mount", "--net"],
    },
];

/// Inside: loopback up, and a hosts file with one more line.
const SETUP: &str = r#"
set -e
ip link set lo up
hosts=$(mktemp)
{ cat /etc/hosts; echo '127.0.0.1 test.mosquitto.org'; } >"$hosts"
mount --bind "$hosts" /etc/hosts
rm "$hosts"
echo ready
read -r _ || true
"#;

impl Sandbox {
    #[track_caller]
    pub fn new() -> Sandbox {
        let mut said = String::new();
        for kind in &KINDS {
            match Sandbox::of(kind) {
                Ok(sandbox) => return sandbox,
                Err(why) => said += &why,
            }
        }
        panic!(
            "this test needs a network namespace, as unshare(1) makes: allow user namespaces on this \
             machine, or run it as root with CAP_SYS_ADMIN. unshare said:\n{said}"
        );
    }

    /// The error is what unshare said.
    fn of(kind: &'static Kind) -> Result<Sandbox, String> {
        let mut holder = Command::new("unshare")
            .args(kind.make)
            .args(["bash", "-c", SETUP])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("unshare is installed; tests/run does that");
        let mut line = String::new();
        let stdout = holder.stdout.as_mut().expect("is piped");
        BufReader::new(stdout)
            .read_line(&mut line)
            .expect("can be read");
        if line == "ready\n" {
            return Ok(Sandbox { holder, kind });
        }
        let output = holder.wait_with_output().expect("is a child");
        Err(String::from_utf8_lossy(&output.stderr).into_owned())
    }

    /// A command that runs inside. The process that it starts becomes `program`, so that to kill it
    /// is to kill `program`.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new("nsenter");
        command.args(self.enter()).arg(program);
        command
    }

    /// The same for a shell: what to write before a program.
    pub fn prefix(&self) -> String {
        format!("nsenter {}", self.enter().join(" "))
    }

    fn enter(&self) -> Vec<String> {
        let target = format!("--target={}", self.holder.id());
        let flags = self.kind.enter.iter().map(|flag| (*flag).to_owned());
        std::iter::once(target).chain(flags).collect()
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        // The end of its input is the end of the holder.
        drop(self.holder.stdin.take());
        let _ = self.holder.wait();
    }
}
