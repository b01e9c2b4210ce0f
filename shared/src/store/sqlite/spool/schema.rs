//! The spool's tables.
//!
//! - `message_<lane>`: one row a position, appended at the end. `place` is life and sequence (see `place`). A row whose
//!   content went away stays as a tombstone (`gone`), so that running digests and byte counts go on being known; only a
//!   settled prefix is deleted. `total` counts the bytes of the lane before the row: sums over any range are two reads.
//! - `settled_<lane>`, `dead`: what the other end said of single messages.
//! - `floor`, `span`: sets of sequences (stored, settled, lost, moved): all up to the floor, and ranges above it.
//! - `tail`: of each key that has messages which are not settled, the latest captured, and how many there are. What comes
//!   next with that key comes after it. One row a key, so that a busy key stays on one page; when the latest settles
//!   before earlier ones, those are found by the links in the envelopes (see `keys`).
//! - `life`, `closed`: the epochs, and where the lanes of closed ones ended. The growing epoch's heads are its last rows.
//! - `claim`, `scan`, `dialogue`, `note`: sources' own ids, the journal of scans, open dialogues, and single facts.
//!
//! There is no counter that could drift, and no index besides the keys but the one by which `settled_*` is pruned.

use crate::ident::Lane;
use crate::store::sqlite::open::Schema;

/// The spool on disk. "MLSP".
pub(super) const SCHEMA: Schema = Schema {
    name: "spool",
    application_id: 0x4d4c_5350,
    migrations: &[VERSION_1],
};

/// One SQL text for each lane: the parts with the lane's name between them.
macro_rules! by_lane {
    ($first:literal $(, $rest:literal)*) => {
        [
            concat!($first $(, "critical", $rest)*),
            concat!($first $(, "normal", $rest)*),
            concat!($first $(, "bulk", $rest)*),
        ]
    };
}
pub(super) use by_lane;

/// The text for this lane of those that [`by_lane`] made.
pub(super) fn of(texts: &[&'static str; 3], lane: Lane) -> &'static str {
    match lane {
        Lane::Critical => texts[0],
        Lane::Normal => texts[1],
        Lane::Bulk => texts[2],
    }
}

const VERSION_1: &str = "
CREATE TABLE note (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE life (
    life INTEGER PRIMARY KEY, epoch INTEGER NOT NULL UNIQUE, previous INTEGER, why TEXT NOT NULL
) STRICT;
CREATE TABLE closed (
    life INTEGER NOT NULL, lane INTEGER NOT NULL, next INTEGER NOT NULL, total INTEGER NOT NULL, running BLOB NOT NULL,
    PRIMARY KEY (life, lane)
) STRICT, WITHOUT ROWID;

CREATE TABLE message_critical (
    place INTEGER PRIMARY KEY, ordinal INTEGER NOT NULL, total INTEGER NOT NULL, size INTEGER NOT NULL, origin INTEGER,
    gone INTEGER NOT NULL, crc INTEGER NOT NULL, digest BLOB NOT NULL, before BLOB NOT NULL, bytes BLOB NOT NULL
) STRICT;
CREATE TABLE message_normal (
    place INTEGER PRIMARY KEY, ordinal INTEGER NOT NULL, total INTEGER NOT NULL, size INTEGER NOT NULL, origin INTEGER,
    gone INTEGER NOT NULL, crc INTEGER NOT NULL, digest BLOB NOT NULL, before BLOB NOT NULL, bytes BLOB NOT NULL
) STRICT;
CREATE TABLE message_bulk (
    place INTEGER PRIMARY KEY, ordinal INTEGER NOT NULL, total INTEGER NOT NULL, size INTEGER NOT NULL, origin INTEGER,
    gone INTEGER NOT NULL, crc INTEGER NOT NULL, digest BLOB NOT NULL, before BLOB NOT NULL, bytes BLOB NOT NULL
) STRICT;

CREATE TABLE settled_critical (
    place INTEGER PRIMARY KEY, at INTEGER NOT NULL, crc INTEGER NOT NULL, outcome BLOB NOT NULL
) STRICT;
CREATE TABLE settled_normal (
    place INTEGER PRIMARY KEY, at INTEGER NOT NULL, crc INTEGER NOT NULL, outcome BLOB NOT NULL
) STRICT;
CREATE TABLE settled_bulk (
    place INTEGER PRIMARY KEY, at INTEGER NOT NULL, crc INTEGER NOT NULL, outcome BLOB NOT NULL
) STRICT;
CREATE INDEX settled_critical_at ON settled_critical (at);
CREATE INDEX settled_normal_at ON settled_normal (at);
CREATE INDEX settled_bulk_at ON settled_bulk (at);

CREATE TABLE dead (
    lane INTEGER NOT NULL, place INTEGER NOT NULL, crc INTEGER NOT NULL, reason BLOB NOT NULL,
    PRIMARY KEY (lane, place)
) STRICT, WITHOUT ROWID;

CREATE TABLE floor (
    kind INTEGER NOT NULL, lane INTEGER NOT NULL, life INTEGER NOT NULL, sequence INTEGER NOT NULL,
    PRIMARY KEY (kind, lane, life)
) STRICT, WITHOUT ROWID;
CREATE TABLE span (
    kind INTEGER NOT NULL, lane INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,
    PRIMARY KEY (kind, lane, first)
) STRICT, WITHOUT ROWID;

CREATE TABLE tail (
    key TEXT NOT NULL PRIMARY KEY, life INTEGER NOT NULL, ordinal INTEGER NOT NULL,
    lane INTEGER NOT NULL, place INTEGER NOT NULL, digest BLOB NOT NULL, open INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE claim (
    source TEXT NOT NULL, id TEXT NOT NULL, at INTEGER NOT NULL, crc INTEGER NOT NULL,
    content BLOB NOT NULL, answer BLOB NOT NULL,
    PRIMARY KEY (source, id)
) STRICT, WITHOUT ROWID;
CREATE TABLE scan (number INTEGER PRIMARY KEY, at INTEGER NOT NULL, scan BLOB NOT NULL) STRICT;
CREATE TABLE dialogue (
    station TEXT NOT NULL, connection TEXT NOT NULL, crc INTEGER NOT NULL, state BLOB NOT NULL,
    PRIMARY KEY (station, connection)
) STRICT, WITHOUT ROWID;
";
