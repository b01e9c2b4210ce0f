//! Drives one dialogue: a scan goes through the station's machine, what follows is kept, and only then answered.
//!
//! One session stands for one (station, connection) at a time; scans go through it one after the other. If it is not
//! known whether a scan was kept, the dialogue is read again from the store before the next one, so that memory never
//! runs ahead of the disk or behind it.

use std::sync::Arc;
use std::time::Duration;

use millrace_shared::store::spool::{Claim, DialogueChange, Intake, Scan, Verdict};
use tokio::task::JoinHandle;
use tracing::{error, warn};

use super::keep::{Keep, KeepError, Now, keep_one};
use super::tally::{Count, Tally};
use crate::station::{Dialogue, Feedback, Station, Step, Tone};

/// What to tell the device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The scan was judged, and what follows from it is on disk.
    Feedback(Feedback),
    /// It could not be kept now; the operator must scan it again later. The text says why.
    Unavailable(String),
}

/// What all sessions of a source have in common.
pub struct Desk<K> {
    /// The configured source.
    pub source: String,
    /// The station whose scans these are.
    pub station: Arc<Station>,
    /// Where they are kept.
    pub keep: K,
    /// The plant's clocks.
    pub now: Now,
    /// What is counted.
    pub tally: Arc<Tally>,
    /// How long a device is left without an answer while the disk is slow. Scanners give up by themselves after 10 s.
    pub answer_within: Duration,
}

/// One dialogue, driven.
pub struct Session<K> {
    desk: Arc<Desk<K>>,
    connection: String,
    /// Whether the dialogue is kept in the spool and outlives the connection.
    durable: bool,
    /// The dialogue as it is on disk; none where it must be read first.
    dialogue: Option<Dialogue>,
    /// A scan whose commit nobody could wait for any longer.
    late: Option<Late>,
}

struct Late {
    raw: Vec<u8>,
    step: Step,
    commit: JoinHandle<Result<Verdict, KeepError>>,
}

impl<K: Keep> Session<K> {
    /// The session of this connection. Where it is not `durable` the dialogue ends with it.
    pub fn new(desk: Arc<Desk<K>>, connection: String, durable: bool) -> Self {
        Self {
            desk,
            connection,
            durable,
            dialogue: None,
            late: None,
        }
    }

    /// Takes a scan.
    pub async fn scan(&mut self, raw: &[u8]) -> Answer {
        self.desk.tally.add(Count::Arrived);
        if let Some(answer) = self.settle_late(raw).await {
            return answer;
        }
        let Ok(text) = std::str::from_utf8(raw) else {
            self.desk.tally.add(Count::NotUtf8);
            let why = "the code is not UTF-8 text: check the scanner's character set";
            return self.journal(raw, Feedback::new(Tone::Refused, why)).await;
        };
        let dialogue = match self.load().await {
            Ok(dialogue) => dialogue,
            Err(error) => return self.unavailable(&error),
        };
        let step = self.desk.station.handle(&dialogue, text, (self.desk.now)());
        let intake = match self.intake(raw, &dialogue, &step) {
            Ok(intake) => intake,
            Err(answer) => return answer,
        };
        self.dialogue = Some(dialogue);
        self.commit(raw, step, intake).await
    }

    /// Keeps a scan in the journal that the station shall not see, and answers it so.
    pub async fn journal(&mut self, raw: &[u8], feedback: Feedback) -> Answer {
        let intake = Intake {
            scan: Some(self.scanned(raw)),
            ..Intake::default()
        };
        self.desk.tally.add(Count::Refused);
        let kept = tokio::time::timeout(self.desk.answer_within, keep_one(&self.desk.keep, intake)).await;
        if !matches!(kept, Ok(Ok(Verdict::Kept(_)))) {
            warn!(
                source = self.desk.source,
                connection = self.connection,
                "a refused scan is not in the journal"
            );
        }
        Answer::Feedback(feedback)
    }

    fn scanned(&self, raw: &[u8]) -> Scan {
        Scan {
            station: self.desk.station.name.clone(),
            connection: self.connection.clone(),
            moment: (self.desk.now)(),
            raw: raw.to_vec(),
        }
    }

    /// Everything that must be on disk before the answer to this scan.
    fn intake(&self, raw: &[u8], before: &Dialogue, step: &Step) -> Result<Intake, Answer> {
        let scan = self.scanned(raw);
        let station = &self.desk.station.name;
        let changed = self.durable && step.dialogue != *before;
        let dialogue = changed.then(|| {
            let state = step.dialogue.to_bytes().map(Some)?;
            Ok(DialogueChange {
                station: station.clone(),
                connection: self.connection.clone(),
                state,
            })
        });
        let dialogue = dialogue
            .transpose()
            .map_err(|error: crate::station::dialogue::DialogueError| self.unavailable(&error))?;
        let booking = step.booking.as_ref();
        Ok(Intake {
            claim: booking.map(|booking| Claim {
                source: claim_source(station),
                id: self.claim_id(&booking.claim),
                content: booking.content,
            }),
            drafts: booking
                .map(|booking| booking.draft(&self.desk.source, station, scan.moment))
                .into_iter()
                .collect(),
            scan: Some(scan),
            dialogue,
        })
    }

