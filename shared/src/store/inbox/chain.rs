//! The running digest of a lane, from position to position, over rows and over declared ranges.
//!
//! A row carries its own digest. A declared range has none: whoever declared it said what the running digest is before it
//! and up to its end. The end is taken over only where the beginning is what is here. Anywhere else both are mixed: no
//! log agrees with a floor behind it, so no sender takes for stored what another one's row stands in the place of. An end
//! that is passed already is no log's digest where the lane is now, so it agrees with none either.

use crate::ident::Digest;

use super::Floor;

/// What was said of a declared range: of all of it, though only a part of it may have been absent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Declared {
    /// The running digest before it; none where it is unknown, or where what is here reaches into the range.
    pub before: Option<Digest>,
    /// The last sequence of it.
    pub end: u64,
    /// The running digest up to and including the end.
    pub running: Digest,
}

/// Moves over a lane. It never looks at content.
#[derive(Debug, Clone)]
pub struct Chain {
    at: u64,
    floor: Floor,
    running: Option<Digest>,
    /// The end that is waited for, and whether it may be taken over as it was said.
    bridge: Option<(u64, Digest)>,
    trusted: bool,
    diverged: Option<u64>,
}

impl Chain {
    /// Starts behind a floor.
    pub fn new(from: Floor) -> Self {
        Self {
            at: from.sequence,
            floor: from,
            running: Some(from.running),
            bridge: None,
            trusted: true,
            diverged: None,
        }
    }

    /// The next position holds content with this digest.
    pub fn row(&mut self, digest: Digest) {
        self.running = self.running.map(|running| running.then(digest));
        self.arrive(self.at + 1);
    }

    /// The positions up to this one hold no content. What was said of them is given where a declaration begins.
    pub fn over(&mut self, last: u64, declared: Option<&Declared>) {
        if let Some(declared) = declared {
            let begins = (self.running, declared.before);
            self.trusted = match begins {
                (Some(here), Some(said)) => here == said,
                // A further part of what is being crossed.
                (None, None) => self.trusted,
                _ => false,
            };
            if matches!(begins, (Some(here), Some(said)) if here != said) {
                self.diverged = self.diverged.or(Some(self.at + 1));
            }
            self.bridge = Some((declared.end, declared.running));
        }
        self.running = None;
        self.arrive(last);
    }

    /// A sender said that the running digest up to here is this.
    pub fn compare(&mut self, said: Digest) {
        if self.running.is_some_and(|running| running != said) {
            self.diverged = self.diverged.or(Some(self.at + 1));
        }
    }

    /// The last position that was passed.
    pub fn at(&self) -> u64 {
        self.at
    }

    /// The last position whose running digest is known.
    pub fn floor(&self) -> Floor {
        self.floor
    }

    /// The first sequence behind which a sender's log is not what is here.
    pub fn diverged(&self) -> Option<u64> {
        self.diverged
    }

    fn arrive(&mut self, at: u64) {
        self.at = at;
        if let Some((_, said)) = self.bridge.take_if(|(end, _)| *end <= at)
            && self.running.is_none()
        {
            let mixed = self.floor.running.then(said);
            self.running = Some(if self.trusted { said } else { mixed });
        }
        if let Some(running) = self.running {
            self.floor = Floor {
                sequence: at,
                running,
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(text: &str) -> Digest {
        Digest::of(text.as_bytes())
    }

    fn start() -> Floor {
        Floor {
            sequence: 0,
            running: digest("origin"),
        }
    }

    /// A log of one-letter rows: its running digest after each.
    fn log(rows: &str) -> Vec<Digest> {
        let mut running = vec![start().running];
        for row in rows.chars() {
            running.push(running[running.len() - 1].then(digest(&row.to_string())));
        }
        running
    }

    fn declared(log: &[Digest], from: usize, to: usize) -> Declared {
        Declared {
            before: Some(log[from - 1]),
            end: to as u64,
            running: log[to],
        }
    }

    #[test]
    fn a_gap_of_the_same_log_is_crossed() {
        let log = log("abcd");
        let mut chain = Chain::new(start());
        chain.row(digest("a"));
        chain.over(3, Some(&declared(&log, 2, 3)));
        chain.row(digest("d"));
        assert_eq!((chain.floor().sequence, chain.floor().running), (4, log[4]));
        assert_eq!(chain.diverged(), None);
    }

    #[test]
    fn behind_a_gap_of_another_log_no_floor_agrees_with_either() {
        let (ours, theirs) = (log("abcd"), log("axcd"));
        let mut chain = Chain::new(start());
        chain.row(digest("a"));
        chain.row(digest("b"));
        chain.over(3, Some(&declared(&theirs, 3, 3)));
        assert_eq!(chain.diverged(), Some(3));
        chain.row(digest("d"));
        assert_eq!(chain.floor().sequence, 4);
        assert!(chain.floor().running != ours[4] && chain.floor().running != theirs[4]);
    }

    #[test]
    fn rows_in_the_middle_of_a_gap_are_of_the_log_that_declared_it_or_of_none() {
        let log = log("abcde");
        let mut chain = Chain::new(start());
        chain.over(2, Some(&declared(&log, 1, 4)));
        chain.row(digest("c"));
        assert_eq!(chain.floor().sequence, 0, "the digest is not known in the middle");
        let rest = Declared {
            before: None,
            ..declared(&log, 1, 4)
        };
        chain.over(4, Some(&rest));
        chain.row(digest("e"));
        assert_eq!((chain.floor().sequence, chain.floor().running), (5, log[5]));
    }

    #[test]
    fn what_overlaps_a_gap_that_another_declared_is_never_taken_for_either_log() {
        let (ours, theirs) = (log("abcde"), log("xyzde"));
        let mut chain = Chain::new(start());
        chain.over(2, Some(&declared(&ours, 1, 4)));
        chain.over(3, Some(&declared(&theirs, 3, 3)));
        let rest = Declared {
            before: None,
            ..declared(&ours, 1, 4)
        };
        chain.over(4, Some(&rest));
        assert_eq!(chain.floor().sequence, 4);
        assert!(chain.floor().running != ours[4] && chain.floor().running != theirs[4]);
    }

    #[test]
    fn a_gap_whose_beginning_is_unknown_is_not_believed() {
        let log = log("abc");
        let mut chain = Chain::new(start());
        chain.row(digest("a"));
        let gap = Declared {
            before: None,
            ..declared(&log, 2, 2)
        };
        chain.over(2, Some(&gap));
        assert_eq!(chain.floor().sequence, 2);
        assert_ne!(chain.floor().running, log[2]);
    }

    #[test]
    fn a_claim_that_differs_is_noticed_and_changes_nothing() {
        let log = log("ab");
        let mut chain = Chain::new(start());
        chain.row(digest("a"));
        chain.compare(digest("something else"));
        chain.row(digest("b"));
        assert_eq!((chain.diverged(), chain.floor().running), (Some(2), log[2]));
    }
}
