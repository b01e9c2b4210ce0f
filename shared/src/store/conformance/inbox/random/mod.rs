//! Random plants, clones, losses, moves and changes, on the inbox on disk and on its model: both must say the same
//! after every step, nothing may take effect twice, and nothing before an earlier message of its keys.

mod compare;
mod hand;
mod world;

use std::path::Path;

use proptest::prelude::*;
use proptest::sample::Index;

use crate::store::inbox::InboxView;
use crate::store::memory::MemoryInbox;
use crate::store::sqlite::inbox::{Limits, SqliteInbox, SqliteInboxReader};

use world::{Step, World};

fn steps() -> impl Strategy<Value = Vec<Step>> {
    prop::collection::vec(step(), 1..70)
}

fn step() -> impl Strategy<Value = Step> {
    let at = any::<Index>;
    prop_oneof![
        8 => (at(), 0u8..3, any::<bool>(), 1u8..16).prop_map(|(plant, lane, passes, keys)| Step::Make { plant, lane, passes, keys }),
        2 => (at(), at()).prop_map(|(plant, of)| Step::Undo { plant, of }),
        9 => (at(), at(), 1usize..6, 0u8..20).prop_map(|(log, from, count, broken)| Step::Deliver { log, from, count, broken }),
        1 => (at(), at(), 1usize..4, 0u8..3).prop_map(|(log, from, count, kind)| Step::Declare { log, from, count, kind }),
        1 => at().prop_map(|plant| Step::Clone { plant }),
        1 => (at(), prop::collection::vec(at(), 0..4)).prop_map(|(plant, moved)| Step::Cut { plant, moved }),
        14 => (at(), 0u8..16).prop_map(|(which, what)| Step::Change { which, what }),
        1 => at().prop_map(|which| Step::Prune { which }),
        3 => (at(), 0u8..4).prop_map(|(plant, open)| Step::Hello { plant, open }),
    ]
}

/// Memory for the files where the machine has some: what is asked here is not whether a disk keeps them.
fn home() -> tempfile::TempDir {
    let shared_memory = Path::new("/dev/shm");
    tempfile::tempdir_in(shared_memory).unwrap_or_else(|_| tempfile::tempdir().unwrap())
}

/// 64 runs, or as many as `PROPTEST_CASES` says.
fn config() -> ProptestConfig {
    let default = ProptestConfig::default();
    let asked = std::env::var_os("PROPTEST_CASES").is_some();
    ProptestConfig {
        cases: if asked { default.cases } else { 64 },
        max_shrink_iters: 4000,
        failure_persistence: None,
        ..default
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn the_inbox_on_disk_does_what_its_model_does(steps in steps()) {
        let home = home();
        let mut disk = SqliteInbox::open(&home.path().join("inbox.db"), Limits::default(), 1, 1).unwrap();
        let mut model = MemoryInbox::new(1, 1);
        let mut world = World::new();
        for step in &steps {
            let done = world.take_step(step, &mut disk, &mut model);
            prop_assert!(done.is_ok(), "{step:?}: {}", done.unwrap_err());
            let same = compare::same(&disk, &model, &world);
            prop_assert!(same.is_ok(), "after {step:?}: {}", same.unwrap_err());
        }
        disk.audit_verify().unwrap();
        let reader = SqliteInboxReader::open(&home.path().join("inbox.db")).unwrap();
        prop_assert_eq!(reader.verify(None, 1000).unwrap().findings, vec![]);
    }
}
