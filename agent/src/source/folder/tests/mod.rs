//! What a drop folder promises, with real files. The store is the real one, on SQLite.

mod faults;
mod taking;

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::SystemTime;

use super::*;
use crate::source::testing::{Mood, Store, clock};

const HEADER: &str = "kind,external_id,item,location,quantity\n";

struct World {
    store: Store,
    tally: Arc<Tally>,
    folder: tempfile::TempDir,
}

impl World {
    fn new() -> Self {
        Self {
            store: Store::default(),
            tally: Arc::default(),
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn settings(&self) -> FolderSettings {
        let mut settings = FolderSettings::new("drop", self.folder.path());
        settings.complete = Complete::Quiet(Duration::ZERO);
        settings.stations.insert("STORE".into());
        settings.station = Some("STORE".into());
        settings.poll = Duration::from_millis(20);
        settings
    }

    async fn source(&self, settings: FolderSettings) -> FolderSource<Store> {
        FolderSource::open(settings, self.store.clone(), clock(), self.tally.clone())
            .await
            .unwrap()
    }

    /// Looks once, as the running source does.
    async fn round(&self) {
        self.source(self.settings())
            .await
            .round(&CancellationToken::new())
            .await
            .unwrap();
    }

    fn put(&self, name: &str, content: impl AsRef<[u8]>) {
        std::fs::write(self.folder.path().join(name), content).unwrap();
    }

    fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.folder.path().join(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
    }

    /// All files below the folder.
    fn files(&self) -> Vec<String> {
        let list = |sub: &str| -> Vec<String> {
            let read = std::fs::read_dir(self.folder.path().join(sub))
                .into_iter()
                .flatten();
            let files = read.flatten().filter(|entry| entry.path().is_file());
            files
                .map(|entry| format!("{sub}{}", entry.file_name().to_string_lossy()))
                .collect()
        };
        let mut files: Vec<String> = ["", "done/", "rejected/"].into_iter().flat_map(list).collect();
        files.sort();
        files
    }

    fn items(&self) -> Vec<String> {
        items(&self.store.bodies())
    }
}

fn items(bodies: &[String]) -> Vec<String> {
    let item = |body: &String| body.split('"').nth(3).unwrap().to_owned();
    bodies.iter().map(item).collect()
}

fn row(id: &str, item: &str, quantity: &str) -> String {
    format!("inventory.count,{id},{item},SHELF,{quantity}\n")
}

fn form(id: &str, item: &str) -> String {
    format!(
        r#"{{"kind":"inventory.count","external_id":"{id}","body":{{"item":"{item}","location":"S","quantity":{{"value":"1"}}}}}}"#
    ) + "\n"
}
