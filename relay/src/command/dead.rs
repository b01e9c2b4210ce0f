//! `dead list`: what cannot take effect as it is, or is held; one by one, or counted.

use millrace_shared::exit::Exit;
use millrace_shared::print::{Listed, Style, listing, say};
use millrace_shared::store::inbox::{Filter, GroupBy, InboxView, PAGE};
use serde::Serialize;

use super::entry::Shown;
use super::{CommandError, open_store};
use crate::config::Config;

/// Lists those that match, oldest arrival first, at most `limit`.
pub fn list(config: &Config, style: Style, filter: &Filter, limit: usize) -> Result<Exit, CommandError> {
    let reader = open_store(config)?;
    let (mut rows, mut after) = (Vec::new(), None);
    while rows.len() < limit {
        let page = reader.list(filter, after, PAGE.min(limit - rows.len()))?;
        let Some(last) = page.last() else { break };
        after = Some(last.ticket.slot);
        rows.extend(page.iter().map(Shown::of));
    }
    say(&listing(style, &rows, "none"))?;
    Ok(Exit::Done)
}

#[derive(Debug, Serialize)]
struct Count {
    of: String,
    count: u64,
}

impl Listed for Count {
    const TITLES: &'static [&'static str] = &["COUNT", "OF"];

    fn cells(&self) -> Vec<String> {
        let of = if self.of.is_empty() { "-" } else { &self.of };
        vec![self.count.to_string(), of.to_owned()]
    }
}

/// Counts those that match by what they have in common, most first.
pub fn count(config: &Config, style: Style, filter: &Filter, by: GroupBy) -> Result<Exit, CommandError> {
    let counts = open_store(config)?.counts(filter, by)?.into_iter();
    let rows: Vec<Count> = counts.map(|(of, count)| Count { of, count }).collect();
    say(&listing(style, &rows, "none"))?;
    Ok(Exit::Done)
}
