//! The agent dies between the commit and the tone.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::time::{Duration, Instant};

use millrace_tests::odoo::Database;
use millrace_tests::world::{Scanner, Target, World, scan};

use crate::books::{all_applied, fates, on_hand, outcomes};

/// Most entries until one was killed at the right moment. Which one it is, is up to the machine; each is a valid trial.
const ENTRIES: u32 = 150;

/// SQLite's index of its write-ahead log. It changes when a transaction is durable, before the writer is told so
/// (SQLite, "WAL-mode File Format", 2.1).
struct Index(File);

impl Index {
    fn of(world: &World) -> Self {
        Self(File::open(world.folder().join("plant-a/spool.sqlite-shm")).unwrap())
    }

    /// The counter of transactions and the number of valid frames.
    fn state(&self) -> [u8; 12] {
        let mut state = [0; 12];
        self.0.read_exact_at(&mut state, 8).unwrap();
        state
    }

    fn await_commit_after(&self, before: [u8; 12]) {
        let deadline = Instant::now() + Duration::from_secs(10);
        while self.state() == before {
            assert!(Instant::now() < deadline, "nothing was committed");
        }
    }
}

#[test]
fn a_kill_between_commit_and_tone_and_the_scan_repeated_make_one_message() {
    let db = Database::new();
    let mut world = World::new(&Target::Odoo(&db));
    world.start_agent();
    let mut entries = 0;
    let mut hit = false;
    while !hit {
        entries += 1;
        assert!(entries <= ENTRIES, "no kill fell between commit and tone");
        let mut gun = Scanner::at(world.count).unwrap();
        for word in ["L:SHELF-1", "I:FG-BRACKET", &format!("Q:{entries}")] {
            assert!(gun.scan(word).unwrap().starts_with("OK"));
        }
        let index = Index::of(&world);
        let before = index.state();
        gun.send("CMD:CONFIRM").unwrap();
        index.await_commit_after(before);
        world.kill_agent();
        let heard = gun.hear();
        world.start_agent();
        let kept = fates(&world).len() == entries as usize;
        let told = scan(world.count, &["CMD:CONFIRM"]).unwrap();
        let tone = if kept { "ALREADY" } else { "BOOKED" };
        assert!(told[0].starts_with(tone), "{told:?}");
        assert_eq!(fates(&world).len(), entries as usize);
        hit = kept && heard.is_err();
    }
    println!("entry {entries} was killed between commit and tone");
    world.start_relay();
    world.eventually("all are applied", || all_applied(&world, entries as usize));
    assert_eq!(outcomes(&db), [format!("done {entries}")]);
    assert_eq!(on_hand(&db, 1, "FG-BRACKET", "SHELF-1"), f64::from(entries));
}
