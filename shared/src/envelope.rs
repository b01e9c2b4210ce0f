//! The thing that travels: a message, what was true when it was captured, and what it comes after.
//!
//! An envelope is sealed once, into bytes; stores and frames carry those bytes and never encode them again, so its
//! digest means the same everywhere. Its position is not inside: it is where the bytes stand.

use serde::{Deserialize, Serialize};

use crate::codec::binary::{self, BinaryError};
use crate::ident::{AgentId, Digest, Lane, MessageId, Position, Stamp};
use crate::limit;
use crate::message::{Key, Kind, Message, MessageError, SCHEMA};

/// Why an envelope cannot be sealed or opened. Permanent for the same input.
#[derive(Debug, thiserror::Error)]
pub enum EnvelopeError {
    /// It would be larger than an envelope may be.
    #[error("the envelope has {0} bytes, more than {max}", max = limit::ENVELOPE_BYTES)]
    TooLarge(usize),
    /// More keys than a message may have.
    #[error("the envelope names {0} keys, more than {max}", max = limit::KEYS)]
    Keys(usize),
    /// The bytes are no envelope.
    #[error("the envelope's bytes: {0}")]
    Binary(#[from] BinaryError),
    /// What it carries is no message.
    #[error(transparent)]
    Message(#[from] MessageError),
}

/// What was true when the message was captured. Fixed at commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capture {
    /// The configured source that took it in.
    pub source: String,
    /// The station whose profile made it, where one did.
    pub station: Option<String>,
    /// The badge of the operator, where one was scanned.
    pub operator: Option<String>,
    /// When.
    pub moment: Moment,
    /// What the source calls it: idempotency key, `external_id`, file and line.
    pub source_id: Option<String>,
    /// The bytes as they arrived, cut to [`limit::RAW_BYTES`].
    pub raw: Vec<u8>,
    /// Whether `raw` was cut.
    pub raw_cut: bool,
}

/// A reading of the plant's clocks. Nothing is ordered by the wall clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moment {
    /// Wall time, milliseconds since 1970-01-01 UTC.
    pub wall_ms: i64,
    /// The plant's offset from UTC at that time, in minutes.
    pub offset_minutes: i16,
    /// Which run of the machine the monotonic reading belongs to.
    pub boot: u64,
    /// Monotonic milliseconds since that boot.
    pub monotonic_ms: u64,
}

/// One key of a message and the latest earlier message with it that was not settled when this one was committed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyLink {
    /// The key.
    pub key: Key,
    /// The message that must settle first, by its name: after a restore another content may stand at its position, and it
    /// may have been moved. None where the key was free.
    pub after: Option<Stamp>,
}

/// What a source hands to the spool: an envelope without its place in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// The message.
    pub message: Message,
    /// The lane, where it is not the one of its kind.
    pub lane: Option<Lane>,
    /// The message that it undoes. Its kind and keys are those of that message.
    pub reverses: Option<MessageId>,
    /// How it was captured.
    pub capture: Capture,
}

/// A message with its capture and its place among the others of its agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope {
    /// The agent's running number of capture within the epoch, over all lanes. A moved message keeps the ordinal (and
    /// the links) that it had in the epoch it was moved from, so capture order is (epoch of capture, ordinal).
    pub ordinal: u64,
    /// The kind's name; text, so that a kind that is not known here can be kept until it is.
    pub kind: String,
    /// The schema version of the body.
    pub schema: u16,
    /// The message that it undoes.
    pub reverses: Option<MessageId>,
    /// What it touches, and what it comes after.
    pub keys: Vec<KeyLink>,
    /// The body as JSON text.
    pub body: String,
    /// How it was captured.
    pub capture: Capture,
    /// The name that it was given at capture, where it was moved to another epoch since. That stays its name for ever,
    /// however often it is moved: links mean it, and the target knows it by it. See [`Envelope::name`].
    pub moved_from: Option<Stamp>,
}

impl Draft {
    /// The lane that it goes by.
    pub fn lane(&self) -> Lane {
        self.lane.unwrap_or(self.message.kind().rules().lane)
    }
}

impl Envelope {
    /// The envelope of a draft. The links must name exactly the message's keys.
    pub fn new(draft: &Draft, ordinal: u64, keys: Vec<KeyLink>) -> Result<Self, EnvelopeError> {
        Ok(Self {
            ordinal,
            kind: draft.message.kind().name().to_owned(),
            schema: SCHEMA,
            reverses: draft.reverses.clone(),
            keys,
            body: draft.message.body()?,
            capture: draft.capture.clone(),
            moved_from: None,
        })
    }

    /// The envelope as the bytes that are kept and sent from now on, and their digest.
    pub fn seal(&self) -> Result<Sealed, EnvelopeError> {
        if self.keys.len() > limit::KEYS {
            return Err(EnvelopeError::Keys(self.keys.len()));
        }
        let bytes = binary::encode(self)?;
        if bytes.len() > limit::ENVELOPE_BYTES {
            return Err(EnvelopeError::TooLarge(bytes.len()));
        }
        Ok(Sealed {
            digest: Digest::of(&bytes),
            bytes,
        })
    }

    /// The envelope in these bytes.
    pub fn open(bytes: &[u8]) -> Result<Self, EnvelopeError> {
        if bytes.len() > limit::ENVELOPE_BYTES {
            return Err(EnvelopeError::TooLarge(bytes.len()));
        }
        let envelope: Self = binary::decode(bytes)?;
        if envelope.keys.len() > limit::KEYS {
            return Err(EnvelopeError::Keys(envelope.keys.len()));
        }
        Ok(envelope)
    }

    /// The message's name, where it stands at this stamp: fixed at capture, never changed by moves. Under this name the
    /// target must know it, so that a copy that comes back from an old image is recognised although it stands elsewhere.
    pub fn name(&self, at: Stamp) -> Stamp {
        self.moved_from.unwrap_or(at)
    }

    /// What it comes after, once for each key.
    pub fn links(&self) -> impl Iterator<Item = &Stamp> {
        self.keys.iter().filter_map(|link| link.after.as_ref())
    }

    /// The message inside, typed and checked.
    pub fn message(&self) -> Result<Message, MessageError> {
        Message::parse(self.kind.parse::<Kind>()?, self.schema, &self.body)
    }
}

/// An envelope's bytes with their digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// SHA-256 of the bytes.
    pub digest: Digest,
    /// The encoded envelope.
    pub bytes: Vec<u8>,
}

/// A sealed envelope at its place in a lane.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Where it stands.
    pub position: Position,
    /// SHA-256 of the bytes.
    pub digest: Digest,
    /// The lane's running digest before this row.
    pub before: Digest,
    /// The encoded envelope.
    pub bytes: Vec<u8>,
}

impl Row {
    /// The name of the message in this row of that agent's log.
    pub fn id(&self, agent: &AgentId) -> MessageId {
        MessageId::new(agent.clone(), self.position, &self.digest)
    }

    /// That name without the agent.
    pub fn stamp(&self) -> Stamp {
        Stamp {
            position: self.position,
            digest: self.digest.short(),
        }
    }

    /// The lane's running digest up to and including this row.
    pub fn running(&self) -> Digest {
        self.before.then(self.digest)
    }
}
