//! What may not post yet although it could: holds that a person, or the configuration, has laid over messages.
//!
//! Pure. What the target would refuse is the business of `post`, not of this room.

mod standing;

pub use standing::{HOLDS, HOLDS_NOTE, REVIEW, StandingHold, free, older_than, standing};
