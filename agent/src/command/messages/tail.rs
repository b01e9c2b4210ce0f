//! `messages tail`: new messages as they are kept.
//!
//! Asks the store a few times a second: a reader needs nothing from the service, and works while it stands.

use std::collections::HashSet;
use std::thread::sleep;
use std::time::Duration;

use millrace_shared::exit::Exit;
use millrace_shared::ident::Position;
use millrace_shared::print::{self, Style, say};
use millrace_shared::store::sqlite::spool::{Entry, Filter};

use super::list::newest;
use crate::command::entry::Shown;
use crate::command::{CommandError, open_store};
use crate::config::Config;

/// How often the store is asked.
const EVERY: Duration = Duration::from_millis(500);

/// Most messages of one answer.
const PAGE: usize = 500;

/// Prints the last ones and then new ones, until interrupted or until `count` were printed.
pub fn tail(
    config: &Config,
    style: Style,
    filter: &Filter,
    last: usize,
    count: Option<u64>,
) -> Result<Exit, CommandError> {
    let reader = open_store(config)?;
    let mut cursor = reader.end()?;
    // Read after the cursor was taken, so nothing is missed; what both give is printed once.
    let (first, _) = newest(&reader, filter, last)?;
    let known: HashSet<Position> = first.iter().map(|entry| entry.position).collect();
    let mut left = count.unwrap_or(u64::MAX);
    let mut print = |entries: &[Entry], new: bool| -> Result<bool, CommandError> {
        for entry in entries {
            if left == 0 {
                break;
            }
            if new && known.contains(&entry.position) {
                continue;
            }
            say(&line(style, &Shown::of(entry, reader.agent())))?;
            left -= 1;
        }
        Ok(left > 0)
    };
    let mut goes_on = print(&first, false)?;
    while goes_on {
        let page = reader.list(filter, &cursor, PAGE)?;
        cursor = page.cursor;
        goes_on = print(&page.entries, true)?;
        if goes_on && !page.more {
            sleep(EVERY);
        }
    }
    Ok(Exit::Done)
}

/// Columns of fixed width: what is printed first does not know what will follow.
fn line(style: Style, shown: &Shown) -> String {
    if style == Style::Json {
        return print::json(shown);
    }
    let dash = || "-".to_owned();
    let what = shown.missing.clone().or(shown.kind.clone()).unwrap_or_else(dash);
    let captured = shown.captured.clone().unwrap_or_else(dash);
    let source = shown.source.clone().unwrap_or_else(dash);
    let (state, keys, id) = (shown.standing(), shown.keys.join(" "), &shown.id);
    format!("{captured:<25}  {what:<18}  {source:<12}  {state:<8}  {keys}  {id}\n")
}
