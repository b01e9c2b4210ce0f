use super::*;
use crate::ident::{Position, Stamp};
use crate::outcome::{Outcome, Reason, Record};

fn mark(sequence: u64, byte: u8) -> Mark {
    Mark {
        sequence,
        running: Digest([byte; 32]),
    }
}

fn moment() -> Moment {
    Moment {
        wall_ms: 1_700_000_000_123,
        offset_minutes: 60,
        boot: 7,
        monotonic_ms: 99,
    }
}

fn origin() -> Origin {
    Origin {
        store: 0x11,
        mark: 0x22,
        number: 3,
        term: 4,
    }
}

fn hello() -> Control {
    let lane = LaneHead {
        lane: Lane::Normal,
        first: 1,
        last: mark(9, 0xaa),
        stored: Some(mark(5, 0xbb)),
        settled: 2,
    };
    Control::Hello(Box::new(Hello {
        agent: "plant-7".parse().unwrap(),
        id: HelloId {
            session: 0x33,
            number: 5,
        },
        versions: Versions {
            wire: (1, 1),
            schema: (1, 2),
        },
        known: Some(origin()),
        heard: 6,
        clock: moment(),
        round_trip_ms: Some(40),
        epochs: vec![EpochHead {
            epoch: Epoch(0xee),
            predecessor: None,
            lanes: vec![lane],
        }],
    }))
}

fn gone() -> Control {
    Control::Gone(Gone {
        epoch: Epoch(0xee),
        lane: Lane::Bulk,
        first: 3,
        before: Some(Digest([0xbb; 32])),
        last: mark(4, 0xcc),
        kind: GapKind::Lost,
    })
}

fn heard() -> Control {
    Control::Heard(Heard {
        session: 0x33,
        mark: 0x22,
        upto: 8,
    })
}

fn tide() -> Tide {
    Tide {
        epoch: Epoch(0xee),
        lane: Lane::Critical,
        floor: mark(5, 0xbb),
        held: vec![(7, 8)],
        settled: 4,
        credit: 100,
    }
}

fn receipts() -> Vec<Receipt> {
    let stamp = |sequence| Stamp {
        position: Position {
            epoch: Epoch(0xee),
            lane: Lane::Normal,
            sequence,
        },
        digest: *b"8 bytes!",
    };
    let applied = Outcome::Applied(Record {
        model: "mrp.production".into(),
        id: 42,
        name: "WH/MO/00042".into(),
    });
    let tidings = [
        Tidings::Welcome(Box::new(Welcome {
            answers: HelloId {
                session: 0x33,
                number: 5,
            },
            wire: 1,
            schema: 1,
            clock: moment(),
            tides: vec![tide()],
        })),
        Tidings::Stored {
            taken: vec![Taken {
                epoch: Epoch(0xee),
                lane: Lane::Critical,
                first: 7,
                last: mark(8, 0xdd),
                conflicts: vec![8],
                late: vec![7],
            }],
            tides: vec![tide()],
        },
        Tidings::Refused(Refused {
            epoch: Epoch(0xee),
            lane: Lane::Bulk,
            first: 1,
            last: 2,
            transient: true,
            reason: Reason::new("full", "wait"),
        }),
        Tidings::News(News {
            session: 0x33,
            after: 1,
            upto: 4,
            notes: vec![
                Note {
                    stamp: stamp(1),
                    told: Told::Dead(Reason::new("unknown-code", "who?")),
                },
                Note {
                    stamp: stamp(2),
                    told: Told::Reopened,
                },
                Note {
                    stamp: stamp(3),
                    told: Told::Settled(applied),
                },
            ],
        }),
        Tidings::Incompatible(Versions {
            wire: (2, 3),
            schema: (1, 1),
        }),
    ];
    tidings
        .into_iter()
        .map(|tidings| Receipt {
            origin: origin(),
            tidings,
        })
        .collect()
}

