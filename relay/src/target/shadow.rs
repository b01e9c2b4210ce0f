//! The shadow: records what would be posted and posts nothing. For rehearsals, and where there is no Odoo yet.
//!
//! It looks nothing up, so a posting says in the message's own words what is to happen; and it refuses nothing.

use std::sync::Arc;

use millrace_shared::outcome::Record;
use millrace_shared::store::StoreError;
use millrace_shared::store::desk::{Desk, Gone};
use millrace_shared::store::shadow::{Fenced, Kept, Known, Mark, Name, Recorder, Recording};
use serde_json::{Value, json};

use super::{Answer, Class, End, Fault, Head, Rehearsal, Reply, Target, Tenure};
use crate::post::{self, Case, Facts, Plan, Posting, Question, Stamp};

/// The record has no timeline but its own life.
const TIMELINE: u64 = 1;

/// A domain of a record.
#[derive(Debug)]
pub struct Shadow<R> {
    record: Desk<R>,
    domain: Arc<str>,
}

impl<R: Recorder + Send + 'static> Shadow<R> {
    /// The domain in this record. Several domains may share one.
    pub fn new(record: Desk<R>, domain: &str) -> Self {
        Self {
            record,
            domain: domain.into(),
        }
    }

    async fn ask_desk<T: Send + 'static>(
        &self,
        doing: &str,
        job: impl FnOnce(&mut R, &str) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, Fault> {
        let domain = Arc::clone(&self.domain);
        let gone = |Gone| Fault::new(Class::Malformed, "the shadow's record has ended").doing(doing);
        let answer = self
            .record
            .ask(move |record| job(record, &domain))
            .await
            .map_err(gone)?;
        answer.map_err(|error| {
            let class = if error.is_transient() {
                Class::Transient
            } else {
                Class::Configuration
            };
            Fault::new(class, error.to_string()).doing(doing)
        })
    }
}

impl<R: Recorder + Send + 'static> Target for Shadow<R> {
    fn plan(&self, case: &Case<'_>, _: &Facts) -> Plan {
        Plan::Post(Box::new(post::literal(case)))
    }

    async fn look(&self, _: &[Question]) -> Result<Facts, Fault> {
        Ok(Facts::default())
    }

    fn flush(&self) {}

    async fn take(&self, at_least: u64) -> Result<Tenure, Fault> {
        let mark = self.ask_desk("taking the shadow's domain", move |record, domain| {
            record.take(domain, at_least)
        });
        let mark = mark.await?;
        Ok(Tenure {
            fence: mark.fence,
            seen: Some(head(mark)),
        })
    }

    async fn apply(&self, tenure: &Tenure, postings: &[Posting]) -> Result<Reply, Fault> {
        let recordings: Vec<Recording> = postings.iter().flat_map(recordings).collect();
        let (fence, names) = (tenure.fence, stamps(postings));
        let job = move |record: &mut R, domain: &str| record.record(domain, fence, &recordings);
        Ok(reply(self.ask_desk("recording postings", job).await?, &names))
    }

    async fn rehearse(&self, postings: &[Posting]) -> Result<Rehearsal, Fault> {
        let answers = stamps(postings).into_iter().map(|stamp| {
            let record = Record {
                model: post::SHADOW.into(),
                id: 0,
                name: stamp.kind.to_string(),
            };
            Answer {
                attempt: stamp.attempt,
                id: stamp.id,
                repeat: false,
                end: End::Done(record, Value::Null),
            }
        });
        Ok(Rehearsal {
            answers: answers.collect(),
            changes: json!({}),
        })
    }

    async fn ask(&self, asked: &[Stamp]) -> Result<(Head, Vec<Answer>), Fault> {
        let names: Vec<Name> = asked.iter().map(name).collect();
        let job = move |record: &mut R, domain: &str| record.ask(domain, &names);
        let (mark, known) = self.ask_desk("asking the shadow", job).await?;
        let answers = asked.iter().zip(known).map(|(stamp, known)| match known {
            Some(known) => answer(stamp, Kept { known, repeat: true }),
            None => Answer {
                attempt: stamp.attempt,
                id: stamp.id.clone(),
                repeat: false,
                end: End::Unknown,
            },
        });
        Ok((head(mark), answers.collect()))
    }

    async fn void(&self, tenure: &Tenure, stamps: &[Stamp], reason: &str, by: &str) -> Result<Reply, Fault> {
        let (fence, names): (u64, Vec<Name>) = (tenure.fence, stamps.iter().map(name).collect());
        let (reason, by) = (reason.to_owned(), by.to_owned());
        let job = move |record: &mut R, domain: &str| record.void(domain, fence, &names, &reason, &by);
        Ok(reply(
            self.ask_desk("declaring messages void", job).await?,
            stamps,
        ))
    }

    async fn purge(&self, tenure: &Tenure, floors: &[(String, u64)]) -> Result<bool, Fault> {
        let (fence, floors) = (tenure.fence, floors.to_vec());
        let job = move |record: &mut R, domain: &str| record.purge(domain, fence, &floors);
        match self.ask_desk("purging the shadow", job).await? {
            Fenced::Done(_, more) => Ok(more),
            Fenced::Stale(_) => {
                Err(Fault::new(Class::Transient, "another relay took the domain").named("stale"))
            }
        }
    }
}

fn stamps(postings: &[Posting]) -> Vec<Stamp> {
    postings.iter().flat_map(Posting::stamps).cloned().collect()
}

fn recordings(posting: &Posting) -> impl Iterator<Item = Recording> + '_ {
    posting
        .stamps()
        .iter()
        .zip(posting.trails())
        .map(|(stamp, trail)| Recording {
            name: name(stamp),
            title: trail.data["name"].as_str().unwrap_or_default().to_owned(),
            posting: trail.data.to_string(),
        })
}

fn name(stamp: &Stamp) -> Name {
    Name {
        id: stamp.id.to_string(),
        digest: stamp.digest.to_string(),
        attempt: stamp.attempt,
        lane: stamp.lane(),
        sequence: stamp.id.position.sequence,
    }
}

fn head(mark: Mark) -> Head {
    Head {
        count: mark.count,
        database: mark.identity,
        timeline: TIMELINE,
    }
}

fn reply(fenced: Fenced<Vec<Kept>>, stamps: &[Stamp]) -> Reply {
    match fenced {
        Fenced::Stale(mark) => Reply::Stale(head(mark)),
        Fenced::Done(mark, kept) => Reply::Answers(
            head(mark),
            stamps
                .iter()
                .zip(kept)
                .map(|(stamp, kept)| answer(stamp, kept))
                .collect(),
        ),
    }
}

fn answer(stamp: &Stamp, kept: Kept) -> Answer {
    let mut attempt = stamp.attempt;
    let end = match kept.known {
        Known::Done {
            record,
            title,
            attempt: recorded,
        } => {
            attempt = recorded;
            End::Done(
                Record {
                    model: post::SHADOW.into(),
                    id: record,
                    name: title,
                },
                Value::Null,
            )
        }
        Known::Void { reason, by } => End::Void { reason, by },
        Known::Conflict => End::Conflict,
        Known::Expired => End::Expired,
    };
    Answer {
        id: stamp.id.clone(),
        attempt,
        repeat: kept.repeat,
        end,
    }
}
