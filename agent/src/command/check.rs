//! `check`: whether the configuration can be used.

use std::path::Path;

use millrace_shared::config::Problems;
use millrace_shared::exit::Exit;
use millrace_shared::print::{self, Style, say};
use serde_json::json;

use super::CommandError;

/// Says that nothing is wrong with the file that was read.
pub fn check(file: &Path, style: Style) -> Result<Exit, CommandError> {
    match style {
        Style::Table => say(&format!("{}: no problems\n", file.display()))?,
        Style::Json => say(&print::json(&json!({ "file": file, "problems": [] })))?,
    }
    Ok(Exit::Done)
}

/// Lists for machines what is wrong with it.
pub fn problems(found: &Problems) -> Result<Exit, CommandError> {
    let each = found.problems.iter();
    let problems: Vec<_> = each
        .map(|problem| json!({ "line": problem.line, "text": problem.text }))
        .collect();
    say(&print::json(&json!({ "file": found.file, "problems": problems })))?;
    Ok(Exit::Config)
}
