//! The file system. Names are returned in Unix style: folders are divided by `/`.

use std::fs;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use crate::host::Host;
use crate::host::file_input::{self, file_error, read_error};
use crate::model::native::{Native, Natives};
use crate::model::{Args, Cx, Timeval, Value, like, size};
use crate::text::diagnostic::{Error, Result};
use crate::text::wait::lock;

pub mod output;

pub const NATIVES: Natives = &[
    Native::new("pwd", |_, _| Ok(Some(folder_value(&current()?)))).volatile(),
    Native::new("cd", |_, a| change_folder(Path::new(a.str(0)?)).map(Some)).acting(),
    Native::new("pushd", pushd).acting(),
    Native::new("popd", popd).acting(),
    Native::new("sa_home", |cx, _| {
        Ok(Some(folder_value(&Host::of(cx).home)))
    }),
    Native::new("temp_folder", |_, _| {
        Ok(Some(folder_value(&std::env::temp_dir())))
    }),
    Native::new("dir", dir).reads_files(),
    Native::new("full_filenames", full_filenames).reads_files(),
    Native::new("all_files_under", all_files_under).reads_files(),
    Native::new("find_file", find_file).reads_files(),
    Native::new("directories_in", directories_in).reads_files(),
    Native::new("subdirectories", subdirectories).reads_files(),
    Native::new("directoryp", |_, a| {
        Ok(Some(Value::Bool(Path::new(a.str(0)?).is_dir())))
    })
    .reads_files(),
    Native::new("file_exists", |_, a| {
        Ok(Some(Value::Bool(Path::new(a.str(0)?).exists())))
    })
    .reads_files(),
    Native::new("file_lines", file_lines).reads_files(),
    Native::new("filedate", filedate).reads_files(),
    Native::new("file_path", file_path),
    Native::new("base_filename", |_, a| {
        Ok(Some(split(&unix(a.str(0)?)).1.into()))
    }),
    Native::new("folder_of", |_, a| {
        Ok(Some(split(&unix(a.str(0)?)).0.into()))
    }),
    Native::new("dirpath", |_, a| {
        Ok(Some(with_slash(&unix(a.str(0)?)).into()))
    }),
    Native::new("create_folder", create_folder).only_acting(),
    Native::new("read_file", read_file).reads_files(),
    Native::new("write_file", |_, a| write(a.str(1)?, a.str(0)?).map(Some)).only_acting(),
    Native::new("write_filepath", write_filepath).only_acting(),
];

fn current() -> Result<PathBuf> {
    std::env::current_dir().map_err(|e| file_error("find", "the current folder", &e))
}

/// `path` in Unix style.
fn unix(path: impl AsRef<Path>) -> String {
    let text = path.as_ref().to_string_lossy();
    if cfg!(windows) {
        text.replace('\\', "/")
    } else {
        text.into_owned()
    }
}

/// `folder` with a single `/` at its end.
fn with_slash(folder: &str) -> String {
    folder.trim_end_matches('/').to_owned() + "/"
}

/// The name of a folder as a value, with a `/` at its end.
pub fn folder_value(folder: &Path) -> Value {
    with_slash(&unix(folder)).into()
}

/// The folder, with its closing `/`, and the file name in `path`.
fn split(path: &str) -> (&str, &str) {
    path.split_at(path.rfind('/').map_or(0, |i| i + 1))
}

fn change_folder(folder: &Path) -> Result<Value> {
    std::env::set_current_dir(folder).map_err(|e| file_error("go to", folder, &e))?;
    Ok(folder_value(&current()?))
}

fn pushd(cx: &Cx, args: Args) -> Result<Option<Value>> {
    let back = current()?;
    let folder = change_folder(Path::new(args.str(0)?))?;
    lock(&Host::of(cx).folders).push(back);
    Ok(Some(folder))
}

fn popd(cx: &Cx, _: Args) -> Result<Option<Value>> {
    match lock(&Host::of(cx).folders).pop() {
        Some(back) => change_folder(&back).map(Some),
        None => Err(Error::run("there is no folder to go back to").help("pushd(path) comes first")),
    }
}

/// The entries of `folder` in alphabetical order.
fn entries(folder: &str) -> Result<Vec<PathBuf>> {
    let path = if folder.is_empty() { "." } else { folder };
    let read = || -> io::Result<Vec<PathBuf>> {
        fs::read_dir(path)?.map(|entry| Ok(entry?.path())).collect()
    };
    let mut paths = read().map_err(|e| file_error("list", path, &e))?;
    paths.sort();
    Ok(paths)
}

