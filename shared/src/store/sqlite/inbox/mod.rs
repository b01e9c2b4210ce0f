//! The inbox on SQLite. One writer ([`SqliteInbox`]), any number of readers ([`SqliteInboxReader`]).
//!
//! ```text
//! take ─► keep ─► order, resolve, undo      a frame, a row, what it waits for
//! change ─► settle ─► order, undo           a change, and what follows from it
//! declare, prune, lanes, walk               gaps, retention, ranges and floors
//! view, query, backlog, news, trail, verify reading
//! work                                      the transaction under all of them
//! ```

mod backlog;
mod change;
mod columns;
mod declare;
mod entry;
mod keep;
mod lanes;
mod message;
mod news;
mod order;
mod pace;
mod prune;
mod query;
mod read;
mod resolve;
mod schema;
mod settle;
mod standing;
mod take;
mod trail;
mod undo;
mod verify;
mod view;
mod walk;
mod watermark;
mod work;
mod write;

pub use pace::{Pace, Paces, SECONDS};
pub use read::SqliteInboxReader;
pub use verify::{Checked, Fault, Finding};
pub use write::{Limits, SqliteInbox};

#[cfg(test)]
mod tests;
