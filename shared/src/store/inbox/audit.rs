//! The audit's chain: each record's hash covers all its fields and the hash before it, so none can be changed, removed
//! or put in between unseen.

use sha2::{Digest as _, Sha256};

use super::{AuditHead, AuditRow};

impl AuditHead {
    /// The head of an audit without records.
    pub const EMPTY: AuditHead = AuditHead {
        number: 0,
        hash: [0; 32],
    };

    /// Whether this record follows here, unchanged.
    pub fn is_followed_by(&self, row: &AuditRow) -> bool {
        row.number == self.number + 1 && row.hash == hash(&self.hash, row)
    }
}

/// The hash of a record behind a record with the hash `before`. Each field stands with its length.
pub(crate) fn hash(before: &[u8; 32], row: &AuditRow) -> [u8; 32] {
    let mut sum = Sha256::new();
    sum.update(before);
    sum.update(row.number.to_le_bytes());
    sum.update(row.at_ms.to_le_bytes());
    sum.update(row.slot.map_or(0, |slot| slot.0).to_le_bytes());
    for text in [
        &row.who,
        &row.what,
        &row.subject,
        &row.before,
        &row.after,
        &row.detail,
    ] {
        sum.update((text.len() as u64).to_le_bytes());
        sum.update(text.as_bytes());
    }
    sum.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::inbox::Slot;

    fn row() -> AuditRow {
        AuditRow {
            number: 1,
            at_ms: 5,
            who: "anna".into(),
            what: "retry".into(),
            slot: Some(Slot(3)),
            subject: "m".into(),
            before: "dead".into(),
            after: "ready".into(),
            detail: "mended".into(),
            hash: [0; 32],
        }
    }

    #[test]
    fn every_field_of_a_record_is_in_its_hash() {
        let sealed = AuditRow {
            hash: hash(&[0; 32], &row()),
            ..row()
        };
        assert!(AuditHead::EMPTY.is_followed_by(&sealed));
        let changes: [fn(&mut AuditRow); 9] = [
            |row| row.number = 2,
            |row| row.at_ms = 6,
            |row| row.who.push('x'),
            |row| row.what.clear(),
            |row| row.slot = None,
            |row| row.subject.push('x'),
            |row| std::mem::swap(&mut row.before, &mut row.after),
            |row| row.after.push('x'),
            |row| row.detail.clear(),
        ];
        for (index, change) in changes.iter().enumerate() {
            let mut changed = sealed.clone();
            change(&mut changed);
            assert!(!AuditHead::EMPTY.is_followed_by(&changed), "{index}");
        }
    }
}
