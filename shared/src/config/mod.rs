//! Reading a configuration file so that a person sees every problem at once, each with file and line.
//!
//! A section is read field by field; a field that is missing or wrong is noted and stands in with a harmless value, so
//! that reading goes on. Whatever was not asked for is an unknown key, and noted too. Only if nothing was noted does
//! the caller get the result. A reader asks for all its fields first and gives up (`?`) only then. Nothing here knows
//! what the fields mean.

mod section;
#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::fmt;
use std::path::{Path, PathBuf};

use toml_span::Span;
use toml_span::value::ValueInner;

pub use section::Section;

/// Largest configuration file in bytes; a larger one is refused unread.
pub const FILE_BYTES: u64 = 1024 * 1024;

/// One thing that is wrong, where, and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong.
    pub text: String,
}

/// Everything that is wrong with a configuration file. Permanent until a person edits it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Problems {
    /// The file.
    pub file: PathBuf,
    /// The problems, in the order of their lines.
    pub problems: Vec<Problem>,
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines = self
            .problems
            .iter()
            .map(|p| format!("{}:{}: {}", self.file.display(), p.line, p.text));
        f.write_str(&lines.collect::<Vec<_>>().join("\n"))
    }
}

/// Reads the file at `path` with `read`, which is handed the root section.
pub fn load<T>(path: &Path, read: impl FnOnce(&mut Section<'_>) -> Option<T>) -> Result<T, Problems> {
    let unreadable = |text: String| Problems {
        file: path.to_owned(),
        problems: vec![Problem { line: 1, text }],
    };
    let size = std::fs::metadata(path)
        .map_err(|e| unreadable(format!("cannot be read: {e}")))?
        .len();
    if size > FILE_BYTES {
        return Err(unreadable(format!(
            "has {size} bytes, more than {FILE_BYTES}: is this the right file?"
        )));
    }
    let text = std::fs::read_to_string(path).map_err(|e| unreadable(format!("cannot be read: {e}")))?;
    parse(path, &text, read)
}

/// Reads `text` as [`load`] does; `path` is named in problems and is what relative paths start from.
pub fn parse<T>(
    path: &Path,
    text: &str,
    read: impl FnOnce(&mut Section<'_>) -> Option<T>,
) -> Result<T, Problems> {
    let source = Source {
        text,
        folder: path.parent().unwrap_or(Path::new(".")),
        problems: RefCell::default(),
    };
    let mut result = None;
    match toml_span::parse(text) {
        Err(error) => source.note(error.span, error.to_string()),
        Ok(mut root) => {
            let span = root.span;
            if let ValueInner::Table(table) = root.take() {
                let mut section = Section {
                    source: &source,
                    table,
                    span,
                    asked: Vec::new(),
                };
                result = read(&mut section);
                section.finish();
            }
        }
    }
    let mut problems = source.problems.into_inner();
    problems.sort_by_key(|problem| problem.line);
    match result {
        Some(result) if problems.is_empty() => Ok(result),
        _ => Err(Problems {
            file: path.to_owned(),
            problems,
        }),
    }
}

struct Source<'s> {
    text: &'s str,
    folder: &'s Path,
    problems: RefCell<Vec<Problem>>,
}

impl Source<'_> {
    fn note(&self, at: Span, text: String) {
        let before = &self.text.as_bytes()[..at.start.min(self.text.len())];
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        self.problems.borrow_mut().push(Problem { line, text });
    }
}
