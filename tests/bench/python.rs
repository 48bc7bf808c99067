//! The Python that programs to compare with are packages of.

use std::process::{Command, Stdio};

use super::Result;

/// The Python that has the package, and the package's version: `python3`, or what the variable `PYTHON`
/// names.
pub fn with(package: &str) -> Result<(String, String)> {
    let python = std::env::var("PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let asked = Command::new(&python)
        .args([
            "-c",
            &format!("import {package}; print({package}.__version__)"),
        ])
        .stderr(Stdio::null())
        .output();
    match asked {
        Ok(output) if output.status.success() => {
            let version = String::from_utf8(output.stdout)?.trim().to_owned();
            Ok((python, version))
        }
        _ => Err(format!(
            "{python} has no package {package}: make one with\n    python3 -m venv venv && venv/bin/pip install {package}\n\
             and run this with PYTHON=venv/bin/python"
        )
        .into()),
    }
}
