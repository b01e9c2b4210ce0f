//! Reading a configuration file so that a person sees every problem at once, each with file and line.
//!
//! A section is read field by field; a field that is missing or wrong is noted and stands in with a harmless value, so
//! that reading goes on. Whatever was not asked for is an unknown key, and noted too. Only if nothing was noted does
//! the caller get the result. A reader asks for all its fields first and gives up (`?`) only then. Nothing here knows
//! what the fields mean.

use std::cell::RefCell;
use std::fmt;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use toml_span::Span;
use toml_span::value::{Table, Value, ValueInner};

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

/// A table of the file, read field by field.
pub struct Section<'s> {
    source: &'s Source<'s>,
    table: Table<'s>,
    span: Span,
    asked: Vec<&'static str>,
}

impl<'s> Section<'s> {
    /// Notes a problem with the section as a whole.
    pub fn problem(&self, text: impl Into<String>) {
        self.source.note(self.span, text.into());
    }

    /// Whether the field is present.
    pub fn has(&self, name: &str) -> bool {
        self.table.contains_key(name)
    }

    fn take(&mut self, name: &'static str) -> Option<Value<'s>> {
        self.asked.push(name);
        self.table.remove(name)
    }

    fn missing(&self, name: &str, want: &str) {
        self.problem(format!("`{name}` is missing: {want}"));
    }

    /// A text with a meaning of its own, such as a name or an address; `want` tells a person what to write.
    pub fn parsed<T: FromStr<Err: fmt::Display>>(&mut self, name: &'static str, want: &str) -> Option<T> {
        let value = self.take(name)?;
        let Some(text) = value.as_str() else {
            self.source
                .note(value.span, format!("`{name}` is no text: {want}"));
            return None;
        };
        text.parse()
            .map_err(|e| self.source.note(value.span, format!("`{name}`: {e}")))
            .ok()
    }

    /// As [`Self::parsed`], and its absence is a problem.
    pub fn needed<T: FromStr<Err: fmt::Display>>(&mut self, name: &'static str, want: &str) -> Option<T> {
        if !self.has(name) {
            self.asked.push(name);
            self.missing(name, want);
            return None;
        }
        self.parsed(name, want)
    }

    /// A text; empty where it is missing or wrong, which is a problem.
    pub fn text(&mut self, name: &'static str, want: &str) -> String {
        self.needed(name, want).unwrap_or_default()
    }

    /// A path, made absolute from the file's own folder; its absence is a problem.
    pub fn path(&mut self, name: &'static str, want: &str) -> PathBuf {
        self.needed::<PathBuf>(name, want)
            .map(|path| self.source.folder.join(path))
            .unwrap_or_default()
    }

    /// A path that may be absent.
    pub fn optional_path(&mut self, name: &'static str, want: &str) -> Option<PathBuf> {
        self.parsed::<PathBuf>(name, want)
            .map(|path| self.source.folder.join(path))
    }

    /// A list of texts; empty where it is absent.
    pub fn texts(&mut self, name: &'static str, most: usize) -> Vec<String> {
        let Some(mut value) = self.take(name) else {
            return Vec::new();
        };
        let span = value.span;
        let ValueInner::Array(items) = value.take() else {
            self.source
                .note(span, format!("`{name}` is no list: write [\"…\", \"…\"]"));
            return Vec::new();
        };
        if items.len() > most {
            self.source.note(
                span,
                format!("`{name}` has {} entries, at most {most} are allowed", items.len()),
            );
        }
        let text = |item: &Value<'_>| match item.as_str() {
            Some(text) => Some(text.to_owned()),
            None => {
                self.source
                    .note(item.span, format!("an entry of `{name}` is no text"));
                None
            }
        };
        items.iter().filter_map(text).collect()
    }

    /// A whole number within bounds; `default` where it is absent.
    pub fn number(&mut self, name: &'static str, default: u64, bounds: RangeInclusive<u64>) -> u64 {
        let Some(value) = self.take(name) else {
            return default;
        };
        match value.as_integer().and_then(|number| u64::try_from(number).ok()) {
            Some(number) if bounds.contains(&number) => number,
            _ => {
                let (low, high) = (bounds.start(), bounds.end());
                self.source.note(
                    value.span,
                    format!("`{name}` must be a whole number from {low} to {high}"),
                );
                default
            }
        }
    }

    /// A time in seconds within bounds. The field's name should end in `_seconds`.
    pub fn seconds(&mut self, name: &'static str, default: u64, bounds: RangeInclusive<u64>) -> Duration {
        Duration::from_secs(self.number(name, default, bounds))
    }

    /// A time in milliseconds within bounds. The field's name should end in `_ms`.
    pub fn milliseconds(
        &mut self,
        name: &'static str,
        default: u64,
        bounds: RangeInclusive<u64>,
    ) -> Duration {
        Duration::from_millis(self.number(name, default, bounds))
    }

