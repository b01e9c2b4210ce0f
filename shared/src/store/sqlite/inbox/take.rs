//! Taking frames in: what is new is kept, what is known is recognised, what differs is kept beside.

use crate::ident::{Digest, Lane, Position};
use crate::outcome::Reason;
use crate::store::StoreError;
use crate::store::inbox::ranges::Ranges;
use crate::store::inbox::{Arrival, Floor, Kept, RANGES, Refusal, State, Taken, rules, why};

use super::backlog::open_bytes;
use super::keep::NewRow;
use super::lanes::LaneRow;
use super::message::Msg;
use super::standing::Standing;
use super::walk::Over;
use super::work::{Record, Work};

/// A frame with what is needed to judge its rows.
struct Frame<'a> {
    arrival: &'a Arrival,
    digests: Vec<Digest>,
    number: i64,
    is_missed: bool,
    has_moved: bool,
}

impl Frame<'_> {
    fn last(&self) -> u64 {
        self.arrival.first + self.arrival.rows.len() as u64 - 1
    }

    fn new_row(&self, lane: &LaneRow, sequence: u64, beside: Option<Reason>) -> NewRow<'_> {
        let index = (sequence - self.arrival.first) as usize;
        NewRow {
            lane: lane.name.clone(),
            sequence,
            digest: self.digests[index],
            bytes: &self.arrival.rows[index],
            arrival: self.number,
            beside,
            is_missed: self.is_missed,
            has_moved: self.has_moved,
        }
    }
}

