//! The centre's side of Millrace: from a plant's messages to one effect each in Odoo.

pub mod config;
pub mod flow;
pub mod pki;