fn name(path: &Path) -> String {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

/// Folders themselves, not links to them: those could lead back up.
fn is_folder(path: &Path) -> bool {
    path.is_dir() && !path.is_symlink()
}

fn bag(texts: impl IntoIterator<Item = String>) -> Result<Option<Value>> {
    Ok(Some(Value::bag(
        texts.into_iter().map(Value::from).collect(),
    )))
}

fn dir(cx: &Cx, args: Args) -> Result<Option<Value>> {
    let folder = if args.is_empty() { "" } else { args.str(0)? };
    let pattern = if args.len() > 1 { args.str(1)? } else { "*" };
    let names = entries(folder)?.into_iter().map(|p| name(&p));
    let looks = cx.token.looks();
    let mut matching = Vec::new();
    for name in names {
        if like::matches(&name, pattern, &looks)? {
            matching.push(name);
        }
    }
    bag(matching)
}

fn full_filenames(cx: &Cx, args: Args) -> Result<Option<Value>> {
    let pattern = args.str(1)?;
    let folder = absolute(args.str(0)?)?;
    let looks = cx.token.looks();
    let mut matching = Vec::new();
    for path in entries(&folder)? {
        if path.is_file() && like::matches(&name(&path), pattern, &looks)? {
            matching.push(unix(path));
        }
    }
    bag(matching)
}

/// `path` from the root, in Unix style.
fn absolute(path: &str) -> Result<String> {
    let path = if path.is_empty() { "." } else { path };
    let full = std::path::absolute(path).map_err(|e| file_error("find", path, &e))?;
    Ok(unix(full))
}

/// Calls `see` with each file under `folder`, parents before their folders' contents, until it gives
/// something.
fn walk<T>(cx: &Cx, folder: &str, see: &mut impl FnMut(&Path) -> Option<T>) -> Result<Option<T>> {
    cx.token.check()?;
    let (folders, files): (Vec<_>, Vec<_>) =
        entries(folder)?.into_iter().partition(|p| is_folder(p));
    if let Some(found) = files.iter().find_map(|f| see(f)) {
        return Ok(Some(found));
    }
    for folder in folders {
        if let Some(found) = walk(cx, &unix(folder), see)? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

fn all_files_under(cx: &Cx, args: Args) -> Result<Option<Value>> {
    let folder = with_slash(&absolute(args.str(0)?)?);
    let mut files = Vec::new();
    walk(cx, &folder, &mut |path| {
        let path = unix(path);
        let relative = path.strip_prefix(&folder).unwrap_or(&path);
        files.push(Value::vector([split(&path).1.into(), relative.into()]));
        None::<()>
    })?;
    Ok(Some(Value::bag(files)))
}

fn find_file(cx: &Cx, args: Args) -> Result<Option<Value>> {
    let (folder, wanted) = (absolute(args.str(0)?)?, args.str(1)?);
    walk(cx, &folder, &mut |path| {
        (name(path) == wanted).then(|| unix(path).into())
    })
}

fn directories_in(_: &Cx, args: Args) -> Result<Option<Value>> {
    let folders = entries(args.str(0)?)?.into_iter().filter(|p| p.is_dir());
    bag(folders.map(|p| name(&p)))
}

fn subdirectories(cx: &Cx, args: Args) -> Result<Option<Value>> {
    let mut folders = vec![absolute(args.str(0)?)?];
    let mut next = 0;
    while let Some(folder) = folders.get(next) {
        cx.token.check()?;
        let below = entries(folder)?;
        folders.extend(below.iter().filter(|p| is_folder(p)).map(unix));
        next += 1;
    }
    folders.sort();
    bag(folders.iter().map(|f| with_slash(f)))
}

fn file_lines(cx: &Cx, args: Args) -> Result<Option<Value>> {
    let path = args.str(0)?;
    let mut file = BufReader::new(file_input::open(path, cx)?);
    let (mut lines, mut ended) = (0, true);
    loop {
        cx.token.check()?;
        let bytes = file.fill_buf().map_err(|e| read_error(path, &e, cx))?;
        let Some(last) = bytes.last() else { break };
        ended = *last == b'\n';
        lines += bytes.iter().filter(|b| **b == b'\n').count() as i64;
        let length = bytes.len();
        file.consume(length);
    }
    // A last line without its end is a line too.
    Ok(Some(Value::Int(lines + i64::from(!ended))))
}

fn filedate(_: &Cx, args: Args) -> Result<Option<Value>> {
    let path = args.str(0)?;
    let time = fs::metadata(path)
        .and_then(|m| m.modified())
        .map_err(|e| file_error("read", path, &e))?;
    let micros = match time.duration_since(UNIX_EPOCH) {
        Ok(after) => after.as_micros() as i64,
        Err(before) => -(before.duration().as_micros() as i64),
    };
    Ok(Some(Value::Time(Timeval::at(micros).into())))
}

fn file_path(_: &Cx, args: Args) -> Result<Option<Value>> {
    absolute(args.str(0)?).map(|path| Some(path.into()))
}

fn create_folder(_: &Cx, args: Args) -> Result<Option<Value>> {
    let folder = args.str(0)?;
    fs::create_dir_all(folder).map_err(|e| file_error("create", folder, &e))?;
    Ok(Some(args.value(0).clone()))
}

fn read_file(cx: &Cx, args: Args) -> Result<Option<Value>> {
    let path = args.str(0)?;
    let mut bytes = Vec::new();
    let most = size::MAX_BYTES as u64 + 1;
    let mut file = file_input::open(path, cx)?.take(most);
    file.read_to_end(&mut bytes)
        .map_err(|e| read_error(path, &e, cx))?;
    size::check_bytes(bytes.len(), "a string")?;
    match String::from_utf8(bytes) {
        Ok(text) => Ok(Some(text.into())),
        Err(e) => {
            let at = e.utf8_error().valid_up_to() + 1;
            Err(Error::run(format!(
                "cannot read {path}: byte {at} is not UTF-8 text"
            )))
        }
    }
}

fn write(path: &str, content: &str) -> Result<Value> {
    fs::write(path, content).map_err(|e| file_error("write", path, &e))?;
    Ok(path.into())
}

fn write_filepath(_: &Cx, args: Args) -> Result<Option<Value>> {
    let path = args.str(1)?;
    if let Some(folder) = Path::new(path).parent() {
        fs::create_dir_all(folder).map_err(|e| file_error("create", folder, &e))?;
    }
    write(path, args.str(0)?).map(Some)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{call, printed};
    use super::*;

    #[test]
    fn a_folder_of_files() {
        let root = std::env::temp_dir().join(format!("osql-file-{}", std::process::id()));
        let path = |name: &str| Value::from(unix(root.join(name)));
        let deep = path("b/c/d.txt");
        assert_eq!(
            call("file:write_filepath", &["x\ny".into(), deep.clone()]).expect("writes"),
            Some(deep.clone())
        );
        assert_eq!(
            call("file:write_file", &["".into(), path("a.txt")]).expect("writes"),
            Some(path("a.txt"))
        );
        assert_eq!(
            printed("file:read_file", std::slice::from_ref(&deep)),
            "\"x\\ny\""
        );
        assert_eq!(printed("file:file_lines", std::slice::from_ref(&deep)), "2");
        assert_eq!(printed("file:file_lines", &[path("a.txt")]), "0");
        assert_eq!(printed("file:dir", &[path("")]), "bag(\"a.txt\",\"b\")");
        assert_eq!(
            printed("file:dir", &[path(""), "*.txt".into()]),
            "bag(\"a.txt\")"
        );
        assert_eq!(printed("file:directories_in", &[path("")]), "bag(\"b\")");
        assert_eq!(
            printed("file:all_files_under", &[path("")]),
            "bag([\"a.txt\",\"a.txt\"],[\"d.txt\",\"b/c/d.txt\"])"
        );
        assert_eq!(
            printed("file:find_file", &[path(""), "d.txt".into()]),
            deep.to_string()
        );
        assert_eq!(printed("file:find_file", &[path(""), "e.txt".into()]), "");
        let folders = Value::bag(vec![path("./"), path("b/"), path("b/c/")])
            .to_string()
            .replace("/./", "/");
        assert_eq!(printed("file:subdirectories", &[path("")]), folders);
        assert_eq!(printed("file:directoryp", &[path("b")]), "true");
        assert_eq!(printed("file:file_exists", &[path("none")]), "false");
        std::fs::remove_dir_all(&root).expect("removes");
        let error = call("file:read_file", &[deep]).expect_err("gone");
        assert!(
            error
                .message()
                .ends_with("d.txt: No such file or directory"),
            "{error}"
        );
    }

    #[test]
    fn names_are_taken_apart() {
        assert_eq!(
            printed("file:base_filename", &["/a/b.txt".into()]),
            "\"b.txt\""
        );
        assert_eq!(printed("file:folder_of", &["/a/b.txt".into()]), "\"/a/\"");
        assert_eq!(printed("file:dirpath", &["/a/b//".into()]), "\"/a/b/\"");
        assert_eq!(printed("file:sa_home", &[]), "\"/home/osql/\"");
    }

    #[test]
    fn there_is_no_way_back_without_a_start() {
        assert_eq!(
            printed("file:popd", &[]),
            "error: there is no folder to go back to"
        );
    }
}
