//! The lines of one file: each is kept under its own claim, and what is wrong with one is told beside the file.

use std::ffi::OsStr;
use std::fmt::Write as _;

use millrace_shared::store::spool::{Claim, Intake, Verdict};
use tokio_util::sync::CancellationToken;

use super::take::{Taker, Wait};
use crate::convert::file::{Line, Lines};
use crate::convert::form::{Form, FormError};
use crate::source::keep::Keep;
use crate::source::tally::Count;

/// Lines that are committed together.
const LINES_PER_COMMIT: usize = 256;

impl<K: Keep> Taker<K> {
    /// Keeps the good lines, in their order. Says what is wrong with the others.
    pub async fn keep_lines(
        &self,
        identity: &str,
        lines: &[Line<'_>],
        stop: &CancellationToken,
    ) -> Result<Vec<(usize, FormError)>, Wait> {
        let mut bad = Vec::new();
        let (mut batch, mut indexes) = (Vec::new(), Vec::new());
        for (index, line) in lines.iter().enumerate() {
            match self.intake(identity, line) {
                Ok(intake) => {
                    batch.push(intake);
                    indexes.push(index);
                }
                Err(error) => bad.push((index, error)),
            }
            if batch.len() == LINES_PER_COMMIT || index + 1 == lines.len() {
                if stop.is_cancelled() {
                    return Err(Wait::Stopped);
                }
                let batch = std::mem::take(&mut batch);
                self.commit(batch, &std::mem::take(&mut indexes), &mut bad)
                    .await?;
            }
        }
        bad.sort_by_key(|(index, _)| *index);
        Ok(bad)
    }

    async fn commit(
        &self,
        batch: Vec<Intake>,
        indexes: &[usize],
        bad: &mut Vec<(usize, FormError)>,
    ) -> Result<(), Wait> {
        if batch.is_empty() {
            return Ok(());
        }
        let verdicts = self
            .keep
            .keep(batch)
            .await
            .map_err(|error| Wait::Store(error.to_string()))?;
        for (index, verdict) in indexes.iter().zip(verdicts) {
            match verdict {
                Verdict::Kept(_) => self.tally.add(Count::Kept),
                Verdict::Known(_) => self.tally.add(Count::Already),
                Verdict::Conflict(_) => {
                    self.tally.add(Count::Conflict);
                    let why = "it was used before for other content";
                    bad.push((*index, FormError::new("external_id", why)));
                }
                Verdict::Refused(why) => bad.push((*index, FormError::new(".", why))),
                Verdict::Full(why) => return Err(Wait::Store(why)),
            }
        }
        Ok(())
    }

    fn intake(&self, identity: &str, line: &Line<'_>) -> Result<Intake, FormError> {
        let mut form: Form = line.form.clone()?;
        let settings = &self.settings;
        form.at_station(settings.station.as_deref(), &settings.stations)?;
        let (claim, source_id) = match &form.external_id {
            Some(id) => (format!("external:{id}"), id.clone()),
            None => {
                let claim = format!("{identity}:{}", line.number);
                (claim.clone(), claim)
            }
        };
        Ok(Intake {
            claim: Some(Claim {
                source: settings.name.clone(),
                id: claim,
                content: form.content()?,
            }),
            drafts: vec![form.draft(&settings.name, Some(source_id), (self.now)(), line.bytes)],
            ..Intake::default()
        })
    }
}

/// The text beside a rejected file.
pub fn reason(name: &OsStr, why: &str, lines: &Lines<'_>, bad: &[(usize, FormError)]) -> String {
    let mut text = format!("{}: {why}.\n\n", name.to_string_lossy());
    for (place, (index, error)) in bad.iter().enumerate() {
        let line = &lines.lines[*index];
        let id = line
            .external_id
            .as_ref()
            .map(|id| format!(" ({id})"))
            .unwrap_or_default();
        let field = if error.field == "." {
            String::new()
        } else {
            format!("{}: ", error.field)
        };
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "{}. line {}{id}: {field}{}",
            place + 1,
            line.number,
            error.reason
        );
    }
    text
}
