//! `messages`: looking at single messages.

pub mod list;
pub mod show;
pub mod tail;
