//! What fires during a kill run: three people who count, and an MES that moves stock. Each does what its like would do
//! when an answer stays out: try again until it is told that the message is taken.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{Scope, ScopedJoinHandle, sleep};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};

use crate::world::{World, message, post, scan};

/// What is counted, and where. Each place belongs to one person, so its counts have an order.
pub const COUNTED: [(&str, [&str; 2]); 3] = [
    ("SHELF-1", ["FG-BRACKET", "PART-BOLT"]),
    ("SHELF-2", ["FG-BRACKET", "PART-BOLT"]),
    ("LINE-B", ["FG-BRACKET", "PART-BOLT"]),
];

/// What the MES moves, from where to where.
pub const MOVED: (&str, &str, &str) = ("RAW-STEEL", "STOCK", "LINE-A");

/// Pause between two attempts.
const AGAIN: Duration = Duration::from_millis(200);

/// Pause between two messages: Odoo must be able to keep up, or a run would measure patience.
const BREATH: Duration = Duration::from_millis(150);

/// Where the load goes.
#[derive(Debug, Clone, Copy)]
pub struct Ports {
    counts: [u16; 3],
    http: u16,
}

impl Ports {
    /// Those of this world.
    pub fn of(world: &World) -> Self {
        let [second, third] = world.more_counts;
        Self {
            counts: [world.count, second, third],
            http: world.http,
        }
    }
}

/// What one person counted of an item at a place, in order.
pub type Counts = (String, String, Vec<u32>);

/// What was answered OK, in the order of capture.
#[derive(Debug, Default)]
pub struct Log {
    /// Per place and item the figures that were counted.
    pub counts: Vec<Counts>,
    /// The quantities that were moved.
    pub moves: Vec<u32>,
}

impl Log {
    /// How many messages that is.
    pub fn messages(&self) -> usize {
        self.moves.len()
            + self
                .counts
                .iter()
                .map(|(_, _, figures)| figures.len())
                .sum::<usize>()
    }
}

/// The threads that fire.
pub struct Firing<'s> {
    people: Vec<ScopedJoinHandle<'s, Vec<Counts>>>,
    mes: ScopedJoinHandle<'s, Vec<u32>>,
}

impl Firing<'_> {
    /// Waits until each has finished what it began.
    pub fn join(self) -> Log {
        let counts = self
            .people
            .into_iter()
            .flat_map(|person| person.join().expect("a person"))
            .collect();
        Log {
            counts,
            moves: self.mes.join().expect("the MES"),
        }
    }
}

/// Starts them. Each goes on until `over`.
pub fn fire<'s>(
    scope: &'s Scope<'s, '_>,
    ports: Ports,
    seed: u64,
    captured: &'s AtomicUsize,
    over: &'s AtomicBool,
) -> Firing<'s> {
    let person = |index: usize| {
        let rng = StdRng::seed_from_u64(seed ^ (index as u64 + 1));
        scope.spawn(move || count(ports.counts[index], COUNTED[index], rng, captured, over))
    };
    Firing {
        people: (0..3).map(person).collect(),
        mes: scope.spawn(move || moving(ports.http, captured, over)),
    }
}

fn count(
    port: u16,
    (place, items): (&str, [&str; 2]),
    mut rng: StdRng,
    captured: &AtomicUsize,
    over: &AtomicBool,
) -> Vec<Counts> {
    let mut figures = items.map(|item| (place.to_owned(), item.to_owned(), Vec::new()));
    for turn in 0.. {
        if over.load(Ordering::Relaxed) {
            break;
        }
        let (_, item, counted) = &mut figures[turn % 2];
        let mut figure = rng.random_range(1..90_000);
        // The same figure twice in a row would move nothing, and nothing would show its order.
        figure += u32::from(counted.last() == Some(&figure));
        enter(
            port,
            &[
                &format!("L:{place}"),
                &format!("I:{item}"),
                &format!("Q:{figure}"),
            ],
        );
        counted.push(figure);
        captured.fetch_add(1, Ordering::Relaxed);
        sleep(BREATH);
    }
    figures.into()
}

/// Enters and confirms. An entry that was broken off is cancelled and begun again; a confirmation without an answer is
/// scanned again, and must book once.
fn enter(port: u16, scans: &[&str]) {
    let mut begun = false;
    loop {
        let cancel = begun.then_some("CMD:CANCEL");
        let entry: Vec<&str> = cancel.into_iter().chain(scans.iter().copied()).collect();
        begun = true;
        match scan(port, &entry) {
            Ok(told)
                if told
                    .iter()
                    .skip(usize::from(cancel.is_some()))
                    .all(|line| line.starts_with("OK")) =>
            {
                break;
            }
            _ => sleep(AGAIN),
        }
    }
    loop {
        match scan(port, &["CMD:CONFIRM"]).map(|told| told[0].clone()) {
            Ok(told) if told.starts_with("BOOKED") || told.starts_with("ALREADY") => return,
            Ok(told) if told.starts_with("REFUSED") => panic!("a confirmation was refused: {told}"),
            _ => sleep(AGAIN),
        }
    }
}

fn moving(port: u16, captured: &AtomicUsize, over: &AtomicBool) -> Vec<u32> {
    let (item, from, to) = MOVED;
    let mut moved = Vec::new();
    while !over.load(Ordering::Relaxed) {
        let number = moved.len() as u32 + 1;
        let quantity = number % 7 + 1;
        let body =
            json!({ "item": item, "from": from, "to": to, "quantity": { "value": quantity.to_string() } });
        let message = message("inventory.move", &format!("move-{number}"), body);
        while !is_taken(port, &message) {
            sleep(AGAIN);
        }
        moved.push(quantity);
        captured.fetch_add(1, Ordering::Relaxed);
        sleep(BREATH);
    }
    moved
}

fn is_taken(port: u16, message: &Value) -> bool {
    match post(port, message) {
        Ok((400..500, answer)) => panic!("the MES is told that its message is wrong: {answer}"),
        Ok((status, _)) => status < 300,
        Err(_) => false,
    }
}
