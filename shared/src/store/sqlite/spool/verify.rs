//! Checking every row of the spool: checksums, digests, the chain of running digests, byte counts, missing positions.
//!
//! Reads a stretch at a time, so it can run beside the writer for as long as it takes, and changes nothing.

use super::SqliteSpoolReader;
use super::epochs::{self, Age};
use super::log::{Gone, Kept, Log};
use crate::ident::{Digest, Lane, Position};
use crate::store::StoreError;

/// Rows that are checked in one stretch.
const STRETCH: u64 = 1000;

/// Something that is not as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Where.
    pub position: Position,
    /// What.
    pub fault: Fault,
}

/// What can be wrong with a row.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// It cannot be read, or its checksum is wrong.
    #[error("the row is damaged: {0}")]
    Damaged(String),
    /// There should be a row and there is none.
    #[error("the row is missing")]
    Missing,
    /// The content is not the one that its digest was taken of.
    #[error("the content does not have the row's digest")]
    Digest,
    /// The running digest does not go on from the row before.
    #[error(
        "the running digest does not go on from the row before: the rows are not the ones that were written"
    )]
    Chain,
    /// The count of bytes does not go on from the row before.
    #[error("the count of bytes does not go on from the row before")]
    Total,
}

/// A check under way: an iterator of findings.
#[derive(Debug)]
pub struct Verification<'r> {
    reader: &'r SqliteSpoolReader,
    lanes: Vec<(Age, Lane)>,
    expected: Option<Expected>,
    next: u64,
    checked: u64,
    total: u64,
    found: std::collections::VecDeque<Finding>,
}

/// What the next row must say, as far as the row before it tells.
#[derive(Debug, Clone, Copy)]
struct Expected {
    running: Digest,
    total: u64,
}

impl SqliteSpoolReader {
    /// Begins a check of everything that is kept now.
    pub fn verify(&self) -> Result<Verification<'_>, StoreError> {
        let (mut lanes, total) = self.view(|connection| {
            let (mut lanes, mut total) = (Vec::new(), 0);
            for age in epochs::all(connection)? {
                for lane in Lane::ALL {
                    let log = Log::of(connection, lane, age);
                    total += rows_of(&log)?;
                    lanes.push((age, lane));
                }
            }
            Ok((lanes, total))
        })?;
        lanes.reverse();
        Ok(Verification {
            reader: self,
            lanes,
            expected: None,
            next: 0,
            checked: 0,
            total,
            found: Default::default(),
        })
    }
}

fn rows_of(log: &Log<'_>) -> Result<u64, StoreError> {
    let next = log.next()?;
    Ok(next - log.first()?.unwrap_or(next))
}

impl Verification<'_> {
    /// Rows checked so far, and how many there were at the beginning.
    pub fn progress(&self) -> (u64, u64) {
        (self.checked, self.total.max(self.checked))
    }

    /// Checks a stretch of rows; false when there is none left.
    fn stretch(&mut self) -> Result<bool, StoreError> {
        let Some((age, lane)) = self.lanes.last().copied() else {
            return Ok(false);
        };
        let reader = self.reader;
        reader.view(|connection| {
            let log = Log::of(connection, lane, age);
            let next = log.next()?;
            let first = log.first()?.unwrap_or(next);
            if first > self.next {
                // The beginning of a lane, or what was pruned meanwhile: nothing is known of the row before.
                self.next = first;
                self.expected = None;
            }
            let end = next.min(self.next + STRETCH);
            while self.next < end {
                self.check(&log, self.next)?;
                self.next += 1;
                self.checked += 1;
            }
            if end == next {
                self.lanes.pop();
                (self.next, self.expected) = (0, None);
            }
            Ok(true)
        })
    }

    fn check(&mut self, log: &Log<'_>, sequence: u64) -> Result<(), StoreError> {
        let row = match log.get(sequence) {
            Ok(Some(row)) => row,
            Ok(None) => return self.report(log, sequence, Fault::Missing),
            Err(StoreError::DamagedRow { text, .. }) => {
                return self.report(log, sequence, Fault::Damaged(text));
            }
            Err(error) => return Err(error),
        };
        let fault = fault(&row, self.expected, log);
        let tip = row.tip();
        self.expected = Some(Expected {
            running: tip.running,
            total: tip.total,
        });
        match fault {
            Some(fault) => {
                let position = log.position(sequence);
                self.found.push_back(Finding { position, fault });
                Ok(())
            }
            None => Ok(()),
        }
    }

    fn report(&mut self, log: &Log<'_>, sequence: u64, fault: Fault) -> Result<(), StoreError> {
        self.expected = None;
        let position = log.position(sequence);
        self.found.push_back(Finding { position, fault });
        Ok(())
    }
}

fn fault(row: &Kept, expected: Option<Expected>, log: &Log<'_>) -> Option<Fault> {
    let first = Expected {
        running: Digest::origin(log.age.epoch, log.lane),
        total: 0,
    };
    let expected = expected.or((row.sequence == 1).then_some(first));
    if row.gone == Gone::Not && Digest::of(&row.bytes) != row.digest {
        return Some(Fault::Digest);
    }
    let expected = expected?;
    if expected.running != row.before {
        Some(Fault::Chain)
    } else if expected.total != row.total {
        Some(Fault::Total)
    } else {
        None
    }
}

impl Iterator for Verification<'_> {
    type Item = Result<Finding, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(finding) = self.found.pop_front() {
                return Some(Ok(finding));
            }
            match self.stretch() {
                Ok(true) => {}
                Ok(false) => return None,
                Err(error) => {
                    self.lanes.clear();
                    return Some(Err(error));
                }
            }
        }
    }
}
