//! The reading side of the model.

use super::{Cell, MemorySpool};
use crate::envelope::Row;
use crate::ident::{Digest, Epoch, Lane, MessageId, Position};
use crate::store::StoreError;
use crate::store::spool::{Fate, Gap, Head, SpoolReader, Tally};

impl SpoolReader for MemorySpool {
    fn heads(&self) -> Result<Vec<Head>, StoreError> {
        let heads = self.epochs.iter().flat_map(|log| {
            Lane::ALL.map(|lane| Head {
                epoch: log.epoch,
                previous: log.previous,
                lane,
                first: log.first(lane),
                next: log.next(lane),
                running: log.running(lane, log.next(lane) - 1),
                stored: log.floor(lane, |cell| cell.stored),
                settled: log.floor(lane, |cell| cell.settled.is_some()),
            })
        });
        Ok(heads.collect())
    }

    fn rows(
        &self,
        epoch: Epoch,
        lane: Lane,
        from: u64,
        count: usize,
        bytes: usize,
    ) -> Result<Vec<Row>, StoreError> {
        let Some(log) = self.log(epoch) else {
            return Ok(Vec::new());
        };
        let skip = usize::try_from(from.max(1) - 1).unwrap_or(usize::MAX);
        let cells = log.lanes[lane as usize].iter().skip(skip);
        let (mut rows, mut size) = (Vec::new(), 0);
        for cell in cells.filter(|cell| cell.gap().is_none()).take(count) {
            size += cell.row.bytes.len();
            if bytes == 0 || (size > bytes && !rows.is_empty()) {
                break;
            }
            rows.push(cell.row.clone());
        }
        Ok(rows)
    }

    fn gaps(
        &self,
        epoch: Epoch,
        lane: Lane,
        from: u64,
        to: u64,
        count: usize,
    ) -> Result<Vec<Gap>, StoreError> {
        let Some(log) = self.log(epoch) else {
            return Ok(Vec::new());
        };
        let cells = &log.lanes[lane as usize];
        let kind = |sequence: u64| cells[sequence as usize - 1].gap();
        let to = to.min(log.next(lane) - 1);
        let (mut gaps, mut at) = (Vec::new(), from.max(1));
        while at <= to && gaps.len() < count {
            let Some(found) = kind(at) else {
                at += 1;
                continue;
            };
            let same = (at..=to).take_while(|sequence| kind(*sequence) == Some(found));
            let mut last = same.last().unwrap_or(at);
            if at < log.first(lane) {
                last = last.max(log.first(lane) - 1);
            }
            gaps.push(Gap {
                first: at,
                last,
                before: self.running(epoch, lane, at - 1)?,
                running: log.running(lane, last),
                kind: found,
            });
            at = last + 1;
        }
        Ok(gaps)
    }

    fn running(&self, epoch: Epoch, lane: Lane, sequence: u64) -> Result<Option<Digest>, StoreError> {
        let log = self.log(epoch);
        let known =
            log.filter(|log| sequence == 0 || (sequence + 1 >= log.first(lane) && sequence < log.next(lane)));
        Ok(known.map(|log| log.running(lane, sequence)))
    }

    fn fate(&self, position: Position) -> Result<Option<Fate>, StoreError> {
        let index = position
            .sequence
            .checked_sub(1)
            .and_then(|index| usize::try_from(index).ok());
        let lane = self
            .log(position.epoch)
            .map(|log| &log.lanes[position.lane as usize]);
        let cell = lane.and_then(|cells| cells.get(index?));
        Ok(cell.and_then(fate))
    }

    fn tally(&self, lane: Lane) -> Result<Tally, StoreError> {
        let mut tally = Tally::default();
        for cell in self.epochs.iter().flat_map(|log| &log.lanes[lane as usize]) {
            tally.accepted += 1;
            let bytes = cell.row.bytes.len() as u64;
            match (&cell.settled, &cell.dead, cell.stored) {
                (Some(_), ..) => tally.settled += 1,
                (None, Some(_), _) => tally.dead += 1,
                (None, None, true) => tally.stored += 1,
                (None, None, false) => tally.waiting += 1,
            }
            if !cell.stored {
                tally.waiting_bytes += bytes;
            }
            if cell.settled.is_none() {
                tally.unsettled_bytes += bytes;
                let known = tally.oldest.into_iter().chain([cell.moment]);
                tally.oldest = known.min_by_key(|moment| moment.wall_ms);
            }
        }
        Ok(tally)
    }

    fn dialogue(&self, station: &str, connection: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let name = (station.to_owned(), connection.to_owned());
        Ok(self.dialogues.get(&name).cloned())
    }

    fn claimed(&self, source: &str, id: &str) -> Result<Option<Vec<MessageId>>, StoreError> {
        let answer = self.claims.get(&(source.to_owned(), id.to_owned()));
        Ok(answer.map(|answer| answer.stamps.iter().map(|stamp| stamp.of(&self.agent)).collect()))
    }
}

fn fate(cell: &Cell) -> Option<Fate> {
    match (&cell.settled, &cell.dead, cell.stored) {
        (Some(_), ..) if cell.pruned => None,
        (Some((_, outcome)), ..) => Some(Fate::Settled(outcome.clone())),
        (None, Some(reason), _) => Some(Fate::Dead(reason.clone())),
        (None, None, true) => Some(Fate::Stored),
        (None, None, false) => Some(Fate::Waiting),
    }
}
