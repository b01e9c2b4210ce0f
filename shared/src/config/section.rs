//! One section of a configuration file, read field by field.

use std::fmt;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use toml_span::Span;
use toml_span::value::{Table, Value, ValueInner};

use super::Source;

/// A table of the file, read field by field.
pub struct Section<'s> {
    pub(super) source: &'s Source<'s>,
    pub(super) table: Table<'s>,
    pub(super) span: Span,
    pub(super) asked: Vec<&'static str>,
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

    pub(super) fn finish(self) {
        for key in self.table.keys() {
            let known = self.asked.join(", ");
            self.source.note(
                key.span,
                format!("`{}` is not known here; known are: {known}", key.name),
            );
        }
    }
}
