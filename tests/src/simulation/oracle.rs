//! What must hold when the storm is over and everything has come to rest: the promises, each as a named predicate over
//! the raw list of scans and the target's own books. It uses nothing that the relay believes.

use std::collections::BTreeMap;

use millrace_shared::ident::Stamp;
use millrace_shared::outcome::Outcome;
use millrace_shared::store::inbox::{InboxView, Item, State, StateName};

use super::inbox::{name_of, scan_of};
use super::odoo::Known;
use super::world::World;

/// A promise: its name, and what of a world at rest breaks it.
type Promise = (&'static str, fn(&World) -> Vec<String>);

/// All promises.
pub const PROMISES: [Promise; 5] = [
    ("P1/P2 nothing lost", nothing_lost),
    ("P3 nothing twice", nothing_twice),
    ("P4 in order by key", in_order_by_key),
    ("P5 balance", balance),
    ("P7 no false duplicate", no_false_duplicate),
];

/// Every promise that is broken, with what breaks it.
pub fn judge(world: &World) -> Vec<String> {
    let broken = |(name, promise): &Promise| {
        let name = (*name).to_owned();
        promise(world)
            .into_iter()
            .map(move |text| format!("{name}: {text}"))
            .collect::<Vec<_>>()
    };
    PROMISES.iter().flat_map(broken).collect()
}

/// Every scan that was answered OK took effect or was discarded by a person, unless all its copies were destroyed.
pub fn nothing_lost(world: &World) -> Vec<String> {
    let effects = effects(world);
    let lost = world.scans.iter().enumerate().filter(|(number, scan)| {
        let discarded = scan
            .name
            .as_ref()
            .is_some_and(|name| world.discarded.contains(name));
        scan.ok && !scan.destroyed && !discarded && !effects.contains_key(number)
    });
    lost.map(|(number, scan)| format!("scan {number} {:?} was answered OK and is nowhere", scan.name))
        .collect()
}

/// No scan took effect more than once.
pub fn nothing_twice(world: &World) -> Vec<String> {
    let twice = effects(world).into_iter().filter(|(_, at)| at.len() > 1);
    twice
        .map(|(number, at)| format!("scan {number} took effect {} times", at.len()))
        .collect()
}

/// Scans of one disk that share a key took effect in the order of capture.
pub fn in_order_by_key(world: &World) -> Vec<String> {
    let effects = effects(world);
    let disks = world.agents.iter().map(|agent| &agent.disk.lineage);
    let mut broken = Vec::new();
    for lineage in disks.chain(&world.lineages) {
        let mut last: BTreeMap<String, (usize, usize)> = BTreeMap::new();
        let counts = |number: &&usize| !world.scans[**number].destroyed && !world.scans[**number].late;
        for number in lineage.iter().filter(counts) {
            let Some(at) = effects.get(number).and_then(|at| at.first()) else {
                continue;
            };
            for key in world.scans[*number].message.keys() {
                let key = key.as_str().to_owned();
                match last.get(&key) {
                    Some((earlier, earlier_at)) if earlier_at > at => {
                        broken.push(format!("scan {number} of {key} overtook scan {earlier}"));
                    }
                    _ => {
                        last.insert(key, (*number, *at));
                    }
                }
            }
        }
    }
    broken
}

/// Everything that was accepted is settled, at both ends.
pub fn balance(world: &World) -> Vec<String> {
    let mut open = Vec::new();
    for (index, agent) in world.agents.iter().enumerate().filter(|(_, agent)| agent.exists) {
        if !agent.disk.is_settled() {
            open.push(format!("agent {index} still has {:?}", agent.disk.unsettled()));
        }
        if !agent.to_scan.is_empty() {
            open.push(format!("the scanner of agent {index} still waits for its OK"));
        }
    }
    let disk = &world.relays[world.relay()].disk;
    if disk.replay || disk.seen > world.odoo.count {
        open.push("the relay has not made good that the target was restored".to_owned());
    }
    let open_states = StateName::ALL.into_iter();
    let open_states: Vec<StateName> = open_states.filter(|state| *state != StateName::Settled).collect();
    for item in disk.items(&open_states) {
        let (at, state, scan) = (item.entry.position, &item.entry.state, scan_of(&item));
        let waits = disk.inbox.waits_for(item.entry.ticket.slot).unwrap_or_default();
        let here = waits.here.iter();
        let here: Vec<String> = here
            .map(|other| format!("{} {}", other.position, other.state.name().word()))
            .collect();
        let elsewhere: Vec<String> = waits
            .missing
            .iter()
            .chain(&waits.gone)
            .map(Stamp::to_string)
            .collect();
        open.push(format!(
            "the relay still has {at} scan {scan:?} {state:?}, behind {here:?}, and what is not here: {elsewhere:?}"
        ));
    }
    open
}

/// What the relay calls superseded has taken effect under its name, or was discarded.
pub fn no_false_duplicate(world: &World) -> Vec<String> {
    let disk = &world.relays[world.relay()].disk;
    let mut broken = Vec::new();
    let superseded = |item: &Item| matches!(item.entry.state, State::Settled(Outcome::Superseded { .. }));
    for item in disk.items(&[StateName::Settled]).into_iter().filter(superseded) {
        let Some(name) = name_of(&item) else { continue };
        let known = world.odoo.known.get(&name);
        if known != Some(&Known::Done) && !world.discarded.contains(&name) {
            let at = item.entry.position;
            broken.push(format!(
                "{at} is called superseded, but its name is {known:?} in the target"
            ));
        }
    }
    broken
}

/// When each scan took effect, in the order of the target's books.
fn effects(world: &World) -> BTreeMap<usize, Vec<usize>> {
    let mut effects: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (at, effect) in world.odoo.effects.iter().enumerate() {
        effects.entry(effect.scan).or_default().push(at);
    }
    effects
}
