//! The model keeps every promise of the inbox.

use super::MemoryInbox;

fn open() -> (MemoryInbox, ()) {
    (MemoryInbox::new(1, 1), ())
}

crate::store::conformance::inbox::all_promises!(super::open);