impl Work<'_> {
    /// Takes one frame in, where its agent's unsettled messages in its lane stay within `most` bytes, or messages that
    /// are here wait for one of it.
    pub fn take(&mut self, arrival: &Arrival, most: u64) -> Result<Taken, StoreError> {
        if !rules::well_formed(arrival) {
            return Ok(Taken::Refused(Refusal::Malformed));
        }
        let agent = self.agent(&arrival.agent)?;
        let Some(epoch) = self.epoch(agent, arrival.epoch, None)? else {
            return Ok(Taken::Refused(Refusal::Epochs));
        };
        let lane = self.lane(agent, epoch, arrival.epoch, arrival.lane)?;
        let frame = self.frame(arrival, agent)?;
        let ranges = lane.ranges.with(arrival.first, frame.last());
        if ranges.above.len() > RANGES.max(lane.ranges.above.len()) {
            return Ok(Taken::Refused(Refusal::Ranges));
        }
        let standings = self.judge(&frame, &lane)?;
        let unknown = arrival
            .rows
            .iter()
            .zip(&standings)
            .filter(|(_, standing)| !standing.is_here());
        let bytes: u64 = unknown.map(|(row, _)| row.len() as u64).sum();
        // What others here wait for is taken all the same: nothing else would make room.
        if bytes > most.saturating_sub(self.used(agent, arrival.lane)?) && !frame.is_missed {
            return Ok(Taken::Refused(Refusal::Full));
        }
        let kept = self.keep_frame(&frame, &standings, lane, ranges)?;
        self.reach(agent)?;
        Ok(Taken::Kept(kept))
    }

    /// Bytes of an agent's unsettled messages in a lane; derived once, then kept in step.
    fn used(&mut self, agent: i64, lane: Lane) -> Result<u64, StoreError> {
        if let Some(used) = self.memory.used.get(&(agent, lane)) {
            return Ok(*used);
        }
        let used = open_bytes(self.tx, agent, lane)?;
        self.memory.used.insert((agent, lane), used);
        Ok(used)
    }

    fn frame<'f>(&mut self, arrival: &'f Arrival, agent: i64) -> Result<Frame<'f>, StoreError> {
        self.head.arrival += 1;
        let range = (arrival.first, arrival.first + arrival.rows.len() as u64 - 1);
        let missed = self.missed_in(agent, arrival.epoch.0 as i64, arrival.lane, range)?;
        Ok(Frame {
            arrival,
            digests: arrival.rows.iter().map(|row| Digest::of(row)).collect(),
            number: self.head.arrival,
            is_missed: !missed.is_empty(),
            has_moved: self.any_moved(agent, arrival.epoch.0 as i64, arrival.lane, range)?,
        })
    }

    fn judge(&self, frame: &Frame<'_>, lane: &LaneRow) -> Result<Vec<Standing>, StoreError> {
        let absent = lane.ranges.absent(frame.arrival.first, frame.last());
        let is_absent = |sequence| {
            absent
                .iter()
                .any(|&(first, last)| (first..=last).contains(&sequence))
        };
        let rows = (frame.arrival.first..).zip(&frame.digests);
        rows.map(|(sequence, &digest)| {
            if is_absent(sequence) {
                return Ok(Standing::Fresh);
            }
            let first = self.first_at(lane.name.id, sequence)?;
            let fills = |first: &Msg| !first.is_lost() && first.digest == Some(digest);
            if first.as_ref().is_some_and(fills) {
                return Ok(Standing::Known);
            }
            if let Some(letter) = self.beside_at(lane.name.id, sequence, digest.short())? {
                return Ok(match self.need(letter)?.state {
                    State::Dead(reason) if reason.code == why::CONFLICT => Standing::StillConflict,
                    _ => Standing::Known,
                });
            }
            Ok(match first {
                Some(first) if first.is_lost() => Standing::AfterLoss,
                Some(_) => Standing::Conflict,
                None => Standing::AfterPrune,
            })
        })
        .collect()
    }

    fn keep_frame(
        &mut self,
        frame: &Frame<'_>,
        standings: &[Standing],
        mut lane: LaneRow,
        ranges: Ranges,
    ) -> Result<Kept, StoreError> {
        let before = std::mem::replace(&mut lane.ranges, ranges);
        let mut kept = Kept::default();
        let diverged = self.compare_running(frame, &lane, &before)?;
        // The ranges are written first: what the rows bring about looks them up.
        self.save_lane(&lane, &before)?;
        for (sequence, &standing) in (frame.arrival.first..).zip(standings) {
            match standing {
                Standing::Fresh => kept.fresh += 1,
                Standing::Known => kept.known += 1,
                Standing::Conflict | Standing::StillConflict => kept.conflicts.push(sequence),
                Standing::AfterLoss | Standing::AfterPrune => kept.late.push(sequence),
            }
            if standing.is_here() {
                continue;
            }
            self.coming = (lane.name.id, sequence + 1..=frame.last());
            let readable = self.keep(&frame.new_row(&lane, sequence, standing.reason()))?;
            if standing == Standing::Fresh && !readable {
                kept.undecodable.push(sequence);
            }
        }
        let walked = self.advance(frame, &before, &mut lane)?;
        kept.diverged = diverged.is_some();
        lane.diverged = lane.diverged.or(diverged).or(walked);
        self.save_lane(&lane, &lane.ranges)?;
        if !standings.iter().all(|standing| standing.is_here()) {
            self.note_arrival(frame, &lane, &kept)?;
        }
        Ok(kept)
    }

    /// Compares what the sender says is the running digest before its first row with ours, or notes it until what is
    /// before has come. Returns the first row's sequence where they differ.
    fn compare_running(
        &self,
        frame: &Frame<'_>,
        lane: &LaneRow,
        before: &Ranges,
    ) -> Result<Option<u64>, StoreError> {
        let (first, said) = (frame.arrival.first, frame.arrival.before);
        let same = if first == before.floor + 1 {
            said == lane.running
        } else if before.contains(first - 1) {
            // In the middle of what is here: its rows will show whether they are the same.
            true
        } else {
            self.anchor(lane.name.id, first - 1, said)?
        };
        Ok((!same).then_some(first))
    }

    /// Moves the stored floor: by the frame's own digests where it joins the floor, then over rows that were here.
    fn advance(
        &self,
        frame: &Frame<'_>,
        before: &Ranges,
        lane: &mut LaneRow,
    ) -> Result<Option<u64>, StoreError> {
        let until = lane.ranges.floor;
        if until == before.floor {
            return Ok(None);
        }
        let mut from = Floor {
            sequence: before.floor,
            running: lane.running,
        };
        if let [(first, last)] = before.absent(frame.arrival.first, frame.last())[..]
            && first == before.floor + 1
            && !self.has_anchor(lane.name.id, last)?
        {
            let skip = (first - frame.arrival.first) as usize;
            let digests = &frame.digests[skip..];
            let running = digests.iter().take((last - first + 1) as usize);
            from = Floor {
                sequence: last,
                running: running.fold(from.running, |running, digest| running.then(*digest)),
            };
        }
        let walk = self.walk(lane.name.id, from, until, Over::Stored)?;
        lane.running = walk.floor.running;
        Ok(walk.diverged)
    }

    fn has_anchor(&self, lane: i64, until: u64) -> Result<bool, StoreError> {
        let sql = "SELECT 1 FROM anchor WHERE lane = ?1 AND sequence <= ?2 LIMIT 1";
        Ok(self.find(sql, (lane, until as i64), |_| Ok(()))?.is_some())
    }

    fn note_arrival(&mut self, frame: &Frame<'_>, lane: &LaneRow, kept: &Kept) -> Result<(), StoreError> {
        let arrival = frame.arrival;
        let first = Position {
            epoch: arrival.epoch,
            lane: arrival.lane,
            sequence: arrival.first,
        };
        let clock = arrival.clock;
        self.record(Record {
            what: "store",
            slot: None,
            subject: format!("{}:{first}-{}", arrival.agent, frame.last()),
            before: "",
            after: "stored",
            detail: format!(
                "{} new, {} known, {} conflicts, {} late, {} undecodable; floor {} with running digest {}",
                kept.fresh,
                kept.known,
                kept.conflicts.len(),
                kept.late.len(),
                kept.undecodable.len(),
                lane.ranges.floor,
                lane.running,
            ),
        })?;
        self.run(
            "INSERT INTO arrival VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            (
                frame.number,
                arrival.received_ms,
                clock.map(|clock| clock.offset_ms),
                clock.map(|clock| clock.error_ms),
                self.head.audit.number as i64,
                clock.map_or(0, |clock| clock.boot as i64),
                clock.map_or(0, |clock| clock.began_ms),
            ),
        )?;
        Ok(())
    }
}
