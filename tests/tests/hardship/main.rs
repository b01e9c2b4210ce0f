//! Bad input and bad times, on a running agent with its real files and sockets. Each test shows three things: an error that
//! says what is wrong, neighbours that are not harmed, and nothing lost of what was answered OK.

// A test fails by panicking, and so does what tests share.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod clock;
mod disk;
mod doors;
mod identity;
mod input;
mod kills;
