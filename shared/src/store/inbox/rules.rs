//! What the inbox decides without looking anything up: what bytes are, where a message stands in the order of capture,
//! and which change suits which state. Shared by the store on disk and the model in memory.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::envelope::{Envelope, EnvelopeError};
use crate::limit;
use crate::message::{Behind, Kind};
use crate::outcome::{Outcome, Reason};

use super::{Arrival, Change, Gap, State, why};

/// Bits of a place that hold the ordinal; the rank of the epoch stands above them.
const ORDINAL_BITS: u32 = 40;
/// The rank of an agent's first epoch; later and earlier ones find room on both sides.
pub(crate) const FIRST_RANK: i64 = 1 << 21;
/// Ranks left free between an epoch and the next one announced.
pub(crate) const RANK_STEP: i64 = 256;
/// The highest sequence that a lane may have.
const SEQUENCE_MAX: u64 = 1 << 62;
/// Longest text of a reason that is kept, in characters; the rest is cut and the cut is marked.
const REASON_CHARS: usize = 2000;
/// Longest name of a kind in bytes.
const KIND_BYTES: usize = 64;
/// Longest code (station, operator) in bytes, and half of the longest key.
const CODE_BYTES: usize = 4 * limit::CODE_CHARS;

/// Where the row of this ordinal in an epoch of this rank stands in its agent's order of capture.
pub(crate) fn place(rank: i64, ordinal: u64) -> i64 {
    (rank << ORDINAL_BITS) | ordinal as i64
}

/// The envelope in these bytes, or why they are none. A panic in decoding is such a reason too.
pub(crate) fn decode(bytes: &[u8]) -> Result<Envelope, Reason> {
    contain(|| Envelope::open(bytes)).and_then(within_bounds)
}

fn contain(open: impl FnOnce() -> Result<Envelope, EnvelopeError>) -> Result<Envelope, Reason> {
    let undecodable = |text: String| Reason::new(why::UNDECODABLE, text);
    match catch_unwind(AssertUnwindSafe(open)) {
        Ok(Ok(envelope)) => Ok(envelope),
        Ok(Err(error)) => Err(undecodable(format!("{error}; kept as it came"))),
        Err(_) => Err(undecodable(
            "decoding failed with a fault of this program; kept as it came, report it".into(),
        )),
    }
}

fn within_bounds(envelope: Envelope) -> Result<Envelope, Reason> {
    let long = |text: &Option<String>, most| text.as_ref().is_some_and(|text| text.len() > most);
    let wrong = if envelope.ordinal >= 1 << ORDINAL_BITS {
        "its ordinal is beyond 2^40"
    } else if envelope.kind.len() > KIND_BYTES {
        "the name of its kind is longer than 64 bytes"
    } else if long(&envelope.capture.station, CODE_BYTES) || long(&envelope.capture.operator, CODE_BYTES) {
        "its station or operator is longer than any code"
    } else if envelope
        .keys
        .iter()
        .any(|link| link.key.as_str().len() > 2 * CODE_BYTES)
    {
        "one of its keys is longer than any code"
    } else {
        return Ok(envelope);
    };
    Err(Reason::new(why::UNDECODABLE, format!("{wrong}; kept as it came")))
}

/// Whether an arrival keeps the bounds that its sender must keep.
pub(crate) fn well_formed(arrival: &Arrival) -> bool {
    let count = arrival.rows.len();
    (1..=limit::FRAME_COUNT).contains(&count)
        && (1..=SEQUENCE_MAX - count as u64).contains(&arrival.first)
        && arrival.rows.iter().all(|row| row.len() <= limit::ENVELOPE_BYTES)
}

/// Whether a declared gap keeps the bounds of sequences.
pub(crate) fn is_gap(gap: &Gap) -> bool {
    (1..=gap.to).contains(&gap.from) && gap.to <= SEQUENCE_MAX
}

/// What waits behind a dead letter of this kind. A kind that is not known here parks.
pub(crate) fn behind(kind: &str) -> Behind {
    kind.parse::<Kind>()
        .map_or(Behind::Park, |kind| kind.rules().behind)
}

/// Whether a message of this kind waits for earlier ones of its keys. A kind that is not known here does.
pub(crate) fn waits(kind: &str) -> bool {
    kind.parse::<Kind>().map_or(true, |kind| kind.rules().waits)
}

/// Whether a dead letter of this reason never came as far as to be judged by what it says.
pub(crate) fn never_judged(reason: &Reason) -> bool {
    [why::CONFLICT, why::LATE, why::UNDECODABLE, why::UNDO_UNKNOWN].contains(&reason.code.as_str())
}

/// Said to who would let a message go on that waits for nothing but what is here.
pub(crate) const WAITS_HERE: &str =
    "all that it waits for is here: decide about that, see `show`; what is behind goes on by itself";

/// A reason whose text is cut to what is kept.
pub(crate) fn cut(reason: &Reason) -> Reason {
    Reason {
        code: reason.code.clone(),
        text: cut_text(&reason.text),
    }
}

