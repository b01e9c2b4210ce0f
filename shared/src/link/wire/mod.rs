//! What the two ends of a link say to each other beside frames.
//!
//! A [`Control`] walks with the data (topic `hello`), a [`Receipt`] against it. Both are one value in the layout of
//! [`crate::codec::binary`], at most [`limit::CONTROL_BYTES`]; a long one is packed, behind a first byte that says so: the
//! news of a backlog would otherwise be longer than the backlog. Enums are append-only, fields are never reordered: a new
//! field means a new wire version, which the hello negotiates before it is used.

mod receipt;

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::codec::binary::{self, BinaryError};
use crate::codec::frame::WIRE_VERSION;
use crate::codec::pack;
use crate::envelope::Moment;
use crate::ident::{AgentId, Digest, Epoch, Lane};
use crate::limit;
use crate::message::SCHEMA;
use crate::store::GapKind;
use crate::store::inbox::Opening;

pub use receipt::{News, Note, Receipt, Refused, Taken, Tide, Tidings, Told, Welcome};

/// The first byte of what is packed, in the place of [`binary::VERSION`].
const PACKED: u8 = b'z';

/// What is shorter is not packed: it would gain too little.
const WORTH_BYTES: usize = 512;

/// Why bytes are no control message or receipt. Permanent for these bytes; they are counted and dropped, what they
/// said is said again by timer.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    /// Larger than a control message may be.
    #[error("{0} bytes are more than the {max} of a hello or receipt", max = limit::CONTROL_BYTES)]
    Size(usize),
    /// Packed, and not unpacked to what may be in it.
    #[error("what is packed in it is damaged, or more than the {max} bytes of a hello or receipt", max = limit::CONTROL_BYTES)]
    Packed,
    /// Not the layout.
    #[error("not the layout of a hello or receipt: {0}")]
    Binary(#[from] BinaryError),
}

/// The versions that a program reads and writes, lowest and highest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Versions {
    /// Of frames and control messages.
    pub wire: (u16, u16),
    /// Of message bodies.
    pub schema: (u16, u16),
}

impl Versions {
    /// Those of this program.
    pub const OURS: Versions = Versions {
        wire: (1, WIRE_VERSION as u16),
        schema: (1, SCHEMA),
    };

    /// The highest wire and schema version that both know; none where they have nothing in common.
    pub fn common(&self, other: &Versions) -> Option<(u16, u16)> {
        let meet = |a: (u16, u16), b: (u16, u16)| {
            let highest = a.1.min(b.1);
            (highest >= a.0 && highest >= b.0).then_some(highest)
        };
        Some((meet(self.wire, other.wire)?, meet(self.schema, other.schema)?))
    }
}

/// Which store speaks, since when, and under which term.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Origin {
    /// Random, given when the store was made.
    pub store: u64,
    /// Random, given at this opening of the store.
    pub mark: u64,
    /// How often the store was opened; for people.
    pub number: u64,
    /// Raised at each take-over; lower ones are ignored.
    pub term: u64,
}

impl From<Opening> for Origin {
    fn from(opening: Opening) -> Self {
        let Opening {
            store,
            number,
            mark,
            term,
        } = opening;
        Self {
            store,
            mark,
            number,
            term,
        }
    }
}

impl Origin {
    /// Whether both were said by the same, uninterrupted store.
    pub fn same_opening(&self, other: &Origin) -> bool {
        self.store == other.store && self.mark == other.mark
    }
}

/// A point in a lane: everything up to a sequence, and the running digest of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// The last sequence of it; 0 for nothing.
    pub sequence: u64,
    /// The running digest up to and including it.
    pub running: Digest,
}

/// Said by a sender.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Control {
    /// Who speaks, and what there is.
    Hello(Box<Hello>),
    /// Positions that will never be sent.
    Gone(Gone),
    /// News are committed here.
    Heard(Heard),
}

/// A hello's name: its answer repeats it, so that an old answer is known for one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct HelloId {
    /// Random, one a run of the sender.
    pub session: u64,
    /// Counts the hellos of that run.
    pub number: u64,
}

/// Who speaks, what it has, and what it knows of the other end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// The sender's name; must be that of its topic.
    pub agent: AgentId,
    /// Its name.
    pub id: HelloId,
    /// What the sender reads and writes.
    pub versions: Versions,
    /// The origin that the sender listens to; none before the first answer.
    pub known: Option<Origin>,
    /// The last change number of news from that opening that is committed at the sender.
    pub heard: u64,
    /// The sender's clocks at sending.
    pub clock: Moment,
    /// The round trip of the sender's last answered hello.
    pub round_trip_ms: Option<u32>,
    /// All epochs that are open for sending, oldest first. Of any other the sender has settled everything.
    pub epochs: Vec<EpochHead>,
}

/// An open epoch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EpochHead {
    /// The epoch.
    pub epoch: Epoch,
    /// The one that it continued.
    pub predecessor: Option<Epoch>,
    /// Its lanes; none where this hello has no room for them.
    pub lanes: Vec<LaneHead>,
}

/// A lane of an open epoch as its sender sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LaneHead {
    /// The lane.
    pub lane: Lane,
    /// The lowest sequence that is still kept.
    pub first: u64,
    /// The last sequence that was given, and the running digest up to it.
    pub last: Mark,
    /// What the sender believes to be stored, where it has verified that in this opening.
    pub stored: Option<Mark>,
    /// Everything up to here is settled and committed as such at the sender.
    pub settled: u64,
}

/// Positions that will never be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gone {
    /// The epoch.
    pub epoch: Epoch,
    /// The lane.
    pub lane: Lane,
    /// First.
    pub first: u64,
    /// The running digest before the first; none where the sender does not know it any more.
    pub before: Option<Digest>,
    /// Last, and the running digest up to it.
    pub last: Mark,
    /// Why.
    pub kind: GapKind,
}

/// News up to this change number are committed at the sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heard {
    /// The run of the sender that heard.
    pub session: u64,
    /// The opening whose numbers these are.
    pub mark: u64,
    /// The highest of them, all before it included.
    pub upto: u64,
}

/// A control message or receipt as bytes.
pub fn encode<T: Serialize>(value: &T) -> Result<Vec<u8>, WireError> {
    let bytes = binary::encode(value)?;
    bounded(&bytes)?;
    let packed = (bytes.len() >= WORTH_BYTES).then(|| pack::pack(&bytes)).flatten();
    Ok(packed.map_or(bytes, |packed| [&[PACKED], &packed[..]].concat()))
}

/// The control message or receipt of these bytes.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, WireError> {
    bounded(bytes)?;
    match bytes.split_first() {
        Some((&PACKED, packed)) => {
            let bytes = pack::unpack(packed, limit::CONTROL_BYTES).ok_or(WireError::Packed)?;
            Ok(binary::decode(&bytes)?)
        }
        _ => Ok(binary::decode(bytes)?),
    }
}

fn bounded(bytes: &[u8]) -> Result<(), WireError> {
    if bytes.len() > limit::CONTROL_BYTES {
        return Err(WireError::Size(bytes.len()));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
