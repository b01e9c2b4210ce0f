//! What is done next: fair shares, order, groups, and when a target is left alone.
//!
//! `choose`, `conclude` and `breaker` are pure; `prepare` asks the target for facts; `worker` is the one thin task that
//! works off a `domain`, with its steps in `tenure`, `ask`, `replay`, `expire`, `recheck`, `review`, `send` and `settle`.
//! Nothing here knows what a kind means or how Odoo is called.

mod ask;
pub mod breaker;
pub mod choose;
pub mod conclude;
pub mod domain;
mod expire;
pub mod halt;
mod name;
pub mod prepare;
mod recheck;
pub mod replay;
mod review;
mod send;
mod settle;
pub mod tenure;
pub mod worker;
