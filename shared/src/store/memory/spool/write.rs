//! The writing side of the model.

use super::{Answer, Cell, MemorySpool};
use crate::envelope::{Draft, Envelope, EnvelopeError, KeyLink, Moment, Row, Sealed};
use crate::ident::{Epoch, Lane, MessageId, Position, Stamp};
use crate::outcome::Outcome;
use crate::store::spool::{
    BATCH_INTAKES, Fate, Intake, News, Pressure, Pruned, Retention, Spool, SpoolReader, Verdict,
};
use crate::store::{GapKind, StoreError};

impl Spool for MemorySpool {
    fn commit(&mut self, batch: &[Intake], now: Moment) -> Result<Vec<Verdict>, StoreError> {
        if batch.len() > BATCH_INTAKES {
            return Err(StoreError::Misuse(format!(
                "{} intakes in one commit",
                batch.len()
            )));
        }
        let at_ms = self.at_ms(now);
        Ok(batch.iter().map(|intake| self.take(intake, at_ms)).collect())
    }

    fn learn(&mut self, news: &[News], now: Moment) -> Result<(), StoreError> {
        let at_ms = self.at_ms(now);
        for news in news {
            self.note(news, at_ms);
        }
        Ok(())
    }

    fn cut(&mut self, new: Epoch, moved: &[Stamp], now: Moment) -> Result<(), StoreError> {
        let at_ms = self.at_ms(now);
        if self.epochs.last().is_none_or(|last| last.epoch != new) {
            if self.log(new).is_some() {
                return Err(StoreError::Misuse(format!("the epoch {new} was used before")));
            }
            self.begin(new);
        }
        let mut movers: Vec<(Stamp, Cell)> = Vec::new();
        for stamp in moved.iter().filter(|stamp| stamp.position.epoch != new) {
            let cell = self.content(stamp).filter(|cell| cell.gap().is_none());
            movers.extend(cell.map(|cell| (*stamp, cell.clone())));
        }
        movers.sort_by_key(|(_, cell)| cell.captured);
        movers.dedup_by_key(|(_, cell)| cell.captured);
        for (stamp, cell) in movers {
            self.move_one(stamp, &cell, at_ms)?;
        }
        Ok(())
    }

    fn give_up(&mut self, position: Position) -> Result<(), StoreError> {
        // Nothing is ever damaged here.
        let _ = position;
        Ok(())
    }

    fn prune(&mut self, keep: &Retention, now: Moment) -> Result<Pruned, StoreError> {
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
        Ok(pruned)
    }
}

impl MemorySpool {
    fn take(&mut self, intake: &Intake, at_ms: u64) -> Verdict {
        let name = intake
            .claim
            .as_ref()
            .map(|claim| (claim.source.clone(), claim.id.clone()));
        if let Some(answer) = name.as_ref().and_then(|name| self.claims.get(name)) {
            let names = answer.stamps.iter().map(|stamp| stamp.of(&self.agent)).collect();
            let same = intake
                .claim
                .as_ref()
                .is_some_and(|claim| claim.content == answer.content);
            return if same {
                Verdict::Known(names)
            } else {
                Verdict::Conflict(names)
            };
        }
        if let Some(why) = &self.full {
            return Verdict::Full(why.clone());
        }
        let before = self.epochs.clone();
        let mut stamps = Vec::new();
        for draft in &intake.drafts {
            match self.append(draft) {
                Ok(stamp) => stamps.push(stamp),
                Err(error) => {
                    self.epochs = before;
                    return Verdict::Refused(error.to_string());
                }
            }
        }
        let names = stamps.iter().map(|stamp| stamp.of(&self.agent)).collect();
        if let Some((name, claim)) = name.zip(intake.claim.as_ref()) {
            let content = claim.content;
            self.claims.insert(
                name,
                Answer {
                    content,
                    stamps,
                    at_ms,
                },
            );
        }
        if let Some(change) = &intake.dialogue {
            let name = (change.station.clone(), change.connection.clone());
            match &change.state {
                Some(state) => self.dialogues.insert(name, state.clone()),
                None => self.dialogues.remove(&name),
            };
        }
        Verdict::Kept(names)
    }

    fn append(&mut self, draft: &Draft) -> Result<Stamp, EnvelopeError> {
        draft.message.check()?;
        let links = draft.message.keys().into_iter().map(|key| KeyLink {
            after: self.open_with(&key),
            key,
        });
        let links = links.collect();
        let ordinal = self.epochs.last().map_or(1, |log| log.ordinal);
        let envelope = Envelope::new(draft, ordinal, links)?;
        let sealed = envelope.seal()?;
        let captured = (self.epochs.last().map_or(0, |log| log.number), ordinal);
        let stamp = self.push(draft.lane(), sealed, &envelope, captured);
        if let Some(log) = self.epochs.last_mut() {
            log.ordinal += 1;
        }
        Ok(stamp)
    }

    fn push(&mut self, lane: Lane, sealed: Sealed, envelope: &Envelope, captured: (usize, u64)) -> Stamp {
        let log = self.epochs.last_mut();
        let row = log.map(|log| {
            let sequence = log.next(lane);
            let row = Row {
                position: Position {
                    epoch: log.epoch,
                    lane,
                    sequence,
                },
                digest: sealed.digest,
                before: log.running(lane, sequence - 1),
                bytes: sealed.bytes,
            };
            let stamp = row.stamp();
            log.lanes[lane as usize].push(Cell::new(row, envelope, captured));
            stamp
        });
        row.unwrap_or(Stamp {
            position: Position {
                epoch: Epoch(0),
                lane,
                sequence: 0,
            },
            digest: [0; 8],
        })
    }

    fn move_one(&mut self, old: Stamp, cell: &Cell, at_ms: u64) -> Result<(), StoreError> {
        let broken = |error: EnvelopeError| StoreError::Misuse(error.to_string());
        let mut envelope = Envelope::open(&cell.row.bytes).map_err(broken)?;
        envelope.moved_from = Some(envelope.name(old));
        let sealed = envelope.seal().map_err(broken)?;
        let new = self.push(old.position.lane, sealed, &envelope, cell.captured);
        let by: MessageId = new.of(&self.agent);
        if let Some(cell) = self.cell_mut(old.position.epoch, old.position.lane, old.position.sequence) {
            cell.settled = Some((at_ms, Outcome::Superseded { by: Some(by) }));
            cell.gone = Some(GapKind::Moved);
            (cell.stored, cell.dead) = (true, None);
        }
        Ok(())
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
