//! A person's orders on a real inbox, through the program's own commands and through the socket of a service.

// A test reports by panicking, in its helpers too.
#![allow(clippy::unwrap_used, clippy::panic)]

mod answers;
mod commands;
#[path = "../../../tests/golden.rs"]
mod golden;
mod kit;
mod orders;
mod service;
