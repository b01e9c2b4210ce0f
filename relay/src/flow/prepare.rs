//! From ready messages to postings: asks the target what the plans need, as few times as possible.
//!
//! It changes nothing, in the inbox or the target. What it decides is decided by `govern` and `post`.

use std::collections::HashSet;

use jiff::{SignedDuration, Timestamp};
use millrace_shared::clock;
use millrace_shared::message::{Kind, Message};
use millrace_shared::outcome::Reason;
use millrace_shared::store::inbox::{Change, Hold, Item, Request};

use super::domain::Domain;
use super::name::at_capture;
use crate::govern::{self, StandingHold};
use crate::post::why::Why;
use crate::post::{Case, Facts, Plan, Posting, Question, Stamp};
use crate::target::{Fault, Target};

/// Most rounds of questions for one batch. Each plan needs a few; more would mean that it turns in a circle.
const ROUNDS: usize = 8;

/// A message may come this much before it was captured: what the estimate of a plant's clock may be wrong by.
const AHEAD: SignedDuration = SignedDuration::from_mins(5);
/// A message is not captured longer than this before the relay was built that takes it: five years.
const UNDER_WAY: SignedDuration = SignedDuration::from_hours(5 * 365 * 24);
/// How a time is told to people.
const MINUTE: &str = "%Y-%m-%d %H:%M UTC";

/// What is to be done about a batch.
#[derive(Debug, Default)]
pub struct Prepared {
    /// Messages that wait or are dead.
    pub changes: Vec<Request>,
    /// What is to be sent, one posting a message, in the order of the messages.
    pub postings: Vec<Posting>,
}

/// A message with its typed content.
struct Reading<'i> {
    item: &'i Item,
    stamp: Stamp,
    message: Message,
    captured: Timestamp,
    offset_minutes: i16,
}

/// Plans all messages.
pub async fn prepare<T: Target>(
    domain: &Domain,
    holds: &[StandingHold],
    target: &T,
    items: &[Item],
) -> Result<Prepared, Fault> {
    let mut prepared = Prepared::default();
    let mut readings = Vec::new();
    for item in items {
        match govern::free(holds, item)
            .map_err(Change::Hold)
            .and_then(|()| read(item))
        {
            Ok(reading) => readings.push(reading),
            Err(change) => prepared.changes.push(Request {
                ticket: item.entry.ticket,
                change,
            }),
        }
    }
    let plans = plan(domain, target, &readings).await?;
    for (reading, plan) in readings.iter().zip(plans) {
        let change = match plan {
            Plan::Post(posting) => {
                prepared.postings.push(*posting);
                continue;
            }
            Plan::Refuse(reason) => Change::Dead(reason),
            Plan::Hold(hold) => Change::Hold(hold),
            Plan::Need(_) => Change::Dead(Reason::new(
                "planning-fault",
                "its plan asks for ever: a fault in this program, please report it; retry after an update",
            )),
        };
        prepared.changes.push(Request {
            ticket: reading.item.entry.ticket,
            change,
        });
    }
    Ok(prepared)
}

/// The plan for each of these messages, as if nothing held it; none where it cannot be read.
pub async fn plans<T: Target>(
    domain: &Domain,
    target: &T,
    items: &[Item],
) -> Result<Vec<Option<Plan>>, Fault> {
    let read: Vec<Option<Reading<'_>>> = items.iter().map(|item| read(item).ok()).collect();
    let whole: Vec<bool> = read.iter().map(Option::is_some).collect();
    let readings: Vec<Reading<'_>> = read.into_iter().flatten().collect();
    let mut plans = plan(domain, target, &readings).await?.into_iter();
    Ok(whole
        .into_iter()
        .map(|whole| if whole { plans.next() } else { None })
        .collect())
}

