//! What sources hand over, and what they are answered.

use crate::envelope::{Draft, Moment};
use crate::ident::{Digest, MessageId};

/// What a source hands over as one piece: kept whole or not at all.
#[derive(Debug, Clone, Default)]
pub struct Intake {
    /// What the source calls this piece, so that it can be recognised.
    pub claim: Option<Claim>,
    /// The messages it completes; none for a scan in the middle of a dialogue.
    pub drafts: Vec<Draft>,
    /// The scan that caused it, for the journal of scans.
    pub scan: Option<Scan>,
    /// How it changes a dialogue.
    pub dialogue: Option<DialogueChange>,
}

/// A source's own id with the digest of the content that it stood for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The configured source (or client) whose id this is.
    pub source: String,
    /// The id.
    pub id: String,
    /// The digest of what the source sent under it.
    pub content: Digest,
}

/// A scan as it arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scan {
    /// The station.
    pub station: String,
    /// The connection within the station.
    pub connection: String,
    /// When.
    pub moment: Moment,
    /// The bytes.
    pub raw: Vec<u8>,
}

/// The dialogue of a station and connection after this intake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DialogueChange {
    /// The station.
    pub station: String,
    /// The connection within the station.
    pub connection: String,
    /// Its state from now on, in the station's own encoding; none ends it.
    pub state: Option<Vec<u8>>,
}

/// What became of an intake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// On disk; these are its messages' names.
    Kept(Vec<MessageId>),
    /// The claim was kept before with equal content: the first answer again. Nothing was added.
    Known(Vec<MessageId>),
    /// The claim was kept before with other content. Nothing was added.
    Conflict(Vec<MessageId>),
    /// This intake cannot be kept, its neighbours can; the text tells the source why.
    Refused(String),
    /// The quota does not allow it now.
    Full(String),
}
