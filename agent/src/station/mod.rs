//! What a station asks for and makes: a profile, and the pure machine that turns its scans into messages.
//!
//! Nothing here does IO, reads a clock or draws a number. A dialogue goes in with a scan and the time, and comes out
//! changed, with the feedback for the operator and the message that it completed, if any. Whoever drives the machine
//! commits all of that in one transaction before the operator hears anything.
//!
//! [`word`] says what a scan is, [`gather`] collects what was said, [`machine`] decides, [`trial`] plays it through.

pub mod booking;
pub mod component;
pub mod dialogue;
pub mod feedback;
pub mod gather;
pub mod machine;
pub mod profile;
pub mod rule;
pub mod trial;
mod undo;
pub mod word;

pub use booking::Booking;
pub use dialogue::Dialogue;
pub use feedback::{Feedback, Tone};
pub use machine::Step;
pub use profile::{Badge, BadgeChange, Closes, Expired, Items, Makes, Profile};
pub use rule::{Meaning, Rule};
pub use word::Vocabulary;

/// A named place at the plant with a profile.
#[derive(Debug, Clone)]
pub struct Station {
    /// Its name, as on screens and in messages.
    pub name: String,
    /// What it asks for and makes.
    pub profile: Profile,
}

#[cfg(test)]
mod tests;
