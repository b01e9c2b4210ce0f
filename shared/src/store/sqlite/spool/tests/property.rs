//! Whatever is done to it, the spool on SQLite answers as the model does.

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::ident::{Lane, Stamp};
use crate::outcome::Outcome;
use crate::store::conformance::sample::*;
use crate::store::memory::MemorySpool;
use crate::store::spool::{Intake, News, Pressure, Retention, Spool, SpoolReader, Verdict};

#[derive(Debug, Clone)]
enum Op {
    Commit(Vec<Piece>),
    Learn(Vec<Told>),
    Cut(Vec<usize>),
    Prune { hours: u64, drop: bool },
    Reopen,
}

#[derive(Debug, Clone)]
struct Piece {
    claim: Option<(u8, u8)>,
    drafts: Vec<(Lane, u8, Option<u8>)>,
}

#[derive(Debug, Clone)]
enum Told {
    Stored(Lane, usize, u64, u64),
    Forgotten(Lane, usize, u64),
    Finished(Lane, usize, u64, u64),
    Gone(Lane, usize, u64),
    Dead(usize),
    Reopened(usize),
    Settled(usize),
    Lost(usize),
}

fn lane() -> impl Strategy<Value = Lane> {
    prop_oneof![
        1 => Just(Lane::Critical),
        3 => Just(Lane::Normal),
        1 => Just(Lane::Bulk)
    ]
}

fn piece() -> impl Strategy<Value = Piece> {
    let claim = prop::option::weighted(0.3, (0..4u8, 0..2u8));
    let draft = (lane(), 0..4u8, prop::option::of(0..3u8));
    (claim, prop::collection::vec(draft, 0..4)).prop_map(|(claim, drafts)| Piece { claim, drafts })
}

fn told() -> impl Strategy<Value = Told> {
    let (any, which) = (0..40usize, 0..3usize);
    prop_oneof![
        3 => (lane(), which.clone(), 0..20u64, 0..8u64).prop_map(|(lane, e, from, n)| Told::Stored(lane, e, from, from + n)),
        1 => (lane(), which.clone(), 0..20u64).prop_map(|(lane, e, floor)| Told::Forgotten(lane, e, floor)),
        1 => (lane(), which.clone(), 0..20u64, 0..8u64).prop_map(|(lane, e, from, n)| Told::Finished(lane, e, from, from + n)),
        1 => (lane(), which, 0..20u64).prop_map(|(lane, e, upto)| Told::Gone(lane, e, upto)),
        3 => any.clone().prop_map(Told::Dead),
        1 => any.clone().prop_map(Told::Reopened),
        8 => any.clone().prop_map(Told::Settled),
        1 => any.prop_map(Told::Lost),
    ]
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        8 => prop::collection::vec(piece(), 1..5).prop_map(Op::Commit),
        6 => prop::collection::vec(told(), 1..8).prop_map(Op::Learn),
        1 => prop::collection::vec(0..40usize, 0..6).prop_map(Op::Cut),
        2 => (0..30u64, prop::bool::weighted(0.3)).prop_map(|(hours, drop)| Op::Prune { hours, drop }),
        2 => Just(Op::Reopen),
    ]
}

struct Pair {
    home: Home,
    real: Option<SqliteSpool>,
    model: MemorySpool,
    stamps: Vec<Stamp>,
    epochs: Vec<Epoch>,
    now_ms: u64,
}

impl Pair {
    fn new() -> Self {
        let home = Home::new();
        Self {
            real: Some(home.spool()),
            home,
            model: MemorySpool::new(agent(), FIRST),
            stamps: Vec::new(),
            epochs: vec![FIRST],
            now_ms: 0,
        }
    }

    fn real(&mut self) -> &mut SqliteSpool {
        self.real.as_mut().unwrap()
    }

    fn run(&mut self, op: &Op) {
        self.now_ms += 1;
        let now = at(self.now_ms);
        match op {
            Op::Commit(pieces) => {
                let batch: Vec<Intake> = pieces.iter().map(make).collect();
                let verdicts = self.real().commit(&batch, now).unwrap();
                assert_eq!(verdicts, self.model.commit(&batch, now).unwrap());
                for verdict in verdicts {
                    if let Verdict::Kept(ids) = verdict {
                        self.stamps.extend(ids.iter().map(stamp));
                    }
                }
            }
            Op::Learn(told) => {
                let news: Vec<News> = told.iter().filter_map(|told| self.news(told)).collect();
                self.real().learn(&news, now).unwrap();
                self.model.learn(&news, now).unwrap();
            }
            Op::Cut(which) => {
                let new = Epoch(0x1000 + self.epochs.len() as u64);
                let moved: Vec<Stamp> = which.iter().filter_map(|index| self.pick(*index)).collect();
                self.real().cut(new, &moved, now).unwrap();
                self.model.cut(new, &moved, now).unwrap();
                self.epochs.push(new);
                // What was moved has a new name.
                for lane in Lane::ALL {
                    let rows = rows(self.real(), new, lane);
                    self.stamps.extend(rows.iter().map(crate::envelope::Row::stamp));
                }
            }
            Op::Prune { hours, drop } => self.prune(*hours, *drop),
            Op::Reopen => {
                // Running time that was not noted yet is forgotten with the process: noted first, so that both agree.
                let real = self.real.take().unwrap();
                real.close().unwrap();
                let (real, opening) = self.home.open(THIRD);
                assert_eq!(opening, Opening::Continued);
                self.real = Some(real);
                self.real().learn(&[], now).unwrap();
                self.model.learn(&[], now).unwrap();
            }
        }
    }

