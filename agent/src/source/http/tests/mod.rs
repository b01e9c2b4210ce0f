//! What a system is told, over real sockets. The store is the real one, on SQLite.

mod refusal;
mod taking;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::JoinHandle;

use super::*;
use crate::source::testing::{Mood, Store, clock};

const TOKEN: &str = "a-token-of-enough-characters";

struct World {
    store: Store,
    tally: Arc<Tally>,
    address: SocketAddr,
    stop: CancellationToken,
    task: JoinHandle<()>,
    _folder: tempfile::TempDir,
}

struct Answer {
    status: u16,
    head: String,
    body: serde_json::Value,
}

impl World {
    async fn new() -> Self {
        Self::of(|_| {}).await
    }

    async fn of(change: impl FnOnce(&mut HttpSettings)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let token_file = folder.path().join("mes.token");
        std::fs::write(&token_file, format!("{TOKEN}\n")).unwrap();
        let mut settings = HttpSettings::new("http", "127.0.0.1:0".parse().unwrap());
        settings.stations.insert("STORE".into());
        settings.clients.push(ClientSettings {
            name: "mes".into(),
            token_file,
            station: Some("STORE".into()),
        });
        settings.answer_within = Duration::from_millis(500);
        change(&mut settings);
        assert_eq!(settings.problems(), Vec::<String>::new());
        let (store, tally) = (Store::default(), Arc::new(Tally::default()));
        let source = HttpSource::bind(settings, store.clone(), clock(), tally.clone())
            .await
            .unwrap();
        let stop = CancellationToken::new();
        Self {
            store,
            tally,
            address: source.local_addr().unwrap(),
            stop: stop.clone(),
            task: tokio::spawn(source.run(stop)),
            _folder: folder,
        }
    }

    async fn raw(&self, request: &[u8]) -> Answer {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(request).await.unwrap();
        let mut bytes = Vec::new();
        // A server that refuses a request may reset the connection once it has answered.
        let _ = tokio::time::timeout(Duration::from_secs(10), stream.read_to_end(&mut bytes))
            .await
            .unwrap();
        let text = String::from_utf8(bytes).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        Answer {
            status: head
                .split(' ')
                .nth(1)
                .and_then(|code| code.parse().ok())
                .unwrap_or(0),
            head: head.to_ascii_lowercase(),
            body: serde_json::from_str(body).unwrap_or_default(),
        }
    }

    async fn post_as(&self, headers: &str, body: &str) -> Answer {
        let request = format!(
            "POST /v1/messages HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {}\r\n{headers}\r\n{body}",
            body.len()
        );
        self.raw(request.as_bytes()).await
    }

    async fn post(&self, body: &str) -> Answer {
        self.with_key("", body).await
    }

    async fn with_key(&self, key: &str, body: &str) -> Answer {
        let key = if key.is_empty() {
            String::new()
        } else {
            format!("Idempotency-Key: {key}\r\n")
        };
        let headers = format!("Authorization: Bearer {TOKEN}\r\nContent-Type: application/json\r\n{key}");
        self.post_as(&headers, body).await
    }

    fn kept(&self) -> usize {
        self.store.look().drafts.len()
    }
}

fn count(id: &str, quantity: &str) -> String {
    let id = if id.is_empty() {
        String::new()
    } else {
        format!(r#""external_id":"{id}","#)
    };
    format!(
        r#"{{{id}"kind":"inventory.count","body":{{"item":"A","location":"B","quantity":{{"value":"{quantity}"}}}}}}"#
    )
}
