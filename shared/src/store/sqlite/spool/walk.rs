//! Walking over all lanes at once, in order of capture, forwards and backwards, epoch by epoch.

use rusqlite::Connection;

use super::epochs::Age;
use super::log::{Kept, Log};
use super::place::Life;
use crate::ident::Lane;
use crate::store::StoreError;

/// In which direction a list goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// As captured.
    OldestFirst,
    /// The latest first.
    NewestFirst,
}

/// Where a list goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    pub(super) order: Order,
    pub(super) life: Life,
    /// The next sequence to look at in each lane of that life.
    pub(super) at: [u64; 3],
}

/// A row, or what is wrong with it.
pub(super) type Found = Result<Kept, String>;

/// A walk over all lanes at once, in order of capture.
pub(super) struct Walk<'c> {
    connection: &'c Connection,
    ages: &'c [Age],
    pub cursor: Cursor,
    /// The next row of each lane, where it was read already.
    ahead: [Option<(u64, Found)>; 3],
    /// The last ordinal seen in each lane: a damaged row is taken to stand behind it.
    ordinals: [u64; 3],
}

impl<'c> Walk<'c> {
    pub fn new(connection: &'c Connection, ages: &'c [Age], cursor: Cursor) -> Result<Self, StoreError> {
        Ok(Self {
            connection,
            ages,
            cursor,
            ahead: [None, None, None],
            ordinals: [0; 3],
        })
    }

    /// The next row, of this lane or of any.
    pub fn step(&mut self, only: Option<Lane>) -> Result<Option<(Log<'c>, u64, Found)>, StoreError> {
        loop {
            if let Some(index) = self.ages.iter().position(|age| age.life >= self.cursor.life) {
                let age = self.ages[index];
                if age.life != self.cursor.life {
                    self.cursor = start(self.connection, self.cursor.order, age)?;
                }
                if let Some(found) = self.step_in(age, only)? {
                    return Ok(Some(found));
                }
                if let Some(next) = self.neighbour(index) {
                    self.cursor = start(self.connection, self.cursor.order, next)?;
                    self.ordinals = [0; 3];
                    continue;
                }
            }
            return Ok(None);
        }
    }

    fn neighbour(&self, index: usize) -> Option<Age> {
        match self.cursor.order {
            Order::OldestFirst => self.ages.get(index + 1).copied(),
            Order::NewestFirst => index.checked_sub(1).map(|index| self.ages[index]),
        }
    }

    fn step_in(&mut self, age: Age, only: Option<Lane>) -> Result<Option<(Log<'c>, u64, Found)>, StoreError> {
        let lanes = Lane::ALL
            .into_iter()
            .filter(|lane| only.is_none_or(|only| only == *lane));
        for lane in lanes {
            if self.ahead[lane as usize].is_none() {
                self.ahead[lane as usize] = self.look(Log::of(self.connection, lane, age))?;
            }
        }
        let ordinal = |lane: Lane| match &self.ahead[lane as usize] {
            Some((_, Ok(kept))) => Some(kept.ordinal),
            Some((_, Err(_))) => Some(self.ordinals[lane as usize]),
            None => None,
        };
        let there = Lane::ALL
            .into_iter()
            .filter_map(|lane| Some((ordinal(lane)?, lane)));
        let next = match self.cursor.order {
            Order::OldestFirst => there.min(),
            Order::NewestFirst => there.max(),
        };
        let Some((ordinal, lane)) = next else {
            return Ok(None);
        };
        let Some((sequence, found)) = self.ahead[lane as usize].take() else {
            return Ok(None);
        };
        self.ordinals[lane as usize] = ordinal;
        self.cursor.at[lane as usize] = match self.cursor.order {
            Order::OldestFirst => sequence + 1,
            Order::NewestFirst => sequence - 1,
        };
        Ok(Some((Log::of(self.connection, lane, age), sequence, found)))
    }

    fn look(&self, log: Log<'c>) -> Result<Option<(u64, Found)>, StoreError> {
        let next = log.next()?;
        let first = log.first()?.unwrap_or(next);
        let at = self.cursor.at[log.lane as usize];
        let at = match self.cursor.order {
            Order::OldestFirst => at.max(first),
            Order::NewestFirst => at,
        };
        if at < first || at >= next {
            return Ok(None);
        }
        let missing = || Err("it is missing".to_owned());
        Ok(Some((at, read_row(&log, at)?.unwrap_or_else(missing))))
    }
}

/// Where a list of an epoch begins.
pub(super) fn start(connection: &Connection, order: Order, age: Age) -> Result<Cursor, StoreError> {
    let mut at = [1; 3];
    if order == Order::NewestFirst {
        for lane in Lane::ALL {
            at[lane as usize] = Log::of(connection, lane, age).next()? - 1;
        }
    }
    Ok(Cursor {
        order,
        life: age.life,
        at,
    })
}

/// A row, if there is one.
pub(super) fn read_row(log: &Log<'_>, sequence: u64) -> Result<Option<Found>, StoreError> {
    match log.get(sequence) {
        Ok(row) => Ok(row.map(Ok)),
        Err(StoreError::DamagedRow { text, .. }) => Ok(Some(Err(text))),
        Err(error) => Err(error),
    }
}