    fn prune(&mut self, hours: u64, drop: bool) {
        self.now_ms += 3_600_000;
        let now = at(self.now_ms);
        let keep = Duration::from_secs(hours * 3600);
        let keep = Retention {
            settled: keep,
            claims: keep,
            scans: keep,
            pressure: if drop {
                Pressure::DropStored
            } else {
                Pressure::Refuse
            },
        };
        if drop {
            self.real().use_quota(0);
        }
        self.model.set_pressed(drop);
        let real = self.real().prune(&keep, now).unwrap();
        self.real().use_quota(64 * MIB);
        assert_eq!(real, self.model.prune(&keep, now).unwrap());
    }

    fn pick(&self, index: usize) -> Option<Stamp> {
        // The latest are the likeliest to be open.
        let back = self.stamps.len().checked_sub(1 + index)?;
        self.stamps.get(back).copied()
    }

    fn epoch(&self, index: usize) -> Epoch {
        self.epochs[self.epochs.len().saturating_sub(1 + index)]
    }

    fn news(&self, told: &Told) -> Option<News> {
        Some(match told {
            Told::Stored(lane, epoch, from, to) => stored(self.epoch(*epoch), *lane, *from, *to),
            Told::Forgotten(lane, epoch, floor) => News::Forgotten {
                epoch: self.epoch(*epoch),
                lane: *lane,
                floor: *floor,
            },
            Told::Finished(lane, epoch, from, to) => News::Finished {
                epoch: self.epoch(*epoch),
                lane: *lane,
                from: *from,
                to: *to,
            },
            Told::Gone(lane, epoch, upto) => News::Gone {
                epoch: self.epoch(*epoch),
                lane: *lane,
                upto: *upto,
            },
            Told::Dead(index) => dead(self.pick(*index)?),
            Told::Reopened(index) => News::Reopened {
                stamp: self.pick(*index)?,
            },
            Told::Settled(index) => settled(self.pick(*index)?),
            Told::Lost(index) => News::Settled {
                stamp: self.pick(*index)?,
                outcome: Outcome::Lost,
            },
        })
    }

    /// Everything that can be asked has the same answer.
    fn compare(&mut self) {
        let (real, model) = (self.real.as_ref().unwrap(), &self.model);
        assert_eq!(real.heads().unwrap(), model.heads().unwrap());
        for lane in Lane::ALL {
            assert_eq!(real.tally(lane).unwrap(), model.tally(lane).unwrap(), "{lane}");
            for epoch in &self.epochs {
                compare_lane(real, model, *epoch, lane);
            }
        }
        for stamp in &self.stamps {
            let position = stamp.position;
            assert_eq!(
                real.fate(position).unwrap(),
                model.fate(position).unwrap(),
                "{position}"
            );
        }
        for id in 0..4 {
            let id = id.to_string();
            assert_eq!(
                real.claimed("mes", &id).unwrap(),
                model.claimed("mes", &id).unwrap()
            );
        }
        let reader = self.home.reader();
        assert_eq!(reader.verify().unwrap().count(), 0);
    }
}

fn compare_lane(real: &SqliteSpool, model: &MemorySpool, epoch: Epoch, lane: Lane) {
    let what = format!("{epoch} {lane}");
    assert_eq!(rows(real, epoch, lane), rows(model, epoch, lane), "{what}");
    for (from, to) in [(1, u64::MAX), (3, 7), (5, 5)] {
        let gaps = |spool: &dyn SpoolReader| spool.gaps(epoch, lane, from, to, 50).unwrap();
        assert_eq!(gaps(real), gaps(model), "{what} {from}..={to}");
    }
    for sequence in 0..40 {
        let running = |spool: &dyn SpoolReader| spool.running(epoch, lane, sequence).unwrap();
        assert_eq!(running(real), running(model), "{what} {sequence}");
    }
}

fn make(piece: &Piece) -> Intake {
    let drafts = piece.drafts.iter().map(|(lane, order, lot)| {
        let order = format!("O{order}");
        let draft = match lot {
            Some(lot) => confirm_lot(&order, &format!("L{lot}")),
            None => confirm(&order),
        };
        by_lane(*lane, draft)
    });
    let drafts = drafts.collect();
    match piece.claim {
        Some((id, content)) => claimed(&id.to_string(), &content.to_string(), drafts),
        None => intake(drafts),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, max_shrink_iters: 4000, ..ProptestConfig::default() })]

    #[test]
    fn the_spool_on_sqlite_answers_as_the_model_does(ops in prop::collection::vec(op(), 1..40)) {
        let mut pair = Pair::new();
        for op in &ops {
            pair.run(op);
        }
        pair.compare();
    }
}
