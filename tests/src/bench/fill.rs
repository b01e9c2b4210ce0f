//! A spool that is full before its agent starts, written by the spool's own writer in large commits.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use millrace_shared::envelope::{Capture, Draft, Moment};
use millrace_shared::ident::{Digest, Epoch};
use millrace_shared::message::{Kind, Message, SCHEMA};
use millrace_shared::store::spool::{Claim, Intake, Spool as _, Verdict};
use millrace_shared::store::sqlite::spool::{Options, SqliteSpool};

/// Messages in a commit.
const COMMIT: u64 = 1000;
const QUOTA_BYTES: u64 = 64 << 30;
/// How many orders they are of.
pub const ORDERS: u64 = 1000;

/// Opens or makes the spool of `plant-a` at this path.
pub fn open(path: &Path) -> SqliteSpool {
    fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    let options = Options {
        agent: "plant-a".parse().expect("a name"),
        quota_bytes: QUOTA_BYTES,
        reserve_bytes: QUOTA_BYTES / 20,
        epoch: Epoch(1),
        new_epoch: false,
    };
    SqliteSpool::open(path, options).expect("a spool").0
}

/// Has this many messages waiting in a new spool, and gives how many a second it took.
pub fn fill(path: &Path, messages: u64) -> f64 {
    let mut spool = open(path);
    let start = Instant::now();
    for first in (0..messages).step_by(COMMIT as usize) {
        commit(&mut spool, first, COMMIT.min(messages - first));
    }
    let rate = messages as f64 / start.elapsed().as_secs_f64().max(f64::EPSILON);
    spool.close().expect("it closes");
    rate
}

/// Keeps messages from this number on in one commit, and gives the time that the spool spent.
pub fn commit(spool: &mut SqliteSpool, first: u64, count: u64) -> Duration {
    let batch: Vec<Intake> = (first..first + count).map(intake).collect();
    let start = Instant::now();
    let verdicts = spool.commit(&batch, moment(first)).expect("a commit");
    let spent = start.elapsed();
    assert!(verdicts.iter().all(|verdict| matches!(verdict, Verdict::Kept(_))));
    spent
}

/// What an MES hands over: a confirmation with a lot, of one of a thousand orders.
fn intake(number: u64) -> Intake {
    let body = format!(
        r#"{{"order":"WH/MO/{:05}","quantity":{{"value":"12","unit":"Units"}},"lot":"L{:08}"}}"#,
        number % ORDERS,
        number / 20
    );
    let id = format!("MES-{number:010}");
    let draft = Draft {
        message: Message::parse(Kind::ProductionConfirm, SCHEMA, &body).expect("a message"),
        lane: None,
        reverses: None,
        capture: Capture {
            source: "mes/tester".to_owned(),
            station: Some("press-4".to_owned()),
            operator: Some("B-1041".to_owned()),
            moment: moment(number),
            source_id: Some(id.clone()),
            raw: body.clone().into_bytes(),
            raw_cut: false,
        },
    };
    Intake {
        claim: Some(Claim {
            source: "mes/tester".to_owned(),
            id,
            content: Digest::of(body.as_bytes()),
        }),
        drafts: vec![draft],
        ..Intake::default()
    }
}

fn moment(number: u64) -> Moment {
    Moment {
        wall_ms: 1_750_000_000_000 + number as i64,
        offset_minutes: 60,
        boot: 1,
        monotonic_ms: number,
    }
}

/// The bytes of such a message's envelope, as the spool keeps them.
pub fn envelope_bytes() -> usize {
    let drafts = intake(123_456).drafts;
    let envelope = millrace_shared::envelope::Envelope::new(&drafts[0], 123_456, Vec::new());
    envelope
        .and_then(|envelope| envelope.seal())
        .expect("an envelope")
        .bytes
        .len()
}
