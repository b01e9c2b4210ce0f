//! From a message to what is to be done about it, with what is known so far.

use jiff::Timestamp;
use millrace_shared::ident::MessageId;
use millrace_shared::message::Message;
use millrace_shared::outcome::Reason;
use millrace_shared::store::inbox::Hold;

use super::policy::PolicyTable;
use super::posting::{Posting, Stamp};
use super::question::Question;
use super::why::{Course, Say, Why};

/// A message on its way to the target, with everything that its plan depends on beside the facts.
#[derive(Debug, Clone)]
pub struct Case<'a> {
    /// Its identity and attempt.
    pub stamp: &'a Stamp,
    /// What it says.
    pub message: &'a Message,
    /// The message that it takes back, which took effect; then `message` says what that one said.
    pub reverses: Option<&'a MessageId>,
    /// When it was captured, on the relay's clock.
    pub captured: Timestamp,
    /// The plant's offset from UTC then, in minutes: what day it was there.
    pub offset_minutes: i16,
    /// The target's company that its station belongs to.
    pub company: i64,
    /// The decisions of its plant.
    pub policies: &'a PolicyTable,
    /// Whether a person looked at it and wants it posted although it is stale: holds that a person decides are passed.
    pub released: bool,
}

/// What is to be done about a message.
#[derive(Debug, Clone, PartialEq)]
pub enum Plan {
    /// Ask the target these, add the answers to the facts, and plan again.
    Need(Vec<Question>),
    /// Send this.
    Post(Box<Posting>),
    /// It is a dead letter.
    Refuse(Reason),
    /// It waits.
    Hold(Hold),
}

/// Why a plan cannot be finished.
#[derive(Debug, Clone, PartialEq)]
pub enum Halt {
    /// Something must be asked first.
    Need(Vec<Question>),
    /// It cannot take effect as it is.
    Refuse(Reason),
    /// It waits.
    Hold(Hold),
}

/// A step of planning.
pub type Ask<T> = Result<T, Halt>;

impl Halt {
    /// A reason against the message, with the course that its word has.
    pub(super) fn because(why: Why, text: impl Into<String>) -> Self {
        let reason = why.because(text);
        match why.course() {
            Course::Hold => Halt::Hold(Hold {
                reason,
                subject: None,
            }),
            _ => Halt::Refuse(reason),
        }
    }

    /// A hold with what it waits for: one stands for all messages that wait for the same.
    pub(super) fn about(mut self, subject: impl Into<String>) -> Self {
        if let Halt::Hold(hold) = &mut self {
            hold.subject = Some(subject.into());
        }
        self
    }
}

impl From<Halt> for Plan {
    fn from(halt: Halt) -> Self {
        match halt {
            Halt::Need(questions) => Plan::Need(questions),
            Halt::Refuse(reason) => Plan::Refuse(reason),
            Halt::Hold(hold) => Plan::Hold(hold),
        }
    }
}

/// Both, asking for everything that is missing at once.
pub(super) fn both<A, B>(a: Ask<A>, b: Ask<B>) -> Ask<(A, B)> {
    match (a, b) {
        (Ok(a), Ok(b)) => Ok((a, b)),
        (Err(Halt::Need(mut first)), Err(Halt::Need(second))) => {
            first.extend(second);
            Err(Halt::Need(first))
        }
        // A reason against the message makes asking idle.
        (Err(Halt::Need(_)), Err(halt)) | (Err(halt), _) | (_, Err(halt)) => Err(halt),
    }
}

/// All, asking for everything that is missing at once.
pub(super) fn each<T>(asks: impl IntoIterator<Item = Ask<T>>) -> Ask<Vec<T>> {
    let mut all = Ok(Vec::new());
    for one in asks {
        all = both(all, one).map(|(mut all, one)| {
            all.push(one);
            all
        });
    }
    all
}

/// What a refused expectation or a refusal of Odoo means for the message: the same words as a plan, or to plan again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The facts were no longer true: forget them, ask, and plan again with a higher attempt.
    Again(Reason),
    /// It is a dead letter.
    Dead(Reason),
    /// It waits.
    Hold(Hold),
}

/// The verdict on a rejection, from what its expectation was to say, or else from Odoo's own words.
pub fn judge(say: Option<&str>, message: &str) -> Verdict {
    let Some(said) = say.and_then(Say::parse) else {
        return Verdict::Dead(Why::Refused.because(message));
    };
    let reason = said.why.because(said.text);
    match said.why.course() {
        Course::Again => Verdict::Again(reason),
        Course::Dead => Verdict::Dead(reason),
        Course::Hold => Verdict::Hold(Hold {
            reason,
            subject: said.subject,
        }),
    }
}
