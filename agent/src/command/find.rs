//! Finding messages by what people have in hand: their names, or what their source calls them.

use millrace_shared::ident::MessageId;
use millrace_shared::outcome::Outcome;
use millrace_shared::store::spool::Fate;
use millrace_shared::store::sqlite::spool::{Content, Entry, SqliteSpoolReader};
use millrace_shared::store::{GapKind, StoreError};

use super::CommandError;

/// Most moves from epoch to epoch that are followed.
const MOVES: usize = 32;

/// The message of this name, wherever it was moved; none where it was never here, was pruned, or other content stands
/// at its position.
pub fn by_name(reader: &SqliteSpoolReader, id: &MessageId) -> Result<Option<Entry>, StoreError> {
    let mut id = id.clone();
    for _ in 0..MOVES {
        let Some(entry) = reader.get(id.position)? else {
            return Ok(None);
        };
        if entry.digest.is_some_and(|digest| digest.short() != id.digest) {
            return Ok(None);
        }
        match (&entry.content, &entry.fate) {
            (Content::Gone(GapKind::Moved), Some(Fate::Settled(Outcome::Superseded { by: Some(by) }))) => {
                id = by.clone();
            }
            _ => return Ok(Some(entry)),
        }
    }
    Ok(None)
}

/// As [`by_name`], from what a person typed; an error that says what to do where there is no such message.
pub fn named(reader: &SqliteSpoolReader, text: &str) -> Result<Entry, CommandError> {
    let missing = |why: String| CommandError::NotFound(why);
    let id: MessageId = text.parse().map_err(|_| {
        missing(format!(
            "`{text}` is no message id. Take one from `millrace-agent messages list`; `millrace-agent trace` also \
             takes what a source calls its message"
        ))
    })?;
    if id.agent != *reader.agent() {
        let (of, here) = (&id.agent, reader.agent());
        return Err(missing(format!(
            "{id} is a message of agent `{of}`; this is the store of `{here}`"
        )));
    }
    by_name(reader, &id)?.ok_or_else(|| {
        missing(format!(
            "{id} is not here: it was never kept, or it settled and was pruned. The relay keeps the audit: \
             `millrace-relay trace {id}`"
        ))
    })
}

/// The messages that are meant: one by its name, or all that a source handed over under an id of its own.
pub fn meant(reader: &SqliteSpoolReader, text: &str) -> Result<Vec<Entry>, CommandError> {
    if text.parse::<MessageId>().is_ok() {
        return Ok(vec![named(reader, text)?]);
    }
    let mut found = Vec::new();
    for (_, ids) in reader.claimed_by_any(text)? {
        for id in ids {
            found.extend(by_name(reader, &id)?);
        }
    }
    if found.is_empty() {
        return Err(CommandError::NotFound(format!(
            "no message has the id `{text}`, and no source handed one over under it (as far as it is remembered)"
        )));
    }
    Ok(found)
}
