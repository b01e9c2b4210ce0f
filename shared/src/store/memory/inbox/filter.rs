//! Which messages a filter means.

use crate::store::inbox::{Filter, State};

use super::{MemRow, MemoryInbox};

impl MemoryInbox {
    pub(super) fn matches(&self, filter: &Filter, row: &MemRow) -> bool {
        fn one_of<T: PartialEq>(list: &[T], value: Option<&T>) -> bool {
            list.is_empty() || value.is_some_and(|value| list.contains(value))
        }
        let entry = self.entry(row);
        let held_for = match &entry.state {
            State::Held(hold) => hold.subject.as_ref(),
            _ => None,
        };
        one_of(&filter.agents, Some(&entry.agent))
            && one_of(&filter.lanes, Some(&entry.position.lane))
            && one_of(&filter.epochs, Some(&entry.position.epoch))
            && one_of(&filter.kinds, Some(&entry.kind))
            && one_of(&filter.states, Some(&entry.state.name()))
            && (filter.keys.is_empty() || filter.keys.iter().any(|key| row.keys.contains(key)))
            && one_of(&filter.stations, entry.station.as_ref())
            && one_of(&filter.operators, entry.operator.as_ref())
            && one_of(&filter.reasons, reason(&entry.state).as_ref())
            && (filter.subject.is_none() || filter.subject.as_ref() == held_for)
            && filter
                .captured_from_ms
                .is_none_or(|from| entry.captured_ms >= from)
            && filter
                .captured_before_ms
                .is_none_or(|before| entry.captured_ms < before)
    }
}

/// The word of a reason or outcome.
pub(super) fn reason(state: &State) -> Option<String> {
    match state {
        State::Held(hold) => Some(hold.reason.code.clone()),
        State::Dead(reason) => Some(reason.code.clone()),
        State::Settled(outcome) => Some(outcome.word().to_owned()),
        _ => None,
    }
}
