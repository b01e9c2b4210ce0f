//! The spool on a disk that fails, fills up, and loses what was not synced: nothing that was answered OK is missing,
//! and the store works again when the disk does.
//!
//! What this proves: SQLite's pager and log, with our pragmas, over every order and part of unsynced writes that the
//! seeds reach, and over an error at each single call of a whole life. What it does not: the file system below, and the
//! names of files (their folder is synced when a spool is made).

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::*;
use crate::ident::{Lane, Stamp};
use crate::store::conformance::sample::*;
use crate::store::spool::{Pressure, Retention, Spool, SpoolReader, Verdict};
use crate::store::sqlite::faulty::{Disk, Fault};
use crate::store::sqlite::lock::beside;

const LANE: Lane = Lane::Normal;
const KEEP: Retention = Retention {
    settled: Duration::from_millis(1),
    claims: Duration::from_millis(1),
    scans: Duration::from_millis(1),
    pressure: Pressure::Refuse,
};

/// A spool on a faulty disk, and what was answered.
struct Life {
    home: Home,
    disk: Disk,
    spool: Option<SqliteSpool>,
    /// Every message that was answered OK.
    kept: Vec<Stamp>,
    settled: Vec<Stamp>,
    /// The witness after each commit since it was last synced: after a power cut any of them may be found.
    witnesses: Vec<Vec<u8>>,
    now_ms: u64,
}

impl Life {
    fn new() -> Self {
        let home = Home::new();
        Self {
            disk: Disk::mount(home.folder.path()),
            home,
            spool: None,
            kept: Vec::new(),
            settled: Vec::new(),
            witnesses: Vec::new(),
            now_ms: 0,
        }
    }

    fn open(&mut self) -> Result<(), StoreError> {
        let epoch = if self.kept.is_empty() { FIRST } else { SECOND };
        let (spool, opening) = self.home.try_open(epoch)?;
        assert!(
            matches!(opening, Opening::New | Opening::Continued),
            "{opening:?}"
        );
        self.spool = Some(spool);
        self.witnesses.clear();
        self.remember_witness();
        Ok(())
    }

    fn remember_witness(&mut self) {
        let witness = std::fs::read(beside(&self.home.path, "witness")).unwrap();
        self.witnesses.push(witness);
    }

    /// One step of a working day. Fails where the disk does; what is noted here was answered OK.
    fn step(&mut self, which: u32) -> Result<(), StoreError> {
        self.now_ms += 10;
        let now = at(self.now_ms);
        let Some(spool) = &mut self.spool else {
            return self.open();
        };
        match which {
            0..=5 => {
                let number = self.kept.len();
                let pieces = (0..=which).map(|n| {
                    let drafts = vec![confirm_lot(&format!("O{n}"), &format!("L{number}"))];
                    claimed(&format!("{number}-{n}-{}", self.now_ms), "body", drafts)
                });
                for verdict in spool.commit(&pieces.collect::<Vec<_>>(), now)? {
                    let Verdict::Kept(ids) = verdict else {
                        panic!("{verdict:?}");
                    };
                    self.kept.extend(ids.iter().map(stamp));
                }
                self.remember_witness();
            }
            6 | 7 => {
                let open = self.kept.iter().filter(|stamp| !self.settled.contains(stamp));
                let some: Vec<Stamp> = open.take(3).copied().collect();
                spool.learn(&some.iter().copied().map(settled).collect::<Vec<_>>(), now)?;
                self.settled.extend(some);
            }
            8 => drop(spool.prune(&KEEP, now)?),
            _ => self.spool = None,
        }
        Ok(())
    }

    fn cut_power(&mut self, seed: u64) {
        self.disk.cut_power(seed);
        self.spool = None;
        let pick = seed as usize % self.witnesses.len().max(1);
        if let Some(witness) = self.witnesses.get(pick) {
            std::fs::write(beside(&self.home.path, "witness"), witness).unwrap();
        }
    }

