//! What a row that comes is to what is here already.

use crate::outcome::Reason;
use crate::store::inbox::why;

/// What a row of a frame is to this store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// It fills its position.
    Fresh,
    /// It is here.
    Known,
    /// Other content was first at its position.
    Conflict,
    /// The same, and it is here already: its agent has not moved it yet.
    StillConflict,
    /// Its position had been declared lost.
    AfterLoss,
    /// Its position was settled and nothing is left to compare with.
    AfterPrune,
}

impl Standing {
    /// Whether the row is here.
    pub fn is_here(self) -> bool {
        matches!(self, Standing::Known | Standing::StillConflict)
    }

    /// Why such a row stands beside its position, where it does.
    pub fn reason(self) -> Option<Reason> {
        let (word, text) = match self {
            Standing::Fresh | Standing::Known | Standing::StillConflict => return None,
            Standing::Conflict => (
                why::CONFLICT,
                "other content was at its position first: its agent was restored or cloned and will move it",
            ),
            Standing::AfterLoss => (
                why::LATE,
                "its position had been declared lost: retry it if it is still wanted",
            ),
            Standing::AfterPrune => (
                why::LATE,
                "its position was settled long ago and nothing is left to compare it with",
            ),
        };
        Some(Reason::new(word, text))
    }
}
