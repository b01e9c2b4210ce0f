//! An agent as far as an inbox can tell: makes rows as a spool would, with links and running digests.

use std::collections::HashMap;

use crate::envelope::{Capture, Envelope, KeyLink, Moment, Sealed};
use crate::ident::{AgentId, Digest, Epoch, Lane, MessageId, Position, Stamp};
use crate::message::Key;
use crate::store::inbox::{Arrival, Floor, Lineage};

use super::kit::PASSES;

/// A row as it travels, with its name.
#[derive(Debug, Clone)]
pub struct Made {
    pub id: MessageId,
    pub sequence: u64,
    pub lane: Lane,
    pub envelope: Envelope,
    pub sealed: Sealed,
    /// The running digest before and after it.
    pub before: Digest,
    pub running: Digest,
}

/// An agent's spool, as far as an inbox can tell.
#[derive(Debug, Clone)]
pub struct Plant {
    pub agent: AgentId,
    pub epoch: Epoch,
    pub ordinal: u64,
    lanes: HashMap<Lane, (u64, Digest)>,
    last: HashMap<String, Stamp>,
}

impl Plant {
    pub fn new(name: &str, epoch: u64) -> Self {
        Self {
            agent: name.parse().unwrap(),
            epoch: Epoch(epoch),
            ordinal: 0,
            lanes: HashMap::new(),
            last: HashMap::new(),
        }
    }

    /// The next row in the normal lane.
    pub fn make(&mut self, kind: &str, keys: &[&str]) -> Made {
        self.make_in(Lane::Normal, kind, keys, |_| {})
    }

    /// The next row that undoes another.
    pub fn undo(&mut self, of: &Made) -> Made {
        let keys: Vec<String> = of
            .envelope
            .keys
            .iter()
            .map(|link| link.key.as_str().to_owned())
            .collect();
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        let id = of.id.clone();
        self.make_in(of.lane, &of.envelope.kind.clone(), &keys, |envelope| {
            envelope.reverses = Some(id)
        })
    }

    /// The next row in a lane, changed before it is sealed.
    pub fn make_in(
        &mut self,
        lane: Lane,
        kind: &str,
        keys: &[&str],
        change: impl FnOnce(&mut Envelope),
    ) -> Made {
        self.ordinal += 1;
        let link = |key: &&str| KeyLink {
            key: Key::from_text((*key).to_owned()),
            after: self.last.get(*key).copied(),
        };
        let mut envelope = Envelope {
            ordinal: self.ordinal,
            kind: kind.to_owned(),
            schema: 1,
            reverses: None,
            keys: keys.iter().map(link).collect(),
            body: body(kind, self.ordinal),
            capture: capture(self.ordinal),
            moved_from: None,
        };
        change(&mut envelope);
        let made = self.put(lane, envelope);
        for key in keys {
            self.last.insert((*key).to_owned(), made.id.stamp());
        }
        made
    }

    /// The epoch of now as a hello tells it: how far each lane reaches.
    pub fn lineage(&self, predecessor: Option<u64>) -> Lineage {
        let head = |lane| match self.lanes.get(&lane) {
            Some(&(next, running)) => Floor {
                sequence: next - 1,
                running,
            },
            None => Floor::origin(self.epoch, lane),
        };
        Lineage {
            epoch: self.epoch,
            predecessor: predecessor.map(Epoch),
            heads: Some(Lane::ALL.map(head)),
        }
    }

    /// Puts an envelope at the next position of a lane.
    pub fn put(&mut self, lane: Lane, envelope: Envelope) -> Made {
        let sealed = envelope.seal().unwrap();
        let (next, before) = *self
            .lanes
            .entry(lane)
            .or_insert_with(|| (1, Digest::origin(self.epoch, lane)));
        let running = before.then(sealed.digest);
        self.lanes.insert(lane, (next + 1, running));
        let position = Position {
            epoch: self.epoch,
            lane,
            sequence: next,
        };
        Made {
            id: MessageId::new(self.agent.clone(), position, &sealed.digest),
            sequence: next,
            lane,
            envelope,
            sealed,
            before,
            running,
        }
    }

    /// Cuts a new epoch.
    pub fn cut(&mut self, epoch: u64) {
        self.epoch = Epoch(epoch);
        self.lanes.clear();
        self.ordinal = 0;
    }

    /// Moves a row into the epoch of now. It keeps the name that it was given at capture; links name it by that.
    pub fn move_here(&mut self, made: &Made) -> Made {
        let mut envelope = made.envelope.clone();
        envelope.moved_from = Some(envelope.name(made.id.stamp()));
        self.put(made.lane, envelope)
    }

    /// Forgets that a key was used, as when all with it have settled.
    pub fn free(&mut self, key: &str) {
        self.last.remove(key);
    }

    /// Contiguous rows as a frame.
    pub fn frame(&self, rows: &[&Made]) -> Arrival {
        frame_of(&self.agent, rows)
    }
}

/// Contiguous rows of one lane and epoch as a frame.
pub fn frame_of(agent: &AgentId, rows: &[&Made]) -> Arrival {
    Arrival {
        agent: agent.clone(),
        epoch: rows[0].id.position.epoch,
        lane: rows[0].lane,
        first: rows[0].sequence,
        before: rows[0].before,
        rows: rows.iter().map(|row| row.sealed.bytes.clone()).collect(),
        received_ms: 1_000,
        clock: None,
    }
}

fn body(kind: &str, number: u64) -> String {
    match kind {
        PASSES => format!(r#"{{"item":"I","location":"L","quantity":{{"value":"{number}"}}}}"#),
        _ => format!(r#"{{"order":"O","quantity":{{"value":"{number}"}}}}"#),
    }
}

fn capture(number: u64) -> Capture {
    Capture {
        source: "tcp".into(),
        station: Some("S1".into()),
        operator: Some(format!("B{}", number % 3)),
        moment: Moment {
            wall_ms: 1_000 * number as i64,
            offset_minutes: 60,
            boot: 1,
            monotonic_ms: number,
        },
        source_id: None,
        raw: Vec::new(),
        raw_cut: false,
    }
}
