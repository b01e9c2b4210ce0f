//! Whether two stores say the same.

use std::collections::BTreeMap;

use crate::ident::Lane;
use crate::store::inbox::{Balance, Filter, GroupBy, LaneBacklog, LaneFloors, ReadyFrom};

use super::super::kit::{Store, word};
use super::world::World;

/// Everything that a store says, as far as it must not depend on how it works.
#[derive(Debug, PartialEq, Eq)]
struct Said {
    messages: Vec<String>,
    ready: Vec<String>,
    floors: Vec<LaneFloors>,
    balances: Vec<Balance>,
    backlog: Vec<LaneBacklog>,
    counts: Vec<(String, u64)>,
    news: BTreeMap<String, String>,
    rooms: Vec<u64>,
}

fn said(store: &impl Store, world: &World) -> Said {
    let all = Filter::default();
    let messages = store.list(&all, None, 1000).unwrap().into_iter().map(|entry| {
        let name = entry
            .id
            .as_ref()
            .map_or_else(|| entry.position.to_string(), |id| id.to_string());
        format!(
            "{:?} {name} to {} {} {} ({}) attempt {} amended {} {}",
            entry.ticket.slot,
            entry.last,
            entry.kind,
            entry.state.name().word(),
            word(&entry.state),
            entry.attempt,
            entry.amended,
            if entry.beside { "beside" } else { "" },
        )
    });
    let mut said = Said {
        messages: messages.collect(),
        ready: Vec::new(),
        floors: Vec::new(),
        balances: Vec::new(),
        backlog: store.backlog().unwrap(),
        counts: store.counts(&all, GroupBy::Reason).unwrap(),
        news: BTreeMap::new(),
        rooms: Vec::new(),
    };
    for agent in world.agents() {
        for lane in Lane::ALL {
            said.rooms.push(store.room(&agent, lane).unwrap());
            let ready = store.ready(&agent, lane, ReadyFrom::Oldest(None), 1000).unwrap();
            said.ready
                .extend(ready.into_iter().map(|item| item.entry.id.unwrap().to_string()));
        }
        for floors in store.floors(&agent).unwrap() {
            for cut in [0, 1, floors.stored.sequence, floors.stored.sequence + 3] {
                said.balances
                    .push(store.balance(&agent, floors.epoch, floors.lane, cut).unwrap());
            }
            said.floors.push(floors);
        }
        for note in store.news(&agent, 0, 1000).unwrap() {
            let told = format!("{:?}", note.told);
            let told = told.split(['(', ' ', '{']).next().unwrap_or_default().to_owned();
            said.news.insert(note.id.to_string(), told);
        }
    }
    for backlog in &mut said.backlog {
        // Among messages of one place either may be called the oldest.
        (backlog.oldest_received_ms, backlog.oldest_captured_ms) = (None, None);
    }
    said
}

/// Where the two differ, if they do.
pub fn same(disk: &impl Store, model: &impl Store, world: &World) -> Result<(), String> {
    let (disk, model) = (said(disk, world), said(model, world));
    if disk == model {
        return Ok(());
    }
    let (disk, model) = (format!("{disk:#?}"), format!("{model:#?}"));
    let mut differences = Vec::new();
    for (a, b) in disk.lines().zip(model.lines()).filter(|(a, b)| a != b).take(6) {
        differences.push(format!("  disk  {}\n  model {}", a.trim(), b.trim()));
    }
    Err(format!("they differ:\n{}", differences.join("\n")))
}
