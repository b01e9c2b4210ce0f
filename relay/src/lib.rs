//! The centre's side of Millrace: from a plant's messages to one effect each in Odoo.

#[cfg(feature = "embedded-broker")]
pub mod broker;
pub mod cli;
pub mod command;
pub mod config;
pub mod control;
pub mod daemon;
pub mod flow;
pub mod govern;
pub mod link;
pub mod odoo;
pub mod pki;
pub mod post;
pub mod target;