    /// Yes or no.
    pub fn flag(&mut self, name: &'static str, default: bool) -> bool {
        let Some(value) = self.take(name) else {
            return default;
        };
        value.as_bool().unwrap_or_else(|| {
            self.source
                .note(value.span, format!("`{name}` must be true or false"));
            default
        })
    }

    /// One of a list of words; the first where the field is absent.
    pub fn choice<T: Copy>(&mut self, name: &'static str, words: &[(&str, T)]) -> Option<T> {
        let default = words.first().map(|(_, meaning)| *meaning);
        let Some(value) = self.take(name) else {
            return default;
        };
        let found = value
            .as_str()
            .and_then(|text| words.iter().find(|(word, _)| *word == text));
        if found.is_none() {
            let list: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            self.source.note(
                value.span,
                format!("`{name}` must be one of: {}", list.join(", ")),
            );
        }
        found.map(|(_, meaning)| *meaning).or(default)
    }

    /// As [`Self::choice`], without a default: its absence is a problem.
    pub fn needed_choice<T: Copy>(&mut self, name: &'static str, words: &[(&str, T)]) -> Option<T> {
        if self.has(name) {
            return self.choice(name, words);
        }
        self.asked.push(name);
        let list: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        self.missing(name, &format!("write one of: {}", list.join(", ")));
        None
    }

    /// A sub-section `[name]`; none where it is absent.
    pub fn section<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&mut Section<'_>) -> Option<T>,
    ) -> Option<T> {
        let value = self.take(name)?;
        self.enter(name, value, read)
    }

    /// A sub-section `[name]` whose absence is a problem.
    pub fn needed_section<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&mut Section<'_>) -> Option<T>,
    ) -> Option<T> {
        if !self.has(name) {
            self.asked.push(name);
            self.missing(name, &format!("add a section [{name}]"));
            return None;
        }
        self.section(name, read)
    }

    /// A list of sub-sections `[[name]]`, at most `most` of them.
    pub fn sections<T>(
        &mut self,
        name: &'static str,
        most: usize,
        mut read: impl FnMut(&mut Section<'_>) -> Option<T>,
    ) -> Vec<T> {
        let Some(mut value) = self.take(name) else {
            return Vec::new();
        };
        let span = value.span;
        let ValueInner::Array(items) = value.take() else {
            self.source
                .note(span, format!("`{name}` is no list of sections: write [[{name}]]"));
            return Vec::new();
        };
        if items.len() > most {
            self.source.note(
                span,
                format!("there are {} [[{name}]], at most {most} are allowed", items.len()),
            );
            return Vec::new();
        }
        items
            .into_iter()
            .filter_map(|item| self.enter(name, item, &mut read))
            .collect()
    }

    fn enter<T>(
        &self,
        name: &str,
        mut value: Value<'s>,
        read: impl FnOnce(&mut Section<'_>) -> Option<T>,
    ) -> Option<T> {
        let span = value.span;
        let ValueInner::Table(table) = value.take() else {
            self.source
                .note(span, format!("`{name}` is no section: write [{name}]"));
            return None;
        };
        let mut section = Section {
            source: self.source,
            table,
            span,
            asked: Vec::new(),
        };
        let result = read(&mut section);
        section.finish();
        result
    }

    fn finish(self) {
        for key in self.table.keys() {
            let known = self.asked.join(", ");
            self.source.note(
                key.span,
                format!("`{}` is not known here; known are: {known}", key.name),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<(String, u64, Option<bool>), Problems> {
        parse(Path::new("/etc/x.toml"), text, |root| {
            let name = root.text("name", "write a name");
            let size = root.number("size_bytes", 10, 1..=100);
            let deep = root.section("deep", |deep| Some(deep.flag("on", false)));
            Some((name, size, deep))
        })
    }

    #[test]
    fn every_problem_is_reported_at_once_with_its_line() {
        let problems = read("size_bytes = 1000\ncolour = 1\n[deep]\non = 3\n").unwrap_err();
        let text = problems.to_string();
        assert_eq!(problems.problems.len(), 4, "{text}");
        assert!(
            text.contains("/etc/x.toml:1: `size_bytes` must be a whole number from 1 to 100"),
            "{text}"
        );
        assert!(
            text.contains("/etc/x.toml:2: `colour` is not known here; known are: name, size_bytes, deep"),
            "{text}"
        );
        assert!(
            text.contains("/etc/x.toml:4: `on` must be true or false"),
            "{text}"
        );
        assert!(text.contains("`name` is missing: write a name"), "{text}");
    }

    #[test]
    fn a_syntax_error_names_its_line() {
        let problems = read("name = \"x\"\nsize_bytes = = 3\n").unwrap_err();
        assert_eq!(problems.problems[0].line, 2);
    }

    #[test]
    fn a_good_file_is_read_with_defaults() {
        assert_eq!(
            read("name = \"x\"\n[deep]\non = true\n").unwrap(),
            ("x".into(), 10, Some(true))
        );
    }
}
