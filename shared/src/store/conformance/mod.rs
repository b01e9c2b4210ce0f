//! What every store must do, whatever it is made of: one suite for each contract, run on the real one and on its model.

pub(crate) mod inbox;
mod spool;

pub use spool::sample;
