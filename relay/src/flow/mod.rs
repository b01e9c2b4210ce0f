//! What is done next: fair shares, order, groups, and when a target is left alone.
//!
//! `choose`, `conclude` and `breaker` are pure; `prepare` asks the target for facts; `worker` is the one thin task that
//! works off a domain. Nothing here knows what a kind means or how Odoo is called.

pub mod breaker;
pub mod choose;
pub mod conclude;
pub mod prepare;
pub mod worker;
