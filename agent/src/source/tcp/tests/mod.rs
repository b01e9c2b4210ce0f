//! What a scanner hears, over real sockets. The store is the real one, on SQLite.

mod dialogue;
mod faults;

use millrace_shared::message::Completion;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpSocket;
use tokio::task::JoinHandle;

use super::*;
use crate::source::testing::{Mood, Store, clock};
use crate::station::{Makes, Profile};

struct World {
    store: Store,
    tally: Arc<Tally>,
    address: SocketAddr,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl World {
    async fn of(store: &Store, change: impl FnOnce(&mut TcpSettings)) -> Self {
        let mut settings = TcpSettings::new("scanners", "127.0.0.1:0".parse().unwrap());
        settings.answer_within = Duration::from_millis(300);
        change(&mut settings);
        assert_eq!(settings.replies.problems(), Vec::<String>::new());
        let station = Arc::new(Station {
            name: "PRESS-1".into(),
            profile: Profile::new(Makes::Production(Completion::Auto)),
        });
        let tally = Arc::new(Tally::default());
        let source = TcpSource::bind(settings, station, store.clone(), clock(), tally.clone())
            .await
            .unwrap();
        let stop = CancellationToken::new();
        Self {
            store: store.clone(),
            tally,
            address: source.local_addr().unwrap(),
            stop: stop.clone(),
            task: tokio::spawn(source.run(stop)),
        }
    }

    async fn new() -> Self {
        Self::of(&Store::default(), |_| {}).await
    }

    async fn device(&self) -> Device {
        self.device_at("127.0.0.1").await
    }

    async fn device_at(&self, ip: &str) -> Device {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(format!("{ip}:0").parse().unwrap()).unwrap();
        Device(BufReader::new(socket.connect(self.address).await.unwrap()))
    }

    async fn end(self) {
        self.stop.cancel();
        self.task.await.unwrap();
    }
}

struct Device(BufReader<TcpStream>);

impl Device {
    async fn send(&mut self, bytes: &[u8]) {
        self.0.get_mut().write_all(bytes).await.unwrap();
    }

    async fn answer(&mut self) -> String {
        let mut line = String::new();
        let read = tokio::time::timeout(Duration::from_secs(10), self.0.read_line(&mut line));
        read.await.expect("an answer in time").unwrap();
        line
    }

    async fn scan(&mut self, scan: &str) -> String {
        self.send(format!("{scan}\r").as_bytes()).await;
        self.answer().await
    }

    /// Whether the other end closes without sending anything more.
    async fn is_closed(&mut self) -> bool {
        let mut rest = Vec::new();
        let read = tokio::time::timeout(Duration::from_secs(10), self.0.read_to_end(&mut rest));
        !matches!(read.await, Ok(Ok(1..))) && rest.is_empty()
    }
}
