//! What the other end told.

use super::{Cell, MemorySpool};
use crate::ident::{Epoch, Lane, Position, Stamp};
use crate::outcome::Outcome;
use crate::store::GapKind;
use crate::store::spool::News;

impl MemorySpool {
    pub(super) fn note(&mut self, news: &News, at_ms: u64) {
        match news {
            News::Stored {
                epoch,
                lane,
                from,
                to,
            } => self.each(*epoch, *lane, |sequence, cell| {
                cell.stored |= (*from..=*to).contains(&sequence);
            }),
            News::Forgotten { epoch, lane, floor } => self.each(*epoch, *lane, |sequence, cell| {
                cell.stored = sequence <= *floor || cell.settled.is_some();
                cell.dead = cell.dead.take().filter(|_| cell.stored);
            }),
            News::Finished {
                epoch,
                lane,
                from,
                to,
            } => self.each(*epoch, *lane, |sequence, cell| {
                if (*from..=*to).contains(&sequence) {
                    let lost = cell.gone == Some(GapKind::Lost);
                    let by_what = Outcome::Superseded { by: None };
                    cell.end(if lost { Outcome::Lost } else { by_what }, at_ms);
                }
            }),
            News::Gone { epoch, lane, upto } => self.each(*epoch, *lane, |sequence, cell| {
                if sequence <= *upto && cell.gone == Some(GapKind::Lost) {
                    cell.end(Outcome::Lost, at_ms);
                }
            }),
            News::Dead { stamp, reason } => {
                if let Some(cell) = self.open(stamp) {
                    (cell.stored, cell.dead) = (true, Some(reason.clone()));
                }
            }
            News::Reopened { stamp } => {
                if let Some(cell) = self.open(stamp) {
                    (cell.stored, cell.dead) = (true, None);
                }
            }
            News::Settled { stamp, outcome } => {
                if let Some(cell) = self.open(stamp) {
                    cell.end(outcome.clone(), at_ms);
                }
            }
        }
    }

    fn each(&mut self, epoch: Epoch, lane: Lane, mut change: impl FnMut(u64, &mut Cell)) {
        let log = self.epochs.iter_mut().find(|log| log.epoch == epoch);
        for cell in log.into_iter().flat_map(|log| &mut log.lanes[lane as usize]) {
            change(cell.row.position.sequence, cell);
        }
    }

    pub(super) fn content(&mut self, stamp: &Stamp) -> Option<&mut Cell> {
        let Position {
            epoch,
            lane,
            sequence,
        } = stamp.position;
        let cell = self.cell_mut(epoch, lane, sequence);
        cell.filter(|cell| cell.row.stamp() == *stamp)
    }

    fn open(&mut self, stamp: &Stamp) -> Option<&mut Cell> {
        self.content(stamp).filter(|cell| cell.settled.is_none())
    }
}
