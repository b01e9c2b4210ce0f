//! Removing what was settled long ago and whose agent knows it.

use crate::store::StoreError;

use super::work::Work;

impl Work<'_> {
    /// Removes at most `max` settled messages; see [`crate::store::inbox::Worklist::prune`].
    pub fn prune(&mut self, before_ms: i64, max: usize) -> Result<usize, StoreError> {
        let lanes: Vec<(i64, i64)> =
            self.all("SELECT id, acknowledged FROM lane ORDER BY id", [], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })?;
        let mut pruned = 0;
        for (lane, acknowledged) in lanes {
            if pruned == max {
                break;
            }
            let slots = self.settled_below(lane, acknowledged, before_ms, max - pruned)?;
            for slot in &slots {
                self.remove(*slot)?;
            }
            pruned += slots.len();
            pruned += self.prune_beside(lane, acknowledged, before_ms, max - pruned)?;
        }
        if pruned > 0 {
            // Arrivals are numbered as slots are, so those before the oldest message brought nothing that is kept.
            self.run(
                "DELETE FROM arrival WHERE id < (SELECT arrival FROM message WHERE arrival > 0 ORDER BY slot LIMIT 1)",
                [],
            )?;
        }
        Ok(pruned)
    }

    /// In order of position and only from the bottom: a message younger than the limit ends the search. Where somebody
    /// waits for other content of a position, what stands there shows that it has not come.
    fn settled_below(
        &mut self,
        lane: i64,
        until: i64,
        before_ms: i64,
        max: usize,
    ) -> Result<Vec<i64>, StoreError> {
        let name = self.lane_name(lane)?;
        let sql = "SELECT slot, changed_ms < ?3 AND gate = 2 FROM message \
                   WHERE lane = ?1 AND beside = 0 AND ifnull(last, sequence) <= ?2 \
                   AND NOT EXISTS (SELECT 1 FROM missing WHERE missing.agent = ?5 AND missing.epoch = ?6 \
                   AND missing.number = ?7 \
                   AND missing.sequence BETWEEN message.sequence AND ifnull(message.last, message.sequence)) \
                   ORDER BY sequence LIMIT ?4";
        let whose = (name.agent, name.epoch.0 as i64, name.lane.number());
        let wanted = (lane, until, before_ms, max as i64, whose.0, whose.1, whose.2);
        let rows: Vec<(i64, bool)> = self.all(sql, wanted, |row| Ok((row.get(0)?, row.get(1)?)))?;
        let old = rows.into_iter().take_while(|(_, old)| *old);
        Ok(old.map(|(slot, _)| slot).collect())
    }

    /// What stood beside a position goes, once its agent was told of it, when nothing stands at the position any more: until
    /// then links may mean it.
    fn prune_beside(
        &mut self,
        lane: i64,
        until: i64,
        before_ms: i64,
        max: usize,
    ) -> Result<usize, StoreError> {
        let sql = "SELECT slot FROM message AS other WHERE lane = ?1 AND beside = 1 AND sequence <= ?2 AND gate = 2 \
                   AND changed_ms < ?3 AND change IS NOT NULL \
                   AND NOT EXISTS (SELECT 1 FROM message WHERE lane = ?1 AND beside = 0 \
                   AND sequence = other.sequence) LIMIT ?4";
        let slots: Vec<i64> = self.all(sql, (lane, until, before_ms, max as i64), |row| row.get(0))?;
        for slot in &slots {
            self.leave_name(*slot)?;
            self.remove(*slot)?;
        }
        Ok(slots.len())
    }

    /// At a position that was moved away nothing else would tell that this message came and settled: what it left behind
    /// would wait for it for ever, and a copy of it would take effect.
    fn leave_name(&mut self, slot: i64) -> Result<(), StoreError> {
        let msg = self.need(slot)?;
        if !self.was_moved_away(msg.lane, msg.sequence)? {
            return Ok(());
        }
        match self.id(&msg)? {
            Some(id) if self.moved_to(msg.agent, &id.stamp())?.is_none() => {
                self.note_moved(&msg, &id.stamp())
            }
            _ => Ok(()),
        }
    }

    fn remove(&mut self, slot: i64) -> Result<(), StoreError> {
        let msg = self.need(slot)?;
        for key in &msg.keys {
            self.run(
                "DELETE FROM touch WHERE key = ?1 AND gate = ?2 AND place = ?3 AND slot = ?4",
                (key, msg.gate as u8, msg.place, slot),
            )?;
            let unused = self.run(
                "DELETE FROM key WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM touch WHERE key = ?1)",
                [key],
            )?;
            if unused > 0 {
                self.memory.forget_keys();
            }
        }
        self.run("DELETE FROM content WHERE slot = ?1", [slot])?;
        self.run("DELETE FROM amendment WHERE slot = ?1", [slot])?;
        self.run("DELETE FROM approval WHERE slot = ?1", [slot])?;
        self.run("DELETE FROM message WHERE slot = ?1", [slot])?;
        Ok(())
    }
}
