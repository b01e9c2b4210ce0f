//! The shadow's record keeps the promises of a real target.

use super::*;

fn name(sequence: u64) -> Name {
    let (id, digest) = (format!("m{sequence}"), format!("d{sequence}"));
    Name {
        id,
        digest,
        attempt: 1,
        lane: "a".into(),
        sequence,
    }
}

fn recording(sequence: u64) -> Recording {
    Recording {
        name: name(sequence),
        title: "order 1".into(),
        posting: "{}".into(),
    }
}

fn done<T>(fenced: Fenced<T>) -> (Mark, T) {
    match fenced {
        Fenced::Done(mark, result) => (mark, result),
        Fenced::Stale(mark) => panic!("stale: {mark:?}"),
    }
}

#[test]
fn a_message_is_recorded_once_and_other_content_is_a_conflict() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shadow.db");
    let mut record = SqliteRecorder::open(&path).unwrap();
    let fence = record.take("a", 0).unwrap().fence;
    let (mark, first) = done(record.record("a", fence, &[recording(1), recording(2)]).unwrap());
    assert_eq!((mark.count, first[0].repeat), (2, false));
    drop(record);
    let mut record = SqliteRecorder::open(&path).unwrap();
    let (again_mark, again) = done(record.record("a", fence, &[recording(1)]).unwrap());
    assert_eq!((&again[0].known, again[0].repeat), (&first[0].known, true));
    assert_eq!(again_mark, mark);
    let mut other = recording(1);
    other.name.digest = "other".into();
    let (_, other) = done(record.record("a", fence, &[other]).unwrap());
    assert_eq!(other[0].known, Known::Conflict);
}

#[test]
fn whoever_was_overtaken_at_the_fence_records_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut record = SqliteRecorder::open(&folder.path().join("shadow.db")).unwrap();
    let old = record.take("a", 0).unwrap().fence;
    let new = record.take("a", 7).unwrap();
    assert_eq!(new.fence, 8);
    assert_eq!(
        record.record("a", old, &[recording(1)]).unwrap(),
        Fenced::Stale(new)
    );
    assert_eq!(record.ask("a", &[name(1)]).unwrap().1, [None]);
}

#[test]
fn void_never_runs_and_done_stays_done() {
    let folder = tempfile::tempdir().unwrap();
    let mut record = SqliteRecorder::open(&folder.path().join("shadow.db")).unwrap();
    let fence = record.take("a", 0).unwrap().fence;
    done(record.record("a", fence, &[recording(1)]).unwrap());
    let (_, kept) = done(
        record
            .void("a", fence, &[name(1), name(2)], "typed in", "anna")
            .unwrap(),
    );
    assert!(matches!(kept[0].known, Known::Done { .. }));
    assert!(matches!(kept[1].known, Known::Void { .. }));
    let (_, kept) = done(record.record("a", fence, &[recording(2)]).unwrap());
    assert!(matches!(kept[0].known, Known::Void { .. }));
}

#[test]
fn what_was_purged_is_expired_for_ever() {
    let folder = tempfile::tempdir().unwrap();
    let mut record = SqliteRecorder::open(&folder.path().join("shadow.db")).unwrap();
    let fence = record.take("a", 0).unwrap().fence;
    done(record.record("a", fence, &[recording(1), recording(2)]).unwrap());
    let (mark, more) = done(record.purge("a", fence, &[("a".into(), 2)]).unwrap());
    assert_eq!((mark.count, more), (2, false));
    let (_, known) = record.ask("a", &[name(1), name(2)]).unwrap();
    assert_eq!(known[0], Some(Known::Expired));
    assert!(matches!(known[1], Some(Known::Done { .. })));
    let (_, kept) = done(record.record("a", fence, &[recording(1)]).unwrap());
    assert_eq!(kept[0].known, Known::Expired);
}
