//! A posting: the calls that make one message, or a group of like ones, take effect in one transaction of Odoo.

use std::collections::BTreeSet;
use std::fmt;

use millrace_shared::ident::{Digest, MessageId};
use millrace_shared::message::Kind;
use serde_json::{Map, Value, json};

use super::shape::Shape;
use super::step::Step;
use super::steps::{Proven, Steps};

/// Who asks for an effect: what Odoo's inbox keeps of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamp {
    /// Its name for ever.
    pub id: MessageId,
    /// Its content. The same id with another one is a conflict.
    pub digest: Digest,
    /// How often it was tried under this id; from 1. A stored rejection gives way to a higher one only.
    pub attempt: u32,
    /// What it says.
    pub kind: Kind,
    /// The station whose profile made it.
    pub station: Option<String>,
    /// The badge of the operator.
    pub operator: Option<String>,
}

impl Stamp {
    /// What its sequence counts in: a lane of one epoch of one agent.
    pub fn lane(&self) -> String {
        format!(
            "{}:{}:{}",
            self.id.agent, self.id.position.epoch, self.id.position.lane
        )
    }

    /// As the addon reads it.
    pub fn to_json(&self) -> Value {
        let position = self.id.position;
        let mut json = json!({
            "id": self.id.to_string(),
            "digest": self.digest.to_string(),
            "attempt": self.attempt,
            "lane": self.lane(),
            "sequence": position.sequence,
            "kind": self.kind.name(),
            "agent": self.id.agent.as_str(),
        });
        for (name, label) in [("station", &self.station), ("operator", &self.operator)] {
            if let Some(label) = label {
                json[name] = label.clone().into();
            }
        }
        json
    }
}

/// What a posting touches in the target. Two that share one are never in flight at the same time, and messages that
/// share one take effect in the order of capture.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Shard {
    /// A production order, by its group: that stays when Odoo renames and splits the order.
    Production(i64),
    /// A purchase order.
    Purchase(i64),
    /// An item at a location. Lots are not told apart: reservations and splits of quants cross them.
    Stock {
        /// The product.
        product: i64,
        /// The location.
        location: i64,
    },
    /// A lot or serial number of a product, known to Odoo or not.
    Lot {
        /// The product.
        product: i64,
        /// Its name.
        name: String,
    },
    /// What a message names, where nothing is resolved.
    Named(String),
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Shard::Production(group) => write!(f, "production:{group}"),
            Shard::Purchase(order) => write!(f, "purchase:{order}"),
            Shard::Stock { product, location } => write!(f, "stock:{product}@{location}"),
            Shard::Lot { product, name } => write!(f, "lot:{product}:{name}"),
            Shard::Named(name) => f.write_str(name),
        }
    }
}

/// The record that shows a message's effect, and what is kept beside it.
#[derive(Debug, Clone, PartialEq)]
pub struct Trail {
    /// The record's model.
    pub model: &'static str,
    /// Its id, or where a step answers it.
    pub id: Value,
    /// Kept with the outcome; `name` is shown to people.
    pub data: Value,
}

/// See the module.
#[derive(Debug, Clone, PartialEq)]
pub struct Posting {
    stamps: Vec<Stamp>,
    shape: Shape,
    shards: BTreeSet<Shard>,
    assumes: BTreeSet<Shard>,
    locks: BTreeSet<String>,
    context: Value,
    steps: Vec<Step>,
    trails: Vec<Trail>,
    singles: Vec<Posting>,
}

impl Posting {
    /// A posting of these messages, with a trail for each, in the same order. Only proven steps make one.
    pub(super) fn new(stamped: Vec<(Stamp, Trail)>, steps: Steps<Proven>, shards: BTreeSet<Shard>) -> Self {
        let (stamps, trails) = stamped.into_iter().unzip();
        Self {
            stamps,
            shape: Shape::Lone,
            shards,
            assumes: BTreeSet::new(),
            locks: BTreeSet::new(),
            context: json!({}),
            steps: steps.finish(),
            trails,
            singles: Vec::new(),
        }
    }

    /// A posting that says what is to happen and calls nothing: for a target that only records.
    pub(super) fn literal(stamp: Stamp, trail: Trail, shards: BTreeSet<Shard>) -> Self {
        Self {
            stamps: vec![stamp],
            shape: Shape::Lone,
            shards,
            assumes: BTreeSet::new(),
            locks: BTreeSet::new(),
            context: json!({}),
            steps: Vec::new(),
            trails: vec![trail],
            singles: Vec::new(),
        }
    }

    pub(super) fn shaped(mut self, shape: Shape) -> Self {
        self.shape = shape;
        self
    }

    /// Of what it touches, that which its guards expect to be as it was when it was planned.
    pub(super) fn assuming(mut self, assumes: impl IntoIterator<Item = Shard>) -> Self {
        self.assumes.extend(assumes);
        self
    }

    pub(super) fn context(mut self, context: Value) -> Self {
        self.context = context;
        self
    }

    /// Keys that no other posting of any relay may work on at the same time: for search-or-create and stock checks.
    pub(super) fn locking(mut self, locks: impl IntoIterator<Item = String>) -> Self {
        self.locks.extend(locks);
        self
    }

    pub(super) fn with_singles(mut self, singles: Vec<Posting>) -> Self {
        self.singles = singles;
        self
    }

    /// The messages, in order.
    pub fn stamps(&self) -> &[Stamp] {
        &self.stamps
    }

    /// What it touches.
    pub fn shards(&self) -> &BTreeSet<Shard> {
        &self.shards
    }

    /// Of what it touches, that which must still be as it was when it was planned.
    pub fn assumes(&self) -> &BTreeSet<Shard> {
        &self.assumes
    }

    /// What it could be merged with.
    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    /// The records it is about, in the order of the messages.
    pub fn trails(&self) -> &[Trail] {
        &self.trails
    }

    /// The same posting for another attempt of its messages.
    pub fn attempt(mut self, attempt: u32) -> Self {
        for stamp in &mut self.stamps {
            stamp.attempt = attempt;
        }
        self.singles = self
            .singles
            .into_iter()
            .map(|single| single.attempt(attempt))
            .collect();
        self
    }

    /// As the addon's `apply` reads it.
    pub fn to_json(&self) -> Value {
        let mut outcomes = Map::new();
        for (stamp, trail) in self.stamps.iter().zip(&self.trails) {
            let outcome = json!({ "model": trail.model, "id": trail.id, "data": trail.data });
            outcomes.insert(stamp.id.to_string(), outcome);
        }
        let mut json = json!({
            "messages": self.stamps.iter().map(Stamp::to_json).collect::<Value>(),
            "context": self.context,
            "locks": self.locks,
            "steps": self.steps.iter().map(Step::to_json).collect::<Value>(),
            "outcomes": outcomes,
        });
        if !self.singles.is_empty() {
            json["singles"] = self.singles.iter().map(Posting::to_json).collect();
        }
        json
    }
}
