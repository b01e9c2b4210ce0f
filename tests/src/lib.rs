//! What the end-to-end tests share: a world of real processes, and the ways to hurt it.

pub mod odoo;
pub mod world;
