//! From a stamp to the message that is meant, wherever it stands now; and who waits for one that is not here yet.

use crate::envelope::Envelope;
use crate::ident::{Epoch, Lane, Position, Stamp};
use crate::store::StoreError;
use crate::store::inbox::rules;

use super::columns::Gate;
use super::lanes::{lane_id, lane_of, lane_row};
use super::message::Msg;
use super::work::Work;

/// What a stamp stands for.
#[derive(Debug)]
pub(super) enum Found {
    /// This message, or the dead letter `lost` that covers its position.
    Here(Box<Msg>),
    /// It was settled, here or before, and is kept no longer.
    Gone,
    /// It is not here yet.
    Missing,
}

/// A stamp as columns: epoch, lane, sequence, digest.
pub(super) type Spelled = (i64, u8, i64, i64);

pub(super) fn spell(stamp: &Stamp) -> Spelled {
    let Stamp { position, digest } = stamp;
    (
        position.epoch.0 as i64,
        position.lane.number(),
        position.sequence as i64,
        i64::from_le_bytes(*digest),
    )
}

/// The stamp in these columns.
pub(super) fn read_stamp((epoch, lane, sequence, digest): Spelled) -> Result<Stamp, StoreError> {
    let position = Position {
        epoch: Epoch(epoch as u64),
        lane: lane_of(lane)?,
        sequence: sequence as u64,
    };
    let digest = digest.to_le_bytes();
    Ok(Stamp { position, digest })
}

