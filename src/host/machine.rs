//! What the machine has.

use std::fs;
use std::path::Path;
use std::sync::LazyLock;

/// What a query may hold where nobody says and the machine does not tell what it has.
const UNKNOWN: u64 = 2_000_000_000;

/// Half of the memory that this process may use: of the machine, or of its control group where that has
/// less (a container, a service with a limit).
pub fn half_of_memory() -> u64 {
    static HALF: LazyLock<u64> = LazyLock::new(|| match memory(Path::new("/")) {
        Some(bytes) => bytes / 2,
        None => UNKNOWN,
    });
    *HALF
}

/// The memory that this process may use, by what Linux shows below `root`.
fn memory(root: &Path) -> Option<u64> {
    let machine = fs::read_to_string(root.join("proc/meminfo")).ok();
    let machine = machine.as_deref().and_then(total);
    let groups = fs::read_to_string(root.join("proc/self/cgroup")).unwrap_or_default();
    let limits = groups.lines().filter_map(|line| limit(root, line));
    limits.chain(machine).min()
}

/// `MemTotal: 24684232 kB`
fn total(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find(|line| line.starts_with("MemTotal:"))?;
    let kilobytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kilobytes * 1024)
}

/// The least limit of a control group and of those that it is in: `0::/user.slice/a.service` in version 2,
/// `5:memory:/a` in version 1.
fn limit(root: &Path, group: &str) -> Option<u64> {
    let mut parts = group.splitn(3, ':').skip(1);
    let (controllers, path) = (parts.next()?, parts.next()?);
    let (folder, file) = match controllers {
        "" => ("sys/fs/cgroup", "memory.max"),
        names if names.split(',').any(|name| name == "memory") => {
            ("sys/fs/cgroup/memory", "memory.limit_in_bytes")
        }
        _ => return None,
    };
    let mounted = root.join(folder);
    let own = mounted.join(path.trim_start_matches('/'));
    let within = own.ancestors().take_while(|at| at.starts_with(&mounted));
    // A file that has no number, such as `max`, limits nothing.
    let limits =
        within.filter_map(|at| fs::read_to_string(at.join(file)).ok()?.trim().parse().ok());
    limits.min()
}

/// A number of bytes as a person writes it: `500MB`, `1.5 GiB`, `80000000`.
pub fn size(text: &str) -> Result<u64, String> {
    let wrong = || format!("a size is a number with a unit, such as 500MB or 4GB, not {text}");
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.');
    let (number, unit) = text.split_at(digits.unwrap_or(text.len()));
    let number: f64 = number.parse().map_err(|_| wrong())?;
    let unit: f64 = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1.0,
        "k" | "kb" => 1e3,
        "m" | "mb" => 1e6,
        "g" | "gb" => 1e9,
        "t" | "tb" => 1e12,
        "kib" => 1024.0,
        "mib" => 1024.0 * 1024.0,
        "gib" => 1024.0 * 1024.0 * 1024.0,
        "tib" => 1024.0 * 1024.0 * 1024.0 * 1024.0,
        _ => return Err(wrong()),
    };
    let bytes = (number * unit) as u64;
    match bytes {
        0 => Err("the size must be above 0".to_owned()),
        bytes => Ok(bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read() {
        let given = ["500MB", "1.5 GiB", "80000000", "2g", "16k"];
        let expected = [
            500_000_000,
            1_610_612_736,
            80_000_000,
            2_000_000_000,
            16_000,
        ];
        for (text, bytes) in given.into_iter().zip(expected) {
            assert_eq!(size(text), Ok(bytes), "{text}");
        }
        for wrong in ["", "MB", "-1MB", "50%", "1.2.3", "0", "5 apples"] {
            assert!(size(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn control_groups_limit_what_the_machine_has() {
        let root = tempfile::TempDir::new().expect("a folder");
        let root = root.path();
        let write = |path: &str, text: &str| {
            let path = root.join(path);
            fs::create_dir_all(path.parent().expect("has one")).expect("a folder");
            fs::write(path, text).expect("a file");
        };
        assert_eq!(memory(root), None);
        write("proc/meminfo", "MemFree: 5 kB\nMemTotal:  1000 kB\n");
        assert_eq!(memory(root), Some(1_024_000));
        write("proc/self/cgroup", "0::/a/b\n");
        write("sys/fs/cgroup/a/b/memory.max", "max\n");
        assert_eq!(memory(root), Some(1_024_000));
        // A limit of a group further out holds as well.
        write("sys/fs/cgroup/a/memory.max", "400000\n");
        assert_eq!(memory(root), Some(400_000));
        write("proc/self/cgroup", "3:cpu:/\n5:cpuset,memory:/c\n");
        write("sys/fs/cgroup/memory/c/memory.limit_in_bytes", "300000\n");
        assert_eq!(memory(root), Some(300_000));
    }
}
