//! What is stored at the other end and waits behind a dead letter of one of its keys, as far as this end can tell.
//!
//! Found by walking each key of a dead row back from its latest message to that row, and from what lies between likewise,
//! so the cost is that of what is held, not of the backlog. What the other end holds for reasons of its own (a review, a
//! period, missing stock) is not known here.

use std::collections::{HashMap, HashSet, VecDeque};

use rusqlite::Connection;

use super::epochs::{self, Age};
use super::keys::{self, Captured};
use super::log::{Kept, Log};
use super::place::{life_of, place, sequence_of, signed};
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

/// Counts them.
pub(super) fn held(connection: &Connection) -> Result<Held, StoreError> {
    let mut walk = Walk {
        connection,
        ages: epochs::all(connection)?,
        seen: HashSet::new(),
        ahead: VecDeque::new(),
        walked: HashMap::new(),
        looks: 0,
        held: Held::default(),
    };
    walk.begin_at_the_dead()?;
    while let Some((key, from)) = walk.ahead.pop_front() {
        if walk.looks >= LOOKS {
            walk.held.at_least = true;
            break;
        }
        walk.back_to(&key, from)?;
    }
    Ok(walk.held)
}

struct Walk<'c> {
    connection: &'c Connection,
    ages: Vec<Age>,
    /// Lane and place of each row that is dead or was counted.
    seen: HashSet<(u8, i64)>,
    /// Keys that are blocked, each from a capture on.
    ahead: VecDeque<(Key, Captured)>,
    /// From where on each key was walked already.
    walked: HashMap<Key, Captured>,
    looks: usize,
    held: Held,
}

impl Walk<'_> {
    fn begin_at_the_dead(&mut self) -> Result<(), StoreError> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT lane, place FROM dead LIMIT ?")?;
        let rows = statement.query_map([signed(LOOKS as u64)], |row| Ok((row.get(0)?, row.get(1)?)))?;
        for spot in rows {
            let (lane, at): (u8, i64) = spot?;
            self.seen.insert((lane, at));
            let age = self.ages.iter().find(|age| age.life == life_of(at)).copied();
            let (Some(lane), Some(age)) = (Lane::from_number(lane), age) else {
                continue;
            };
            let log = Log::of(self.connection, lane, age);
            let row = match log.get(sequence_of(at)) {
                Ok(Some(row)) => row,
                Ok(None) | Err(StoreError::DamagedRow { .. }) => continue,
                Err(error) => return Err(error),
            };
            let envelope = Envelope::open(&row.bytes).ok();
            if let Some(envelope) = envelope.filter(parks) {
                self.block(&log, &row, &envelope);
            }
        }
        Ok(())
    }

    /// What comes after this row by any of its keys waits.
    fn block(&mut self, log: &Log<'_>, row: &Kept, envelope: &Envelope) {
        let from = captured(log, row, envelope);
        let keys = envelope.keys.iter().map(|link| (link.key.clone(), from));
        self.ahead.extend(keys);
    }

    /// Counts what has this key and was captured after `from`, latest first.
    fn back_to(&mut self, key: &Key, from: Captured) -> Result<(), StoreError> {
        if self.walked.get(key).is_some_and(|walked| *walked <= from) {
            return Ok(());
        }
        self.walked.insert(key.clone(), from);
        let mut link = keys::latest(self.connection, key, &self.ages)?;
        while let Some(stamp) = link.take() {
            self.looks += 1;
            let found = match keys::follow(self.connection, stamp.position) {
                Ok(found) => found,
                Err(StoreError::DamagedRow { .. }) => None,
                Err(error) => return Err(error),
            };
            let Some((log, row)) = found else {
                return Ok(());
            };
            let Ok(envelope) = Envelope::open(&row.bytes) else {
                return Ok(());
            };
            if captured(&log, &row, &envelope) <= from {
                return Ok(());
            }
            if self.looks >= LOOKS {
                self.held.at_least = true;
                return Ok(());
            }
            self.meet(&log, &row, &envelope)?;
            let own = envelope.keys.into_iter().find(|own| own.key == *key);
            link = own.and_then(|own| own.after);
        }
        Ok(())
    }

    fn meet(&mut self, log: &Log<'_>, row: &Kept, envelope: &Envelope) -> Result<(), StoreError> {
        let spot = (log.lane.number(), place(log.age.life, row.sequence));
        let is_settled = log.set(Standing::Settled).has(row.sequence)?;
        if is_settled || !waits(envelope) || !self.seen.insert(spot) {
            return Ok(());
        }
        if log.set(Standing::Stored).has(row.sequence)? {
            self.held.lanes[usize::from(spot.0)] += 1;
        }
        self.block(log, row, envelope);
        Ok(())
    }
}

fn captured(log: &Log<'_>, row: &Kept, envelope: &Envelope) -> Captured {
    Captured {
        life: row.origin.unwrap_or(log.age.life),
        ordinal: envelope.ordinal,
    }
}

/// Whether others wait behind it when it is dead. A kind that is not known here is taken for one of those.
fn parks(envelope: &Envelope) -> bool {
    let kind = envelope.kind.parse::<Kind>();
    kind.map_or(true, |kind| kind.rules().behind == Behind::Park)
}

/// Whether it waits for those before it.
fn waits(envelope: &Envelope) -> bool {
    envelope
        .kind
        .parse::<Kind>()
        .map_or(true, |kind| kind.rules().waits)
}
