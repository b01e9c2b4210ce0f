//! A process that is killed while it takes in and changes: what it was told is there, what is there is whole.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use super::*;
use crate::store::inbox::{ReadyFrom, Request, StateName};

/// Says to the child where the inbox is.
const PATH: &str = "MILLRACE_TEST_INBOX";
/// Frames of the child, and rows in each.
const FRAMES: usize = 400;
const ROWS: usize = 20;

fn plant_rows() -> (Plant, Vec<Made>) {
    let mut plant = Plant::new("plant-1", 1);
    let rows = (0..FRAMES * ROWS)
        .map(|n| plant.make(PARKS, &[&format!("order:{}", n % 37)]))
        .collect();
    (plant, rows)
}

/// Not a test by itself: what the child does until it is killed.
#[test]
fn child_that_works_until_it_is_killed() {
    let Some(path) = std::env::var_os(PATH) else {
        return;
    };
    let (plant, rows) = plant_rows();
    let mut inbox = SqliteInbox::open(Path::new(&path), Limits::default(), 1, 1).unwrap();
    let begin = inbox
        .floors(&plant.agent)
        .unwrap()
        .first()
        .map_or(0, |lane| lane.stored.sequence) as usize;
    for frame in rows[begin..].chunks(ROWS) {
        keep(&mut inbox, &plant.agent, &frame.iter().collect::<Vec<_>>());
        let ready = inbox
            .ready(&plant.agent, Lane::Normal, ReadyFrom::Oldest(None), 5)
            .unwrap();
        let mut sent = Vec::new();
        for item in &ready {
            let request = Request {
                ticket: item.entry.ticket,
                change: Change::Send,
            };
            sent.push(inbox.change(&[request], "flow", 1).unwrap());
        }
        for item in inbox.sent(None, 3).unwrap() {
            let request = Request {
                ticket: item.entry.ticket,
                change: Change::Settle(applied(item.entry.ticket.slot.0)),
            };
            inbox.change(&[request], "flow", 1).unwrap();
            println!("\nsettled {}", item.entry.ticket.slot.0);
        }
        println!("\nstored {}", frame.last().unwrap().sequence);
    }
    println!("\nend");
}

/// Runs the child until it has said `lines` lines, kills it, and returns what it had said: stored up to, settled slots.
fn run_and_kill(path: &Path, lines: usize) -> (u64, Vec<i64>) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "--nocapture",
            "store::sqlite::inbox::tests::crash::child_that_works_until_it_is_killed",
        ])
        .env(PATH, path)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let out = BufReader::new(child.stdout.take().unwrap());
    let (mut stored, mut settled) = (0, Vec::new());
    for line in out
        .lines()
        .map_while(Result::ok)
        .filter(|line| !line.is_empty())
        .take(lines)
    {
        match line.split_once(' ') {
            Some(("stored", number)) => stored = number.parse().unwrap(),
            Some(("settled", slot)) => settled.push(slot.parse().unwrap()),
            _ => {}
        }
    }
    child.kill().unwrap();
    child.wait().unwrap();
    (stored, settled)
}

#[test]
fn a_killed_process_loses_nothing_that_it_answered_and_leaves_a_whole_inbox() {
    let home = tempfile::tempdir().unwrap();
    let (plant, rows) = plant_rows();
    let (mut stored, mut settled) = (0, Vec::new());
    for lines in [3, 20, 41, 64, 87] {
        let said = run_and_kill(&at(&home), lines);
        stored = said.0.max(stored);
        settled.extend(said.1);
        let mut inbox = SqliteInbox::open(&at(&home), Limits::default(), 1, 1).unwrap();
        let floor = inbox
            .floors(&plant.agent)
            .unwrap()
            .first()
            .map(|lane| lane.stored);
        if let Some(floor) = floor.filter(|floor| floor.sequence > 0) {
            assert!(floor.sequence >= stored);
            assert_eq!(floor.sequence as usize % ROWS, 0, "a frame is whole or not there");
            assert_eq!(floor.running, rows[floor.sequence as usize - 1].running);
            let known = rows[..floor.sequence as usize].iter().collect::<Vec<_>>();
            assert_eq!(keep(&mut inbox, &plant.agent, &known[..ROWS]).known, ROWS);
        }
        for slot in &settled {
            let item = inbox.get(crate::store::inbox::Slot(*slot)).unwrap().unwrap();
            assert_eq!(item.entry.state.name(), StateName::Settled);
        }
        inbox.audit_verify().unwrap();
        drop(inbox);
        let reader = SqliteInboxReader::open(&at(&home)).unwrap();
        let mut after = None;
        loop {
            let checked = reader.verify(after, 1000).unwrap();
            assert_eq!(checked.findings, []);
            after = checked.next;
            if after.is_none() {
                break;
            }
        }
    }
    assert!(stored > 0 && !settled.is_empty());
}
