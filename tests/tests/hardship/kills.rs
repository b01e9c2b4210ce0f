//! The agent killed again and again while devices and systems hand over messages.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use millrace_tests::world::{Scanner, Target, World, post_bytes};
use rand::RngExt;

use super::doors::good;

const KILLS: u32 = 30;

/// Somebody who hands messages over until told to stop, whatever becomes of each: what was answered OK.
type Busy = JoinHandle<Vec<String>>;

/// A program that posts one message after the other. What was not answered it posts again, under the same id.
fn poster(name: &'static str, port: u16, stop: Arc<AtomicBool>) -> Busy {
    thread::spawn(move || {
        let mut answered = Vec::new();
        while !stop.load(Ordering::Relaxed) {
            let id = format!("{name}-{}", answered.len());
            match post_bytes(port, good(&id).as_bytes()) {
                Ok((200, _)) => answered.push(id),
                _ => thread::yield_now(),
            }
        }
        answered
    })
}

/// A scanner that books one order after the other. What was not answered it scans again.
fn scanner(port: u16, stop: Arc<AtomicBool>) -> Busy {
    thread::spawn(move || {
        let (mut answered, mut device) = (Vec::new(), None);
        while !stop.load(Ordering::Relaxed) {
            let Some(at) = &mut device else {
                device = Scanner::at(port).ok();
                continue;
            };
            let order = format!("K{}", answered.len());
            match book(at, &order) {
                Some(true) => answered.push(format!("order:{order}")),
                Some(false) => {}
                None => device = None,
            }
        }
        answered
    })
}

/// Whether the order is booked; none where the line broke.
fn book(device: &mut Scanner, order: &str) -> Option<bool> {
    let mut told = String::new();
    for scan in ["CMD:CANCEL", &format!("O:{order}"), "Q:1", "CMD:CONFIRM"] {
        told = device.scan(scan).ok()?;
    }
    Some(told.starts_with("BOOKED"))
}

#[test]
fn thirty_kills_at_random_moments_lose_nothing_that_was_answered_and_leave_the_store_whole() {
    let mut world = World::new(&Target::Shadow);
    let stop = Arc::new(AtomicBool::new(false));
    let busy = [
        poster("a", world.http, stop.clone()),
        poster("b", world.http, stop.clone()),
        scanner(world.production, stop.clone()),
    ];
    for _ in 0..KILLS {
        world.start_agent();
        thread::sleep(Duration::from_millis(rand::rng().random_range(0..400)));
        world.kill_agent();
    }
    stop.store(true, Ordering::Relaxed);
    let answered: Vec<String> = busy.into_iter().flat_map(|busy| busy.join().unwrap()).collect();
    assert!(
        answered.len() > 200,
        "hardly anything was under way: {}",
        answered.len()
    );

    let (_, rows) = world.ask("agent", &["messages", "list", "--limit", "100000"]);
    let told = |row: &serde_json::Value| {
        let id = row["source_id"].as_str().map(str::to_owned);
        id.unwrap_or_else(|| row["keys"][0].as_str().unwrap().to_owned())
    };
    let ids: Vec<String> = rows
        .iter()
        .filter(|row| row["source_id"].is_string())
        .map(told)
        .collect();
    let kept: BTreeSet<String> = rows.iter().map(told).collect();
    let lost: Vec<&String> = answered.iter().filter(|id| !kept.contains(*id)).collect();
    assert!(lost.is_empty(), "{lost:?}\n{}", world.logs());
    let once: BTreeSet<&String> = ids.iter().collect();
    assert_eq!(once.len(), ids.len(), "an id was kept twice");
    let (code, rows) = world.ask("agent", &["verify"]);
    assert_eq!((code, &rows[0]["faults"]), (Some(0), &0.into()), "{rows:?}");
    assert!(!world.logs().contains("new epoch"), "{}", world.logs());
}
