//! Beginning a new epoch, and moving rows into it.

use rusqlite::Connection;

use super::epochs::{self, Age};
use super::keys::{self, Captured, Open};
use super::learn;
use super::log::{Gone, Kept, Log, Tip};
use super::place::place;
use super::seal::Growth;
use super::sets::Kind;
use crate::envelope::Envelope;
use crate::ident::{AgentId, Epoch, Lane, MessageId, Stamp};
use crate::outcome::Outcome;
use crate::store::StoreError;

/// Ends the growing epoch and begins `new`. Refused where `new` was used before: positions would be given twice.
pub(super) fn begin(
    connection: &Connection,
    growth: &Growth,
    new: Epoch,
    why: &str,
) -> Result<Growth, StoreError> {
    if epochs::named(connection, new)?.is_some() {
        return Err(StoreError::Misuse(format!("the epoch {new} was used before")));
    }
    epochs::close(connection, growth.age, &growth.tips)?;
    let age = epochs::begin(connection, new, why)?;
    Ok(Growth::first(age))
}

/// A row that has to move.
struct Mover<'c> {
    log: Log<'c>,
    kept: Kept,
    envelope: Envelope,
    captured: Captured,
}

/// Moves these rows to the end of the growing epoch, in their order of capture.
pub(super) fn move_rows(
    connection: &Connection,
    agent: &AgentId,
    growth: &mut Growth,
    moved: &[Stamp],
    at_ms: u64,
) -> Result<(), StoreError> {
    let mut movers = Vec::with_capacity(moved.len());
    for stamp in moved {
        movers.extend(mover(connection, stamp, growth.age)?);
    }
    movers.sort_by_key(|mover| mover.captured);
    movers.dedup_by_key(|mover| mover.captured);
    for mover in movers {
        move_one(connection, agent, growth, mover, at_ms)?;
    }
    Ok(())
}

/// The row of this stamp, unless it is settled, gone, damaged or in the growing epoch already.
fn mover<'c>(
    connection: &'c Connection,
    stamp: &Stamp,
    growing: Age,
) -> Result<Option<Mover<'c>>, StoreError> {
    let age = epochs::named(connection, stamp.position.epoch)?;
    let Some(age) = age.filter(|age| *age != growing) else {
        return Ok(None);
    };
    let log = Log::of(connection, stamp.position.lane, age);
    for kind in [Kind::Settled, Kind::Damaged] {
        if log.set(kind).has(stamp.position.sequence)? {
            return Ok(None);
        }
    }
    let Some(kept) = log.get(stamp.position.sequence)? else {
        return Ok(None);
    };
    if kept.gone != Gone::Not || kept.digest.short() != stamp.digest {
        return Ok(None);
    }
    let Ok(envelope) = Envelope::open(&kept.bytes) else {
        return Ok(None);
    };
    let captured = Captured {
        life: kept.origin.unwrap_or(age.life),
        ordinal: envelope.ordinal,
    };
    Ok(Some(Mover {
        log,
        kept,
        envelope,
        captured,
    }))
}

fn move_one(
    connection: &Connection,
    agent: &AgentId,
    growth: &mut Growth,
    mover: Mover<'_>,
    at_ms: u64,
) -> Result<(), StoreError> {
    let Mover {
        log,
        kept,
        mut envelope,
        captured,
    } = mover;
    envelope.moved_from = Some(envelope.name(Stamp {
        position: log.position(kept.sequence),
        digest: kept.digest.short(),
    }));
    let sealed = envelope
        .seal()
        .map_err(|error| StoreError::Misuse(format!("a row cannot be moved: {error}")))?;
    let new = growth.append(log.lane, sealed, Some(captured));
    let home = Log::of(connection, log.lane, growth.age);
    home.insert(&new)?;
    let by = MessageId::new(agent.clone(), home.position(new.sequence), &new.digest);

    let sequence = kept.sequence;
    log.bury(kept.clone(), Gone::Moved, Vec::new())?;
    log.set(Kind::Moved).add(sequence..=sequence)?;
    let outcome = Outcome::Superseded { by: Some(by) };
    learn::close(connection, &log, &kept, &outcome, at_ms)?;

    let open = Open {
        captured,
        lane: log.lane,
        place: place(growth.age.life, new.sequence),
        digest: new.digest.short(),
    };
    keys::moved(connection, envelope.keys.iter().map(|link| &link.key), open)
}

impl Growth {
    /// An epoch in which nothing was kept yet.
    pub fn first(age: Age) -> Self {
        let tips = Lane::ALL.map(|lane| Tip::origin(age.epoch, lane));
        Self {
            age,
            tips,
            ordinal: 1,
        }
    }
}
