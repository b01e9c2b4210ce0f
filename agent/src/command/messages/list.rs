//! `messages list`: the newest messages that pass a filter, newest last.

use millrace_shared::exit::Exit;
use millrace_shared::print::{Style, listing, say};
use millrace_shared::store::StoreError;
use millrace_shared::store::sqlite::spool::{Cursor, Entry, Filter, Order, SqliteSpoolReader};

use crate::command::entry::Shown;
use crate::command::{CommandError, open_store};
use crate::config::Config;

/// Prints at most `limit` messages.
pub fn list(config: &Config, style: Style, filter: &Filter, limit: usize) -> Result<Exit, CommandError> {
    let reader = open_store(config)?;
    let (entries, more) = newest(&reader, filter, limit)?;
    let rows: Vec<Shown> = entries
        .iter()
        .map(|entry| Shown::of(entry, reader.agent()))
        .collect();
    say(&listing(style, &rows, "no message passes this filter"))?;
    if more && style == Style::Table {
        eprintln!("older ones are left out: raise --limit, or narrow the filter");
    }
    Ok(Exit::Done)
}

/// The newest that pass, oldest of them first, and whether there may be more.
pub(crate) fn newest(
    reader: &SqliteSpoolReader,
    filter: &Filter,
    limit: usize,
) -> Result<(Vec<Entry>, bool), StoreError> {
    let mut cursor: Cursor = reader.begin(Order::NewestFirst)?;
    let (mut found, mut more) = (Vec::new(), true);
    while more && found.len() < limit {
        let page = reader.list(filter, &cursor, limit - found.len())?;
        found.extend(page.entries);
        (cursor, more) = (page.cursor, page.more);
    }
    // A page that is full does not know whether another one follows.
    if more {
        let next = reader.list(filter, &cursor, 1)?;
        more = next.more || !next.entries.is_empty();
    }
    found.reverse();
    Ok((found, more))
}
