//! What the end-to-end tests share: a world of real processes, and the ways to hurt it; and a simulated one.

// A test's world fails by panicking: that is how a test reports.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

pub mod bench;
pub mod kills;
pub mod load;
pub mod odoo;
pub mod outage;
pub mod simulation;
pub mod wire;
pub mod world;
