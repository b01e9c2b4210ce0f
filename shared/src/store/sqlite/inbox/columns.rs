//! A state as columns of the message table.

use crate::envelope::Envelope;
use crate::outcome::Reason;
use crate::store::StoreError;
use crate::store::inbox::{Hold, State};

/// States as they stand in the table.
pub(super) const READY: u8 = 0;
pub(super) const BEHIND: u8 = 1;
pub(super) const SENT: u8 = 2;
pub(super) const HELD: u8 = 3;
pub(super) const DEAD: u8 = 4;
pub(super) const VOIDING: u8 = 5;
pub(super) const SETTLED: u8 = 6;

/// What a message means for later ones of its keys; stands in `message` and `touch`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gate {
    /// They wait for it.
    Holds = 0,
    /// They pass it; it is superseded once one of them took effect.
    Passed = 1,
    /// Settled.
    Done = 2,
}

impl Gate {
    pub fn read(number: u8) -> Gate {
        match number {
            0 => Gate::Holds,
            1 => Gate::Passed,
            _ => Gate::Done,
        }
    }
}

/// Whether a message undoes another, and whether it was decided what that means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Undoes {
    /// It undoes none.
    Nothing = 0,
    /// Not decided: its original is missing or at the target.
    Undecided = 1,
    /// Decided. Where it is not annulled, what becomes of it is a person's or the flow's matter.
    Decided = 2,
}

impl Undoes {
    pub fn read(number: u8) -> Undoes {
        match number {
            0 => Undoes::Nothing,
            1 => Undoes::Undecided,
            _ => Undoes::Decided,
        }
    }

    /// Of a message with this envelope, before anything was decided.
    pub fn of(envelope: &Envelope) -> Undoes {
        if envelope.reverses.is_some() {
            Undoes::Undecided
        } else {
            Undoes::Nothing
        }
    }
}

/// A state as columns.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Columns {
    pub state: u8,
    /// The reason's word, or the outcome's.
    pub reason: Option<String>,
    pub text: Option<String>,
    /// What a hold waits for, or who voids.
    pub subject: Option<String>,
    /// The outcome as JSON.
    pub outcome: Option<String>,
}

impl Columns {
    pub fn of(state: &State) -> Result<Columns, StoreError> {
        let bare = |state| Columns {
            state,
            ..Columns::default()
        };
        let because = |state, reason: &Reason| Columns {
            reason: Some(reason.code.clone()),
            text: Some(reason.text.clone()),
            ..bare(state)
        };
        Ok(match state {
            State::Waiting { ready: true } => bare(READY),
            State::Waiting { ready: false } => bare(BEHIND),
            State::Sent => bare(SENT),
            State::Held(hold) => Columns {
                subject: hold.subject.clone(),
                ..because(HELD, &hold.reason)
            },
            State::Dead(reason) => because(DEAD, reason),
            State::Voiding { by, reason } => Columns {
                text: Some(reason.clone()),
                subject: Some(by.clone()),
                ..bare(VOIDING)
            },
            State::Settled(outcome) => Columns {
                reason: Some(outcome.word().to_owned()),
                outcome: Some(serde_json::to_string(outcome).map_err(|error| {
                    StoreError::Misuse(format!("an outcome that cannot be written: {error}"))
                })?),
                ..bare(SETTLED)
            },
        })
    }

    pub fn state(self) -> Result<State, StoreError> {
        let damaged = || StoreError::Damaged(format!("a message in state {} lacks a part of it", self.state));
        let reason = || -> Result<Reason, StoreError> {
            Ok(Reason {
                code: self.reason.clone().ok_or_else(damaged)?,
                text: self.text.clone().ok_or_else(damaged)?,
            })
        };
        Ok(match self.state {
            READY | BEHIND => State::Waiting {
                ready: self.state == READY,
            },
            SENT => State::Sent,
            HELD => State::Held(Hold {
                reason: reason()?,
                subject: self.subject,
            }),
            DEAD => State::Dead(reason()?),
            VOIDING => State::Voiding {
                by: self.subject.clone().ok_or_else(damaged)?,
                reason: self.text.clone().ok_or_else(damaged)?,
            },
            SETTLED => {
                let json = self.outcome.as_deref().ok_or_else(damaged)?;
                State::Settled(serde_json::from_str(json).map_err(|_| damaged())?)
            }
            other => return Err(StoreError::Damaged(format!("{other} is no state"))),
        })
    }
}