impl Work<'_> {
    /// The message that an agent means by this stamp.
    pub fn resolve(&mut self, agent: i64, stamp: &Stamp) -> Result<Found, StoreError> {
        if let Some(slot) = self.moved_to(agent, stamp)? {
            return self.follow(agent, slot);
        }
        let over = |work: &Self| match work.is_over(agent, stamp.position.epoch)? {
            true => Ok(Found::Gone),
            false => Ok(Found::Missing),
        };
        let Some(lane) = lane_id(self.tx, agent, stamp.position.epoch, stamp.position.lane)? else {
            return over(self);
        };
        let sequence = stamp.position.sequence;
        let first = self.first_at(lane, sequence)?;
        if let Some(first) = &first
            && (first.is_lost() || first.digest.is_some_and(|digest| digest.short() == stamp.digest))
        {
            return Ok(Found::Here(Box::new(self.need(first.slot)?)));
        }
        if let Some(slot) = self.beside_at(lane, sequence, stamp.digest)? {
            return Ok(Found::Here(Box::new(self.need(slot)?)));
        }
        if first.is_some() {
            // Other content stands there; what is meant may still come, under this name or moved.
            return Ok(Found::Missing);
        }
        if self.coming.0 == lane && self.coming.1.contains(&sequence) {
            return Ok(Found::Missing);
        }
        let name = self.lane_name(lane)?;
        let here = lane_row(self.tx, name)?.ranges.contains(sequence);
        if here && !self.was_moved_away(lane, sequence)? {
            return Ok(Found::Gone);
        }
        over(self)
    }

    /// Whether the agent declared that what stood at this position went to another one.
    pub fn was_moved_away(&self, lane: i64, sequence: u64) -> Result<bool, StoreError> {
        let sql = "SELECT 1 FROM gap WHERE lane = ?1 AND first <= ?2 AND last >= ?2 AND moved = 1";
        Ok(self.find(sql, (lane, sequence as i64), |_| Ok(()))?.is_some())
    }

    /// The newest copy of a message, from one that was moved.
    fn follow(&mut self, agent: i64, mut slot: i64) -> Result<Found, StoreError> {
        loop {
            // The name stays when what it led to is pruned.
            let Some(msg) = self.message(slot)? else {
                return Ok(Found::Gone);
            };
            let next = match self.id(&msg)? {
                Some(id) => self.moved_to(agent, &id.stamp())?,
                None => None,
            };
            match next {
                Some(next) => slot = next,
                None => return Ok(Found::Here(Box::new(msg))),
            }
        }
    }

    /// The message that was first at a position, or the `lost` one that covers it.
    pub fn first_at(&self, lane: i64, sequence: u64) -> Result<Option<Msg>, StoreError> {
        let at = (lane, sequence as i64);
        let sql = "SELECT slot FROM message WHERE lane = ?1 AND sequence = ?2 AND beside = 0";
        let mut slot: Option<i64> = self.find(sql, at, |row| row.get(0))?;
        if slot.is_none() {
            let sql = "SELECT slot, last FROM message WHERE lane = ?1 AND sequence <= ?2 AND last IS NOT NULL \
                       ORDER BY sequence DESC LIMIT 1";
            let lost = self.find(sql, at, |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)))?;
            slot = lost
                .filter(|(_, last)| *last >= sequence as i64)
                .map(|(slot, _)| slot);
        }
        slot.map(|slot| self.need(slot)).transpose()
    }

    /// The message of this content beside the first at its position.
    pub fn beside_at(&self, lane: i64, sequence: u64, digest: [u8; 8]) -> Result<Option<i64>, StoreError> {
        let sql = "SELECT slot, digest FROM message WHERE lane = ?1 AND sequence = ?2 AND beside = 1";
        let beside = self.all(sql, (lane, sequence as i64), |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, [u8; 32]>(1)?))
        })?;
        Ok(beside
            .into_iter()
            .find(|(_, other)| other[..8] == digest)
            .map(|(slot, _)| slot))
    }

    /// Where the message of this stamp was moved to, as far as is known.
    pub fn moved_to(&self, agent: i64, stamp: &Stamp) -> Result<Option<i64>, StoreError> {
        let (epoch, lane, sequence, digest) = spell(stamp);
        let sql = "SELECT slot FROM moved WHERE agent = ?1 AND epoch = ?2 AND number = ?3 AND sequence = ?4 \
                   AND digest = ?5";
        self.find(sql, (agent, epoch, lane, sequence, digest), |row| row.get(0))
    }

    /// Whether any message of these positions was moved and came under its new name.
    pub fn any_moved(
        &self,
        agent: i64,
        epoch: i64,
        lane: Lane,
        range: (u64, u64),
    ) -> Result<bool, StoreError> {
        let sql = "SELECT 1 FROM moved WHERE agent = ?1 AND epoch = ?2 AND number = ?3 AND sequence BETWEEN ?4 AND ?5 \
                   LIMIT 1";
        let range = (agent, epoch, lane.number(), range.0 as i64, range.1 as i64);
        Ok(self.find(sql, range, |_| Ok(()))?.is_some())
    }

    /// Makes `slot` wait for a message that is not here, or is `gone`.
    pub fn miss(&mut self, slot: i64, agent: i64, stamp: &Stamp, gone: bool) -> Result<(), StoreError> {
        let (epoch, lane, sequence, digest) = spell(stamp);
        self.run(
            "INSERT OR IGNORE INTO missing VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            (agent, epoch, lane, sequence, digest, slot, gone),
        )?;
        Ok(())
    }

    /// Makes a message wait for what its links name, as far as its place among its keys does not do that already: what
    /// is missing, what is here without any key known, and where such is gone, for all that came before this message.
    /// Returns whether there is any such.
    pub fn wait_for_links(&mut self, msg: &Msg, envelope: &Envelope) -> Result<bool, StoreError> {
        let mut blocked = false;
        for after in envelope.links() {
            if self.is_here_with_keys(msg.agent, after)? || self.is_given_up(msg.agent, after)? {
                continue;
            }
            let gone = match self.resolve(msg.agent, after)? {
                Found::Here(other) if !other.is_keyless() || other.slot == msg.slot => continue,
                Found::Here(other) if !other.is_settled() => {
                    self.edge(msg.slot, other.slot)?;
                    blocked = true;
                    continue;
                }
                Found::Here(_) | Found::Gone => true,
                Found::Missing => false,
            };
            if !gone || !self.is_below_watermark(msg.lane, msg.sequence)? {
                self.miss(msg.slot, msg.agent, after, gone)?;
                blocked = true;
            }
        }
        Ok(blocked)
    }

    /// The short answer for nearly every link: what it names stands in its place, and its keys are known.
    fn is_here_with_keys(&mut self, agent: i64, stamp: &Stamp) -> Result<bool, StoreError> {
        let Stamp { position, digest } = stamp;
        let Some(lane) = self.known_lane(agent, position.epoch, position.lane)? else {
            return Ok(false);
        };
        let sql = "SELECT 1 FROM message WHERE lane = ?1 AND sequence = ?2 AND beside = 0 AND keys <> x'' \
                   AND substr(digest, 1, 8) = ?3";
        Ok(self
            .find(sql, (lane, position.sequence as i64, digest), |_| Ok(()))?
            .is_some())
    }

    /// Those who miss positions in this range.
    pub fn missed_in(
        &self,
        agent: i64,
        epoch: i64,
        lane: Lane,
        range: (u64, u64),
    ) -> Result<Vec<i64>, StoreError> {
        let sql = "SELECT DISTINCT slot FROM missing WHERE agent = ?1 AND epoch = ?2 AND number = ?3 \
                   AND sequence BETWEEN ?4 AND ?5";
        let range = (agent, epoch, lane.number(), range.0 as i64, range.1 as i64);
        self.all(sql, range, |row| row.get(0))
    }

    /// Those who miss exactly this message.
    pub fn missed(&self, agent: i64, stamp: &Stamp) -> Result<Vec<i64>, StoreError> {
        let (epoch, lane, sequence, digest) = spell(stamp);
        let sql = "SELECT slot FROM missing WHERE agent = ?1 AND epoch = ?2 AND number = ?3 AND sequence = ?4 \
                   AND digest = ?5";
        self.all(sql, (agent, epoch, lane, sequence, digest), |row| row.get(0))
    }

    /// Looks again at what a message waits for by name, after something came or was declared. `holds` says whether it is
    /// held where it undoes what has taken effect; not so once a person has let it go on.
    pub fn look_again(&mut self, slot: i64, holds: bool) -> Result<(), StoreError> {
        self.run("DELETE FROM missing WHERE slot = ?1", [slot])?;
        self.run(
            "DELETE FROM behind WHERE slot = ?1 \
             AND before IN (SELECT slot FROM message WHERE slot = before AND keys = x'')",
            [slot],
        )?;
        let mut msg = self.need(slot)?;
        let Some(envelope) = self.envelope(slot)? else {
            return self.refresh(slot);
        };
        let blocked = rules::waits(&msg.kind) && self.wait_for_links(&msg, &envelope)?;
        if !msg.is_settled() {
            self.settle_undo(&mut msg, &envelope, holds)?;
            msg = self.need(slot)?;
        }
        if !blocked && msg.gate == Gate::Holds {
            self.let_pass(&mut msg)?;
        }
        self.refresh(slot)
    }

    /// Opens the keys of a message that ended, or that others may pass, once all that it came after is accounted for.
    fn let_pass(&mut self, msg: &mut Msg) -> Result<(), StoreError> {
        if msg.is_settled() {
            self.let_go(msg, Gate::Done)
        } else if msg.may_be_passed() {
            self.let_go(msg, Gate::Passed)?;
            self.supersede_if_overtaken(msg)
        } else {
            Ok(())
        }
    }

    /// Has all who wait for a message under this name look again: those who miss it, and those who wait for the loss of it.
    pub fn wake(&mut self, agent: i64, stamp: &Stamp) -> Result<(), StoreError> {
        let mut waiting = self.missed(agent, stamp)?;
        if let Some(lane) = lane_id(self.tx, agent, stamp.position.epoch, stamp.position.lane)?
            && let Some(lost) = self.first_at(lane, stamp.position.sequence)?.filter(Msg::is_lost)
        {
            waiting.extend(self.waiters(lost.slot)?);
        }
        for slot in waiting {
            self.look_again(slot, true)?;
        }
        Ok(())
    }

    /// Those who wait for a message that is here.
    pub fn waiters(&self, slot: i64) -> Result<Vec<i64>, StoreError> {
        self.all("SELECT slot FROM behind WHERE before = ?1", [slot], |row| {
            row.get(0)
        })
    }
}
