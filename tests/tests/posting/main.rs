//! Postings against a real Odoo 19: each test has a database of its own, and what took effect is read from Odoo's own
//! tables, past the relay.

// A test that cannot go on ends with what went wrong.
#![allow(clippy::unwrap_used, clippy::panic, clippy::unreachable)]

mod clerk;
mod codes;
mod consume;
mod count;
mod dates;
mod groups;
mod production;
mod production_lots;
mod receipt;
mod scrap;
mod setup;
mod silent;
mod transfer;
mod undo;
