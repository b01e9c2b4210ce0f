//! How far an agent's log is here without a hole: what is below may go on although it names something of which nothing is
//! left, for all that came before it is accounted for. And what a person says will never come.

use crate::ident::{Epoch, Lane, Stamp};
use crate::store::StoreError;
use crate::store::inbox::{Floor, Lineage};

use super::lanes::LaneRow;
use super::resolve::spell;
use super::work::Work;

/// A lane of an epoch, and how far it reaches at its agent.
type Head = ((Epoch, Lane), Floor);

impl Work<'_> {
    /// Takes note of which epochs are open at an agent and how far their lanes reach.
    pub fn claim(&mut self, agent: i64, epochs: &[Lineage]) -> Result<(), StoreError> {
        self.open_only(agent, epochs)?;
        let said: Option<Vec<_>> = epochs.iter().map(Lineage::reach).collect();
        let said = said.unwrap_or_default().concat();
        // An earlier claim that still holds stays until it is met: under steady load the newest never would be.
        let claimed = self.claimed(agent)?;
        let holds = |(epoch, lane, to): &(i64, u8, i64)| {
            let same = |((of, number), _): &&Head| (of.0 as i64, number.number()) == (*epoch, *lane);
            let head = said.iter().find(same);
            head.is_some_and(|(_, head)| head.sequence as i64 >= *to)
        };
        if !claimed.is_empty() && claimed.iter().all(holds) {
            return Ok(());
        }
        self.run("DELETE FROM claim WHERE agent = ?1", [agent])?;
        self.claim_all(agent, &said)?;
        self.reach(agent)
    }

    /// Moves the watermark where everything that was claimed is here.
    pub fn reach(&mut self, agent: i64) -> Result<(), StoreError> {
        let sql = "SELECT lane.floor >= claim.head AND lane.diverged IS NULL FROM claim \
                   JOIN lane ON lane.id = claim.lane WHERE claim.agent = ?1";
        let met: Vec<bool> = self.all(sql, [agent], |row| row.get(0))?;
        if met.is_empty() || met.contains(&false) {
            return Ok(());
        }
        self.run(
            "UPDATE lane SET watermark = claim.head FROM claim \
             WHERE claim.agent = ?1 AND claim.lane = lane.id AND claim.head > lane.watermark",
            [agent],
        )?;
        self.run("DELETE FROM claim WHERE agent = ?1", [agent])?;
        let sql = "SELECT DISTINCT missing.slot FROM missing JOIN message ON message.slot = missing.slot \
                   JOIN lane ON lane.id = message.lane \
                   WHERE missing.agent = ?1 AND missing.gone = 1 AND message.sequence <= lane.watermark";
        let below: Vec<i64> = self.all(sql, [agent], |row| row.get(0))?;
        below.into_iter().try_for_each(|slot| self.look_again(slot, true))
    }

    /// Whether all that its agent captured before this position is accounted for.
    pub fn is_below_watermark(&self, lane: i64, sequence: u64) -> Result<bool, StoreError> {
        let sql = "SELECT 1 FROM lane WHERE id = ?1 AND watermark >= ?2";
        Ok(self.find(sql, (lane, sequence as i64), |_| Ok(()))?.is_some())
    }

    /// Whether an agent has settled all of an epoch of which nothing is here.
    pub fn is_over(&self, agent: i64, epoch: Epoch) -> Result<bool, StoreError> {
        let sql = "SELECT EXISTS (SELECT 1 FROM epoch WHERE agent = ?1 AND open = 1) AND NOT EXISTS ( \
                   SELECT 1 FROM epoch LEFT JOIN lane ON lane.epoch = epoch.id \
                   WHERE epoch.agent = ?1 AND epoch.epoch = ?2 AND (epoch.open = 1 OR lane.floor > 0 \
                   OR EXISTS (SELECT 1 FROM span WHERE span.lane = lane.id)))";
        let at = (agent, epoch.0 as i64);
        Ok(self.tx.prepare_cached(sql)?.query_row(at, |row| row.get(0))?)
    }

    /// Notes that a message of this name will never come.
    pub fn note_given_up(&mut self, agent: i64, stamp: &Stamp) -> Result<(), StoreError> {
        let (epoch, lane, sequence, digest) = spell(stamp);
        let name = (agent, epoch, lane, sequence, digest);
        self.run("INSERT OR IGNORE INTO given_up VALUES (?1, ?2, ?3, ?4, ?5)", name)?;
        Ok(())
    }

    /// Whether a person said that a message of this name will never come.
    pub fn is_given_up(&self, agent: i64, stamp: &Stamp) -> Result<bool, StoreError> {
        let (epoch, lane, sequence, digest) = spell(stamp);
        let sql = "SELECT 1 FROM given_up WHERE agent = ?1 AND epoch = ?2 AND number = ?3 AND sequence = ?4 \
                   AND digest = ?5";
        let at = (agent, epoch, lane, sequence, digest);
        Ok(self.find(sql, at, |_| Ok(()))?.is_some())
    }

    /// Marks these epochs open and no others; those who miss a message of one that is over look again.
    fn open_only(&mut self, agent: i64, epochs: &[Lineage]) -> Result<(), StoreError> {
        self.run("UPDATE epoch SET open = 0 WHERE agent = ?1 AND open = 1", [agent])?;
        for lineage in epochs {
            let epoch = (agent, lineage.epoch.0 as i64);
            self.run("UPDATE epoch SET open = 1 WHERE agent = ?1 AND epoch = ?2", epoch)?;
        }
        let mut missed = i64::MIN;
        let sql = "SELECT epoch FROM missing WHERE agent = ?1 AND epoch >= ?2 ORDER BY epoch LIMIT 1";
        while let Some(epoch) = self.find(sql, (agent, missed), |row| row.get::<_, i64>(0))? {
            if self.is_over(agent, Epoch(epoch as u64))? {
                let sql = "SELECT DISTINCT slot FROM missing WHERE agent = ?1 AND epoch = ?2 AND gone = 0";
                let slots: Vec<i64> = self.all(sql, (agent, epoch), |row| row.get(0))?;
                slots
                    .into_iter()
                    .try_for_each(|slot| self.look_again(slot, true))?;
            }
            let Some(next) = epoch.checked_add(1) else { break };
            missed = next;
        }
        Ok(())
    }

    fn claimed(&self, agent: i64) -> Result<Vec<(i64, u8, i64)>, StoreError> {
        let sql = "SELECT epoch.epoch, lane.number, claim.head FROM claim JOIN lane ON lane.id = claim.lane \
                   JOIN epoch ON epoch.id = lane.epoch WHERE claim.agent = ?1";
        self.all(sql, [agent], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
    }

    /// Claims these heads, unless one of them is of a log that is not the one that is kept here.
    fn claim_all(&mut self, agent: i64, said: &[Head]) -> Result<(), StoreError> {
        let (mut heads, mut agrees) = (Vec::new(), true);
        for ((epoch, lane), head) in said {
            let Some(id) = self.epoch(agent, *epoch, None)? else {
                return Ok(());
            };
            let lane = self.lane(agent, id, *epoch, *lane)?;
            agrees &= self.may_reach(&lane, head)?;
            heads.push((lane.name.id, head.sequence as i64));
        }
        for (lane, head) in heads.into_iter().filter(|_| agrees) {
            self.run("INSERT INTO claim VALUES (?1, ?2, ?3)", (agent, lane, head))?;
        }
        Ok(())
    }

    /// Whether this may be a later state of a lane; its digest is compared when the floor gets there.
    fn may_reach(&mut self, lane: &LaneRow, head: &Floor) -> Result<bool, StoreError> {
        if head.sequence <= lane.ranges.floor {
            return Ok(head.sequence == lane.ranges.floor && head.running == lane.running);
        }
        let agrees = lane.diverged.is_none();
        Ok(agrees && self.anchor(lane.name.id, head.sequence, head.running)?)
    }
}
