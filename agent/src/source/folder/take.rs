//! One file, from its first byte to its shelf. Every step may be done again after a crash.

use std::ffi::OsStr;
use std::io;
use std::path::Path;
use std::sync::Arc;

use millrace_shared::ident::Digest;
use millrace_shared::message::Kind;
use millrace_shared::store::spool::{Claim, Intake};
use tokio::fs::File;
use tokio::io::AsyncReadExt;
use tokio_util::sync::CancellationToken;

use super::lines::reason;
use super::settle::{Complete, Seen};
use super::shelf::Shelf;
use super::{FolderSettings, modified_ms};
use crate::convert::file::{self, Format, Lines};
use crate::convert::form::FormError;
use crate::source::keep::{Keep, Now, keep_one};
use crate::source::tally::{Count, Tally};

/// What became of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Taken {
    /// All its messages are kept.
    Done {
        /// How many.
        lines: usize,
    },
    /// Some of its messages are kept.
    Partly {
        /// How many.
        lines: usize,
        /// How many are not.
        rejected: usize,
    },
    /// Nothing of it was taken.
    Rejected {
        /// Why.
        why: String,
    },
}

/// Why a file stays where it is. Transient: it is tried again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wait {
    /// The service stops.
    Stopped,
    /// The store takes nothing now, from no file.
    Store(String),
    /// This file cannot be read or moved now, or is being written.
    File(String),
}

impl From<io::Error> for Wait {
    fn from(error: io::Error) -> Self {
        Wait::File(error.to_string())
    }
}

/// Takes files of a folder.
pub struct Taker<K> {
    pub settings: Arc<FolderSettings>,
    pub shelf: Shelf,
    pub keep: K,
    pub now: Now,
    pub tally: Arc<Tally>,
}

impl<K: Keep> Taker<K> {
    /// Takes a complete file.
    pub async fn take(&self, seen: &Seen, stop: &CancellationToken) -> Result<Taken, Wait> {
        let name = seen.name.to_string_lossy();
        if seen.bytes > self.settings.file_bytes_max {
            self.tally.add(Count::TooLong);
            let most = self.settings.file_bytes_max;
            return self
                .reject(seen, format!("it has {} bytes, more than {most}", seen.bytes))
                .await;
        }
        let Some(format) = Format::of(&name) else {
            return self
                .reject(
                    seen,
                    "its name must end in .csv, .json, .jsonl or .ndjson".to_owned(),
                )
                .await;
        };
        let bytes = self.read(seen).await?;
        // Seconds, because network drives round times.
        let seconds = seen.modified_ms.div_euclid(1000);
        let identity = format!("file:{name}:{seconds}:{}", Digest::of(&bytes));
        let finished = format!("{identity}:done");
        let store = |error: crate::source::KeepError| Wait::Store(error.to_string());
        if self
            .keep
            .claimed(&self.settings.name, &finished)
            .await
            .map_err(store)?
            .is_some()
        {
            let why =
                "this very file was taken in before, and is in done/: nothing was booked again".to_owned();
            return self.reject(seen, why).await;
        }
        let kind = self.settings.kind.map(Kind::name);
        let lines = match file::read(
            &bytes,
            format,
            self.settings.dialect,
            kind,
            self.settings.lines_max,
        ) {
            Ok(lines) => lines,
            Err(error) => return self.reject(seen, error.to_string()).await,
        };
        let bad = self.keep_lines(&identity, &lines.lines, stop).await?;
        let taken = self.shelve(seen, &lines, &bad).await?;
        self.forget_marker(&seen.name).await;
        if !matches!(taken, Taken::Rejected { .. }) {
            self.finish(finished).await;
        }
        Ok(taken)
    }

