//! What is done next: fair shares, order, groups, and when a target is left alone.
//!
//! The thinking is pure (`choose`, `breaker`); nothing here knows what a kind means or how Odoo is called.

pub mod breaker;
pub mod choose;