async fn plan<T: Target>(domain: &Domain, target: &T, readings: &[Reading<'_>]) -> Result<Vec<Plan>, Fault> {
    let mut facts = Facts::default();
    for _ in 0..ROUNDS {
        let plans: Vec<Plan> = readings
            .iter()
            .map(|reading| target.plan(&reading.case(domain), &facts))
            .collect();
        let needs = plans.iter().flat_map(|plan| match plan {
            Plan::Need(questions) => questions.as_slice(),
            _ => &[],
        });
        let questions: HashSet<&Question> = needs.collect();
        if questions.is_empty() {
            return Ok(plans);
        }
        let questions: Vec<Question> = questions.into_iter().cloned().collect();
        facts.merge(target.look(&questions).await?);
    }
    Ok(readings
        .iter()
        .map(|reading| target.plan(&reading.case(domain), &facts))
        .collect())
}

impl Reading<'_> {
    fn case<'c>(&'c self, domain: &'c Domain) -> Case<'c> {
        Case {
            stamp: &self.stamp,
            message: &self.message,
            reverses: self
                .item
                .envelope
                .as_ref()
                .and_then(|envelope| envelope.reverses.as_ref()),
            captured: self.captured,
            offset_minutes: self.offset_minutes,
            company: domain.company,
            policies: &domain.policies,
            released: is_approved(self.item, Why::StaleCount),
        }
    }
}

fn read(item: &Item) -> Result<Reading<'_>, Change> {
    let dead = |code: &str, text: String| Change::Dead(Reason::new(code, text));
    let entry = &item.entry;
    let (Some(envelope), Some(id)) = (&item.envelope, &entry.id) else {
        return Err(dead(
            "undecodable",
            "its content cannot be read: discard it once its origin is clear".into(),
        ));
    };
    let kind: Kind = envelope
        .kind
        .parse()
        .map_err(|error| dead("unknown-kind", format!("{error}: update the relay, then retry")))?;
    let body = item.body().unwrap_or_default();
    let message = Message::parse(kind, envelope.schema, body)
        .map_err(|error| dead("malformed-message", format!("{error}: amend it, or discard it")))?;
    let stamp = stamp(item, kind).ok_or_else(|| dead("undecodable", format!("{id} has no name")))?;
    Ok(Reading {
        item,
        stamp,
        message,
        captured: captured(item)?,
        offset_minutes: envelope.capture.moment.offset_minutes,
    })
}

/// When it was captured, by the relay's clock. Where that cannot be, a person decides: a count, say, would be weighed
/// against the wrong movements.
fn captured(item: &Item) -> Result<Timestamp, Change> {
    let entry = &item.entry;
    let arrived = Timestamp::from_millisecond(entry.received_ms).unwrap_or(Timestamp::MAX);
    let told = Timestamp::from_millisecond(item.captured_ms()).ok();
    let possible = |told: &Timestamp| *told <= arrived + AHEAD && *told >= clock::built() - UNDER_WAY;
    match told.filter(possible) {
        Some(told) => Ok(told),
        None if is_approved(item, Why::Clock) => Ok(arrived),
        None => {
            let told = told.map_or("no time at all".to_owned(), |told| {
                told.strftime(MINUTE).to_string()
            });
            let text = format!(
                "the plant's clock said {told} when it was captured, and it arrived at {}: that clock was wrong, and since \
                 the machine was started again nobody can reckon by how much. Release it, and it counts as captured when it \
                 arrived; or discard it, and have it captured again",
                arrived.strftime(MINUTE)
            );
            let reason = Reason::new(Why::Clock.word(), text);
            Err(Change::Hold(Hold {
                reason,
                subject: None,
            }))
        }
    }
}

fn is_approved(item: &Item, why: Why) -> bool {
    item.entry.approved.iter().any(|word| word == why.word())
}

/// What the target's inbox keeps of a message; none for what has no content.
pub fn stamp(item: &Item, kind: Kind) -> Option<Stamp> {
    let entry = &item.entry;
    let (id, digest) = at_capture(item)?;
    Some(Stamp {
        id,
        digest,
        attempt: entry.attempt,
        kind,
        station: entry.station.clone(),
        operator: entry.operator.clone(),
    })
}
