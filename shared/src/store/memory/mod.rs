//! Models of the stores in memory, for simulations and to compare the real ones with. Nothing here is durable.

pub mod inbox;
pub mod spool;

pub use inbox::MemoryInbox;
pub use spool::MemorySpool;
