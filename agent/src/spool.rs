//! The sources' door to the spool: what they hand over is on disk before they hear of it.

use millrace_shared::ident::MessageId;
use millrace_shared::store::StoreError;
use millrace_shared::store::spool::{BATCH_INTAKES, Intake, Spool, SpoolReader, Verdict};
use millrace_shared::store::sqlite::spool::SqliteSpool;
use millrace_shared::store::writer::Writer;
use tokio::sync::watch;

use crate::source::{Keep, KeepError};

/// The spool, and the bell that tells the link of each commit.
#[derive(Debug, Clone)]
pub struct Kept {
    writer: Writer<SqliteSpool>,
    committed: watch::Sender<()>,
}

impl Kept {
    /// A door to this spool that rings this bell.
    pub fn new(writer: Writer<SqliteSpool>, committed: watch::Sender<()>) -> Self {
        Self { writer, committed }
    }

    async fn ask<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut SqliteSpool) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, KeepError> {
        Ok(self.writer.ask(move |spool, _| job(spool)).await??)
    }
}

impl Keep for Kept {
    async fn keep(&self, mut batch: Vec<Intake>) -> Result<Vec<Verdict>, KeepError> {
        let verdicts = match batch.pop() {
            // A lone intake shares its commit with those of other sources.
            Some(only) if batch.is_empty() => vec![self.writer.commit(only).await?],
            Some(last) => {
                batch.push(last);
                self.writer
                    .ask(move |spool, now| in_parts(&batch, |part| spool.commit(part, now)))
                    .await??
            }
            None => Vec::new(),
        };
        self.committed.send_replace(());
        Ok(verdicts)
    }

    async fn dialogue(&self, station: &str, connection: &str) -> Result<Option<Vec<u8>>, KeepError> {
        let (station, connection) = (station.to_owned(), connection.to_owned());
        self.ask(move |spool| spool.dialogue(&station, &connection)).await
    }

    async fn claimed(&self, source: &str, id: &str) -> Result<Option<Vec<MessageId>>, KeepError> {
        let (source, id) = (source.to_owned(), id.to_owned());
        self.ask(move |spool| spool.claimed(&source, &id)).await
    }
}

/// Commits in parts that the spool takes. Once a part meets the quota, those behind it do too.
fn in_parts(
    batch: &[Intake],
    mut commit: impl FnMut(&[Intake]) -> Result<Vec<Verdict>, StoreError>,
) -> Result<Vec<Verdict>, StoreError> {
    let mut verdicts = Vec::with_capacity(batch.len());
    for part in batch.chunks(BATCH_INTAKES) {
        match verdicts.last() {
            Some(Verdict::Full(text)) => {
                let full = Verdict::Full(text.clone());
                verdicts.resize(verdicts.len() + part.len(), full);
            }
            _ => verdicts.extend(commit(part)?),
        }
    }
    Ok(verdicts)
}
