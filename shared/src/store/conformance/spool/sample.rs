//! Messages, moments and intakes to test with.

use crate::envelope::{Capture, Draft, Envelope, Moment, Row};
use crate::ident::{AgentId, Digest, Epoch, Lane, MessageId, Position, Stamp};
use crate::message::{Kind, Message, SCHEMA};
use crate::outcome::{Outcome, Reason, Record};
use crate::store::spool::{Claim, Intake, News, Spool, Verdict};

pub const FIRST: Epoch = Epoch(0x1111);
pub const SECOND: Epoch = Epoch(0x2222);
pub const THIRD: Epoch = Epoch(0x3333);

pub fn agent() -> AgentId {
    "plant-7".parse().unwrap()
}

/// Monotonic milliseconds of one run of a machine.
pub fn at(monotonic_ms: u64) -> Moment {
    Moment {
        wall_ms: 1_700_000_000_000 + monotonic_ms as i64,
        offset_minutes: 60,
        boot: 1,
        monotonic_ms,
    }
}

pub fn message(kind: Kind, body: &str) -> Message {
    Message::parse(kind, SCHEMA, body).unwrap()
}

/// A confirmation of one piece of this order.
pub fn confirm(order: &str) -> Draft {
    let body = format!(r#"{{"order":"{order}","quantity":{{"value":"1"}}}}"#);
    draft(message(Kind::ProductionConfirm, &body))
}

/// The same with a lot, so with two keys.
pub fn confirm_lot(order: &str, lot: &str) -> Draft {
    let body = format!(r#"{{"order":"{order}","lot":"{lot}","quantity":{{"value":"1"}}}}"#);
    draft(message(Kind::ProductionConfirm, &body))
}

pub fn draft(message: Message) -> Draft {
    Draft {
        message,
        lane: None,
        reverses: None,
        capture: Capture {
            source: "line-1".to_owned(),
            station: Some("press".to_owned()),
            operator: None,
            moment: at(0),
            source_id: None,
            raw: b"\x02scan\x03".to_vec(),
            raw_cut: false,
        },
    }
}

pub fn by_lane(lane: Lane, mut draft: Draft) -> Draft {
    draft.lane = Some(lane);
    draft
}

pub fn intake(drafts: Vec<Draft>) -> Intake {
    Intake {
        drafts,
        ..Intake::default()
    }
}

pub fn claimed(id: &str, content: &str, drafts: Vec<Draft>) -> Intake {
    Intake {
        claim: Some(Claim {
            source: "mes".to_owned(),
            id: id.to_owned(),
            content: Digest::of(content.as_bytes()),
        }),
        drafts,
        ..Intake::default()
    }
}

/// Keeps one draft, which must succeed.
pub fn keep(spool: &mut impl Spool, draft: Draft) -> Stamp {
    let verdicts = spool.commit(&[intake(vec![draft])], at(0)).unwrap();
    let [Verdict::Kept(ids)] = &verdicts[..] else {
        panic!("not kept: {verdicts:?}");
    };
    stamp(&ids[0])
}

pub fn stamp(id: &MessageId) -> Stamp {
    Stamp {
        position: id.position,
        digest: id.digest,
    }
}

pub fn position(epoch: Epoch, lane: Lane, sequence: u64) -> Position {
    Position {
        epoch,
        lane,
        sequence,
    }
}

/// All rows of a lane that may have to be sent.
pub fn rows(spool: &impl Spool, epoch: Epoch, lane: Lane) -> Vec<Row> {
    spool.rows(epoch, lane, 1, 1000, 10_000_000).unwrap()
}

pub fn sequences(rows: &[Row]) -> Vec<u64> {
    rows.iter().map(|row| row.position.sequence).collect()
}

/// What the message of this row comes after, in the order of its keys.
pub fn after(row: &Row) -> Vec<Option<Stamp>> {
    let envelope = Envelope::open(&row.bytes).unwrap();
    envelope.keys.iter().map(|link| link.after).collect()
}

pub fn applied() -> Outcome {
    Outcome::Applied(Record {
        model: "mrp.production".to_owned(),
        id: 7,
        name: "WH/MO/7".to_owned(),
    })
}

pub fn settled(stamp: Stamp) -> News {
    News::Settled {
        stamp,
        outcome: applied(),
    }
}

pub fn dead(stamp: Stamp) -> News {
    News::Dead {
        stamp,
        reason: Reason::new("unknown-code", "no product has this code"),
    }
}

pub fn stored(epoch: Epoch, lane: Lane, from: u64, to: u64) -> News {
    News::Stored {
        epoch,
        lane,
        from,
        to,
    }
}
