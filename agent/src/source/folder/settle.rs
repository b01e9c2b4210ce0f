//! When a file in the folder is complete. Pure: what was seen and the time in, complete files out.

use std::collections::HashMap;
use std::ffi::OsString;
use std::time::Duration;

/// How a writer shows that a file is complete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Complete {
    /// Size and time have not changed for so long. A writer that pauses for longer must use another way: write under
    /// an ignored name and rename, or write a marker.
    Quiet(Duration),
    /// A file of the same name with this ending stands beside it, and is not older than it.
    Marker(String),
}

/// A file as it was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Its name.
    pub name: OsString,
    /// Its size.
    pub bytes: u64,
    /// When it was written last, in milliseconds since 1970.
    pub modified_ms: i64,
}

/// What a look at the folder gave.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Look {
    /// The complete files, oldest first.
    pub complete: Vec<Seen>,
    /// When to look again, in the caller's milliseconds; none where only a change can make more files complete.
    pub again_ms: Option<u64>,
}

/// Remembers what was seen when.
#[derive(Debug)]
pub struct Settle {
    complete: Complete,
    ignored: Vec<String>,
    since: HashMap<OsString, (u64, i64, u64)>,
}

impl Settle {
    /// `ignored` are endings of names that are never looked at, besides names that begin with `.` or `~`.
    pub fn new(complete: Complete, ignored: Vec<String>) -> Self {
        Self {
            complete,
            ignored,
            since: HashMap::new(),
        }
    }

    /// Whether a file of this name is none of ours: hidden, half-written by convention, or a marker.
    pub fn ignores(&self, name: &str) -> bool {
        let marker = matches!(&self.complete, Complete::Marker(end) if name.ends_with(end.as_str()));
        let ends = |end: &String| name.ends_with(end.as_str());
        marker || name.starts_with(['.', '~']) || self.ignored.iter().any(ends)
    }

    /// All files of the folder as they are now.
    pub fn look(&mut self, files: Vec<Seen>, now_ms: u64) -> Look {
        let markers = self.markers(&files);
        let files: Vec<Seen> = files
            .into_iter()
            .filter(|file| !self.ignores(&file.name.to_string_lossy()))
            .collect();
        self.since
            .retain(|name, _| files.iter().any(|file| file.name == *name));
        let mut look = Look::default();
        for file in files {
            let is_complete = match &self.complete {
                Complete::Marker(_) => markers
                    .get(&file.name)
                    .is_some_and(|marker| *marker >= file.modified_ms),
                Complete::Quiet(quiet) => {
                    let now = (file.bytes, file.modified_ms, now_ms);
                    let seen = self.since.entry(file.name.clone()).or_insert(now);
                    if (seen.0, seen.1) != (file.bytes, file.modified_ms) {
                        *seen = now;
                    }
                    let ready = seen.2 + u64::try_from(quiet.as_millis()).unwrap_or(u64::MAX / 2);
                    if ready > now_ms {
                        look.again_ms = Some(look.again_ms.map_or(ready, |again| again.min(ready)));
                    }
                    ready <= now_ms
                }
            };
            if is_complete {
                look.complete.push(file);
            }
        }
        look.complete
            .sort_by(|a, b| (a.modified_ms, &a.name).cmp(&(b.modified_ms, &b.name)));
        look
    }

    /// The names that have a marker, and its time.
    fn markers(&self, files: &[Seen]) -> HashMap<OsString, i64> {
        let Complete::Marker(end) = &self.complete else {
            return HashMap::new();
        };
        let of = |file: &Seen| {
            let name = file.name.to_str()?.strip_suffix(end.as_str())?;
            Some((OsString::from(name), file.modified_ms))
        };
        files.iter().filter_map(of).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(name: &str, bytes: u64, modified_ms: i64) -> Seen {
        Seen {
            name: name.into(),
            bytes,
            modified_ms,
        }
    }

    fn quiet() -> Settle {
        Settle::new(Complete::Quiet(Duration::from_millis(100)), vec![".tmp".into()])
    }

    #[test]
    fn a_file_is_complete_when_neither_size_nor_time_changed_for_long_enough() {
        let mut settle = quiet();
        assert_eq!(settle.look(vec![seen("a", 1, 5)], 0).again_ms, Some(100));
        assert_eq!(settle.look(vec![seen("a", 2, 5)], 90).again_ms, Some(190));
        assert_eq!(settle.look(vec![seen("a", 2, 6)], 189).again_ms, Some(289));
        let look = settle.look(vec![seen("a", 2, 6)], 289);
        assert_eq!((look.complete, look.again_ms), (vec![seen("a", 2, 6)], None));
    }

    #[test]
    fn a_file_that_was_away_must_settle_again() {
        let mut settle = quiet();
        settle.look(vec![seen("a", 1, 5)], 0);
        settle.look(vec![], 50);
        assert_eq!(settle.look(vec![seen("a", 1, 5)], 100).complete, []);
    }

    #[test]
    fn complete_files_come_oldest_first() {
        let mut settle = quiet();
        let files = || vec![seen("c", 1, 7), seen("b", 1, 5), seen("a", 1, 7)];
        settle.look(files(), 0);
        let names: Vec<OsString> = settle
            .look(files(), 100)
            .complete
            .into_iter()
            .map(|f| f.name)
            .collect();
        assert_eq!(names, ["b", "a", "c"]);
    }

    #[test]
    fn hidden_and_half_written_names_are_not_looked_at() {
        let mut settle = quiet();
        let files = || {
            vec![
                seen(".a.csv", 1, 1),
                seen("~a.csv", 1, 1),
                seen("a.csv.tmp", 1, 1),
            ]
        };
        settle.look(files(), 0);
        assert_eq!(settle.look(files(), 1000), Look::default());
    }

    #[test]
    fn with_markers_a_file_waits_for_its_own_and_an_old_one_does_not_count() {
        let mut settle = Settle::new(Complete::Marker(".ok".into()), Vec::new());
        assert_eq!(settle.look(vec![seen("a", 1, 10)], 0), Look::default());
        assert_eq!(
            settle.look(vec![seen("a", 1, 10), seen("a.ok", 0, 9)], 0),
            Look::default()
        );
        let look = settle.look(vec![seen("a", 1, 10), seen("a.ok", 0, 10)], 0);
        assert_eq!(look.complete, [seen("a", 1, 10)]);
    }
}
