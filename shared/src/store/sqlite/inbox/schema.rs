//! The tables of the inbox. Append-only: a change is a further step.
//!
//! ```text
//! agent ─< epoch ─< lane ─< message ── content          what came, where it stands, its state
//!                      ├──< span, gap, anchor, declared what is here of a lane, and what was said of its digests
//!                      └──< arrival                     which frame brought it, and when
//! key ─< touch >─ message                               who touches what: gate 0 holds, 1 passed, 2 done
//! behind, missing, undo, twin                           what a message waits for: facts, never counters
//! claim, given_up                                       how far an agent says that it reaches; what will never come
//! untold                                                superseded, and by what that is not over yet
//! moved, amendment, approval, audit, shared_key, meta, note
//! ```

use crate::store::sqlite::open::Schema;

pub(super) const SCHEMA: Schema = Schema {
    name: "inbox",
    application_id: 0x4d4c_494e,
    migrations: &[FIRST, SECOND, THIRD, FOURTH, FIFTH, SIXTH],
};

/// `message.state` is 0 ready, 1 behind, 2 sent, 3 held, 4 dead, 5 voiding, 6 settled. `keys` holds the ids of its keys,
/// eight bytes each. Content stands apart so that lists and counts read little.
const FIRST: &str = "
CREATE TABLE meta (
    id INTEGER PRIMARY KEY CHECK (id = 1), store INTEGER NOT NULL, opening INTEGER NOT NULL, mark INTEGER NOT NULL,
    term INTEGER NOT NULL, slot INTEGER NOT NULL, change INTEGER NOT NULL, arrival INTEGER NOT NULL,
    audit INTEGER NOT NULL, audit_hash BLOB NOT NULL) STRICT;
