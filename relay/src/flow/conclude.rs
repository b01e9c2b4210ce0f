//! What follows from the target's answer about a message: the changes to make in the inbox. Pure.

use millrace_shared::outcome::{Outcome, Reason};
use millrace_shared::store::inbox::{Change, Entry, Hold, State};

use crate::post::{Verdict, judge};
use crate::target::{Answer, End, Rejection};

/// How often a message is planned anew because the target changed between the questions and the posting. Then it is a
/// dead letter: something changes it faster than it can be posted.
pub const AGAIN: u32 = 8;

/// What follows from an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conclusion {
    /// The changes, in order. None: it stays as it is and is asked for again.
    pub changes: Vec<Change>,
    /// The message must be sent without others next time.
    pub alone: bool,
    /// What is remembered of the target is no longer true.
    pub forget: bool,
    /// The domain must stop; the text tells a person why.
    pub stop: Option<String>,
}

impl Conclusion {
    fn of(changes: impl IntoIterator<Item = Change>) -> Self {
        Self {
            changes: changes.into_iter().collect(),
            alone: false,
            forget: false,
            stop: None,
        }
    }

    fn dead(code: &str, text: impl Into<String>) -> Self {
        Self::of([Change::Dead(Reason::new(code, text))])
    }
}

/// What follows from the target's answer about this message.
pub fn conclude(entry: &Entry, answer: &Answer) -> Conclusion {
    let voiding = matches!(entry.state, State::Voiding { .. });
    match &answer.end {
        End::Done(record, _) => Conclusion::of([Change::Settle(Outcome::Applied(record.clone()))]),
        End::Void { reason, by } => {
            let (by, reason) = (by.clone(), reason.clone());
            Conclusion::of([Change::Settle(Outcome::Discarded { by, reason })])
        }
        // Nothing of a void claim came through yet: it is claimed again.
        _ if voiding => Conclusion::of([]),
        // An earlier attempt was refused; the one that is under way has not run.
        End::Rejected(_) if answer.attempt < entry.attempt => Conclusion::of([Change::Return]),
        End::Rejected(rejection) => rejected(entry, rejection),
        End::Unknown => Conclusion::of([Change::Return]),
        End::Split => Conclusion {
            alone: true,
            ..Conclusion::of([Change::Return])
        },
        End::Forbidden(text) => Conclusion {
            stop: Some(text.clone()),
            ..Conclusion::of([Change::Return])
        },
        End::Malformed(text) => Conclusion::dead(
            "malformed-posting",
            format!(
                "Odoo cannot run the posting as it was written: {text}. Update Millrace or Odoo, then retry"
            ),
        ),
        End::Conflict => Conclusion::dead(
            "id-conflict",
            "Odoo knows this message id with other content: compare both before anything is done",
        ),
        End::Expired => Conclusion::dead(
            "expired",
            "Odoo has purged its memory of this time, so nobody can say whether it took effect: look in Odoo, then discard",
        ),
        End::Claimed => Conclusion::dead(
            "claimed",
            "a method in Odoo broke the transaction of this message: look in Odoo what took effect",
        ),
    }
}

fn rejected(entry: &Entry, rejection: &Rejection) -> Conclusion {
    match judge(rejection.say.as_deref(), &rejection.text) {
        Verdict::Dead(reason) => Conclusion::of([Change::Dead(reason)]),
        Verdict::Hold(hold) => Conclusion::of([Change::Hold(hold)]),
        Verdict::Again(reason) if entry.attempt >= AGAIN => Conclusion::of([Change::Dead(reason)]),
        // Through a hold the attempt rises, and a rejection that is stored gives way to a higher attempt only.
        Verdict::Again(reason) => {
            let subject = None;
            Conclusion {
                forget: true,
                ..Conclusion::of([Change::Hold(Hold { reason, subject }), Change::Release])
            }
        }
    }
}
