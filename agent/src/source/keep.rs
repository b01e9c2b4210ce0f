//! The door between the sources and the spool.

use std::future::Future;
use std::sync::Arc;

use millrace_shared::envelope::Moment;
use millrace_shared::ident::MessageId;
use millrace_shared::store::StoreError;
use millrace_shared::store::spool::{Intake, Verdict};

/// Reads the plant's clocks.
pub type Now = Arc<dyn Fn() -> Moment + Send + Sync>;

/// Why nothing can be said about an intake. What was handed over may or may not be kept: hand it over again, under the
/// same claim, or read the dialogue again.
#[derive(Debug, thiserror::Error)]
pub enum KeepError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The writer is gone; the service is stopping or must be restarted.
    #[error("the store's writer has ended")]
    Gone,
}

/// Where a source puts what it took in. Cheap to clone.
pub trait Keep: Clone + Send + Sync + 'static {
    /// Keeps these in their order; after `Ok` what is `Kept` is on disk. One verdict for each. Once one is
    /// [`Verdict::Full`], those behind it are too, so that what is tried again never lands behind its successor.
    fn keep(&self, batch: Vec<Intake>) -> impl Future<Output = Result<Vec<Verdict>, KeepError>> + Send;

    /// The dialogue of a station and connection as it was last committed.
    fn dialogue(
        &self,
        station: &str,
        connection: &str,
    ) -> impl Future<Output = Result<Option<Vec<u8>>, KeepError>> + Send;

    /// The messages that were kept under a source's id.
    fn claimed(
        &self,
        source: &str,
        id: &str,
    ) -> impl Future<Output = Result<Option<Vec<MessageId>>, KeepError>> + Send;
}

/// As [`Keep::keep`] for a single intake.
pub async fn keep_one<K: Keep>(keep: &K, intake: Intake) -> Result<Verdict, KeepError> {
    let verdicts = keep.keep(vec![intake]).await?;
    verdicts.into_iter().next().ok_or(KeepError::Gone)
}
