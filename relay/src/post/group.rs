//! Many postings into few: what is of like shape becomes one vectorised posting, several times faster than each alone.
//!
//! A target stands in a group once: Odoo merges equal rows, and then every later index names another record. Messages
//! of the same order are added up first. Nothing overtakes what it shares a shard with.

use std::collections::BTreeSet;

use super::posting::{Posting, Shard};
use super::shape::Shape;
use super::{bundle, count, order};

/// Most messages in one posting by default: above, nothing is gained, and conflicts and lost work grow.
pub const MESSAGES: usize = 50;

/// The postings in as few as possible, of at most `most` messages each. What comes first stays before what it shares
/// a shard with. Each group carries its parts as singles, so that a refusal hits only the guilty.
pub fn group(postings: Vec<Posting>, most: usize) -> Vec<Posting> {
    let mut heaps: Vec<Heap> = Vec::new();
    for posting in postings {
        match place(&heaps, &posting, most) {
            Some(k) => heaps[k].push(posting),
            None => heaps.push(Heap::new(posting)),
        }
    }
    heaps.into_iter().flat_map(Heap::finish).collect()
}

/// Those of the postings that can go in one request, to be made few by [`group`]. What counts on facts that an earlier
/// one of them changes is left out, and so is what must come after it: they are planned again in the next turn.
pub fn timely(postings: Vec<Posting>, most: usize) -> Vec<Posting> {
    let mut heaps: Vec<Heap> = Vec::new();
    let mut left: BTreeSet<Shard> = BTreeSet::new();
    let mut timely = Vec::new();
    for posting in postings {
        let joins = place(&heaps, &posting, most);
        let stale =
            |(k, heap): (usize, &Heap)| joins != Some(k) && !heap.shards.is_disjoint(posting.assumes());
        if !left.is_disjoint(posting.shards()) || heaps.iter().enumerate().any(stale) {
            left.extend(posting.assumes().iter().cloned());
            continue;
        }
        timely.push(posting.clone());
        match joins {
            Some(k) => heaps[k].push(posting),
            None => heaps.push(Heap::new(posting)),
        }
    }
    timely
}

/// The heap that the posting can join: like shape, room, and nothing behind it that the posting must not overtake.
fn place(heaps: &[Heap], posting: &Posting, most: usize) -> Option<usize> {
    if matches!(posting.shape(), Shape::Lone) {
        // It joins nothing: no need to compare it with each of what may be many.
        return None;
    }
    for (k, heap) in heaps.iter().enumerate().rev() {
        if heap.messages + posting.stamps().len() <= most && heap.takes(posting) {
            return Some(k);
        }
        if !heap.shards.is_disjoint(posting.shards()) {
            return None;
        }
    }
    None
}

/// Postings that become one.
struct Heap {
    parts: Vec<Posting>,
    merged: Shape,
    shards: BTreeSet<Shard>,
    messages: usize,
}

impl Heap {
    fn new(posting: Posting) -> Self {
        Self {
            merged: posting.shape().clone(),
            shards: posting.shards().clone(),
            messages: posting.stamps().len(),
            parts: vec![posting],
        }
    }

    fn takes(&self, posting: &Posting) -> bool {
        match (&self.merged, posting.shape()) {
            (Shape::Counts(rows), Shape::Counts(more)) => {
                let apart = |a: &count::Row, b: &count::Row| a.like(b) && a.place() != b.place();
                more.iter().all(|row| rows.iter().all(|known| apart(known, row)))
            }
            (Shape::Orders(bundles), Shape::Orders(more)) => {
                more.iter().all(|bundle| bundle::fits(bundles, bundle))
            }
            _ => false,
        }
    }

    fn push(&mut self, posting: Posting) {
        match (&mut self.merged, posting.shape()) {
            (Shape::Counts(rows), Shape::Counts(more)) => rows.extend(more.iter().cloned()),
            (Shape::Orders(bundles), Shape::Orders(more)) => {
                for bundle in more {
                    bundle::add(bundles, bundle.clone());
                }
            }
            _ => {}
        }
        self.shards.extend(posting.shards().iter().cloned());
        self.messages += posting.stamps().len();
        self.parts.push(posting);
    }

    fn finish(self) -> Vec<Posting> {
        match &self.merged {
            _ if self.parts.len() == 1 => self.parts,
            Shape::Counts(rows) => vec![count::build(rows).with_singles(self.parts)],
            Shape::Orders(bundles) => vec![order::build(bundles).with_singles(bundle::singles(bundles))],
            Shape::Lone => self.parts,
        }
    }
}