CREATE TABLE agent (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE epoch (
    id INTEGER PRIMARY KEY, agent INTEGER NOT NULL, epoch INTEGER NOT NULL, predecessor INTEGER,
    rank INTEGER NOT NULL, UNIQUE (agent, epoch), UNIQUE (agent, rank)) STRICT;
CREATE TABLE lane (
    id INTEGER PRIMARY KEY, epoch INTEGER NOT NULL, number INTEGER NOT NULL, floor INTEGER NOT NULL,
    running BLOB NOT NULL, settled INTEGER NOT NULL, settled_running BLOB NOT NULL, acknowledged INTEGER NOT NULL,
    diverged INTEGER, UNIQUE (epoch, number)) STRICT;
CREATE TABLE span (
    lane INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL, PRIMARY KEY (lane, first))
    STRICT, WITHOUT ROWID;
CREATE TABLE gap (
    lane INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL, moved INTEGER NOT NULL,
    PRIMARY KEY (lane, first)) STRICT, WITHOUT ROWID;
CREATE TABLE anchor (
    lane INTEGER NOT NULL, sequence INTEGER NOT NULL, running BLOB NOT NULL, PRIMARY KEY (lane, sequence))
    STRICT, WITHOUT ROWID;
CREATE TABLE arrival (
    id INTEGER PRIMARY KEY, received_ms INTEGER NOT NULL, offset_ms INTEGER, error_ms INTEGER,
    audit INTEGER NOT NULL) STRICT;
CREATE TABLE message (
    slot INTEGER PRIMARY KEY, lane INTEGER NOT NULL, sequence INTEGER NOT NULL, last INTEGER,
    agent INTEGER NOT NULL, number INTEGER NOT NULL, place INTEGER NOT NULL, beside INTEGER NOT NULL,
    state INTEGER NOT NULL, gate INTEGER NOT NULL, version INTEGER NOT NULL, attempt INTEGER NOT NULL,
    amended INTEGER NOT NULL, undoes INTEGER NOT NULL, bytes INTEGER NOT NULL, captured_ms INTEGER NOT NULL,
    changed_ms INTEGER NOT NULL, arrival INTEGER NOT NULL, change INTEGER, kind TEXT NOT NULL, station TEXT,
    operator TEXT, reason TEXT, text TEXT, subject TEXT, outcome TEXT, keys BLOB NOT NULL, digest BLOB) STRICT;
CREATE UNIQUE INDEX message_at ON message (lane, sequence) WHERE beside = 0;
CREATE INDEX message_beside ON message (lane, sequence) WHERE beside = 1;
CREATE INDEX message_lost ON message (lane, sequence) WHERE last IS NOT NULL;
CREATE INDEX message_open ON message (agent, number, state, place, bytes) WHERE state < 6;
CREATE INDEX message_care ON message (state) WHERE state BETWEEN 2 AND 5;
CREATE INDEX message_news ON message (agent, change) WHERE change IS NOT NULL;
CREATE INDEX message_subject ON message (subject) WHERE subject IS NOT NULL;
CREATE TABLE content (slot INTEGER PRIMARY KEY, bytes BLOB NOT NULL) STRICT;
CREATE TABLE amendment (
    slot INTEGER NOT NULL, number INTEGER NOT NULL, body TEXT NOT NULL, who TEXT NOT NULL, reason TEXT NOT NULL,
    at_ms INTEGER NOT NULL, PRIMARY KEY (slot, number)) STRICT, WITHOUT ROWID;
CREATE TABLE key (id INTEGER PRIMARY KEY, text TEXT NOT NULL, agent INTEGER NOT NULL, UNIQUE (text, agent)) STRICT;
CREATE TABLE touch (
    key INTEGER NOT NULL, gate INTEGER NOT NULL, place INTEGER NOT NULL, slot INTEGER NOT NULL,
    PRIMARY KEY (key, gate, place, slot)) STRICT, WITHOUT ROWID;
CREATE TABLE shared_key (text TEXT NOT NULL, agent INTEGER NOT NULL, seen_in TEXT NOT NULL, PRIMARY KEY (text, agent))
    STRICT, WITHOUT ROWID;
CREATE TABLE behind (slot INTEGER NOT NULL, before INTEGER NOT NULL, PRIMARY KEY (slot, before))
    STRICT, WITHOUT ROWID;
CREATE INDEX behind_before ON behind (before);
CREATE TABLE missing (
    agent INTEGER NOT NULL, epoch INTEGER NOT NULL, number INTEGER NOT NULL, sequence INTEGER NOT NULL,
    digest INTEGER NOT NULL, slot INTEGER NOT NULL, PRIMARY KEY (agent, epoch, number, sequence, digest, slot))
    STRICT, WITHOUT ROWID;
CREATE INDEX missing_slot ON missing (slot);
CREATE TABLE undo (slot INTEGER PRIMARY KEY, original INTEGER NOT NULL) STRICT;
CREATE INDEX undo_original ON undo (original);
CREATE TABLE twin (slot INTEGER PRIMARY KEY, original INTEGER NOT NULL) STRICT;
CREATE INDEX twin_original ON twin (original);
CREATE TABLE moved (
    agent INTEGER NOT NULL, epoch INTEGER NOT NULL, number INTEGER NOT NULL, sequence INTEGER NOT NULL,
    digest INTEGER NOT NULL, slot INTEGER NOT NULL, PRIMARY KEY (agent, epoch, number, sequence, digest))
    STRICT, WITHOUT ROWID;
CREATE TABLE audit (
    number INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, who TEXT NOT NULL, what TEXT NOT NULL, slot INTEGER,
    subject TEXT NOT NULL, before TEXT NOT NULL, after TEXT NOT NULL, detail TEXT NOT NULL, hash BLOB NOT NULL)
    STRICT;
CREATE INDEX audit_slot ON audit (slot) WHERE slot IS NOT NULL;
";

/// For what a message was held and released by a person; and notes of the flow.
const SECOND: &str = "
CREATE TABLE approval (slot INTEGER NOT NULL, reason TEXT NOT NULL, PRIMARY KEY (slot, reason)) STRICT, WITHOUT ROWID;
CREATE TABLE note (name TEXT PRIMARY KEY, text TEXT NOT NULL) STRICT, WITHOUT ROWID;
";

/// `declared` keeps, for each part of a declared range that was absent, what was said of the whole range.
const THIRD: &str = "
CREATE TABLE declared (
    lane INTEGER NOT NULL, first INTEGER NOT NULL, before BLOB, last INTEGER NOT NULL, running BLOB NOT NULL,
    PRIMARY KEY (lane, first)) STRICT, WITHOUT ROWID;
INSERT INTO declared SELECT gap.lane, gap.first, NULL, gap.last, anchor.running
    FROM gap JOIN anchor ON anchor.lane = gap.lane AND anchor.sequence = gap.last;
INSERT INTO declared SELECT message.lane, message.sequence, NULL, message.last, anchor.running
    FROM message JOIN anchor ON anchor.lane = message.lane AND anchor.sequence = message.last
    WHERE message.last IS NOT NULL;
";

/// Which run of its machine an agent's hello came from, and when that began by our clock.
const FOURTH: &str = "
ALTER TABLE arrival ADD COLUMN boot INTEGER NOT NULL DEFAULT 0;
ALTER TABLE arrival ADD COLUMN began_ms INTEGER NOT NULL DEFAULT 0;
";

/// Which epochs an agent's last hello called open; its watermark in each lane, and what it claims on the way there. What
/// is missed and `gone` left nothing but its number.
const FIFTH: &str = "
ALTER TABLE epoch ADD COLUMN open INTEGER NOT NULL DEFAULT 0;
ALTER TABLE lane ADD COLUMN watermark INTEGER NOT NULL DEFAULT 0;
ALTER TABLE missing ADD COLUMN gone INTEGER NOT NULL DEFAULT 0;
CREATE INDEX missing_gone ON missing (agent) WHERE gone = 1;
CREATE TABLE claim (
    agent INTEGER NOT NULL, lane INTEGER NOT NULL, head INTEGER NOT NULL, PRIMARY KEY (agent, lane)) STRICT, WITHOUT ROWID;
CREATE TABLE given_up (
    agent INTEGER NOT NULL, epoch INTEGER NOT NULL, number INTEGER NOT NULL, sequence INTEGER NOT NULL,
    digest INTEGER NOT NULL, PRIMARY KEY (agent, epoch, number, sequence, digest)) STRICT, WITHOUT ROWID;
";

/// What is superseded by a copy (`until`) that is not over: its agent is not told yet, and its change is null.
const SIXTH: &str = "
CREATE TABLE untold (slot INTEGER PRIMARY KEY, until INTEGER NOT NULL) STRICT;
CREATE INDEX untold_until ON untold (until);
";
