//! Faults that are planted on purpose, to prove that the oracle sees them.
//!
//! They live in the drivers and models of the simulation only; the machines under test are the shipped ones.

/// A planted fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Bug {
    /// The relay answers *stored* before its commit.
    ReceiptBeforeCommit,
    /// The scanner hears OK before the commit.
    ToneBeforeCommit,
    /// The inbox forgets what a message comes after.
    AfterForgotten,
    /// The agent prunes what is only stored.
    PruneAtStored,
    /// The inbox takes a position for the message: other content at it counts as known.
    DedupByPosition,
    /// The flow judges a message before it asks the target whether it was done.
    ValidationBeforeAsking,
    /// The target runs a group although one of it is done.
    GroupRunThoughPartlyKnown,
    /// What is discarded before its turn frees those behind it, though something that it came after is still to come.
    DiscardedLetsGo,
    /// A discard settles without claiming the id in the target.
    DiscardWithoutVoid,
    /// A restored spool goes on with its epoch.
    EpochContinuedAfterRestore,
    /// The target runs what an instance sends that was taken over.
    StaleFenceIgnored,
    /// The agent listens to an instance that was taken over.
    LowerTermAccepted,
    /// The agent believes a floor although its digest differs.
    FloorBelievedWithoutDigest,
    /// A declared gap wipes what is stored at its positions.
    LostDeclaredThoughStored,
    /// A higher attempt runs a message again that is done.
    RetryReopensDone,
    /// The spool settles a position, whatever content the news is about.
    SettledByPosition,
    /// News are acknowledged before they are committed, and settled ones are pruned at the relay at once.
    HeardBeforeCommit,
    /// A new store of the relay is taken for the old one: what was stored there counts as stored.
    OpeningIgnored,
    /// What is not in the target any more after it was restored is not sent again.
    RestoredTargetTrusted,
}

impl Bug {
    /// All of them.
    pub const ALL: [Bug; 19] = [
        Bug::ReceiptBeforeCommit,
        Bug::ToneBeforeCommit,
        Bug::AfterForgotten,
        Bug::PruneAtStored,
        Bug::DedupByPosition,
        Bug::ValidationBeforeAsking,
        Bug::GroupRunThoughPartlyKnown,
        Bug::DiscardedLetsGo,
        Bug::DiscardWithoutVoid,
        Bug::EpochContinuedAfterRestore,
        Bug::StaleFenceIgnored,
        Bug::LowerTermAccepted,
        Bug::FloorBelievedWithoutDigest,
        Bug::LostDeclaredThoughStored,
        Bug::RetryReopensDone,
        Bug::SettledByPosition,
        Bug::HeardBeforeCommit,
        Bug::OpeningIgnored,
        Bug::RestoredTargetTrusted,
    ];
}

impl std::str::FromStr for Bug {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Bug::ALL.into_iter().find(|bug| format!("{bug:?}") == text);
        found.ok_or_else(|| format!("no such bug: {text}"))
    }
}
