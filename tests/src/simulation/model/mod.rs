//! Stand-ins for what a simulation cannot run: Odoo, and the relay's inbox with its ordering.
//!
//! The spool is [`millrace_shared::store::memory::MemorySpool`], the model that the real spool is compared with.

pub mod inbox;
pub mod lane;
pub mod message;
pub mod odoo;
mod take;
pub mod work;