/// A text cut to what is kept.
pub(crate) fn cut_text(text: &str) -> String {
    match text.char_indices().nth(REASON_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// The state and attempt after a change, or why it does not suit. `ready` of a waiting state is left to the caller.
pub(crate) fn next(
    state: &State,
    attempt: u32,
    lost: bool,
    change: &Change,
    who: &str,
) -> Result<(State, u32), String> {
    const WAITING: State = State::Waiting { ready: false };
    let again = attempt.saturating_add(1);
    match (change, state) {
        (Change::Send, State::Waiting { ready: true }) => Ok((State::Sent, attempt)),
        (Change::Send, State::Waiting { ready: false }) => {
            Err("it waits for other messages of its keys; see what it waits for".into())
        }
        (Change::Settle(outcome), State::Sent | State::Voiding { .. }) => {
            Ok((State::Settled(outcome.clone()), attempt))
        }
        (Change::Dead(reason), State::Waiting { .. } | State::Held(_) | State::Sent) => {
            Ok((State::Dead(cut(reason)), attempt))
        }
        (Change::Return, State::Sent) => Ok((WAITING, attempt)),
        (Change::Hold(hold), State::Waiting { .. } | State::Held(_)) => {
            Ok((State::Held(hold.clone()), attempt))
        }
        (Change::Hold(hold), State::Sent) => Ok((State::Held(hold.clone()), again)),
        (Change::Release | Change::Approve, State::Held(_)) => Ok((WAITING, attempt)),
        (Change::Approve, State::Waiting { ready: false }) => Ok((WAITING, attempt)),
        (Change::Retry { .. } | Change::Amend { .. }, State::Dead(_)) if lost => Err(
            "its content is gone: enter again by hand what is missing, then discard this dead letter".into(),
        ),
        (Change::Retry { .. } | Change::Amend { .. }, State::Dead(_)) => Ok((WAITING, again)),
        (Change::Amend { .. }, State::Held(_)) => Ok((WAITING, again)),
        (Change::Discard { .. }, State::Dead(_)) if lost => Ok((State::Settled(Outcome::Lost), attempt)),
        (Change::Discard { reason }, State::Waiting { .. } | State::Held(_) | State::Dead(_)) => Ok((
            State::Voiding {
                by: who.to_owned(),
                reason: cut_text(reason),
            },
            attempt,
        )),
        (Change::Replay, State::Settled(Outcome::Applied(_))) => Ok((WAITING, attempt)),
        (Change::Replay, State::Settled(Outcome::Discarded { by, reason })) => {
            let (by, reason) = (by.clone(), reason.clone());
            Ok((State::Voiding { by, reason }, attempt))
        }
        (change, state) => Err(unsuited(change, state)),
    }
}

fn unsuited(change: &Change, state: &State) -> String {
    let (change, name) = (change.word(), state.name().word());
    match state {
        State::Settled(outcome) => format!(
            "it is settled ({}): nothing can be changed any more",
            outcome.word()
        ),
        State::Sent | State::Voiding { .. } => {
            format!(
                "it is {name}: what became of it is being asked; `{change}` is possible when that is known"
            )
        }
        _ => format!("it is {name}: `{change}` does not suit that"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_in_decoding_is_contained() {
        let reason = contain(|| panic!("as a faulty decoder would")).unwrap_err();
        assert_eq!(reason.code, why::UNDECODABLE);
    }

    #[test]
    fn a_long_reason_is_cut_at_a_character_and_marked() {
        let cut = cut_text(&"ä".repeat(3000));
        assert_eq!(cut.chars().count(), REASON_CHARS + 1);
        assert!(cut.ends_with('…'));
    }

    #[test]
    fn nothing_leaves_a_settled_state() {
        let settled = State::Settled(Outcome::Lost);
        for change in [
            Change::Send,
            Change::Return,
            Change::Release,
            Change::Retry {
                reason: String::new(),
            },
            Change::Discard {
                reason: String::new(),
            },
            Change::Dead(Reason::new("x", "y")),
        ] {
            assert!(next(&settled, 1, false, &change, "anna").is_err(), "{change:?}");
        }
    }

    #[test]
    fn the_attempt_rises_when_a_dead_letter_is_tried_again_and_when_a_refusal_becomes_a_hold() {
        let dead = State::Dead(Reason::new("x", "y"));
        let retry = Change::Retry {
            reason: "mended".into(),
        };
        assert_eq!(next(&dead, 1, false, &retry, "anna").unwrap().1, 2);
        let hold = Change::Hold(super::super::Hold {
            reason: Reason::new("stock", "z"),
            subject: None,
        });
        assert_eq!(next(&State::Sent, 2, false, &hold, "flow").unwrap().1, 3);
        assert_eq!(
            next(&State::Waiting { ready: true }, 2, false, &hold, "flow")
                .unwrap()
                .1,
            2
        );
        assert_eq!(
            next(&State::Sent, 2, false, &Change::Return, "flow").unwrap().1,
            2
        );
    }
}
