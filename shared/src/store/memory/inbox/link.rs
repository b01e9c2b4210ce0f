//! What the link may do.

use crate::ident::{AgentId, Epoch, Lane};
use crate::store::StoreError;
use crate::store::inbox::{
    Arrival, Gap, Inbox, LaneFloors, Lineage, Note, Opening, PAGE, State, Taken, Told,
};

use super::MemoryInbox;
use super::state::Author;

impl Inbox for MemoryInbox {
    fn opening(&self) -> Opening {
        self.opening
    }

    fn raise_term(&mut self, term: u64) -> Result<Opening, StoreError> {
        self.opening.term = self.opening.term.max(term);
        Ok(self.opening)
    }

    fn announce(&mut self, agent: &AgentId, epochs: &[Lineage], now_ms: i64) -> Result<(), StoreError> {
        self.learn_epochs(agent, epochs);
        self.claim(agent, epochs);
        self.follow_up(Author { who: "link", now_ms });
        Ok(())
    }

    fn take(&mut self, arrivals: &[Arrival]) -> Result<Vec<Taken>, StoreError> {
        let taken = arrivals.iter().map(|arrival| {
            let by = Author {
                who: "link",
                now_ms: arrival.received_ms,
            };
            self.take_one(arrival, by)
        });
        Ok(taken.collect())
    }

    fn declare(&mut self, agent: &AgentId, gaps: &[Gap], now_ms: i64) -> Result<(), StoreError> {
        let by = Author { who: "link", now_ms };
        gaps.iter().for_each(|gap| self.step_over(agent, gap, by));
        Ok(())
    }

    fn acknowledge(
        &mut self,
        agent: &AgentId,
        epoch: Epoch,
        lane: Lane,
        settled: u64,
    ) -> Result<(), StoreError> {
        if let Some(lane) = self.lanes.get_mut(&(agent.clone(), epoch, lane)) {
            lane.acknowledged = settled.min(lane.settled.sequence);
        }
        Ok(())
    }

    fn floors(&self, agent: &AgentId) -> Result<Vec<LaneFloors>, StoreError> {
        let mut floors: Vec<(i64, LaneFloors)> = Vec::new();
        for ((_, epoch, lane), here) in self.lanes.iter().filter(|(at, _)| at.0 == *agent) {
            floors.push((
                self.rank(agent, *epoch).unwrap_or(0),
                LaneFloors {
                    epoch: *epoch,
                    lane: *lane,
                    stored: here.stored,
                    ranges: here.ranges.above.clone(),
                    settled: here.settled,
                    acknowledged: here.acknowledged,
                    diverged: here.diverged,
                },
            ));
        }
        floors.sort_by_key(|(rank, floors)| (*rank, floors.lane));
        Ok(floors.into_iter().map(|(_, floors)| floors).collect())
    }

    fn news(&self, agent: &AgentId, after: u64, max: usize) -> Result<Vec<Note>, StoreError> {
        let mut notes: Vec<Note> = self
            .rows
            .values()
            .filter(|row| row.agent == *agent && row.change.is_some_and(|change| change > after))
            .filter_map(|row| {
                Some(Note {
                    change: row.change?,
                    id: row.id()?,
                    told: match &row.state {
                        State::Dead(reason) => Told::Dead(reason.clone()),
                        State::Settled(outcome) => Told::Settled(outcome.clone()),
                        _ => Told::Reopened,
                    },
                })
            })
            .collect();
        notes.sort_by_key(|note| note.change);
        notes.truncate(max.min(PAGE));
        Ok(notes)
    }

    fn room(&self, agent: &AgentId, lane: Lane) -> Result<u64, StoreError> {
        Ok(self.room_of(agent, lane))
    }
}