    /// The file's bytes, if it still is as it was when it was found complete.
    async fn read(&self, seen: &Seen) -> Result<Vec<u8>, Wait> {
        let mut file = File::open(self.settings.folder.join(&seen.name)).await?;
        let mut bytes = Vec::with_capacity(usize::try_from(seen.bytes).unwrap_or(0));
        (&mut file)
            .take(self.settings.file_bytes_max + 1)
            .read_to_end(&mut bytes)
            .await?;
        let metadata = file.metadata().await?;
        let same = metadata.len() == seen.bytes && modified_ms(&metadata) == seen.modified_ms;
        if same && bytes.len() as u64 == seen.bytes {
            Ok(bytes)
        } else {
            Err(Wait::File("it is being written".to_owned()))
        }
    }

    async fn shelve(
        &self,
        seen: &Seen,
        lines: &Lines<'_>,
        bad: &[(usize, FormError)],
    ) -> Result<Taken, Wait> {
        let name = &seen.name;
        let (all, rejected) = (lines.lines.len(), bad.len());
        self.tally.add_many(Count::Arrived, all as u64);
        self.tally.add_many(Count::Refused, rejected as u64);
        if rejected < all && self.has_changed(seen).await? {
            let why = format!(
                "it was written to after it seemed complete. {} of the {all} lines that it had are kept: put what is \
                 new into a new file, and write under another name until a file is complete",
                all - rejected
            );
            self.shelf.rejected(name, &reason(name, &why, lines, bad)).await?;
            self.tally.add(Count::FileRejected);
            return Ok(Taken::Rejected { why });
        }
        if rejected == 0 {
            self.shelf.done(name).await?;
            self.tally.add(Count::FileDone);
            return Ok(Taken::Done { lines: all });
        }
        self.tally.add(Count::FileRejected);
        if rejected == all {
            let why = format!("none of its {all} lines could be taken");
            self.shelf.rejected(name, &reason(name, &why, lines, bad)).await?;
            return Ok(Taken::Rejected { why });
        }
        let extract = lines.extract(bad.iter().map(|(index, _)| &lines.lines[*index]));
        let tell = |place: &Path| {
            let own = place.file_name().unwrap_or_default().to_string_lossy();
            let why = format!(
                "{rejected} of its {all} lines could not be taken, the others are kept and the file is in done/. The \
                 rejected lines alone stand here as {own}: mend them there, and drop that file again"
            );
            reason(name, &why, lines, bad)
        };
        self.shelf.rejected_lines(name, &extract, tell).await?;
        self.shelf.done(name).await?;
        let lines = all - rejected;
        Ok(Taken::Partly { lines, rejected })
    }

    async fn has_changed(&self, seen: &Seen) -> io::Result<bool> {
        let metadata = tokio::fs::metadata(self.settings.folder.join(&seen.name)).await?;
        Ok(metadata.len() != seen.bytes || modified_ms(&metadata) != seen.modified_ms)
    }

    async fn reject(&self, seen: &Seen, why: String) -> Result<Taken, Wait> {
        let name = seen.name.to_string_lossy();
        self.shelf
            .rejected(&seen.name, &format!("{name} was not taken: {why}\n"))
            .await?;
        self.tally.add(Count::FileRejected);
        self.forget_marker(&seen.name).await;
        Ok(Taken::Rejected { why })
    }

    /// Notes that the file is on its shelf, so that it is told apart if it is dropped once more. Without the note it
    /// would be taken for one that a crash interrupted, which books nothing twice either.
    async fn finish(&self, id: String) {
        let claim = Claim {
            source: self.settings.name.clone(),
            content: Digest::of(id.as_bytes()),
            id,
        };
        let note = Intake {
            claim: Some(claim),
            ..Intake::default()
        };
        if let Err(error) = keep_one(&self.keep, note).await {
            tracing::debug!(source = self.settings.name, %error, "a file's end was not noted");
        }
    }

    async fn forget_marker(&self, name: &OsStr) {
        if let Complete::Marker(end) = &self.settings.complete {
            let mut marker = name.to_owned();
            marker.push(end);
            // It may be gone already; an old one does not count for a new file.
            let _ = tokio::fs::remove_file(self.settings.folder.join(marker)).await;
        }
    }
}
