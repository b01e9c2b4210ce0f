//! A set of sequences as disjoint, rising ranges. Small: its users bound the number of ranges, so a list will do.

/// Disjoint, non-adjacent ranges, first and last each.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ranges(Vec<(u64, u64)>);

impl Ranges {
    /// Adds a range.
    pub fn insert(&mut self, first: u64, last: u64) {
        let (mut first, mut last) = (first, last);
        self.0.retain(|&(a, b)| {
            let apart = b.saturating_add(1) < first || last.saturating_add(1) < a;
            if !apart {
                first = first.min(a);
                last = last.max(b);
            }
            apart
        });
        let at = self.0.partition_point(|&(a, _)| a < first);
        self.0.insert(at, (first, last));
    }

    /// Takes a range away.
    pub fn remove(&mut self, first: u64, last: u64) {
        let mut kept = Vec::with_capacity(self.0.len() + 1);
        for &(a, b) in &self.0 {
            if b < first || last < a {
                kept.push((a, b));
                continue;
            }
            if a < first {
                kept.push((a, first - 1));
            }
            if b > last {
                kept.push((last + 1, b));
            }
        }
        self.0 = kept;
    }

    /// Takes everything away.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// What of it lies up to here and in none of these others.
    pub fn without(&self, others: [&Ranges; 2], upto: u64) -> Vec<(u64, u64)> {
        let mut left = self.clone();
        for (first, last) in others.into_iter().flat_map(|other| &other.0) {
            left.remove(*first, *last);
        }
        left.remove(upto.saturating_add(1), u64::MAX);
        left.0
    }

    /// The last sequence of the range that this one is in; none where it is in none.
    pub fn end_of(&self, sequence: u64) -> Option<u64> {
        let at = self.0.partition_point(|&(_, b)| b < sequence);
        self.0
            .get(at)
            .filter(|range| range.0 <= sequence)
            .map(|range| range.1)
    }

    /// Where the first range begins that lies behind this sequence, which is in none.
    pub fn next_start(&self, sequence: u64) -> Option<u64> {
        let at = self.0.partition_point(|&(a, _)| a <= sequence);
        self.0.get(at).map(|range| range.0)
    }

    /// The highest sequence; 0 for none.
    pub fn top(&self) -> u64 {
        self.0.last().map_or(0, |range| range.1)
    }

    /// How many sequences.
    pub fn total(&self) -> u64 {
        self.0.iter().map(|(a, b)| b - a + 1).sum()
    }

    /// How many ranges.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn ranges_are_a_set_of_numbers(steps in proptest::collection::vec((any::<bool>(), 1u64..40, 0u64..6), 0..60)) {
            let (mut ranges, mut model) = (Ranges::default(), BTreeSet::new());
            for (add, first, more) in steps {
                let last = first + more;
                if add {
                    ranges.insert(first, last);
                    model.extend(first..=last);
                } else {
                    ranges.remove(first, last);
                    model.retain(|n| !(first..=last).contains(n));
                }
                prop_assert_eq!(ranges.total(), model.len() as u64);
                prop_assert_eq!(ranges.top(), model.last().copied().unwrap_or(0));
                for n in 0..50 {
                    let run = (n..).take_while(|m| model.contains(m)).last();
                    prop_assert_eq!(ranges.end_of(n), run);
                    if run.is_none() {
                        prop_assert_eq!(ranges.next_start(n), model.range(n..).next().copied());
                    }
                }
                let (odd, low) = (ranges.without([&ranges, &ranges], 40), ranges.without([&Ranges::default(); 2], 20));
                prop_assert!(odd.is_empty());
                let low: Vec<u64> = low.into_iter().flat_map(|(a, b)| a..=b).collect();
                prop_assert_eq!(low, model.range(..=20).copied().collect::<Vec<_>>());
                for pair in ranges.0.windows(2) {
                    prop_assert!(pair[0].1 + 1 < pair[1].0);
                }
            }
        }
    }
}
