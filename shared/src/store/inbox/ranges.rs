//! Which sequences of a lane are here: everything up to a floor, and disjoint ranges above it. Pure arithmetic.

/// What is here of a lane. The ranges rise, do not touch each other, and none touches the floor.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Ranges {
    /// Everything up to here.
    pub floor: u64,
    /// First and last sequence of each range above it.
    pub above: Vec<(u64, u64)>,
}

impl Ranges {
    /// Whether this sequence is here.
    pub fn contains(&self, sequence: u64) -> bool {
        let at = self.above.partition_point(|&(_, last)| last < sequence);
        sequence <= self.floor || self.above.get(at).is_some_and(|&(first, _)| first <= sequence)
    }

    /// The parts of `first..=last` that are not here, in order.
    pub fn absent(&self, first: u64, last: u64) -> Vec<(u64, u64)> {
        let mut parts = Vec::new();
        let mut from = first.max(self.floor + 1);
        for &(start, end) in &self.above {
            if from > last {
                break;
            }
            if from < start {
                parts.push((from, last.min(start - 1)));
            }
            from = from.max(end + 1);
        }
        if from <= last {
            parts.push((from, last));
        }
        parts
    }

    /// The same with `first..=last` here too.
    pub fn with(&self, first: u64, last: u64) -> Ranges {
        let mut all = self.above.clone();
        all.push((first, last));
        all.sort_unstable();
        let mut joined = Ranges {
            floor: self.floor,
            above: Vec::with_capacity(all.len()),
        };
        for (first, last) in all {
            if first <= joined.floor + 1 {
                joined.floor = joined.floor.max(last);
                continue;
            }
            match joined.above.last_mut() {
                Some(before) if first <= before.1 + 1 => before.1 = before.1.max(last),
                _ => joined.above.push((first, last)),
            }
        }
        joined
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn ranges_say_the_same_as_a_set_of_numbers(parts in prop::collection::vec((1u64..40, 0u64..6), 0..12), ask in (1u64..40, 0u64..20)) {
            let (mut set, mut ranges) = (BTreeSet::new(), Ranges::default());
            for (first, more) in parts {
                set.extend(first..=first + more);
                ranges = ranges.with(first, first + more);
            }
            prop_assert_eq!(ranges.floor, (1..).take_while(|n| set.contains(n)).count() as u64);
            for n in 1..60 {
                prop_assert_eq!(ranges.contains(n), set.contains(&n));
            }
            let absent: Vec<u64> = ranges.absent(ask.0, ask.0 + ask.1).into_iter().flat_map(|(a, b)| a..=b).collect();
            let expected: Vec<u64> = (ask.0..=ask.0 + ask.1).filter(|n| !set.contains(n)).collect();
            prop_assert_eq!(absent, expected);
            for pair in ranges.above.windows(2) {
                prop_assert!(pair[0].1 + 1 < pair[1].0);
            }
        }
    }
}
