//! Keeping intakes: all that came together in one transaction, each judged by itself.

use rusqlite::{Connection, params};

use super::claims;
use super::epochs::Age;
use super::keys::{self, Open};
use super::log::Log;
use super::place::{place, signed};
use super::quota::{Budget, row_cost, small_cost};
use super::seal::{Growth, Ready, SealError};
use crate::codec::binary;
use crate::envelope::Draft;
use crate::ident::{AgentId, Lane, MessageId, Stamp};
use crate::limit;
use crate::store::StoreError;
use crate::store::spool::{Claim, DialogueChange, Intake, Scan, Verdict};
use crate::store::spool::{INTAKE_BYTES, INTAKE_DRAFTS, NAME_BYTES, STATE_BYTES};
use crate::store::sqlite::check::Checksum;

/// One transaction's worth of intakes.
pub(super) struct Batch<'t> {
    pub connection: &'t Connection,
    pub agent: &'t AgentId,
    pub ages: &'t [Age],
    pub growth: Growth,
    pub budget: Budget,
    pub at_ms: u64,
    /// Why an intake of this batch was full. Those behind it are full too: what is tried again must not land behind
    /// its successor.
    pub full: Option<String>,
}

impl Batch<'_> {
    /// Judges an intake and, if it can be, keeps it.
    pub fn take(&mut self, intake: &Intake) -> Result<Verdict, StoreError> {
        if let Some(reason) = too_large(intake) {
            return Ok(Verdict::Refused(reason));
        }
        if let Some(claim) = &intake.claim
            && let Some(answer) = claims::get(self.connection, &claim.source, &claim.id)?
        {
            let names = self.names(&answer.stamps);
            return Ok(match answer.content == claim.content {
                true => Verdict::Known(names),
                false => Verdict::Conflict(names),
            });
        }
        if let Some(full) = &self.full {
            return Ok(Verdict::Full(full.clone()));
        }
        let mut growth = self.growth;
        let ready = match growth.seal(self.connection, self.ages, &intake.drafts) {
            Ok(ready) => ready,
            Err(SealError::Refused(error)) => return Ok(Verdict::Refused(error.to_string())),
            Err(SealError::Store(error)) => return Err(error),
        };
        let size: u64 = ready.iter().map(|row| row.kept.size).sum();
        if size > INTAKE_BYTES {
            let text = format!("it has {size} bytes, more than {INTAKE_BYTES} at once: split it");
            return Ok(Verdict::Refused(text));
        }
        if let Err(full) = self.budget.take(urgency(&intake.drafts), cost(intake, &ready)) {
            self.full = Some(full.clone());
            return Ok(Verdict::Full(full));
        }
        self.growth = growth;
        self.write(intake, &ready)
    }

    fn write(&self, intake: &Intake, ready: &[Ready]) -> Result<Verdict, StoreError> {
        let age = self.growth.age;
        for row in ready {
            Log::of(self.connection, row.lane, age).insert(&row.kept)?;
            let open = Open {
                captured: row.captured,
                lane: row.lane,
                place: place(age.life, row.kept.sequence),
                digest: row.kept.digest.short(),
            };
            keys::put(self.connection, &row.keys, open)?;
        }
        let stamps: Vec<Stamp> = ready.iter().map(|row| row.stamp(age)).collect();
        if let Some(claim) = &intake.claim {
            claims::put(self.connection, claim, &stamps, self.at_ms)?;
        }
        if let Some(scan) = &intake.scan {
            keep_scan(self.connection, scan, self.at_ms)?;
        }
        if let Some(change) = &intake.dialogue {
            keep_dialogue(self.connection, change)?;
        }
        Ok(Verdict::Kept(self.names(&stamps)))
    }

    fn names(&self, stamps: &[Stamp]) -> Vec<MessageId> {
        stamps.iter().map(|stamp| stamp.of(self.agent)).collect()
    }
}

/// What is checked before anything is read: the sizes of what a source chose.
fn too_large(intake: &Intake) -> Option<String> {
    let over = |what: &str, size: usize, most: usize| {
        (size > most).then(|| format!("{what} has {size} bytes, more than {most}"))
    };
    if intake.drafts.len() > INTAKE_DRAFTS {
        let count = intake.drafts.len();
        return Some(format!(
            "it has {count} messages, more than {INTAKE_DRAFTS} at once: split it"
        ));
    }
    let claim = intake.claim.as_ref().and_then(|Claim { source, id, .. }| {
        over("the source's name", source.len(), NAME_BYTES).or(over("the source's id", id.len(), NAME_BYTES))
    });
    let scan = intake.scan.as_ref().and_then(|scan| {
        over("the station's name", scan.station.len(), NAME_BYTES)
            .or(over("the connection's name", scan.connection.len(), NAME_BYTES))
            .or(over("the scan", scan.raw.len(), limit::RAW_BYTES))
    });
    let dialogue = intake.dialogue.as_ref().and_then(|change| {
        let state = change.state.as_ref().map_or(0, Vec::len);
        over("the station's name", change.station.len(), NAME_BYTES)
            .or(over("the connection's name", change.connection.len(), NAME_BYTES))
            .or(over("the dialogue", state, STATE_BYTES))
    });
    claim.or(scan).or(dialogue)
}

/// The lane whose share of the quota it takes.
fn urgency(drafts: &[Draft]) -> Lane {
    drafts.iter().map(Draft::lane).min().unwrap_or(Lane::Normal)
}

fn cost(intake: &Intake, ready: &[Ready]) -> u64 {
    let rows: u64 = ready
        .iter()
        .map(|row| row_cost(row.kept.size, row.keys.len()))
        .sum();
    let claim = intake
        .claim
        .iter()
        .map(|claim| small_cost(claim.id.len() + 32 * (2 + ready.len())));
    let scan = intake
        .scan
        .iter()
        .map(|scan| small_cost(scan.raw.len() + scan.station.len()));
    let states = intake.dialogue.iter().filter_map(|change| change.state.as_ref());
    let dialogue = states.map(|state| small_cost(state.len()));
    rows + claim.chain(scan).chain(dialogue).sum::<u64>()
}

fn keep_scan(connection: &Connection, scan: &Scan, at_ms: u64) -> Result<(), StoreError> {
    let row = (&scan.station, &scan.connection, scan.moment, &scan.raw);
    let bytes = binary::encode(&row).map_err(|error| StoreError::Misuse(error.to_string()))?;
    connection
        .prepare_cached("INSERT INTO scan (at, scan) VALUES (?, ?)")?
        .execute(params![signed(at_ms), bytes])?;
    Ok(())
}

fn keep_dialogue(connection: &Connection, change: &DialogueChange) -> Result<(), StoreError> {
    let DialogueChange {
        station,
        connection: name,
        state,
    } = change;
    let Some(state) = state else {
        let sql = "DELETE FROM dialogue WHERE station = ? AND connection = ?";
        connection.prepare_cached(sql)?.execute([station, name])?;
        return Ok(());
    };
    let sql = "INSERT INTO dialogue (station, connection, crc, state) VALUES (?, ?, ?, ?) \
               ON CONFLICT (station, connection) DO UPDATE SET crc = excluded.crc, state = excluded.state";
    let crc = dialogue_checksum(station, name, state);
    connection
        .prepare_cached(sql)?
        .execute(params![station, name, crc, state])?;
    Ok(())
}

pub(super) fn dialogue_checksum(station: &str, connection: &str, state: &[u8]) -> i64 {
    Checksum::default()
        .bytes(station.as_bytes())
        .bytes(connection.as_bytes())
        .bytes(state)
        .value()
}
