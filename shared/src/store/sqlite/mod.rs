//! The stores on SQLite, and what they have in common: [`open`] (pragmas, migrations, readers), [`lock`] (one writer),
//! [`error`] (SQLite's errors as ours) and [`check`] (row checksums).
//!
//! This is the only place that names rusqlite. Files are opened in WAL with `synchronous=FULL`; never repaired,
//! never deleted.

pub(crate) mod check;
pub(crate) mod error;
#[cfg(test)]
pub(crate) mod faulty;
pub mod inbox;
pub(crate) mod lock;
pub(crate) mod open;
pub mod shadow;
pub mod spool;

pub use open::Footprint;
