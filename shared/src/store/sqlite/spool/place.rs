//! Where a row stands in its lane's table: the number of its life and its sequence, in one integer.
//!
//! `place = life << 40 | sequence`. Lives are numbered 1, 2, 3 … in the order in which their epochs began, so rows lie
//! in the file in the order in which they came, and one life's rows lie together.

use crate::store::StoreError;

/// The number of an epoch in this file.
pub(super) type Life = i64;

const SEQUENCE_BITS: u32 = 40;
const LAST_SEQUENCE: u64 = (1 << SEQUENCE_BITS) - 1;
const LAST_LIFE: Life = (1 << 22) - 1;

/// The place of a sequence of a life. Sequences beyond any that can exist are cut to the last one.
pub(super) fn place(life: Life, sequence: u64) -> i64 {
    life << SEQUENCE_BITS | sequence.min(LAST_SEQUENCE) as i64
}

/// The last place that a life can have.
pub(super) fn end(life: Life) -> i64 {
    place(life, LAST_SEQUENCE)
}

/// The life of a place.
pub(super) fn life_of(place: i64) -> Life {
    place >> SEQUENCE_BITS
}

/// The sequence of a place.
pub(super) fn sequence_of(place: i64) -> u64 {
    place as u64 & LAST_SEQUENCE
}

/// The life after this one.
pub(super) fn next_life(life: Life) -> Result<Life, StoreError> {
    if life < LAST_LIFE {
        Ok(life + 1)
    } else {
        Err(StoreError::Full(
            "this file has had as many epochs as it can hold".to_owned(),
        ))
    }
}

/// A count as SQLite keeps it. Ours never come near the sign.
pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_of_a_later_life_are_behind_all_of_an_earlier_one() {
        assert!(end(1) < place(2, 1));
        assert_eq!(life_of(place(7, 12)), 7);
        assert_eq!(sequence_of(place(7, 12)), 12);
        assert!(place(LAST_LIFE, LAST_SEQUENCE) > 0);
    }
}
