//! The plant's side of Millrace: from a device's bytes to a durable, canonical message.
pub mod config;
pub mod convert;
pub mod source;
pub mod station;
