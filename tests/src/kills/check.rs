//! What Odoo's tables must say after a kill run, read with SQL.

use std::time::{Duration, Instant};

use super::load::{Log, MOVED};
use crate::odoo::Database;

/// What Odoo's tables said before.
#[derive(Debug)]
pub struct Before {
    last_move: i64,
}

impl Before {
    /// As it is now.
    pub fn of(database: &Database) -> Self {
        let last_move = database
            .one("select coalesce(max(id), 0) from stock_move")
            .parse()
            .expect("a number");
        Self { last_move }
    }
}

/// How often it is said how far Odoo is.
const TELL_EVERY: Duration = Duration::from_secs(10);

/// Waits until so many messages are done; whether they are.
pub fn wait(database: &Database, messages: usize, patience: Duration, tell: fn(&str)) -> bool {
    let mut told = Instant::now();
    let deadline = Instant::now() + patience;
    let done = || database.one("select count(*) from millrace_inbox where state = 'done'");
    loop {
        let now = done();
        if now == messages.to_string() {
            return true;
        }
        if told.elapsed() >= TELL_EVERY {
            told = Instant::now();
            tell(&format!("{now} of {messages} are done in Odoo"));
        }
        if Instant::now() > deadline {
            return false;
        }
        std::thread::sleep(Duration::from_secs(1));
    }
}

/// Everything that differs from what was captured.
pub fn compare(database: &Database, before: &Before, log: &Log) -> Vec<String> {
    let mut wrong = Vec::new();
    for (place, item, figures) in &log.counts {
        let booked = levels(database, before, item, place);
        let counted: Vec<f64> = figures.iter().copied().map(f64::from).collect();
        if booked != counted {
            let at = booked
                .iter()
                .zip(&counted)
                .position(|(a, b)| a != b)
                .unwrap_or(booked.len().min(counted.len()));
            wrong.push(format!(
                "{item} at {place}: {} counts were captured and {} are booked; they differ from number {at} on",
                counted.len(),
                booked.len()
            ));
        }
    }
    let (item, from, to) = MOVED;
    let rows = database.sql(&format!(
        "select m.quantity from stock_move m join product_product p on p.id = m.product_id \
         join stock_location f on f.id = m.location_id join stock_location t on t.id = m.location_dest_id \
         where p.default_code = '{item}' and f.barcode = '{from}' and t.barcode = '{to}' and m.state = 'done' \
         and m.company_id = 1 and m.id > {} order by m.id",
        before.last_move
    ));
    let booked: Vec<f64> = rows.iter().map(|row| row[0].parse().expect("a number")).collect();
    let moved: Vec<f64> = log.moves.iter().copied().map(f64::from).collect();
    if booked != moved {
        wrong.push(format!(
            "{item}: {} moves were captured and {} are booked, or in another order",
            moved.len(),
            booked.len()
        ));
    }
    wrong
}

/// What lay at a place after each movement since then, in the order of the movements.
fn levels(database: &Database, before: &Before, item: &str, place: &str) -> Vec<f64> {
    let rows = database.sql(&format!(
        "select case when t.barcode = '{place}' then m.quantity else -m.quantity end, m.id > {} \
         from stock_move m join product_product p on p.id = m.product_id \
         join stock_location f on f.id = m.location_id join stock_location t on t.id = m.location_dest_id \
         where p.default_code = '{item}' and '{place}' in (f.barcode, t.barcode) and m.state = 'done' \
         and m.company_id = 1 order by m.id",
        before.last_move
    ));
    let mut level = 0.0;
    let mut levels = Vec::new();
    for row in rows {
        level += row[0].parse::<f64>().expect("a number");
        if row[1] == "t" {
            levels.push(level);
        }
    }
    levels
}
