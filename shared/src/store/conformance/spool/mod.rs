//! The suite of the spool's contract.

mod cut;
mod intake;
mod news;
mod prune;
pub mod sample;

use std::path::PathBuf;

use tempfile::TempDir;

use crate::ident::{Epoch, Lane};
use crate::store::memory::MemorySpool;
use crate::store::spool::{Head, Spool, SpoolReader};
use crate::store::sqlite::spool::{Opening, Options, SqliteSpool};

/// Something that keeps the contract.
trait Subject {
    type Spool: Spool;

    /// An empty spool whose first epoch is [`sample::FIRST`].
    fn new() -> Self;

    fn spool(&mut self) -> &mut Self::Spool;

    /// As after a crash, or a stop and start, of the process.
    fn reopen(&mut self);

    /// Makes the quota so tight that pruning drops what it may.
    fn press(&mut self);

    /// Uses the quota up.
    fn fill(&mut self);
}

struct Memory(MemorySpool);

impl Subject for Memory {
    type Spool = MemorySpool;

    fn new() -> Self {
        Self(MemorySpool::new(sample::agent(), sample::FIRST))
    }

    fn spool(&mut self) -> &mut MemorySpool {
        &mut self.0
    }

    fn reopen(&mut self) {}

    fn press(&mut self) {
        self.0.set_pressed(true);
    }

    fn fill(&mut self) {
        self.0.set_full(Some("the model was told to be full"));
    }
}

struct Sqlite {
    spool: Option<SqliteSpool>,
    path: PathBuf,
    _folder: TempDir,
}

impl Sqlite {
    const QUOTA_BYTES: u64 = 64 * 1024 * 1024;

    fn open(&mut self, quota_bytes: u64) -> Opening {
        self.spool = None;
        let options = Options {
            agent: sample::agent(),
            quota_bytes,
            reserve_bytes: quota_bytes / 16,
            epoch: sample::FIRST,
            new_epoch: false,
        };
        let (spool, opening) = SqliteSpool::open(&self.path, options).unwrap();
        self.spool = Some(spool);
        opening
    }
}

impl Subject for Sqlite {
    type Spool = SqliteSpool;

    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut subject = Self {
            spool: None,
            path: folder.path().join("spool.db"),
            _folder: folder,
        };
        assert_eq!(subject.open(Self::QUOTA_BYTES), Opening::New);
        subject
    }

    fn spool(&mut self) -> &mut SqliteSpool {
        self.spool.as_mut().unwrap()
    }

    fn reopen(&mut self) {
        assert_eq!(self.open(Self::QUOTA_BYTES), Opening::Continued);
    }

    fn press(&mut self) {
        self.spool().use_quota(0);
    }

    fn fill(&mut self) {
        self.spool().use_quota(0);
    }
}

fn head(spool: &impl SpoolReader, epoch: Epoch, lane: Lane) -> Head {
    let heads = spool.heads().unwrap();
    heads
        .into_iter()
        .find(|head| (head.epoch, head.lane) == (epoch, lane))
        .unwrap()
}

/// Runs each function on every subject.
macro_rules! on_both {
    ($($name:ident),* $(,)?) => {
        mod sqlite {
            $(#[test] fn $name() { super::$name::<super::super::Sqlite>(); })*
        }
        mod memory {
            $(#[test] fn $name() { super::$name::<super::super::Memory>(); })*
        }
    };
}
use on_both;
