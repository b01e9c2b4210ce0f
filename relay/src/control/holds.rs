//! Standing holds in the inbox's note: laid, lifted, listed.

use millrace_shared::store::StoreError;
use millrace_shared::store::inbox::{Filter, InboxView, Remark, Worklist};

use super::Refusal;
use crate::govern::{self, HOLDS, HOLDS_NOTE, REVIEW, StandingHold};

/// The holds that people laid.
pub fn standing(store: &impl InboxView) -> Result<Vec<StandingHold>, StoreError> {
    govern::standing(store.note(HOLDS_NOTE)?.as_deref()).map_err(StoreError::Damaged)
}

/// Adds one. The same once more changes nothing.
pub(super) fn lay<S: Worklist + InboxView>(
    store: &mut S,
    hold: &StandingHold,
    remark: Remark<'_>,
) -> Result<(), Refusal> {
    let mut holds = standing(store)?;
    if holds.contains(hold) {
        return Ok(());
    }
    if holds.len() >= HOLDS {
        return Err(Refusal::Unsuited(format!(
            "{HOLDS} holds stand already: release one first"
        )));
    }
    holds.push(hold.clone());
    Ok(keep(store, &holds, std::slice::from_ref(hold), remark)?)
}

/// Takes away those that say everything that the filter says. Returns how many.
pub(super) fn lift<S: Worklist + InboxView>(
    store: &mut S,
    filter: &Filter,
    remark: Remark<'_>,
) -> Result<usize, StoreError> {
    let (lifted, left): (Vec<_>, Vec<_>) = standing(store)?
        .into_iter()
        .partition(|hold| is_meant(hold, filter));
    if !lifted.is_empty() {
        keep(store, &left, &lifted, remark)?;
    }
    Ok(lifted.len())
}

fn keep<S: Worklist>(
    store: &mut S,
    holds: &[StandingHold],
    changed: &[StandingHold],
    remark: Remark<'_>,
) -> Result<(), StoreError> {
    let text = |holds: &[StandingHold]| {
        serde_json::to_string(holds).map_err(|error| StoreError::Misuse(format!("a hold: {error}")))
    };
    let detail = text(changed)?;
    let remark = Remark {
        detail: &detail,
        ..remark
    };
    store.set_note(HOLDS_NOTE, Some(&text(holds)?), Some(remark))
}

fn is_meant(hold: &StandingHold, filter: &Filter) -> bool {
    fn same<T: PartialEq>(wanted: &[T], has: Option<&T>) -> bool {
        wanted.is_empty() || has.is_some_and(|has| wanted.contains(has))
    }
    let time = |wanted: Option<i64>, has: Option<i64>| wanted.is_none() || wanted == has;
    same(&filter.agents, hold.plant.as_ref())
        && same(&filter.stations, hold.station.as_ref())
        && same(&filter.kinds, hold.kind.as_ref())
        && (filter.keys.is_empty() || filter.keys.iter().any(|key| hold.keys.contains(key)))
        && same(&filter.reasons, Some(&REVIEW.to_owned()))
        // No standing hold tells these apart: such an order is about messages only.
        && filter.operators.is_empty()
        && filter.lanes.is_empty()
        && time(filter.captured_from_ms, hold.captured_from_ms)
        && time(filter.captured_before_ms, hold.captured_before_ms)
}
