//! What the model removes, and when.

use super::MemorySpool;
use crate::envelope::Moment;
use crate::ident::{Lane, Position};
use crate::outcome::Outcome;
use crate::store::GapKind;
use crate::store::spool::{Fate, Pressure, Pruned, Retention, SpoolReader};

impl MemorySpool {
    /// See [`crate::store::spool::Spool::prune`].
    pub(super) fn remove(&mut self, keep: &Retention, now: Moment) -> Pruned {
        let at_ms = self.at_ms(now);
        let horizon = |keep: std::time::Duration| at_ms.saturating_sub(keep.as_millis() as u64);
        let before = self.claims.len();
        self.claims
            .retain(|_, answer| answer.at_ms >= horizon(keep.claims));
        let mut pruned = Pruned {
            claims: (before - self.claims.len()) as u64,
            ..Pruned::default()
        };
        for position in self.expired(horizon(keep.settled)) {
            let moving = self.is_still_moving(position);
            let Some(cell) = self.cell_mut(position.epoch, position.lane, position.sequence) else {
                continue;
            };
            if moving {
                cell.settled = cell.settled.take().map(|(_, outcome)| (at_ms, outcome));
            } else {
                cell.pruned = true;
                pruned.settled += 1;
            }
        }
        self.delete_prefixes();
        if keep.pressure == Pressure::DropStored && self.pressed {
            pruned.dropped = self.drop_stored();
        }
        let growing = self.epochs.last().map(|last| last.epoch);
        self.epochs.retain(|log| {
            let gone = |lane: Lane| log.first(lane) == log.next(lane);
            Some(log.epoch) == growing || !Lane::ALL.into_iter().all(gone)
        });
        pruned
    }

    fn expired(&self, horizon_ms: u64) -> Vec<Position> {
        let cells = self.epochs.iter().flat_map(|log| log.cells());
        let old = cells.filter(|cell| {
            let at_ms = cell.settled.as_ref().map(|(at_ms, _)| *at_ms);
            !cell.pruned && at_ms.is_some_and(|at_ms| at_ms < horizon_ms)
        });
        old.map(|cell| cell.row.position).collect()
    }

    fn is_still_moving(&self, position: Position) -> bool {
        let Ok(Some(Fate::Settled(Outcome::Superseded { by: Some(by) }))) = self.fate(position) else {
            return false;
        };
        let index = position.sequence as usize - 1;
        let cell = self
            .log(position.epoch)
            .map(|log| &log.lanes[position.lane as usize][index]);
        let moved = cell.is_some_and(|cell| cell.gone == Some(GapKind::Moved));
        let fate = self.fate(by.position);
        moved && matches!(fate, Ok(Some(Fate::Waiting | Fate::Stored | Fate::Dead(_))))
    }

    fn delete_prefixes(&mut self) {
        let last = self.epochs.len() - 1;
        for (index, log) in self.epochs.iter_mut().enumerate() {
            for lane in Lane::ALL {
                let over = log.floor(lane, |cell| cell.pruned);
                let spared = u64::from(index == last && over + 1 == log.next(lane));
                log.deleted[lane as usize] = over.saturating_sub(spared);
            }
        }
    }

    fn drop_stored(&mut self) -> u64 {
        let mut dropped = 0;
        for cell in self
            .epochs
            .iter_mut()
            .flat_map(|log| log.lanes.iter_mut().flatten())
        {
            if cell.stored && cell.dead.is_none() && cell.settled.is_none() && cell.gone.is_none() {
                cell.gone = Some(GapKind::Lost);
                dropped += 1;
            }
        }
        dropped
    }
}
