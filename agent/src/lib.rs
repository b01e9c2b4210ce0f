//! The plant's side of Millrace: from a device's bytes to a durable, canonical message.

pub mod cli;
pub mod command;
pub mod config;
pub mod convert;
pub mod daemon;
pub mod health;
pub mod link;
pub mod source;
pub mod sources;
pub mod spool;
pub mod station;
