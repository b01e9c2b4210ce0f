//! The contract of both ends of Millrace: what a message is, how it is kept and how it travels.
//!
//! `message`, `envelope`, `codec`, `topic` and `link` are pure: no IO, no clock, no randomness, those are arguments.
//! `store` is the only place that knows SQLite, `transport` the only place that knows MQTT and TLS. `config`, `clock`,
//! `disk`, `doctor`, `exit`, `print`, `rate` and `service` are the furniture of both programs.

pub mod clock;
pub mod codec;
pub mod config;
pub mod disk;
pub mod doctor;
pub mod envelope;
pub mod exit;
pub mod ident;
pub mod limit;
pub mod link;
pub mod message;
pub mod outcome;
pub mod print;
pub mod rate;
pub mod service;
pub mod store;
pub mod topic;
pub mod transport;
