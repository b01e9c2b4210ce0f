//! The state of a conversation between a station and one scanner, and its form in the spool.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use millrace_shared::envelope::Moment;
use millrace_shared::ident::MessageId;
use millrace_shared::message::{Code, Kind};
use serde::{Deserialize, Serialize};

use super::gather::Gathered;

/// How many scans of an open entry can be taken back one by one; beyond that only *cancel* helps.
pub const UNDO_STEPS: usize = 16;

/// Most of an entry's raw scans that are carried along; the journal of scans has them all.
pub const RAW_BYTES: usize = 2048;

/// The form of the state in the spool. A state of another form is not continued.
const FORM: u8 = 1;

/// Why a state from the spool cannot be continued. Permanent: the dialogue starts anew, and says so.
#[derive(Debug, thiserror::Error)]
pub enum DialogueError {
    /// It is not the JSON of a dialogue.
    #[error("the kept dialogue cannot be read: {0}")]
    Json(#[from] serde_json::Error),
    /// It was written by another version of the program.
    #[error("the kept dialogue has form {0}, this program knows {FORM}")]
    Form(u8),
}

/// A conversation. All of it is committed after each scan, so that it survives a restart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dialogue {
    form: u8,
    /// When it began: with the number below it names what is booked, for ever.
    pub began: Moment,
    /// The number of the next entry that is booked.
    pub number: u64,
    /// Who stands there.
    pub operator: Option<Code>,
    /// What the open entry has.
    pub gathered: Gathered,
    /// What it had before each of its latest scans.
    pub before: Vec<Gathered>,
    /// The scans that made it, one a line, cut at [`RAW_BYTES`].
    pub raw: String,
    /// The scan that was accepted last.
    pub last: Option<LastScan>,
    /// What was booked last.
    pub booked: Option<Booked>,
}

/// A scan that was accepted, to recognise its repetition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastScan {
    /// The scan.
    pub text: String,
    /// When.
    pub at: Moment,
    /// Whether it booked an entry: then it is a repetition for as long as nothing else is scanned.
    pub booked: bool,
}

/// An entry that was booked, to recognise its closing scan and to undo it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Booked {
    /// The claim under which it was kept.
    pub claim: String,
    /// What it says, for people.
    pub summary: String,
    /// Its kind.
    pub kind: Kind,
    /// Its body as JSON text.
    pub body: String,
    /// When.
    pub at: Moment,
    /// Its name, once the spool has told it.
    pub id: Option<MessageId>,
    /// Whether it takes an earlier one back, or was taken back itself.
    pub undone: bool,
}

impl Dialogue {
    /// A conversation that begins now. No two that begin at the same moment may share a connection.
    pub fn new(now: Moment) -> Self {
        Self {
            form: FORM,
            began: now,
            number: 1,
            operator: None,
            gathered: Gathered::default(),
            before: Vec::new(),
            raw: String::new(),
            last: None,
            booked: None,
        }
    }

    /// The state as it is kept.
    pub fn to_bytes(&self) -> Result<Vec<u8>, DialogueError> {
        Ok(serde_json::to_vec(self)?)
    }

    /// The state as it was kept.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DialogueError> {
        #[derive(Deserialize)]
        struct Form {
            form: u8,
        }
        let Form { form } = serde_json::from_slice(bytes)?;
        if form != FORM {
            return Err(DialogueError::Form(form));
        }
        Ok(serde_json::from_slice(bytes)?)
    }

    /// Whether an entry is open: something was scanned for it since the last one was booked or cancelled.
    pub fn is_open(&self) -> bool {
        self.gathered.scans > 0
    }

    /// Adds a scan to the raw text of the entry, while there is room.
    pub(super) fn note_raw(&mut self, scan: &str) {
        let room = RAW_BYTES.saturating_sub(self.raw.len());
        let mut end = room.min(scan.len());
        while !scan.is_char_boundary(end) {
            end -= 1;
        }
        self.raw.push_str(&scan[..end]);
        if end < room {
            self.raw.push('\n');
        }
    }

    /// The claim of a booked message whose name the state does not know yet.
    pub fn unnamed(&self) -> Option<&str> {
        let booked = self.booked.as_ref()?;
        booked.id.is_none().then_some(booked.claim.as_str())
    }

    /// The spool told the names of what was booked last.
    pub fn kept(&mut self, ids: &[MessageId]) {
        if let Some(booked) = &mut self.booked {
            booked.id = ids.first().cloned();
        }
    }
}

/// Milliseconds from one moment to another: by the monotonic clock within one run of the machine, else by wall time.
pub fn elapsed_ms(from: Moment, to: Moment) -> u64 {
    if from.boot == to.boot {
        to.monotonic_ms.saturating_sub(from.monotonic_ms)
    } else {
        u64::try_from(to.wall_ms.saturating_sub(from.wall_ms)).unwrap_or(0)
    }
}

/// The plant's date at that moment.
pub fn local_date(now: Moment) -> Date {
    let local_ms = now.wall_ms.saturating_add(i64::from(now.offset_minutes) * 60_000);
    let local = Timestamp::from_millisecond(local_ms).unwrap_or(Timestamp::UNIX_EPOCH);
    local.to_zoned(TimeZone::UTC).date()
}
