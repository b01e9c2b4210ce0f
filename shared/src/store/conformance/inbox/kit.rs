//! What the tests ask of a store, in short words.

use crate::ident::{AgentId, Lane, MessageId};
use crate::outcome::{Outcome, Reason, Record};
use crate::store::inbox::{
    Change, Filter, Hold, Inbox, InboxView, Item, Kept, ReadyFrom, Request, Slot, State, Taken, Ticket,
    Verdict, Worklist,
};

pub use super::plant::{Made, Plant, frame_of};

/// A kind that parks what waits behind a dead letter.
pub const PARKS: &str = "production.confirm";
/// A kind that lets pass.
pub const PASSES: &str = "inventory.count";

/// Everything that a store under test must be.
pub trait Store: Inbox + Worklist + InboxView {}
impl<T: Inbox + Worklist + InboxView> Store for T {}

/// Takes a frame that must be kept.
pub fn keep(store: &mut impl Store, agent: &AgentId, rows: &[&Made]) -> Kept {
    match store.take(&[frame_of(agent, rows)]).unwrap().pop() {
        Some(Taken::Kept(kept)) => kept,
        other => panic!("{other:?}"),
    }
}

/// The slot of a row.
pub fn slot(store: &impl InboxView, made: &Made) -> Slot {
    store
        .find(&made.id)
        .unwrap()
        .unwrap_or_else(|| panic!("{} is not here", made.id))
}

/// A row as it stands.
pub fn item(store: &impl InboxView, made: &Made) -> Item {
    store.get(slot(store, made)).unwrap().unwrap()
}

/// A row's state.
pub fn state(store: &impl InboxView, made: &Made) -> State {
    item(store, made).entry.state
}

/// Names of ready messages in the normal lane, oldest first.
pub fn ready(store: &impl InboxView, agent: &AgentId) -> Vec<MessageId> {
    let all = store
        .ready(agent, Lane::Normal, ReadyFrom::Oldest(None), 1000)
        .unwrap();
    all.into_iter().filter_map(|item| item.entry.id).collect()
}

/// The names of rows.
pub fn ids(rows: &[&Made]) -> Vec<MessageId> {
    rows.iter().map(|row| row.id.clone()).collect()
}

/// Asks for a change of a row as it is now.
pub fn ask(store: &mut impl Store, made: &Made, change: Change) -> Verdict {
    let ticket: Ticket = item(store, made).entry.ticket;
    store
        .change(&[Request { ticket, change }], "anna", 2_000)
        .unwrap()
        .pop()
        .unwrap()
}

/// Makes a change that must be possible.
pub fn make(store: &mut impl Store, made: &Made, change: Change) -> State {
    match ask(store, made, change) {
        Verdict::Done(_, state) => state,
        other => panic!("{other:?}"),
    }
}

/// Sends a row and has the target apply it.
pub fn apply(store: &mut impl Store, made: &Made) {
    make(store, made, Change::Send);
    make(store, made, Change::Settle(applied(7)));
}

/// Sends a row and has the target refuse it.
pub fn refuse(store: &mut impl Store, made: &Made) -> State {
    make(store, made, Change::Send);
    make(
        store,
        made,
        Change::Dead(Reason::new("refused", "the target says no")),
    )
}

pub fn applied(id: i64) -> Outcome {
    Outcome::Applied(Record {
        model: "mrp.production".into(),
        id,
        name: format!("WH/MO/{id}"),
    })
}

pub fn discarded() -> Outcome {
    Outcome::Discarded {
        by: "anna".into(),
        reason: "entered by hand".into(),
    }
}

pub fn hold(code: &str, subject: Option<&str>) -> Change {
    Change::Hold(Hold {
        reason: Reason::new(code, "because"),
        subject: subject.map(str::to_owned),
    })
}

pub fn retry() -> Change {
    Change::Retry {
        reason: "mended".into(),
    }
}

pub fn discard() -> Change {
    Change::Discard {
        reason: "entered by hand".into(),
    }
}

/// Has the agent say how far the lanes of its only epoch reach.
pub fn say_hello(store: &mut impl Store, plant: &Plant) {
    store.announce(&plant.agent, &[plant.lineage(None)], 3).unwrap();
}

/// Has the agent acknowledge all that is settled.
pub fn acknowledge_all(store: &mut impl Store, plant: &Plant) {
    let agent = &plant.agent;
    for floors in store.floors(agent).unwrap() {
        let upto = floors.settled.sequence;
        store.acknowledge(agent, floors.epoch, floors.lane, upto).unwrap();
    }
}

/// The word of a state's reason or outcome.
pub fn word(state: &State) -> &str {
    match state {
        State::Dead(reason) => &reason.code,
        State::Held(hold) => &hold.reason.code,
        State::Settled(outcome) => outcome.word(),
        other => other.name().word(),
    }
}

pub fn everything() -> Filter {
    Filter::default()
}
