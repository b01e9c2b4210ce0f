//! The writing side of the model.

use super::{Answer, Cell, MemorySpool};
use crate::envelope::{Draft, Envelope, EnvelopeError, KeyLink, Moment, Row, Sealed};
use crate::ident::{Epoch, Lane, MessageId, Position, Stamp};
use crate::outcome::Outcome;
use crate::store::spool::{BATCH_INTAKES, Intake, News, Pruned, Retention, Spool, Verdict};
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
        Ok(self.remove(keep, now))
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
}
