//! Where an agent takes messages in. Each source says OK only after [`Keep::keep`] did.
//!
//! A source is settings (plain data), and a task that reads, hands over to the pure rooms (`convert`, `station`), has
//! the result kept, and answers. Nothing here knows how or where it is kept.

mod door;
pub mod folder;
pub mod http;
pub mod keep;
pub mod session;
pub mod tally;
pub mod tcp;

pub use keep::{Keep, KeepError, Now};
pub use tally::{Count, Tally};

#[cfg(test)]
pub(crate) mod testing;
