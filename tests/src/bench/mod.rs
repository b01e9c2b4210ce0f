//! Benchmarks: each figure beside its ceiling from the same run, through the real programs wherever one takes part.
//!
//! Nothing is estimated. A figure that misses its aim says so.

mod disk;
mod drain;
mod fill;
mod intake;
mod line;
mod posting;
mod restart;
mod stepwise;
mod table;

use clap::ValueEnum;

pub use table::Row;

/// Is told each row as soon as it is measured.
type Say<'s> = &'s mut dyn FnMut(Row);

/// What can be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Figure {
    /// How often a second the disk confirms a write.
    Disk,
    /// Durable intake of the spool's writer alone, by commit size.
    Spool,
    /// Durable intake from TCP scanners.
    Tcp,
    /// Durable intake over HTTP.
    Http,
    /// Durable intake from a drop folder.
    Folder,
    /// Drain of a backlog over TLS into the relay's inbox, while the target is down.
    Drain,
    /// Time until the agent is ready, and its memory, at 0, 1 and 5 million messages waiting.
    Restart,
    /// Bytes on the wire for each message.
    Wire,
    /// Messages into a real Odoo, orders and counts.
    Odoo,
}

impl Figure {
    /// Measures it.
    pub fn measure(self, say: Say<'_>) {
        match self {
            Figure::Disk => intake::disk(say),
            Figure::Spool => intake::spool(say),
            Figure::Tcp => intake::tcp(say),
            Figure::Http => intake::http(say),
            Figure::Folder => intake::folder(say),
            Figure::Drain => drain::measure(say),
            Figure::Restart => restart::measure(say),
            Figure::Wire => line::measure(say),
            Figure::Odoo => posting::measure(say),
        }
    }
}
