//! Sources' own ids: what was kept under each, so that the same piece is recognised and answered as the first time.

use rusqlite::{Connection, OptionalExtension, params};

use super::place::signed;
use crate::codec::binary;
use crate::ident::{Digest, Stamp};
use crate::store::StoreError;
use crate::store::spool::Claim;
use crate::store::sqlite::check::Checksum;

/// What was kept under an id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answer {
    /// The digest of what the source sent under it.
    pub content: Digest,
    /// The messages that it made.
    pub stamps: Vec<Stamp>,
}

/// What was kept under this id of this source.
pub(super) fn get(connection: &Connection, source: &str, id: &str) -> Result<Option<Answer>, StoreError> {
    let sql = "SELECT crc, content, answer FROM claim WHERE source = ? AND id = ?";
    let mut statement = connection.prepare_cached(sql)?;
    let found = statement
        .query_row([source, id], |row| {
            Ok((
                row.get::<_, i64>(0)?,
                row.get::<_, [u8; 32]>(1)?,
                row.get::<_, Vec<u8>>(2)?,
            ))
        })
        .optional()?;
    let Some((crc, content, answer)) = found else {
        return Ok(None);
    };
    let damaged = || StoreError::Damaged(format!("the claim `{id}` of {source} is not what was written"));
    if crc != checksum(source, id, &content, &answer) {
        return Err(damaged());
    }
    let stamps = binary::decode(&answer).map_err(|_| damaged())?;
    Ok(Some(Answer {
        content: Digest(content),
        stamps,
    }))
}

/// Every source that has a claim; found without a look at each claim.
pub(super) fn sources(connection: &Connection) -> Result<Vec<String>, StoreError> {
    let mut statement = connection.prepare_cached("SELECT min(source) FROM claim WHERE source > ?")?;
    let (mut sources, mut last) = (Vec::new(), String::new());
    while let Some(next) = statement.query_row([&last], |row| row.get::<_, Option<String>>(0))? {
        sources.push(next.clone());
        last = next;
    }
    Ok(sources)
}

/// Keeps what was made of a claim, at this running time.
pub(super) fn put(
    connection: &Connection,
    claim: &Claim,
    stamps: &[Stamp],
    at_ms: u64,
) -> Result<(), StoreError> {
    let answer = binary::encode(&stamps).map_err(|error| StoreError::Misuse(error.to_string()))?;
    let crc = checksum(&claim.source, &claim.id, &claim.content.0, &answer);
    let sql = "INSERT INTO claim (source, id, at, crc, content, answer) VALUES (?, ?, ?, ?, ?, ?)";
    let row = params![
        claim.source,
        claim.id,
        signed(at_ms),
        crc,
        claim.content.0,
        answer
    ];
    connection.prepare_cached(sql)?.execute(row)?;
    Ok(())
}

/// Looks at this many claims behind `cursor`, forgets those from before `horizon_ms`, and says where it stopped (none
/// at the end) and how many went. So no index by age is needed, and an old claim may stay for a round longer.
pub(super) fn sweep(
    connection: &Connection,
    cursor: Option<(String, String)>,
    count: usize,
    horizon_ms: u64,
) -> Result<(Option<(String, String)>, u64), StoreError> {
    let (source, id) = cursor.unwrap_or_default();
    let sql = "SELECT source, id, at FROM claim WHERE (source, id) > (?, ?) ORDER BY source, id LIMIT ?";
    let mut statement = connection.prepare_cached(sql)?;
    let seen = statement
        .query_map(params![source, id, signed(count as u64)], |row| {
            Ok(((row.get(0)?, row.get(1)?), row.get::<_, i64>(2)?))
        })?
        .collect::<Result<Vec<((String, String), i64)>, _>>()?;
    let mut forget = connection.prepare_cached("DELETE FROM claim WHERE source = ? AND id = ?")?;
    let mut gone = 0;
    for ((source, id), at_ms) in &seen {
        if at_ms.unsigned_abs() < horizon_ms {
            forget.execute([source, id])?;
            gone += 1;
        }
    }
    let stopped = (seen.len() == count).then(|| seen.into_iter().next_back().map(|(name, _)| name));
    Ok((stopped.flatten(), gone))
}

fn checksum(source: &str, id: &str, content: &[u8], answer: &[u8]) -> i64 {
    Checksum::default()
        .bytes(source.as_bytes())
        .bytes(id.as_bytes())
        .bytes(content)
        .bytes(answer)
        .value()
}
