//! The configured sources; the daemon runs them.
//!
//! One that cannot be opened, as its address is in use or its folder not mounted yet, is tried again until it can be. It is
//! named in the log and the pulse meanwhile, and no other source waits for it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::config::{Config, ScannerConfig};
use crate::source::folder::{FolderError, FolderSettings, FolderSource};
use crate::source::http::{HttpError, HttpSettings, HttpSource};
use crate::source::tcp::{TcpError, TcpSource};
use crate::source::{Keep, Now, Tally};

/// How long a source that cannot be opened is left alone.
const AGAIN: Duration = Duration::from_secs(5);

/// The sources that cannot be opened, by name, and why.
pub type Closed = BTreeMap<String, String>;

/// Why a source cannot be opened. Transient: a person or the system may mend it at any time.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// A scanner source cannot listen.
    #[error(transparent)]
    Scanner(#[from] TcpError),
    /// An HTTP source cannot listen, or a token cannot be read.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// A drop folder cannot be used.
    #[error(transparent)]
    Folder(#[from] FolderError),
}

/// What a source is made from.
enum Plan {
    Scanner(Box<ScannerConfig>),
    Http(HttpSettings),
    Folder(FolderSettings),
}

/// A source that takes messages in.
enum Open<K> {
    Scanner(Box<TcpSource<K>>),
    Http(Box<HttpSource>),
    Folder(Box<FolderSource<K>>),
}

impl<K: Keep> Open<K> {
    async fn run(self, stop: CancellationToken) {
        match self {
            Open::Scanner(source) => source.run(stop).await,
            Open::Http(source) => source.run(stop).await,
            Open::Folder(source) => source.run(stop).await,
        }
    }
}

/// A source of any kind.
pub struct Source<K> {
    name: String,
    plan: Plan,
    keep: K,
    now: Now,
    tally: Arc<Tally>,
    closed: watch::Sender<Closed>,
    open: Option<Open<K>>,
}

/// Every configured source, opened where it can be.
pub async fn open<K: Keep>(
    config: &Config,
    keep: &K,
    now: &Now,
    closed: &watch::Sender<Closed>,
) -> Vec<Source<K>> {
    let scanners = config.scanners.iter().cloned().map(Box::new).map(Plan::Scanner);
    let https = config.https.iter().cloned().map(Plan::Http);
    let folders = config.folders.iter().cloned().map(Plan::Folder);
    let mut sources = Vec::new();
    for plan in scanners.chain(https).chain(folders) {
        let mut source = Source {
            name: plan.name().to_owned(),
            plan,
            keep: keep.clone(),
            now: now.clone(),
            tally: Arc::default(),
            closed: closed.clone(),
            open: None,
        };
        source.open().await;
        sources.push(source);
    }
    sources
}

impl Plan {
    fn name(&self) -> &str {
        match self {
            Plan::Scanner(scanner) => &scanner.settings.name,
            Plan::Http(http) => &http.name,
            Plan::Folder(folder) => &folder.name,
        }
    }
}

impl<K: Keep> Source<K> {
    /// Takes messages in until told to stop.
    pub async fn run(mut self, stop: CancellationToken) {
        loop {
            if let Some(open) = self.open.take() {
                open.run(stop.clone()).await;
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = sleep(AGAIN) => self.open().await,
            }
        }
    }

    async fn open(&mut self) {
        match self.attempt().await {
            Ok(open) => {
                self.open = Some(open);
                if self
                    .closed
                    .send_if_modified(|closed| closed.remove(&self.name).is_some())
                {
                    tracing::info!(source = self.name, "the source is open after all");
                }
            }
            Err(error) => {
                let why = error.to_string();
                let is_news = self.closed.send_if_modified(|closed| {
                    let before = closed.insert(self.name.clone(), why.clone());
                    before.as_ref() != Some(&why)
                });
                if is_news {
                    tracing::error!("{why}. It is tried again every {AGAIN:?}");
                }
            }
        }
    }

    async fn attempt(&self) -> Result<Open<K>, SourceError> {
        let (keep, now, tally) = (self.keep.clone(), self.now.clone(), self.tally.clone());
        Ok(match &self.plan {
            Plan::Scanner(scanner) => {
                let (settings, station) = (scanner.settings.clone(), scanner.station.clone());
                Open::Scanner(Box::new(
                    TcpSource::bind(settings, station, keep, now, tally).await?,
                ))
            }
            Plan::Http(http) => Open::Http(Box::new(HttpSource::bind(http.clone(), keep, now, tally).await?)),
            Plan::Folder(folder) => Open::Folder(Box::new(
                FolderSource::open(folder.clone(), keep, now, tally).await?,
            )),
        })
    }
}
