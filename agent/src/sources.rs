//! The configured sources, opened and ready to run; the daemon runs them.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::source::folder::{FolderError, FolderSource};
use crate::source::http::{HttpError, HttpSource};
use crate::source::tcp::{TcpError, TcpSource};
use crate::source::{Keep, Now, Tally};

/// Why a source cannot start. Permanent until a person mends it.
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

/// A source of any kind, open.
pub struct Source<K> {
    /// Its name.
    pub name: String,
    /// What it counts.
    pub tally: Arc<Tally>,
    task: Task<K>,
}

enum Task<K> {
    Scanner(Box<TcpSource<K>>),
    Http(Box<HttpSource>),
    Folder(Box<FolderSource<K>>),
}

impl<K: Keep> Source<K> {
    /// Takes messages in until told to stop.
    pub async fn run(self, stop: CancellationToken) {
        match self.task {
            Task::Scanner(source) => source.run(stop).await,
            Task::Http(source) => source.run(stop).await,
            Task::Folder(source) => source.run(stop).await,
        }
    }
}

/// Opens every configured source: all of them, or the first error.
pub async fn open<K: Keep>(config: &Config, keep: &K, now: &Now) -> Result<Vec<Source<K>>, SourceError> {
    let mut sources = Vec::new();
    let mut add = |name: &str, tally, task| {
        let name = name.to_owned();
        sources.push(Source { name, tally, task });
    };
    for scanner in &config.scanners {
        let (settings, station) = (scanner.settings.clone(), scanner.station.clone());
        let tally = Arc::new(Tally::default());
        let source = TcpSource::bind(settings, station, keep.clone(), now.clone(), tally.clone()).await?;
        add(&scanner.settings.name, tally, Task::Scanner(Box::new(source)));
    }
    for http in &config.https {
        let tally = Arc::new(Tally::default());
        let source = HttpSource::bind(http.clone(), keep.clone(), now.clone(), tally.clone()).await?;
        add(&http.name, tally, Task::Http(Box::new(source)));
    }
    for folder in &config.folders {
        let tally = Arc::new(Tally::default());
        let source = FolderSource::open(folder.clone(), keep.clone(), now.clone(), tally.clone()).await?;
        add(&folder.name, tally, Task::Folder(Box::new(source)));
    }
    Ok(sources)
}