    async fn commit(&mut self, raw: &[u8], step: Step, intake: Intake) -> Answer {
        let keep = self.desk.keep.clone();
        // On a task of its own, so that it is seen to its end even where nobody waits for it any longer.
        let mut commit = tokio::spawn(async move { keep_one(&keep, intake).await });
        match tokio::time::timeout(self.desk.answer_within, &mut commit).await {
            Ok(done) => self.conclude(step, done.unwrap_or(Err(KeepError::Gone))),
            Err(_) => {
                let raw = raw.to_vec();
                self.late = Some(Late { raw, step, commit });
                self.slow()
            }
        }
    }

    /// Waits for the commit of an earlier scan. Answers where this scan is that one again, or must wait still.
    async fn settle_late(&mut self, raw: &[u8]) -> Option<Answer> {
        let mut late = self.late.take()?;
        let Ok(done) = tokio::time::timeout(self.desk.answer_within, &mut late.commit).await else {
            self.late = Some(late);
            return Some(self.slow());
        };
        let kept = matches!(done, Ok(Ok(Verdict::Kept(_))));
        let answer = self.conclude(late.step, done.unwrap_or(Err(KeepError::Gone)));
        match answer {
            Answer::Feedback(feedback) if kept && late.raw == raw => {
                Some(Answer::Feedback(Feedback::new(Tone::Already, feedback.text)))
            }
            _ => None,
        }
    }

    fn conclude(&mut self, step: Step, verdict: Result<Verdict, KeepError>) -> Answer {
        let tally = &self.desk.tally;
        match verdict {
            Ok(Verdict::Kept(ids)) => {
                match step.feedback.tone {
                    Tone::Already => tally.add(Count::Already),
                    Tone::Refused => tally.add(Count::Refused),
                    Tone::Taken | Tone::Booked => tally.add_many(Count::Kept, ids.len() as u64),
                }
                let mut dialogue = step.dialogue;
                if step.booking.is_some() {
                    dialogue.kept(&ids);
                }
                self.dialogue = Some(dialogue);
                Answer::Feedback(step.feedback)
            }
            Ok(Verdict::Known(ids)) => {
                tally.add(Count::Already);
                let mut dialogue = step.dialogue;
                dialogue.kept(&ids);
                let booked = dialogue.booked.as_ref().map(|booked| booked.summary.as_str());
                let text = format!("already {}", booked.unwrap_or("taken"));
                self.dialogue = (!self.durable).then_some(dialogue);
                Answer::Feedback(Feedback::new(Tone::Already, text))
            }
            Ok(Verdict::Conflict(_)) => {
                tally.add(Count::Conflict);
                self.dialogue = None;
                let why = "the entry was booked before, with other scans: look at what was booked, then begin again";
                Answer::Feedback(Feedback::new(Tone::Refused, why))
            }
            Ok(Verdict::Refused(why)) => {
                tally.add(Count::Refused);
                Answer::Feedback(Feedback::new(Tone::Refused, why))
            }
            Ok(Verdict::Full(why)) => self.unavailable(&why),
            Err(error) => {
                if self.durable {
                    self.dialogue = None;
                }
                self.unavailable(&error)
            }
        }
    }

    /// The dialogue as it is on disk.
    async fn load(&mut self) -> Result<Dialogue, KeepError> {
        if let Some(dialogue) = self.dialogue.take() {
            return Ok(dialogue);
        }
        let fresh = || Dialogue::new((self.desk.now)());
        if !self.durable {
            return Ok(fresh());
        }
        let station = &self.desk.station.name;
        let Some(bytes) = self.desk.keep.dialogue(station, &self.connection).await? else {
            return Ok(fresh());
        };
        let mut dialogue = match Dialogue::from_bytes(&bytes) {
            Ok(dialogue) => dialogue,
            Err(error) => {
                self.desk.tally.add(Count::DialogueLost);
                error!(station, connection = self.connection, %error, "a kept dialogue cannot be continued: it begins anew");
                return Ok(fresh());
            }
        };
        if let Some(claim) = dialogue.unnamed() {
            let id = self.claim_id(claim);
            let ids = self.desk.keep.claimed(&claim_source(station), &id).await?;
            dialogue.kept(&ids.unwrap_or_default());
        }
        Ok(dialogue)
    }

    fn claim_id(&self, claim: &str) -> String {
        format!("{} {claim}", self.connection)
    }

    fn slow(&self) -> Answer {
        self.unavailable(&"the disk is slow: scan again in a moment")
    }

    fn unavailable(&self, why: &dyn std::fmt::Display) -> Answer {
        self.desk.tally.add(Count::Unavailable);
        warn!(source = self.desk.source, connection = self.connection, %why, "a scan could not be kept and was refused");
        Answer::Unavailable(format!("not kept, scan again later: {why}"))
    }
}

fn claim_source(station: &str) -> String {
    format!("station:{station}")
}
