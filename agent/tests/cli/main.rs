//! What the agent's commands print, on a store that was prepared and in a configuration that people would write.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod answers;
mod example;
#[path = "../../../tests/golden.rs"]
mod golden;
mod help;
mod world;
