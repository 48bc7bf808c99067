//! A network of a test's own, in which test.mosquitto.org is this machine: the tutorial runs word for
//! word, on the tutorial's ports, and disturbs nobody.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};

/// A user, mount and network namespace (namespaces(7)), held open by a sleeping process.
pub struct Sandbox {
    holder: Child,
}

/// Makes the namespace: loopback up, and a hosts file with one more line.
const SETUP: &str = r#"
set -e
ip link set lo up
hosts=$(mktemp)
{ cat /etc/hosts; echo '127.0.0.1 test.mosquitto.org'; } >"$hosts"
mount --bind "$hosts" /etc/hosts
rm "$hosts"
echo ready
read -r _
"#;

impl Sandbox {
    #[track_caller]
    pub fn new() -> Sandbox {
        let mut holder = Command::new("unshare")
            .args(["--map-root-user", "--mount", "--net", "bash", "-c", SETUP])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("unshare is installed");
        let mut line = String::new();
        let stdout = holder.stdout.as_mut().expect("is piped");
        BufReader::new(stdout)
            .read_line(&mut line)
            .expect("can be read");
        assert_eq!(
            line, "ready\n",
            "this test needs user namespaces: see unshare(1)"
        );
        Sandbox { holder }
    }

    /// A command that runs inside.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new("nsenter");
        command
            .arg("--target")
            .arg(self.holder.id().to_string())
            .args(["--user", "--mount", "--net", "--preserve-credentials"])
            .arg(program);
        command
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        // The end of its input is the end of the holder.
        if let Some(mut stdin) = self.holder.stdin.take() {
            let _ = stdin.write_all(b"\n");
        }
        let _ = self.holder.wait();
    }
}
