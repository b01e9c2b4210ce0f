//! What must hold at every instant, looked at where it could break.

use millrace_shared::envelope::{Envelope, Row};
use millrace_shared::ident::{AgentId, Position};
use millrace_shared::link::wire::{self, Control, Receipt, Tidings};
use millrace_shared::link::{Channel, SenderAction, SenderEvent};
use millrace_shared::outcome::Outcome;
use millrace_shared::store::inbox::{Change, Inbox, LaneFloors, Request};
use millrace_shared::store::spool::{Fate, News, SpoolReader};

use super::inbox::{name_of, scan_in, scan_of};
use super::odoo::Known;
use super::world::{Node, World};

/// An effect that is older than this was known long before somebody called its message dead.
const LONG_AGO_MS: u64 = 30_000;

impl World {
    /// *stored* is only said of what is on the disk.
    pub fn watch_receipt(&mut self, relay: usize, agent: &AgentId, payload: &[u8]) {
        let Ok(Receipt {
            tidings: Tidings::Stored { taken, .. },
            ..
        }) = wire::decode(payload)
        else {
            return;
        };
        let lanes = self.relays[relay].disk.floors(agent).unwrap_or_default();
        for taken in taken {
            let lane = lanes
                .iter()
                .find(|lane| (lane.epoch, lane.lane) == (taken.epoch, taken.lane));
            let within = |(first, last): &(u64, u64)| *first <= taken.first && taken.last.sequence <= *last;
            let kept =
                |lane: &LaneFloors| within(&(1, lane.stored.sequence)) || lane.ranges.iter().any(within);
            if !lane.is_some_and(kept) {
                let (first, last) = (taken.first, taken.last.sequence);
                return self.violate(format!(
                    "P2: relay {relay} says stored of {first}-{last}, which is not on its disk"
                ));
            }
        }
    }

    /// News are only acknowledged when they are on the disk.
    pub fn watch_heard(&mut self, agent: usize, channel: Channel, payload: &[u8]) {
        let Some(Control::Heard(heard)) = Self::control(channel, payload) else {
            return;
        };
        let disk = &self.relays[self.relay()].disk;
        if disk.opening().mark != heard.mark {
            return;
        }
        let id = self.agents[agent].id.clone();
        let told = disk.news(&id, 0, usize::MAX).unwrap_or_default();
        let spool = &self.agents[agent].disk.spool;
        let unknown = told.into_iter().find(|note| {
            let settled = matches!(note.told, millrace_shared::store::inbox::Told::Settled(_));
            let fate = spool.fate(note.id.position).ok().flatten();
            let waiting = matches!(fate, Some(Fate::Waiting | Fate::Stored | Fate::Dead(_)));
            let ours = self.content_at(agent, note.id.position) == Some(note.id.digest);
            note.change <= heard.upto && settled && waiting && ours
        });
        if let Some(note) = unknown {
            self.violate(format!(
                "P2: agent {agent} acknowledged what it had not committed: {}",
                note.id
            ));
        }
    }

    /// What an agent takes for applied did take effect.
    pub fn watch_settling(&mut self, agent: usize, action: &SenderAction) {
        let SenderAction::Learn(_, news) = action else {
            return;
        };
        let mut wrong = Vec::new();
        for news in news {
            let News::Settled {
                stamp,
                outcome: Outcome::Applied(_),
            } = news
            else {
                continue;
            };
            let row = self.row_at(agent, stamp.position);
            let ours = row.filter(|row| row.digest.short() == stamp.digest);
            let envelope = ours.and_then(|row| Envelope::open(&row.bytes).ok());
            let scan = envelope.as_ref().and_then(scan_in);
            wrong.extend(scan.filter(|scan| !self.ever_applied.contains(scan)));
        }
        for scan in wrong {
            self.violate(format!(
                "P2: agent {agent} takes scan {scan} for applied, which never took effect"
            ));
        }
    }

    /// The short digest of the row at a position of an agent's spool.
    pub fn content_at(&self, agent: usize, position: Position) -> Option<[u8; 8]> {
        self.row_at(agent, position).map(|row| row.digest.short())
    }

    /// The row at a position of an agent's spool, while it is not settled.
    fn row_at(&self, agent: usize, position: Position) -> Option<Row> {
        let Position {
            epoch,
            lane,
            sequence,
        } = position;
        let spool = &self.agents[agent].disk.spool;
        let row = spool.rows(epoch, lane, sequence, 1, usize::MAX).ok()?.pop()?;
        (row.position == position).then_some(row)
    }

    /// An agent hears a receipt. One of a lower term than it listened to changes nothing.
    pub fn receive(&mut self, agent: usize, payload: Vec<u8>) {
        let term = wire::decode::<Receipt>(&payload).map_or(u64::MAX, |receipt| receipt.origin.term);
        let lower = term < self.agents[agent].term_heard;
        if lower {
            self.settle_timers(agent);
        }
        let planted = self.plant_in_receipt(agent, payload);
        self.note(|| format!("agent {agent} hears {}", super::log::receipt(&planted)));
        let now = self.moment(Node::Agent(agent));
        let Some(sender) = &mut self.agents[agent].sender else {
            return;
        };
        sender.handle_event(SenderEvent::Receipt(planted), now);
        let listens = sender.origin().map_or(0, |origin| origin.term);
        let mut actions: Vec<SenderAction> = std::iter::from_fn(|| sender.poll_action()).collect();
        let deed = actions
            .iter()
            .any(|action| !matches!(action, SenderAction::Notice(_)));
        if lower && deed {
            self.violate(format!(
                "P3: agent {agent} acts on a receipt of term {term}, though it was taken over from"
            ));
        }
        let heard = &mut self.agents[agent].term_heard;
        *heard = (*heard).max(listens.min(term));
        for action in actions.drain(..) {
            if !self.do_for_sender(agent, action) {
                return;
            }
        }
        self.drive_sender(agent);
    }

    /// Whatever was due anyway is done, so that what follows follows from what is heard next.
    fn settle_timers(&mut self, agent: usize) {
        let now = self.moment(Node::Agent(agent));
        if let Some(sender) = &mut self.agents[agent].sender {
            sender.handle_timeout(now);
        }
        self.drive_sender(agent);
    }

    /// Nothing takes effect under a fence that is not the highest.
    pub fn watch_effects(&mut self, before: usize) {
        let fence = self.odoo.fence;
        let new: Vec<_> = self.odoo.effects[before..].to_vec();
        for effect in new {
            if effect.fence != fence {
                let sent = effect.fence;
                self.violate(format!(
                    "P3: scan {} took effect under fence {sent}, the fence is {fence}",
                    effect.scan
                ));
            }
            self.effect_ms.insert(effect.scan, self.now_ms);
            self.ever_applied.insert(effect.scan);
            self.moved_ms = self.now_ms;
        }
    }

    /// What took effect is not called dead.
    pub fn watch_changes(&mut self, relay: usize, changes: &[Request]) {
        for Request { ticket, change } in changes {
            let Some(item) = self.relays[relay].disk.item(ticket.slot) else {
                continue;
            };
            let (Change::Dead(_), Some(scan), Some(name)) = (change, scan_of(&item), name_of(&item)) else {
                continue;
            };
            let done = self.odoo.known.get(&name) == Some(&Known::Done);
            let old = self
                .effect_ms
                .get(&scan)
                .is_some_and(|at| at + LONG_AGO_MS < self.now_ms);
            if done && old {
                self.violate(format!(
                    "P5: relay {relay} calls scan {scan} dead, which took effect long ago"
                ));
            }
        }
    }
}
