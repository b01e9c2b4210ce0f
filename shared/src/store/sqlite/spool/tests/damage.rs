//! A row, a page or a tail that is not what was written: named by position, and its neighbours still there.

use std::fs::OpenOptions;
use std::os::unix::fs::FileExt;

use super::*;
use crate::ident::{Lane, Stamp};
use crate::store::GapKind;
use crate::store::conformance::sample::*;
use crate::store::spool::{Spool, SpoolReader};
use crate::store::sqlite::spool::{Content, CutReason, Fault, Finding};

const LANE: Lane = Lane::Normal;

fn with(count: usize) -> (Home, Vec<Stamp>) {
    let home = Home::new();
    let mut spool = home.spool();
    let stamps = (0..count).map(|_| keep(&mut spool, confirm("A"))).collect();
    (home, stamps)
}

/// Changes one byte in the middle of the content of a row.
fn flip(home: &Home, sequence: u64) {
    home.meddle(&format!(
        "UPDATE message_normal SET bytes = cast(substr(bytes, 1, 40) || x'ff' || substr(bytes, 42) AS BLOB)
         WHERE place & 0xffffffff = {sequence}"
    ));
}

fn findings(home: &Home) -> Vec<Finding> {
    home.reader().verify().unwrap().collect::<Result<_, _>>().unwrap()
}

#[test]
fn a_damaged_row_is_named_by_its_position_and_its_neighbours_are_given() {
    let (home, _) = with(5);
    flip(&home, 3);
    let spool = home.spool();
    assert_eq!(sequences(&rows(&spool, FIRST, LANE)), [1, 2]);
    let error = spool.rows(FIRST, LANE, 3, 10, 100_000).unwrap_err();
    let StoreError::DamagedRow { position: found, .. } = error else {
        panic!("{error}");
    };
    assert_eq!(found, position(FIRST, LANE, 3));
    let behind = spool.rows(FIRST, LANE, 4, 10, 100_000).unwrap();
    assert_eq!(sequences(&behind), [4, 5]);
    assert!(spool.running(FIRST, LANE, 3).unwrap().is_some());
}

#[test]
fn a_damaged_row_that_was_given_up_is_a_gap_and_can_settle() {
    let (home, stamps) = with(5);
    let running = home.spool().running(FIRST, LANE, 3).unwrap().unwrap();
    flip(&home, 3);
    let mut spool = home.spool();
    for sequence in [3, 2, 6, 0] {
        // Only what cannot be read is given up.
        spool.give_up(position(FIRST, LANE, sequence)).unwrap();
    }
    assert_eq!(sequences(&rows(&spool, FIRST, LANE)), [1, 2, 4, 5]);
    let gaps = spool.gaps(FIRST, LANE, 1, 9, 9).unwrap();
    assert_eq!(gaps.len(), 1);
    assert_eq!((gaps[0].first, gaps[0].last, gaps[0].kind), (3, 3, GapKind::Lost));
    assert_eq!(gaps[0].running, running);
    spool.learn(&[settled(stamps[2])], at(0)).unwrap();
    spool
        .learn(&[settled(stamps[4]), settled(stamps[3])], at(0))
        .unwrap();
    // Its keys could not be read, and are free all the same.
    keep(&mut spool, by_lane(Lane::Bulk, confirm("A")));
    assert_eq!(after(&rows(&spool, FIRST, Lane::Bulk)[0]), [Some(stamps[1])]);
}

#[test]
fn neighbours_that_are_both_damaged_become_one_gap_once_both_are_given_up() {
    let (home, _) = with(5);
    let running = home.spool().running(FIRST, LANE, 4).unwrap().unwrap();
    flip(&home, 3);
    flip(&home, 4);
    let mut spool = home.spool();
    spool.give_up(position(FIRST, LANE, 3)).unwrap();
    // Nothing is known of the digest between them.
    assert!(spool.gaps(FIRST, LANE, 1, 9, 9).unwrap().is_empty());
    assert!(spool.rows(FIRST, LANE, 3, 10, 100_000).is_err());
    spool.give_up(position(FIRST, LANE, 4)).unwrap();
    let gaps = spool.gaps(FIRST, LANE, 1, 9, 9).unwrap();
    assert_eq!((gaps[0].first, gaps[0].last, gaps[0].running), (3, 4, running));
    assert_eq!(sequences(&spool.rows(FIRST, LANE, 3, 10, 100_000).unwrap()), [5]);
}

#[test]
fn a_spool_whose_last_rows_are_damaged_goes_on_in_a_new_epoch_and_names_them() {
    let (home, _) = with(5);
    flip(&home, 4);
    flip(&home, 5);
    let (mut spool, opening) = home.open(SECOND);
    let expected = Opening::Cut {
        why: CutReason::Damaged,
        missing: vec![(LANE, 4..=5)],
    };
    assert_eq!(opening, expected);
    assert_eq!(sequences(&rows(&spool, FIRST, LANE)), [1, 2, 3]);
    assert_eq!(keep(&mut spool, confirm("A")).position, position(SECOND, LANE, 1));
    drop(spool);
    assert_eq!(home.open(THIRD).1, Opening::Continued);
}