/// One line a value, as `golden.txt` keeps them. An old program's bytes must be read for ever: lines are added, never
/// changed.
#[test]
fn the_wire_has_golden_bytes_and_they_are_read_back() {
    let mut lines = Vec::new();
    for control in [hello(), gone(), heard()] {
        let bytes = encode(&control).unwrap();
        assert_eq!(decode::<Control>(&bytes).unwrap(), control);
        lines.push(hex::encode(bytes));
    }
    for receipt in receipts() {
        let bytes = encode(&receipt).unwrap();
        assert_eq!(decode::<Receipt>(&bytes).unwrap(), receipt);
        lines.push(hex::encode(bytes));
    }
    let golden: Vec<&str> = include_str!("golden.txt").lines().collect();
    assert_eq!(lines, golden);
}

#[test]
fn a_control_message_over_the_limit_is_refused_before_it_is_read() {
    let bytes = vec![1; limit::CONTROL_BYTES + 1];
    assert!(matches!(decode::<Control>(&bytes), Err(WireError::Size(_))));
}

fn news_of(count: u64) -> Receipt {
    let mut receipt = receipts().remove(3);
    let Tidings::News(news) = &mut receipt.tidings else {
        unreachable!()
    };
    let last = news.notes.pop().unwrap();
    news.notes = (1..=count)
        .map(|sequence| {
            let mut note = last.clone();
            note.stamp.position.sequence = sequence;
            note.stamp.digest = *Digest::of(&sequence.to_le_bytes()).0.first_chunk().unwrap();
            note
        })
        .collect();
    receipt
}

#[test]
fn the_news_of_a_backlog_is_a_fraction_of_its_length_on_the_wire() {
    let receipt = news_of(1000);
    let bytes = encode(&receipt).unwrap();
    let unpacked = binary::encode(&receipt).unwrap().len();
    assert!(bytes.len() * 4 < unpacked, "{} of {unpacked}", bytes.len());
    assert_eq!(decode::<Receipt>(&bytes).unwrap(), receipt);
}

#[test]
fn packed_bytes_that_are_damaged_or_would_unpack_beyond_the_limit_are_refused() {
    let bytes = encode(&news_of(1000)).unwrap();
    let cut = &bytes[..bytes.len() / 2];
    assert!(matches!(decode::<Receipt>(cut), Err(WireError::Packed)));
    let bomb = pack::pack(&vec![0; limit::CONTROL_BYTES + 1]).unwrap();
    let bomb = [&[PACKED], &bomb[..]].concat();
    assert!(matches!(decode::<Receipt>(&bomb), Err(WireError::Packed)));
}

#[test]
fn the_largest_hello_and_the_largest_welcome_fit_a_control_message() {
    use crate::link::pace;
    let Control::Hello(mut hello) = hello() else {
        unreachable!()
    };
    let lane = hello.epochs[0].lanes[0];
    hello.epochs = vec![
        EpochHead {
            epoch: Epoch(1),
            predecessor: Some(Epoch(2)),
            lanes: vec![lane; 3],
        };
        pace::HELLO_EPOCHS
    ];
    assert!(binary::encode(&Control::Hello(hello)).unwrap().len() < limit::CONTROL_BYTES / 2);

    let mut receipt = receipts().remove(0);
    let Tidings::Welcome(welcome) = &mut receipt.tidings else {
        unreachable!()
    };
    welcome.tides = vec![
        Tide {
            held: vec![(7, 8); pace::RANGES],
            ..tide()
        };
        pace::HELLO_EPOCHS * 3
    ];
    assert!(binary::encode(&receipt).unwrap().len() < limit::CONTROL_BYTES);
}

#[test]
fn versions_meet_at_the_highest_that_both_know() {
    let versions = |wire, schema| Versions { wire, schema };
    let old = versions((1, 2), (1, 1));
    let new = versions((2, 4), (1, 3));
    let newest = versions((3, 4), (1, 3));
    assert_eq!(old.common(&new), Some((2, 1)));
    assert_eq!(old.common(&newest), None);
}
