//! How fast a lane fills and empties, and how long it will take, from readings of its counts. Pure.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

/// Rates are taken over at most this long: a target may answer fifty messages at once, every few seconds, and a rate over
/// less would show now nothing and now a multiple.
const WINDOW_MS: u64 = 30_000;

/// What settled nothing for so long stood still, and was not only between two answers.
const STOOD_MS: u64 = 10_000;

/// Most readings that are remembered.
const MARKS: usize = 64;

/// A lane's counts at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// Monotonic milliseconds.
    pub at_ms: u64,
    /// Messages ever accepted.
    pub accepted: u64,
    /// Messages ever settled.
    pub settled: u64,
}

/// Messages a second.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Rates {
    /// Accepted.
    pub in_per_second: f64,
    /// Settled.
    pub out_per_second: f64,
}

/// When nothing will be left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drain {
    /// Nothing is left now.
    Empty,
    /// In so many seconds, if it goes on like this.
    Seconds(u64),
    /// Never, if it goes on like this: nothing goes out.
    Standing,
    /// Never, if it goes on like this: at least as much comes in as goes out.
    Growing,
}

impl Drain {
    /// One word for machines.
    pub fn word(self) -> &'static str {
        match self {
            Drain::Empty => "empty",
            Drain::Seconds(_) => "draining",
            Drain::Standing => "standing",
            Drain::Growing => "growing",
        }
    }

    /// The seconds, where it ends.
    pub fn seconds(self) -> Option<u64> {
        match self {
            Drain::Empty => Some(0),
            Drain::Seconds(seconds) => Some(seconds),
            Drain::Standing | Drain::Growing => None,
        }
    }
}

/// The latest readings of a lane.
#[derive(Debug, Clone, Default)]
pub struct Window {
    marks: VecDeque<Mark>,
}

impl Window {
    /// One more reading.
    pub fn add(&mut self, mark: Mark) {
        let last = self.marks.back().copied();
        let backwards = |last: Mark| mark.accepted < last.accepted || mark.settled < last.settled;
        if last.is_some_and(backwards) {
            // An epoch that was settled was forgotten, and its counts with it.
            self.marks.clear();
        } else if self.begins_to_flow(mark) {
            // What stood before says nothing of how fast it flows now.
            self.marks.drain(..self.marks.len() - 1);
        }
        self.marks.push_back(mark);
        let old = |mark_: &Mark| mark.at_ms.saturating_sub(mark_.at_ms) > WINDOW_MS;
        while self.marks.len() > MARKS || (self.marks.len() > 2 && self.marks.front().is_some_and(old)) {
            self.marks.pop_front();
        }
    }

    fn begins_to_flow(&self, mark: Mark) -> bool {
        let Some(last) = self.marks.back().filter(|last| mark.settled > last.settled) else {
            return false;
        };
        let standing = self.marks.iter().rev();
        let since = standing
            .take_while(|before| before.settled == last.settled)
            .last();
        since.is_some_and(|since| last.at_ms.saturating_sub(since.at_ms) >= STOOD_MS)
    }

    /// The rates over the window; none before there are two readings.
    pub fn rates(&self) -> Option<Rates> {
        let (first, last) = (self.marks.front()?, self.marks.back()?);
        let seconds = last.at_ms.saturating_sub(first.at_ms) as f64 / 1000.0;
        let rate = |from: u64, to: u64| (to - from) as f64 / seconds;
        (seconds > 0.0).then(|| Rates {
            in_per_second: rate(first.accepted, last.accepted),
            out_per_second: rate(first.settled, last.settled),
        })
    }
}

/// When `left` messages will be gone at these rates.
pub fn drain(left: u64, rates: Rates) -> Drain {
    let net = rates.out_per_second - rates.in_per_second;
    match left {
        0 => Drain::Empty,
        _ if rates.out_per_second <= 0.0 => Drain::Standing,
        _ if net <= 0.0 => Drain::Growing,
        _ => Drain::Seconds((left as f64 / net).ceil() as u64),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(at_ms: u64, accepted: u64, settled: u64) -> Mark {
        Mark {
            at_ms,
            accepted,
            settled,
        }
    }

    fn window(marks: &[Mark]) -> Window {
        let mut window = Window::default();
        marks.iter().for_each(|mark| window.add(*mark));
        window
    }

    #[test]
    fn one_reading_tells_no_rate_and_two_do() {
        assert_eq!(window(&[mark(0, 5, 0)]).rates(), None);
        let rates = window(&[mark(0, 5, 0), mark(2000, 25, 10)]).rates().unwrap();
        assert_eq!((rates.in_per_second, rates.out_per_second), (10.0, 5.0));
    }

    #[test]
    fn a_lane_that_begins_to_drain_shows_its_speed_at_once_and_not_that_of_the_hours_before() {
        let stood: Vec<Mark> = (0..20).map(|second| mark(second * 1000, 1000, 0)).collect();
        let mut window = window(&stood);
        window.add(mark(20_000, 1000, 100));
        let rates = window.rates().unwrap();
        assert_eq!(rates.out_per_second, 100.0);
        assert_eq!(drain(900, rates), Drain::Seconds(9));
    }

    #[test]
    fn a_target_that_answers_fifty_at_once_every_three_seconds_is_as_fast_as_that_at_every_reading() {
        let mut window = Window::default();
        for second in 0..100 {
            window.add(mark(second * 1000, 5000, second / 3 * 50));
            let rates = window.rates().filter(|_| second >= 30);
            if let Some(rates) = rates {
                assert!(
                    (15.0..18.4).contains(&rates.out_per_second),
                    "{second}: {rates:?}"
                );
            }
        }
    }

    #[test]
    fn a_rate_is_that_of_the_last_seconds() {
        let marks: Vec<Mark> = (0..=100)
            .map(|second| mark(second * 1000, second * second, 0))
            .collect();
        let rates = window(&marks).rates().unwrap();
        assert!((165.0..175.0).contains(&rates.in_per_second), "{rates:?}");
    }

    #[test]
    fn counts_that_go_back_because_an_epoch_was_forgotten_give_no_rate_until_the_next_reading() {
        let mut window = window(&[mark(0, 100, 100), mark(1000, 110, 110), mark(2000, 5, 0)]);
        assert_eq!(window.rates(), None);
        window.add(mark(3000, 6, 0));
        assert_eq!(window.rates().unwrap().in_per_second, 1.0);
    }

    #[test]
    fn what_never_drains_is_told_apart_by_its_reason() {
        let rates = |in_per_second, out_per_second| Rates {
            in_per_second,
            out_per_second,
        };
        assert_eq!(drain(0, rates(5.0, 0.0)), Drain::Empty);
        assert_eq!(drain(7, rates(0.0, 0.0)), Drain::Standing);
        assert_eq!(drain(7, rates(5.0, 5.0)), Drain::Growing);
        assert_eq!(drain(7, rates(1.0, 3.0)), Drain::Seconds(4));
    }
}
