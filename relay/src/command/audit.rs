//! `audit`: who did what when, and the proof that the record of it is whole.

use millrace_shared::exit::Exit;
use millrace_shared::print::{self, Listed, Style, listing, say};
use millrace_shared::store::StoreError;
use millrace_shared::store::inbox::{AuditRow, InboxView};
use serde::Serialize;
use serde_json::json;

use super::entry::time;
use super::{CommandError, open_store};
use crate::config::Config;

/// A record.
#[derive(Debug, Serialize)]
pub struct Row {
    number: u64,
    at: String,
    who: String,
    what: String,
    subject: String,
    before: String,
    after: String,
    detail: String,
}

impl Row {
    /// As it is shown.
    pub fn of(row: AuditRow) -> Self {
        Self {
            number: row.number,
            at: time(row.at_ms),
            who: row.who,
            what: row.what,
            subject: row.subject,
            before: row.before,
            after: row.after,
            detail: row.detail,
        }
    }
}

impl Listed for Row {
    const TITLES: &'static [&'static str] = &["NUMBER", "WHEN", "WHO", "WHAT", "STATE", "DETAIL", "OF"];

    fn cells(&self) -> Vec<String> {
        let state = match (self.before.as_str(), self.after.as_str()) {
            ("", after) => after.to_owned(),
            (before, after) => format!("{before} → {after}"),
        };
        vec![
            self.number.to_string(),
            self.at.clone(),
            self.who.clone(),
            self.what.clone(),
            state,
            self.detail.clone(),
            self.subject.clone(),
        ]
    }
}

/// Lists records from behind `after`, or the newest.
pub fn list(config: &Config, style: Style, after: Option<u64>, limit: usize) -> Result<Exit, CommandError> {
    let reader = open_store(config)?;
    let after = match after {
        Some(after) => after,
        None => last(&reader)?.saturating_sub(limit as u64),
    };
    let rows: Vec<Row> = reader.audit(after, limit)?.into_iter().map(Row::of).collect();
    say(&listing(style, &rows, "nothing is recorded"))?;
    Ok(Exit::Done)
}

/// The number of the last record. They are without gaps, so it is found by halving.
fn last(reader: &impl InboxView) -> Result<u64, StoreError> {
    let (mut here, mut gone) = (0, i64::MAX as u64);
    while gone - here > 1 {
        let middle = here + (gone - here) / 2;
        match reader.audit(middle - 1, 1)?.is_empty() {
            true => gone = middle,
            false => here = middle,
        }
    }
    Ok(here)
}

/// Walks the whole chain.
pub fn verify(config: &Config, style: Style) -> Result<Exit, CommandError> {
    let (whole, text, head) = match open_store(config)?.audit_verify() {
        Ok(head) => (true, format!("whole: {} records", head.number), Some(head)),
        Err(StoreError::Damaged(text)) => (false, text, None),
        Err(error) => return Err(error.into()),
    };
    let hash = head.map(|head| {
        head.hash
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>()
    });
    say(&match style {
        Style::Json => print::json(&json!({
            "whole": whole, "text": text, "records": head.map(|head| head.number), "hash": hash,
        })),
        Style::Table => match hash {
            Some(hash) => format!(
                "{text}\nlast hash {hash}; noted elsewhere, it proves later that nothing was cut off\n"
            ),
            None => format!("not whole: {text}. Keep a copy of the folder, and find out who wrote to it\n"),
        },
    })?;
    Ok(if whole { Exit::Done } else { Exit::Wrong })
}
