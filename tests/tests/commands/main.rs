//! The commands beside running services, over real TLS and real stores.

// A test reports by panicking, in its helpers too.
#![allow(clippy::unwrap_used)]

mod agent;
#[path = "../../golden.rs"]
mod golden;
mod relay;
mod tools;
