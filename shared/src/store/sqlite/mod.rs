//! The stores on SQLite, and what they have in common: [`open`] (pragmas, migrations, readers), [`lock`] (one writer),
//! [`error`] (SQLite's errors as ours) and [`check`] (row checksums).
//!
//! This is the only place that names rusqlite. Files are opened in WAL with `synchronous=FULL`; never repaired,
//! never deleted.

#![allow(dead_code, reason = "the first store on this base is under way")]

pub(crate) mod check;
pub(crate) mod error;
pub(crate) mod lock;
pub(crate) mod open;
