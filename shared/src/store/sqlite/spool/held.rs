//! What is stored at the other end and waits behind a dead letter of one of its keys, as far as this end can tell.
//!
//! Found by walking from the dead rows along their keys, so the cost is that of what is held, not of the backlog. What
//! the other end holds for reasons of its own (a review, a period, missing stock) is not known here.

use std::collections::{HashMap, HashSet, VecDeque};

use rusqlite::{Connection, params};

use super::epochs::{self, Age};
use super::keys::Captured;
use super::log::Log;
use super::place::{life_of, sequence_of, signed};
use super::sets::Kind as Standing;
use crate::envelope::Envelope;
use crate::ident::Lane;
use crate::message::{Behind, Key, Kind};
use crate::store::StoreError;

/// Most rows that are looked at; where there are more, [`Held::at_least`] is set.
const LOOKS: usize = 20_000;

/// How many messages wait behind dead letters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Held {
    /// By lane, in the order of [`Lane::ALL`].
    pub lanes: [u64; 3],
    /// Whether the count stopped at its bound, so that there may be more.
    pub at_least: bool,
}

impl Held {
    /// Those of this lane.
    pub fn of(&self, lane: Lane) -> u64 {
        self.lanes[usize::from(lane.number())]
    }
}

/// A row's lane and place.
type Spot = (u8, i64);

/// Counts them.
pub(super) fn held(connection: &Connection) -> Result<Held, StoreError> {
    let dead = dead(connection)?;
    let mut walk = Walk {
        connection,
        ages: epochs::all(connection)?,
        seen: dead.iter().copied().collect(),
        ahead: dead.iter().copied().collect(),
        walked: HashMap::new(),
        held: Held::default(),
    };
    let dead: HashSet<Spot> = dead.into_iter().collect();
    for _ in 0..LOOKS {
        let Some(spot) = walk.ahead.pop_front() else {
            return Ok(walk.held);
        };
        walk.visit(spot, dead.contains(&spot))?;
    }
    walk.held.at_least = !walk.ahead.is_empty();
    Ok(walk.held)
}

fn dead(connection: &Connection) -> Result<Vec<Spot>, StoreError> {
    let mut statement = connection.prepare_cached("SELECT lane, place FROM dead LIMIT ?")?;
    let rows = statement.query_map([signed(LOOKS as u64)], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

struct Walk<'c> {
    connection: &'c Connection,
    ages: Vec<Age>,
    seen: HashSet<Spot>,
    ahead: VecDeque<Spot>,
    /// From where on each key was walked already.
    walked: HashMap<Key, Captured>,
    held: Held,
}

impl Walk<'_> {
    fn visit(&mut self, spot: Spot, is_dead: bool) -> Result<(), StoreError> {
        let age = self.ages.iter().find(|age| age.life == life_of(spot.1));
        let (Some(lane), Some(age)) = (Lane::from_number(spot.0), age.copied()) else {
            return Ok(());
        };
        let log = Log::of(self.connection, lane, age);
        let row = match log.get(sequence_of(spot.1)) {
            Ok(Some(row)) => row,
            Ok(None) | Err(StoreError::DamagedRow { .. }) => return Ok(()),
            Err(error) => return Err(error),
        };
        let Ok(envelope) = Envelope::open(&row.bytes) else {
            return Ok(());
        };
        let rules = envelope.kind.parse::<Kind>().ok().map(Kind::rules);
        if is_dead && rules.is_some_and(|rules| rules.behind == Behind::Pass) {
            return Ok(());
        }
        if !is_dead {
            if rules.is_some_and(|rules| !rules.waits) {
                return Ok(());
            }
            if log.set(Standing::Stored).has(row.sequence)? {
                self.held.lanes[usize::from(spot.0)] += 1;
            }
        }
        let captured = Captured {
            life: row.origin.unwrap_or(age.life),
            ordinal: envelope.ordinal,
        };
        envelope
            .keys
            .into_iter()
            .try_for_each(|link| self.go_behind(link.key, captured))
    }

    fn go_behind(&mut self, key: Key, from: Captured) -> Result<(), StoreError> {
        if self.walked.get(&key).is_some_and(|walked| *walked <= from) {
            return Ok(());
        }
        let sql = "SELECT lane, place FROM open_key WHERE key = ? AND (life, ordinal) > (?, ?) \
                   ORDER BY life, ordinal LIMIT ?";
        let mut statement = self.connection.prepare_cached(sql)?;
        let bounds = params![
            key.as_str(),
            from.life,
            signed(from.ordinal),
            signed(LOOKS as u64)
        ];
        let behind = statement.query_map(bounds, |row| Ok((row.get(0)?, row.get(1)?)))?;
        for spot in behind {
            let spot = spot?;
            if self.seen.insert(spot) {
                self.ahead.push_back(spot);
            }
        }
        self.walked.insert(key, from);
        Ok(())
    }
}
