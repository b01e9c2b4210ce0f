//! The sending machine: what is in the spool reaches the other end, and what became of it comes back.

mod port;

pub use port::{Batch, Read, SenderAction, SenderConfig, SenderEvent, SenderNotice};
