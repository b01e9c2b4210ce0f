//! Dates of movements, and the context that all postings of a message share.

use jiff::Timestamp;
use jiff::tz::Offset;
use serde_json::{Value, json};

use super::plan::{Ask, Case, Halt};
use super::policy::{Dating, Policies};
use super::question::Question;
use super::resolve::Resolver;
use super::why::Why;

/// A time as Odoo writes it: UTC, whole seconds.
pub(super) fn odoo_time(time: Timestamp) -> String {
    second(time).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// The second that a time lies in: Odoo keeps no finer ones.
pub(super) fn second(time: Timestamp) -> Timestamp {
    Timestamp::from_second(time.as_millisecond().div_euclid(1000)).unwrap_or(time)
}

/// The date that the movement gets where the plant wants the time of capture, unless the books of that day are locked.
/// Odoo would move such an entry to the first open day without a word.
pub(super) fn dating(case: &Case<'_>, resolver: Resolver<'_>, dating: Dating) -> Ask<Option<Timestamp>> {
    if dating == Dating::Posted {
        return Ok(None);
    }
    let locked = resolver.facts.period(Question::Period {
        company: case.company,
    })?;
    let offset = Offset::from_seconds(i32::from(case.offset_minutes) * 60).unwrap_or(Offset::UTC);
    let day = offset.to_datetime(case.captured).date();
    match locked {
        Some(last) if day <= *last => {
            let text = format!(
                "it happened on {day}, and the books are locked up to {last}: open the period and release the \
                 message, or set the policy of this kind to `posted`"
            );
            Err(Halt::because(Why::Period, text).about(format!("period:{}:{last}", case.company)))
        }
        _ => Ok(Some(case.captured)),
    }
}

/// What records of the message name as their source, so that people find the message from the record.
pub(super) fn origin(case: &Case<'_>) -> String {
    match case.reverses {
        Some(original) => format!("Millrace {} undoes {original}", case.stamp.id),
        None => format!("Millrace {}", case.stamp.id),
    }
}

/// What every posting of the message says to Odoo: in whose company it works, and whether records get a chatter line.
pub(super) fn context(case: &Case<'_>, policies: Policies) -> Value {
    let mut context = json!({ "allowed_company_ids": [case.company] });
    if !policies.chatter {
        context["tracking_disable"] = true.into();
    }
    context
}
