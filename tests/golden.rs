//! Compares what a command printed with the file that says what it should. `MILLRACE_BLESS=1` writes the files anew:
//! look at the difference before you commit it. The tests of each crate take this file in; each has files of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use regex::Regex;

/// Compares a command's exit code and output with `golden/<name>.txt`.
pub fn check(name: &str, program: &str, asked: &str, output: &Output, mask: &[(&str, &str)]) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    let mut told = format!("$ {program} {asked}\n{out}");
    if !err.is_empty() {
        told += &format!("--- standard error\n{err}");
    }
    told += &format!("--- exit {}\n", output.status.code().unwrap());
    for (pattern, stand_in) in mask {
        told = Regex::new(pattern)
            .unwrap()
            .replace_all(&told, *stand_in)
            .into_owned();
    }
    compare(&folder().join(format!("{name}.txt")), &told);
}

/// Compares a text with a file.
pub fn compare(file: &Path, told: &str) {
    if std::env::var_os("MILLRACE_BLESS").is_some() {
        fs::write(file, told).unwrap();
        return;
    }
    let wanted = fs::read_to_string(file).unwrap_or_default();
    assert!(
        told == wanted,
        "{} says otherwise. If this is meant, run the test again with MILLRACE_BLESS=1.\n--- wanted\n{wanted}\n--- told\n{told}",
        file.display()
    );
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}