#[test]
fn while_the_last_row_is_damaged_a_reader_still_tells_how_the_lane_stands() {
    let (home, _) = with(3);
    flip(&home, 3);
    let reader = home.reader();
    let tally = reader.tally(LANE).unwrap();
    assert_eq!((tally.accepted, tally.waiting), (3, 3));
    let entry = reader.get(position(FIRST, LANE, 3)).unwrap().unwrap();
    assert!(matches!(entry.content, Content::Damaged(_)));
    assert_eq!(findings(&home).len(), 1);
}

#[test]
fn verify_finds_each_sort_of_fault_and_nothing_in_a_whole_spool() {
    let (home, stamps) = with(2500);
    let mut spool = home.spool();
    spool
        .learn(&[settled(stamps[0]), settled(stamps[5])], at(0))
        .unwrap();
    drop(spool);
    assert_eq!(findings(&home), []);
    flip(&home, 10);
    home.meddle("DELETE FROM message_normal WHERE place & 0xffffffff = 1500");
    let damaged = |finding: &Finding| (finding.position.sequence, finding.fault.clone());
    let found: Vec<_> = findings(&home).iter().map(damaged).collect();
    let expected = [
        (10, Fault::Damaged("its checksum is wrong".to_owned())),
        (1500, Fault::Missing),
    ];
    assert_eq!(found, expected);
    let reader = home.reader();
    let mut verification = reader.verify().unwrap();
    while verification.next().is_some() {}
    // One row is missing, and is looked at all the same.
    assert_eq!(verification.progress(), (2500, 2500));
}

#[test]
fn a_row_that_somebody_rewrote_with_its_checksum_is_found_by_the_chain() {
    let (home, stamps) = with(4);
    // Another spool of the same epoch has another content at this position, whole in itself.
    let other = Home::new();
    let mut spool = other.spool();
    for order in ["A", "B", "A"] {
        keep(&mut spool, confirm(order));
    }
    drop(spool);
    home.meddle(&format!(
        "ATTACH '{}' AS other; DELETE FROM main.message_normal WHERE place & 0xffffffff = 2;
         INSERT INTO main.message_normal SELECT * FROM other.message_normal WHERE place & 0xffffffff = 2",
        other.path.display()
    ));
    let found = findings(&home);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!((found[0].position.sequence, &found[0].fault), (3, &Fault::Chain));
    assert_ne!(
        home.spool().rows(FIRST, LANE, 2, 1, 1).unwrap()[0].stamp(),
        stamps[1]
    );
}

/// The pages of the file that hold rows of a lane, found by what stands in them.
fn pages_with(home: &Home, text: &str) -> Vec<u64> {
    let bytes = std::fs::read(&home.path).unwrap();
    let holds = |page: &&[u8]| page.windows(text.len()).any(|window| window == text.as_bytes());
    let pages = bytes.chunks(4096).zip(0..);
    pages
        .filter(|(page, _)| holds(page))
        .map(|(_, number)| number)
        .collect()
}

#[test]
fn a_page_of_zeros_takes_only_its_own_rows_and_the_store_goes_on_taking_in() {
    let (home, _) = with(60);
    home.meddle("PRAGMA wal_checkpoint(TRUNCATE)");
    let pages = pages_with(&home, "production.confirm");
    let page = pages[pages.len() / 2];
    let file = OpenOptions::new().write(true).open(&home.path).unwrap();
    file.write_all_at(&[0; 4096], page * 4096).unwrap();
    let (mut spool, opening) = home.open(SECOND);
    assert_eq!(opening, Opening::Continued);
    let (mut read, mut lost, mut at_sequence) = (0, Vec::new(), 1);
    while at_sequence <= 60 {
        match spool.rows(FIRST, LANE, at_sequence, 1000, 10_000_000) {
            Ok(rows) => {
                read += rows.len();
                at_sequence = rows.last().map_or(61, |row| row.position.sequence + 1);
            }
            Err(StoreError::DamagedRow { position, .. }) => {
                assert_eq!(position.sequence, at_sequence);
                spool.give_up(position).unwrap();
                lost.push(position.sequence);
                at_sequence += 1;
            }
            Err(error) => panic!("{error}"),
        }
    }
    assert!((1..20).contains(&lost.len()), "{lost:?}");
    assert_eq!(read + lost.len(), 60);
    assert_eq!(sequences(&rows(&spool, FIRST, LANE)).len(), read);
    let gaps = spool.gaps(FIRST, LANE, 1, 60, 99).unwrap();
    assert_eq!((gaps[0].first, gaps[0].last), (lost[0], lost[lost.len() - 1]));
    assert_eq!(keep(&mut spool, confirm("A")).position.sequence, 61);
    assert_eq!(findings(&home).len(), lost.len());
}

#[test]
fn a_claim_or_dialogue_that_was_changed_on_disk_is_not_believed() {
    let home = Home::new();
    let mut spool = home.spool();
    let piece = || claimed("1", "body", vec![confirm("A")]);
    spool.commit(&[piece()], at(0)).unwrap();
    drop(spool);
    home.meddle("UPDATE claim SET content = zeroblob(32)");
    let mut spool = home.spool();
    assert!(matches!(
        spool.commit(&[piece()], at(0)),
        Err(StoreError::Damaged(_))
    ));
    // The next intake is not harmed.
    keep(&mut spool, confirm("B"));
}