    /// Everything that was answered OK is there, in its place, and the file is whole.
    fn check(&mut self) {
        if self.spool.is_none() {
            self.open().unwrap();
        }
        let spool = self.spool.as_mut().unwrap();
        let there = rows(spool, FIRST, LANE);
        for stamp in &self.kept {
            let found = there.iter().any(|row| row.stamp() == *stamp);
            // What settled and was answered OK is settled; what was about to be may be.
            let fate = spool.fate(stamp.position).unwrap();
            let settled = !matches!(fate, Some(crate::store::spool::Fate::Waiting));
            assert!(found || settled, "{stamp} is missing");
            assert!(settled || !self.settled.contains(stamp), "{stamp} was settled");
        }
        assert_eq!(spool.tally(LANE).unwrap().accepted + 1, heads_next(spool));
        self.spool = None;
        let reader = self.home.reader();
        let findings: Vec<_> = reader.verify().unwrap().collect::<Result<_, _>>().unwrap();
        assert_eq!(findings, []);
        reader.view(whole).unwrap();
    }
}

fn heads_next(spool: &SqliteSpool) -> u64 {
    let heads = spool.heads().unwrap();
    heads.iter().find(|head| head.lane == LANE).unwrap().next
}

fn whole(connection: &rusqlite::Connection) -> Result<(), StoreError> {
    let answer: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0))?;
    assert_eq!(answer, "ok");
    Ok(())
}

#[test]
fn nothing_that_was_answered_ok_is_lost_when_the_power_is_cut_at_any_time() {
    for seed in 0..300 {
        let mut random = StdRng::seed_from_u64(seed);
        let mut life = Life::new();
        for _ in 0..random.random_range(1..40) {
            life.step(random.random_range(0..12)).unwrap();
        }
        // In the middle of a commit as often as between two.
        if random.random_bool(0.7) {
            life.disk
                .fail(random.random_range(0..12), u64::MAX, Fault::Broken);
            let _ = life.step(random.random_range(0..9));
        }
        life.cut_power(seed);
        life.check();
        // And it goes on.
        life.step(9).unwrap();
        life.step(0).unwrap();
        life.step(3).unwrap();
        life.cut_power(seed + 1);
        life.check();
    }
}

/// Opening, intake, receipts, pruning, closing, opening again.
const DAY: [u32; 12] = [9, 0, 5, 2, 6, 8, 3, 9, 9, 1, 6, 4];

fn a_fault_at_each_call(fault: Fault, count: u64) {
    let mut whole = Life::new();
    for which in DAY {
        whole.step(which).unwrap();
    }
    let calls = whole.disk.calls();
    assert!(calls > 100, "{calls}");
    for call in 0..calls {
        let mut life = Life::new();
        life.disk.fail(call, count, fault);
        for which in DAY {
            if let Err(error) = life.step(which) {
                assert!(error.is_transient(), "call {call}: {error}");
            }
        }
        life.disk.mend();
        life.step(0).unwrap();
        life.step(0).unwrap();
        life.cut_power(call);
        life.check();
    }
}

#[test]
fn one_error_at_any_call_harms_only_what_was_under_way() {
    a_fault_at_each_call(Fault::Broken, 1);
}

#[test]
fn one_refusal_for_want_of_room_at_any_call_harms_only_what_was_under_way() {
    a_fault_at_each_call(Fault::Full, 1);
}

#[test]
fn a_disk_that_fails_for_a_while_from_any_call_on_is_survived() {
    a_fault_at_each_call(Fault::Broken, 40);
}

#[test]
fn a_disk_that_is_full_for_a_while_from_any_call_on_is_survived() {
    a_fault_at_each_call(Fault::Full, 40);
}

#[test]
fn a_full_disk_is_told_as_full_and_a_broken_one_as_broken() {
    let mut life = Life::new();
    life.step(9).unwrap();
    life.disk.fail(0, u64::MAX, Fault::Full);
    assert!(matches!(life.step(0), Err(StoreError::Full(_))));
    life.disk.fail(0, u64::MAX, Fault::Broken);
    assert!(matches!(life.step(0), Err(StoreError::Disk(_))));
    life.disk.mend();
    life.step(0).unwrap();
    life.check();
}
